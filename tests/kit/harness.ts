// What the tests stand on: test() for whichever runtime runs them, and the ways with bytes.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export * from "./bytes.ts";

/** What a test needs beside the runtime. */
export interface TestNeeds {
  /** The program, or programs, it cannot run without, by their names on PATH. */
  readonly needs?: string | readonly string[];
  /** What else is not here, in words such as `needs …`. */
  readonly lacks?: string | undefined;
}

/** The body of a test. */
export type TestBody = () => void | Promise<void>;

/** Registers a test; where a program it needs is missing, the test is ignored, and its name and a line say so. */
export function test(name: string, fn: TestBody): void;
export function test(name: string, options: TestNeeds, fn: TestBody): void;
export function test(name: string, ...rest: [TestBody] | [TestNeeds, TestBody]): void {
  name = printable(name);
  const [{ needs = [], lacks }, fn] = rest.length === 1 ? [{}, rest[0]] : rest;
  const missing = [needs].flat().filter((need) => program(need) === undefined);
  const reason = lacks ?? (missing.length === 0 ? undefined : `needs ${missing.join(", ")}`);
  if (reason === undefined) return register(name, fn, false);
  const skipped = `${name} (skipped: ${reason})`;
  console.log(skipped);
  register(skipped, fn, true);
}

/** Reporters print control characters in ways of their own, and the same test must have the same name everywhere. */
function printable(name: string): string {
  return name.replace(/\p{Cc}/gu, (char) => "\\x" + char.charCodeAt(0).toString(16).padStart(2, "0"));
}

/** Registers one test with the runtime. */
type Register = (name: string, fn: TestBody, ignore: boolean) => void;

/** What `bun:test` and `node:test` have in common. */
interface TestModule {
  readonly test: ((name: string, fn: TestBody) => void) & { skip(name: string, fn: TestBody): void };
}

/** The one place that knows the runtime's own test function: on Deno its leak sanitizers see no other. */
const register: Register = "Deno" in globalThis
  ? (name, fn, ignore) => Deno.test({ name, ignore, fn: () => patiently(fn) })
  : await registerWith("Bun" in globalThis ? "bun:test" : "node:test");

async function registerWith(specifier: string): Promise<Register> {
  const { test }: TestModule = await import(specifier);
  return (name, fn, ignore) => void (ignore ? test.skip : test)(name, () => patiently(fn));
}

/** How long a test may take: a minute or two is for one that hangs, which would hold up all others. */
const PATIENCE = 120_000;

async function patiently(fn: TestBody): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`It still runs after ${PATIENCE} ms`)), PATIENCE);
  try {
    await Promise.race([fn(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs, and fails when a promise is rejected meanwhile that nobody handles. */
export async function handlingAll(run: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", listener);
  try {
    await run();
    await new Promise((resolve) => setTimeout(resolve, 0)); // it is told at the end of a turn
  } finally {
    process.off("unhandledRejection", listener);
  }
  if (unhandled.length > 0) throw new AggregateError(unhandled, `Nobody has handled: ${unhandled.join(", ")}`);
}

/** Collects garbage, all of it. */
export function collectGarbage(): void {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (Bun) return Bun.gc(true);
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** The path of a program on PATH, or `undefined`. */
export function program(name: string, directories = process.env.PATH ?? ""): string | undefined {
  for (const directory of directories.split(delimiter)) {
    if (directory === "") continue;
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this directory, or not for us to run.
    }
  }
  return undefined;
}
