// The programs of the folder programs/ in processes of their own: what they say, and a server while it is needed.

import { assertEquals } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The path of a certificate or key. */
export const pem = (name: string) => fileURLToPath(new URL(`../kit/tls/${name}.pem`, import.meta.url).href);

/** What there is to be seen of a process. */
export interface Process {
  readonly child: ChildProcess;
  /** Its first line. */
  readonly line: Promise<string>;
  /** How it has ended, and all that it has complained of. */
  readonly ended: Promise<{ code: number | null; output: string; complaints: string }>;
}

/** Starts a program, in this folder or another, with what is added to the environment. */
export function start(
  command: readonly string[],
  args: readonly string[],
  { cwd, env }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
): Process {
  const [file, ...before] = command;
  const child = spawn(file!, [...before, ...args], { stdio: "pipe", cwd, env: { ...process.env, ...env } });
  const line = Promise.withResolvers<string>(), ended = Promise.withResolvers<Awaited<Process["ended"]>>();
  let output = "", complaints = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.includes("\n")) line.resolve(output.slice(0, output.indexOf("\n")));
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints += text);
  child.on("error", ended.reject);
  child.on("close", (code) => {
    ended.resolve({ code, output, complaints });
    line.reject(new Error(`It has ended with ${code}: ${complaints}`));
  });
  line.promise.catch(() => {});
  return { child, line: line.promise, ended: ended.promise };
}

/** A server while `run` runs with its ports, and whether it has nothing to complain of. */
export async function withServer(
  server: readonly string[],
  options: readonly string[],
  run: (ports: readonly string[]) => Promise<void>,
): Promise<void> {
  const { child, line, ended } = start(server, ["serve", ...options]);
  try {
    await run(/^listening ([\d ]+)$/.exec(await line)?.[1]?.split(" ") ?? []);
  } finally {
    child.stdin!.end();
    const { code, complaints } = await ended;
    assertEquals({ code, complaints }, { code: 0, complaints: "" });
  }
}
