import { assert, assertEquals, assertNotStrictEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { nextTurn } from "../../src/base/clock.ts";
import { Flusher } from "../../src/connection/flusher.ts";
import { Machine } from "../../src/protocol/machine.ts";
import { Prepared } from "../../src/protocol/prepared_message.ts";
import type { Message } from "../../src/protocol/contract.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { concat, random, test, text } from "../kit/harness.ts";

/** A transport that keeps what is written; while it `waits`, a write is pending until `finish()`. */
class Recorder implements Transport {
  waits = false;
  readonly writes: string[] = [];
  pending: Uint8Array<ArrayBuffer> | undefined;
  /** Called inside each write. */
  during = () => {};

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    assertEquals(this.pending, undefined, "a write while another is pending");
    this.writes.push(text(bytes));
    if (this.waits) this.pending = bytes;
    this.during();
    return !this.waits;
  }

  /** The pending write is done; its bytes must be what they were. */
  finish(flusher: Flusher): void {
    assertEquals(text(this.pending!), this.writes.at(-1));
    this.pending = undefined;
    flusher.onDrained();
  }

  get sizes(): number[] {
    return this.writes.map((bytes) => bytes.length);
  }

  start() {}
  pause() {}
  resume() {}
  end() {}
  abort() {}
  release() {}
}

/** A machine whose frames have two bytes more than their payload, and its way out. */
function joined({ highWaterMark = 65536, waits = false } = {}) {
  const events = { messages: { onMessage() {} }, onPong() {}, onPeerClose() {}, onFailure() {} };
  const options = { maxMessageSize: 16 * 2 ** 20, highWaterMark: 65536 };
  const machine = new Machine({ role: "server", protocol: "", extensions: "" }, events, options);
  const handlers = {
    onSent() {},
    onBufferFull() {},
    onLost(error: unknown) {
      throw error;
    },
  };
  const transport = new Recorder(), counts = { flushed: 0 };
  transport.waits = waits;
  const limits = { highWaterMark, maxBufferedAmount: 2 ** 26 };
  const onFlushed = () => counts.flushed++;
  const flusher = new Flusher(machine, { ...handlers, transport, options: limits, onFlushed });
  const send = (message: Message) => flusher.send(message);
  return { machine, transport, flusher, counts, send };
}

/** The next turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve));
}

test("Flusher.after() writes what was framed inside at its end, in one write", () => {
  const { flusher, transport, send } = joined();
  flusher.after(() => {
    for (const letter of ["a", "b", "c"]) send(letter);
    flusher.ping();
    assertEquals(transport.writes, []);
  });
  assertEquals(transport.writes, ["\x81\x01a\x81\x01b\x81\x01c\x89\0"]);
});

test("Flusher.after() leaves nothing for the next turn, and writes nothing for nothing", async () => {
  const { flusher, transport, counts, send } = joined();
  flusher.after(() => send("a"));
  flusher.after(() => {});
  await turn();
  assertEquals([transport.writes, counts.flushed], [["\x81\x01a"], 2]);
});

test("Flusher.after() takes along what has waited for the turn", async () => {
  const { flusher, transport, send } = joined();
  send("a");
  flusher.after(() => send("b"));
  assertEquals(transport.writes, ["\x81\x01a\x81\x01b"]);
  send("c");
  await turn();
  assertEquals(transport.writes, ["\x81\x01a\x81\x01b", "\x81\x01c"]);
});

test("Flusher.after() leaves what was framed to the turn's end where more is to come, and an end at once", async () => {
  const { flusher, transport, counts, send } = joined();
  flusher.after(() => send("a"), true);
  assertEquals(transport.writes, []);
  send("b");
  await turn();
  assertEquals([transport.writes, counts.flushed], [["\x81\x01a\x81\x01b"], 1]);
  flusher.after(() => {}, true);
  assertEquals(counts.flushed, 2);
});

test("Flusher.send() writes several sends of a turn at its end, in one write", async () => {
  const { transport, send } = joined();
  send("a");
  await Promise.resolve();
  send("b");
  assertEquals(transport.writes, []);
  await turn();
  assertEquals(transport.writes, ["\x81\x01a\x81\x01b"]);
  await turn();
  send("c");
  await turn();
  assertEquals(transport.writes, ["\x81\x01a\x81\x01b", "\x81\x01c"]);
});

test("Flusher.send() has all connections of a turn written by one callback", async () => {
  const all = [joined(), joined(), joined()];
  const written = () => all.map(({ transport }) => transport.writes.length);
  all[0]!.send("a");
  const between = new Promise<number[]>((resolve) => nextTurn(() => resolve(written())));
  for (const { send } of all) send("b");
  assertEquals(await between, [1, 1, 1]); // the first one's callback has written them all
});

test("Flusher.send() from inside a flush of the turn is for the next one", async () => {
  const [one, two] = [joined(), joined()];
  one.transport.during = () => {
    one.transport.during = () => {};
    two.send("b");
  };
  one.send("a");
  await turn();
  assertEquals([one.transport.writes, two.transport.writes], [["\x81\x01a"], []]);
  await turn();
  assertEquals(two.transport.writes, ["\x81\x01b"]);
});

test("Flusher.send() writes 64 KiB at once, even when corked", () => {
  const { flusher, transport, send } = joined();
  const message = new Uint8Array(32768 - 4); // its header has four bytes
  send(message);
  assertEquals(transport.sizes, []);
  send(message);
  assertEquals(transport.sizes, [65536]);
  flusher.after(() => {
    send(message);
    assertEquals(transport.sizes, [65536]);
    send(message);
    assertEquals(transport.sizes, [65536, 65536]);
    send("a");
  });
  assertEquals(transport.sizes, [65536, 65536, 3]);
});

test("Output writes nothing while a write is pending, then all that waited, slab by slab", async () => {
  const { flusher, transport, send } = joined({ waits: true });
  send("a");
  await turn();
  for (let i = 0; i < 1000; i++) send(new Uint8Array(100));
  flusher.after(() => send("b"));
  await turn();
  assertEquals([transport.sizes, flusher.buffered], [[3], 102_006]);
  transport.waits = false;
  transport.finish(flusher);
  assertEquals([transport.sizes, flusher.buffered], [[3, 642 * 102, 358 * 102 + 3], 0]);
});

test("Flusher.onDrained() goes on with one write at a time", () => {
  const { flusher, transport, send } = joined({ waits: true });
  for (let i = 0; i < 3; i++) send(new Uint8Array(65532)); // a slab each
  for (let count = 1; count <= 3; count++) {
    assertEquals([transport.writes.length, flusher.buffered], [count, (4 - count) * 65536]);
    transport.finish(flusher);
  }
  assertEquals([transport.writes.length, flusher.buffered], [3, 0]);
});

test("Flusher.onDrained() while corked leaves what is framed to uncork()", () => {
  const { flusher, transport, send } = joined({ waits: true });
  flusher.after(() => send("a"));
  flusher.after(() => {
    send("b");
    transport.finish(flusher);
    send("c");
    assertEquals(transport.writes.length, 1);
  });
  assertEquals(transport.writes, ["\x81\x01a", "\x81\x01b\x81\x01c"]);
});

test("Flusher.room is undefined up to the mark, and one shared promise above", () => {
  const { flusher, send } = joined({ highWaterMark: 10 });
  send("x".repeat(8));
  assertEquals([flusher.buffered, flusher.room], [10, undefined]);
  send("");
  const { room } = flusher;
  assert(room instanceof Promise);
  send("a");
  assertStrictEquals(flusher.room, room);
});

test("Flusher.room resolves as soon as the rest is not above the mark, and is another one later", async () => {
  const { flusher, transport, send } = joined({ highWaterMark: 10, waits: true });
  const settled: string[] = [];
  send("x".repeat(20));
  const first = flusher.room!;
  first.then(() => settled.push("first"));
  flusher.flush(); // being written is not yet written
  send("x".repeat(9));
  transport.finish(flusher); // eleven bytes are being written
  await turn();
  assertEquals([settled, flusher.buffered], [[], 11]);
  assertStrictEquals(flusher.room, first);
  send("x".repeat(8));
  transport.finish(flusher); // ten
  await first;
  assertEquals([flusher.room, flusher.buffered, transport.sizes], [undefined, 10, [22, 11, 10]]);
  send("");
  assertNotStrictEquals(flusher.room, first);
});

test("Flusher.fail() rejects the room that is waited for, and leaves nothing unhandled", async () => {
  const error = new Error("gone");
  const { flusher, send } = joined({ highWaterMark: 1 });
  flusher.fail(() => error);
  send("a");
  const { room } = flusher;
  flusher.fail(() => error);
  await turn(); // nobody waits yet
  assertStrictEquals(await assertRejects(() => room!), error);
});

test("Flusher.emptied resolves once all is written, and is undefined while nothing waits", async () => {
  const { flusher, transport, send } = joined({ waits: true });
  assertEquals(flusher.emptied, undefined);
  let isEmpty = false;
  send("a");
  flusher.emptied!.then(() => isEmpty = true);
  flusher.flush();
  send("b");
  transport.finish(flusher); // b is being written
  await turn();
  assertEquals(isEmpty, false);
  transport.finish(flusher);
  await turn();
  assertEquals([isEmpty, flusher.emptied], [true, undefined]);
});

test("Flusher.emptied resolves when nothing is written any more, too", async () => {
  const { flusher, send } = joined({ waits: true });
  send("a");
  const { emptied } = flusher;
  flusher.stop();
  await emptied;
  assertEquals(flusher.emptied, undefined);
});

test("Flusher.stop() writes nothing more, whatever comes", async () => {
  const { flusher, transport, counts, send } = joined({ waits: true });
  send("a");
  flusher.flush();
  send("b");
  flusher.stop();
  transport.finish(flusher);
  flusher.flush();
  flusher.after(() => send("c"));
  send(new Uint8Array(70_000));
  await turn();
  assertEquals([transport.writes, counts.flushed], [["\x81\x01a"], 0]);
});

test("Flusher.stop() from inside a write is the end of it", () => {
  const { flusher, transport, counts, send } = joined();
  transport.during = () => flusher.stop();
  flusher.after(() => {
    for (let i = 0; i < 3; i++) send("x".repeat(40_000));
  });
  assertEquals([transport.writes.length, counts.flushed], [1, 0]);
});

test("Output calls flushed whenever nothing is left, and never before", async () => {
  const { flusher, transport, counts, send } = joined();
  flusher.flush();
  assertEquals(counts.flushed, 1);
  send("a");
  assertEquals(counts.flushed, 1);
  await turn();
  assertEquals(counts.flushed, 2);
  transport.waits = true;
  send("bcd");
  send(new Uint8Array(65536)); // there is no room for both in a slab
  assertEquals([transport.writes.length, counts.flushed], [2, 2]);
  transport.finish(flusher);
  assertEquals([transport.writes.length, counts.flushed], [3, 2]);
  transport.finish(flusher);
  assertEquals([counts.flushed, flusher.buffered], [3, 0]);
});

test("Output recycles a slab once its write is done, and not before", () => {
  const { flusher, transport, send } = joined();
  const buffers: ArrayBuffer[] = [];
  const write = transport.write.bind(transport);
  transport.write = (bytes) => {
    buffers.push(bytes.buffer);
    return write(bytes);
  };
  const long = "a".repeat(1000); // what is short may be copied out of its slab
  for (const waits of [false, false, true]) {
    transport.waits = waits;
    flusher.after(() => send(long));
  }
  const [first, second, held] = buffers;
  assertStrictEquals(second, first);
  assertStrictEquals(held, first);
  const other = joined({ waits: true });
  other.flusher.after(() => other.send(long));
  assertNotStrictEquals(other.transport.pending!.buffer, held);
  transport.finish(flusher);
  flusher.after(() => send(long));
  assertStrictEquals(buffers[3], held);
});

test("Output never changes bytes that a transport holds, and loses none (a thousand turns of four connections)", async () => {
  const next = random(3);
  const ends = Array.from({ length: 4 }, () => ({ ...joined(), twin: joined(), sent: [] as Uint8Array[] }));
  for (let step = 0; step < 1000; step++) {
    const { transport, flusher, send, twin, sent } = ends[next() % 4]!;
    transport.waits = next() % 3 > 0;
    if (transport.pending && next() % 2 === 0) transport.finish(flusher);
    const message = new Uint8Array(next() % [10, 3000, 70_000][next() % 3]!).fill(step);
    if (next() % 2 === 0) send(message);
    else flusher.after(() => send(message));
    twin.machine.send(message);
    for (let bytes; (bytes = twin.machine.take());) sent.push(bytes);
    if (step % 5 === 0) await turn();
  }
  for (const { transport, flusher, sent } of ends) {
    transport.waits = false;
    if (transport.pending) transport.finish(flusher);
    flusher.flush();
    assert(transport.writes.join("") === text(concat(...sent)));
    assertEquals(flusher.buffered, 0);
  }
});

/** A flusher whose transport waits with its first write. */
async function stuck(first = "first", limits: { highWaterMark?: number } = {}) {
  const all = joined({ waits: true, ...limits });
  all.send(first);
  await turn();
  assertEquals(all.transport.writes.length, 1);
  return { ...all, hold: (text: string, limit?: number) => all.flusher.hold(new Prepared(text, true), limit) };
}

test("Flusher.hold() holds messages until what is before them is written", async () => {
  const { flusher, transport, hold } = await stuck();
  assertEquals([hold("a"), hold("b")], [0, 0]);
  assertEquals(flusher.buffered, 7 + 2 * 65);
  await turn();
  assertEquals(transport.writes, ["\x81\x05first"]);
  transport.finish(flusher);
  assertEquals(transport.writes.slice(1), ["\x81\x01a\x81\x01b"]);
  transport.finish(flusher);
  assertEquals(flusher.buffered, 0);
});

test("Flusher.hold() throws the oldest away where more than the limit is held", async () => {
  const { flusher, transport, hold } = await stuck();
  assertEquals(["a", "b", "c", "d"].map((text) => hold(text, 130)), [0, 0, 1, 1]);
  assertEquals(flusher.buffered, 7 + 2 * 65);
  assertEquals(hold("e".repeat(1000), 130), 2, "one that is larger is held alone");
  assertEquals(hold("f", 130), 1);
  transport.finish(flusher);
  assertEquals(transport.writes.slice(1), ["\x81\x01f"]);
});

test("whatever is sent goes behind what is held", async () => {
  const { flusher, transport, hold, send } = await stuck();
  hold("a");
  send("b");
  hold("c");
  flusher.close({ closeCode: 1000 });
  transport.finish(flusher);
  assertEquals(transport.writes.slice(1), ["\x81\x01a\x81\x01b\x81\x01c\x88\x02\x03\xe8"]);
});

test("Flusher.stop() lets go of what is held", async () => {
  const { flusher, transport, hold } = await stuck();
  hold("a");
  flusher.stop();
  assertEquals(flusher.buffered, 7);
  transport.finish(flusher);
  assertEquals(transport.writes.length, 1);
});

test("what is held is let go when the peer breaks a rule: the Close frame is the last one", async () => {
  const { flusher, machine, transport, hold } = await stuck();
  hold("a");
  flusher.after(() => machine.receive(Uint8Array.of(0x83, 0x80, 0, 0, 0, 0)));
  transport.finish(flusher);
  assertEquals(transport.writes.slice(1).map((bytes) => bytes[0]), ["\x88"]);
  transport.finish(flusher);
  assertEquals([flusher.buffered, transport.writes.length], [0, 2]);
});

test("Flusher.isOver() writes what can be written before it judges", async () => {
  const { flusher, transport, send } = joined({ highWaterMark: 10 });
  send("0123456789");
  assertEquals([flusher.isOver(12), transport.writes.length], [false, 0]);
  assertEquals([flusher.isOver(), transport.writes.length], [false, 1]);
  transport.waits = true;
  send("0123456789");
  assertEquals([flusher.isOver(11), flusher.isOver(12), flusher.isOver()], [true, false, true]);
  await turn();
});
