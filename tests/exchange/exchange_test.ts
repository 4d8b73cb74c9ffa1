import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ExchangeError } from "../../src/errors/problem.ts";
import type { Exchange, ExchangeOptions } from "../../src/exchange/exchange.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";
import { exchanging, next } from "../kit/exchanging.ts";

test("Wire reads the prefix, then the connection, then its end again and again", async () => {
  const { exchange, peer } = exchanging({ prefix: latin1("a") });
  peer.write("b");
  peer.end();
  assertEquals([await next(exchange), await next(exchange)], ["a", "b"]);
  assertEquals([await next(exchange), await next(exchange)], [undefined, undefined]);
  exchange.abort();
});

test("Wire.unread() gives back what is read next, and what is left in the end", async () => {
  const { exchange, conn, peer } = exchanging({ prefix: new Uint8Array() });
  assertEquals(exchange.rest.length, 0);
  peer.write("abc");
  const chunk = (await exchange.read())!;
  exchange.unread(chunk.subarray(1));
  exchange.unread(new Uint8Array());
  assertEquals([text(exchange.rest), await next(exchange), exchange.rest.length], ["bc", "bc", 0]);
  exchange.unread(latin1("c"));
  exchange.release();
  assertEquals([text(exchange.rest), conn.isClosed], ["c", false]);
});

test("Wire reads nothing ahead", async () => {
  const { exchange, conn, peer } = exchanging({}, { chunkSize: 1 });
  peer.write("abc");
  assertEquals(await next(exchange), "a");
  await settled();
  exchange.release();
  const { value } = await conn.readable.getReader().read();
  assertEquals(text(value!), "b");
});

test("Wire.write() waits until all is written", async () => {
  const { exchange, peer } = exchanging({}, { highWaterMark: 2 }, false);
  await exchange.write(new Uint8Array());
  await exchange.write(latin1("ab"));
  let done = false;
  const write = exchange.write(latin1("c")).then(() => done = true);
  await settled();
  assertEquals(done, false);
  peer.read().catch(() => {});
  await write;
  assertEquals(await peer.until("c"), "abc");
  exchange.abort();
});

const WAITS: readonly [name: string, wait: (exchange: Exchange) => Promise<unknown>][] = [
  ["a read", (exchange) => exchange.read()],
  ["a write", (exchange) => exchange.write(new Uint8Array(10))],
  ["a promise of somebody else's", (exchange) => exchange.guard(new Promise(() => {}))],
];
const mine = new Error("mine");
for (const [name, wait] of WAITS) {
  const stuck = (options: Partial<ExchangeOptions> = {}) => exchanging(options, { highWaterMark: 1 }, false);

  test(`Wire: the deadline ends ${name}, and all that is asked later`, async () => {
    const { exchange, clock, conn } = stuck();
    const waiting = wait(exchange);
    waiting.catch(() => {});
    await clock.advance(999);
    assertEquals(exchange.signal.aborted, false);
    await clock.advance(1);
    const error = await assertRejects(() => waiting, ExchangeError);
    assertEquals([error.failure, exchange.signal.aborted], ["handshake-timeout", true]);
    for (const [, again] of WAITS) assertStrictEquals(await assertRejects(() => again(exchange)), error);
    assertEquals([conn.isClosed, clock.pending], [false, 0], "what to do about it is the owner's matter");
    exchange.abort();
    assertEquals(conn.isClosed, true);
  });

  test(`Wire: the signal ends ${name} with its reason`, async () => {
    const controller = new AbortController(), { exchange } = stuck({ signal: controller.signal });
    const waiting = wait(exchange);
    controller.abort(mine);
    assertStrictEquals(await assertRejects(() => waiting), mine);
    assertStrictEquals(exchange.signal.reason, mine);
    exchange.abort();
  });

  test(`Wire: a loss ends ${name}, as a failure with its cause`, async () => {
    const { exchange, conn, clock } = stuck();
    const waiting = wait(exchange);
    conn.reset(mine);
    const error = await assertRejects(() => waiting, ExchangeError);
    assertEquals(error.failure, "connection-closed");
    assertStrictEquals(error.cause, mine);
    exchange.abort();
    assertEquals(clock.pending, 0);
  });

  test(`Wire: a signal that is already aborted ends ${name}`, async () => {
    const { exchange } = stuck({ signal: AbortSignal.abort(mine) });
    assertStrictEquals(await assertRejects(() => wait(exchange)), mine);
    exchange.abort();
  });
}

test("Wire.allow() sets the deadline anew, and 0 sets none", async () => {
  const { exchange, clock } = exchanging();
  await clock.advance(900);
  exchange.allow(1000);
  await clock.advance(999);
  assertEquals(exchange.signal.aborted, false);
  exchange.allow(0);
  await clock.advance(1e9);
  assertEquals([exchange.signal.aborted, clock.pending], [false, 0]);
  exchange.abort();
});

test("Wire.dispose() ends deadline and signal", async () => {
  const controller = new AbortController(), { exchange, clock } = exchanging({ signal: controller.signal });
  exchange.dispose();
  assertEquals(clock.pending, 0);
  controller.abort();
  assertEquals(exchange.signal.aborted, false);
  await settled();
  exchange.abort();
});

test("Wire.guard() gives what the promise does", async () => {
  const { exchange } = exchanging();
  assertEquals(await exchange.guard(Promise.resolve(5)), 5);
  assertStrictEquals(await assertRejects(() => exchange.guard(Promise.reject(mine))), mine);
  exchange.abort();
});

test("Wire reads what has come before it tells a loss, but writes and waits no more", async () => {
  const { exchange, conn, peer } = exchanging({}, { chunkSize: 2 });
  peer.write("abcde");
  assertEquals(await next(exchange), "ab");
  conn.reset(mine);
  for (const wait of [() => exchange.write(latin1("x")), () => exchange.guard(new Promise(() => {}))]) {
    assertStrictEquals((await assertRejects(wait, ExchangeError)).cause, mine);
  }
  assertEquals([text(exchange.rest), await next(exchange)], ["cde", "cde"]);
  assertStrictEquals((await assertRejects(() => exchange.read(), ExchangeError)).cause, mine);
  exchange.abort();
});

test("Wire.watch() reads ahead up to 16 KiB, sees an end or a loss, and nothing once it is over", async () => {
  const { clock, exchange, peer } = exchanging({ timeout: 10_000 }, { chunkSize: 1024 });
  exchange.watch();
  peer.write("a".repeat(17 * 1024) + "b");
  await settled();
  assertEquals([exchange.rest.length, exchange.signal.aborted], [16 * 1024, false]);
  exchange.stopWatching();
  assertEquals([(await next(exchange))!.length, (await next(exchange))!.length], [16 * 1024, 1024]);
  assertEquals(await next(exchange), "b");
  peer.end();
  await settled();
  assertEquals(exchange.signal.aborted, false);

  const first = exchange.watch();
  await settled();
  exchange.stopWatching();
  const signal = exchange.watch();
  assertEquals([first.reason.failure, signal.aborted, exchange.signal.aborted], ["connection-closed", true, false]);
  await exchange.write(latin1("a peer that has only half-closed reads this"));
  await clock.advance(999);
  assertEquals(exchange.signal.aborted, false);
  await clock.advance(1);
  assertStrictEquals(exchange.signal.reason, signal.reason);
  exchange.abort();
  assertEquals(clock.pending, 0);
});

test("Wire.watch() does not count the time in which a peer that has half-closed takes what is written", async () => {
  const { clock, exchange, peer } = exchanging({ timeout: 0 }, { highWaterMark: 1 }, false);
  exchange.watch();
  peer.end();
  await settled();
  const writing = exchange.write(latin1("it takes its time"));
  await clock.advance(5000);
  assertEquals(exchange.signal.aborted, false);
  peer.read().catch(() => {});
  await writing;
  await clock.advance(999);
  assertEquals(exchange.signal.aborted, false);
  await clock.advance(1);
  assertEquals([exchange.signal.aborted, clock.pending], [true, 0]);
  exchange.abort();
});
