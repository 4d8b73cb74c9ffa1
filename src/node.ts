/**
 * Connections over Node's sockets, for `accept()` and `connect()`: `fromSocket()` for a socket, and `fromUpgrade()` for
 * the `upgrade` event of `node:http` and `node:https`. Both work through the `node:` modules of Deno and Bun, too.
 *
 * @example HTTP and WebSocket in one server
 * ```ts
 * import { createServer } from "node:http";
 * import { once } from "node:events";
 * import { accept, connect } from "@handfast/websocket";
 * import { fromUpgrade } from "@handfast/websocket/node";
 * import { assertEquals } from "@std/assert";
 *
 * const server = createServer((_, response) => response.end("A page"));
 * server.on("upgrade", async (req, socket, head) => {
 *   const [conn, { request, prefix }] = fromUpgrade(req, socket, head);
 *   try {
 *     const accepted = await accept(conn, { request, prefix });
 *     await accepted.receive((message) => accepted.send(message));
 *   } catch (error) {
 *     console.error(error);
 *   }
 * });
 * await once(server.listen(0, "127.0.0.1"), "listening");
 *
 * const { port } = server.address() as { port: number };
 * const socket = await connect(`ws://127.0.0.1:${port}/`);
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * await socket.close();
 * server.close();
 * ```
 *
 * @module
 */

import { type Duplex } from "node:stream";
import { type IncomingMessage } from "node:http";
import { type RequestHead } from "./errors/handshake_error.ts";
import { parseForeignRequest } from "./http/request_head.ts";
import { NodeSocketConnection } from "./runtime/node_socket.ts";
import { type ByteConnection } from "./transport/transport.ts";
export { type ByteConnection } from "./transport/transport.ts";
export { type RequestHead } from "./errors/handshake_error.ts";

/**
 * A socket of Node's, or any other `Duplex` of bytes, as a connection. The socket is its own from then on: nobody else
 * reads it, writes to it, or destroys it. Deno can't pause the sockets of `node:tls` and `node:https`: a connection on one
 * is lost when more than 16 MiB of it wait to be read. Use `Deno.listenTls()` and `Deno.connectTls()` there.
 *
 * @param socket A `net.Socket`, a `tls.TLSSocket`, or another duplex.
 * @returns The connection.
 * @throws {TypeError} When it gives strings or objects in place of bytes, or is no duplex.
 *
 * @example A WebSocket over a socket that a library has made
 * ```ts
 * import { connect as connectTcp, createServer } from "node:net";
 * import { once } from "node:events";
 * import { accept, connect } from "@handfast/websocket";
 * import { fromSocket } from "@handfast/websocket/node";
 * import { assertEquals } from "@std/assert";
 *
 * const server = createServer((socket) => {
 *   accept(fromSocket(socket)).then((accepted) => accepted.readable.pipeTo(accepted.writable)).catch(console.error);
 * });
 * await once(server.listen(0, "127.0.0.1"), "listening");
 * const { port } = server.address() as { port: number };
 *
 * const conn = fromSocket(connectTcp({ host: "127.0.0.1", port }));
 * const socket = await connect(`ws://127.0.0.1:${port}/`, { conn });
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * await socket.close();
 * server.close();
 * ```
 */
export function fromSocket(socket: Duplex): ByteConnection {
  checkSocket(socket);
  return new NodeSocketConnection(socket);
}

/** It must be a duplex stream of bytes. */
function checkSocket(socket: Duplex): void {
  const isDuplex = typeof socket?.write === "function" && typeof socket.pause === "function";
  const wrong = !isDuplex
    ? "it is no duplex stream of Node's"
    : socket.readableObjectMode || socket.writableObjectMode
    ? "it is in object mode"
    : socket.readableEncoding !== null
    ? "it has an encoding, and gives strings"
    : undefined;
  if (wrong) throw new TypeError(`Cannot use the socket: ${wrong}`);
}

/**
 * What `accept()` is told of an upgrade that an HTTP server has read.
 *
 * @example Judged before it is accepted
 * ```ts
 * import { answer } from "@handfast/websocket";
 * import { fromUpgrade, type UpgradeRequest } from "@handfast/websocket/node";
 * import { IncomingMessage } from "node:http";
 * import { Socket } from "node:net";
 * import { assertEquals } from "@std/assert";
 *
 * const req = Object.assign(new IncomingMessage(new Socket()), { method: "GET", url: "/", httpVersion: "1.1" });
 * req.rawHeaders = ["Host", "localhost", "Host", "elsewhere.example"];
 * const [, upgrade] = fromUpgrade(req, req.socket, new Uint8Array());
 *
 * const { request }: UpgradeRequest = upgrade;
 * assertEquals((await answer(request)).error?.failure, "host-invalid");
 * ```
 */
export interface UpgradeRequest {
  /** The request, judged by its lines as they came. */
  readonly request: RequestHead;
  /** The bytes behind its head: the first frames. */
  readonly prefix: Uint8Array;
}

/**
 * What the `upgrade` event of `node:http` and `node:https` gives, for `accept()`. Answer every upgrade that is not for you
 * as well: `accept()` refuses it properly.
 *
 * @param req The request.
 * @param socket Its socket.
 * @param head What was read behind the request's head.
 * @returns The connection, and what `accept()` takes as options. Where the runtime's sockets drop what is written to them,
 * `accept()` rejects, with an error that says so as its cause.
 * @throws {TypeError} When the socket is no duplex of bytes.
 *
 * @example One path of a server for WebSockets
 * ```ts
 * import { createServer } from "node:http";
 * import { once } from "node:events";
 * import { accept, connect } from "@handfast/websocket";
 * import { fromUpgrade } from "@handfast/websocket/node";
 * import { assertEquals } from "@std/assert";
 *
 * const server = createServer();
 * server.on("upgrade", (req, socket, head) => {
 *   const [conn, upgrade] = fromUpgrade(req, socket, head);
 *   const authorize = () => req.url === "/chat" ? undefined : new Response("Not here\n", { status: 404 });
 *   accept(conn, { ...upgrade, authorize }).catch(() => {});
 * });
 * await once(server.listen(0, "127.0.0.1"), "listening");
 *
 * const { port } = server.address() as { port: number };
 * const error = await connect(`ws://127.0.0.1:${port}/`).catch((error) => error);
 * assertEquals(error.response.status, 404);
 * server.close();
 * ```
 */
export function fromUpgrade(
  req: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
): [conn: ByteConnection, upgrade: UpgradeRequest] {
  checkSocket(socket);
  const { method, url, httpVersion, rawHeaders } = req;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  const conn = new NodeSocketConnection(socket, true);
  return [conn, { request: parseForeignRequest(lines), prefix: new Uint8Array(head) }];
}
