// What gives a server's handshake up, or keeps it from being one: errors that are not ours to answer, and an abort of
// the signal at any time. Nothing of it leaves the connection, a timer or a listener behind.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  accept,
  type AcceptOptions,
  answer,
  type AnswerOptions,
  type ByteConnection,
  HandshakeError,
  readRequest,
  type RequestHead,
  writeResponse,
} from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { upgrade } from "../cases/requests_base.ts";
import { test } from "../kit/harness.ts";
import { countedSignal, RawPeer, settled } from "../kit/raw_peer.ts";

/** A server's end, and a client by hand that never ends. */
function pair() {
  const [far, conn] = connectionPair();
  return { conn, peer: new RawPeer(far), clock: fakeClock(), ...countedSignal() };
}

const mine = new HandshakeError("unauthorized", "mine");
const statusOf = (reply: string) => Number(reply.slice(9, 12));

const DOORS = { accept, readRequest } as const;
const MOMENTS: readonly [door: keyof typeof DOORS, moment: string, written: string, options?: AcceptOptions][] = [
  ["accept", "before a byte", ""],
  ["accept", "inside the head", "GET / HTTP/1.1\r\n"],
  ["accept", "inside authorize", upgrade(), { authorize: () => new Promise(() => {}) }],
  ["readRequest", "before a byte", ""],
  ["readRequest", "inside the head", "GET / HTTP/1.1\r\n"],
  ["readRequest", "inside the body", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nno"],
];
for (const [door, moment, written, options] of MOMENTS) {
  test(`${door}() closes when its signal is aborted ${moment} with a HandshakeError as reason`, async () => {
    const { conn, peer, clock, controller, signal, listeners } = pair();
    peer.write(written);
    const opening: Promise<unknown> = DOORS[door](conn, { ...options, clock, signal });
    opening.catch(() => {});
    await settled();
    assertEquals([listeners(), clock.pending], [1, 1]);
    controller.abort(mine);
    assertStrictEquals(await assertRejects(() => opening), mine);
    await settled();
    assertEquals([conn.isClosed, clock.pending, listeners(), peer.take()], [true, 0, 0, ""]);
  });
}

const fail = () => {
  throw mine;
};
const FUNCTIONS: readonly [name: string, options: AcceptOptions, request: string][] = [
  ["a decorator of a 101", { headers: fail }, upgrade()],
  ["a decorator of a refusal", { headers: fail }, upgrade({ Upgrade: null })],
  ["a decorator of a refused head", { headers: fail }, "GET /\r\n\r\n"],
  ["protocols", { protocols: fail }, upgrade({ "Sec-WebSocket-Protocol": "chat" })],
  ["authorize", { authorize: fail }, upgrade()],
];
for (const [name, options, request] of FUNCTIONS) {
  test(`accept() answers with 500 and closes when ${name} throws a HandshakeError`, async () => {
    const { conn, peer, clock, signal, listeners } = pair();
    peer.ended.then(() => peer.end(), () => {});
    peer.write(request);
    assertStrictEquals(await assertRejects(() => accept(conn, { ...options, keepAlive: true, clock, signal })), mine);
    await settled();
    assertEquals([conn.isClosed, clock.pending, listeners()], [true, 0, 0]);
    assertEquals(statusOf(peer.take()), 500);
  });
}

test("writeResponse() ends its patience when its signal is aborted", async () => {
  const { conn, peer, clock, controller, signal, listeners } = pair();
  const writing = writeResponse(conn, new Response("Hello"), { clock, signal });
  await settled();
  assert(peer.take().endsWith("Hello"));
  assertEquals([peer.hasEnded, conn.isClosed, clock.pending], [true, false, 1]);
  controller.abort(mine);
  assertEquals([await writing, conn.isClosed, clock.now(), clock.pending, listeners()], [false, true, 0, 0, 0]);
});

test("answer() refuses an Origin where neither Host nor the url says whose it would be", async () => {
  const headers = new Headers({
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
    origin: "http://localhost",
  });
  const { response, error } = await answer({ method: "GET", url: "/chat", headers });
  assertEquals([response.status, error?.failure], [403, "origin-refused"]);
});

const WRONG: readonly [name: string, options: unknown][] = [
  ["protocols that are no list", { protocols: { 0: "chat" } }],
  ["an authorize that is no function", { authorize: 5 }],
];
for (const [name, options] of WRONG) {
  test(`answer() with ${name} is a TypeError`, async () => {
    const request: RequestHead = new Request("http://localhost/");
    await assertRejects(() => answer(request, options as AnswerOptions), TypeError);
  });
}

const WRONG_FOR_THE_WIRE: readonly [name: string, options: unknown][] = [
  ["a prefix that is a string", { prefix: "GET" }],
  ["a prefix of numbers", { prefix: [71] }],
  ["a signal that is none", { signal: {} }],
];
for (const [name, options] of WRONG_FOR_THE_WIRE) {
  for (const [door, open] of [...Object.entries(DOORS), ["writeResponse", respond] as const]) {
    if (door === "writeResponse" && name.includes("prefix")) continue;
    test(`${door}() with ${name} leaves a pair of streams unlocked`, async () => {
      const { readable, writable } = connectionPair()[0];
      await assertRejects(() => open({ readable, writable }, options as AcceptOptions), TypeError);
      assertEquals([readable.locked, writable.locked], [false, false]);
    });
  }
}

async function respond(conn: ByteConnection, options: AcceptOptions): Promise<void> {
  await writeResponse(conn, new Response("Hello"), options);
}
