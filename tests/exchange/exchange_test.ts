import { assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { HeadReader } from "../../src/http/head_reader.ts";
import { connectionPair, type ConnectionPairOptions, fakeClock } from "../../src/testing.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { readHead } from "../../src/exchange/read_head.ts";
import { Wire, type WireOptions } from "../../src/exchange/exchange.ts";
import { WireError } from "../../src/errors/problem.ts";
import { everySplit, latin1, test, text } from "../kit/harness.ts";
import { RawPeer, settled } from "../kit/raw_peer.ts";

/** A wire, and its peer by hand. */
function wired(options: Partial<WireOptions> = {}, pair: ConnectionPairOptions = {}, reads = true) {
  const [far, conn] = connectionPair(pair), clock = fakeClock();
  const wire = new Wire(transportOf(conn), { clock, timeout: 1000, ...options });
  return { wire, conn, clock, peer: new RawPeer(far, { reads }) };
}

/** What is read next, as text. */
async function next(wire: Wire): Promise<string | undefined> {
  const chunk = await wire.read();
  return chunk && text(chunk);
}

test("Wire reads the prefix, then the connection, then its end again and again", async () => {
  const { wire, peer } = wired({ prefix: latin1("a") });
  peer.write("b");
  peer.end();
  assertEquals([await next(wire), await next(wire)], ["a", "b"]);
  assertEquals([await next(wire), await next(wire)], [undefined, undefined]);
  wire.abort();
});

test("Wire.unread() gives back what is read next, and what is left in the end", async () => {
  const { wire, conn, peer } = wired({ prefix: new Uint8Array() });
  assertEquals(wire.rest.length, 0);
  peer.write("abc");
  const chunk = (await wire.read())!;
  wire.unread(chunk.subarray(1));
  wire.unread(new Uint8Array());
  assertEquals([text(wire.rest), await next(wire), wire.rest.length], ["bc", "bc", 0]);
  wire.unread(latin1("c"));
  wire.release();
  assertEquals([text(wire.rest), conn.isClosed], ["c", false]);
});

test("Wire reads nothing ahead", async () => {
  const { wire, conn, peer } = wired({}, { chunkSize: 1 });
  peer.write("abc");
  assertEquals(await next(wire), "a");
  await settled();
  wire.release();
  const { value } = await conn.readable.getReader().read();
  assertEquals(text(value!), "b");
});

test("Wire.write() waits until all is written", async () => {
  const { wire, peer } = wired({}, { highWaterMark: 2 }, false);
  await wire.write(new Uint8Array());
  await wire.write(latin1("ab"));
  let done = false;
  const write = wire.write(latin1("c")).then(() => done = true);
  await settled();
  assertEquals(done, false);
  peer.read().catch(() => {});
  await write;
  assertEquals(await peer.until("c"), "abc");
  wire.abort();
});

const WAITS: readonly [name: string, wait: (wire: Wire) => Promise<unknown>][] = [
  ["a read", (wire) => wire.read()],
  ["a write", (wire) => wire.write(new Uint8Array(10))],
  ["a promise of somebody else's", (wire) => wire.guard(new Promise(() => {}))],
];
const mine = new Error("mine");
for (const [name, wait] of WAITS) {
  const stuck = (options: Partial<WireOptions> = {}) => wired(options, { highWaterMark: 1 }, false);

  test(`Wire: the deadline ends ${name}, and all that is asked later`, async () => {
    const { wire, clock, conn } = stuck();
    const waiting = wait(wire);
    waiting.catch(() => {});
    await clock.advance(999);
    assertEquals(wire.signal.aborted, false);
    await clock.advance(1);
    const error = await assertRejects(() => waiting, WireError);
    assertEquals([error.failure, wire.signal.aborted], ["handshake-timeout", true]);
    for (const [, again] of WAITS) assertStrictEquals(await assertRejects(() => again(wire)), error);
    assertEquals([conn.isClosed, clock.pending], [false, 0], "what to do about it is the owner's matter");
    wire.abort();
    assertEquals(conn.isClosed, true);
  });

  test(`Wire: the signal ends ${name} with its reason`, async () => {
    const controller = new AbortController(), { wire } = stuck({ signal: controller.signal });
    const waiting = wait(wire);
    controller.abort(mine);
    assertStrictEquals(await assertRejects(() => waiting), mine);
    assertStrictEquals(wire.signal.reason, mine);
    wire.abort();
  });

  test(`Wire: a loss ends ${name}, as a failure with its cause`, async () => {
    const { wire, conn, clock } = stuck();
    const waiting = wait(wire);
    conn.reset(mine);
    const error = await assertRejects(() => waiting, WireError);
    assertEquals(error.failure, "connection-closed");
    assertStrictEquals(error.cause, mine);
    wire.abort();
    assertEquals(clock.pending, 0);
  });

  test(`Wire: a signal that is already aborted ends ${name}`, async () => {
    const { wire } = stuck({ signal: AbortSignal.abort(mine) });
    assertStrictEquals(await assertRejects(() => wait(wire)), mine);
    wire.abort();
  });
}

test("Wire.allow() sets the deadline anew, and 0 sets none", async () => {
  const { wire, clock } = wired();
  await clock.advance(900);
  wire.allow(1000);
  await clock.advance(999);
  assertEquals(wire.signal.aborted, false);
  wire.allow(0);
  await clock.advance(1e9);
  assertEquals([wire.signal.aborted, clock.pending], [false, 0]);
  wire.abort();
});

test("Wire.dispose() ends deadline and signal", async () => {
  const controller = new AbortController(), { wire, clock } = wired({ signal: controller.signal });
  wire.dispose();
  assertEquals(clock.pending, 0);
  controller.abort();
  assertEquals(wire.signal.aborted, false);
  await settled();
  wire.abort();
});

test("Wire.guard() gives what the promise does", async () => {
  const { wire } = wired();
  assertEquals(await wire.guard(Promise.resolve(5)), 5);
  assertStrictEquals(await assertRejects(() => wire.guard(Promise.reject(mine))), mine);
  wire.abort();
});

test("readHead() gives the head, and what follows it back, wherever it is cut", async () => {
  const head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  await everySplit(latin1(head + "behind"), async ([prefix, ...rest]) => {
    const { wire, peer } = wired({ prefix });
    for (const chunk of rest) peer.write(chunk);
    peer.end();
    const read = await readHead(wire, new HeadReader(100, 1));
    assertInstanceOf(read, Uint8Array);
    const behind = [];
    for (let chunk; (chunk = await next(wire)) !== undefined;) behind.push(chunk);
    assertEquals([text(read), behind.join("")], [head, "behind"]);
    wire.abort();
  });
});

test("readHead() of an end: undefined before a byte, a failure behind one", async () => {
  for (const [bytes, failure] of [["", undefined], ["G", "connection-closed"]] as const) {
    const { wire, peer } = wired();
    peer.write(bytes);
    peer.end();
    const reading = readHead(wire, new HeadReader(100, 1));
    if (failure === undefined) assertEquals(await reading, undefined);
    else assertEquals((await assertRejects(() => reading, WireError)).failure, failure);
    wire.abort();
  }
});
