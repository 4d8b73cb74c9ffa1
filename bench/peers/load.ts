// The process that the load comes from, under Bun: reads a job a line from its input, and answers with a line of what it
// measured, `{ "error": … }` if it could not. It ends when its input does.

import { type EchoJob, type Measured, runEcho } from "../echo/load.ts";
import { type FanOutJob, runFanOut } from "../fan_out/load.ts";
import { type HandshakeJob, runHandshakes } from "../handshake/load.ts";
import { type Latencies, type LatencyJob, runLatency } from "../latency/load.ts";
import { type Grown, type MemoryJob, runMemory } from "../memory/load.ts";
import { answerJobs } from "./jobs.ts";

export type Job = EchoJob | FanOutJob | HandshakeJob | LatencyJob | MemoryJob;
export type Result = Measured | Latencies | Grown;

function run(job: Job): Promise<Result> {
  if (job.kind === "echo") return runEcho(job);
  if (job.kind === "fan-out") return runFanOut(job);
  if (job.kind === "latency") return runLatency(job);
  return job.kind === "handshake" ? runHandshakes(job) : runMemory(job);
}

await answerJobs(run);
