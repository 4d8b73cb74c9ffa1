// The server's half of the handshake: a request to an agreement or a refusal, and always to a response (RFC 6455 §4.2).
// The checks stand in the RFC's order; what only the bytes of a head can show was judged when they were read.

import { type HandshakeFailure } from "../errors/failures.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { type Problem, quote } from "../errors/problem.ts";
import { answerDeflate } from "./compression.ts";
import { checkDecorator, decorate, type Decorator, type ResponseDraft } from "./decorator.ts";
import { acceptValue } from "./key.ts";
import { checkOrigins, isAllowedOrigin, type Origins } from "./origin.ts";
import { CONNECTION_FIELD, type Refusal, refuse, refuseWith, UPGRADE_FIELD } from "./refusal.ts";
import { isToken, listHas, parseExtensions, parseTokens } from "../http/field_values.ts";
import { headOf, problemOf } from "../http/request_head.ts";
import { checkResponse, type FieldList, ResponseHeadDraft } from "../http/response.ts";
import { type Agreement } from "../protocol/agreement.ts";
import { checkCompression, type CompressionOptions } from "../protocol/compression_options.ts";

/**
 * What {@linkcode AnswerOptions.authorize} is called with beside the request.
 *
 * @example A policy that stops when nobody waits for it
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
  /** Aborted when the handshake is given up: the answer no longer matters. */
  readonly signal: AbortSignal;
}

/**
 * Options of {@linkcode answer}.
 *
 * @example One path, and whichever version was offered
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
   * The subprotocols that are spoken, the preferred one first; or a function that chooses one of those that were
   * offered, or none. With none in common the upgrade goes on without one.
   *
   * @default {[]}
   */
  protocols?: readonly string[] | ((offered: readonly string[]) => string | undefined) | undefined;
  /**
   * Which origins may upgrade: `"same-host"` compares host and port with the request's own, `"any"` is for services
   * that are meant for every page, a list holds exact origins and regular expressions for whole ones. A request without
   * an Origin does not come from a page and passes. `null` passes only when it is listed. (RFC 6455 §10.2)
   *
   * @default {"same-host"}
   */
  origins?: Origins | undefined;
  /**
   * Fields to add to the response, a 101 or a refusal, or a synchronous function that reads and changes its `headers`:
   * any but Host, Upgrade, Connection, Sec-WebSocket-*, Content-Length and Transfer-Encoding.
   */
  headers?: Decorator<ResponseDraft> | undefined;
  /**
   * Compresses messages with clients that offer it (RFC 7692), and how.
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions | undefined;
  /** A policy, asked after all other checks: a `Response` refuses the upgrade and is sent. */
  authorize?:
    | ((request: RequestHead, context: AuthorizeContext) => Response | undefined | Promise<Response | undefined>)
    | undefined;
  /** Passed on to `authorize`. */
  signal?: AbortSignal | undefined;
}

/**
 * What {@linkcode answer} gives: a response to send, with an agreement or an error.
 *
 * @example One of two
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

/** An answer whose response is not yet a `Response`. */
export type Decision =
  | { readonly head: ResponseHeadDraft; readonly agreement: Agreement; readonly error?: never }
  | Refusal;

/**
 * Whether a request asks for a WebSocket: GET, with Upgrade and Connection, as HTTP/1.1 or later. This is for routing;
 * whether the handshake is correct is for {@linkcode answer} to say.
 *
 * @param request A `Request`, or any head.
 * @returns Whether to go on with a WebSocket.
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
  const head = headOf(request);
  return (head ?? request).method === "GET" && head?.version !== "1.0" &&
    listHas(request.headers.get("upgrade"), "websocket") && listHas(request.headers.get("connection"), "upgrade");
}

/**
 * Judges a request for an upgrade and makes the response to it: a 101, or a refusal (RFC 6455 §4.2). It sends nothing.
 *
 * @param request A `Request`, or any head.
 * @param options Subprotocols, origins, fields, a policy.
 * @returns The response, with the agreement or the error. A bad request never makes it reject.
 * @throws {TypeError} Rejects when an option is wrong, or a function among them does what it must not. What `authorize`
 * throws is thrown on.
 *
 * @example A strict gatekeeper in front of another server's upgrade
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
  checkAnswerOptions(options);
  try {
    const decision = await decide(request, options);
    return decision.agreement ? { response: decision.head.response, agreement: decision.agreement } : decision;
  } catch (error) {
    throw error instanceof PolicyError ? error.cause : error;
  }
}

/**
 * Checks options as far as that can be done without a request.
 *
 * @throws {TypeError} When one is wrong.
 */
export function checkAnswerOptions(options: AnswerOptions): void {
  const { protocols = [], origins, headers, authorize } = options;
  if (typeof protocols !== "function" && !(Array.isArray(protocols) && protocols.every(isToken))) {
    throw new TypeError(`Cannot speak the subprotocols ${quote(String(protocols))}: they must be a list of tokens`);
  }
  if (authorize !== undefined && typeof authorize !== "function") {
    throw new TypeError("Cannot ask for a policy: authorize must be a function");
  }
  checkOrigins(origins ?? "same-host");
  checkDecorator(headers, "server");
  checkCompression(options.compression, "server");
}

/** {@linkcode answer}, with options that were checked. */
export async function decide(request: RequestHead, options: AnswerOptions): Promise<Decision> {
  const problem = findProblem(request, options);
  if (problem) return refuse(problem, options, request);
  const { headers } = request;
  const protocol = chooseProtocol(headers.get("sec-websocket-protocol"), options.protocols);
  const refusal = options.authorize && await authorize(request, options);
  if (refusal) return refuseWith(refusal, options, request);
  const accept = await acceptValue(headers.get("sec-websocket-key")!);
  const fields: FieldList = [UPGRADE_FIELD, CONNECTION_FIELD, ["Sec-WebSocket-Accept", accept]];
  if (protocol !== "") fields.push(["Sec-WebSocket-Protocol", protocol]);
  const deflated = answerDeflate(headers.get("sec-websocket-extensions"), options.compression);
  if (deflated) fields.push(["Sec-WebSocket-Extensions", deflated.extensions]);
  const draft = (headers: Headers) => ({ status: 101, headers });
  const head = new ResponseHeadDraft(101, decorate(fields, options.headers, "server", draft, request));
  return { head, agreement: { role: "server", protocol, extensions: "", ...deflated } };
}

function findProblem(request: RequestHead, options: AnswerOptions): Problem | undefined {
  const known = problemOf(request);
  if (known) return known;
  const { headers } = request, head = headOf(request);
  const { method } = head ?? request; // a `Request` shows «get» as GET
  const field = (failure: HandshakeFailure, name: string): Problem => {
    const value = headers.get(name);
    return { failure, detail: value === null ? `there is no ${name}` : `${name} is ${quote(value)}` };
  };
  // §4.2.1 (1); RFC 9110 §7.8: a server ignores Upgrade in HTTP/1.0
  if (head?.version === "1.0") {
    return { failure: "http-version-unsupported", detail: "the version is HTTP/1.0", status: 426 };
  }
  if (method !== "GET") return { failure: "method-not-get", detail: `the method is ${quote(method)}` };
  const length = headers.get("content-length");
  if (length !== null && !/^0+$/.test(length)) return field("body-present", "Content-Length");
  if (headers.get("transfer-encoding") !== null) return field("body-present", "Transfer-Encoding");
  // §4.2.1 (3), (4)
  if (!listHas(headers.get("upgrade"), "websocket")) return field("upgrade-missing", "Upgrade");
  if (!listHas(headers.get("connection"), "upgrade")) return field("connection-missing", "Connection");
  // §4.2.1 (5)
  const key = headers.get("sec-websocket-key");
  if (key === null) return field("key-missing", "Sec-WebSocket-Key");
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) return field("key-invalid", "Sec-WebSocket-Key");
  // §4.2.1 (6), §4.2.2 (4)
  const version = headers.get("sec-websocket-version");
  if (version === null) return field("version-missing", "Sec-WebSocket-Version");
  if (version !== "13") return field("version-unsupported", "Sec-WebSocket-Version");
  // §4.2.1 (8)
  const protocols = headers.get("sec-websocket-protocol");
  if (protocols !== null && !parseTokens(protocols)) return field("protocol-malformed", "Sec-WebSocket-Protocol");
  // §4.2.1 (9), §9.1
  const extensions = headers.get("sec-websocket-extensions");
  if (extensions !== null && !parseExtensions(extensions)) {
    return field("extension-malformed", "Sec-WebSocket-Extensions");
  }
  // §4.2.2 (4), §10.2
  const origin = headers.get("origin");
  if (origin === null) return undefined;
  if (origin.includes(",")) return field("head-malformed", "Origin");
  const authority = head?.authority ?? headers.get("host") ?? URL.parse(request.url)?.host ?? "";
  return isAllowedOrigin(origin, authority, options.origins ?? "same-host")
    ? undefined
    : field("origin-refused", "Origin");
}

/** §4.2.2 (4), /subprotocol/: one that was offered, or none. */
function chooseProtocol(value: string | null, protocols: AnswerOptions["protocols"] = []): string {
  const offered = value === null ? [] : parseTokens(value)!;
  if (typeof protocols !== "function") return protocols.find((protocol) => offered.includes(protocol)) ?? "";
  const chosen = protocols(offered);
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw new TypeError(`Cannot choose the subprotocol ${quote(String(chosen))}: it was not offered`);
  }
  return chosen ?? "";
}

/** A policy's own failure, which is a 500 and not the peer's fault. */
export class PolicyError extends Error {}

async function authorize(request: RequestHead, options: AnswerOptions): Promise<Response | undefined> {
  const signal = options.signal ?? new AbortController().signal;
  try {
    const response = await options.authorize!(request, { signal });
    if (response !== undefined && !(response instanceof Response)) {
      throw new TypeError("Cannot refuse the upgrade: authorize must give a Response or undefined");
    }
    if (response) checkResponse(response);
    return response;
  } catch (cause) {
    throw new PolicyError("Cannot judge the upgrade: authorize failed", { cause });
  }
}
