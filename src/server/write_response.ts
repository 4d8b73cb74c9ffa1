// HTTP beside WebSocket on one port: writing one whole response (RFC 9112 §6), and closing with patience or going on.

import { type Clock } from "../base/clock.ts";
import { checkClock, checkTime } from "../base/options.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { ExchangeError } from "../errors/problem.ts";
import { openExchange } from "../exchange/exchange.ts";
import { listHas } from "../http/field_values.ts";
import { isPersistent } from "../http/request_head.ts";
import { checkResponse } from "../http/response.ts";
import { sendResponse } from "./send_response.ts";
import { linger } from "../transport/linger.ts";
import { type ByteConnection } from "../transport/transport.ts";

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
  /** The request: a response to HEAD has no body, an HTTP/1.0 client gets a close. */
  request?: RequestHead | undefined;
  /**
   * Whether the connection may go on, as {@linkcode readRequest} has said.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /**
   * How long the peer may take for each piece of the response, and to end afterwards, in milliseconds; 0 disables.
   *
   * @default {10000}
   */
  timeout?: number | undefined;
  /** Gives up, and closes the connection. */
  signal?: AbortSignal | undefined;
  /** The clock of the deadline. */
  clock?: Clock | undefined;
}

/**
 * Writes a response, and closes the connection unless it may go on. A body of up to 64 KiB that
 * is there at once is sent with its length, any other in chunks as it comes.
 *
 * @param conn The connection.
 * @param response The response; Content-Length, Connection and Date are added, Transfer-Encoding must not be there.
 * @param options The request it answers, and whether to go on.
 * @returns Whether the connection goes on; otherwise it is closed.
 * @throws {TypeError} Rejects for a response that can't be written, before a byte of it; and for a longer body that is
 * not what its Content-Length says, or not bytes, after which the connection is dropped.
 * @throws {RangeError} Rejects when the timeout is out of its range.
 * @throws {HandshakeError} Rejects when the peer is gone; the connection is closed.
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
  const timeout = checkTime("timeout", options.timeout, 10_000);
  const { signal, request } = options, clock = checkClock(options.clock);
  checkResponse(response);
  const keepAlive = (options.keepAlive ?? false) && (!request || isPersistent(request)) &&
    !listHas(response.headers.get("connection"), "close");
  const exchange = openExchange(conn, { clock, timeout: 0, signal });
  try {
    await sendResponse(exchange, response, { request, keepAlive, timeout });
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
