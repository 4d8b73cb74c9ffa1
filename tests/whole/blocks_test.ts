// The programs in the pages of the documentation, on every runtime. Those for one runtime alone are run by `deno test --doc`
// and by the test of the entry for Bun; those that stay up, by tests/whole/npm_test.ts.

import { assert } from "@std/assert";
import { blocksOfPages, run } from "../kit/examples.ts";
import { test } from "../kit/harness.ts";

/** What a program has in it that is for one runtime alone. */
const ONE_RUNTIME = /\bDeno\.|"@handfast\/websocket\/(?:bun|node)"/;

const everywhere = blocksOfPages().filter(([, code]) => !ONE_RUNTIME.test(code));

test("there are programs in the pages", () => assert(everywhere.length > 15, `${everywhere.length}`));

for (const [index, [where, code]] of everywhere.entries()) {
  test(`program ${index + 1} of the pages runs: ${where}`, () => run(code));
}
