// Real peers in processes of their own: ours on each runtime with ours on each runtime, and with everybody else's client
// and server, over TCP and over TLS. The script that a client plays is in programs/script.ts.

import { assertEquals } from "@std/assert";
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findRuntimes } from "../runtimes.ts";
import { test } from "../harness.ts";
import { type PeerProgram, programs } from "./programs/programs.ts";
import { script } from "./programs/script.ts";

const pem = (name: string) => fileURLToPath(new URL(`../tls/${name}.pem`, import.meta.url).href);

/** What there is to be seen of a process. */
interface Process {
  readonly child: ChildProcess;
  /** Its first line. */
  readonly line: Promise<string>;
  /** How it has ended, and all that it has complained of. */
  readonly ended: Promise<{ code: number | null; output: string; complaints: string }>;
}

function start(command: readonly string[], args: readonly string[]): Process {
  const [file, ...before] = command;
  const child = spawn(file!, [...before, ...args], { stdio: "pipe" });
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

/** A server while `run` runs, and whether it has nothing to complain of. */
async function withServer(server: readonly string[], isSecure: boolean, run: (url: string) => Promise<void>) {
  const identity = isSecure ? ["--tls", pem("localhost"), pem("localhost.key")] : [];
  const { child, line, ended } = start(server, ["serve", ...identity]);
  try {
    const port = /^listening (\d+)$/.exec(await line)?.[1];
    await run(isSecure ? `wss://localhost:${port}/` : `ws://127.0.0.1:${port}/`);
  } finally {
    child.stdin!.end();
  }
  const { code, complaints } = await ended;
  assertEquals({ code, complaints }, { code: 0, complaints: "" });
}

const PLAYED = JSON.stringify({ messages: 2 * script.length, closeCode: 1000 }) + "\n";

async function play(client: readonly string[], url: string): Promise<void> {
  const trust = url.startsWith("wss:") ? ["--ca", pem("ca")] : [];
  const { child, ended } = start(client, ["connect", url, ...trust]);
  child.stdin!.end();
  assertEquals(await ended, { code: 0, output: PLAYED, complaints: "" });
}

const all = await programs(findRuntimes());
const isOurs = ({ name }: PeerProgram) => name.startsWith("ours");

for (const server of all.filter(({ roles }) => roles.includes("serve"))) {
  for (const client of all.filter(({ roles }) => roles.includes("connect"))) {
    if (!isOurs(server) && !isOurs(client)) continue;
    for (const isSecure of [false, true]) {
      const name = `${client.name} and the server of ${server.name} over ${isSecure ? "TLS" : "TCP"}`;
      const lacks = [client, server].flatMap((program) => program.command ? [] : [program.reason])[0];
      test(name, { lacks }, () =>
        withServer(server.command!, isSecure, async (url) => {
          // Twice: servers of ours echo by one face after the other
          for (let times = isOurs(server) ? 2 : 1; times > 0; times--) await play(client.command!, url);
        }));
    }
  }
}
