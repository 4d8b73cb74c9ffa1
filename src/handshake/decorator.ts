// What both halves of the handshake share: the agreement, the accept value, the decorator, and heads that become a
// standard `Response` only when somebody looks at them.

import { type RequestHead } from "../errors/handshake_error.ts";
import { type FieldList } from "../http/response.ts";
import { type Agreement } from "../protocol/agreement.ts";

/**
 * A request that is about to be sent; `headers` may be changed.
 *
 * @example A field that depends on the target
 * ```ts
 * import { offer, type RequestDraft } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const sign = ({ method, url, headers }: RequestDraft) => {
 *   headers.set("x-signature", btoa(`${method} ${new URL(url).pathname}`));
 * };
 * const { request } = offer("wss://localhost/chat", { headers: sign });
 *
 * assertEquals(request.headers.get("x-signature"), btoa("GET /chat"));
 * ```
 */
export interface RequestDraft {
  /** The method. */
  readonly method: string;
  /** The absolute URL, with the scheme http or https. */
  readonly url: string;
  /** The fields, but for the ones that belong to the handshake. */
  readonly headers: Headers;
}

/**
 * A response that is about to be sent; `headers` may be changed.
 *
 * @example A field for refusals only
 * ```ts
 * import { answer, type ResponseDraft } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const unstored = ({ status, headers }: ResponseDraft) => {
 *   if (status !== 101) headers.set("cache-control", "no-store");
 * };
 * const { response } = await answer(new Request("http://localhost/"), { headers: unstored });
 *
 * assertEquals(response.headers.get("cache-control"), "no-store");
 * ```
 */
export interface ResponseDraft {
  /** The status: 101, or that of a refusal. */
  readonly status: number;
  /** The fields, but for the ones that belong to the handshake. */
  readonly headers: Headers;
}

/**
 * The `headers` option: fields to set, or a synchronous function that changes a draft's `headers`; a server's is called
 * with the request as well. Changing a field that belongs to the handshake is a `TypeError`.
 *
 * @example A number that goes through all logs
 * ```ts
 * import { answer, type Decorator, offer, type ResponseDraft } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const trace: Decorator<ResponseDraft> = ({ headers }, request) => {
 *   headers.set("x-request-id", request?.headers.get("x-request-id") ?? "none");
 * };
 * const { request } = offer("ws://localhost/", { headers: { "x-request-id": "42" } });
 * const { response } = await answer(request, { headers: trace });
 *
 * assertEquals(response.headers.get("x-request-id"), "42");
 * ```
 */
export type Decorator<Draft> = HeadersInit | ((head: Draft, request?: RequestHead) => void);

/** What a decorator must leave alone: these carry the handshake and the framing of the message. */
const PROTECTED = /^(?:upgrade|connection|content-length|transfer-encoding|sec-websocket-.*)$/;

/**
 * Checks a decorator as far as that can be done before it is used.
 *
 * @throws {TypeError} For a field that is not allowed or not valid.
 */
export function checkDecorator<Draft>(decorator: Decorator<Draft> | undefined, role: Agreement["role"]): void {
  if (decorator === undefined || typeof decorator === "function") return;
  for (const [name] of new Headers(decorator)) if (isProtected(name, role)) refuseField(name);
}

function isProtected(name: string, role: Agreement["role"]): boolean {
  return PROTECTED.test(name) || role === "server" && name === "host";
}

function refuseField(name: string): never {
  throw new TypeError(`Cannot set the field ${name}: it belongs to the handshake`);
}

/**
 * Fields after a decorator. It sees all fields, and may do what it likes with those that are not the handshake's.
 *
 * @param draft Makes what a function is called with.
 * @throws {TypeError} When it changes one of the handshake's fields, or returns a promise.
 */
export function decorate<Draft extends { readonly headers: Headers }>(
  fields: FieldList,
  decorator: Decorator<Draft> | undefined,
  role: Agreement["role"],
  draft: (headers: Headers) => Draft,
  request?: RequestHead,
): FieldList {
  if (decorator === undefined) return fields;
  const headers = new Headers(fields.map(([name, value]): [string, string] => [name, value]));
  if (typeof decorator === "function") {
    const returned: unknown = decorator(draft(headers), request);
    if (returned instanceof Promise) {
      returned.catch(() => {});
      throw new TypeError("Cannot decorate the head: the function must be synchronous");
    }
  } else {
    for (const [name, value] of new Headers(decorator)) {
      if (name === "set-cookie") headers.append(name, value);
      else headers.set(name, value);
    }
  }
  for (const [name, value] of fields) {
    if (isProtected(name.toLowerCase(), role) && headers.get(name) !== value) refuseField(name);
  }
  // What was there stays in its order, in front of the rest; each Set-Cookie is a line of its own
  const own = new Set(fields.map(([name]) => name.toLowerCase()).filter((name) => name !== "set-cookie"));
  const decorated: FieldList = [];
  for (const name of own) if (headers.has(name)) decorated.push([name, headers.get(name)!]);
  for (const [name, value] of headers) {
    if (own.has(name)) continue;
    if (isProtected(name, role)) refuseField(name);
    decorated.push([name, value]);
  }
  return decorated;
}
