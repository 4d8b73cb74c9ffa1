// What becomes of the connection when accept() refuses: the refusal arrives, whatever the client does, and then the
// connection is closed or given back.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { accept, type AcceptOptions, HandshakeError } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { insert, upgrade } from "../cases/requests_base.ts";
import { failureOf, pair } from "../kit/accepting.ts";
import { test } from "../kit/harness.ts";
import { countedSignal, RawPeer, settled } from "../kit/raw_peer.ts";

const statusOf = (reply: string) => Number(reply.slice(9, 12));

test("a refusal does not wait for ever: a peer that never ends is cut off after closeTimeout", async () => {
  const [far, conn] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
  peer.write(upgrade({ Upgrade: null }));
  const failed = failureOf(accept(conn, { clock, closeTimeout: 2000 }));
  await clock.advance(1999);
  assertEquals([conn.isClosed, statusOf(peer.take()), peer.hasEnded], [false, 426, true]);
  await clock.advance(1);
  assertEquals([(await failed).failure, conn.isClosed, clock.pending], ["upgrade-missing", true, 0]);
});

test("a refusal reaches a client that is still sending", async () => {
  const { conn, peer } = pair({ highWaterMark: 1000 });
  peer.write(upgrade({ "Content-Length": "100000" }));
  peer.write(new Uint8Array(100_000));
  const error = await failureOf(accept(conn));
  await peer.ended;
  assertEquals([error.failure, statusOf(peer.take())], ["body-present", 400]);
});

test("after a refused upgrade the request behind it is not processed", async () => {
  const { conn, peer } = pair();
  peer.write(upgrade({ "Sec-WebSocket-Version": "8" }) + "GET /internal HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const error = await failureOf(accept(conn));
  await peer.ended;
  const reply = peer.take();
  assertEquals([statusOf(reply), reply.split("HTTP/1.1").length, error.reusable], [426, 2, false]);
  assert(/^Connection: Upgrade, close\r$/m.test(reply), reply);
  assertEquals([conn.isClosed, error.rest.length], [true, 0]);
});

test("keepAlive gives the connection back with the rest, for another attempt", async () => {
  const { conn, peer } = pair(), clock = fakeClock();
  const bad = upgrade({ "Sec-WebSocket-Version": "8" });
  peer.write(bad + upgrade().slice(0, 30));
  const error = await failureOf(accept(conn, { keepAlive: true, clock }));
  assertEquals([error.reusable, error.rest.length, clock.pending], [true, 30, 0]);
  assertEquals([conn.readable.locked, conn.writable.locked, conn.isClosed], [false, false, false]);
  await settled();
  const reply = peer.take();
  assert(/^Connection: Upgrade\r$/m.test(reply), reply);
  peer.write(upgrade().slice(30) + "\x81\x80\0\0\0\0");
  const accepted = await accept(conn, { prefix: error.rest });
  assertEquals((await accepted.readable.getReader().read()).value, "");
  assertEquals(statusOf(peer.take()), 101);
  accepted.abort();
});

const NOT_REUSABLE: readonly [name: string, request: string, options?: AcceptOptions][] = [
  ["Connection: close", upgrade({ Upgrade: null, Connection: "Upgrade, Close" })],
  ["HTTP/1.0", upgrade({}, "GET / HTTP/1.0")],
  ["a body", upgrade({ "Content-Length": "2" }) + "no"],
  ["a chunked body", upgrade({ "Transfer-Encoding": "chunked" }) + "0\r\n\r\n"],
  ["a malformed head", insert("x\r\n")],
  ["a policy that closes", upgrade(), {
    authorize: () => new Response(null, { status: 403, headers: { connection: "close" } }),
  }],
  ["a policy that closes among others", upgrade(), {
    authorize: () => new Response(null, { status: 403, headers: { connection: "Close, x" } }),
  }],
];
for (const [name, request, options] of NOT_REUSABLE) {
  test(`accept() with keepAlive closes all the same after ${name}`, async () => {
    const { conn, peer } = pair();
    peer.write(request);
    const error = await failureOf(accept(conn, { ...options, keepAlive: true }));
    assertEquals([error.reusable, error.rest.length, conn.isClosed], [false, 0, true]);
    assert(/^Connection:.* ?close\r$/m.test(peer.take()));
  });
}

test("accept() ends its patience after a refusal when its signal is aborted", async () => {
  const [far, conn] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
  const { controller, signal, listeners } = countedSignal(), mine = new HandshakeError("unauthorized", "mine");
  peer.write(upgrade({ Upgrade: null }));
  const accepting = accept(conn, { clock, signal });
  accepting.catch(() => {});
  await settled();
  assertEquals([statusOf(peer.take()), peer.hasEnded, conn.isClosed, clock.pending], [426, true, false, 1]);
  controller.abort(mine);
  const error = await assertRejects(() => accepting, HandshakeError);
  assertEquals([error.failure, conn.isClosed, clock.now(), clock.pending], ["upgrade-missing", true, 0, 0]);
  assertEquals(listeners(), 0);
});
