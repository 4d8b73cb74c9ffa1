// The package ws: its client against accept(), its server against connect().

import type { EventEmitter } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, assertEquals, assertRejects } from "@std/assert";
// By their paths: under Bun the name "ws" stands for something of its own
import WebSocket from "../../node_modules/ws/lib/websocket.js";
import WebSocketServer from "../../node_modules/ws/lib/websocket-server.js";
import { HandshakeError } from "../../mod.ts";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { test } from "../kit/harness.ts";
import { type Abilities, testClient, testServer } from "./exchanges.ts";
import { type AcceptedPeer, acceptFrom, type Dial, meet, Peer, type PeerSocket, type Serve } from "./links.ts";

/** What is used of a WebSocket of ws, which comes without types, beside the standard. */
interface WsSocket extends PeerSocket, Pick<EventEmitter, "once"> {
  send(data: string | Uint8Array, options?: { readonly fin?: boolean; readonly binary?: boolean }): void;
  ping(payload: Uint8Array): void;
}

/** The fields of a message of node:http. */
const fieldsOf = ({ headers }: IncomingMessage): Headers => new Headers(headers as Record<string, string>);

const dial: Dial<WsSocket> = (url, { offered, clientFields }) => {
  const socket: WsSocket = new WebSocket(url, [...offered], { headers: clientFields });
  let response = new Headers();
  socket.once("upgrade", (message: IncomingMessage) => response = fieldsOf(message));
  return { socket, response: () => response };
};

const serve: Serve<WsSocket> = async ({ spoken, serverFields }, refusal) => {
  const server = createServer();
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered: Set<string>) => spoken.find((protocol) => offered.has(protocol)) ?? false,
    verifyClient: (_: unknown, verdict: (passes: boolean, ...refusal: unknown[]) => void) => {
      if (refusal) verdict(false, refusal.status, refusal.body, refusal.fields);
      else verdict(true);
    },
  });
  sockets.on("headers", (lines: string[]) => {
    for (const [name, value] of Object.entries(serverFields)) lines.push(`${name}: ${value}`);
  });
  const accepted = Promise.withResolvers<AcceptedPeer<WsSocket>>();
  sockets.on("connection", (socket: WsSocket, request: IncomingMessage) => {
    accepted.resolve({ theirs: new Peer(socket), request: fieldsOf(request) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    accepted: accepted.promise,
    async close() {
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};

const abilities: Abilities<WsSocket> = {
  echoesReason: true,
  showsProtocol: true,
  sendPieces(socket, pieces) {
    for (const [i, piece] of pieces.entries()) socket.send(piece, { fin: i === pieces.length - 1 });
  },
  ping(socket, payload) {
    const pong = new Promise<Uint8Array>((resolve) => socket.once("pong", resolve));
    socket.ping(payload);
    return pong.then((payload) => new Uint8Array(payload));
  },
};

testClient({ name: "the client of ws", dial, insistsOnProtocol: true, ...abilities });
testServer({ name: "the server of ws", serve, ...abilities });

/** Rows: what accept() is told, what the client asks with, and the body it gets. */
const refusals = [
  {
    name: "for its origin",
    headers: { origin: "https://elsewhere.example" },
    response: undefined,
    status: 403,
    body: handshakeFailures["origin-refused"].sentence + "\n",
  },
  {
    name: "by a policy, with a body of 100 KiB",
    headers: {},
    response: () => new Response("no! ".repeat(25_600), { status: 401, headers: { "www-authenticate": "Basic" } }),
    status: 401,
    body: "no! ".repeat(25_600),
  },
];
for (const { name, headers, response, status, body } of refusals) {
  test(`accept() and the client of ws: a refusal ${name} is read whole`, async () => {
    const { theirs, accepting } = await meet(dial, { clientFields: headers }, { authorize: response });
    const refused = new Promise<IncomingMessage>((resolve) => {
      theirs.socket.once("unexpected-response", (_: unknown, message: IncomingMessage) => resolve(message));
    });
    const [message] = await Promise.all([refused, assertRejects(() => accepting, HandshakeError)]);
    assertEquals(message.statusCode, status);
    assertEquals(fieldsOf(message).get("www-authenticate"), response?.().headers.get("www-authenticate") ?? null);
    let received = "";
    for await (const chunk of message.setEncoding("utf8")) received += chunk;
    assert(received === body, `${received.length} characters: ${received.slice(0, 100)}`);
    theirs.socket.close();
    await theirs.closed;
  });
}

test("accept() and the client of ws: text whose characters are cut by frames arrives whole", async () => {
  await using link = await acceptFrom(dial);
  const text = "Grüße 👋";
  const bytes = new TextEncoder().encode(text);
  for (const byte of bytes) link.theirs.socket.send(Uint8Array.of(byte), { binary: false, fin: false });
  link.theirs.socket.send("");
  assertEquals((await link.ours.readable.getReader().read()).value, text);
  await link.ours.close();
});
