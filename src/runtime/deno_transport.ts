// The Transport of a `Deno.Conn`, which may have had another owner before.

import { ReturnsArgument } from "../base/returns_argument.ts";
import { PullTransport } from "../transport/pull_transport.ts";
import type { ByteConnection, Transport } from "../transport/transport.ts";
import { type DenoConn, DenoSource, isDenoConn } from "./deno_conn.ts";

type DenoTransport = PullTransport<number | null>;

/**
 * A read of a `Deno.Conn` can't be cancelled: the next owner has to find the transport in which it is still under way, at the
 * connection itself. In a `WeakMap` V8 would keep all connections and what they hold until a full collection. The other
 * connections have a transport of their own, or are streams that unlock.
 */
class Kept extends ReturnsArgument {
  readonly #transport: DenoTransport;

  constructor(conn: DenoConn, transport: DenoTransport) {
    super(conn);
    this.#transport = transport;
  }

  static transportOf(conn: DenoConn): DenoTransport | undefined {
    return #transport in conn ? (conn as unknown as Kept).#transport : undefined;
  }
}

/**
 * The transport of a connection, for a new owner; `undefined` for what is no `Deno.Conn`.
 *
 * @throws {TypeError} When it has an owner already.
 */
export function denoTransportOf(conn: ByteConnection): Transport | undefined {
  if (!isDenoConn(conn)) return undefined;
  const kept = Kept.transportOf(conn);
  if (kept?.inUse) throw new TypeError("Cannot use the connection: it is already in use");
  if (kept) return kept;
  const transport = new PullTransport(new DenoSource(conn));
  new Kept(conn, transport);
  return transport;
}
