import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { accept, attach, HandshakeError } from "../mod.ts";
import { connectionPair, fakeClock } from "../src/testing.ts";
import { transportOf } from "../src/runtime/choose.ts";
import { upgrade } from "./cases/requests_base.ts";
import { latin1, test, text } from "./kit/harness.ts";
import { RawPeer, settled } from "./kit/raw_peer.ts";

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
  closing.write(latin1("overtaken by the reset"));
  closing.abort();
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

test("the streams of an end: a read that is cancelled under way loses nobody", async () => {
  const [a, b] = connectionPair();
  const reader = a.readable.getReader();
  const read = reader.read();
  await settled();
  await reader.cancel();
  assertEquals((await read).done, true);
  await b.writable.getWriter().write(latin1("nobody reads this"));
  await settled();
  assertEquals([a.isClosed, b.isClosed], [false, false]);
});

test("the streams of an end: aborting the writable errors a read under way", async () => {
  const [a] = connectionPair(), reason = new Error("mine");
  const read = a.readable.getReader().read();
  read.catch(() => {});
  await a.writable.abort(reason);
  assertStrictEquals(await assertRejects(() => read), reason);
  assert(a.isClosed);
});

test("an owner who comes after a loss is told of it", async () => {
  const [a] = connectionPair(), error = new Error("mine");
  a.reset(error);
  let told: unknown;
  transportOf(a).start({ onData() {}, onEnd() {}, onDrained() {}, onLost: (error) => told = error });
  await settled();
  assertStrictEquals(told, error);
});

test("the streams of an end, then a door, then the streams again", async () => {
  const [client, server] = connectionPair(), peer = new RawPeer(client);
  peer.write("PROXY\r\n");
  const before = server.readable.getReader(), writer = server.writable.getWriter();
  assertEquals(text((await before.read()).value!), "PROXY\r\n");
  await writer.write(latin1("welcome "));
  before.releaseLock();
  writer.releaseLock();
  peer.write(upgrade({ "Sec-WebSocket-Version": "8" }));
  const error = await assertRejects(() => accept(server, { keepAlive: true }), HandshakeError);
  assertEquals([error.reusable, error.rest.length], [true, 0]);
  peer.write("goes on");
  const after = server.readable.getReader();
  assertEquals(text((await after.read()).value!), "goes on");
  await server.writable.getWriter().write(latin1("good bye"));
  await settled();
  assert(/^welcome HTTP\/1.1 426 [^]*\ngood bye$/.test(peer.take()));
  peer.end();
  assertEquals((await after.read()).done, true);
});

for (const looks of [false, true]) {
  test(`two doors at once on one end are a TypeError${looks ? ", also when its streams were looked at" : ""}`, async () => {
    const [client, server] = connectionPair(), peer = new RawPeer(client);
    const agreement = { role: "server", protocol: "", extensions: "" } as const;
    const socket = attach(server, agreement);
    const received: unknown[] = [];
    socket.receive((message) => void received.push(message)).catch(() => {});
    if (looks) assertEquals([server.readable.locked, server.writable.locked], [false, false]);
    assertThrows(() => attach(server, agreement), TypeError, "already in use");
    await assertRejects(() => accept(server), TypeError, "already in use");
    peer.frame("server", "text", "Hello");
    await settled();
    assertEquals(received, ["Hello"], "the first one goes on");
    socket.abort();
  });
}

test("fakeClock() fires in the order of time, and of setting; between two everything that is ready runs", async () => {
  const clock = fakeClock(), log: string[] = [];
  const note = (name: string) => async () => {
    log.push(`${name} at ${clock.now()}`);
    await null;
    log.push(`behind ${name}`);
  };
  clock.setTimeout(note("b"), 20);
  clock.setTimeout(note("a"), 10);
  clock.setTimeout(note("c"), 20);
  clock.setTimeout(note("d"), 31);
  assertEquals(clock.pending, 4);
  await clock.advance(30);
  assertEquals(log, ["a at 10", "behind a", "b at 20", "behind b", "c at 20", "behind c"]);
  assertEquals([clock.now(), clock.pending], [30, 1]);
});

test("fakeClock() fires timers that are set by timers, and forgets those that are cleared", async () => {
  const clock = fakeClock(), log: number[] = [];
  const timer = clock.setTimeout(() => log.push(-1), 5);
  clock.setTimeout(() => {
    log.push(clock.now());
    clock.clearTimeout(timer);
    clock.setTimeout(() => log.push(clock.now()), 1);
    clock.setTimeout(() => log.push(clock.now()), -5);
  }, 4);
  await clock.advance(10);
  clock.clearTimeout(timer);
  clock.clearTimeout("no timer");
  assertEquals([log, clock.pending], [[4, 4, 5], 0]);
});
