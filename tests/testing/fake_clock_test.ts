import { assertEquals } from "@std/assert";
import { digest } from "../../src/base/digest.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";

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

test("fakeClock().jump() is at its end at once: timers fire late, in their order, those that they set too", async () => {
  const clock = fakeClock(), log: string[] = [];
  const note = (name: string) => () => log.push(`${name} at ${clock.now()}`);
  clock.setTimeout(note("b"), 20);
  clock.setTimeout(() => {
    note("a")();
    clock.setTimeout(note("late"), -1);
    clock.setTimeout(note("next"), 50);
  }, 10);
  const jump = clock.jump(100);
  assertEquals([clock.now(), log], [100, ["a at 100", "b at 100", "late at 100"]]);
  await jump;
  assertEquals([log.length, clock.pending], [3, 1]);
  await clock.advance(50);
  assertEquals(log.at(-1), "next at 150");
});

test("fakeClock() waits for digests before the next timer fires, but not for ever for those of others", async () => {
  const clock = fakeClock(), log: string[] = [], large = new Uint8Array(2 ** 20);
  clock.setTimeout(async () => {
    for (let count = 0; count < 8; count++) await digest("SHA-256", large);
    log.push("digests");
  }, 10);
  clock.setTimeout(() => log.push("timer"), 20);
  await clock.advance(20);
  assertEquals(log, ["digests", "timer"]);

  let isOver = false;
  const others = (async () => {
    while (!isOver) await digest("SHA-1", large);
  })();
  clock.setTimeout(() => log.push("another"), 10);
  const late = setTimeout(() => isOver = true, 20_000);
  await clock.advance(10);
  assertEquals([log.at(-1), isOver], ["another", false]);
  clearTimeout(late);
  isOver = true;
  await others;
});
