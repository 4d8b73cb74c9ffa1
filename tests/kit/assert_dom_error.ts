// Errors of the web's own kind are told apart by their name.

import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";

/** Asserts that a function throws a `DOMException` of this name. */
export function assertDomError(fn: () => unknown, name: string): void {
  assertEquals(assertThrows(fn, DOMException).name, name);
}

/** Asserts that a promise rejects with a `DOMException` of this name, and of no other class. */
export async function assertRejectsDom(promise: Promise<unknown>, name: string): Promise<DOMException> {
  const error = await assertRejects(() => promise, DOMException);
  assertInstanceOf(error, DOMException);
  assertEquals([error.name, error.constructor], [name, DOMException]);
  return error;
}
