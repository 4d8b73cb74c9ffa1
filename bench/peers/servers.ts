// The servers, as a table: ours and its peers, on each runtime that is there.

import { NEXT_NODE, nodeOf, type Runtimes } from "../../tests/kit/runtimes.ts";
import { fileURLToPath } from "node:url";
import { compiled } from "./compile.ts";
import type { Workload } from "./workloads.ts";

/** What a server is, whichever the runtime. */
export type Kind =
  | "direct"
  | "for-await"
  | "pipeTo"
  | "native"
  | "ws"
  | "ws corked"
  | "raw"
  | "Beast"
  | "Beast fast"
  | "lws";

export type Runtime = "Bun" | "Deno" | "Node" | "Node 26" | "C, C++";

/** The servers that are no JavaScript. */
const NATIVE_CODE: readonly Kind[] = ["Beast", "Beast fast", "lws"];

/** A row. */
export interface Peer {
  readonly name: string;
  readonly runtime: Runtime;
  readonly kind: Kind;
  readonly command: readonly string[];
  /** Whether it sends what one client says to all others; the others echo. */
  readonly fansOut?: boolean;
}

const KINDS: readonly [kind: Kind, file: string, options?: object][] = [
  ["direct", "ours", { face: "direct" }],
  ["for-await", "ours", { face: "for-await" }],
  ["pipeTo", "ours", { face: "pipeTo" }],
  ["native", "native"],
  ["ws", "ws", { perMessageDeflate: false }],
  ["ws corked", "ws", { perMessageDeflate: false, corked: true }],
  ["raw", "raw"],
  ["direct", "fan_out", { of: "ours" }],
  ["native", "fan_out", { of: "native" }],
  ["ws", "fan_out", { of: "ws" }],
];

/** Where a peer of what runs on a runtime runs. */
export function runtimeOf(peer: Kind, runtime: Runtime): Runtime {
  return NATIVE_CODE.includes(peer) ? "C, C++" : runtime;
}

/** What a server is called in tables. */
export function nameOf(runtime: Runtime, kind: Kind): string {
  if (kind === "lws") return "libwebsockets";
  if (NATIVE_CODE.includes(kind)) return kind;
  if (kind === "native") return runtime === "Bun" ? "Bun.serve" : "Deno.upgradeWebSocket";
  const name = ["direct", "for-await", "pipeTo"].includes(kind)
    ? `Handfast ${kind}`
    : kind === "raw"
    ? "raw TCP"
    : kind;
  return `${name} on ${runtime}`;
}

/** All that can run here. */
export async function servers({ bun, deno, node }: Runtimes): Promise<Peer[]> {
  const commands: [Runtime, readonly string[] | undefined][] = [
    ["Bun", bun],
    ["Deno", deno && [...deno, "run", "-A"]],
    ["Node", node],
    ["Node 26", nodeOf(NEXT_NODE)],
  ];
  const peers = commands.flatMap(([runtime, command]) => {
    return command
      ? KINDS.filter(([kind]) => kind !== "native" || !runtime.startsWith("Node")).map(([kind, file, options]) => {
        const path = fileURLToPath(new URL(`../servers/${file}.ts`, import.meta.url).href);
        const args = options ? [JSON.stringify(options)] : [];
        const fansOut = file === "fan_out";
        return { name: nameOf(runtime, kind), runtime, kind, command: [...command, path, ...args], fansOut };
      })
      : [];
  });
  return [...peers, ...await nativeServers()];
}

/** Those that can be compiled here. */
async function nativeServers(): Promise<Peer[]> {
  const [beast, lws] = await Promise.all([compiled("beast"), compiled("lws")]), runtime = "C, C++";
  const programs: [kind: Kind, program: string | undefined, ...args: string[]][] = [
    ["Beast", beast],
    ["Beast fast", beast, "fast"],
    ["lws", lws],
  ];
  return programs.flatMap(([kind, program, ...args]) => {
    return program ? [{ name: nameOf(runtime, kind), runtime, kind, command: [program, ...args] }] : [];
  });
}

/** Whether a server does a workload. */
export function takesPart({ kind, runtime, fansOut = false }: Peer, workload: Workload): boolean {
  const { unit, isText, hasFaces, isCompressed } = workload;
  if (fansOut !== (unit === "deliveries")) return false;
  if (fansOut) return !isCompressed || kind !== "native" || runtime === "Bun"; // Deno's server does not compress
  if (kind === "raw") return unit === "messages" && !isText; // bytes have no type
  if (kind === "for-await" || kind === "pipeTo") return hasFaces === true;
  return kind !== "ws corked" || unit === "messages";
}
