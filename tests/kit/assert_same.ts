// Compares many bytes: assertEquals() would take minutes over megabytes.

import { assert } from "@std/assert";

/** Like assertEquals(), for bytes that are many. */
export function assertSame(actual: Uint8Array | undefined, expected: Uint8Array, what: string) {
  assert(actual?.length === expected.length, `${what}: ${actual?.length} bytes for ${expected.length}`);
  assert(actual.every((byte, i) => byte === expected[i]), what);
}
