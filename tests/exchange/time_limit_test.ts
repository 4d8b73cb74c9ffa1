import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { ExchangeError } from "../../src/errors/problem.ts";
import { TimeLimit } from "../../src/exchange/time_limit.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { countedSignal } from "../kit/raw_peer.ts";

test("TimeLimit aborts its signal when the time is over, with a failure as the reason", async () => {
  const clock = fakeClock(), { signal } = new TimeLimit(clock, 1000, undefined);
  await clock.advance(999);
  assertEquals(signal.aborted, false);
  await clock.advance(1);
  assertInstanceOf(signal.reason, ExchangeError);
  assertEquals(signal.reason.failure, "handshake-timeout");
});

test("TimeLimit aborts its signal with the caller's, for the same reason", () => {
  const clock = fakeClock(), mine = new Error("mine"), controller = new AbortController();
  const timeLimit = new TimeLimit(clock, 0, controller.signal);
  assertEquals(clock.pending, 0);
  controller.abort(mine);
  assertStrictEquals(timeLimit.signal.reason, mine);
  assertStrictEquals(new TimeLimit(clock, 0, AbortSignal.abort(mine)).signal.reason, mine);
});

test("TimeLimit that is disposed of leaves no timer and no listener, and aborts no more", () => {
  const clock = fakeClock(), { controller, signal, listeners } = countedSignal();
  const timeLimit = new TimeLimit(clock, 1000, signal);
  assertEquals([clock.pending, listeners()], [1, 1]);
  timeLimit.dispose();
  assertEquals([clock.pending, listeners()], [0, 0]);
  controller.abort();
  assertEquals(timeLimit.signal.aborted, false);
});
