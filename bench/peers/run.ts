// Ours beside its peers, each in a process of its own on a core of its own, all under the same load: see bench/README.md.
// The environment shortens it: ROUNDS, DURATION, WARMUP, FIRST, MEMORY_ROUNDS, IDLE; and the regular expressions ONLY and
// WORKLOADS, which say which servers and workloads there are.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findRuntimes, NEXT_NODE, nodeOf } from "../../tests/kit/runtimes.ts";
import { type BenchServer, startServer } from "../processes.ts";
import { execute } from "./compile.ts";
import { format } from "./format.ts";
import { type Loader, startLoader } from "./loader.ts";
import { type Cell, page, type Results, resultTable } from "./results.ts";
import { machineCpu } from "../usage.ts";
import { type Peer, servers, takesPart } from "./servers.ts";
import { figureOf, type Workload, workloads } from "./workloads.ts";

const { env } = process;
const settings = {
  rounds: Number(env.ROUNDS ?? 5),
  first: Number(env.FIRST ?? 1),
  warmUp: Number(env.WARMUP ?? 0.1),
  seconds: Number(env.DURATION ?? 0.35),
  memoryRounds: Number(env.MEMORY_ROUNDS ?? 1),
  idle: Number(env.IDLE ?? 10_000),
};
const runtimes = findRuntimes();
if (!runtimes.bun) throw new Error("Bun is needed: the load runs on it");
const matches = (pattern: string | undefined, name: string) => new RegExp(pattern ?? "", "i").test(name);
const rows = workloads(settings.idle).filter(({ name }) => matches(env.WORKLOADS, name));
const peers = (await servers(runtimes)).filter((peer) => {
  return matches(env.ONLY, peer.name) && rows.some((row) => takesPart(peer, row));
});
const timed = rows.filter((row) => row.unit !== null && peers.some((peer) => takesPart(peer, row)));
const memory = rows.filter(({ unit }) => unit === null);

const cells = rows.flatMap((row) => {
  const { name: workload, unit, size } = row;
  return peers.filter((peer) => takesPart(peer, row)).map(({ runtime, kind }): Cell => {
    return { workload, unit, size, runtime, kind, figures: [] };
  });
});
/** How many cores were busy with something else, at each workload. */
const disturbance: number[] = [];
await using loader = startLoader(runtimes.bun);
const started = Date.now();
if (timed.length > 0) {
  await withServers(peers, async (all) => {
    for (const workload of timed) {
      for (const [peer, server] of all) await warmUp(loader, workload, peer, server);
    }
    tell("Each server has seen each workload");
    for (const workload of timed) {
      // Again: it has done everything else since
      for (const [peer, server] of all) await warmUp(loader, workload, peer, server);
      const othersSince = others(loader, all);
      for (let round = 1; round <= settings.rounds; round++) {
        for (const [peer, server] of all) await measure(loader, workload, peer, server);
      }
      disturbance.push(othersSince());
      tell(`${workload.name}: what else runs took ${disturbance.at(-1)!.toFixed(2)} cores`);
    }
  });
}
for (let round = 1; round <= settings.memoryRounds; round++) {
  for (const workload of memory) {
    for (const peer of peers.filter((peer) => takesPart(peer, workload))) {
      // A server that has worked before would grow into what it has freed
      await withServers([peer], async (all) => await measure(loader, workload, peer, all[0]![1]));
    }
    tell(`Memory, round ${round} of ${settings.memoryRounds}`);
  }
}

console.log(resultTable({ cells }));
await keep({
  date: new Date(started).toISOString(),
  machine: /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown",
  cores: cpus().length,
  versions: await versions(),
  settings,
  disturbance,
  cells: cells.filter(({ figures }) => figures.length > 0),
});

/** Has them all listen, and ends them. */
async function withServers(
  peers: readonly Peer[],
  body: (servers: [Peer, BenchServer][]) => Promise<void>,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const all: [Peer, BenchServer][] = [];
  for (const peer of peers) all.push([peer, stack.use(await startServer(peer.name, peer.command))]);
  await body(all);
}

/** The same for a while, unmeasured: what is hot gets compiled, which takes a second and more of each thing. */
async function warmUp(loader: Loader, workload: Workload, peer: Peer, server: BenchServer): Promise<void> {
  const times = { warmUp: 0, seconds: settings.first * (workload.warmUpFactor ?? 1) };
  if (takesPart(peer, workload)) await loader.run(workload.job(server, peer.kind === "raw", times));
}

/** How many cores are busy with what is not part of this, from now until the function is called. */
function others(loader: Loader, all: [Peer, BenchServer][]): () => number {
  const now = () => {
    const { user, system } = process.cpuUsage();
    const own = all.reduce((sum, [_, server]) => sum + server.cpu(), loader.cpu() + (user + system) / 1e6);
    return { cpu: machineCpu() - own, time: performance.now() / 1000 };
  };
  const before = now();
  return () => {
    const after = now();
    return Math.max(0, (after.cpu - before.cpu) / (after.time - before.time));
  };
}

function tell(what: string): void {
  console.error(`${what}, after ${Math.round((Date.now() - started) / 1000)} s`);
}

async function measure(loader: Loader, workload: Workload, peer: Peer, server: BenchServer): Promise<void> {
  if (!takesPart(peer, workload)) return;
  const answer = await loader.run(workload.job(server, peer.kind === "raw", settings));
  if ("error" in answer) {
    console.error(`${peer.name} at ${workload.name}: ${answer.error}`);
    process.exitCode = 1;
    return;
  }
  cells.find((cell) => {
    return cell.workload === workload.name && cell.runtime === peer.runtime && cell.kind === peer.kind;
  })!.figures.push(figureOf(answer, settings.idle));
}

async function versions(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const { bun, deno, node } = runtimes;
  for (const [name, command] of Object.entries({ Bun: bun, Deno: deno, Node: node, "Node 26": nodeOf(NEXT_NODE) })) {
    if (command) found[name] = /\d+\.\d+\.\d+/.exec(await execute([...command, "--version"]))?.[0] ?? "unknown";
  }
  const ws = fileURLToPath(new URL("../../node_modules/ws/package.json", import.meta.url).href);
  return { ...found, ws: JSON.parse(readFileSync(ws, "utf8")).version };
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
