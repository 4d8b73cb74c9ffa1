// Stops a server that has many clients, some of whom never answer: who sees which code, when, and when its process is gone.
//
//   deno run -A tests/load/shutdown.ts [connections] [deaf ones] [within] [spread]      on every runtime that is here

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect, type Connected } from "../../mod.ts";
import { HandClient, request, UPGRADE_FIELDS } from "../kit/serving.ts";
import { findRuntimes } from "../kit/runtimes.ts";

/** Whom to stop, and how. */
export interface Load {
  readonly connections: number;
  /** How many of them do not answer the Close frame. */
  readonly deaf: number;
  /** What is given to `shutdown()`, in milliseconds. */
  readonly within: number;
  readonly spread: number;
}

/** What came of it. Times are in milliseconds from the signal on. */
export interface Stopped {
  /** How many clients have seen each code; 1006 where there was none. */
  readonly codes: Readonly<Record<number, number>>;
  /** When clients saw the end, in their order. */
  readonly times: readonly number[];
  /** How the process has ended, and when. */
  readonly exit: { readonly code: number | null; readonly signal: string | null; readonly time: number };
}

/** So many are opened at a time: as many as wait in the queue of any listener. */
const AT_A_TIME = 100;

/** What comes before the path of a program. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = { deno: ["run", "-A"], bun: ["run"], node: [] };

/** Starts a server with a runtime, gives it clients, and stops it. */
export async function stopLoaded(runtime: string, command: readonly string[], load: Load): Promise<Stopped> {
  const [file, ...args] = [...command, ...ARGUMENTS[runtime]!];
  const path = fileURLToPath(new URL("shutdown_server.ts", import.meta.url).href);
  const child: ChildProcess = spawn(file!, [...args, path, String(load.within), String(load.spread)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [url] = await once(createInterface({ input: child.stdout! }), "line") as [string];
  const clients: Connected[] = [], deaf: HandClient[] = [];
  const count = load.connections - load.deaf;
  while (clients.length < count) {
    const some = Math.min(AT_A_TIME, count - clients.length);
    clients.push(...await Promise.all(Array.from({ length: some }, () => connect(url))));
  }
  for (let i = 0; i < load.deaf; i++) {
    deaf.push(await HandClient.open(Number(new URL(url).port)));
    await deaf[i]!.write(request("/", UPGRADE_FIELDS));
    await deaf[i]!.reply();
  }
  const codes: Record<number, number> = {}, times: number[] = [];
  const start = performance.now();
  process.kill(child.pid!, "SIGTERM");
  const exited = once(child, "exit").then(([code, signal]) => ({ code, signal, time: performance.now() - start }));
  await Promise.all(clients.map(async (client) => {
    const { closeCode } = await client.closed.catch(() => ({ closeCode: 1006 }));
    codes[closeCode] = (codes[closeCode] ?? 0) + 1;
    times.push(performance.now() - start);
  }));
  const exit = await exited;
  for (const client of deaf) client[Symbol.dispose]();
  return { codes, times, exit };
}

async function main(): Promise<void> {
  const [connections = 1000, deaf = 10, within = 3000, spread = 0] = process.argv.slice(2).map(Number);
  console.log(`${connections} connections, ${deaf} of them deaf, within ${within} ms, spread over ${spread} ms`);
  for (const [runtime, command] of Object.entries(findRuntimes())) {
    if (!command) continue;
    const { codes, times, exit } = await stopLoaded(runtime, command, { connections, deaf, within, spread });
    const at = (part: number) => times[Math.floor((times.length - 1) * part)]!.toFixed(0);
    console.log(
      `${runtime}: ${JSON.stringify(codes)}; ends after ${at(0)} ms, ${at(0.25)} ms, ${at(0.5)} ms, ${at(0.75)} ms, ` +
        `${at(1)} ms (first, quarters, last); the process after ${exit.time.toFixed(0)} ms with ${
          exit.signal ?? exit.code
        }`,
    );
  }
}

if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) await main();
