// How a refusal is read, and how a client lets go of its connection: it is given back, closed at once when the response is
// whole, or otherwise closed with patience that has its bounds.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { connect, type ConnectOptions, HandshakeError } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { head } from "../cases/responses_base.ts";
import { test } from "../kit/harness.ts";
import { countedSignal, RawPeer, settled } from "../kit/raw_peer.ts";

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

/** A connect under way, with a server by hand that never ends. */
async function connecting(options: Partial<ConnectOptions> = {}) {
  const [conn, far] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
  const { controller, signal, listeners } = countedSignal();
  const opening = connect("ws://localhost/chat", { conn, clock, signal, ...options });
  opening.catch(() => {});
  await peer.until("\r\n\r\n");
  return {
    conn,
    peer,
    clock,
    controller,
    /** Its failure, once nothing is left of it. */
    async failure() {
      const error = await assertRejects(() => opening, HandshakeError);
      assertEquals([conn.isClosed, clock.pending, listeners()], [true, 0, 0]);
      return error;
    },
  };
}

const WHOLE: readonly [name: string, answer: string][] = [
  ["a Content-Length", head("HTTP/1.1 403 No", { "Content-Length": "2" }) + "no"],
  ["a Content-Length of 0", head("HTTP/1.1 403 No", { "Content-Length": "0" })],
  ["chunks", head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "2\r\nno\r\n0\r\n\r\n"],
  ["a 204", head("HTTP/1.1 204 No")],
  ["a 101 that is wrong", head("HTTP/1.1 101 Yes", { Upgrade: "websocket" })],
];
for (const [name, answer] of WHOLE) {
  test(`connect() closes at once after a refusal that is whole: ${name}`, async () => {
    const { peer, clock, failure } = await connecting();
    peer.write(answer);
    assertEquals([(await failure()).truncated, clock.now()], [false, 0]);
  });
}

const NOT_WHOLE: readonly [name: string, answer: string][] = [
  ["a malformed head", "HTTP/1.1 403 No\n"],
  ["a body above maxBodySize", head("HTTP/1.1 403 No", { "Content-Length": "9" }) + "no, never"],
  ["a malformed chunk", head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "x\r\n"],
];
for (const [name, answer] of NOT_WHOLE) {
  const options = { maxBodySize: 2, handshakeTimeout: 2500, closeTimeout: 60_000 };

  test(`connect() has patience after ${name}, within handshakeTimeout`, async () => {
    const { conn, peer, clock, failure } = await connecting(options);
    await clock.advance(1000);
    peer.write(answer);
    await clock.advance(1499);
    assertEquals([conn.isClosed, peer.hasEnded], [false, true]);
    await clock.advance(1);
    assertEquals([(await failure()).reusable, clock.now()], [false, 2500]);
  });

  test(`connect() has patience after ${name}, for two seconds at most (RFC 9112 §9.6)`, async () => {
    const { conn, peer, clock, failure } = await connecting({ ...options, handshakeTimeout: 0 });
    peer.write(answer);
    await clock.advance(1999);
    assertEquals(conn.isClosed, false);
    await clock.advance(1);
    await failure();
  });

  test(`connect() has patience after ${name}, until its signal is aborted`, async () => {
    const { conn, peer, clock, controller, failure } = await connecting(options);
    peer.write(answer);
    await settled();
    assertEquals([conn.isClosed, peer.hasEnded], [false, true]);
    controller.abort(new Error("mine"));
    await failure();
    assertEquals(clock.now(), 0);
  });
}

const ENDLESS: readonly [name: string, answer: string][] = [
  ["without a length", head("HTTP/1.1 401 No") + "no"],
  ["of chunks", head("HTTP/1.1 401 No", { "Transfer-Encoding": "chunked" }) + "2\r\nno\r\n"],
  ["with a Content-Length", head("HTTP/1.1 401 No", { "Content-Length": "3" }) + "no"],
];
for (const [name, answer] of ENDLESS) {
  test(`connect() waits two seconds for the end of a refusal's body ${name} (RFC 6455 §4.1 (1))`, async () => {
    const { conn, peer, clock, failure } = await connecting({ handshakeTimeout: 0, keepAlive: true });
    await clock.advance(5000);
    peer.write(answer);
    await clock.advance(1999);
    assertEquals(conn.isClosed, false);
    await clock.advance(1);
    const error = await failure();
    assertEquals([error.failure, error.truncated, error.reusable], ["status-not-101", true, false]);
    assertEquals([error.response?.status, await error.response?.text(), clock.now()], [401, "no", 7000]);
  });
}

const MOMENTS: readonly [name: string, answered: string][] = [
  ["before an answer", ""],
  ["inside the head", "HTTP/1.1 101"],
  ["inside a refusal's body", head("HTTP/1.1 403 No", { "Content-Length": "9" }) + "no"],
];
for (const [name, answered] of MOMENTS) {
  test(`connect() closes when its signal is aborted ${name} with a HandshakeError as reason`, async () => {
    const mine = new HandshakeError("unauthorized", "mine");
    const { peer, controller, failure } = await connecting();
    peer.write(answered);
    await settled();
    controller.abort(mine);
    assertStrictEquals(await failure(), mine);
  });
}
