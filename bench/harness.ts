// What the benches stand on: ways to do the same thing, timed beside each other. On Deno they are registered with
// `deno bench`; on Bun and Node a file times its own as it runs, by `mitata`, which times batches: what is to be timed
// takes nanoseconds, less than a look at the clock.

import { assertEquals } from "@std/assert";

/** A way to do it; what it returns is checked once, before anything is timed. */
export type Contender = () => unknown;

/** A contender as a runtime is given it: what it returns is kept, so that nothing is optimised away. */
type Timed = (() => void) | (() => Promise<void>);

/** Keeps the last result reachable. */
export let kept: unknown;

/** Compares contenders by name, all of which must give what is expected; the first is the baseline of the others. */
export async function compare(group: string, expected: unknown, contenders: Record<string, Contender>): Promise<void> {
  const timed: [name: string, run: Timed][] = [];
  for (const [name, fn] of Object.entries(contenders)) {
    const first = fn();
    assertEquals(await first, expected, `${group}: ${name}`);
    const isAsync = first instanceof Promise;
    timed.push([name, isAsync ? async () => void (kept = await fn()) : () => void (kept = fn())]);
  }
  await (("Deno" in globalThis) ? register(group, timed) : print(group, timed));
}

function register(group: string, timed: readonly [string, Timed][]): void {
  for (const [i, [name, fn]] of timed.entries()) Deno.bench({ group, baseline: i === 0, name, fn });
}

/** Each contender has its turn so often, for so many nanoseconds: what disturbs one of them disturbs the others too. */
const ROUNDS = 3, TIME = 100e6;

async function print(group: string, timed: readonly [string, Timed][]): Promise<void> {
  const { measure } = await import("mitata");
  const best = timed.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [, fn]] of timed.entries()) {
      const { p50 } = await measure(fn, { min_cpu_time: TIME });
      best[i] = Math.min(best[i]!, p50);
    }
  }
  console.log(group);
  for (const [i, [name]] of timed.entries()) {
    const ratio = best[i]! / best[0]!;
    console.log(`  ${name.padEnd(36)} ${best[i]!.toFixed(1).padStart(10)} ns ${ratio.toFixed(2).padStart(8)} ×`);
  }
}
