import { assertEquals, assertThrows } from "@std/assert";
import { checkBoolean, checkNumber, checkTime } from "../../src/base/options.ts";
import { test } from "../kit/harness.ts";

test("checkNumber() gives the default, takes integers from the least on, and refuses the rest", () => {
  assertEquals(checkNumber("limit", undefined, 7), 7);
  assertEquals(checkNumber("limit", 0, 7), 0);
  assertEquals(checkNumber("limit", 1, 7, 1), 1);
  assertEquals(checkNumber("limit", Number.MAX_SAFE_INTEGER, 7), Number.MAX_SAFE_INTEGER);
  for (const value of [-1, 0.5, NaN, -Infinity, "5", null, 5n]) {
    assertThrows(() => checkNumber("limit", value as number, 7), RangeError, "limit");
  }
  assertThrows(() => checkNumber("limit", 0, 7, 1), RangeError, "1");
});

test("checkBoolean() gives the default, takes true and false, and refuses the rest", () => {
  assertEquals([undefined, true, false].map((value) => checkBoolean("flag", value, true)), [true, true, false]);
  for (const value of [1, 0, "yes", "", null, {}]) {
    assertThrows(() => checkBoolean("flag", value as boolean, true), TypeError, "flag");
  }
});

test("checkTime() gives the default, takes what timers can be, and refuses the rest", () => {
  assertEquals(checkTime("timeout", undefined, 7), 7);
  for (const value of [0, 0.5, 1000, 2 ** 31 - 1]) assertEquals(checkTime("timeout", value, 7), value);
  for (const value of [-1, NaN, Infinity, 2 ** 31, "5", null]) {
    assertThrows(() => checkTime("timeout", value as number, 7), RangeError, "timeout");
  }
});
