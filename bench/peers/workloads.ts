// The workloads, as a table.

import type { Answer, Job } from "./load.ts";
import type { BenchServer } from "../processes.ts";

/** A row. */
export interface Workload {
  readonly name: string;
  /** What is counted for each second of the server's CPU time; `null` where bytes of memory are told. */
  readonly unit: "messages" | "handshakes" | "deliveries" | null;
  /** Bytes of a message's payload. */
  readonly size?: number;
  readonly isText?: boolean;
  /** Whether the members of a fan-out offer compression. */
  readonly isCompressed?: boolean;
  /** Whether the faces beside the direct one take part, which would else take too much time. */
  readonly hasFaces?: boolean;
  /** How many times as long as another one it takes until its code is compiled. */
  readonly warmUpFactor?: number;
  readonly job: (server: BenchServer, isRaw: boolean, times: Times) => Job;
}

/** In seconds. */
export interface Times {
  readonly warmUp: number;
  readonly seconds: number;
}

type EchoRow = [connections: number, size: number, depth: number, type: "binary" | "text", faces?: "faces"];

const ECHO: readonly EchoRow[] = [
  [32, 20, 16, "binary", "faces"],
  [32, 20, 1, "binary", "faces"],
  [32, 1024, 16, "binary", "faces"],
  [32, 1024, 1, "binary"],
  [32, 16384, 1, "binary"],
  [32, 65536, 1, "binary", "faces"],
  [32, 20, 16, "text", "faces"],
  [32, 20, 1, "text"],
  [32, 1024, 16, "text"],
  [200, 20, 1, "binary"],
  [1, 20, 1, "binary"],
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

/** What each server has to do; `idle` is how many connections do nothing. */
export function workloads(idle: number): readonly Workload[] {
  return [
    ...ECHO.map(([connections, size, depth, type, faces]): Workload => ({
      name: `${connections} × ${sizeOf(size)} × ${depth} ${type}`,
      unit: "messages",
      size,
      isText: type === "text",
      hasFaces: faces !== undefined,
      job: ({ port, pid }, isRaw, times) => {
        return { kind: "echo", port, pid, connections, size, depth, isText: type === "text", isRaw, ...times };
      },
    })),
    ...FAN_OUT.map(([size, burst, depth, what, deaf = 0]): Workload => {
      const isCompressed = what !== "binary", members = MEMBERS - deaf, slow = deaf > 0 ? "skip" : "wait";
      return {
        name: `fan-out: ${sizeOf(size)} × ${burst} ${what}` + (deaf > 0 ? `, ${deaf} do not read` : ""),
        unit: "deliveries",
        size,
        isCompressed,
        job: ({ port, pid }, _, times) => {
          return { kind: "fan-out", port, pid, members, deaf, slow, size, burst, depth, isCompressed, ...times };
        },
      };
    }),
    {
      name: "handshake and close",
      unit: "handshakes",
      warmUpFactor: 3, // much more code, which runs a tenth as often
      job: ({ port, pid }, _, times) => ({ kind: "handshake", port, pid, connections: 16, ...times }),
    },
    {
      name: `memory of ${idle.toLocaleString("en")} idle`,
      unit: null,
      job: ({ port, pid }) => ({ kind: "memory", port, pid, connections: idle }),
    },
  ];
}

/** What is told of an answer: so many a second of CPU time, or bytes a connection. */
export function figureOf(answer: Exclude<Answer, { error: string }>, idle: number): number {
  return "bytes" in answer ? answer.bytes / idle : answer.count / answer.cpu;
}
