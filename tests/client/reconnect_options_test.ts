import { assert, assertEquals, assertThrows } from "@std/assert";
import { reconnect, type ReconnectOptions } from "../../mod.ts";
import { checkReconnectOptions } from "../../src/client/reconnect_options.ts";
import { connectionPair } from "../../src/testing.ts";
import { URL } from "../kit/coming_back.ts";
import { test } from "../kit/harness.ts";

test("checkReconnectOptions() has defaults", () => {
  const { backOff, resetAfter, maxWaiting, shouldRetry, signal } = checkReconnectOptions({});
  const { random, ...waits } = backOff;
  assertEquals(waits, { firstDelay: 3000, maxDelay: 30_000, factor: 1.5, restartSpread: 25_000 });
  assertEquals([random, resetAfter, maxWaiting, signal], [Math.random, 10_000, 1_048_576, undefined]);
  for (const retryable of [true, false]) {
    assertEquals(shouldRetry({ retryable } as Parameters<typeof shouldRetry>[0], 1), retryable);
  }
});

test("the default of firstDelay is never longer than maxDelay", () => {
  assertEquals(checkReconnectOptions({ maxDelay: 10 }).backOff.firstDelay, 10);
  assertEquals(checkReconnectOptions({ firstDelay: 10, maxDelay: 10 }).backOff.firstDelay, 10);
});

const [conn] = connectionPair();
const WRONG: readonly [options: object, error: new () => Error, message: string][] = [
  [{ conn }, TypeError, "Cannot use the option conn: it is of one connection; return it from the option configure"],
  [{ prefix: new Uint8Array() }, TypeError, "the option prefix: it is of one connection"],
  [{ keepAlive: true }, TypeError, "the option keepAlive: it is of one connection"],
  [{ configure: {} }, TypeError, "Cannot use the option configure: it is not a function"],
  [{ onOpen: 1 }, TypeError, "the option onOpen: it is not a function"],
  [{ onRetry: "log" }, TypeError, "the option onRetry: it is not a function"],
  [{ shouldRetry: true }, TypeError, "the option shouldRetry: it is not a function"],
  [{ random: 0.5 }, TypeError, "the option random: it is not a function"],
  [{ factor: 0.9 }, RangeError, "Cannot use the option factor: it is 0.9, and must be a number of at least 1"],
  [{ factor: "2" }, RangeError, 'the option factor: it is the string "2"'],
  [{ factor: Infinity }, RangeError, "the option factor: it is Infinity"],
  [{ firstDelay: 0 }, RangeError, "the option firstDelay: it is 0, and must be longer"],
  [
    { firstDelay: 5000, maxDelay: 10 },
    RangeError,
    "it is 5000, and must be at most maxDelay, which is 10 milliseconds",
  ],
  [{ firstDelay: 30_001 }, RangeError, "it is 30001, and must be at most maxDelay, which is 30000 milliseconds"],
  [{ maxDelay: 2 ** 31 }, RangeError, "the option maxDelay"],
  [{ restartSpread: -1 }, RangeError, "the option restartSpread"],
  [{ resetAfter: NaN }, RangeError, "the option resetAfter"],
  [{ maxWaiting: 0.5 }, RangeError, "the option maxWaiting"],
  [{ signal: new AbortController() }, TypeError, "Cannot use the signal"],
  [{ clock: {} }, TypeError, "Cannot use the clock"],
  [{ handshakeTimeout: -1 }, RangeError, "the option handshakeTimeout"],
  [{ protocols: "a b" }, DOMException, "a b"],
  [{ proxy: "ftp://h/" }, TypeError, "Cannot use the proxy"],
];
for (const [options, error, message] of WRONG) {
  const [name, value] = Object.entries(options)[0]!;
  test(`reconnect() refuses ${name}: ${typeof value === "object" ? "{…}" : JSON.stringify(value)} at once`, () => {
    assertThrows(() => reconnect(URL, options as ReconnectOptions), error, message);
  });
}

test("reconnect() refuses an URL that can't be used at once, and leaves a function to say it later", () => {
  const error = assertThrows(() => reconnect("ftp://h/"), DOMException);
  assertEquals(error.name, "SyntaxError");
  assert(reconnect(() => "ftp://h/"));
});
