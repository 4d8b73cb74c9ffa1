// HTTP beside WebSocket on one port: writes one response, and then leaves the connection open, or closes it without
// cutting off what the peer may still be sending (RFC 9112 §9.6).

import type { Clock } from "../base/clock.ts";
import { checkBoolean, checkClock, checkSignal, timeOf } from "../base/options.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { ExchangeError } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { listHas } from "../http/field_values.ts";
import { checkRequest, isPersistent } from "../http/request_head.ts";
import { checkResponse } from "../http/response.ts";
import { transportOf } from "../runtime/choose.ts";
import { linger } from "../transport/linger.ts";
import type { ByteConnection } from "../transport/transport.ts";
import { sendResponse } from "./send_response.ts";

/**
 * Options of {@linkcode writeResponse}.
 *
 * @example A response to HEAD has no body
 * ```ts
 * import { writeResponse, type WriteResponseOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assert } from "@std/assert";
 *
 * const request = new Request("http://localhost/", { method: "HEAD" });
 * const options: WriteResponseOptions = { request, keepAlive: true };
 * const [client, server] = connectionPair();
 * await writeResponse(server, new Response("Hello"), options);
 *
 * const { value } = await client.readable.getReader().read();
 * assert(new TextDecoder().decode(value).endsWith("\r\n\r\n"));
 * ```
 */
export interface WriteResponseOptions {
  /**
   * The request that is answered. A response to HEAD is written without a body; after a response to HTTP/1.0, or to a
   * request with `Connection: close`, the connection is closed.
   */
  request?: RequestHead | undefined;
  /**
   * Keeps the connection open after the response; pass `keepAlive` from {@linkcode readRequest}.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /**
   * How long the peer may take for each piece of the response, and then to end the connection if it is closed, in
   * milliseconds; 0 means no limit.
   *
   * @default {10000}
   */
  timeout?: number | undefined;
  /** Cancels the writing and closes the connection. */
  signal?: AbortSignal | undefined;
  /** The clock for the timeout; by default the runtime's. */
  clock?: Clock | undefined;
}

/** {@linkcode WriteResponseOptions}, checked and with their defaults. */
interface CheckedWriteResponseOptions {
  readonly request: RequestHead | undefined;
  readonly keepAlive: boolean;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

function checkWriteResponseOptions(options: WriteResponseOptions): CheckedWriteResponseOptions {
  if (options.request) checkRequest(options.request);
  return {
    request: options.request,
    keepAlive: checkBoolean("keepAlive", options.keepAlive, false),
    timeout: timeOf(options, "timeout"),
    clock: checkClock(options.clock),
    signal: checkSignal(options.signal),
  };
}

/**
 * Writes a response, and closes the connection unless it is to be kept open. A body of at most 64 KiB that is there at once
 * is sent with its length; any other body is sent as it comes, in chunks.
 *
 * @param conn The connection.
 * @param response The response. Content-Length, Connection and Date are added; it must not have Transfer-Encoding.
 * @param options The request that is answered, whether to keep the connection open, and limits.
 * @returns Whether the connection is still open.
 * @throws {TypeError} Rejects for a response that can't be written, before anything is written; and for a larger body that
 * is not as long as its Content-Length says, or not of bytes, after which the connection is closed.
 * @throws {RangeError} Rejects when the timeout is out of its range.
 * @throws {HandshakeError} Rejects when the peer is gone or takes too long; the connection is closed. While the body is
 * waited for, that is noticed at once unless the connection is kept open: then the next piece shows it.
 *
 * @example Usage
 * ```ts
 * import { readRequest, writeResponse } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assert } from "@std/assert";
 *
 * const [client, server] = connectionPair();
 * client.writable.getWriter().write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
 *
 * const { request, keepAlive } = (await readRequest(server))!;
 * assert(await writeResponse(server, new Response("Hello"), { request, keepAlive }));
 *
 * const { value } = await client.readable.getReader().read();
 * assert(new TextDecoder().decode(value).startsWith("HTTP/1.1 200 OK\r\n"));
 * ```
 */
export async function writeResponse(
  conn: ByteConnection,
  response: Response,
  options: WriteResponseOptions = {},
): Promise<boolean> {
  const { request, timeout, signal, clock, ...checked } = checkWriteResponseOptions(options);
  checkResponse(response);
  const keepAlive = checked.keepAlive && (!request || isPersistent(request)) &&
    !listHas(response.headers.get("connection"), "close");
  const exchange = new Exchange(transportOf(conn), { clock, timeout: 0, signal });
  try {
    // What is read ahead could not be given back with the connection
    await sendResponse(exchange, response, { request, keepAlive, timeout, watches: !keepAlive });
  } catch (error) {
    exchange.abort();
    if (!(error instanceof ExchangeError)) throw error;
    throw new HandshakeError(error.failure, `Cannot write the response: ${error.message}`, { cause: error.cause });
  }
  if (keepAlive) {
    exchange.release();
    return true;
  }
  exchange.dispose();
  await linger(exchange.transport, { clock, timeout, signal }).closed;
  return false;
}
