// What Handfast is to reach beside its peers, as ratios of medians: data for bench/peers/summary.ts.

import { type Kind, type Runtime, runtimeOf } from "./servers.ts";

/** A row. */
export interface Target {
  readonly workload: string;
  readonly runtime: Runtime;
  readonly kind: Kind;
  readonly peer: Kind;
  /** The least ratio, or with `isMost` the highest: less memory, and less latency, is better. */
  readonly ratio: number;
  readonly isMost: boolean;
}

const SMALL = "32 × 20 B × 16 binary", IDLE = "memory of 10,000 idle";
const CLIENT = "client: 32 × 20 B × 16 text", CLIENT_LARGE = "client: 32 × 1 KiB × 1 binary";
const LATENCY = "latency at half load: 99 %";
/** Where less is better. */
const LESS = [IDLE, LATENCY];

/** A workload, our face, and the ratios: each runtime to one of its peers. */
type Row = [workload: string, kind: Kind, ratios: readonly [Runtime, ratio: number, peer: Kind][]];

const ROWS: readonly Row[] = [
  [SMALL, "direct", [["Bun", 1, "native"], ["Bun", 12, "ws"]]],
  [SMALL, "direct", [["Deno", 9, "native"], ["Deno", 10, "ws"], ["Node", 9, "ws"]]],
  [SMALL, "direct", [["Bun", 7, "Beast"], ["Deno", 7, "Beast"], ["Node", 7, "Beast"]]],
  [SMALL, "for-await", [["Bun", 0.8, "native"], ["Deno", 5.5, "native"], ["Node", 7, "ws"]]],
  [SMALL, "pipeTo", [["Bun", 0.65, "native"], ["Deno", 6, "native"], ["Node", 3.5, "ws"]]],
  ["32 × 20 B × 16 text", "direct", [["Bun", 0.9, "native"], ["Deno", 6, "native"], ["Node", 9, "ws"]]],
  ["32 × 1 KiB × 16 binary", "direct", [["Bun", 1.1, "native"], ["Deno", 6, "native"], ["Node", 7, "ws"]]],
  ["32 × 20 B × 1 binary", "direct", [["Bun", 0.95, "native"], ["Deno", 0.95, "native"], ["Node", 1, "ws"]]],
  ["32 × 20 B × 1 binary", "direct", [["Bun", 0.75, "raw"], ["Deno", 0.85, "raw"], ["Node", 0.8, "raw"]]],
  ["32 × 64 KiB × 1 binary", "direct", [["Bun", 1.1, "native"], ["Deno", 1.1, "native"], ["Node", 1.6, "ws"]]],
  ["handshake and close", "direct", [["Bun", 0.85, "native"], ["Deno", 0.78, "native"], ["Node", 1.4, "ws"]]],
  [SMALL, "direct", [["Node 26", 9, "ws"]]],
  ["32 × 1 KiB × 16 binary", "direct", [["Node 26", 7, "ws"]]],
  ["32 × 64 KiB × 1 binary", "direct", [["Node 26", 2, "ws"]]],
  ["handshake and close", "direct", [["Node 26", 1.4, "ws"]]],
  [IDLE, "direct", [["Node 26", 1, "ws"]]],
  ["fan-out: 20 B × 1 binary", "direct", [["Bun", 0.9, "native"], ["Deno", 1.4, "ws"], ["Node", 1.3, "ws"]]],
  ["fan-out: 1 KiB × 1 binary", "direct", [["Bun", 0.9, "native"], ["Deno", 1.4, "ws"], ["Node", 1.3, "ws"]]],
  ["fan-out: 16 KiB × 1 binary", "direct", [["Bun", 1.3, "native"], ["Deno", 1.1, "ws"], ["Node", 1.1, "ws"]]],
  ["fan-out: 20 B × 16 binary", "direct", [["Bun", 1, "native"], ["Deno", 4, "ws"], ["Node", 4, "ws"]]],
  ["fan-out: 1 KiB × 1 JSON, compressed", "direct", [["Bun", 1, "native"], ["Bun", 10, "ws"]]],
  ["fan-out: 1 KiB × 1 JSON, compressed", "direct", [["Deno", 10, "ws"], ["Node", 10, "ws"]]],
  [CLIENT, "connect", [["Bun", 9, "own"], ["Deno", 4.5, "own"], ["Node", 9, "undici"], ["Node", 8, "ws client"]]],
  [CLIENT, "class", [["Bun", 5, "own"], ["Deno", 3, "own"], ["Node", 5, "own"], ["Node", 5, "undici"]]],
  [CLIENT_LARGE, "class", [["Bun", 1, "own"], ["Deno", 1, "own"], ["Node", 1, "own"], ["Node", 1, "undici"]]],
  [LATENCY, "direct", [["Bun", 1.1, "native"], ["Deno", 1, "native"], ["Node", 1, "ws"]]],
  [IDLE, "direct", [["Bun", 2, "native"], ["Deno", 0.7, "native"], ["Node", 1, "ws"]]],
  [IDLE, "serve", [["Deno", 0.7, "native"]]], // where the listener is ours: none of Deno's streams are made
];

/** All of them. */
export const TARGETS: readonly Target[] = ROWS.flatMap(([workload, kind, ratios]) => {
  return ratios.map(([runtime, ratio, peer]) => ({
    workload,
    kind,
    runtime,
    ratio,
    peer,
    isMost: LESS.includes(workload),
  }));
});

/** Whether a target is about what a server, or a client, does at a workload, or about a part of it. */
export function isTarget(
  workload: string,
  { runtime, kind }: { readonly runtime: Runtime; readonly kind: Kind },
): boolean {
  return TARGETS.some((target) => {
    if (target.workload !== workload && !target.workload.startsWith(`${workload}: `)) return false;
    return target.runtime === runtime && target.kind === kind ||
      runtimeOf(target.peer, target.runtime) === runtime && target.peer === kind;
  });
}
