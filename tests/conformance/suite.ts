// All families of cases, and a run of one of them against an echo server: several connections at once, each for one case.

import type { Case } from "./case.ts";
import { closing } from "./cases_close.ts";
import { compressed } from "./cases_deflate.ts";
import { fragmentation } from "./cases_fragmentation.ts";
import { framing } from "./cases_framing.ts";
import { limits } from "./cases_limits.ts";
import { pings } from "./cases_ping.ts";
import { reservedBits, reservedOpcodes } from "./cases_reserved.ts";
import { utf8 } from "./cases_utf8.ts";
import { type Failure, play } from "./client.ts";
import { type CompressedCase, playCompressed } from "./deflate_client.ts";

/** All of them; for those with compressed messages the server has to agree to permessage-deflate, and use it always. */
export const families: Readonly<Record<string, readonly (Case | CompressedCase)[]>> = {
  "framing": framing,
  "pings and pongs": pings,
  "reserved bits": reservedBits,
  "reserved opcodes": reservedOpcodes,
  "fragmentation": fragmentation,
  "UTF-8": utf8,
  "closing": closing,
  "limits": limits,
  ...compressed,
};

/** How many cases are played at once: enough to keep two processors busy, and few enough for cases of 16 MiB. */
const LANES = 4;

/**
 * Plays `cases` against the echo server at `port` of 127.0.0.1; the failures come in the order of the cases. Against a
 * server in this process more than one at once would only take each other's time.
 */
export async function run(
  port: number,
  cases: readonly (Case | CompressedCase)[],
  lanes: number = LANES,
): Promise<Failure[]> {
  const results: (Failure | undefined)[] = [];
  const left = cases.entries();
  const lane = async () => {
    for (const [index, each] of left) {
      results[index] = await ("messages" in each ? playCompressed(port, each) : play(port, each));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results.filter((result) => result !== undefined);
}

/** A line for each failure, in columns. */
export function table(failures: readonly Failure[]): string {
  const rows = failures.map(({ row, expected, got }) => [row.id, row.section, row.name, `expected ${expected}`, got]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n");
}
