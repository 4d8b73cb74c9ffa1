// What the picture of a summary shows, as a table: groups of bars, one below the other.

import { type Cell, figure, told } from "./results.ts";
import { gain } from "./scaling.ts";
import type { Kind, Runtime } from "./servers.ts";

/** A group of bars. */
export interface Panel {
  readonly title: string;
  readonly note: string;
  readonly rows: readonly (readonly [runtime: Runtime, kinds: readonly Kind[]])[];
  /** The peers whose ratios are written beside our bars. */
  readonly ratios: readonly Kind[];
  /** How long a bar is; `undefined` where that was not measured. */
  value(cells: readonly Cell[], runtime: Runtime, kind: Kind): number | undefined;
  told(value: number): string;
}

const PEERS: readonly Kind[] = ["native", "ws", "Beast"];
const BESIDE: Panel["rows"] = [
  ["Bun", ["direct", "native", "ws"]],
  ["Deno", ["direct", "native", "ws"]],
  ["Node", ["direct", "ws"]],
];
const TCP = "More is better. TCP on one machine, no TLS, no compression.";

/** Figures of one workload. */
function of(workload: string, unit: Cell["unit"] = "messages"): Pick<Panel, "value" | "told"> {
  return {
    value: (cells, runtime, kind) => figure(cells, workload, runtime, kind),
    told: (value) => told(value, unit),
  };
}

export const PANELS: readonly Panel[] = [
  {
    title: "Echoed messages per second of the server's CPU time: 32 connections, 20 bytes, 16 in flight",
    note: TCP,
    rows: [
      ["Bun", ["direct", "for-await", "pipeTo", "native", "ws corked", "ws"]],
      ["Deno", ["direct", "for-await", "pipeTo", "native", "ws corked", "ws"]],
      ["Node", ["direct", "for-await", "pipeTo", "ws corked", "ws"]],
      ["Node 26", ["direct", "ws"]],
      ["C, C++", ["Beast", "Beast fast", "lws"]],
    ],
    ratios: PEERS,
    ...of("32 × 20 B × 16 binary"),
  },
  {
    title: "The same over TLS",
    note: "More is better.",
    rows: BESIDE,
    ratios: PEERS,
    ...of("TLS: 32 × 20 B × 16 binary"),
  },
  {
    title: "JSON of 1 KiB, compressed, without context takeover",
    note: "Per second of the server's CPU time: more is better.",
    rows: [...BESIDE, ["C, C++", ["Beast"]]],
    ratios: PEERS,
    ...of("32 × 1 KiB × 16 JSON, compressed, no takeover"),
  },
  {
    title: "Clients: text of 20 bytes, 16 in flight, per second of the client's CPU time",
    note: TCP,
    rows: [
      ["Bun", ["connect", "class", "own"]],
      ["Deno", ["connect", "class", "own"]],
      ["Node", ["connect", "class", "own", "undici", "ws client"]],
    ],
    ratios: ["own", "undici", "ws client"],
    ...of("client: 32 × 20 B × 16 text"),
  },
  {
    title: "Latency, 99 %, at half of what the slowest of a runtime can do",
    note: "Less is better. Runtimes have different loads.",
    rows: [["Bun", ["direct", "native"]], ["Deno", ["direct", "native"]], ["Node", ["direct", "ws"]]],
    ratios: ["native", "ws"],
    ...of("latency at half load: 99 %", "µs"),
  },
  {
    title: "Two processes on one port: how many times as many compressed messages a second as one",
    note: "More is better; 2 is all that two cores can give, and the load takes a part of them.",
    rows: [["Bun", ["direct", "native"]], ["Deno", ["direct"]], ["Node", ["direct", "ws"]]],
    ratios: [],
    value: gain,
    told: (value) => value.toFixed(2),
  },
];
