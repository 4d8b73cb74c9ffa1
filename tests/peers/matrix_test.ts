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
    const { code, complaints } = await ended;
    assertEquals({ code, complaints }, { code: 0, complaints: "" });
  }
}

/** What a client says that has played the script and was closed as it should be. */
const PLAYED = {
  code: 0,
  output: JSON.stringify({ messages: 2 * script.length, closeCode: 1000 }) + "\n",
  complaints: "",
};

async function play(client: readonly string[], url: string): Promise<typeof PLAYED> {
  const trust = url.startsWith("wss:") ? ["--ca", pem("ca")] : [];
  const { child, ended } = start(client, ["connect", url, ...trust]);
  child.stdin!.end();
  return await ended as typeof PLAYED;
}

const all = await programs(findRuntimes());
const isOurs = ({ name }: PeerProgram) => name.startsWith("ours");
const clients = all.filter(({ roles }) => roles.includes("connect"));

for (const server of all.filter(({ roles }) => roles.includes("serve"))) {
  const pairs = clients.filter((client) => isOurs(server) || isOurs(client));
  const lacks = [server, ...pairs].flatMap((program) => program.command ? [] : [program.reason])[0];
  for (const scheme of ["TCP", "TLS"]) {
    const names = pairs.map(({ name }) => name).join(", ");
    test(
      `the server of ${server.name} over ${scheme}, and the clients of ${names}`,
      { lacks },
      () =>
        withServer(server.command!, scheme === "TLS", async (url) => {
          const outcomes: [string, unknown][] = [];
          // Two at a time; and each twice, since servers of ours echo by one face after the other
          const left = isOurs(server) ? pairs.flatMap((client) => [client, client]) : [...pairs];
          const work = async () => {
            for (let client; (client = left.shift());) outcomes.push([client.name, await play(client.command!, url)]);
          };
          await Promise.all([work(), work()]);
          assertEquals(outcomes, outcomes.map(([name]) => [name, PLAYED]));
        }),
    );
  }
}
