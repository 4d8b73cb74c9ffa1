import { assertEquals, assertThrows } from "@std/assert";
import type { ShutdownOptions } from "../../mod.ts";
import { checkShutdown } from "../../src/server/shutdown_options.ts";
import { test } from "../kit/harness.ts";

const DEFAULTS = { closeTimeout: 10_000, retryAfter: 5000 };

test("a server takes closeTimeout to stop, and what it spreads its closes over", () => {
  const base = { closeCode: 1001, reason: "The server stops", retryAfter: 5000 };
  assertEquals(checkShutdown({}, DEFAULTS), { ...base, within: 10_000, spread: 0 });
  assertEquals(checkShutdown({ spread: 3000 }, DEFAULTS), { ...base, within: 13_000, spread: 3000 });
  assertEquals(checkShutdown({ spread: 3000 }, { ...DEFAULTS, closeTimeout: 0 }), { ...base, within: 0, spread: 3000 });
  assertEquals(checkShutdown({ spread: 3000, within: 0 }, DEFAULTS).within, 0);
  assertEquals(checkShutdown({ spread: 3000, within: 3000 }, DEFAULTS).within, 3000);
});

/** Rows: what is wrong, the name of the error, and what it says. */
const WRONG: readonly [options: Record<string, unknown>, name: string, says: string][] = [
  [{ within: -1 }, "RangeError", "within"],
  [{ spread: "5" }, "RangeError", 'spread: it is the string "5"'],
  [{ retryAfter: NaN }, "RangeError", "retryAfter"],
  [{ spread: 5000, within: 4999 }, "RangeError", "which is 4999"],
  [{ closeCode: 1006 }, "InvalidAccessError", "1006"],
  [{ code: 1001 }, "TypeError", "closeCode"],
  [{ reason: 7 }, "TypeError", "reason"],
  [{ reason: "x".repeat(124) }, "SyntaxError", "124 bytes"],
];

test("shutdown() refuses what is no object", () => {
  for (const [options, says] of [[5000, "5000"], [null, "null"], ["fast", 'the string "fast"']] as const) {
    assertThrows(
      () => checkShutdown(options as unknown as ShutdownOptions, DEFAULTS),
      TypeError,
      `is ${says}, and must`,
    );
  }
});

for (const [options, name, says] of WRONG) {
  test(`shutdown() refuses ${Object.keys(options).join(" and ")}: ${says}`, () => {
    const error = assertThrows(() => checkShutdown(options as ShutdownOptions, DEFAULTS), Error, says);
    assertEquals(error.name, name);
  });
}
