// What console.log() prints of a value, on whichever runtime runs the tests.

import { inspect } from "node:util";

/** What `console.log(value)` prints, without colors. */
export function shown(value: unknown): string {
  const { Bun } = globalThis as { Bun?: { inspect(value: unknown): string } };
  return "Deno" in globalThis ? Deno.inspect(value) : Bun ? Bun.inspect(value) : inspect(value);
}
