// The servers, as a table: ours and its peers, on each runtime that is there.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NEXT_NODE, nodeOf, type Runtimes } from "../../tests/kit/runtimes.ts";
import { compiled } from "./compile.ts";
import type { Workload } from "./workloads.ts";

/** What a server is, whichever the runtime. */
export type Kind =
  | "direct"
  | "serve"
  | "for-await"
  | "pipeTo"
  | "native"
  | "ws"
  | "ws corked"
  | "raw"
  | "Beast"
  | "Beast fast"
  | "lws"
  | ClientKind;

/** What a client is. */
export type ClientKind = typeof CLIENT_KINDS[number];
const CLIENT_KINDS = ["connect", "class", "own", "undici", "ws client"] as const;

export function isClient(kind: Kind): kind is ClientKind {
  return CLIENT_KINDS.some((client) => client === kind);
}

export type Runtime = "Bun" | "Deno" | "Node" | "Node 26" | "C, C++";

/** What a server does with messages: it echoes them, over TCP, over TLS, or compressed by one process or two, or sends them to all. */
export type Service = "echo" | "TLS" | "deflate" | "two processes" | "fan-out";

/** The servers that are no JavaScript. */
const NATIVE_CODE: readonly Kind[] = ["Beast", "Beast fast", "lws"];

/** A row. */
export interface Peer {
  readonly name: string;
  readonly runtime: Runtime;
  readonly kind: Kind;
  readonly service: Service;
  /** How it is started, on a port where it shares one. */
  readonly command: (port: number) => readonly string[];
}

const pem = (name: string) => {
  return readFileSync(fileURLToPath(new URL(`../../tests/kit/tls/${name}.pem`, import.meta.url).href), "utf8");
};
const TLS = { cert: pem("localhost"), key: pem("localhost.key") };
/** The level that all have by default or can be given; a message of 1 KiB is compressed by all of them. */
const LEVEL = 6, THRESHOLD = 0;
const OURS_DEFLATE = { level: LEVEL, threshold: THRESHOLD };
const WS_DEFLATE = { zlibDeflateOptions: { level: LEVEL }, threshold: THRESHOLD };

const KINDS: readonly [service: Service, kind: Kind, file: string, options?: object][] = [
  ["echo", "direct", "ours", { face: "direct" }],
  ["echo", "serve", "ours", { face: "direct", door: "serve" }],
  ["echo", "for-await", "ours", { face: "for-await" }],
  ["echo", "pipeTo", "ours", { face: "pipeTo" }],
  ["echo", "native", "native"],
  ["echo", "ws", "ws", { perMessageDeflate: false }],
  ["echo", "ws corked", "ws", { perMessageDeflate: false, corked: true }],
  ["echo", "raw", "raw"],
  ["TLS", "direct", "ours", { door: "serve", ...TLS }],
  ["TLS", "native", "native", TLS],
  ["TLS", "ws", "ws", { perMessageDeflate: false, ...TLS }],
  ["deflate", "direct", "ours", { door: "serve", compression: OURS_DEFLATE }],
  ["deflate", "native", "native", { perMessageDeflate: true }],
  ["deflate", "ws", "ws", { perMessageDeflate: WS_DEFLATE }],
  ["two processes", "direct", "ours", { door: "serve", reusePort: true, compression: OURS_DEFLATE }],
  ["two processes", "native", "native", { reusePort: true, perMessageDeflate: true }],
  ["two processes", "ws", "ws", { reusePort: true, perMessageDeflate: WS_DEFLATE }],
  ["fan-out", "direct", "fan_out", { of: "ours" }],
  ["fan-out", "native", "fan_out", { of: "native" }],
  ["fan-out", "ws", "fan_out", { of: "ws" }],
];

/** What the next Node is measured at: enough to see what is different there. */
const ON_NEXT_NODE: readonly Kind[] = ["direct", "ws", "raw"];

/** Where a peer of what runs on a runtime runs. */
export function runtimeOf(peer: Kind, runtime: Runtime): Runtime {
  return NATIVE_CODE.includes(peer) ? "C, C++" : runtime;
}

const NAMES: Readonly<Partial<Record<Kind, string>>> = {
  "direct": "Handfast direct",
  "serve": "Handfast serve()",
  "for-await": "Handfast for-await",
  "pipeTo": "Handfast pipeTo",
  "raw": "raw TCP",
  "connect": "Handfast connect()",
  "class": "Handfast WebSocket",
};

/** What a server, or a client, is called in tables. */
export function nameOf(runtime: Runtime, kind: Kind): string {
  if (kind === "lws") return "libwebsockets";
  if (NATIVE_CODE.includes(kind)) return kind;
  if (kind === "native") return runtime === "Bun" ? "Bun.serve" : "Deno.upgradeWebSocket";
  if (kind === "own") return `WebSocket of ${runtime}`;
  return `${NAMES[kind] ?? kind} on ${runtime}`;
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
      ? KINDS.filter(([service, kind]) => isThere(service, kind, runtime)).map(([service, kind, file, options]) => {
        const path = fileURLToPath(new URL(`../servers/${file}.ts`, import.meta.url).href);
        const start = (port: number) => [...command, path, JSON.stringify({ ...options, ...(port > 0 && { port }) })];
        return { name: nameOf(runtime, kind), runtime, kind, service, command: start };
      })
      : [];
  });
  return [...peers, ...await nativeServers()];
}

/** Whether a runtime has such a server. */
function isThere(service: Service, kind: Kind, runtime: Runtime): boolean {
  if (runtime === "Node 26") return service === "echo" && ON_NEXT_NODE.includes(kind);
  if (kind === "native" && runtime === "Deno") return service !== "deflate" && service !== "two processes"; // it does not compress
  return kind !== "native" || runtime !== "Node";
}

/** Those that can be compiled here. */
async function nativeServers(): Promise<Peer[]> {
  const [beast, lws] = await Promise.all([compiled("beast"), compiled("lws")]), runtime = "C, C++";
  const programs: [service: Service, kind: Kind, program: string | undefined, ...args: string[]][] = [
    ["echo", "Beast", beast],
    ["echo", "Beast fast", beast, "fast"],
    ["echo", "lws", lws],
    ["deflate", "Beast", beast, "deflate"],
  ];
  return programs.flatMap(([service, kind, program, ...args]) => {
    return program ? [{ name: nameOf(runtime, kind), runtime, kind, service, command: () => [program, ...args] }] : [];
  });
}

/** Whether a server does a workload. */
export function takesPart({ kind, runtime, service }: Peer, workload: Workload): boolean {
  const { unit, isText, breadth, isBrief = false, isCompressed } = workload;
  if (service !== workload.service) return false;
  if (isBrief && kind !== "raw" && !isBeside(kind, runtime)) return false;
  if (service === "fan-out") return !isCompressed || kind !== "native" || runtime === "Bun"; // Deno's does not compress
  if (service !== "echo") return true;
  if (kind === "serve") return unit === "handshakes" || unit === "bytes"; // its messages go the same way
  if (kind === "raw" && (unit === "handshakes" || unit === "bytes" || isText)) return false; // bytes have no type
  if (kind === "for-await" || kind === "pipeTo" || kind === "ws corked") return breadth === "faces";
  return breadth !== undefined || runtime !== "Node 26" && (kind !== "ws" || runtime === "Node");
}

/** Ours, and what an application on this runtime would use instead. */
function isBeside(kind: Kind, runtime: Runtime): boolean {
  return runtime !== "Node 26" && (kind === "direct" || kind === (runtime === "Node" ? "ws" : "native"));
}
