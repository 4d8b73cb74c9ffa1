// Stands in for jsr:@std/assert where JSR is out of reach: the package's types over the same functions from npm.
// The types are no laxer than the package's, so that what checks here checks against the package too.

import * as functions from "deno-std/assert/mod.js";

// They come without types, of which a compiler that looks into JavaScript would see some
// deno-lint-ignore no-explicit-any
const std = functions as Record<string, any>;

// deno-lint-ignore no-explicit-any
type ErrorConstructorOf<E extends Error> = abstract new (...args: any[]) => E;
type ArrayLikeArg<T> = ArrayLike<T> & object;
type Falsy = false | 0 | 0n | "" | null | undefined;

interface AssertThrows {
  (fn: () => unknown, msg?: string): unknown;
  <E extends Error = Error>(
    fn: () => unknown,
    ErrorClass: ErrorConstructorOf<E>,
    msgIncludes?: string,
    msg?: string,
  ): E;
}

interface AssertRejects {
  (fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
  <E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    ErrorClass: ErrorConstructorOf<E>,
    msgIncludes?: string,
    msg?: string,
  ): Promise<E>;
}

export type AssertionError = Error;
export const AssertionError: new (message: string, options?: ErrorOptions) => AssertionError = std.AssertionError;

export const assert: (expr: unknown, msg?: string) => asserts expr = std.assert;
export const assertAlmostEquals: (actual: number, expected: number, tolerance?: number, msg?: string) => void =
  std.assertAlmostEquals;
export const assertArrayIncludes: <T>(actual: ArrayLikeArg<T>, expected: ArrayLikeArg<T>, msg?: string) => void =
  std.assertArrayIncludes;
export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = std.assertEquals;
export const assertExists: <T>(actual: T, msg?: string) => asserts actual is NonNullable<T> = std.assertExists;
export const assertFalse: (expr: unknown, msg?: string) => asserts expr is Falsy = std.assertFalse;
export const assertGreater: <T>(actual: T, expected: T, msg?: string) => void = std.assertGreater;
export const assertGreaterOrEqual: <T>(actual: T, expected: T, msg?: string) => void = std.assertGreaterOrEqual;
export const assertInstanceOf: <T extends abstract new (...args: never[]) => unknown>(
  actual: unknown,
  expectedType: T,
  msg?: string,
) => asserts actual is InstanceType<T> = std.assertInstanceOf;
export const assertIsError: <E extends Error = Error>(
  error: unknown,
  ErrorClass?: ErrorConstructorOf<E>,
  msgMatches?: string | RegExp,
  msg?: string,
) => asserts error is E = std.assertIsError;
export const assertLess: <T>(actual: T, expected: T, msg?: string) => void = std.assertLess;
export const assertLessOrEqual: <T>(actual: T, expected: T, msg?: string) => void = std.assertLessOrEqual;
export const assertMatch: (actual: string, expected: RegExp, msg?: string) => void = std.assertMatch;
export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void = std.assertNotEquals;
export const assertNotInstanceOf: <A, T>(
  actual: A,
  // deno-lint-ignore no-explicit-any
  unexpectedType: abstract new (...args: any[]) => T,
  msg?: string,
) => asserts actual is Exclude<A, T> = std.assertNotInstanceOf;
export const assertNotMatch: (actual: string, expected: RegExp, msg?: string) => void = std.assertNotMatch;
export const assertNotStrictEquals: <T>(actual: T, expected: T, msg?: string) => void = std.assertNotStrictEquals;
export const assertObjectMatch: (
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
) => void = std.assertObjectMatch;
export const assertRejects: AssertRejects = std.assertRejects;
export const assertStrictEquals: <T>(actual: unknown, expected: T, msg?: string) => asserts actual is T =
  std.assertStrictEquals;
export const assertStringIncludes: (actual: string, expected: string, msg?: string) => void = std.assertStringIncludes;
export const assertThrows: AssertThrows = std.assertThrows;
export const equal: (a: unknown, b: unknown) => boolean = std.equal;
export const fail: (msg?: string) => never = std.fail;
export const unimplemented: (msg?: string) => never = std.unimplemented;
export const unreachable: (msg?: string) => never = std.unreachable;
