// The examples in a file's documentation, run on the runtime that runs this: `deno test --doc` knows only Deno.

import { assert } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { test } from "./harness.ts";

const root = fileURLToPath(new URL("..", import.meta.url).href);

/** An example's title, and its program. */
type Example = readonly [title: string, code: string];

/** The examples of a file, in their order. */
export function examplesOf(file: string): Example[] {
  const found = readFileSync(join(root, file), "utf8").matchAll(
    /^ \* @example (.+)\n \* ```ts.*\n((?: \*.*\n)*?) \* ```$/gm,
  );
  return [...found].map(([, title, code]) => [title!, code!.replace(/^ \* ?/gm, "")]);
}

/** Registers a test for each example of a file; it imports the package by its own name, as a user does. */
export function runExamples(file: string): void {
  const examples = examplesOf(file);
  test(`there are examples in ${file}`, () => assert(examples.length > 2));
  for (const [index, [title, code]] of examples.entries()) {
    test(`example ${index + 1} of ${file} runs: ${title}`, async () => {
      const directory = mkdtempSync(join(root, "tests", ".example-")), program = join(directory, "example.ts");
      try {
        writeFileSync(program, code);
        await import(pathToFileURL(program).href);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }
}
