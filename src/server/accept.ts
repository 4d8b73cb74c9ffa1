// The server's door: turns a connection, and what was already read from it, into an open WebSocket (RFC 6455 §4.2). A
// request that is refused always gets an HTTP response.

import type { StreamingOptions } from "../connection/connection_options.ts";
import type { ReceivedOrPieces } from "../connection/incoming_pieces.ts";
import { Exchange } from "../exchange/exchange.ts";
import { transportOf } from "../runtime/choose.ts";
import { isRequestStream } from "../runtime/request_stream.ts";
import type { ByteConnection } from "../transport/transport.ts";
import { type AcceptOptions, checkAcceptOptions } from "./accept_options.ts";
import { acceptStream, openStream } from "./accept_stream.ts";
import type { Accepted } from "./accepted.ts";
import { Handshaking } from "./handshaking.ts";

/**
 * Accepts a WebSocket of which long messages are handed over in pieces; everything else is as without `streamAbove`.
 *
 * @param conn The connection.
 * @param options From which size on messages come in pieces, and the other options.
 * @returns The WebSocket, once the 101 is written.
 *
 * @example The length of a message, without keeping it
 * ```ts
 * import { accept, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const opening = connect("ws://localhost/", { conn });
 * const accepted = await accept(server, { streamAbove: 0 }), socket = await opening;
 * socket.send("Hello");
 * const { value } = await accepted.readable.getReader().read();
 * let size = 0;
 * if (typeof value === "object" && !(value instanceof Uint8Array)) for await (const piece of value) size += piece.length;
 *
 * assertEquals(size, 5);
 * for (const end of [socket, accepted]) end.abort();
 * ```
 */
export function accept(
  conn: ByteConnection,
  options: AcceptOptions & StreamingOptions,
): Promise<Accepted<ReceivedOrPieces>>;
/**
 * Accepts a WebSocket (RFC 6455 §4.2): reads the request, unless it is given, checks it, answers it, and returns the open
 * WebSocket. The connection belongs to this function from the call on, whether or not it succeeds; only options that
 * are wrong leave it untouched.
 *
 * @param conn The connection.
 * @param options What was already read, what to accept, and limits.
 * @returns The WebSocket, once the 101 is written. Bytes after the request are taken for its first frames.
 * @throws {HandshakeError} Rejects when the upgrade is refused: `error.response` was sent, and the connection is closed,
 * unless `error.reusable` is `true`: then `accept(conn, { prefix: error.rest })` waits for the next request on it.
 * Rejects without a response when the connection is lost.
 * @throws {TypeError} Rejects when an option is wrong, or when a function among the options gives what it must not.
 * @throws {RangeError} Rejects when a number among the options is out of its range.
 *
 * @example Echo
 * ```ts
 * import { accept, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [client, server] = connectionPair();
 * const opening = connect("ws://localhost/chat", { conn: client });
 *
 * const accepted = await accept(server);
 * accepted.readable.pipeTo(accepted.writable);
 *
 * await using socket = await opening;
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * ```
 */
export function accept(conn: ByteConnection, options?: AcceptOptions): Promise<Accepted>;
export async function accept(conn: ByteConnection, options: AcceptOptions = {}): Promise<Accepted> {
  const checked = checkAcceptOptions(options);
  if (isRequestStream(conn)) return openStream(await acceptStream(conn, checked), checked);
  const opening = Promise.withResolvers<Accepted>();
  const { connection: { clock }, handshakeTimeout: timeout, signal, prefix } = checked;
  const exchange = new Exchange(transportOf(conn), { clock, timeout, signal, prefix });
  new Handshaking(exchange, checked, { onOpen: opening.resolve, onFailed: opening.reject }).begin();
  return await opening.promise;
}
