// What members that do not read cost: how much the server's memory grows meanwhile, and whether the others get everything.
//
//   deno run -A bench/fan_out/slow.ts
//
// starts a server on each runtime, with 900 members that read and 100 that don't, and sends 1 KiB to all of them, for some
// seconds with each policy. The load runs under Bun, which this file starts with itself.

import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntimes } from "../../tests/kit/runtimes.ts";
import { table } from "../peers/results.ts";
import { execute } from "../peers/compile.ts";
import { servers } from "../peers/servers.ts";
import { pinned, startServer } from "../processes.ts";
import { residentMemory } from "../usage.ts";
import { runFanOut } from "./load.ts";

const POLICIES = ["skip", "drop-oldest", "close"], DEAF = 100, SECONDS = 4;

if ("Bun" in globalThis) {
  const [port, pid, slow] = process.argv.slice(2), megabytes = () => residentMemory(Number(pid)) / 2 ** 20;
  let before = 0;
  const job = { kind: "fan-out", port: Number(port), pid: Number(pid), members: 900, size: 1024, burst: 1 } as const;
  const settings = { depth: 4, isCompressed: false, deaf: DEAF, slow: slow!, warmUp: SECONDS, seconds: SECONDS };
  // Throws when a member that reads misses a message, or gets one twice
  const { count } = await runFanOut({ ...job, ...settings }, () => before = megabytes());
  console.log(JSON.stringify({ count, before, after: megabytes() }));
  process.exit(0);
}

const runtimes = findRuntimes(), rows: string[][] = [];
for (const { name, command, service, kind } of await servers(runtimes)) {
  if (service !== "fan-out" || kind !== "direct") continue;
  for (const slow of POLICIES) {
    await using server = await startServer(name, command(0));
    const load = [...runtimes.bun!, fileURLToPath(import.meta.url), `${server.port}`, `${server.pid}`, slow];
    const { count, before, after } = JSON.parse(await execute(pinned(1, load)));
    rows.push([name, slow, `${count}`, `${before.toFixed(0)} MiB`, `${after.toFixed(0)} MiB`]);
  }
}
console.log(
  table(["server", "slow", "delivered to the others", `after ${SECONDS} s`, `after ${2 * SECONDS} s`], rows, 2),
);
