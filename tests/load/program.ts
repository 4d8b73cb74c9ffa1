// Programs of this folder, each in a process of its own, on the runtime that runs the test or another one, so that memory,
// descriptors and what nobody has handled are of that process alone. The two talk in lines of JSON: calls go in, answers
// come out.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { collectGarbage } from "../kit/harness.ts";
import type { Runtimes } from "../kit/runtimes.ts";

/** Which runtime this is. */
export const RUNTIME = "Deno" in globalThis ? "Deno" : "Bun" in globalThis ? "Bun" : "Node";

/** What comes between a runtime and the path of a program. */
const ARGUMENTS = { deno: ["run", "-A"], bun: ["run"], node: [] };

/** How a program is started on a runtime: `command` is how that is started itself. */
export function runOn(name: keyof Runtimes, command: readonly string[]): string[] {
  return [...command, ...ARGUMENTS[name]];
}

const OWN = runOn(RUNTIME.toLowerCase() as keyof Runtimes, [process.execPath]);

/** A number that random() starts from: that of an earlier run, for the same again, or a new one. */
export const SEED = Number(process.env.LOAD_SEED ?? crypto.getRandomValues(new Uint32Array(1))[0]);

/** What a program can be asked: functions of one argument or none, which JSON can carry, as it can what they return. */
// deno-lint-ignore no-explicit-any
type Calls = Readonly<Record<string, (given: any) => unknown>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly given?: unknown;
}

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** A program that was started. */
export class Program<Known extends Calls> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #count = 0;

  /**
   * @param file Its name in this folder.
   * @param command What runs it; the runtime that runs the test by default.
   */
  constructor(file: string, [program, ...args]: readonly string[] = OWN) {
    const path = fileURLToPath(new URL(file, import.meta.url).href);
    const child = spawn(program!, [...args, path], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    child.stdin.on("error", () => {}); // it has ended: whoever waits for it is told below
    createInterface({ input: child.stdout }).on("line", (line) => this.#answered(JSON.parse(line)));
    this.#closed = once(child, "close").then(([code, signal]) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file} has ended with ${signal ?? code}`));
      this.#waiting.clear();
    });
  }

  /** Calls one of its functions. */
  async call<Name extends keyof Known & string>(
    name: Name,
    ...[given]: Parameters<Known[Name]>
  ): Promise<Awaited<ReturnType<Known[Name]>>> {
    const id = this.#count++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.stdin!.write(JSON.stringify({ id, name, given } satisfies Call) + "\n");
    return await waiting.promise as Awaited<ReturnType<Known[Name]>>;
  }

  #answered({ id, answer, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }

  /** Ends it as `kill -9` does: it can't do anything about it, and its sockets are left to the kernel. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }

  /** Lets it end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await this.#closed;
  }
}

/** Makes this process a program: it answers calls until there are no more. */
export function answerCalls(calls: Calls): void {
  const say = (answer: Answer) => process.stdout.write(JSON.stringify(answer) + "\n");
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const { id, name, given }: Call = JSON.parse(line);
    try {
      say({ id, answer: await calls[name]!(given) });
    } catch (error) {
      say({ id, error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) });
    }
  });
  lines.on("close", () => process.exit());
}

/** A turn of the event loop: the runtime has looked at all sockets. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * How many descriptors this process has open, with the one that it takes to know, but for pipes and Unix sockets: a runtime
 * opens those when it likes, Deno for its standard streams.
 */
export function descriptors(): number {
  // Num RefCount Protocol Flags Type St Inode Path
  const rows = readFileSync("/proc/self/net/unix", "utf8").split("\n").map((row) => row.trim().split(/ +/));
  const local = new Set(rows.map((row) => `socket:[${row[6]}]`));
  return readdirSync("/proc/self/fd").map((fd) => linkOf(`/proc/self/fd/${fd}`))
    .filter((link) => !link.startsWith("pipe:") && !local.has(link)).length;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed since it was listed
  }
}

/** How many bytes this process has in use, in its heap and by it, once they are no more than that, or won't be. */
export async function held(expected = Infinity): Promise<number> {
  for (let times = 1;; times++) {
    collectGarbage();
    await turn(); // what is freed may free more in a later turn
    const { heapUsed, external } = process.memoryUsage();
    if (times >= 50 || times >= 5 && heapUsed + external <= expected) return heapUsed + external;
  }
}
