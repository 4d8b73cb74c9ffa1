// What both halves of the handshake share: the agreement, the accept value, the decorator, and heads that become a
// standard `Response` only when somebody looks at them.

import { encodeBase64 } from "@std/encoding/base64";
import type { DeflateAgreement } from "../protocol/compression_options.ts";
import { quote, type RequestHead } from "../errors/handshake_error.ts";
import { isFieldValue } from "../http/field_values.ts";

/**
 * What both ends have settled (RFC 6455 §4.1, §4.2.2): the role is ours, the rest is the connection's.
 *
 * @example From a decision to a connection
 * ```ts
 * import { type Agreement, answer, attach, offer } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const { request } = offer("ws://localhost/", { protocols: ["v2", "v1"] });
 * const agreement: Agreement = (await answer(request, { protocols: ["v1"] })).agreement!;
 * assertEquals(agreement, { role: "server", protocol: "v1", extensions: "" });
 *
 * const [conn] = connectionPair();
 * const socket = attach(conn, agreement);
 * assertEquals(socket.protocol, "v1");
 * socket.abort();
 * ```
 */
export interface Agreement {
  /** Which end we are. */
  readonly role: "client" | "server";
  /** The subprotocol in use, or `""`. */
  readonly protocol: string;
  /** The extensions in use, as in Sec-WebSocket-Extensions, or `""`. */
  readonly extensions: string;
  /** What was agreed about compression, if anything was. */
  readonly deflate?: DeflateAgreement;
}

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

/** RFC 6455 §1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const ENCODER = new TextEncoder();

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 §4.2.2 (5.4)). */
export async function acceptValue(key: string): Promise<string> {
  return encodeBase64(await crypto.subtle.digest("SHA-1", ENCODER.encode(key + GUID)));
}

/** Fields in the order in which they are sent. */
export type FieldList = (readonly [name: string, value: string])[];

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

/** A response as status, fields and text, and as a `Response` once somebody looks. */
export class ResponseHeadDraft {
  readonly status: number;
  readonly fields: FieldList;
  readonly #body: string | null;
  #response: Response | undefined;

  constructor(status: number, fields: FieldList, body: string | null = null) {
    this.status = status;
    this.fields = fields;
    this.#body = body;
  }

  get response(): Response {
    const headers = this.fields.map(([name, value]): [string, string] => [name, value]);
    return this.#response ??= this.status === 101
      ? switchingProtocols(headers)
      : new Response(this.#body, { status: this.status, statusText: STATUS_TEXT[this.status] ?? "", headers });
  }
}

/** A 101 can't be constructed on Node, so its status is put over that of a 200, which works everywhere. */
export function switchingProtocols(headers: [string, string][]): Response {
  const own = { status: { value: 101 }, statusText: { value: "Switching Protocols" }, ok: { value: false } };
  return Object.defineProperties(new Response(null, { headers }), own);
}

/** The reason phrases of the statuses that this library sends by itself (RFC 9110 §15). */
export const STATUS_TEXT: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  505: "HTTP Version Not Supported",
};

/**
 * Checks that a response can be framed as it is.
 *
 * @throws {TypeError} When it can't.
 */
export function checkResponse(response: Response): void {
  if (response.status < 200) throw new TypeError(`Cannot send the response: its status is ${response.status}`);
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("Cannot send the response: its body was already used");
  }
  // Bun lets one be made
  if (!isFieldValue(response.statusText)) {
    throw new TypeError(`Cannot send the response: its status text is ${quote(response.statusText)}`);
  }
  const length = response.headers.get("content-length");
  if (length !== null && !/^\d+$/.test(length)) {
    throw new TypeError(`Cannot send the response: Content-Length is ${quote(length)}`);
  }
  if (response.headers.has("transfer-encoding")) {
    throw new TypeError("Cannot send the response: Transfer-Encoding is set by the connection");
  }
}
