import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { accept, basicAuth, connect, type ConnectOptions, HandshakeError } from "../../mod.ts";
import { acceptValue } from "../../src/handshake/key.ts";
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

/** The failure of a connect that is answered with these bytes. */
async function refusedBy(answer: string, options: Partial<ConnectOptions> = {}) {
  const { conn, peer, clock } = pair();
  const connecting = connect(URL, { conn, clock, ...options });
  connecting.catch(() => {});
  await peer.until("\r\n\r\n");
  peer.write(answer);
  const error = await assertRejects(() => connecting, HandshakeError);
  return { error, conn, peer, clock };
}

const BAD_OPTIONS: readonly [name: string, url: string, options: object, type: string][] = [
  ["no URL", "chat", {}, "SyntaxError"],
  ["another scheme", "ftp://localhost/", {}, "SyntaxError"],
  ["a fragment", "ws://localhost/#", {}, "SyntaxError"],
  ["a subprotocol twice", URL, { protocols: ["a", "a"] }, "SyntaxError"],
  ["a subprotocol that is no token", URL, { protocols: ["a b"] }, "SyntaxError"],
  ["a field that belongs to the handshake", URL, { headers: { "sec-websocket-key": "x" } }, "TypeError"],
  ["a field with a line end", URL, { headers: { x: "a\nb" } }, "TypeError"],
  ["a negative maxBodySize", URL, { maxBodySize: -1 }, "RangeError"],
  ["a maxHeadSize of 0", URL, { maxHeadSize: 0 }, "RangeError"],
  ["a negative handshakeTimeout", URL, { handshakeTimeout: -1 }, "RangeError"],
  ["a negative idleTimeout", URL, { idleTimeout: -1 }, "RangeError"],
];
for (const [name, url, options, type] of BAD_OPTIONS) {
  test(`connect() with ${name} is a ${type}, and leaves the connection untouched and unlocked`, async () => {
    const { conn, peer } = pair();
    const error = await assertRejects(() => connect(url, { conn, ...options })) as Error;
    await settled();
    assertEquals([error.name, conn.readable.locked, conn.isClosed, peer.take()], [type, false, false, ""]);
  });
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
  const { subtle } = crypto, { digest } = subtle;
  let hashing: Promise<unknown> | undefined;
  subtle.digest = (...args) => {
    controller.abort(reason);
    const hashed = digest.apply(subtle, args);
    hashing = hashed;
    return hashed;
  };
  try {
    peer.write(head("HTTP/1.1 101", { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": accept }));
    assertStrictEquals(await assertRejects(() => connecting), reason);
  } finally {
    subtle.digest = digest;
  }
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
  await hashing;
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

const LONG = "x".repeat(20);
const BODIES: readonly [name: string, answer: string, body: string, truncated: boolean, end?: "deadline" | "end"][] = [
  ["a Content-Length", head("HTTP/1.1 403 No", { "Content-Length": "2" }) + "no", "no", false],
  [
    "chunks",
    head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "1;a=b\r\nn\r\n1\r\no\r\n0\r\nx: y\r\n\r\n",
    "no",
    false,
  ],
  ["the end of the connection", head("HTTP/1.1 403 No") + "no", "no", false, "end"],
  [
    "a Content-Length over maxBodySize",
    head("HTTP/1.1 403 No", { "Content-Length": "20" }) + LONG,
    LONG.slice(0, 10),
    true,
  ],
  [
    "chunks over maxBodySize",
    head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) +
    `5\r\n${LONG.slice(0, 5)}\r\n6\r\n${LONG.slice(0, 6)}\r\n0\r\n\r\n`,
    LONG.slice(0, 10),
    true,
  ],
  ["an end over maxBodySize", head("HTTP/1.1 403 No") + LONG, LONG.slice(0, 10), true, "end"],
  [
    "a deadline inside a Content-Length",
    head("HTTP/1.1 403 No", { "Content-Length": "9" }) + "no",
    "no",
    true,
    "deadline",
  ],
  [
    "a deadline inside a chunk",
    head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "9\r\nno",
    "no",
    true,
    "deadline",
  ],
  ["a deadline before the end", head("HTTP/1.1 403 No") + "no", "no", true, "deadline"],
  ["an end inside a Content-Length", head("HTTP/1.1 403 No", { "Content-Length": "9" }) + "no", "no", true, "end"],
  [
    "an end inside chunks",
    head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "2\r\nno\r\n",
    "no",
    true,
    "end",
  ],
  ["a malformed chunk", head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "2\r\nno\r\nxyz\r\n", "no", true],
  ["no body, as a 204", head("HTTP/1.1 204 No"), "", false],
];
for (const [name, answer, body, truncated, end] of BODIES) {
  test(`the body of a refusal goes by ${name}${truncated ? ", and is marked as cut off" : ""}`, async () => {
    const { conn, peer, clock } = pair();
    const connecting = connect(URL, { conn, clock, maxBodySize: 10 });
    connecting.catch(() => {});
    await peer.until("\r\n\r\n");
    peer.write(answer);
    if (end === "end") peer.end();
    if (end === "deadline") await clock.advance(10_000);
    const error = await assertRejects(() => connecting, HandshakeError);
    assertEquals([error.failure, error.truncated, error.reusable], ["status-not-101", truncated, false]);
    assertEquals(await error.response!.text(), body);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
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

test("keepAlive gives back what was read behind the refusal", async () => {
  const { error, conn } = await refusedBy(head("HTTP/1.1 401 No", { "Content-Length": "2" }) + "noHTTP/1.1 1", {
    keepAlive: true,
  });
  assertEquals([error.reusable, new TextDecoder().decode(error.rest)], [true, "HTTP/1.1 1"]);
  conn.reset();
});

const NOT_REUSABLE: readonly [name: string, answer: string][] = [
  ["Connection: close", head("HTTP/1.1 401 No", { "Content-Length": "0", Connection: "Close" })],
  ["HTTP/1.0", head("HTTP/1.0 401 No", { "Content-Length": "0" })],
  ["a body over maxBodySize", head("HTTP/1.1 401 No", { "Content-Length": "11" }) + "x".repeat(11)],
  ["a 101 that is wrong", head("HTTP/1.1 101 Yes", { Upgrade: "websocket" })],
  ["a malformed chunk", head("HTTP/1.1 401 No", { "Transfer-Encoding": "chunked" }) + "x\r\n"],
  ["a malformed head", "HTTP/1.1 401 No\n"],
];
for (const [name, answer] of NOT_REUSABLE) {
  test(`connect() with keepAlive closes all the same after ${name}`, async () => {
    const { error, conn, clock } = await refusedBy(answer, { keepAlive: true, maxBodySize: 10 });
    assertEquals([error.reusable, error.rest.length, conn.isClosed, clock.pending], [false, 0, true, 0]);
  });
}

test("interim answers are skipped, but not without end", async () => {
  const interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
    last = head("HTTP/1.1 403 No", { "Content-Length": "0" });
  assertEquals((await refusedBy(interim.repeat(16) + last)).error.failure, "status-not-101");
  assertEquals((await refusedBy(interim.repeat(17) + last)).error.failure, "head-malformed");
});

test("connect() on a connection that is lost fails at once, with the loss as cause", async () => {
  const { conn, clock } = pair(), reset = new Error("ECONNRESET");
  conn.reset(reset);
  const error = await assertRejects(() => connect(URL, { conn, clock }), HandshakeError);
  assertEquals([error.failure, clock.pending], ["connection-closed", 0]);
  assertStrictEquals(error.cause, reset);
  assert(error.message.startsWith("Cannot open the WebSocket: "), error.message);
});
