// One message that is longer than memory through an echo server, in pieces there and in pieces back: are the bytes the same,
// how much memory does either process take for it, and how long does it take beside the same bytes as messages of 64 KiB?
//
//   deno run -A tests/load/huge.ts [deno|bun|node|all] [MiB] [binary|text|both] [plain|compressed|both] [MiB to time, or 0]

import process from "node:process";
import { pathToFileURL } from "node:url";
import { findRuntimes, type Runtimes } from "../kit/runtimes.ts";
import type { Huge, HugeCalls, Passed } from "./huge_end.ts";
import { Program, runOn } from "./program.ts";

const MIB = 2 ** 20;

/** What is asked for. */
export interface HugeRun extends Pick<Huge, "kind" | "isCompressed"> {
  /** What runs both processes; the runtime that runs this by default. */
  readonly command?: readonly string[];
  /** How many bytes the message has. */
  readonly size: number;
  /** How many bytes the comparison takes, in either way; 0 for none. */
  readonly timed: number;
  readonly rounds: number;
}

/** What came of it. */
export interface HugeReport {
  readonly passed: Passed;
  /** How much more memory than at the start the server and the client had at most, in bytes. */
  readonly server: number;
  readonly client: number;
  /** The throughput as one message, and as messages of 64 KiB, in MiB a second: the best of the rounds. */
  readonly inPieces: number;
  readonly inMessages: number;
}

/** Starts both processes, and passes it through. */
export async function passHuge({ command, size, timed, rounds, kind, isCompressed }: HugeRun): Promise<HugeReport> {
  await using server = new Program<HugeCalls>("huge_end.ts", command);
  await using client = new Program<HugeCalls>("huge_end.ts", command);
  const url = await server.call("serve");
  const pass = (size: number, how: Huge["how"], isHashed: boolean) =>
    client.call("pass", { url, size, kind, isCompressed, how, isHashed });
  const warmUp = 64 * MIB; // everything is compiled, and the heaps have grown to what they need
  for (const how of ["messages", "pieces"] as const) await pass(warmUp, how, true);
  for (const end of [server, client]) await end.call("watch");
  const passed = await pass(size, "pieces", true);
  const memory = [];
  for (const end of [server, client]) memory.push(await end.call("memory"));
  const best = { pieces: 0, messages: 0 };
  for (let round = 0; timed > 0 && round < rounds; round++) {
    for (const how of ["messages", "pieces"] as const) {
      const { seconds } = await pass(timed, how, false);
      best[how] = Math.max(best[how], timed / MIB / seconds);
    }
  }
  const [ofServer, ofClient] = memory.map(({ start, peak }) => peak - start) as [number, number];
  return { passed, server: ofServer, client: ofClient, inPieces: best.pieces, inMessages: best.messages };
}

async function main(): Promise<void> {
  const [which = "all", size = "4096", kinds = "both", ways = "both", timed = "512"] = process.argv.slice(2);
  const runtimes: Partial<Runtimes> = await findRuntimes();
  for (const [name, command] of Object.entries(runtimes) as [keyof Runtimes, readonly string[]][]) {
    if (which !== "all" && which !== name) continue;
    for (const kind of ["binary", "text"] as const) {
      for (const way of ["plain", "compressed"] as const) {
        if (![kind, "both"].includes(kinds) || ![way, "both"].includes(ways)) continue;
        const report = await passHuge({
          command: runOn(name, command),
          size: Number(size) * MIB,
          timed: Number(timed) * MIB,
          rounds: 5,
          kind,
          isCompressed: way === "compressed",
        });
        console.log(`${name} ${kind} ${way}: ${lineOf(report)}`);
      }
    }
  }
}

/** A report in a line. */
function lineOf({ passed, server, client, inPieces, inMessages }: HugeReport): string {
  const same = passed.sent === passed.received ? "the same bytes" : "OTHER BYTES",
    mib = (n: number) => (n / MIB).toFixed(1);
  const speed = `; ${inPieces.toFixed(0)} MiB/s in pieces, ${inMessages.toFixed(0)} in messages: ${
    (inPieces / inMessages).toFixed(2)
  }`;
  return `${same} in ${passed.seconds.toFixed(1)} s; server +${mib(server)} MiB, client +${mib(client)} MiB` +
    (inMessages > 0 ? speed : "");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
