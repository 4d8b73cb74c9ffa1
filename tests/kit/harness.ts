// What the tests stand on: test() for whichever runtime runs them, everySplit() for whatever reads bytes in chunks,
// short ways to write bytes down, and numbers that are random but come again.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

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

/** Up to here every position is cut at; beyond it, a sample. */
const EVERY_POSITION = 2048;
const SAMPLED_POSITIONS = 64;

/**
 * Runs `run` with `bytes` whole, byte by byte, and in two at each position up to 2 KiB and at sampled ones beyond.
 * Each chunk is a copy of its own; a failure tells the split it happened at, and has the first error as its cause.
 */
export async function everySplit(
  bytes: Uint8Array,
  run: (chunks: Uint8Array<ArrayBuffer>[]) => void | Promise<void>,
): Promise<void> {
  const attempt = async (split: string, chunks: Uint8Array<ArrayBuffer>[]) => {
    try {
      await run(chunks);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Failed with ${bytes.length} bytes ${split}: ${message}`, { cause });
    }
  };
  await attempt("whole", [bytes.slice()]);
  await attempt("byte by byte", Array.from(bytes, (byte) => Uint8Array.of(byte)));
  for (const at of cuts(bytes.length)) await attempt(`cut at ${at}`, [bytes.slice(0, at), bytes.slice(at)]);
}

/** The positions to cut at, in order: each inside, so that no part is empty. */
function cuts(length: number): number[] {
  const at = new Set<number>();
  for (let i = 1; i < length && i <= EVERY_POSITION; i++) at.add(i);
  const beyond = length - 1 - EVERY_POSITION;
  if (beyond > 0) {
    const next = random(length);
    for (let i = 0; i < SAMPLED_POSITIONS; i++) at.add(EVERY_POSITION + 1 + next() % beyond);
    at.add(length - 1);
  }
  return [...at].sort((a, b) => a - b);
}

/** The bytes of a string whose characters are all at most U+00FF. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0)!;
    if (code > 0xff) throw new RangeError(`Cannot write as latin-1: ${JSON.stringify(character)}`);
    return code;
  });
}

/** The latin-1 string of bytes: a character for each. */
export function text(bytes: Uint8Array): string {
  let result = "";
  // An argument for each byte: in slices, because a call takes only so many.
  for (let i = 0; i < bytes.length; i += 8192) result += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return result;
}

/** All parts in one array of its own. */
export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of hexadecimal digits in pairs, with white space anywhere between pairs: `hex("81 05 48656c6c6f")`. */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  if (!/^\s*(?:[0-9a-f]{2}\s*)*$/i.test(digits)) {
    throw new SyntaxError(`Cannot read as pairs of hex digits: "${digits}"`);
  }
  return Uint8Array.from(digits.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
}

/** A source of 32-bit unsigned integers, the same ones for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return (mixed ^ mixed >>> 14) >>> 0;
  };
}
