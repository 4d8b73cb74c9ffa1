// Chooses the Transport of a connection. Only the doors call this; everything below them is handed what was chosen.

import { denoTransportOf } from "./deno_transport.ts";
import { streamSource } from "./stream_pair.ts";
import { PullTransport } from "../transport/pull_transport.ts";
import { type ByteConnection, TRANSPORT, type Transport, type TransportConnection } from "../transport/transport.ts";

/**
 * The transport of a connection, for a new owner.
 *
 * @throws {TypeError} When it is not a pair of streams, when one of them is locked, or when it has an owner already.
 */
export function transportOf(conn: ByteConnection): Transport {
  if (hasTransport(conn)) return conn[TRANSPORT]();
  const { readable, writable } = Object(conn) as Partial<ByteConnection>;
  if (typeof readable?.getReader !== "function" || typeof writable?.getWriter !== "function") {
    throw new TypeError(
      `Cannot use the connection: it must be a pair { readable, writable } of byte streams${hintFor(conn)}`,
    );
  }
  if (readable.locked || writable.locked) throw new TypeError("Cannot use the connection: a stream of it is locked");
  return denoTransportOf(conn) ?? new PullTransport(streamSource(readable, writable));
}

function hasTransport(conn: unknown): conn is TransportConnection {
  return typeof (conn as Partial<TransportConnection> | undefined)?.[TRANSPORT] === "function";
}

/** Names the function that makes a connection of a socket of Node or Bun, when it was given one. */
function hintFor(conn: unknown): string {
  const { pipe, destroy, upgradeTLS, shutdown } = Object(conn);
  const isFunction = (method: unknown) => typeof method === "function";
  if ([pipe, destroy].every(isFunction)) return "; fromSocket() of @handfast/websocket/node makes one of a Node socket";
  if ([upgradeTLS, shutdown].some(isFunction)) {
    return "; handlers() of @handfast/websocket/bun make one of a Bun socket";
  }
  return "";
}
