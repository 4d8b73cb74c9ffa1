// What a compiler must make of calls, with Node's types and none of the DOM's: the wrong ones are errors, one by one, and
// nothing in a signature is silently `any`.

import {
  accept,
  type AcceptOptions,
  answer,
  connect,
  type Decorator,
  type HandshakeError,
  type HeadersInit,
  type Message,
  offer,
  readRequest,
  type RequestDraft,
  serve,
  type ServeHandlers,
  type WebSocketConnection,
  WebSocketError,
  writeResponse,
} from "@handfast/websocket";
import { type BunTlsOptions, dial, type handlers, listen } from "@handfast/websocket/bun";
import { fromSocket } from "@handfast/websocket/node";
import { Protocol } from "@handfast/websocket/protocol";
import { connectionPair, fakeClock } from "@handfast/websocket/testing";
import { Buffer } from "node:buffer";
import { Socket } from "node:net";

type IsAny<T> = 0 extends 1 & T ? true : false;

/** Each of these types is something: were one of them `any`, `false` would be the wrong value. */
export const ANY: [
  IsAny<Message>,
  IsAny<HeadersInit>,
  IsAny<Decorator<RequestDraft>>,
  IsAny<RequestDraft["headers"]>,
  IsAny<Parameters<WebSocketConnection["ping"]>[0]>,
  IsAny<WebSocketConnection["readable"]>,
  IsAny<WebSocketConnection["writable"]>,
  IsAny<WebSocketConnection[typeof Symbol.asyncDispose]>,
  IsAny<HandshakeError["response"]>,
  IsAny<WebSocketError["name"]>,
  IsAny<AcceptOptions["signal"]>,
  IsAny<Awaited<ReturnType<typeof answer>>["response"]>,
  IsAny<Parameters<NonNullable<ServeHandlers["http"]>>[0]>,
  IsAny<BunTlsOptions["cert"]>,
  IsAny<ReturnType<typeof handlers>["data"]>,
] = [false, false, false, false, false, false, false, false, false, false, false, false, false, false, false];

export async function right(socket: WebSocketConnection): Promise<void> {
  for (
    const message of [
      "text",
      new Uint8Array(1),
      Buffer.from("bytes"),
      new ArrayBuffer(1),
      new DataView(new ArrayBuffer(1)),
    ]
  ) {
    await socket.send(message);
  }
  const writable: WritableStream<Message> = socket.writable;
  await socket.readable.pipeTo(writable);
  for await (const message of socket.readable) {
    const size: number = typeof message === "string" ? message.length : message.byteLength;
    await socket.close({ closeCode: 1000, reason: String(size) });
  }
  const forms: HeadersInit[] = [{ a: "b" }, [["a", "b"]], new Headers(), new Map([["a", "b"]])];
  for (const headers of forms) await connect("ws://localhost/", { headers, signal: AbortSignal.timeout(1) });
  const error: DOMException = new WebSocketError("Late", { closeCode: 3000 });
  socket.abort(error);
  const [conn] = connectionPair(), read = await readRequest(conn);
  if (read) await writeResponse(conn, new Response("Hello"), { request: read.request });
  await using accepted = await accept(fromSocket(new Socket()), { clock: fakeClock() });
  const { response } = await answer(accepted.request);
  const { request }: { request: Request } = offer(new URL("ws://localhost/"));
  new Protocol({ role: "server", protocol: "", extensions: "" }, { message() {}, close() {}, fail() {} }).ping();
  await using server = await serve({ port: 0, onListen: (addr) => console.log(addr.transport) }, {
    socket: (socket) => socket.receive((message) => socket.send(message)),
    http: (request, { remoteAddr }) => new Response(`${remoteAddr?.transport} ${request.url}`),
  });
  await server.shutdown({ within: server.connections.size });
  (await dial({ port: response.status, tls: { ca: request.url } })).close();
}

export async function wrong(socket: WebSocketConnection): Promise<void> {
  // @ts-expect-error a number is no message
  await socket.send(123);
  // @ts-expect-error nor is an object
  await socket.send({ type: "hello" });
  // @ts-expect-error nor are shared bytes
  await socket.send(new SharedArrayBuffer(1));
  // @ts-expect-error text is no payload of a ping
  await socket.ping("x");
  // @ts-expect-error code and reason are one argument
  await socket.close(1000, "bye");
  // @ts-expect-error the name is closeCode
  await socket.close({ code: 1000 });
  // @ts-expect-error a handler is needed
  await socket.receive("message");
  // @ts-expect-error a number is no header fields
  await connect("ws://localhost/", { headers: 42 });
  // @ts-expect-error nor are they a list of strings
  await connect("ws://localhost/", { headers: ["a", "b"] });
  // @ts-expect-error the name is protocols
  await connect("ws://localhost/", { protocol: "chat" });
  // @ts-expect-error a URL is needed
  await connect(8080);
  // @ts-expect-error a time limit is in milliseconds
  await connect("ws://localhost/", { handshakeTimeout: "10s" });
  // @ts-expect-error fromSocket() makes a connection of a socket of Node's
  await accept(new Socket());
  // @ts-expect-error a word, or a list
  await accept(connectionPair()[0], { origins: 42 });
  // @ts-expect-error a port is a number
  await serve({ port: "8080" }, () => {});
  // @ts-expect-error what answers plain HTTP returns a Response
  await serve({ port: 8080 }, { socket() {}, http: () => "A page" });
  // @ts-expect-error a string is no socket
  fromSocket("127.0.0.1");
  // @ts-expect-error a string is no port
  listen({ port: "8080" });
  // @ts-expect-error nor a certificate a number
  listen({ port: 8443, tls: { cert: 42 } });
  // @ts-expect-error a role is client or server
  new Protocol({ role: "proxy", protocol: "", extensions: "" }, { message() {}, close() {}, fail() {} });
  // @ts-expect-error text is no payload of a ping
  new Protocol({ role: "client", protocol: "", extensions: "" }, { message() {}, close() {}, fail() {} }).ping("x");
  // @ts-expect-error a code is a number
  new WebSocketError("Late", { closeCode: "3000" });
}
