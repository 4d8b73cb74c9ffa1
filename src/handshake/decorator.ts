// The `headers` option of both halves of the handshake: the fields of a head to the fields that the caller wants. What
// carries the handshake, or frames the message, can't be changed.

import type { RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { wrongCharacter } from "../http/field_lines.ts";
import { isFieldValue, isToken } from "../http/field_values.ts";
import type { FieldList } from "../http/write_head.ts";
import type { Agreement } from "../protocol/agreement.ts";

/**
 * A request that is about to be sent, given to the `headers` function of `offer` and `connect`. Its `headers`
 * may be changed.
 *
 * @example A field that depends on the URL
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
  /** All header fields; those that belong to the handshake must not be changed. */
  readonly headers: Headers;
}

/**
 * A response that is about to be sent, given to the `headers` function of `answer` and `accept`. Its `headers` may be
 * changed.
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
  /** All header fields; those that belong to the handshake must not be changed. */
  readonly headers: Headers;
}

/**
 * Header fields, as `new Headers()` takes them: the type that browsers and Deno have under this name, for where there is
 * none, as in the types of Node.
 *
 * @example Three forms of one field
 * ```ts
 * import { type HeadersInit, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const forms: HeadersInit[] = [{ "x-id": "42" }, [["x-id", "42"]], new Headers({ "x-id": "42" })];
 *
 * for (const headers of forms) {
 *   assertEquals(offer("ws://localhost/", { headers }).request.headers.get("x-id"), "42");
 * }
 * ```
 */
export type HeadersInit = Headers | Iterable<readonly string[]> | Readonly<Record<string, string>>;

/**
 * The `headers` option: header fields to set, or a synchronous function that changes the `headers` of what is about to be
 * sent. On a server the function is also given the request. Changing a field of the handshake is a `TypeError`.
 *
 * @example A request ID for the logs of both ends
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

/** The fields that a decorator must not change: they carry the handshake, or frame the message. */
const PROTECTED = /^(?:upgrade|connection|content-length|transfer-encoding|sec-websocket-.*)$/;

/**
 * Checks a decorator before it is applied.
 *
 * @throws {TypeError} When it sets a field that it must not change, or one that is not valid.
 */
export function checkDecorator<Draft>(decorator: Decorator<Draft> | undefined, role: Agreement["role"]): void {
  if (decorator === undefined || typeof decorator === "function") return;
  for (const [name] of toHeaders(decorator)) if (isProtected(name, role)) refuseField(name);
}

/** What a caller has given as `Headers`. The runtimes' own errors would quote an invalid value, even a credential. */
function toHeaders(init: HeadersInit): Headers {
  try {
    return new Headers(init as Headers); // of whichever form
  } catch {
    const fields: Iterable<unknown> = Symbol.iterator in init ? init : Object.entries(init);
    throw new TypeError(`Cannot use the option headers: ${whatIsWrong(fields)}`);
  }
}

function whatIsWrong(fields: Iterable<unknown>): string {
  for (const field of fields) {
    const [name, value] = Array.isArray(field) ? field.map(String) : [];
    if (name === undefined || value === undefined) break;
    if (!isToken(name)) return `the name ${quote(name)} is not a token (RFC 9110 §5.6.2)`;
    if (!isFieldValue(value)) return `${name} ${wrongCharacter(value)} (RFC 9110 §5.5)`;
  }
  return "it must be what new Headers() takes";
}

function isProtected(name: string, role: Agreement["role"]): boolean {
  return PROTECTED.test(name) || role === "server" && name === "host";
}

function refuseField(name: string): never {
  throw new TypeError(`Cannot set the field ${name}: it belongs to the handshake`);
}

/**
 * Applies a decorator to the fields of a head. It sees them all, and may add, change and delete those that do not belong
 * to the handshake.
 *
 * @param draft Makes the first argument of a function.
 * @param request The second argument of a function.
 * @throws {TypeError} When it changes a field of the handshake, or returns a promise.
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
  if (typeof decorator === "function") callDecorator(decorator, draft(headers), request);
  else setFields(headers, decorator);
  checkHandshakeFields(fields, headers, role);
  return inOrder(fields, headers);
}

function callDecorator<Draft>(
  decorator: (head: Draft, request?: RequestHead) => void,
  draft: Draft,
  request: RequestHead | undefined,
): void {
  const returned: unknown = decorator(draft, request);
  if (!(returned instanceof Promise)) return;
  returned.catch(() => {}); // its own rejection would be unhandled
  throw new TypeError("Cannot use the option headers: the function must be synchronous");
}

/** Every field replaces the one of its name, except Set-Cookie, of which there may be several. */
function setFields(headers: Headers, init: HeadersInit): void {
  for (const [name, value] of toHeaders(init)) {
    if (name === "set-cookie") headers.append(name, value);
    else headers.set(name, value);
  }
}

/** Refuses that a field of the handshake was changed, deleted or added. */
function checkHandshakeFields(before: FieldList, after: Headers, role: Agreement["role"]): void {
  const names = new Set(before.map(([name]) => name.toLowerCase()));
  for (const [name, value] of before) {
    if (isProtected(name.toLowerCase(), role) && after.get(name) !== value) refuseField(name);
  }
  for (const [name] of after) if (!names.has(name) && isProtected(name, role)) refuseField(name);
}

/** The fields that were there come first, in their order, then the added ones. Each Set-Cookie is a line of its own. */
function inOrder(before: FieldList, after: Headers): FieldList {
  const names = new Set(before.map(([name]) => name.toLowerCase()).filter((name) => name !== "set-cookie"));
  const ordered: FieldList = [];
  for (const name of names) if (after.has(name)) ordered.push([name, after.get(name)!]);
  for (const [name, value] of after) if (!names.has(name)) ordered.push([name, value]);
  return ordered;
}
