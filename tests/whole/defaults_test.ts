// The documentation says the defaults that are in force: each `@default` of a number is that of the table.

import { assert, assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULTS } from "../../src/base/options.ts";
import { test } from "../kit/harness.ts";

const src = join(import.meta.dirname!, "../../src");

/** Options whose default is a number, as the doc comments in src/ say it. */
function* documented(): Generator<[name: string, value: number]> {
  for (const file of readdirSync(src, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const text = readFileSync(join(src, file), "utf8");
    for (const [, value, name] of text.matchAll(/@default \{(\d+|Infinity)\}\s+\*\/\s+(\w+)\?:/g)) {
      yield [name!, Number(value)];
    }
  }
}

test("every default of the table is documented, and every documented one is that of the table", () => {
  const defaults: Readonly<Record<string, number>> = DEFAULTS, found = new Set<string>();
  for (const [name, value] of documented()) {
    if (!(name in defaults)) continue;
    assertEquals(value, defaults[name], name);
    found.add(name);
  }
  assertEquals([...found].sort(), Object.keys(defaults).sort());
  assert(found.size > 10);
});
