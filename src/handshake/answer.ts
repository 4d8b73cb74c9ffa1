// The server's half of the handshake for who has an HTTP server already: a request to a response, with an agreement or an
// error (RFC 6455 §4.2). Nothing is sent here.

import type { HandshakeError, RequestHead } from "../errors/handshake_error.ts";
import { listHas } from "../http/field_values.ts";
import { checkRequest, headOf, isHttp2 } from "../http/request_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { type AnswerOptions, checkAnswerOptions } from "./answer_options.ts";
import { decide } from "./decide.ts";

/**
 * The result of {@linkcode answer}: a response to send, with either an agreement or an error.
 *
 * @example Telling the two apart
 * ```ts
 * import { type Answer, answer, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const describe = ({ agreement, error }: Answer) => agreement ? `accepted as ${agreement.role}` : error.failure;
 *
 * assertEquals(describe(await answer(offer("ws://localhost/").request)), "accepted as server");
 * assertEquals(describe(await answer(new Request("http://localhost/"))), "upgrade-missing");
 * ```
 */
export type Answer =
  | { readonly response: Response; readonly agreement: Agreement; readonly error?: never }
  | { readonly response: Response; readonly agreement?: never; readonly error: HandshakeError };

/**
 * Whether a request asks for a WebSocket: a GET of HTTP/1.1 with the right Upgrade and Connection fields, or in HTTP/2 a
 * CONNECT whose `:protocol` is websocket (RFC 8441 §5). Use it for routing; it does not check the handshake, which is
 * what {@linkcode answer} does.
 *
 * @param request A `Request`, or any other head.
 * @returns Whether the request asks for a WebSocket.
 * @throws {TypeError} When the request has no header fields with a `get()`, as an `IncomingMessage` of Node's.
 *
 * @example Usage
 * ```ts
 * import { isUpgrade, offer } from "@handfast/websocket";
 * import { assert } from "@std/assert";
 *
 * assert(isUpgrade(offer("ws://localhost/").request));
 * assert(!isUpgrade(new Request("http://localhost/")));
 * ```
 */
export function isUpgrade(request: RequestHead): boolean {
  checkRequest(request);
  if (isHttp2(request)) return request.method === "CONNECT" && request.protocol === "websocket";
  const head = headOf(request);
  return (head ?? request).method === "GET" && head?.version !== "1.0" &&
    listHas(request.headers.get("upgrade"), "websocket") && listHas(request.headers.get("connection"), "upgrade");
}

/**
 * Checks the request of an upgrade and makes the response to it: a 101, or a refusal (RFC 6455 §4.2). A head that has a
 * `protocol` is that of HTTP/2: then it is a 200, without a key, Upgrade and Connection (RFC 8441 §5). Sends nothing.
 *
 * @param request A `Request`, or any other head.
 * @param options Subprotocols, origins, header fields, your own check.
 * @returns The response, with the agreement or the error. A bad request does not make the promise reject.
 * @throws {TypeError} Rejects when an option is wrong, or when one of the functions in the options returns or changes
 * what it must not. Also rejects with whatever `authorize` throws.
 *
 * @example Strict checks in front of another server's upgrade
 * ```ts
 * import { answer, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const { request } = offer("ws://localhost/", { headers: { origin: "https://evil.example" } });
 * const { response, error } = await answer(request);
 *
 * assertEquals(response.status, 403);
 * assertEquals(error?.failure, "origin-refused");
 * ```
 */
export async function answer(request: RequestHead, options: AnswerOptions = {}): Promise<Answer> {
  const checked = checkAnswerOptions(options);
  checkRequest(request);
  const decision = await decide(request, checked);
  return decision.agreement ? { response: decision.head.response, agreement: decision.agreement } : decision;
}
