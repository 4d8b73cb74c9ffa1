import { assertEquals, assertRejects } from "@std/assert";
import { attach, WebSocketError } from "../../mod.ts";
import { IdleWatch } from "../../src/connection/idle_watch.ts";
import { fakeClock } from "../../src/testing.ts";
import { closing } from "../cases/frames_base.ts";
import { hex, test } from "../kit/harness.ts";
import { attached } from "../kit/raw_peer.ts";

/** A watch that writes down when it does what. */
function watched(pingInterval: number, timeout: number) {
  const clock = fakeClock(), log: string[] = [], silence = { isHeard: true, isUnwritten: false };
  const watch = new IdleWatch({ clock, pingInterval, idleTimeout: timeout }, {
    look: () => silence.isHeard,
    hasUnwritten: () => silence.isUnwritten,
    onPingDue: () => log.push(`ping at ${clock.now()}`),
    onSilence: () => log.push(`timeout at ${clock.now()}`),
  });
  return { clock, log, silence, watch };
}

test("IdleWatch pings at half of the timeout, if that is sooner, and gives up at all of it", async () => {
  const { clock, log, watch } = watched(25_000, 1000);
  watch.start();
  await clock.advance(10_000);
  assertEquals(log, ["ping at 500", "timeout at 1000"]);
  assertEquals(clock.pending, 0);
});

test("IdleWatch pings after each interval of silence, and gives up at the timeout", async () => {
  const { clock, log, watch } = watched(25_000, 60_000);
  watch.start();
  await clock.advance(100_000);
  assertEquals(log, ["ping at 25000", "ping at 50000", "timeout at 60000"]);
});

test("IdleWatch pings when nothing was sent for the interval, although something is received", async () => {
  const { clock, log, watch } = watched(1000, 10_000);
  watch.start();
  for (let at = 0; at < 3500; at += 100) {
    watch.alive();
    await clock.advance(100);
  }
  assertEquals(log, ["ping at 1000", "ping at 2000", "ping at 3000"]);
});

test("IdleWatch pings when nothing was received for the interval, although something is sent", async () => {
  const { clock, log, watch } = watched(1000, 10_000);
  watch.start();
  for (let at = 0; at < 2500; at += 100) {
    watch.onSent(false);
    await clock.advance(100);
  }
  assertEquals(log, ["ping at 1000"], "one is enough to be answered");
});

test("IdleWatch takes what leaves as an answer as sent when the chunk was received", async () => {
  const { clock, log, watch } = watched(1000, 0);
  watch.start();
  await clock.advance(600);
  watch.alive();
  watch.onSent(true);
  await clock.advance(999);
  assertEquals(log, []);
  await clock.advance(1);
  assertEquals(log, ["ping at 1600"]);
});

test("IdleWatch begins anew with whatever comes, and a silence that goes on has its ping", async () => {
  const { clock, log, watch } = watched(0, 1000);
  watch.start();
  for (const at of [300, 700, 1150]) { // silences of 300, 400, 450
    await clock.advance(at - clock.now());
    watch.alive();
  }
  assertEquals(log, []);
  await clock.advance(700);
  watch.alive();
  await clock.advance(999);
  assertEquals(log, ["ping at 1650", "ping at 2350"]);
  await clock.advance(1);
  assertEquals(log.at(-1), "timeout at 2850");
});

test("IdleWatch that is late pings first, and gives half of the timeout for the answer", async () => {
  const { clock, log, watch } = watched(25_000, 2000);
  watch.start();
  await clock.jump(5000);
  await clock.advance(999);
  assertEquals(log, ["ping at 5000"]);
  await clock.advance(1);
  assertEquals(log, ["ping at 5000", "timeout at 6000"]);
});

test("IdleWatch sets no timer for each thing that comes", async () => {
  const { clock, watch } = watched(25_000, 1000);
  watch.start();
  for (let i = 0; i < 100; i++) watch.alive();
  assertEquals(clock.pending, 1);
  watch.stop();
  assertEquals(clock.pending, 0);
  await clock.advance(1);
});

test("IdleWatch stands still while stopped, and starts as if something had come", async () => {
  const { clock, log, watch } = watched(25_000, 1000);
  watch.start();
  await clock.advance(499);
  watch.stop();
  watch.alive();
  await clock.advance(100_000);
  watch.start();
  watch.start();
  await clock.advance(499);
  assertEquals(log, []);
  await clock.advance(501);
  assertEquals(log, ["ping at 100999", "timeout at 101499"]);
});

test("IdleWatch gives nobody up whose sign of life would not be heard, and pings nevertheless", async () => {
  const { clock, log, silence, watch } = watched(1000, 3000);
  silence.isHeard = false;
  watch.start();
  await clock.advance(4500);
  assertEquals(log, ["ping at 1000", "ping at 2000", "ping at 3000", "ping at 4000"]);
  silence.isHeard = true;
  watch.alive();
  await clock.advance(3000);
  assertEquals(log.at(-1), "timeout at 7500");
});

test("IdleWatch takes it for a sign of life that something is written which was yet to be at the last look", async () => {
  const { clock, log, silence, watch } = watched(0, 1000);
  watch.start();
  await clock.advance(200);
  watch.onWritten(false); // by the kernel, for all we know
  silence.isUnwritten = true;
  await clock.advance(300);
  assertEquals(log, ["ping at 500"]);
  await clock.advance(200);
  watch.onWritten(false);
  await clock.advance(499);
  assertEquals(log.length, 1);
  await clock.advance(501); // nothing is taken any more
  assertEquals(log, ["ping at 500", "ping at 1200", "timeout at 1700"]);
});

test("IdleWatch begins anew when something is written that waited for the peer", async () => {
  const { clock, log, watch } = watched(0, 1000);
  watch.start();
  await clock.advance(200);
  watch.onWritten(true);
  await clock.advance(1000);
  assertEquals(log, ["ping at 700", "timeout at 1200"]);
});

test("IdleWatch waits longer for the answer to a ping while one thing after another is taken", async () => {
  const { clock, log, silence, watch } = watched(0, 1000);
  watch.start();
  await clock.advance(600);
  watch.onWritten(false);
  silence.isUnwritten = true;
  await clock.advance(10_000);
  assertEquals(log, ["ping at 500", "ping at 1500", "timeout at 2000"]);
});

test("IdleWatch of 0 and 0 watches nothing, of 0 pings only for the timeout, with a timeout of 0 only pings", async () => {
  const off = watched(0, 0), silent = watched(0, 1000), pinging = watched(1000, 0);
  for (const { clock, watch } of [off, silent, pinging]) {
    watch.start();
    await clock.advance(3000);
  }
  assertEquals([off.log, off.clock.pending], [[], 0]);
  assertEquals(silent.log, ["ping at 500", "timeout at 1000"]);
  assertEquals(pinging.log, ["ping at 1000", "ping at 2000", "ping at 3000"]);
});

test("IdleWatch that is stopped by its own ping stays stopped", async () => {
  const clock = fakeClock();
  const silence = { look: () => true, hasUnwritten: () => false };
  const watch: IdleWatch = new IdleWatch({ clock, pingInterval: 0, idleTimeout: 1000 }, {
    ...silence,
    onPingDue: () => watch.stop(),
    onSilence() {},
  });
  watch.start();
  await clock.advance(10_000);
  assertEquals(clock.pending, 0);
});

for (const role of ["server", "client"] as const) {
  test(`a connection pings after 25 seconds and drops a silent peer with 1006 after 60, as ${role}`, async () => {
    const { clock, conn, peer, socket } = attached(role);
    const received = socket.receive();
    received.catch(() => {});
    await clock.advance(24_999);
    assertEquals(peer.take(), "");
    await clock.advance(1);
    assertEquals(peer.frames(role), [{ ping: "" }]);
    await clock.advance(34_999);
    assertEquals([conn.isClosed, peer.frames(role)], [false, [{ ping: "" }]]);
    await clock.advance(1);
    const error = await assertRejects(() => received, WebSocketError);
    assertEquals([error.failure, error.closeCode], ["ping-timeout", 1006]);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

test("any byte keeps a connection, also one inside a frame", async () => {
  const { clock, conn, peer, socket } = attached("server", { idleTimeout: 1000 });
  socket.receive(() => {}).catch(() => {});
  for (const byte of [0x81, 0x85, 0, 0, 0, 0]) {
    peer.write(Uint8Array.of(byte));
    await clock.advance(999);
  }
  assertEquals(conn.isClosed, false);
  await clock.advance(1);
  assertEquals(conn.isClosed, true);
});

/** A WebSocket over streams of nobody's: `comes` is what comes, and each write is done when `write` is. */
function overStreams(write: (bytes: Uint8Array) => void | Promise<void>) {
  const clock = fakeClock(), written: number[] = [];
  const writable = new WritableStream<Uint8Array>({
    write(bytes) {
      written.push(bytes[0]!);
      return write(bytes);
    },
  });
  let comes!: (bytes: Uint8Array) => void;
  const readable = new ReadableStream<Uint8Array>({ start: (queue) => void (comes = (bytes) => queue.enqueue(bytes)) });
  const agreement = { role: "server", protocol: "", extensions: "" } as const;
  const socket = attach({ readable, writable }, agreement, { clock, idleTimeout: 1000 });
  const failure = socket.closed.then(() => undefined, (error) => `${error.failure} at ${clock.now()}`);
  /** Sends a message at a time. */
  const sendAt = async (time: number) => {
    await clock.advance(time - clock.now());
    socket.send("");
    await clock.advance(0);
  };
  return { clock, comes, written, socket, failure, sendAt };
}

test("a message now and then keeps no connection whose peer is silent, although each is written", async () => {
  const { clock, written, socket, failure, sendAt } = overStreams(() => {});
  socket.receive(() => {}).catch(() => {});
  for (let at = 100; at < 1000; at += 100) await sendAt(at);
  assertEquals(written, [0x81, 0x81, 0x81, 0x81, 0x89, 0x81, 0x81, 0x81, 0x81, 0x81]);
  await clock.advance(100);
  assertEquals(await failure, "ping-timeout at 1000");
});

test("a write that is stuck is no sign of life, although others were taken before", async () => {
  let isStuck = false;
  const { clock, failure, sendAt } = overStreams(() => isStuck ? new Promise<void>(() => {}) : undefined);
  for (let at = 0; at < 490; at += 70) await sendAt(at);
  isStuck = true;
  await sendAt(495);
  await clock.advance(5000);
  assertEquals(await failure, "ping-timeout at 1000");
});

test("a write that is stuck is no sign of life, although a handler's promise is pending", async () => {
  let isStuck = false;
  const { clock, comes, socket, failure, sendAt } = overStreams(() =>
    isStuck ? new Promise<void>(() => {}) : undefined
  );
  socket.receive(() => new Promise<void>(() => {})).catch(() => {});
  comes(hex("81 80 00 00 00 00"));
  await clock.advance(400);
  isStuck = true;
  await sendAt(495);
  await clock.advance(5000);
  assertEquals(await failure, "ping-timeout at 1000");
});

test("a peer that takes one write after another slowly keeps its connection, over streams", async () => {
  let take = () => {};
  const { clock, socket, failure, sendAt } = overStreams(() => new Promise<void>((resolve) => take = resolve));
  socket.receive(() => {}).catch(() => {});
  for (let at = 0; at < 5000; at += 100) {
    await sendAt(at);
    if (at % 400 === 0) take();
  }
  await clock.advance(5000);
  assertEquals(await failure, "ping-timeout at 5800"); // the last one was taken at 4800
});

test("a peer that only takes what it is sent keeps its connection while it does", async () => {
  const { clock, conn, peer, socket } = attached("server", { idleTimeout: 1000 }, { reads: false, highWaterMark: 10 });
  const received = socket.receive(() => {}), reader = peer.conn.readable.getReader();
  received.catch(() => {});
  for (let i = 0; i < 5; i++) {
    socket.send("More than it may.");
    await clock.advance(900);
    while ((await reader.read()).value!.length === 2); // a ping
    await clock.advance(0);
  }
  assertEquals(conn.isClosed, false);
  await clock.advance(1000);
  assertEquals((await assertRejects(() => received, WebSocketError)).failure, "ping-timeout");
});

test("pingInterval and idleTimeout of 0 turn it off", async () => {
  const { clock, conn, socket } = attached("server", { pingInterval: 0, idleTimeout: 0 });
  socket.receive().catch(() => {});
  await clock.advance(1e9);
  assertEquals([conn.isClosed, clock.pending], [false, 0]);
  socket.abort();
});

test("the closing handshake has closeTimeout, not idleTimeout", async () => {
  const { clock, conn, peer, socket } = attached("server", { idleTimeout: 1000, closeTimeout: 5000 });
  const closed = socket.close();
  await clock.advance(4000);
  assertEquals([conn.isClosed, peer.frames("server")], [false, [{ close: 1005 }]]);
  peer.frame("server", "close", closing(1000));
  await clock.advance(1900);
  assertEquals(conn.isClosed, false);
  peer.end();
  assertEquals(await closed, { closeCode: 1000, reason: "" });
  assertEquals(clock.pending, 0);
});
