import nodeCrypto from "node:crypto";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { accept, basicAuth, connect, HandshakeError } from "../../mod.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { head } from "../cases/responses_base.ts";
import { test } from "../kit/harness.ts";
import { RawPeer, settled } from "../kit/raw_peer.ts";

const URL = "ws://localhost/chat";

/** A client's end, and a server by hand that ends when the client has. */
function pair() {
  const [conn, far] = connectionPair(), peer = new RawPeer(far);
  peer.ended.then(() => peer.end(), () => {});
  return { conn, peer, clock: fakeClock() };
}

test("connect() sends one request, with the fields in their order and a new key each time", async () => {
  const keys = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const { conn, peer, clock } = pair();
    const options = { conn, clock, protocols: ["a", "b"], headers: { Origin: "http://localhost", "X-A": "1" } };
    connect("wss://me:pa%3Ass@localhost:8443/chat?x=%20y", options).catch(() => {});
    const [, key = ""] = /Key: (.*)\r/.exec(
      await peer.until("\r\n\r\n").then((request) => {
        assertEquals(request.replace(/Key: .*/, "Key: *").split("\r\n"), [
          "GET /chat?x=%20y HTTP/1.1",
          "Host: localhost:8443",
          "Upgrade: websocket",
          "Connection: Upgrade",
          "Sec-WebSocket-Key: *",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Protocol: a, b",
          `Authorization: Basic ${btoa("me:pa:ss")}`,
          "Origin: http://localhost",
          "x-a: 1",
          "",
          "",
        ]);
        return request;
      }),
    )!;
    keys.add(key);
    conn.reset();
  }
  assertEquals(keys.size, 2);
});

test("connect() gives the server's 101", async () => {
  const { conn, peer, clock } = pair();
  const connecting = connect(URL, { conn, clock, protocols: ["b"] });
  const [, key = ""] = /Key: (.*)\r/.exec(await peer.until("\r\n\r\n"))!;
  const fields = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": await acceptValue(key) };
  peer.write(head("HTTP/1.1 101 Yes", { ...fields, "Sec-WebSocket-Protocol": "b", "X-Theirs": "1" }));
  const socket = await connecting;
  assertEquals([socket.response.status, socket.response.headers.get("x-theirs"), socket.protocol], [101, "1", "b"]);
  assertStrictEquals(socket.response, socket.response);
  assertEquals(clock.pending, 0);
  socket.abort();
});

const reason = new Error("mine");
const MOMENTS: readonly [name: string, answered: string][] = [
  ["before an answer", ""],
  ["inside the head", "HTTP/1.1 101"],
  ["inside a refusal's body", head("HTTP/1.1 403 No", { "Content-Length": "9" }) + "no"],
];
for (const [name, answered] of MOMENTS) {
  test(`connect() is given up by its signal ${name}`, async () => {
    const { conn, peer, clock } = pair(), controller = new AbortController();
    const connecting = connect(URL, { conn, clock, signal: controller.signal });
    connecting.catch(() => {});
    await peer.until("\r\n\r\n");
    peer.write(answered);
    await settled();
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => connecting), reason);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

test("connect() is given up by its signal while the answer is judged", async () => {
  const { conn, peer, clock } = pair(), controller = new AbortController();
  const connecting = connect(URL, { conn, clock, signal: controller.signal });
  connecting.catch(() => {});
  const [, key = ""] = /Key: (.*)\r/.exec(await peer.until("\r\n\r\n"))!;
  const accept = await acceptValue(key);
  const { btoa } = globalThis, { hash } = nodeCrypto;
  globalThis.btoa = (text) => { // of our own digest; which of the two is used is up to the runtime
    controller.abort(reason);
    return btoa(text);
  };
  nodeCrypto.hash = ((...args: Parameters<typeof hash>) => {
    controller.abort(reason);
    return hash(...args);
  }) as typeof hash;
  try {
    peer.write(head("HTTP/1.1 101", { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": accept }));
    assertStrictEquals(await assertRejects(() => connecting), reason);
  } finally {
    globalThis.btoa = btoa;
    nodeCrypto.hash = hash;
  }
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});

test("connect() with a signal that is already aborted closes the connection and writes nothing", async () => {
  const { conn, peer, clock } = pair();
  const connecting = connect(URL, { conn, clock, signal: AbortSignal.abort(reason) });
  assertStrictEquals(await assertRejects(() => connecting), reason);
  await settled();
  assertEquals([conn.isClosed, peer.take(), clock.pending], [true, "", 0]);
});

test("connect(): a signal that is aborted later does not touch the WebSocket", async () => {
  const [conn, far] = connectionPair(), controller = new AbortController();
  const { signal } = controller;
  const [socket, accepted] = await Promise.all([connect(URL, { conn, signal }), accept(far)]);
  controller.abort();
  await settled();
  assertEquals(conn.isClosed, false);
  socket.abort();
  accepted.abort();
});

for (const answered of ["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 1"]) {
  test(`handshakeTimeout closes, after ${JSON.stringify(answered)}`, async () => {
    const { conn, peer, clock } = pair();
    const connecting = connect(URL, { conn, clock, handshakeTimeout: 5000 });
    connecting.catch(() => {});
    peer.write(answered);
    await clock.advance(4999);
    assertEquals(conn.isClosed, false);
    await clock.advance(1);
    const error = await assertRejects(() => connecting, HandshakeError);
    assertEquals([error.failure, error.response, conn.isClosed], ["handshake-timeout", undefined, true]);
    assertEquals([error.request?.url, clock.pending], ["http://localhost/chat", 0]);
  });
}

test("keepAlive in both roles: a 401, and another attempt on the same connection", async () => {
  const [conn, far] = connectionPair(), clock = fakeClock();
  const authorize = basicAuth({ realm: "here", users: { ada: "secret" } });
  const serving = accept(far, { authorize, keepAlive: true, clock })
    .catch((error: HandshakeError) => accept(far, { authorize, prefix: error.rest, clock }));
  const error = await assertRejects(() => connect(URL, { conn, keepAlive: true, clock }), HandshakeError);
  assertEquals([error.reusable, error.response?.status, error.truncated], [true, 401, false]);
  assertEquals([conn.readable.locked, conn.writable.locked, conn.isClosed, clock.pending], [false, false, false, 1]);
  const socket = await connect("ws://ada:secret@localhost/", { conn, prefix: error.rest, clock });
  const accepted = await serving;
  socket.send("Hello");
  assertEquals((await accepted.readable.getReader().read()).value, "Hello");
  socket.abort();
  accepted.abort();
  assertEquals(clock.pending, 0);
});

test("connect() on a connection that is lost fails at once, with the loss as cause", async () => {
  const { conn, clock } = pair(), reset = new Error("ECONNRESET");
  conn.reset(reset);
  const error = await assertRejects(() => connect(URL, { conn, clock }), HandshakeError);
  assertEquals([error.failure, clock.pending], ["connection-closed", 0]);
  assertStrictEquals(error.cause, reset);
  assert(error.message.startsWith("Cannot open the WebSocket: "), error.message);
});
