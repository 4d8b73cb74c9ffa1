// What a run gives: its figures, and where they were measured; and the table of them.

import { median } from "../processes.ts";
import { isClient, type Kind, nameOf, type Runtime, runtimeOf } from "./servers.ts";
import type { Unit, Workload } from "./workloads.ts";

/** The figures of a server at a workload, one a round. */
export interface Cell {
  readonly workload: string;
  /** The name of the workload that it is a part of: its own where there are no parts. */
  readonly of?: string;
  readonly unit: Unit;
  readonly size?: number | undefined;
  readonly runtime: Runtime;
  readonly kind: Kind;
  readonly figures: number[];
}

/** The empty cells of a workload: one of each server, or one of each part. */
export function cellsOf(
  { name, unit, size, parts }: Pick<Workload, "name" | "unit" | "size" | "parts">,
  peers: readonly { readonly runtime: Runtime; readonly kind: Kind }[],
): Cell[] {
  return (parts ?? [undefined]).flatMap((part) => {
    return peers.map(({ runtime, kind }): Cell => {
      const workload = part === undefined ? name : `${name}: ${part}`;
      return { workload, of: name, unit, size, runtime, kind, figures: [] };
    });
  });
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
  /** How many messages a second the load of latency was, by runtime. */
  readonly rates?: Readonly<Partial<Record<Runtime, number>>>;
  readonly cells: readonly Cell[];
}

/** Who ours is compared with, on the same runtime or in C++. */
export const PEERS: readonly Kind[] = ["native", "ws", "ws corked", "raw", "Beast", "Beast fast", "lws"];

/** The same of our clients. */
const CLIENT_PEERS: readonly Kind[] = ["own", "undici", "ws client"];

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

/** A figure with its unit, where it is one of time; others are so many a second, or bytes. */
export function told(value: number, unit: Unit): string {
  if (unit !== "µs") return short(value);
  return value < 1000 ? `${value.toFixed(0)} µs` : `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} ms`;
}

/** The tables of a run: of servers, and of clients, each beside its peers. */
export function resultTable({ cells }: Pick<Results, "cells">): string {
  const measured = cells.filter(({ figures }) => figures.length > 0);
  const ofClients = measured.filter(({ kind }) => isClient(kind)),
    ofServers = measured.filter(({ kind }) => !isClient(kind));
  return [
    ...ofServers.length > 0 ? [tableOf("server", ofServers, PEERS)] : [],
    ...ofClients.length > 0 ? [tableOf("client", ofClients, CLIENT_PEERS)] : [],
  ].join("\n");
}

function tableOf(what: string, cells: readonly Cell[], peers: readonly Kind[]): string {
  const head = ["workload", what, "median", "min–max", "MB", ...peers.map((kind) => `÷ ${kind}`)];
  const rows = cells.map(({ workload, unit, size, runtime, kind, figures }) => {
    const middle = median(figures);
    const ratios = peers.map((peer) => {
      const other = figure(cells, workload, runtime, peer);
      return other === undefined || peer === kind ? "" : (middle / other).toFixed(2);
    });
    const bytes = size === undefined ? "" : (middle * size / 1e6).toFixed(1);
    const range = `${told(Math.min(...figures), unit)}–${told(Math.max(...figures), unit)}`;
    return [workload, nameOf(runtime, kind), told(middle, unit), range, bytes, ...ratios];
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

/** How much half load was. */
export function halfLoads(runs: readonly Results[]): string {
  const names = [...new Set(runs.flatMap(({ rates = {} }) => Object.keys(rates)))] as Runtime[];
  const rates = names.map((name) =>
    `${name} ${runs.flatMap(({ rates }) => rates?.[name] ?? []).map(short).join(" / ")}`
  );
  return rates.length > 0 ? `Half load, messages a second: ${rates.join(", ")}.` : "";
}

/** A run as a page. */
export function page(results: Results): string {
  const { date, machine, cores, versions, settings } = results;
  return [
    `# Handfast and its peers, ${date.slice(0, 10)}`,
    `${machine}, ${cores} cores; ${list(versions)}. ${list(settings)}. ${disturbed([results])} ${halfLoads([results])}`,
    "Messages, handshakes, deliveries and megabytes of payload per second of CPU time, the server's or the client's: " +
    "more is better. Latency, and memory in bytes a connection: less is better. The ratios are of medians; native is Bun.serve or Deno.upgradeWebSocket, and all peers " +
    "but Beast and libwebsockets are on the same runtime.",
    resultTable(results),
  ].join("\n\n");
}
