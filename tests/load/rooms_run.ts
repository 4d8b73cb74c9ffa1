// Plays a long scenario of rooms across two server processes, and prints what came of it.
//
//   deno run -A tests/load/rooms_run.ts redis 100000                        on Deno and Bun
//   deno run -A tests/load/rooms_run.ts nats 1000000 node bun 20            on others, with 20 rounds of kills and restarts

import process from "node:process";
import type { EngineName } from "../kit/engines.ts";
import { findRuntimes, type Runtimes } from "../kit/runtimes.ts";
import { SEED } from "./program.ts";
import { play } from "./rooms_scenario.ts";

const [engine = "redis", messages = "100000", first = "deno", second = "bun", rounds = "2"] = process.argv.slice(2);

const result = await play({
  engine: engine as EngineName,
  servers: [first, second] as (keyof Runtimes)[],
  runtimes: findRuntimes(),
  messages: Number(messages),
  rooms: 5,
  members: 50,
  publishers: 10,
  rounds: Number(rounds),
  patience: 24 * 60 * 60 * 1000,
  seed: SEED,
}, console.log);
console.log(`LOAD_SEED=${SEED}:`, result);
