// The process that the load comes from, under Bun: reads a job a line from its input, and answers with a line of what it
// measured, `{ "error": … }` if it could not. It ends when its input does.

import { createInterface } from "node:readline";
import process from "node:process";
import { type EchoJob, type Measured, runEcho } from "../echo/load.ts";
import { type FanOutJob, runFanOut } from "../fan_out/load.ts";
import { type HandshakeJob, runHandshakes } from "../handshake/load.ts";
import { type Grown, type MemoryJob, runMemory } from "../memory/load.ts";

export type Job = EchoJob | FanOutJob | HandshakeJob | MemoryJob;
export type Answer = Measured | Grown | { readonly error: string };

function run(job: Job): Promise<Measured | Grown> {
  if (job.kind === "echo") return runEcho(job);
  if (job.kind === "fan-out") return runFanOut(job);
  return job.kind === "handshake" ? runHandshakes(job) : runMemory(job);
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer: Answer = await run(JSON.parse(line)).catch((error) => ({ error: String(error) }));
  console.log(JSON.stringify(answer));
}
process.exit(0);
