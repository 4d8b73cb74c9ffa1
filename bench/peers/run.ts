// Ours beside its peers, each in a process of its own on a core of its own, all under the same load: see bench/README.md.
// The environment shortens it: ROUNDS, DURATION, WARMUP, FIRST, MEMORY_ROUNDS, IDLE; and the regular expressions ONLY and
// WORKLOADS, which say which servers and workloads there are.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntimes, NEXT_NODE, nodeOf } from "../../tests/kit/runtimes.ts";
import { CLIENT_WORKLOADS, clients, runClients } from "./clients.ts";
import { execute } from "./compile.ts";
import { format } from "./format.ts";
import type { Failed } from "./jobs.ts";
import type { Result } from "./load.ts";
import { startLoader } from "./loader.ts";
import { type Cell, cellsOf, page, type Results, resultTable } from "./results.ts";
import { Rounds } from "./rounds.ts";
import { type Peer, servers, takesPart } from "./servers.ts";
import { perCpuSecond, type Workload, workloads } from "./workloads.ts";

const { env } = process;
const settings = {
  rounds: Number(env.ROUNDS ?? 3),
  first: Number(env.FIRST ?? 0.4),
  warmUp: Number(env.WARMUP ?? 0.1),
  seconds: Number(env.DURATION ?? 0.35),
  memoryRounds: Number(env.MEMORY_ROUNDS ?? 1),
  idle: Number(env.IDLE ?? 10_000),
};
const runtimes = findRuntimes();
if (!runtimes.bun) throw new Error("Bun is needed: the load runs on it");
const matches = (pattern: string | undefined, name: string) => new RegExp(pattern ?? "", "i").test(name);
const rows = workloads(settings.idle).filter(({ name }) => matches(env.WORKLOADS, name));
const clientRows = CLIENT_WORKLOADS.filter(({ name }) => matches(env.WORKLOADS, name));
const peers = (await servers(runtimes)).filter((peer) => {
  return matches(env.ONLY, peer.name) && rows.some((row) => takesPart(peer, row));
});
const clientPeers = clientRows.length > 0 ? clients(runtimes).filter(({ name }) => matches(env.ONLY, name)) : [];

const cells: Cell[] = [
  ...rows.flatMap((row) => cellsOf(row, peers.filter((peer) => takesPart(peer, row)))),
  ...clientRows.flatMap((row) => cellsOf({ ...row, unit: "messages" }, clientPeers)),
];
if (cells.length === 0) throw new Error("There is nothing to measure: ONLY and WORKLOADS match no server and workload");
const started = Date.now();
await using loader = startLoader(runtimes.bun);
const rounds = new Rounds(loader, settings, record, tell);
await rounds.measureAll(peers, rows);
if (clientPeers.length > 0) {
  await runClients(runtimes.bun, clientPeers, clientRows, settings, record);
  tell("Clients");
}
await rounds.measureMemory(peers, rows);

console.log(resultTable({ cells }));
await keep({
  date: new Date(started).toISOString(),
  machine: /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown",
  cores: cpus().length,
  versions: await versions(),
  settings,
  disturbance: rounds.disturbance,
  rates: rounds.rates,
  cells: cells.filter(({ figures }) => figures.length > 0),
});
tell("Done");

function tell(what: string): void {
  console.error(`${what}, after ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Adds the figures of a round to the cells of a server, or client, at a workload. */
function record(
  { name, runtime, kind }: Pick<Peer, "name" | "runtime" | "kind">,
  workload: Pick<Workload, "name" | "figuresOf">,
  result: Result | Failed,
): void {
  if ("error" in result) {
    console.error(`${name} at ${workload.name}: ${result.error}`);
    process.exitCode = 1;
    return;
  }
  const own = cells.filter((cell) => cell.of === workload.name && cell.runtime === runtime && cell.kind === kind);
  for (const [i, figure] of (workload.figuresOf ?? perCpuSecond)(result).entries()) own[i]!.figures.push(figure);
}

async function versions(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const { bun, deno, node } = runtimes;
  for (const [name, command] of Object.entries({ Bun: bun, Deno: deno, Node: node, "Node 26": nodeOf(NEXT_NODE) })) {
    if (command) found[name] = /\d+\.\d+\.\d+/.exec(await execute([...command, "--version"]))?.[0] ?? "unknown";
  }
  for (const name of ["ws", "undici"]) {
    const file = fileURLToPath(new URL(`../../node_modules/${name}/package.json`, import.meta.url).href);
    found[name] = JSON.parse(readFileSync(file, "utf8")).version;
  }
  return found;
}

/** Writes a run down, for bench/peers/summary.ts. */
async function keep(results: Results): Promise<void> {
  const folder = fileURLToPath(new URL("../results/", import.meta.url).href);
  const files = ["json", "md"].map((suffix) => `${folder}${results.date.slice(0, 19).replaceAll(":", "")}.${suffix}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(files[0]!, JSON.stringify(results));
  writeFileSync(files[1]!, page(results));
  await format(files);
  console.log(`Written to ${files.join(" and ")}`);
}
