// Chooses the Transport of a connection, and the Dialler of the runtime. Only the doors call this; everything below them is
// handed what was chosen.

import { type DenoConn, DenoSource, isDenoConn } from "./deno_conn.ts";
import type { Dialler, Tls } from "./dialler.ts";
import type { Listen, ListenOptions } from "./listener.ts";
import { streamSource } from "./stream_pair.ts";
import { PullTransport } from "../transport/pull_transport.ts";
import { type ByteConnection, TRANSPORT, type Transport, type TransportConnection } from "../transport/transport.ts";

/**
 * A read of a `Deno.Conn` can't be cancelled: the next owner has to find the transport in which it is still under way. The
 * other connections have a transport of their own, or are streams that unlock.
 */
const denoTransports = new WeakMap<ByteConnection, PullTransport<number | null>>();

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
  return isDenoConn(conn) ? denoTransportOf(conn) : new PullTransport(streamSource(readable, writable));
}

function hasTransport(conn: unknown): conn is TransportConnection {
  return typeof (conn as Partial<TransportConnection> | undefined)?.[TRANSPORT] === "function";
}

function denoTransportOf(conn: DenoConn): Transport {
  let transport = denoTransports.get(conn);
  if (transport?.inUse) throw new TypeError("Cannot use the connection: it is already in use");
  if (!transport) denoTransports.set(conn, transport = new PullTransport(new DenoSource(conn)));
  return transport;
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

/**
 * The dialler of this runtime, loaded when it is first needed. Deno's `startTls()` takes no client certificate, which a
 * tunnel would need, and no Unix socket: there, Deno dials with Node's modules.
 *
 * @throws {TypeError} Rejects on a runtime without TCP sockets.
 */
export async function diallerFor(tls: Tls | undefined, isTunnelled: boolean, isUnix: boolean): Promise<Dialler> {
  if (isDeno() && !(tls && (isUnix || isTunnelled && tls.client))) {
    return (await import("./deno_dialler.ts")).denoDialler;
  }
  if (isBun()) return (await import("./bun_dialler.ts")).bunDialler;
  if (isNode()) return (await import("./node_dialler.ts")).nodeDialler;
  throw new TypeError(
    "Cannot dial: this runtime has no TCP sockets; connect by yourself, and give the connection as conn",
  );
}

/**
 * How this runtime listens, loaded when it is first needed. Deno's TLS does not listen on a Unix socket, and its sockets
 * share a port only with `--unstable-net`, which is shown by what else comes with it: without these, Deno listens with
 * Node's modules.
 *
 * @throws {TypeError} Rejects on a runtime without TCP sockets.
 */
export async function listenFor({ address, tls, reusePort }: ListenOptions): Promise<Listen> {
  const isLacking = tls && "unix" in address || reusePort && !("listenDatagram" in Object(runtime.Deno));
  if (isDeno() && !isLacking) return (await import("./deno_listener.ts")).listenOnDeno;
  if (isBun()) return (await import("./bun_serving.ts")).listenOnBun;
  if (isNode()) return (await import("./node_listener.ts")).listenOnNode;
  throw new TypeError("Cannot serve: this runtime has no TCP sockets; give connections of your own to accept()");
}

const runtime = globalThis as { Deno?: unknown; Bun?: unknown; process?: { versions?: { node?: string } } };
const isDeno = () => runtime.Deno !== undefined;
const isBun = () => runtime.Bun !== undefined;
const isNode = () => runtime.process?.versions?.node !== undefined;
