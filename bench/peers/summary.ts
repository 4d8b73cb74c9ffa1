// What several runs say together: the median of each cell, the ratios beside their targets, and a picture.
//
//   deno run -A bench/peers/summary.ts RESULTS.json RESULTS.json RESULTS.json
//
// prints the table, and writes summary.md and summary.svg where the first of them is.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { median } from "../processes.ts";
import { format } from "./format.ts";
import { picture } from "./picture.ts";
import { type Cell, disturbed, figure, halfLoads, list, type Results, resultTable, table } from "./results.ts";
import { scaling } from "./scaling.ts";
import { nameOf, runtimeOf } from "./servers.ts";
import { type Target, TARGETS } from "./targets.ts";

/** One cell of each workload and server, with the medians of the runs as its figures. */
export function combine(runs: readonly Results[]): Cell[] {
  const cells = new Map<string, Cell>();
  for (const cell of runs.flatMap(({ cells }) => cells)) {
    const key = `${cell.workload}/${cell.runtime}/${cell.kind}`, found = cells.get(key) ?? { ...cell, figures: [] };
    found.figures.push(median(cell.figures));
    cells.set(key, found);
  }
  return [...cells.values()];
}

/** The table of targets, and how many of them hold: by the median of the runs' ratios, of which each is of one run. */
export function judge(runs: readonly Results[]): { text: string; hold: number } {
  let hold = 0;
  const rows = TARGETS.map(({ workload, runtime, kind, peer, ratio, isMost }: Target) => {
    const ratios = runs.flatMap(({ cells }) => {
      const ours = figure(cells, workload, runtime, kind), theirs = figure(cells, workload, runtime, peer);
      return ours === undefined || theirs === undefined ? [] : ours / theirs;
    });
    const found = ratios.length > 0 ? median(ratios) : undefined;
    const holds = found !== undefined && (isMost ? found <= ratio : found >= ratio);
    if (holds) hold++;
    const texts = [
      found?.toFixed(2) ?? "not measured",
      ratios.map((ratio) => ratio.toFixed(2)).join(" / "),
      `${isMost ? "≤" : "≥"} ${ratio}`,
      found === undefined ? "–" : holds ? "yes" : "no",
    ];
    return [workload, nameOf(runtime, kind), nameOf(runtimeOf(peer, runtime), peer), ...texts];
  });
  return { text: table(["workload", "of", "to", "ratio", "of each run", "target", "holds"], rows, 3), hold };
}

const files = process.argv.slice(2);
if (files.length === 0) throw new Error("Usage: summary.ts RESULTS.json …");
const runs = files.map((file): Results => JSON.parse(readFileSync(file, "utf8")));
const cells = combine(runs), { text, hold } = judge(runs), { date, machine, cores, versions } = runs[0]!;
const where = `${machine}, ${cores} cores; ${list(versions)}; ${date.slice(0, 10)}`;
const verdict = `${hold} of ${TARGETS.length} targets hold, by the median of the ratios of ${runs.length} runs.`;
const scales = scaling(cells);
const SCALES = "Two processes on one port, compressed messages a second:";
const notes = "The whole table has the median of the runs' medians, and their least and highest.";
const page = [
  "# Handfast and its peers",
  `${where}. ${verdict} ${disturbed(runs)} ${halfLoads(runs)}`,
  "![Handfast beside its peers, in bars](summary.svg)",
  text,
  ...scales ? [SCALES, scales] : [],
  notes,
  resultTable({ cells }),
].join("\n\n");
console.log(`${text}\n${verdict}`);
const written = Object.entries({ "summary.md": page, "summary.svg": picture(cells, where) }).map(([name, content]) => {
  const file = join(dirname(files[0]!), name);
  writeFileSync(file, content);
  return file;
});
await format(written);
