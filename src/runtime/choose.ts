import { DenoSource, isDenoConn } from "./deno_conn.ts";
import { type Dialler, type Tls } from "./dialler.ts";
import { streamSource } from "./stream_pair.ts";
import { PullTransport } from "../transport/pull_transport.ts";
import { type ByteConnection, TRANSPORT, type Transport, type TransportConnection } from "../transport/transport.ts";

/**
 * The runtime's own way. On Deno `startTls` knows nothing of a certificate of ours, which is needed in a tunnel, nor of unix
 * sockets: there it is Node's modules.
 */
export async function diallerFor(tls: Tls | undefined, isTunnelled: boolean, isUnix: boolean): Promise<Dialler> {
  const runtime = globalThis as { Deno?: unknown; Bun?: unknown; process?: { versions?: { node?: string } } };
  if (runtime.Deno && !(tls && (isUnix || isTunnelled && tls.client))) {
    return (await import("./deno_dialler.ts")).denoDialler;
  }
  if (runtime.Bun) return (await import("./bun_dialler.ts")).bunDialler;
  if (runtime.process?.versions?.node) return (await import("./node_dialler.ts")).nodeDialler;
  throw new TypeError(
    "Cannot dial: this runtime has no TCP sockets; connect by yourself, and give the connection as conn",
  );
}

/**
 * The transport of a connection.
 *
 * @throws {TypeError} When it is not a pair of streams, or one of them is locked.
 */
export function transportOf(conn: ByteConnection): Transport {
  if (isTransportConnection(conn)) return conn[TRANSPORT]();
  const { readable, writable } = Object(conn) as Partial<ByteConnection>;
  if (typeof readable?.getReader !== "function" || typeof writable?.getWriter !== "function") {
    throw new TypeError(
      `Cannot use the connection: it must be a pair { readable, writable } of byte streams${hint(conn)}`,
    );
  }
  if (readable.locked || writable.locked) throw new TypeError("Cannot use the connection: a stream of it is locked");
  if (!isDenoConn(conn)) return new PullTransport(streamSource(readable, writable));
  let transport = denoTransports.get(conn);
  if (transport?.inUse) throw new TypeError("Cannot use the connection: it is already in use");
  if (!transport) denoTransports.set(conn, transport = new PullTransport(new DenoSource(conn)));
  return transport;
}

/** What makes a pair of a socket that is none. */
function hint(conn: unknown): string {
  const { pipe, destroy, upgradeTLS, shutdown } = Object(conn);
  const isFunction = (method: unknown) => typeof method === "function";
  if ([pipe, destroy].every(isFunction)) return "; fromSocket() of @handfast/websocket/node makes one of a Node socket";
  if ([upgradeTLS, shutdown].some(isFunction)) {
    return "; handlers() of @handfast/websocket/bun make one of a Bun socket";
  }
  return "";
}

/** A read of a `Deno.Conn` can't be taken back: the next owner has to find the transport that waits for it. */
const denoTransports = new WeakMap<ByteConnection, PullTransport<number | null>>();

function isTransportConnection(conn: unknown): conn is TransportConnection {
  return typeof (conn as Partial<TransportConnection> | undefined)?.[TRANSPORT] === "function";
}
