// The workloads, as a table.

import type { BenchServer } from "../processes.ts";
import type { Measured } from "../echo/load.ts";
import { type Latencies, SHARES } from "../latency/load.ts";
import type { Grown } from "../memory/load.ts";
import type { Job, Result } from "./load.ts";
import type { Service } from "./servers.ts";

/** A row. */
export interface Workload {
  readonly name: string;
  /** The servers that do it. */
  readonly service: Service;
  /** What is counted for each second of the server's CPU time, or what else is told. */
  readonly unit: Unit;
  /** Where a job gives several figures: what each of them is. */
  readonly parts?: readonly string[];
  /** What is told of a result: what `unit` says otherwise. */
  readonly figuresOf?: (result: Result) => readonly number[];
  /** Whether only ours takes part, and what an application on that runtime would use instead. */
  readonly isBrief?: boolean;
  /** Bytes of a message's payload. */
  readonly size?: number;
  readonly isText?: boolean;
  /** Whether the members of a fan-out offer compression. */
  readonly isCompressed?: boolean;
  /** Who takes part of those that would take too much time everywhere: see takesPart(). */
  readonly breadth?: Breadth | undefined;
  /** How many times as long as another one it takes until its code is compiled. */
  readonly warmUpFactor?: number;
  /** How many times as long as another one it is measured. */
  readonly durationFactor?: number;
  /** What is driven to see how much a server can do, where the load is a share of what the slowest of a runtime can. */
  readonly capacity?: (server: BenchServer, isRaw: boolean, times: Times) => Job;
  readonly job: (server: BenchServer, isRaw: boolean, times: Times, rate: number) => Job;
}

/** Messages, handshakes and deliveries a second of CPU time; microseconds of latency; or bytes of memory. */
export type Unit = "messages" | "handshakes" | "deliveries" | "µs" | "bytes";

/** Everybody; or all but the other faces and ws corked. */
export type Breadth = "faces" | "peers";

/** In seconds. */
export interface Times {
  readonly warmUp: number;
  readonly seconds: number;
}

type EchoRow = [connections: number, size: number, depth: number, type: "binary" | "text", breadth?: Breadth];

const ECHO: readonly EchoRow[] = [
  [32, 20, 16, "binary", "faces"],
  [32, 20, 1, "binary", "peers"],
  [32, 1024, 16, "binary", "faces"],
  [32, 1024, 1, "binary"],
  [32, 16384, 1, "binary"],
  [32, 65536, 1, "binary", "peers"],
  [32, 20, 16, "text", "faces"],
  [32, 20, 1, "text"],
  [32, 1024, 16, "text"],
  [200, 20, 1, "binary"],
  [1, 20, 1, "binary"],
];

const TLS: readonly EchoRow[] = [
  [32, 20, 16, "binary"],
  [32, 1024, 16, "binary"],
];

type FanOutRow = [size: number, burst: number, depth: number, what: "binary" | "JSON, compressed", deaf?: number];

/** How many members get each message. */
const MEMBERS = 1000;

const FAN_OUT: readonly FanOutRow[] = [
  [20, 1, 4, "binary"],
  [1024, 1, 4, "binary"],
  [16384, 1, 4, "binary"],
  [20, 16, 1, "binary"],
  [1024, 1, 4, "JSON, compressed"],
  [1024, 1, 4, "binary", MEMBERS / 10],
];

function sizeOf(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`;
}

function echo(service: Service, prefix: string, [connections, size, depth, type, breadth]: EchoRow): Workload {
  const isText = type === "text", isSecure = service === "TLS";
  return {
    name: `${prefix}${connections} × ${sizeOf(size)} × ${depth} ${type}`,
    service,
    unit: "messages",
    size,
    isText,
    breadth,
    job: ({ port, pids }, isRaw, times) => {
      return { kind: "echo", port, pids, connections, size, depth, isText, isRaw, isSecure, ...times };
    },
  };
}

function fanOut([size, burst, depth, what, deaf = 0]: FanOutRow): Workload {
  const isCompressed = what !== "binary", members = MEMBERS - deaf, slow = deaf > 0 ? "skip" : "wait";
  return {
    name: `fan-out: ${sizeOf(size)} × ${burst} ${what}` + (deaf > 0 ? `, ${deaf} do not read` : ""),
    service: "fan-out",
    unit: "deliveries",
    size,
    isCompressed,
    job: ({ port, pid }, _, times) => {
      return { kind: "fan-out", port, pid, members, deaf, slow, size, burst, depth, isCompressed, ...times };
    },
  };
}

/** JSON of about 1 KiB, with windows that are kept from message to message or are not. */
function compressed(compression: "takeover" | "no takeover"): Workload {
  const traffic = { connections: 32, size: 1024, depth: 16, isText: true, isRaw: false, compression };
  return {
    name: "32 × 1 KiB × 16 JSON, compressed" + (compression === "takeover" ? "" : ", no takeover"),
    service: "deflate",
    unit: "messages",
    size: 1024,
    job: ({ port, pids }, _, times) => ({ kind: "echo", port, pids, ...traffic, ...times }),
  };
}

/** The workloads of one port, by how many processes have it, and their parts. */
export const ONE_PORT: Readonly<Record<number, string>> = { 1: "one port, one process", 2: "one port, two processes" };
export const PER_SECOND = "per second", PER_CPU_SECOND = "per CPU second";
export const BUSIER = "connections of the busier process";

/** The compressed echo, which keeps the servers busy and not the load, by one process and by two on one port. */
function onePort(processes: 1 | 2): Workload {
  const { job } = compressed("no takeover");
  return {
    name: ONE_PORT[processes]!,
    service: processes === 1 ? "deflate" : "two processes",
    unit: "messages",
    isBrief: true,
    parts: [PER_SECOND, PER_CPU_SECOND, BUSIER].slice(0, processes + 1),
    figuresOf: (result) => {
      const { count, wall, cpu, most } = result as Measured;
      return [count / wall, count / cpu, most!].slice(0, processes + 1);
    },
    job,
  };
}

/** What each message takes while the load is half of what the slowest of the servers can do. */
function latency(): Workload {
  const traffic = { connections: 32, size: 20, depth: 1, isText: false };
  return {
    name: "latency at half load",
    service: "echo",
    unit: "µs",
    isBrief: true,
    figuresOf: (result) => (result as Latencies).microseconds,
    parts: SHARES.map((share) => `${share * 100} %`),
    warmUpFactor: 10, // whatever is still compiled beside it, on the same core, shows in milliseconds
    durationFactor: 4,
    capacity: ({ port, pids }, isRaw, times) => ({ kind: "echo", port, pids, isRaw, ...traffic, ...times }),
    job: ({ port }, isRaw, times, rate) => ({ kind: "latency", port, rate, isRaw, ...traffic, ...times }),
  };
}

/** What each server has to do; `idle` is how many connections do nothing. */
export function workloads(idle: number): readonly Workload[] {
  return [
    ...ECHO.map((row) => echo("echo", "", row)),
    ...TLS.map((row) => echo("TLS", "TLS: ", row)),
    compressed("takeover"),
    compressed("no takeover"),
    onePort(1),
    onePort(2),
    latency(),
    ...FAN_OUT.map(fanOut),
    {
      name: "handshake and close",
      service: "echo",
      unit: "handshakes",
      breadth: "peers",
      warmUpFactor: 12, // much more code, which runs a tenth as often
      durationFactor: 3,
      job: ({ port, pid }, _, times) => ({ kind: "handshake", port, pid, connections: 16, ...times }),
    },
    {
      name: `memory of ${idle.toLocaleString("en")} idle`,
      service: "echo",
      unit: "bytes",
      breadth: "peers",
      figuresOf: (result) => [(result as Grown).bytes / idle],
      job: ({ port, pid }) => ({ kind: "memory", port, pid, connections: idle }),
    },
  ];
}

/** What is told of a result, by the parts of a workload: what was done in a second of CPU time, unless it says otherwise. */
export function perCpuSecond(result: Result): readonly number[] {
  const { count, cpu } = result as Measured;
  return [count / cpu];
}
