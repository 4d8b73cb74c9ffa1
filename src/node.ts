/**
 * Connections over Node's sockets, for `accept()` and `connect()`: `fromSocket()` for a socket, `fromUpgrade()` for the
 * `upgrade` event of `node:http` and `node:https`, `fromHttp2()` for the `stream` event of `node:http2`. All of them also
 * work with the `node:` modules of Deno and Bun.
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

import type { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import type { Http2Stream, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { RequestHead } from "./errors/handshake_error.ts";
import { parseForeignHttp2 } from "./http/http2_head.ts";
import { parseForeignRequest } from "./http/request_head.ts";
import { NodeHttp2RequestStream } from "./runtime/node_http2_stream.ts";
import { NodeSocketConnection } from "./runtime/node_socket.ts";
import type { ByteConnection } from "./transport/transport.ts";
export type { ByteConnection } from "./transport/transport.ts";
export type { RequestHead } from "./errors/handshake_error.ts";

/**
 * Makes a connection of a Node socket, or of any other `Duplex` of bytes. From then on the socket belongs to the connection:
 * do not read it, write to it or destroy it, and keep nothing that it reads, which is freed on Node once it is done with. Deno can't pause the sockets of `node:tls` and `node:https`: a connection over
 * one is lost when more than 16 MiB wait to be read. Use `Deno.listenTls()` and `Deno.connectTls()` there.
 *
 * @param socket A `net.Socket`, a `tls.TLSSocket`, or another duplex.
 * @returns The connection.
 * @throws {TypeError} When the socket is no duplex, or one of strings or objects instead of bytes.
 *
 * @example A WebSocket over a socket of `node:net`
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

/** Throws unless the socket is a duplex stream of bytes. */
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
 * An upgrade request that an HTTP server has read, as options of `accept()`.
 *
 * @example Check a request without accepting it
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
  /** The request. Its header lines are checked as they were sent, repeated ones included. */
  readonly request: RequestHead;
  /** The bytes after the request's head: the first frames, if the client has sent any. */
  readonly prefix: Uint8Array;
}

/**
 * Takes the arguments of the `upgrade` event of `node:http` and `node:https`, and returns those of `accept()`. Call
 * `accept()` for every upgrade, also for one that you do not want: it sends a proper refusal.
 *
 * @param req The request.
 * @param socket The request's socket.
 * @param head What was read after the request's head.
 * @returns The connection, and options for `accept()`. On a runtime whose sockets drop what is written to them, as those of
 * some releases of Bun do, `accept()` rejects with an error whose cause says so.
 * @throws {TypeError} When the socket is no duplex of bytes.
 *
 * @example WebSockets on one path of a server
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
  const request = parseForeignRequest(lines, (socket as { encrypted?: boolean }).encrypted);
  return [conn, { request, prefix: new Uint8Array(head) }];
}

/**
 * A stream of HTTP/2 that asks for something, as a connection for `accept()`.
 *
 * @example Only WebSockets for one path
 * ```ts
 * import { accept, connect } from "@handfast/websocket";
 * import { fromHttp2, type Http2Connection } from "@handfast/websocket/node";
 * import { once } from "node:events";
 * import { createServer } from "node:http2";
 * import { assertEquals } from "@std/assert";
 *
 * const isChat = ({ request }: Http2Connection) => new URL(request.url).pathname === "/chat";
 *
 * const server = createServer({ settings: { enableConnectProtocol: true } });
 * server.on("stream", (...event) => {
 *   const conn = fromHttp2(...event);
 *   const authorize = () => isChat(conn) ? undefined : new Response("Not here\n", { status: 404 });
 *   accept(conn, { authorize }).catch(() => {});
 * });
 * await once(server.listen(0, "127.0.0.1"), "listening");
 *
 * const { port } = server.address() as { port: number };
 * const error = await connect(`ws://127.0.0.1:${port}/`, { http2: true }).catch((error) => error);
 * assertEquals(error.response.status, 404);
 * server.close();
 * ```
 */
export interface Http2Connection extends ByteConnection {
  /** The request, with its fields as they were sent. */
  readonly request: RequestHead;
}

/**
 * Takes the arguments of the `stream` event of a server of `node:http2`, and returns the connection for `accept()`, which
 * opens a WebSocket on the stream (RFC 8441), or refuses it by a response. From `accept()` on the stream belongs to it. The
 * server must be made with the setting `enableConnectProtocol`: without it no client may ask.
 *
 * With `accept()` the options `prefix` and `request` can't be used, and `keepAlive` has no meaning: other streams go on
 * whatever becomes of this one. How large a head, how many streams and how many frames of a kind a client may send is up to
 * the options of the server: see [HTTP/2](https://github.com/handfast/websocket/blob/main/docs/http2.md).
 *
 * @param stream The stream.
 * @param headers Its header fields.
 * @param _flags Not used; it is there so that the event's arguments can be passed on as they are.
 * @param rawHeaders The fields as they were sent. Without them, a field that was sent twice is seen only where Node keeps
 * both values.
 * @returns The connection.
 * @throws {TypeError} When the stream is not a server's, or was answered already.
 *
 * @example A WebSocket over HTTP/2
 * ```ts
 * import { accept } from "@handfast/websocket";
 * import { fromHttp2 } from "@handfast/websocket/node";
 * import { once } from "node:events";
 * import { connect, createServer } from "node:http2";
 * import { assertEquals } from "@std/assert";
 *
 * const server = createServer({ settings: { enableConnectProtocol: true } });
 * server.on("stream", (...event) => {
 *   accept(fromHttp2(...event), { protocols: ["chat"] })
 *     .then((accepted) => accepted.receive((message) => accepted.send(message)))
 *     .catch(() => {});
 * });
 * await once(server.listen(0, "127.0.0.1"), "listening");
 *
 * const session = connect(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
 * await once(session, "remoteSettings");
 * const stream = session.request({
 *   ":method": "CONNECT",
 *   ":protocol": "websocket",
 *   ":path": "/",
 *   "sec-websocket-version": "13",
 *   "sec-websocket-protocol": "chat",
 * });
 * const [head] = await once(stream, "response");
 * assertEquals([head[":status"], head["sec-websocket-protocol"]], [200, "chat"]);
 * session.destroy();
 * server.close();
 * ```
 */
export function fromHttp2(
  stream: Http2Stream,
  headers: IncomingHttpHeaders,
  _flags?: number,
  rawHeaders?: readonly string[],
): Http2Connection {
  checkStream(stream);
  return new NodeHttp2RequestStream(stream, parseForeignHttp2(fieldsOf(headers, rawHeaders)));
}

/** Some types of the event say no more than that it is a stream. */
function checkStream(stream: Http2Stream): asserts stream is ServerHttp2Stream {
  const { respond, headersSent } = Object(stream) as Partial<ServerHttp2Stream>;
  if (typeof respond !== "function") {
    throw new TypeError("Cannot use the stream: it is not one of a server of node:http2");
  }
  if (headersSent) throw new TypeError("Cannot use the stream: it was answered already");
}

function* fieldsOf(headers: IncomingHttpHeaders, raw?: readonly string[]): Generator<[string, string]> {
  if (raw) { for (let i = 0; i < raw.length; i += 2) yield [raw[i]!, raw[i + 1]!]; }
  else {
    for (const [name, value = ""] of Object.entries(headers)) {
      for (const each of [value].flat()) yield [name, String(each)];
    }
  }
}
