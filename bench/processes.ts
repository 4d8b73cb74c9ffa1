// Servers in processes of their own, and what the operating system says of them: CPU time of all threads, user's and
// kernel's, and resident memory. Linux only: it is read from /proc.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { program } from "../tests/harness.ts";

/** A server that listens. */
export interface BenchServer extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** Seconds of CPU time so far. */
  cpu(): number;
  /** Resident memory, in bytes. */
  memory(): number;
}

/** Ticks a second: USER_HZ, which is 100 wherever Linux runs. */
const HZ = 100;

/** Starts a server, whose first line is `listening PORT`; on a core of its own where there are two and taskset. */
export async function startServer(name: string, command: readonly string[]): Promise<BenchServer> {
  const pinned = cpus().length > 1 && program("taskset") ? ["taskset", "-c", "0", ...command] : command;
  const [file, ...args] = pinned;
  const child = spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"] });
  const port = await listening(name, child);
  const stat = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, "utf8");
  return {
    name,
    port,
    cpu() {
      const fields = stat("stat").replace(/^.*\) /, "").split(" ");
      return (Number(fields[11]) + Number(fields[12])) / HZ;
    },
    memory: () => Number(/VmRSS:\s+(\d+) kB/.exec(stat("status"))?.[1]) * 1024,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function listening(name: string, child: ChildProcess): Promise<number> {
  let output = "";
  for await (const chunk of child.stdout!.setEncoding("utf8")) {
    output += chunk;
    const port = /listening (\d+)\n/.exec(output)?.[1];
    if (port) return Number(port);
  }
  throw new Error(`The server ${name} did not start: ${output}`);
}

/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
