// The examples in a file's documentation, run on the runtime that runs this: `deno test --doc` knows only Deno.

import { assert } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { test } from "./harness.ts";

const root = fileURLToPath(new URL("../..", import.meta.url).href);

/** An example's title, and its program. */
type Example = readonly [title: string, code: string];

/** The examples in a file's JSDoc, in their order. */
function examplesOf(file: string): Example[] {
  const found = readFileSync(join(root, file), "utf8").matchAll(
    /^ \* @example (.+)\n \* ```ts.*\n((?: \*.*\n)*?) \* ```$/gm,
  );
  return [...found].map(([, title, code]) => [title!, code!.replace(/^ \* ?/gm, "")]);
}

/** The blocks of the README that import an entry. */
function blocksOf(entry: string): Example[] {
  const found = readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ts.*\n([^]*?)^```$/gm);
  return [...found].filter(([, code]) => code!.includes(`"${entry}"`)).map(([, code]) => ["in the README", code!]);
}

/** Registers a test for each example of an entry, in its files and in the README; it imports the package by its own name. */
export function runExamples(files: readonly string[], entry: string): void {
  const examples = [...files.flatMap(examplesOf), ...blocksOf(entry)];
  test(`there are examples of ${entry}`, () => assert(examples.length > 3));
  for (const [index, [title, code]] of examples.entries()) {
    test(`example ${index + 1} of ${entry} runs: ${title}`, async () => {
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
