import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { transportOf } from "../../src/runtime/choose.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";

test("connectionPair() carries bytes both ways, and an end", async () => {
  const [a, b] = connectionPair();
  for (const [from, to] of [[a, b], [b, a]] as const) {
    const writer = from.writable.getWriter();
    await writer.write(latin1("Hello"));
    await writer.close();
    const chunks = [];
    for await (const chunk of to.readable) chunks.push(text(chunk));
    assertEquals([chunks, from.bytesWritten], [["Hello"], 5]);
  }
  assertEquals([a.isClosed, b.isClosed], [true, true]);
});

test("connectionPair() takes a copy of what is written, and gives one", async () => {
  const [a, b] = connectionPair(), bytes = latin1("Hello");
  await a.writable.getWriter().write(bytes);
  bytes.fill(0);
  const { value } = await b.readable.getReader().read();
  assertEquals(text(value!), "Hello");
});

test("connectionPair() cuts at chunkSize", async () => {
  const [a, b] = connectionPair({ chunkSize: 2 });
  const writer = a.writable.getWriter();
  await writer.write(latin1("Hello"));
  await writer.close();
  const chunks: string[] = [];
  for await (const chunk of b.readable) chunks.push(text(chunk));
  assertEquals(chunks, ["He", "ll", "o"]);
});

test("connectionPair() delays by its clock, in order, the end too", async () => {
  const clock = fakeClock(), [a, b] = connectionPair({ delay: 100, clock });
  const writer = a.writable.getWriter(), log: string[] = [];
  writer.write(latin1("a"));
  (async () => {
    for await (const chunk of b.readable) log.push(`${text(chunk)} at ${clock.now()}`);
    log.push(`end at ${clock.now()}`);
  })();
  await clock.advance(50);
  writer.write(latin1("b"));
  writer.close();
  await clock.advance(49);
  assertEquals(log, []);
  await clock.advance(51);
  assertEquals(log, ["a at 100", "b at 150", "end at 150"]);
});

test("connectionPair() refuses a delay without a clock, and a chunkSize below 1", () => {
  assertThrows(() => connectionPair({ delay: 1 }), TypeError, "clock");
  for (const chunkSize of [0, NaN, -1]) assertThrows(() => connectionPair({ chunkSize }), RangeError, "chunkSize");
});

test("a write waits while more than highWaterMark is under way", async () => {
  const [a, b] = connectionPair({ highWaterMark: 3 });
  const writer = a.writable.getWriter();
  await writer.write(latin1("abc"));
  let done = false;
  const write = writer.write(latin1("d")).then(() => done = true);
  await settled();
  assertEquals([done, a.bytesWritten], [false, 4]);
  await b.readable.getReader().read();
  await write;
});

for (const operation of ["read", "write"] as const) {
  test(`a fault of a ${operation} loses its end at the n-th, and resets the other`, async () => {
    const error = new Error("mine");
    const [a, b] = connectionPair({ chunkSize: 1, fault: { end: 1, operation, nth: 2, error } });
    a.writable.getWriter().write(latin1("abc"));
    const there = a.readable.getReader(), reader = b.readable.getReader(), writer = b.writable.getWriter();
    const operate = () => operation === "read" ? reader.read() : writer.write(latin1("x"));
    await operate();
    assertStrictEquals(await assertRejects(operate), error);
    // Of what has come before, nothing is lost but by a read that fails
    if (operation === "write") {
      assertEquals(text((await there.read()).value!), "x");
      for (const char of "abc") assertEquals(text((await reader.read()).value!), char);
      for (const end of [there, reader]) assertStrictEquals(await assertRejects(() => end.read()), error);
    }
    for (const closed of [there.closed, reader.closed, writer.closed]) {
      assertStrictEquals(await assertRejects(() => closed), error);
    }
    assertEquals([a.isClosed, b.isClosed], [true, true]);
  });
}

test("reset() loses both ends, and what was under way", async () => {
  const [a, b] = connectionPair(), error = new Error("mine");
  a.writable.getWriter().write(latin1("lost")).catch(() => {});
  const reader = b.readable.getReader();
  a.reset(error);
  assertStrictEquals(await assertRejects(() => reader.read()), error);
  assertEquals([a.isClosed, b.isClosed], [true, true]);
});

test("an end that closes while bytes for it are unread resets the peer, as a socket does", async () => {
  const [a, b] = connectionPair(), reader = a.readable.getReader();
  const closing = transportOf(b);
  await a.writable.getWriter().write(latin1("unread"));
  closing.write(latin1("not overtaken by the reset"));
  closing.abort();
  assertEquals(text((await reader.read()).value!), "not overtaken by the reset");
  await assertRejects(() => reader.read(), Error, "reset");
});

test("writing to an end that has closed fails once more is under way than it takes", async () => {
  const [a, b] = connectionPair({ highWaterMark: 10 });
  await b.readable.cancel();
  await b.writable.close();
  await settled();
  assertEquals([a.isClosed, b.isClosed], [false, true]);
  const writer = a.writable.getWriter();
  writer.closed.catch(() => {});
  await writer.write(new Uint8Array(10));
  await assertRejects(() => writer.write(new Uint8Array(1)), Error, "closed");
  assertEquals(a.isClosed, true);
});

test("a write that waits fails when the peer closes", async () => {
  const [a, b] = connectionPair({ highWaterMark: 1 });
  const writer = a.writable.getWriter();
  writer.closed.catch(() => {});
  const write = writer.write(new Uint8Array(10));
  write.catch(() => {});
  await settled();
  await b.writable.abort();
  await assertRejects(() => write);
  assertEquals([a.isClosed, b.isClosed], [true, true]);
});

test("an owner who comes after a loss is told of it", async () => {
  const [a] = connectionPair(), error = new Error("mine");
  a.reset(error);
  let told: unknown;
  transportOf(a).start({ onData() {}, onEnd() {}, onDrained() {}, onLost: (error) => told = error });
  await settled();
  assertStrictEquals(told, error);
});
