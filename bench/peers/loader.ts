// A process that does jobs (bench/peers/jobs.ts), from where the run is told: on a core that no server has.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pinned } from "../processes.ts";
import { cpuMeter } from "../usage.ts";
import type { Failed } from "./jobs.ts";
import type { Job, Result } from "./load.ts";

/** It. */
export interface Worker<Job, Result> extends AsyncDisposable {
  /** Seconds of CPU time so far. */
  cpu(): number;
  /** Has a job done. */
  run(job: Job): Promise<Result | Failed>;
}

/** The one that the load comes from. */
export type Loader = Worker<Job, Result>;

/** How long a job may take. */
const PATIENCE_MS = 120_000;

/** Starts it. */
export function startLoader(bun: readonly string[]): Loader {
  return startWorker([...bun, fileURLToPath(new URL("load.ts", import.meta.url).href)]);
}

/** Starts one. */
export function startWorker<Job, Result>(command: readonly string[]): Worker<Job, Result> {
  const [file, ...args] = pinned(1, command);
  const child = spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    cpu: cpuMeter(child.pid!),
    async run(job) {
      child.stdin!.write(JSON.stringify(job) + "\n");
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      const { value, done } = await lines.next();
      clearTimeout(timer);
      if (done) throw new Error(`${command.join(" ")} ended at ${JSON.stringify(job)}`);
      return JSON.parse(value);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
