// Rooms across two server processes and an engine, used by members and publishers all of which are in this process, while
// servers are killed and the engine is restarted. What each member has got is compared with what was published.

import { Engine, type EngineName } from "../kit/engines.ts";
import { random } from "../kit/harness.ts";
import type { Runtimes } from "../kit/runtimes.ts";
import { Program, runOn } from "./program.ts";
import { Gate, Member, Publisher, type World } from "./rooms_clients.ts";
import { Ledger, type Wrongs } from "./rooms_ledger.ts";
import type { RoomsCalls } from "./rooms.ts";

/** What is tried. */
export interface Scenario {
  readonly engine: EngineName;
  /** The runtime of each server. */
  readonly servers: readonly (keyof Runtimes)[];
  readonly runtimes: Runtimes;
  /** How many messages are published, in all rooms. */
  readonly messages: number;
  readonly rooms: number;
  readonly members: number;
  readonly publishers: number;
  /** How often each server is killed, and the engine restarted twice. */
  readonly rounds: number;
  /** After so many milliseconds it is given up, and what is not there by then is lost. */
  readonly patience: number;
  readonly seed: number;
}

/** What came of it. */
export interface ScenarioResult extends Wrongs {
  /** How many messages are in the rooms, and were acknowledged. */
  readonly published: number;
  /** How many messages members have got, all together. */
  readonly delivered: number;
  /** How often members came, messages were sent again, servers were killed and the engine was restarted. */
  readonly visits: number;
  readonly retries: number;
  readonly kills: number;
  readonly restarts: number;
  /** What servers have complained of, but for what they have told of the engine. */
  readonly complaints: readonly string[];
  readonly milliseconds: number;
}

/** The servers and the engine: what can be killed. */
class Site implements AsyncDisposable {
  readonly ports: (number | undefined)[] = [];
  readonly complaints: string[] = [];
  readonly #scenario: Scenario;
  readonly #engine: Engine;
  readonly #programs: Program<RoomsCalls>[] = [];
  kills = 0;
  restarts = 0;

  constructor(scenario: Scenario, engine: Engine) {
    this.#scenario = scenario;
    this.#engine = engine;
  }

  async startServer(index: number): Promise<void> {
    const name = this.#scenario.servers[index]!, command = this.#scenario.runtimes[name];
    if (!command) throw new Error(`There is no ${name} here`);
    const program = this.#programs[index] = new Program<RoomsCalls>("rooms.ts", runOn(name, command));
    this.ports[index] = await program.call("listen", { engine: this.#scenario.engine, url: this.#engine.url });
  }

  /** What can happen, in its order. */
  *happenings(): Generator<() => Promise<void>> {
    for (let round = 0; round < this.#scenario.rounds; round++) {
      for (const index of this.#scenario.servers.keys()) {
        yield () => this.#kill(index);
        yield () => this.#restartEngine(index % 2 === 0 ? "SIGKILL" : "SIGTERM");
      }
    }
  }

  async #kill(index: number): Promise<void> {
    this.ports[index] = undefined;
    await this.#programs[index]!.kill();
    this.kills++;
    await this.startServer(index);
  }

  async #restartEngine(ending: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.restarts++;
    await this.#engine.restart(ending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs) {
      this.complaints.push(...await program.call("complaints").catch((error) => [`${error}`]));
      await program[Symbol.asyncDispose]();
    }
    await this.#engine[Symbol.asyncDispose]();
  }
}

/** Plays a scenario; `onProgress` is told what happens. */
export async function play(scenario: Scenario, onProgress = (_: string) => {}): Promise<ScenarioResult> {
  const began = Date.now(), site = new Site(scenario, await Engine.start(scenario.engine));
  const ledgers = Array.from({ length: scenario.rooms }, () => new Ledger());
  const ending = new AbortController();
  const deadline = setTimeout(() => ending.abort(), scenario.patience);
  const world: World = { ports: site.ports, random: random(scenario.seed), signal: ending.signal, gate: new Gate() };
  const across = <T>(count: number, make: (room: string, ledger: Ledger, index: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(`room ${i % ledgers.length}`, ledgers[i % ledgers.length]!, i));
  const members = across(scenario.members, (room, ledger) => new Member(world, encodeURIComponent(room), ledger));
  const publishers = across(scenario.publishers, (room, ledger, i) => new Publisher(world, room, ledger, i));
  const share = Math.ceil(scenario.messages / scenario.publishers);
  const sharesOf = (room: number) => publishers.filter((_, i) => i % ledgers.length === room).length * share;
  const acknowledged = () => ledgers.reduce((sum, ledger) => sum + ledger.acknowledged, 0);
  try {
    await using _ = site;
    for (const index of scenario.servers.keys()) await site.startServer(index);
    const clients = Promise.all([
      ...members.map((member, i) => member.run(sharesOf(i % ledgers.length))),
      ...publishers.map((publisher) => publisher.run(share)),
    ]);
    const steps = [...site.happenings()], dueAt = (step: number) => (step + 1) / (steps.length + 1);
    for (const [i, step] of steps.entries()) {
      // Publishers go on while it happens, but not so far that too little is left for the next one
      const isDue = () =>
        acknowledged() >= Math.floor(dueAt(i + 0.2) * share * publishers.length) || ending.signal.aborted;
      world.gate.open(dueAt(i + 1));
      while (!isDue()) await new Promise((resolve) => setTimeout(resolve, 1));
      await step();
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      onProgress(`${seconds} s: ${acknowledged()} acknowledged, ${site.kills} kills, ${site.restarts} restarts`);
    }
    world.gate.open(1);
    await clients;
  } finally {
    clearTimeout(deadline);
    ending.abort();
  }
  for (const [room, ledger] of ledgers.entries()) {
    ledger.close(members.filter((_, i) => i % ledgers.length === room).map(({ place }) => place));
  }
  const total = (of: (ledger: Ledger) => number) => ledgers.reduce((sum, ledger) => sum + of(ledger), 0);
  return {
    published: acknowledged(),
    delivered: members.reduce((sum, { place }) => sum + place, 0),
    lost: total(({ wrongs }) => wrongs.lost),
    twice: total(({ wrongs }) => wrongs.twice),
    unordered: total(({ wrongs }) => wrongs.unordered),
    misnumbered: total(({ wrongs }) => wrongs.misnumbered),
    gaps: total(({ wrongs }) => wrongs.gaps),
    visits: members.reduce((sum, { visits }) => sum + visits, 0),
    retries: publishers.reduce((sum, { retries }) => sum + retries, 0),
    kills: site.kills,
    restarts: site.restarts,
    complaints: site.complaints,
    milliseconds: Date.now() - began,
  };
}
