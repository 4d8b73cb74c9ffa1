// The options of a server's handshake, and their check, which is done before there is a request.

import type { Endpoints, NetworkAddress } from "../base/network_address.ts";
import { checkSignal } from "../base/options.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { isToken } from "../http/field_values.ts";
import { checkCompression, type CheckedCompression, type CompressionOptions } from "../protocol/compression_options.ts";
import { checkDecorator, type Decorator, type ResponseDraft } from "./decorator.ts";
import { checkOrigins, type Origins } from "./origin.ts";

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
   * Header fields to add to the response, whether it accepts or refuses; or a synchronous function that reads and changes
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
