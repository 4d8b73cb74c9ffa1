// When the messages of an open loop are due, and what their times say: bench/latency/schedule.ts.

import { assertEquals, assertThrows } from "@std/assert";
import { dueAt, dueUntil, percentile, type Schedule, shares } from "../../bench/latency/schedule.ts";
import { test } from "../kit/harness.ts";

/** A message every 2 ms, in turn on four connections. */
const schedule: Schedule = { connections: 4, rate: 500 };

test("dueAt() gives equal distances, on one connection after the other", () => {
  const times = [0, 1, 2].flatMap((message) => [0, 1, 2, 3].map((connection) => dueAt(schedule, connection, message)));
  assertEquals(times, Array.from({ length: 12 }, (_, i) => 2 * i));
});

test("dueUntil() counts each message from when it is due on", () => {
  for (let i = 0; i < 12; i++) {
    const at = dueAt(schedule, i % 4, Math.floor(i / 4));
    assertEquals(dueUntil(schedule, at), i + 1);
    assertEquals(dueUntil(schedule, at + 1.9), i + 1);
  }
});

test("shares() gives each connection what it owes, and sends nothing twice and nothing too late", () => {
  assertEquals(shares(schedule, 0, 1), [[0, 1]]);
  assertEquals(shares(schedule, 5, 5), []);
  assertEquals(shares(schedule, 6, 5), []);
  assertEquals(shares(schedule, 3, 5), [[3, 1], [0, 1]]);
  assertEquals(shares(schedule, 3, 13), [[3, 3], [0, 3], [1, 2], [2, 2]]);
  for (let sent = 0; sent < 9; sent++) {
    for (let due = sent; due < 20; due++) {
      const owed = [0, 0, 0, 0];
      for (let i = sent; i < due; i++) owed[i % 4]!++;
      const given = [0, 0, 0, 0];
      for (const [connection, count] of shares(schedule, sent, due)) given[connection]! += count;
      assertEquals(given, owed, `from ${sent} to ${due}`);
    }
  }
});

test("percentile() is a time that there was, and the least that so many do not exceed", () => {
  const times = Array.from({ length: 1000 }, (_, i) => i + 1);
  assertEquals([0, 0.5, 0.99, 0.999, 1].map((share) => percentile(times, share)), [1, 500, 990, 999, 1000]);
  assertEquals([0.5, 0.999].map((share) => percentile([7], share)), [7, 7]);
  assertEquals(percentile([1, 2, 3], 0.5), 2);
  assertThrows(() => percentile([], 0.5), RangeError);
});
