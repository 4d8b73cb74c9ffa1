// The server's half of the handshake: a request to a response, with an agreement or an error (RFC 6455 §4.2). First the
// request is checked, then a subprotocol is chosen, then the caller's policy is asked; only then the 101 is made. Nothing
// is sent here.

import type { Endpoints, NetworkAddress } from "../base/network_address.ts";
import { checkSignal } from "../base/options.ts";
import type { HandshakeError, RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { isToken, listHas, parseTokens } from "../http/field_values.ts";
import { checkRequest, headOf, isHttp2 } from "../http/request_head.ts";
import { checkResponse, discardBody, ResponseHeadDraft } from "../http/response.ts";
import type { FieldList } from "../http/write_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { checkCompression, type CheckedCompression, type CompressionOptions } from "../protocol/compression_options.ts";
import { answerDeflate } from "./compression.ts";
import { checkDecorator, decorate, type Decorator, type ResponseDraft } from "./decorator.ts";
import { acceptValue, type Sha1 } from "./accept_value.ts";
import { checkOrigins, type Origins } from "./origin.ts";
import { type Refusal, refuse, refuseWith } from "./refusal.ts";
import { findConnectProblem } from "./extended_connect.ts";
import { findProblem } from "./request_checks.ts";
import { UPGRADE_FIELDS } from "./upgrade_fields.ts";

/**
 * The second argument of {@linkcode AnswerOptions.authorize}.
 *
 * @example A policy that stops when the handshake is cancelled
 * ```ts
 * import { answer, type AuthorizeContext, offer, type RequestHead } from "@handfast/websocket";
 * import { assertRejects } from "@std/assert";
 *
 * const authorize = async (_request: RequestHead, { signal }: AuthorizeContext) => {
 *   await Promise.resolve(); // a look into a database
 *   signal.throwIfAborted();
 *   return undefined;
 * };
 * const { request } = offer("ws://localhost/");
 * const signal = AbortSignal.abort(new Error("The client is gone"));
 *
 * await assertRejects(() => answer(request, { authorize, signal }), Error, "The client is gone");
 * ```
 */
export interface AuthorizeContext {
  /** Aborts when the handshake is cancelled or has failed: the result no longer matters. */
  readonly signal: AbortSignal;
  /**
   * The address of the client, or of the proxy that is in front; `undefined` where it is not known, as in
   * {@linkcode answer}.
   */
  readonly remoteAddr: NetworkAddress | undefined;
  /** The server's own address on this connection; `undefined` where it is not known, as in {@linkcode answer}. */
  readonly localAddr: NetworkAddress | undefined;
}

/**
 * Options of {@linkcode answer}.
 *
 * @example One path, and any version of a subprotocol
 * ```ts
 * import { answer, type AnswerOptions, offer } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const options: AnswerOptions = {
 *   protocols: (offered) => offered.find((name) => name.startsWith("chat.")),
 *   authorize: ({ url }) => new URL(url).pathname === "/chat" ? undefined : new Response(null, { status: 404 }),
 * };
 * const { agreement } = await answer(offer("ws://localhost/chat", { protocols: "chat.v2" }).request, options);
 * const { response } = await answer(offer("ws://localhost/other").request, options);
 *
 * assertEquals(agreement?.protocol, "chat.v2");
 * assertEquals(response.status, 404);
 * ```
 */
export interface AnswerOptions {
  /**
   * The subprotocol that the server speaks, or a list of them, the preferred one first; or a function that chooses one of
   * those that the client offers, or none. When there is none in common, the WebSocket is opened without a subprotocol.
   *
   * @default {[]}
   */
  protocols?: string | readonly string[] | ((offered: readonly string[]) => string | undefined) | undefined;
  /**
   * The origins that may open a WebSocket (RFC 6455 §10.2): `"same-host"` requires the host and port that the request
   * was sent to, `"any"` is for services that are open to every web page, and a list names exact origins, or regular
   * expressions that must match a whole origin. A request without an Origin field does not come from a browser and is
   * let in. The origin `null` is let in only when it is listed, or with `"any"`. Behind a proxy that does not pass the
   * Host field on, `"same-host"` refuses every page: list the origins there.
   *
   * @default {"same-host"}
   */
  origins?: Origins | undefined;
  /**
   * Header fields to add to the response, whether a 101 or a refusal; or a synchronous function that reads and changes
   * its `headers`. Every field is allowed except Host, Upgrade, Connection, Sec-WebSocket-*, Content-Length and
   * Transfer-Encoding.
   */
  headers?: Decorator<ResponseDraft> | undefined;
  /**
   * Whether, and how, to compress messages with clients that offer it (RFC 7692).
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions | undefined;
  /** Your own check, called after all others: returning a `Response` refuses the upgrade with it. */
  authorize?:
    | ((request: RequestHead, context: AuthorizeContext) => Response | undefined | Promise<Response | undefined>)
    | undefined;
  /** Passed to `authorize`. */
  signal?: AbortSignal | undefined;
}

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

/** An {@linkcode Answer} whose 101 is not a `Response` yet, so that it can be written without making one. */
export type Decision =
  | { readonly head: ResponseHeadDraft; readonly agreement: Agreement; readonly error?: never }
  | Refusal;

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

/** {@linkcode AnswerOptions}, checked. */
export interface CheckedAnswerOptions extends AnswerOptions {
  protocols: readonly string[] | ((offered: readonly string[]) => string | undefined);
  origins: Origins;
  compression?: CheckedCompression | undefined;
  /** The connection of the request, if there is one here. Its addresses are looked up when `authorize` asks for them. */
  transport?: Partial<Endpoints>;
}

/**
 * Checks the options before there is a request.
 *
 * @throws {TypeError} When an option is wrong.
 */
export function checkAnswerOptions(options: AnswerOptions): CheckedAnswerOptions {
  const { origins = "same-host", headers, authorize } = options;
  const protocols = typeof options.protocols === "string" ? [options.protocols] : options.protocols ?? [];
  if (typeof protocols !== "function" && !(Array.isArray(protocols) && protocols.every(isToken))) {
    const shown = quote(String(protocols));
    throw new TypeError(
      `Cannot use the option protocols: ${shown} is not a token (RFC 9110 §5.6.2), or a list of them`,
    );
  }
  if (authorize !== undefined && typeof authorize !== "function") {
    throw new TypeError("Cannot use the option authorize: it must be a function");
  }
  checkOrigins(origins);
  checkDecorator(headers, "server");
  return {
    protocols,
    origins,
    headers,
    compression: checkCompression(options.compression, "server"),
    authorize,
    signal: checkSignal(options.signal),
  };
}

/** {@linkcode answer}, with options that were already checked. */
export async function decide(
  request: RequestHead,
  options: CheckedAnswerOptions,
  sha1?: Sha1,
): Promise<Decision> {
  const isConnect = isHttp2(request);
  const problem = isConnect ? findConnectProblem(request, options.origins) : findProblem(request, options.origins);
  if (problem) return refuse(problem, options.headers, request);
  const { headers } = request;
  const protocol = chooseProtocol(headers.get("sec-websocket-protocol"), options.protocols);
  const refusal = options.authorize && await authorize(request, options);
  if (refusal) return refuseWith(refusal, options.headers, request);
  const fields: FieldList = isConnect
    ? []
    : [...UPGRADE_FIELDS, ["Sec-WebSocket-Accept", await acceptValue(headers.get("sec-websocket-key")!, sha1)]];
  if (protocol !== "") fields.push(["Sec-WebSocket-Protocol", protocol]);
  const deflated = answerDeflate(headers.get("sec-websocket-extensions"), options.compression);
  if (deflated) fields.push(["Sec-WebSocket-Extensions", deflated.extensions]);
  const status = isConnect ? 200 : 101, draft = (headers: Headers) => ({ status, headers });
  const head = new ResponseHeadDraft(status, decorate(fields, options.headers, "server", draft, request));
  return { head, agreement: { role: "server", protocol, extensions: "", ...deflated } };
}

/** §4.2.2 (4), «subprotocol»: one that was offered, or none. */
function chooseProtocol(value: string | null, protocols: CheckedAnswerOptions["protocols"]): string {
  const offered = value === null ? [] : parseTokens(value)!;
  if (typeof protocols !== "function") return protocols.find((protocol) => offered.includes(protocol)) ?? "";
  const chosen = protocols(offered);
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw new TypeError(`Cannot choose the subprotocol ${quote(String(chosen))}: it was not offered`);
  }
  return chosen ?? "";
}

/** Asks the caller's own check. */
async function authorize(request: RequestHead, options: CheckedAnswerOptions): Promise<Response | undefined> {
  const { signal = new AbortController().signal, transport } = options;
  const response = await options.authorize!(request, {
    signal,
    get remoteAddr() {
      return transport?.remoteAddr;
    },
    get localAddr() {
      return transport?.localAddr;
    },
  });
  if (response === undefined) return undefined;
  if (!(response instanceof Response)) {
    throw new TypeError("Cannot refuse the upgrade: authorize must return a Response or undefined");
  }
  try {
    checkResponse(response);
  } catch (error) {
    discardBody(response);
    throw error;
  }
  return response;
}
