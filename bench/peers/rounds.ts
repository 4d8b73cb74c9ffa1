// The rounds of a run: which server is driven with what, in which order, and what was in the way meanwhile.

import process from "node:process";
import { type BenchServer, median, startPair, startServer } from "../processes.ts";
import { machineCpu } from "../usage.ts";
import type { Failed } from "./jobs.ts";
import type { Result } from "./load.ts";
import type { Loader } from "./loader.ts";
import { type Peer, type Runtime, takesPart } from "./servers.ts";
import { isTarget } from "./targets.ts";
import type { Workload } from "./workloads.ts";

/** How many times as often what a target is about is measured: two rounds of a server may differ by a third. */
const TARGET_ROUNDS = 3;

/** Who is measured, one after the other: all of them in each round, and in further rounds what a target is about. */
export function* turns<Item>(all: readonly Item[], rounds: number, isTarget: (item: Item) => boolean): Generator<Item> {
  const targets = all.filter(isTarget);
  for (let round = 1; round <= rounds * TARGET_ROUNDS; round++) yield* round <= rounds ? all : targets;
}

/** How often, and how long in seconds: see bench/README.md. */
export interface Settings {
  readonly rounds: number;
  readonly first: number;
  readonly warmUp: number;
  readonly seconds: number;
  readonly memoryRounds: number;
}

type Running = readonly (readonly [Peer, BenchServer])[];

/** All of them. */
export class Rounds {
  /** How many cores were busy with something else, at each workload. */
  readonly disturbance: number[] = [];
  /** How many messages a second are half of what the slowest server of a runtime can do, by the median of its rounds. */
  readonly rates: Partial<Record<Runtime, number>> = {};
  readonly #loader: Loader;
  readonly #settings: Settings;
  readonly #record: (peer: Peer, workload: Workload, result: Result | Failed) => void;
  readonly #tell: (what: string) => void;

  constructor(
    loader: Loader,
    settings: Settings,
    record: (peer: Peer, workload: Workload, result: Result | Failed) => void,
    tell: (what: string) => void,
  ) {
    this.#loader = loader;
    this.#settings = settings;
    this.#record = record;
    this.#tell = tell;
  }

  /** All workloads but those of memory: one after the other, by all servers in turn. */
  async measureAll(peers: readonly Peer[], rows: readonly Workload[]): Promise<void> {
    const timed = rows.filter((row) => row.unit !== "bytes" && peers.some((peer) => takesPart(peer, row)));
    if (timed.length === 0) return;
    await withServers(peers, async (all) => {
      for (const workload of timed) await this.#warmUp(workload, all, this.#settings.first / 2);
      this.#tell("Each server has seen each workload");
      for (const workload of timed) {
        await this.#warmUp(workload, all, this.#settings.first); // again: they have done everything else since
        const othersSince = this.#others(all);
        for (const [peer, server] of turns(all, this.#settings.rounds, ([peer]) => isTarget(workload.name, peer))) {
          await this.#measure(workload, peer, server);
        }
        this.disturbance.push(othersSince());
        this.#tell(`${workload.name}: what else runs took ${this.disturbance.at(-1)!.toFixed(2)} cores`);
      }
    });
  }

  /** Those of memory: a server that has worked before would grow into what it has freed. */
  async measureMemory(peers: readonly Peer[], rows: readonly Workload[]): Promise<void> {
    for (let round = 1; round <= this.#settings.memoryRounds; round++) {
      for (const workload of rows.filter(({ unit }) => unit === "bytes")) {
        for (const peer of peers.filter((peer) => takesPart(peer, workload))) {
          await withServers([peer], async (all) => await this.#measure(workload, peer, all[0]![1]));
        }
        this.#tell(`Memory, round ${round} of ${this.#settings.memoryRounds}`);
      }
    }
  }

  /**
   * The same for a while, unmeasured: what is hot gets compiled, which takes a second and more of each thing. Where the
   * load is to be a share of what the servers can do, this shows what that is first.
   */
  async #warmUp(workload: Workload, all: Running, first: number): Promise<void> {
    const seconds = first * (workload.warmUpFactor ?? 1), taking = all.filter(([peer]) => takesPart(peer, workload));
    if (workload.capacity) await this.#findRates(workload.capacity, taking, first);
    for (const [peer, server] of taking) {
      const times = { warmUp: 0, seconds }, rate = this.rates[peer.runtime] ?? 0;
      const result = await this.#loader.run(workload.job(server, peer.kind === "raw", times, rate));
      if ("error" in result) this.#tell(`${peer.name} at ${workload.name}, unmeasured: ${result.error}`);
    }
  }

  async #findRates(capacityOf: Workload["job"], all: Running, seconds: number): Promise<void> {
    const capacities = new Map<Peer, number[]>();
    for (let round = 1; round <= this.#settings.rounds; round++) {
      for (const [peer, server] of all) {
        const result = await this.#loader.run(capacityOf(server, peer.kind === "raw", { warmUp: 0, seconds }, 0));
        if (!("count" in result)) continue;
        capacities.set(peer, [...capacities.get(peer) ?? [], result.count / result.wall]);
      }
    }
    for (const runtime of new Set(all.map(([{ runtime }]) => runtime))) {
      const own = [...capacities].filter(([peer]) => peer.runtime === runtime).map(([, tries]) => median(tries));
      if (own.length > 0) this.rates[runtime] = Math.round(Math.min(...own) / 2);
    }
  }

  async #measure(workload: Workload, peer: Peer, server: BenchServer): Promise<void> {
    if (!takesPart(peer, workload)) return;
    const { warmUp, seconds } = this.#settings, times = { warmUp, seconds: seconds * (workload.durationFactor ?? 1) };
    const job = workload.job(server, peer.kind === "raw", times, this.rates[peer.runtime] ?? 0);
    this.#record(peer, workload, await this.#loader.run(job));
  }

  /** How many cores are busy with what is not part of this, from now until the function is called. */
  #others(all: Running): () => number {
    const now = () => {
      const { user, system } = process.cpuUsage();
      const own = all.reduce((sum, [_, server]) => sum + server.cpu(), this.#loader.cpu() + (user + system) / 1e6);
      return { cpu: machineCpu() - own, time: performance.now() / 1000 };
    };
    const before = now();
    return () => {
      const after = now();
      return Math.max(0, (after.cpu - before.cpu) / (after.time - before.time));
    };
  }
}

/** Has them all listen, and ends them. */
async function withServers(peers: readonly Peer[], body: (servers: Running) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const all: [Peer, BenchServer][] = [];
  for (const peer of peers) {
    const { name, command, service } = peer;
    const server = service === "two processes" ? await startPair(name, command) : await startServer(name, command(0));
    all.push([peer, stack.use(server)]);
  }
  await body(all);
}
