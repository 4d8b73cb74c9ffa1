/**
 * Connections over Bun's TCP APIs, for `accept()` and `connect()`: `listen()` and `dial()` use `Bun.listen` and
 * `Bun.connect`; `handlers()` are for your own calls of these two.
 *
 * @example An echo server
 * ```ts ignore
 * import { accept, connect } from "@handfast/websocket";
 * import { type BunConnection, listen } from "@handfast/websocket/bun";
 * import { assertEquals } from "@std/assert";
 *
 * async function echo(conn: BunConnection) {
 *   const socket = await accept(conn);
 *   await socket.receive((message) => socket.send(message));
 * }
 *
 * const listener = listen({ hostname: "127.0.0.1", port: 8765 });
 * const serving = (async () => {
 *   for await (const conn of listener) echo(conn).catch(console.error);
 * })();
 *
 * const socket = await connect("ws://127.0.0.1:8765/");
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * await socket.close();
 * listener.close();
 * await serving;
 * ```
 *
 * @module
 */

import { connectBun } from "./runtime/bun_dialler.ts";
import { type BunConnection, bunHandlers } from "./runtime/bun_socket.ts";
import type { BunHandlers, BunTls, BunTlsOptions } from "./runtime/bun_api.ts";
export type { BunHandlers, BunTlsOptions } from "./runtime/bun_api.ts";
export type { BunConnection } from "./runtime/bun_socket.ts";
export type { ByteConnection, NetworkAddress } from "./transport/transport.ts";
export { type BunListener, listen, type ListenOptions } from "./runtime/bun_listener.ts";

/**
 * Options of {@linkcode dial}.
 *
 * @example A Unix socket
 * ```ts ignore
 * import { dial, type DialOptions } from "@handfast/websocket/bun";
 * import { assertRejects } from "@std/assert";
 *
 * const options: DialOptions = { unix: "/no/such/socket" };
 *
 * await assertRejects(() => dial(options), Error);
 * ```
 */
export interface DialOptions {
  /**
   * The host to connect to.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string | undefined;
  /** The port to connect to. */
  port?: number | undefined;
  /** The path of a Unix socket to connect to, instead of a host and a port. */
  unix?: string | undefined;
  /** `true`, or Bun's options for TLS. The certificate must be for `serverName`, or without one for the host. */
  tls?: BunTlsOptions | boolean | undefined;
  /** Cancels the attempt when it aborts. */
  signal?: AbortSignal | undefined;
}

/** The default of `hostname`. */
const LOOPBACK = "127.0.0.1";

/**
 * Opens a TCP connection with `Bun.connect`. `connect()` of the main entry does this by itself; use `dial()` to exchange
 * other bytes before the handshake, or for Bun's options of TLS.
 *
 * @param options Where to connect to, and TLS.
 * @returns The connection; with TLS, once its handshake is done.
 * @throws {TypeError} Rejects on another runtime, and without a `port` or `unix`.
 * @throws {Error} Rejects when no connection can be made, or the certificate is not trusted.
 *
 * @example A WebSocket over the connection
 * ```ts ignore
 * import { accept, connect } from "@handfast/websocket";
 * import { dial, listen } from "@handfast/websocket/bun";
 * import { assertEquals } from "@std/assert";
 *
 * const listener = listen({ hostname: "127.0.0.1", port: 8769 });
 * const accepting = listener.accept().then((conn) => accept(conn));
 * const conn = await dial({ hostname: "127.0.0.1", port: 8769 });
 * const socket = await connect("ws://any.example/", { conn });
 *
 * assertEquals(socket.response.status, 101);
 * for (const end of [socket, await accepting]) end.abort();
 * listener.close();
 * ```
 */
export async function dial(options: DialOptions): Promise<BunConnection> {
  const { hostname = LOOPBACK, port, unix, tls } = options;
  if (unix === undefined && port === undefined) throw new TypeError("Cannot dial: there is no port, and no unix");
  const address = unix === undefined ? { hostname, port: port! } : { unix };
  // Never an empty object: Bun would connect without TLS
  const { rejectUnauthorized = true, serverName = hostname, ...given }: BunTls = typeof tls === "object" ? tls : {};
  const secure = tls ? { ...given, rejectUnauthorized, serverName } : undefined;
  return await connectBun(address, secure, (_, error) => error, options.signal ?? new AbortController().signal);
}

/**
 * The `socket` option of your own `Bun.listen` or `Bun.connect` call. Pass `allowHalfOpen: true` with it: otherwise Bun
 * drops what is still to be written once the peer has half-closed, and the connection fails with an error that says so. The
 * `data` property of the sockets is taken.
 *
 * @param opened Called with each connection once it is open; at a listener with TLS, once its handshake is done.
 * @returns Handlers for Bun.
 *
 * @example Usage
 * ```ts ignore
 * import { accept, connect } from "@handfast/websocket";
 * import { handlers } from "@handfast/websocket/bun";
 * import { assertEquals } from "@std/assert";
 *
 * const server = Bun.listen({
 *   hostname: "127.0.0.1",
 *   port: 8770,
 *   allowHalfOpen: true,
 *   socket: handlers((conn) => {
 *     accept(conn).then((socket) => socket.readable.pipeTo(socket.writable)).catch(console.error);
 *   }),
 * });
 *
 * const socket = await connect("ws://127.0.0.1:8770/");
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * await socket.close();
 * server.stop();
 * ```
 */
export function handlers(opened: (connection: BunConnection) => void): BunHandlers {
  return bunHandlers(opened, undefined, false); // whoever calls them may have kept a chunk
}
