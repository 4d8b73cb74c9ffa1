// That a test which leaks, or whose program is missing, does not pass: by Deno's own sanitizers, in children of Deno's. And
// that a rejection which nobody handles does not, which fails a test of Bun and Node whatever it does about it.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { handlingAll, test, text } from "../kit/harness.ts";

const config = join(import.meta.dirname!, "../../deno.json");
const harness = new URL("../kit/harness.ts", import.meta.url).href;

/** Runs `body` as a test of its own, in a child that has this project's settings. */
async function runTest(body: string): Promise<{ success: boolean; output: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const file = join(directory, "canary_test.ts");
    await Deno.writeTextFile(file, body);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--config", config, file],
      env: { NO_COLOR: "1" },
    }).output();
    // Indented, so that a summary of the child, shown by a failed assertion, is not taken for one of this run.
    return { success, output: (text(stdout) + text(stderr)).replace(/^/gm, "  ") };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs `statements` as the body of a test(), made by the harness. */
function runBody(statements: string): Promise<{ success: boolean; output: string }> {
  return runTest(
    `import { test } from ${JSON.stringify(harness)};\ntest("canary", async () => {\n${statements}\n});\n`,
  );
}

test("test() passes a test that leaves nothing behind", async () => {
  const { success, output } = await runBody(`
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1));`);
  assert(success, output);
  assertStringIncludes(output, "1 passed");
});

test("test() fails a test that leaves a listener open", async () => {
  const { success, output } = await runBody(`Deno.listen({ hostname: "127.0.0.1", port: 0 });`);
  assert(!success, output);
  assertStringIncludes(output, "Leaks detected");
  assertStringIncludes(output, "A TCP listener was opened");
  assertStringIncludes(output, "0 passed | 1 failed");
});

test("test() fails a test that leaves a timer running", async () => {
  const { success, output } = await runBody(`setTimeout(() => {}, 60_000);`);
  assert(!success, output);
  assertStringIncludes(output, "Leaks detected");
  assertStringIncludes(output, "A timer was started");
  assertStringIncludes(output, "0 passed | 1 failed");
});

test("test() fails a test that leaves an operation pending", async () => {
  const { success, output } = await runBody(`
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    listener.accept().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 1));`);
  assert(!success, output);
  assertStringIncludes(output, "An async operation to accept a TCP stream was started");
});

test("test() ignores a test whose program is missing, and says so twice", async () => {
  const { output } = await runTest(`
    import { test } from ${JSON.stringify(harness)};
    test("first", { needs: "no-such-program" }, () => { throw new Error("It ran"); });
    test("second", { needs: ["deno-or-not", "no-such-program"] }, () => { throw new Error("It ran"); });`);
  const line = "first (skipped: needs no-such-program)";
  assertEquals(output.split(line).length - 1, 2, output);
  assertStringIncludes(output, `${line} ... ignored`);
  assertStringIncludes(output, "second (skipped: needs deno-or-not, no-such-program) ... ignored");
  assertStringIncludes(output, "0 passed | 0 failed | 2 ignored");
});

test("test() runs a test whose programs are all there", async () => {
  const { success, output } = await runTest(`
    import { test } from ${JSON.stringify(harness)};
    import { basename, delimiter, dirname } from "node:path";
    import process from "node:process";
    process.env.PATH = dirname(Deno.execPath()) + delimiter + process.env.PATH;
    test("canary", { needs: basename(Deno.execPath()) }, () => {});`);
  assert(success, output);
  assertStringIncludes(output, "1 passed");
});

test("handlingAll() fails for a rejection that nobody handles", async () => {
  const unhandled = new Error("unhandled");
  const error = await assertRejects(
    () => handlingAll(() => Promise.resolve(void Promise.reject(unhandled))),
    AggregateError,
    "Nobody has handled: Error: unhandled",
  );
  assert(error.errors[0] === unhandled);
});
