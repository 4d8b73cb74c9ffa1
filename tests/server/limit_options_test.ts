import { assertEquals, assertStringIncludes } from "@std/assert";
import { serve, type ServeOptions } from "../../mod.ts";
import { checkLimits } from "../../src/server/limit_options.ts";
import { test } from "../kit/harness.ts";

/** Rows: what is wrong, the class of the error, and what it says. */
const WRONG: readonly [options: Record<string, unknown>, error: ErrorConstructor, says: string][] = [
  [{ maxConnections: 0 }, RangeError, "maxConnections: it is 0"],
  [{ maxConnections: "9" }, RangeError, 'maxConnections: it is the string "9"'],
  [{ maxPendingHandshakes: -1 }, RangeError, "maxPendingHandshakes"],
  [{ maxConnectionsPerAddress: 1.5 }, RangeError, "maxConnectionsPerAddress"],
  [{ maxConnectionsPerMinute: NaN }, RangeError, "maxConnectionsPerMinute"],
  [{ retryAfter: -1 }, RangeError, "retryAfter"],
  [{ limitBy: "x-forwarded-for", maxConnectionsPerMinute: 1 }, TypeError, 'limitBy: it is "x-forwarded-for"'],
  [{ limitBy: () => "" }, TypeError, "neither is set"],
  [{ unix: "/s", maxConnectionsPerAddress: 1 }, TypeError, "maxConnectionsPerAddress: a Unix socket"],
  [{ unix: "/s", maxConnectionsPerMinute: 1 }, TypeError, "give limitBy as well"],
];

for (const [options, error, says] of WRONG) {
  test(`serve() refuses ${Object.keys(options).join(" and ")}: ${says}`, async () => {
    const failed: Error = await serve(options as ServeOptions, () => {}).then(() => new Error("It serves"), (e) => e);
    assertEquals([failed.name, failed instanceof error], [error.name, true]);
    assertStringIncludes(failed.message, says);
  });
}

test("there are no limits unless they are given, and a Unix socket may have those that count no addresses", () => {
  const { limitBy, retryAfter, ...limits } = checkLimits({}, false);
  assertEquals([limitBy, retryAfter, new Set(Object.values(limits))], [undefined, 5000, new Set([Infinity])]);
  assertEquals(
    checkLimits({ maxConnections: 5, maxConnectionsPerMinute: 6, limitBy: () => "a" }, false).maxConnections,
    5,
  );
});
