// In place of kit/harness.ts inside a Worker: tests wait until a request asks for them.

import type { TestBody, TestNeeds } from "../kit/harness.ts";

export * from "../kit/bytes.ts";

/** The tests, in their order. */
export const tests: (readonly [name: string, fn: TestBody])[] = [];

/** Registers a test. */
export function test(name: string, ...rest: [TestBody] | [TestNeeds, TestBody]): void {
  tests.push([name, rest.at(-1) as TestBody]);
}

/** A program that a test needs: a Worker has none. */
export function program(): undefined {
  return undefined;
}
