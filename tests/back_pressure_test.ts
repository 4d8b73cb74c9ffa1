import { assert, assertEquals } from "@std/assert";
import { times, toward, unhex } from "./cases/frames_base.ts";
import { test } from "./harness.ts";
import { attached, settled } from "./raw_peer.ts";

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

test("the idle clock stands while messages wait to be read", async () => {
  const { clock, peer, socket } = attached("server", { highWaterMark: 0, idleTimeout: 1000 });
  const reader = socket.readable.getReader();
  const first = reader.read();
  peer.frame("server", "text", "a");
  peer.frame("server", "text", "b");
  await first;
  await clock.advance(100_000);
  assertEquals(peer.take(), "");
  assertEquals((await reader.read()).value, "b");
  reader.read().catch(() => {});
  await clock.advance(500);
  assertEquals(peer.frames("server"), [{ ping: "" }]);
  socket.abort();
});
