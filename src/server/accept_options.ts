// The options of accept() and their check, which is done before the connection is touched.

import { checkBoolean, checkPrefix, limitOf, timeOf } from "../base/options.ts";
import {
  checkConnectionOptions,
  type CheckedOptions,
  type ConnectionOptions,
} from "../connection/connection_options.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { type AnswerOptions, checkAnswerOptions, type CheckedAnswerOptions } from "../handshake/answer_options.ts";
import { checkRequest, isHttp2 } from "../http/request_head.ts";

/**
 * Options of {@linkcode accept}.
 *
 * @example A request that was already read
 * ```ts
 * import { accept, type AcceptOptions, connect, readRequest } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const opening = connect("ws://localhost/", { conn, protocols: "chat" });
 * const { request, rest } = (await readRequest(server))!;
 *
 * const options: AcceptOptions = { request, prefix: rest, protocols: ["chat"] };
 * const accepted = await accept(server, options);
 * assertEquals(accepted.protocol, "chat");
 * for (const socket of [accepted, await opening]) socket.abort();
 * ```
 */
export interface AcceptOptions extends AnswerOptions, ConnectionOptions {
  /**
   * Bytes that were already read from the connection: the start of the request or, if `request` is given, what came
   * after its head.
   */
  prefix?: Uint8Array | undefined;
  /** The request, if its head was already read: then no request is read from the connection. */
  request?: RequestHead | undefined;
  /**
   * The largest request head, in bytes. A head may have 128 fields at most.
   *
   * @default {16384}
   */
  maxHeadSize?: number | undefined;
  /**
   * How long the handshake may take, in milliseconds from the call on; 0 means no limit. When it fails, sending the
   * refusal and waiting for the peer to end the connection may take `closeTimeout` on top.
   *
   * With `Deno.listenTls` a client that does not finish its TLS handshake fails in time, but Deno keeps its descriptor until
   * the client ends the connection. Put a TLS proxy in front, or serve with `node:tls`, where that matters.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Leaves the connection open after a refusal, to be used again, if the request allows it: HTTP/1.1, no body, and no
   * `Connection: close`. Leave this off behind a proxy that takes every upgrade for successful: what a client sends after
   * a refused upgrade would get past the checks of that proxy (request smuggling).
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /**
   * Whether `request` and `response` of the WebSocket can be read at any time, for which the connection keeps the head of
   * the request. With `false` they can be read until `receive()` is called or `readable` is first asked for, and are let go
   * there: reading one of them later is a `TypeError`. What was taken of them before
   * stays as it is. A server with very many idle connections saves the head, some half a kilobyte each.
   *
   * @default {true}
   */
  keepRequest?: boolean | undefined;
  /** Cancels the handshake and closes the connection. Once the WebSocket is open, the signal has no effect on it. */
  signal?: AbortSignal | undefined;
}

/** {@linkcode AcceptOptions}, checked and with their defaults. */
export interface CheckedAcceptOptions extends CheckedAnswerOptions {
  readonly connection: CheckedOptions;
  readonly prefix: Uint8Array | undefined;
  readonly request: RequestHead | undefined;
  readonly maxHeadSize: number;
  readonly handshakeTimeout: number;
  readonly keepAlive: boolean;
  readonly keepRequest: boolean;
}

/**
 * Checks the options of {@linkcode accept}.
 *
 * @throws {TypeError} When one is wrong.
 * @throws {RangeError} When a number is out of its range.
 */
export function checkAcceptOptions(options: AcceptOptions): CheckedAcceptOptions {
  const answering = checkAnswerOptions(options);
  const connection = checkConnectionOptions(options, answering.compression);
  const maxHeadSize = limitOf(options, "maxHeadSize");
  const handshakeTimeout = timeOf(options, "handshakeTimeout");
  const { request } = options;
  if (request) checkOwnRequest(request);
  return {
    ...answering,
    connection,
    prefix: checkPrefix(options.prefix),
    request,
    maxHeadSize,
    handshakeTimeout,
    keepAlive: checkBoolean("keepAlive", options.keepAlive, false),
    keepRequest: checkBoolean("keepRequest", options.keepRequest, true),
  };
}

/** A request that the caller has read may be any object. */
function checkOwnRequest(request: RequestHead): void {
  checkRequest(request);
  if (isHttp2(request)) {
    throw new TypeError(
      "Cannot use the request: it is one of HTTP/2, whose stream fromHttp2() of " +
        "@handfast/websocket/node turns into a connection that has its request with it",
    );
  }
  if (!URL.canParse(request.url)) {
    throw new TypeError(`Cannot use the request: its url is ${quote(String(request.url))}, and must be absolute`);
  }
}
