// Files that are written are formatted as all others are, so that they can be kept.

import { findRuntimes } from "../../tests/kit/runtimes.ts";
import { execute } from "./compile.ts";

/** Formats them, where there is Deno. */
export async function format(files: readonly string[]): Promise<void> {
  const { deno } = findRuntimes();
  if (deno) await execute([...deno, "fmt", "-q", ...files]);
}
