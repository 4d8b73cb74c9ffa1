// What a run gives: its figures, and where they were measured; and the table of them.

import { median } from "../processes.ts";
import type { Kind, Runtime } from "./servers.ts";
import { nameOf, runtimeOf } from "./servers.ts";

/** The figures of a server at a workload, one a round. */
export interface Cell {
  readonly workload: string;
  readonly unit: "messages" | "handshakes" | "deliveries" | null;
  readonly size?: number | undefined;
  readonly runtime: Runtime;
  readonly kind: Kind;
  readonly figures: number[];
}

/** A run, as it is kept. */
export interface Results {
  readonly date: string;
  readonly machine: string;
  readonly cores: number;
  /** By name. */
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, number>>;
  /** How many cores were busy with something else, at each workload: where it is more than a little, all is noise. */
  readonly disturbance: readonly number[];
  readonly cells: readonly Cell[];
}

/** Who ours is compared with, on the same runtime or in C++. */
export const PEERS: readonly Kind[] = ["native", "ws", "ws corked", "raw", "Beast", "Beast fast", "lws"];

/** The middle figure of a server at a workload. */
export function figure(
  cells: readonly Cell[],
  workload: string,
  runtime: Runtime,
  kind: Kind,
): number | undefined {
  const where = runtimeOf(kind, runtime);
  const cell = cells.find((cell) => cell.workload === workload && cell.runtime === where && cell.kind === kind);
  return cell && cell.figures.length > 0 ? median(cell.figures) : undefined;
}

/** A table in Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], words = 1): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map((_, i) => i < words ? "---" : "---:")) + rows.map(line).join("");
}

/** In three digits or so: 2.40 M, 138 k, 4.82 k, 950. */
export function short(value: number): string {
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, " M"] : value >= 1000 ? [value / 1000, " k"] : [value, ""];
  return scaled.toFixed(scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2) + unit;
}

/** The table of a run. */
export function resultTable({ cells }: Pick<Results, "cells">): string {
  const head = ["workload", "server", "median", "min–max", "MB", ...PEERS.map((kind) => `÷ ${kind}`)];
  const rows = cells.filter(({ figures }) => figures.length > 0).map(({ workload, size, runtime, kind, figures }) => {
    const middle = median(figures);
    const ratios = PEERS.map((peer) => {
      const other = figure(cells, workload, runtime, peer);
      return other === undefined || peer === kind ? "" : (middle / other).toFixed(2);
    });
    const bytes = size === undefined ? "" : (middle * size / 1e6).toFixed(1);
    const range = `${short(Math.min(...figures))}–${short(Math.max(...figures))}`;
    return [workload, nameOf(runtime, kind), short(middle), range, bytes, ...ratios];
  });
  return table(head, rows, 2);
}

/** Values with their names. */
export function list(values: object): string {
  return Object.entries(values).map(([name, value]) => `${name} ${value}`).join(", ");
}

/** How far other processes were in the way. */
export function disturbed(runs: readonly Results[]): string {
  const cores = runs.flatMap(({ disturbance }) => disturbance);
  if (cores.length === 0) return "";
  return `Other processes kept ${Math.min(...cores).toFixed(2)} to ${Math.max(...cores).toFixed(2)} cores busy.`;
}

/** A run as a page. */
export function page(results: Results): string {
  const { date, machine, cores, versions, settings } = results;
  return [
    `# Handfast and its peers, ${date.slice(0, 10)}`,
    `${machine}, ${cores} cores; ${list(versions)}. ${list(settings)}. ${disturbed([results])}`,
    "Messages, handshakes, deliveries and megabytes of payload per second of the server's CPU time: more is better. Memory: bytes a " +
    "connection, less is better. The ratios are of medians; native is Bun.serve or Deno.upgradeWebSocket, and all peers " +
    "but Beast and libwebsockets are on the same runtime.",
    resultTable(results),
  ].join("\n\n");
}
