import { assertEquals } from "@std/assert";
import { nextTurn, systemClock } from "../../src/base/clock.ts";
import { test } from "../kit/harness.ts";

test("systemClock only grows, and forgets timers", () => {
  const now = systemClock.now();
  systemClock.clearTimeout(systemClock.setTimeout(() => {
    throw new Error("It fired");
  }, 0));
  if (systemClock.now() < now) throw new Error("It went back");
});

test("nextTurn() comes after all promises that are settled by then", async () => {
  const order: string[] = [];
  const turn = new Promise<void>((resolve) =>
    nextTurn(() => {
      order.push("turn");
      resolve();
    })
  );
  (async () => {
    for (let i = 0; i < 100; i++) await null;
    order.push("promises");
  })();
  await turn;
  assertEquals(order, ["promises", "turn"]);
});
