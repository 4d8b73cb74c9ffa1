// Servers in processes of their own, on a core of their own, and what the operating system says of them.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { program } from "../tests/kit/harness.ts";
import { cpuMeter, residentMemory } from "./usage.ts";

/** A server that listens. */
export interface BenchServer extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** All of its processes: usually the one. */
  readonly pids: readonly number[];
  /** Seconds of CPU time so far. */
  cpu(): number;
  /** Resident memory, in bytes. */
  memory(): number;
}

/** How long a server may take until it listens. */
const PATIENCE_MS = 20_000;

/** A command on a core of its own, where there are two and taskset, and with as many files as may be. */
export function pinned(core: number, command: readonly string[]): string[] {
  const taskset = cpus().length > 1 && program("taskset") ? ["taskset", "-c", `${core}`] : [];
  return ["sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh", ...taskset, ...command];
}

/** Starts a server, whose first line is `listening PORT`, on the first core or another one. */
export async function startServer(name: string, command: readonly string[], core = 0): Promise<BenchServer> {
  const [file, ...args] = pinned(core, command);
  const child = spawn(file!, args, { stdio: ["pipe", "pipe", "inherit"] });
  const pid = child.pid!; // both sh and taskset become the command
  const impatient = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const port = await listening(name, child);
  clearTimeout(impatient);
  return {
    name,
    port,
    pid,
    pids: [pid],
    cpu: cpuMeter(pid),
    memory: () => residentMemory(pid),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Starts a server in two processes that share a port, each on a core of its own. */
export async function startPair(name: string, command: (port: number) => readonly string[]): Promise<BenchServer> {
  await using stack = new AsyncDisposableStack();
  const first = stack.use(await startServer(name, command(0)));
  const second = stack.use(await startServer(name, command(first.port), 1));
  const both = stack.move();
  return {
    ...first,
    pids: [first.pid, second.pid],
    cpu: () => first.cpu() + second.cpu(),
    memory: () => first.memory() + second.memory(),
    [Symbol.asyncDispose]: () => both.disposeAsync(),
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
