/**
 * Connections over Bun's TCP APIs, for `accept()` and `connect()`: `listen()` and `dial()` over `Bun.listen` and
 * `Bun.connect`, and `handlers()` for those who call these two themselves.
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

import { type SocketHandler, type TLSOptions } from "bun";
import { connectBun } from "./runtime/bun_dialler.ts";
import { type BunConnection } from "./runtime/bun_listener.ts";
import { bunHandlers, type BunTls } from "./runtime/bun_socket.ts";
export { type BunAddress } from "./runtime/bun_socket.ts";
export { type ByteConnection } from "./transport/transport.ts";
export { type BunConnection, type BunListener, listen, type ListenOptions } from "./runtime/bun_listener.ts";

/**
 * Options of {@linkcode dial}.
 *
 * @example A unix socket
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
  /** Its port. */
  port?: number | undefined;
  /** The path of a unix socket, in place of a host and a port. */
  unix?: string | undefined;
  /** TLS, with Bun's options if there are any; the certificate must be that of `serverName`, or else of the host. */
  tls?: TLSOptions | boolean | undefined;
  /** Gives the attempt up. */
  signal?: AbortSignal | undefined;
}

/**
 * Connects over `Bun.connect`. `connect()` of the main entry does this by itself; this is for other bytes, and for more
 * control of TLS.
 *
 * @param options Where to, and TLS.
 * @returns The connection; with TLS, once its handshake is done.
 * @throws {TypeError} Rejects on another runtime.
 * @throws {Error} Rejects when no connection can be made, or the certificate is not accepted.
 *
 * @example A WebSocket over it
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
  const { hostname = "127.0.0.1", port, unix, tls } = options;
  if (unix === undefined && port === undefined) throw new TypeError("Cannot dial: there is no port, and no unix");
  const address = unix === undefined ? { hostname, port: port! } : { unix };
  // An empty object would mean: no TLS
  const { rejectUnauthorized = true, serverName = hostname, ...given }: BunTls = typeof tls === "object" ? tls : {};
  const secure = tls ? { ...given, rejectUnauthorized, serverName } : undefined;
  return await connectBun(address, secure, (_, error) => error, options.signal ?? new AbortController().signal);
}

/**
 * The `socket` of a `Bun.listen` or `Bun.connect` call of one's own. The call must also say `allowHalfOpen: true`: without
 * it Bun drops what is still to be written when the peer has ended, and the connection fails with an error that says so.
 * The sockets' `data` is then this function's.
 *
 * @param opened Called with each connection once it is open: at a listener with TLS, once its handshake is done.
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
export function handlers(opened: (connection: BunConnection) => void): SocketHandler<unknown, "uint8array"> {
  return bunHandlers(opened);
}
