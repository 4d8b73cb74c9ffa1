import { assertEquals } from "@std/assert";
import { linger } from "../../src/transport/linger.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { test } from "../kit/harness.ts";
import { RawPeer, settled } from "../kit/raw_peer.ts";

const LIMIT = 256 * 2 ** 20;

/** A connection that lingers, and whether it has closed. */
function lingering(timeout = 1000, halfClose?: boolean) {
  const clock = fakeClock(), [conn, far] = connectionPair({ highWaterMark: Infinity });
  const peer = new RawPeer(far), state = { closed: false };
  const transport = transportOf(conn);
  const start = () => {
    const lingering = linger(transport, { clock, timeout, ...(halfClose === undefined ? {} : { halfClose }) });
    lingering.closed.then(() => state.closed = true);
    return lingering;
  };
  return { clock, conn, peer, state, start };
}

test("linger() half-closes, throws away what comes, and closes at the peer's end", async () => {
  const { clock, conn, peer, state, start } = lingering();
  peer.write("came before");
  start();
  await settled();
  assertEquals([peer.hasEnded, state.closed], [true, false]);
  peer.write("comes behind");
  await settled();
  assertEquals([conn.isClosed, peer.conn.isClosed], [false, false]);
  peer.end();
  await settled();
  assertEquals([state.closed, conn.isClosed, clock.pending], [true, true, 0]);
  await peer.ended; // an end, not a reset
});

test("linger() without a half-close waits for the peer to end first", async () => {
  const { conn, peer, state, start } = lingering(1000, false);
  start();
  await settled();
  assertEquals([peer.hasEnded, state.closed], [false, false]);
  peer.end();
  await settled();
  assertEquals([peer.hasEnded, state.closed, conn.isClosed], [true, true, true]);
});

test("linger() sees an end that came before", async () => {
  const { peer, state, start } = lingering();
  peer.end();
  await settled();
  start();
  await settled();
  assertEquals(state.closed, true);
});

for (const [timeout, limit] of [[1000, 1000], [2000, 2000], [10_000, 2000], [0, 2000]] as const) {
  test(`linger() with a timeout of ${timeout} closes after ${limit} ms`, async () => {
    const { clock, conn, state, start } = lingering(timeout);
    start();
    await clock.advance(limit - 1);
    assertEquals(state.closed, false);
    await clock.advance(1);
    assertEquals([state.closed, conn.isClosed, clock.pending], [true, true, 0]);
  });
}

test("linger() throws away 256 MiB and not a byte more", async () => {
  const { clock, conn, peer, state, start } = lingering();
  start();
  const chunk = new Uint8Array(2 ** 23);
  for (let count = chunk.length; count < LIMIT; count += chunk.length) {
    peer.write(chunk);
    await settled();
  }
  peer.write(chunk);
  await settled();
  assertEquals(state.closed, false);
  peer.write(new Uint8Array(1));
  await settled();
  assertEquals([state.closed, conn.isClosed, clock.pending], [true, true, 0]);
});

test("linger() ends with a loss, without an error", async () => {
  const { clock, peer, state, start } = lingering();
  start();
  peer.conn.reset();
  await settled();
  assertEquals([state.closed, clock.pending], [true, 0]);
});

test("linger() of a connection that is already lost ends at once", async () => {
  const { clock, conn, state, start } = lingering();
  conn.reset();
  start();
  await settled();
  assertEquals([state.closed, clock.pending], [true, 0]);
});

test("close() of what linger() gives closes at once", async () => {
  const { clock, conn, state, start } = lingering();
  start().close();
  await settled();
  assertEquals([state.closed, conn.isClosed, clock.pending], [true, true, 0]);
});

/** A connection that has something to say before it closes. */
function saying(options = {}) {
  const clock = fakeClock(), [conn, far] = connectionPair(options), peer = new RawPeer(far);
  const lastWords = new TextEncoder().encode("Good bye");
  return { clock, conn, peer, closed: linger(transportOf(conn), { clock, timeout: 1000, lastWords }).closed };
}

test("linger() writes last words once the peer has sent anything, and before it half-closes", async () => {
  const { clock, conn, peer, closed } = saying();
  await settled();
  assertEquals([peer.take(), peer.hasEnded], ["", false]);
  await clock.advance(999);
  peer.write("G");
  await peer.ended;
  await clock.advance(999); // it has the time once more
  assertEquals([peer.take(), conn.isClosed], ["Good bye", false]);
  peer.write("ET / HTTP/1.1");
  peer.end();
  await closed;
  assertEquals([peer.take(), clock.pending], ["", 0]);
});

test("linger() says nothing to a peer that sends nothing, and closes in time, or at its end", async () => {
  const silent = saying(), gone = saying();
  await silent.clock.advance(999);
  assertEquals(silent.conn.isClosed, false);
  await silent.clock.advance(1);
  await silent.closed;
  gone.peer.end();
  await gone.closed;
  for (const { clock, conn, peer } of [silent, gone]) {
    await settled();
    assertEquals([peer.take(), conn.isClosed, clock.pending], ["", true, 0]);
  }
});

test("linger() says its last words whole to a peer that ends behind its first bytes", async () => {
  const { conn, peer, closed } = saying();
  peer.write("G");
  peer.end();
  await closed;
  await peer.ended;
  assertEquals([peer.take(), conn.isClosed], ["Good bye", true]);
});

test("linger() gives a peer that does not read its last words no more than the time", async () => {
  const clock = fakeClock(), [conn, far] = connectionPair({ highWaterMark: 1 });
  const lastWords = new TextEncoder().encode("Good bye");
  const { closed } = linger(transportOf(conn), { clock, timeout: 1000, lastWords });
  await new RawPeer(far, { reads: false }).write("G");
  await settled();
  await clock.advance(999);
  assertEquals(conn.isClosed, false);
  await clock.advance(1);
  await closed;
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});
