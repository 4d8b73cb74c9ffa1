// Rooms across two server processes on different runtimes, of which each is killed, and an engine that is restarted, under
// load: everybody gets everything once and in order. rooms_run.ts plays it with as many messages as you like.

import { assert, assertEquals } from "@std/assert";
import { lacksEngine } from "../kit/engines.ts";
import { test } from "../kit/harness.ts";
import { findRuntimes } from "../kit/runtimes.ts";
import { SEED } from "./program.ts";
import { play } from "./rooms_scenario.ts";

const MEMBERS = 50, MESSAGES = 2000, ROOMS = 5;

for (const engine of ["redis", "nats"] as const) {
  const title =
    `rooms through ${engine} lose nothing, twice is nothing and all is in order, while servers and it are killed`;
  test(title, { lacks: lacksEngine(engine) }, async () => {
    const result = await play({
      engine,
      servers: ["deno", "bun"],
      runtimes: findRuntimes(),
      messages: MESSAGES,
      rooms: ROOMS,
      members: MEMBERS,
      publishers: 10,
      rounds: 1,
      patience: 90_000,
      seed: SEED,
    });
    const { visits, retries, milliseconds, ...rest } = result;
    console.log(`LOAD_SEED=${SEED}: ${milliseconds} ms, ${visits} visits, ${retries} messages sent again`);
    assert(visits > MEMBERS, `${visits} visits`);
    assertEquals(rest, {
      published: MESSAGES,
      delivered: MESSAGES * MEMBERS / ROOMS,
      lost: 0,
      twice: 0,
      unordered: 0,
      misnumbered: 0,
      gaps: 0,
      kills: 2,
      restarts: 2,
      complaints: [],
    });
  });
}
