import { assertEquals, assertStrictEquals } from "@std/assert";
import { systemClock } from "../../src/base/clock.ts";
import { type PushSource, PushTransport } from "../../src/transport/push_transport.ts";
import type { TransportHandlers } from "../../src/transport/transport.ts";
import { Exchange } from "../../src/exchange/exchange.ts";
import { test } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";

/** A socket by hand, and a log of what it was told and of what its owner was told. */
function socket(answers: boolean[] = []) {
  const log: unknown[] = [];
  const source: PushSource = {
    pause: () => log.push("source.pause"),
    resume: () => log.push("source.resume"),
    write: (bytes) => (log.push(`source.write ${bytes}`), answers.shift() ?? true),
    end: () => log.push("source.end"),
    close: () => log.push("source.close"),
  };
  const transport = new PushTransport(source);
  const owner = (own: Partial<TransportHandlers> = {}): TransportHandlers => ({
    onData: (chunk) => void log.push(`data ${chunk}`),
    onEnd: () => log.push("end"),
    onDrained: (hasWaited) => log.push(`drained ${hasWaited}`),
    onLost: (error) => log.push(error),
    ...own,
  });
  const push = (...bytes: number[]) => transport.onData(Uint8Array.from(bytes));
  /** What was logged since it was last asked for. */
  const took = () => log.splice(0);
  return { transport, owner, push, took };
}

test("what comes while nobody reads is kept, pauses the socket once, and is handed over in order", () => {
  const { transport, owner, push, took } = socket();
  push(1);
  push(2);
  assertEquals(took(), ["source.pause"]);
  transport.start(owner());
  push(3);
  assertEquals(took(), []);
  transport.resume();
  assertEquals(took(), ["data 1", "data 2", "data 3", "source.resume"]);
  push(4);
  assertEquals(took(), ["data 4"]);
});

test("a pause that ends before anything comes costs the socket nothing", () => {
  const { transport, owner, push, took } = socket();
  transport.start(owner());
  for (let i = 0; i < 3; i++) {
    transport.resume();
    push(i);
    transport.pause();
  }
  assertEquals(took(), ["data 0", "data 1", "data 2"]);
});

test("an owner that pauses inside a chunk gets the next one only when it reads on", () => {
  const { transport, owner, push, took } = socket();
  for (const byte of [1, 2, 3]) push(byte);
  took();
  const handlers = owner();
  transport.start({ ...handlers, onData: (chunk) => (transport.pause(), handlers.onData(chunk)) });
  for (const byte of [1, 2]) {
    transport.resume();
    assertEquals(took(), [`data ${byte}`], "the socket is not resumed while something is kept");
  }
  transport.resume();
  assertEquals(took(), ["data 3"]);
  transport.resume();
  assertEquals(took(), ["source.resume"]);
});

test("an owner that reads on inside a chunk gets the next one behind it, not inside it", () => {
  const { transport, owner, push, took } = socket();
  const handlers = owner();
  transport.start({
    ...handlers,
    onData(chunk) {
      handlers.onData(chunk);
      transport.pause();
      transport.resume();
      if (chunk[0] === 1) push(2);
      handlers.onData(chunk);
    },
  });
  transport.resume();
  push(1);
  assertEquals(took(), ["data 1", "data 1", "data 2", "data 2"]);
});

test("an end comes behind what was kept, and each owner is told", () => {
  const { transport, owner, push, took } = socket();
  push(1);
  transport.onEnd();
  assertEquals(took(), ["source.pause"]);
  for (const expected of [["data 1", "end"], ["end"]]) {
    transport.start(owner());
    transport.resume();
    transport.resume();
    assertEquals(took(), expected);
    transport.pause();
    transport.release();
  }
});

test("an end inside a chunk comes behind it", () => {
  const { transport, owner, push, took } = socket();
  const handlers = owner();
  transport.start({
    ...handlers,
    onData(chunk) {
      transport.onEnd();
      handlers.onData(chunk);
    },
  });
  transport.resume();
  push(1);
  assertEquals(took(), ["data 1", "end"]);
});

/** Rows: how a socket closes, and what its owner is told. */
const CLOSES: readonly [name: string, hasEnded: boolean, error: Error | undefined, told: readonly string[]][] = [
  ["once both sides have ended is an end", true, undefined, ["end"]],
  ["without a reason is a loss", false, undefined, ["source.close", "Error: The socket was closed"]],
  ["by an error is a loss", true, new Error("ECONNRESET"), ["source.close", "Error: ECONNRESET"]],
];
for (const [name, hasEnded, error, told] of CLOSES) {
  test(`a socket that closes ${name}`, () => {
    const { transport, owner, took } = socket();
    transport.start(owner());
    transport.resume();
    if (hasEnded) transport.end();
    took();
    transport.onClosed(error);
    transport.onClosed(new Error("twice"));
    assertEquals(took().map(String), told[0] === "end" ? [...told, "source.close", "Error: twice"] : told);
  });
}

test("a loss is told to whoever comes next, behind what was kept", async () => {
  const { transport, owner, push, took } = socket();
  const error = new Error("ECONNRESET");
  push(1);
  transport.onLost(error);
  assertEquals(took(), ["source.pause", "source.close"]);
  transport.start(owner());
  transport.resume();
  assertEquals(took(), []);
  await settled();
  assertEquals(took(), ["data 1", error]);
  assertEquals([transport.inUse, transport.write(Uint8Array.of(1))], [false, false]);
  assertEquals(took(), []);
});

test("nothing is told after abort() or release()", () => {
  for (const stop of ["abort", "release"] as const) {
    const { transport, owner, push, took } = socket();
    transport.start(owner());
    transport.pause();
    transport[stop]();
    took();
    push(1);
    transport.onEnd();
    transport.onDrained(true);
    assertEquals(took().filter((entry) => entry !== "source.pause"), [], stop);
  }
});

test("a write that is taken at once is done, another one is done when the socket says so", () => {
  const { transport, owner, took } = socket([true, false]);
  transport.start(owner());
  assertEquals([transport.write(Uint8Array.of(1)), transport.write(Uint8Array.of(2))], [true, false]);
  transport.onDrained(true);
  assertEquals(took(), ["source.write 1", "source.write 2", "drained true"]);
});

test("half-closing is done once, and closing too", () => {
  const { transport, owner, took } = socket();
  transport.start(owner());
  for (let i = 0; i < 2; i++) transport.end();
  for (let i = 0; i < 2; i++) transport.abort();
  transport.end();
  assertEquals(took(), ["source.end", "source.close"]);
});

test("an Exchange reads what its transport hands over before resume() returns", async () => {
  const { transport, push } = socket();
  push(1);
  transport.onEnd();
  const exchange = new Exchange(transport, { clock: systemClock, timeout: 0 });
  assertEquals(await exchange.read(), Uint8Array.of(1));
  assertStrictEquals(await exchange.read(), undefined);
  exchange.abort();
});

test("a loss inside a chunk comes behind it, and behind what was queued", () => {
  const { transport, owner, push, took } = socket();
  const handlers = owner();
  transport.start({
    ...handlers,
    onData(chunk) {
      if (chunk[0] === 1) {
        push(2);
        transport.onLost(new Error("ECONNRESET"));
        transport.resume();
      }
      handlers.onData(chunk);
    },
  });
  transport.resume();
  push(1);
  assertEquals(took().map(String), ["source.close", "data 1", "data 2", "Error: ECONNRESET"]);
});

test("an onDrained() that throws, and a source whose write() does, lose their connection and nothing else", async () => {
  const { transport, owner, took } = socket();
  transport.start(owner({
    onDrained() {
      throw new Error("The owner has failed");
    },
  }));
  transport.onDrained(true);
  assertEquals(took().map(String), ["source.close", "Error: The owner has failed"]);

  const log: string[] = [];
  const broken = new PushTransport({
    pause() {},
    resume() {},
    write() {
      throw new Error("A broken duplex");
    },
    end() {},
    close: () => log.push("source.close"),
  });
  broken.start({ onData() {}, onEnd() {}, onDrained() {}, onLost: (error) => log.push((error as Error).message) });
  assertEquals([broken.write(Uint8Array.of(1)), log], [false, []]);
  await settled();
  assertEquals(log, ["source.close", "A broken duplex"]);
});

test("what is too much is dropped with its connection", () => {
  const { transport, owner, push, took } = socket();
  transport.start(owner());
  push(1);
  transport.onOverflow(new Error("too much"));
  assertEquals(took().map(String), ["source.pause", "source.close", "Error: too much"]);
});
