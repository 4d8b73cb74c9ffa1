// The examples in a file's documentation, and the blocks of the pages, run on the runtime that runs this: `deno test --doc`
// knows only Deno.

import { assert } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { blocksOf, PAGES } from "../../docs/make/pages.ts";
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

/** The blocks of the pages that run by themselves, by the page. */
export function blocksOfPages(): Example[] {
  return ["../README.md", ...PAGES].flatMap((page) => {
    const blocks = blocksOf(readFileSync(join(root, "docs", page), "utf8"));
    return blocks.filter(({ language, words }) => language === "ts" && !words.some((word) => word.endsWith(".ts")))
      .map(({ code }): Example => [`in ${page.replace(/^\.\.\//, "")}`, code]);
  });
}

/** Registers a test for each example of an entry, in its files and in the pages; it imports the package by its own name. */
export function runExamples(files: readonly string[], entry: string): void {
  const own = blocksOfPages().filter(([, code]) => code.includes(`"${entry}"`));
  const examples = [...files.flatMap(examplesOf), ...own];
  test(`there are examples of ${entry}`, () => assert(examples.length > 3));
  for (const [index, [title, code]] of examples.entries()) {
    test(`example ${index + 1} of ${entry} runs: ${title}`, () => run(code));
  }
}

/** Runs a program that ends by itself, in a folder from which the package has its own name. */
export async function run(code: string): Promise<void> {
  const directory = mkdtempSync(join(root, "tests", ".example-")), program = join(directory, "example.ts");
  try {
    writeFileSync(program, code);
    await import(pathToFileURL(program).href);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
