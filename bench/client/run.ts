// The class WebSocket as a client beside the runtime's own, and beside undici's: echoes for each second of the client's CPU
// time, and the ratios. The client runs on a core of its own; the classes take turns.
//
//   deno run -A bench/client/run.ts          all: about five minutes
//   ROUNDS=1 SECONDS=1 deno run -A bench/client/run.ts

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntimes } from "../../tests/kit/runtimes.ts";
import { pinned, startServer } from "../processes.ts";

/** What is measured, and how many times as much as another class is wanted of ours. */
const WORKLOADS = [
  { name: "20 B × 16", size: 20, depth: 16, wanted: { deno: 3, bun: 5, node: 5 } },
  { name: "1 KiB", size: 1024, depth: 1, wanted: { deno: 1, bun: 1, node: 1 } },
] as const;
const CONNECTIONS = 32;

const rounds = Number(process.env.ROUNDS ?? 5), seconds = Number(process.env.SECONDS ?? 3);
const path = (file: string) => fileURLToPath(new URL(file, import.meta.url).href);
const runtimes = findRuntimes(), ARGUMENTS = { deno: ["run", "-A", "--no-check"], bun: [], node: [] };

/** Echoes for each second of CPU time. */
async function measure(command: readonly string[], args: readonly (string | number)[]): Promise<number> {
  const [file, ...rest] = pinned(1, [...command, path("load.ts"), ...args.map(String)]);
  const child = spawn(file!, rest, { stdio: ["ignore", "pipe", "ignore"] }), closed = once(child, "close");
  let output = "";
  for await (const chunk of child.stdout!.setEncoding("utf8")) output += chunk;
  await closed;
  const { count, cpu } = JSON.parse(output) as { count: number; cpu: number };
  return count / cpu;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const thousands = (value: number) => `${Math.round(value / 1000)}k`.padStart(7);

const [server] = [runtimes.bun ?? runtimes.deno!];
await using echo = await startServer("serve()", [...server, ...runtimes.bun ? [] : ARGUMENTS.deno, path("server.ts")]);
for (const { name, size, depth, wanted } of WORKLOADS) {
  for (const kind of ["text", "binary"]) {
    for (const runtime of ["deno", "bun", "node"] as const) {
      const found = runtimes[runtime];
      if (!found) continue;
      const command = [...found, ...ARGUMENTS[runtime]], theirs = runtime === "node" ? ["own", "undici"] : ["own"];
      const results: Record<string, number[]> = {};
      for (let round = 0; round < rounds; round++) {
        for (const one of ["ours", ...theirs]) {
          const args = [one, echo.port, size, depth, CONNECTIONS, seconds, kind];
          (results[one] ??= []).push(await measure(command, args));
        }
      }
      const ours = median(results.ours!);
      for (const one of theirs) {
        const other = median(results[one]!), ratio = ours / other;
        const line = [
          name.padEnd(9),
          kind.padEnd(6),
          runtime.padEnd(4),
          `ours ${thousands(ours)}`,
          `${one} ${thousands(other)}`,
        ];
        console.log(`${line.join("  ")}  × ${ratio.toFixed(2)}, wanted ${wanted[runtime]}`);
      }
    }
  }
}
