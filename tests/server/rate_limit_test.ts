import { assert, assertEquals, assertThrows } from "@std/assert";
import { RateLimit, type RateLimitOptions } from "../../mod.ts";
import { RateCounter } from "../../src/server/rate_limit.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";

test("RateLimit lets all of the limit through at once, then one after the other, and says how long to wait", async () => {
  const clock = fakeClock(), limit = new RateLimit({ limit: 3, window: 30_000, clock });
  const check = () => limit.check("a")?.headers.get("retry-after");
  assertEquals([check(), check(), check(), check()], [undefined, undefined, undefined, "10"]);
  await clock.advance(4000);
  assertEquals([check(), limit.check("b")], ["6", undefined]);
  await clock.advance(5999.5);
  assertEquals(check(), "1");
  await clock.advance(0.5);
  assertEquals([check(), check()], [undefined, "10"]);
  await clock.advance(60_000);
  assertEquals([check(), check(), check(), check()], [undefined, undefined, undefined, "10"]);
});

test("RateLimit never lets more than the limit and one a step through, whenever they come", async () => {
  const clock = fakeClock(), limit = new RateLimit({ limit: 7, window: 1000, clock });
  let passed = 0;
  for (let time = 0; time < 5000; time += 50) {
    if (!limit.check("a")) passed++;
    await clock.advance(50);
  }
  assertEquals(passed, 7 + Math.floor(4950 * 7 / 1000));
});

test("RateLimit answers with a 429 that can be sent (RFC 6585 §4)", async () => {
  const limit = new RateLimit({ limit: 1 });
  limit.check("a");
  const response = limit.check("a")!;
  assertEquals([response.status, response.headers.get("retry-after")], [429, "60"]);
  assertEquals(await response.text(), "Too many requests\n");
});

test("RateLimit counts an address as its network, and does not count what has none", () => {
  const limit = new RateLimit({ limit: 1 });
  const address = (hostname: string) => ({ transport: "tcp", hostname, port: Math.random() } as const);
  assertEquals(limit.check(address("2001:db8::1")), undefined);
  assertEquals(limit.check(address("2001:db8::2"))?.status, 429);
  assertEquals(limit.check("2001:db8::3")?.status, 429);
  assertEquals(limit.check("::ffff:192.0.2.7"), undefined);
  assertEquals(limit.check("192.0.2.7")?.status, 429);
  for (let i = 0; i < 3; i++) {
    assertEquals(limit.check(undefined), undefined);
    assertEquals(limit.check(null), undefined); // as headers.get() gives it
    assertEquals(limit.check({ transport: "unix", path: "/s" }), undefined);
  }
});

test("a counter remembers a bounded number of keys, and those that were seen last", () => {
  const counter = new RateCounter({ limit: 1, window: 1000, maxKeys: 1000, clock: fakeClock() });
  for (let i = 0; i < 100_000; i++) {
    assertEquals(counter.take(`key ${i}`), 0);
    assert(counter.size <= 1000, `${counter.size} keys`);
  }
  assertEquals(counter.take("key 99999"), 1000);
  assertEquals(counter.take("key 99600"), 1000);
  assertEquals(counter.take("key 98000"), 0); // forgotten
});

test("a counter lets go of keys that are as good as new, without a timer", async () => {
  const clock = fakeClock(), counter = new RateCounter({ limit: 2, window: 1000, maxKeys: 1000, clock });
  for (let i = 0; i < 300; i++) counter.take(`key ${i}`);
  assertEquals([counter.size, clock.pending], [300, 0]);
  await clock.advance(999);
  counter.take("last");
  assertEquals(counter.size, 301);
  await clock.advance(1);
  counter.take("last");
  await clock.advance(1000);
  counter.take("another"); // two windows after the first ones: only what came in the second is left
  assertEquals(counter.size, 2);
  counter.take("more");
  await clock.advance(2000);
  counter.take("another");
  assertEquals(counter.size, 1);
});

test("a counter goes on counting a key across the change of its memory", async () => {
  const clock = fakeClock(), counter = new RateCounter({ limit: 2, window: 1000, maxKeys: 10, clock });
  await clock.advance(990);
  assertEquals([counter.take("a"), counter.take("a")], [0, 0]);
  await clock.advance(20);
  assertEquals([counter.take("a"), counter.size], [480, 1]);
});

/** Rows: what is no key, and what the error says. */
const NO_KEYS: readonly [key: unknown, says: string][] = [
  [5, "it is 5, and must be a string, an address or undefined"],
  [true, "it is true"],
  [{}, "it is an object that is no address"],
  [{ transport: "tcp", hostname: 7, port: 1 }, "it is an object that is no address"],
  [{ transport: "udp", hostname: "::1", port: 1 }, "it is an object that is no address"],
];

test("RateLimit refuses what is no key, and what are no options", () => {
  const limit = new RateLimit({ limit: 1 });
  for (const [key, says] of NO_KEYS) assertThrows(() => limit.check(key as string), TypeError, says);
  for (const options of [undefined, null, 10]) {
    const make = () => new RateLimit(options as unknown as RateLimitOptions);
    assertThrows(make, TypeError, `the argument is ${options}, and must be options such as { limit: 10 }`);
  }
});

test("a counter lets exactly the limit through at once, however late its clock is", () => {
  for (const late of [0, 1e6 + 0.123, 1e9 + 0.123, 3e10 + 0.7, 1.7e12 + 0.3]) { // a process of a month, of a year; Date.now()
    const clock = { ...fakeClock(), now: () => late };
    for (const limit of [...Array.from({ length: 60 }, (_, i) => i + 1), 90, 170, 330, 700]) {
      const counter = new RateCounter({ limit, window: 60_000, maxKeys: 10, clock });
      let count = 0;
      while (count <= limit && counter.take("a") === 0) count++;
      assertEquals([late, limit, count], [late, limit, limit]);
    }
    const quick = new RateCounter({ limit: 20_000, window: 10, maxKeys: 10, clock }); // steps of half a microsecond
    if (late > 1e9) continue;
    let count = 0;
    while (count < 30_000 && quick.take("a") === 0) count++;
    assert(Math.abs(count - 20_000) <= 1, `${count} at ${late}`);
  }
});

/** Rows: what is wrong, and what the error says. */
const WRONG: readonly [options: Record<string, unknown>, error: ErrorConstructor, says: string][] = [
  [{}, RangeError, "limit"],
  [{ limit: 0 }, RangeError, "limit: it is 0"],
  [{ limit: 1.5 }, RangeError, "limit"],
  [{ limit: "9" }, RangeError, "limit"],
  [{ limit: Infinity }, RangeError, "limit"],
  [{ limit: 1, window: 0 }, RangeError, "window: it is 0"],
  [{ limit: 1, window: -1 }, RangeError, "window"],
  [{ limit: 1, maxKeys: 0 }, RangeError, "maxKeys"],
  [{ limit: 1, clock: {} }, TypeError, "clock"],
];

for (const [options, error, says] of WRONG) {
  test(`RateLimit refuses ${JSON.stringify(options)} with limit ${options.limit}`, () => {
    assertThrows(() => new RateLimit(options as unknown as RateLimitOptions), error, says);
  });
}
