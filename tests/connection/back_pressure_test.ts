import { assert, assertEquals, assertRejects } from "@std/assert";
import { attach, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { times, toward, unhex } from "../cases/frames_base.ts";
import { test } from "../kit/harness.ts";
import { attached, settled } from "../kit/raw_peer.ts";

const MARK = 10_000;

for (const ahead of [0, 20]) {
  test(`no more than highWaterMark waits to be read, the rest at the peer, with ${ahead} messages as prefix`, async () => {
    const count = 200, size = 400, charged = size + 64;
    const frame = unhex(toward("server")(2, times(size)));
    const prefix = Uint8Array.from(times(ahead).flatMap(() => frame));
    const { clock, peer, socket } = attached("server", { highWaterMark: MARK, prefix }, { highWaterMark: 1000 });
    const reader = socket.readable.getReader();
    const first = reader.read();
    for (let i = ahead; i < count; i++) peer.write(Uint8Array.from(frame));
    await settled();
    // What was read, what waits up to the message that crosses the mark, what is under way up to the write that waits
    const bound = charged + MARK + charged + 1000 + 2 * charged;
    const taken = ahead * charged + peer.conn.bytesWritten;
    assert(taken <= bound, `${taken} bytes were taken, ${bound} are allowed`);
    assertEquals((await first).value?.length, size);
    for (let i = 1; i < count; i++) assertEquals((await reader.read()).value, Uint8Array.from(times(size)));
    assertEquals(clock.pending, 1, "the idle clock runs again");
    socket.abort();
    await reader.closed.catch(() => {});
  });
}

test("messages that were read no longer count", async () => {
  const { peer, socket } = attached("server", { highWaterMark: MARK });
  const reader = socket.readable.getReader();
  for (let i = 0; i < 100; i++) {
    const read = reader.read();
    peer.frame("server", "binary", times(1000));
    assertEquals((await read).value?.length, 1000);
  }
  peer.frame("server", "ping");
  reader.read().catch(() => {});
  await settled();
  assertEquals(peer.frames("server"), [{ pong: "" }]);
  socket.abort();
});

test("one message larger than highWaterMark is allowed alone", async () => {
  const { peer, socket } = attached("server", { highWaterMark: 100 });
  const reader = socket.readable.getReader();
  const read = reader.read();
  peer.frame("server", "text", "a");
  peer.frame("server", "binary", times(50_000));
  peer.frame("server", "binary", times(50_000));
  peer.frame("server", "ping");
  assertEquals((await read).value, "a");
  await settled();
  assertEquals(peer.take(), "", "what is behind the large one waits");
  assertEquals((await reader.read()).value?.length, 50_000);
  assertEquals((await reader.read()).value?.length, 50_000);
  reader.read().catch(() => {});
  await settled();
  assertEquals(peer.frames("server"), [{ pong: "" }]);
  socket.abort();
});

for (const face of ["receive", "readable"] as const) {
  test(`a peer that answers pings keeps its connection while ${face} takes nothing, one that is gone does not`, async () => {
    const { clock, conn, peer, socket } = attached("server", { highWaterMark: 100, idleTimeout: 1000 });
    if (face === "receive") socket.receive(() => new Promise(() => {})).catch(() => {});
    else socket.readable.getReader().read().catch(() => {});
    for (let i = 0; i < 4; i++) peer.frame("server", "text", "a");
    await clock.advance(500); // from here on silence counts, because the peer would be heard
    for (let i = 0; i < 10; i++) { // up to as much past the mark as the mark is
      await clock.advance(600);
      const pings = peer.frames("server").length;
      assert(pings > 0 && pings < 4, `${pings} pings`);
      peer.frame("server", "pong");
      await clock.advance(300);
      assertEquals(conn.isClosed, false);
    }
    await clock.advance(2500);
    assertEquals((await assertRejects(() => socket.closed, WebSocketError)).failure, "ping-timeout");
    assertEquals(clock.pending, 0);
  });
}

test("highWaterMark and maxMessageSize may be Infinity", () => {
  const agreement = { role: "server", protocol: "", extensions: "" } as const;
  const socket = attach(connectionPair()[0], agreement, { highWaterMark: Infinity, maxMessageSize: Infinity });
  assertEquals(socket.send(new Uint8Array(1_000_000)), undefined);
  socket.abort();
});

/** An echo by each face. */
const ECHOES: Readonly<Record<string, (socket: WebSocketConnection) => Promise<unknown>>> = {
  "receive()": (socket) => socket.receive((message) => socket.send(message)),
  "the streams": (socket) => socket.readable.pipeTo(socket.writable),
};

for (const [name, echo] of Object.entries(ECHOES)) {
  test(`a peer that sends and never reads an echo by ${name} is dropped after idleTimeout`, async () => {
    const options = { highWaterMark: MARK, idleTimeout: 1000 };
    const { clock, conn, peer, socket } = attached("server", options, { highWaterMark: 1000, reads: false });
    const echoing = echo(socket);
    echoing.catch(() => {});
    for (let i = 0; i < 100; i++) peer.frame("server", "binary", times(1000));
    await clock.advance(999);
    assertEquals(conn.isClosed, false);
    while (!conn.isClosed && clock.now() < 1500) {
      peer.frame("server", "binary", times(1000));
      await clock.advance(100);
    }
    assertEquals(conn.isClosed, true);
    const error = await assertRejects(() => socket.closed, WebSocketError);
    assertEquals([error.failure, error.closeCode, clock.pending], ["ping-timeout", 1006, 0]);
    await assertRejects(() => echoing);
  });

  test(`a peer that reads an echo by ${name} now and then is kept`, async () => {
    const options = { highWaterMark: MARK, idleTimeout: 1000 };
    const { clock, conn, peer, socket } = attached("server", options, { highWaterMark: 1, reads: false }); // a ping waits, too
    echo(socket).catch(() => {});
    for (let i = 0; i < 300; i++) peer.frame("server", "binary", times(1000));
    const reader = peer.conn.readable.getReader();
    for (let i = 0; i < 20; i++) {
      await clock.advance(900);
      assertEquals((await reader.read()).done, false);
    }
    assertEquals(conn.isClosed, false);
    await clock.advance(1500);
    assertEquals([conn.isClosed, clock.pending], [true, 0], "until it no longer does");
    while (await reader.read().then(({ done }) => !done, () => false));
  });
}

test("a peer that takes a write is alive, also when nothing waits behind it", async () => {
  const { clock, conn, peer, socket } = attached("server", { idleTimeout: 1000 }, { highWaterMark: 1, reads: false });
  const reader = peer.conn.readable.getReader();
  for (const at of [0, 1]) { // the first is taken, the second waits
    await clock.advance(at);
    socket.send(new Uint8Array(1000));
  }
  await clock.advance(489);
  await reader.read();
  await clock.advance(0);
  socket.send(new Uint8Array(1000));
  await clock.advance(900);
  assertEquals([clock.now(), conn.isClosed], [1390, false]);
  await clock.advance(200);
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
  await reader.cancel().catch(() => {});
});

test("a handler that has yet to settle keeps its connection while the peer answers pings", async () => {
  const { clock, conn, peer, socket } = attached("server", { idleTimeout: 1000 });
  socket.receive((message) => {
    socket.send(message);
    return new Promise(() => {});
  }).catch(() => {});
  peer.frame("server", "text", "a");
  peer.frame("server", "text", "b");
  await clock.advance(0);
  assertEquals(peer.frames("server"), [{ text: "a" }]);
  for (let i = 0; i < 100; i++) {
    await clock.advance(600);
    assertEquals(peer.frames("server"), [{ ping: "" }]);
    peer.frame("server", "pong");
    await clock.advance(100);
  }
  assertEquals(conn.isClosed, false);
  await clock.advance(1100);
  assertEquals([conn.isClosed, clock.pending], [true, 0], "and no longer");
});
