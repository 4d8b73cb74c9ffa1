// Shows that costs grow with what they are for, and no faster: with the bytes of a message, with the fragments that it
// comes in, with the bytes of a head that comes byte by byte. Each step is compared with the straight line, a fixed cost
// and a cost for each unit, that is nearest to all steps.

import { Protocol } from "../src/protocol.ts";
import { FIN, headerSizeFor, OPCODE, writeHeader } from "../src/frame.ts";
import { HeadReader } from "../src/head.ts";
import { mask } from "../src/mask.ts";
import type { ProtocolOptions } from "../src/messages.ts";
import { sized } from "../tests/cases/requests_base.ts";
import { latin1 } from "../tests/harness.ts";
import { ascii } from "./inputs.ts";

/** What grows: how many units there are of it, and what costs. */
interface Step {
  readonly units: number;
  readonly run: () => void;
}

const KEY = 0x37fa213d, CHUNK = 65536, MIB = 2 ** 20;

// ---- what is timed

function machine(role: "client" | "server", options?: ProtocolOptions): { protocol: Protocol; received(): number } {
  let length = 0;
  const protocol = new Protocol({ role, protocol: "", extensions: "" }, {
    message: (message) => void (length = message.length),
    close() {},
    fail(error) {
      throw error;
    },
  }, options);
  return { protocol, received: () => length };
}

/** A client's message in so many frames, as equal as may be. */
function framesOf(opcode: number, payload: Uint8Array, count = 1): Uint8Array {
  const wire = new Uint8Array(payload.length + 14 * count);
  let used = 0;
  for (let i = 0; i < count; i++) {
    const [start, end] = [i, i + 1].map((part) => Math.floor(part * payload.length / count)) as [number, number];
    const first = (i === count - 1 ? FIN : 0) | (i === 0 ? opcode : OPCODE.continuation);
    const at = used + headerSizeFor(end - start, true);
    writeHeader(wire, used, first, end - start, KEY);
    wire.set(payload.subarray(start, end), at);
    used = at + end - start;
    mask(wire, at, used, KEY);
  }
  return wire.subarray(0, used);
}

/** Receives a message in chunks, each copied first, since the machine unmasks it in place. */
function receive(units: number, size: number, wire: Uint8Array): Step {
  const { protocol, received } = machine("server"), buffer = new Uint8Array(CHUNK);
  return {
    units,
    run() {
      for (let at = 0; at < wire.length; at += CHUNK) {
        const chunk = buffer.subarray(0, Math.min(CHUNK, wire.length - at));
        chunk.set(wire.subarray(at, at + CHUNK));
        protocol.receive(chunk);
      }
      if (received() !== size) throw new Error(`${received()} bytes of ${size} have come`);
    },
  };
}

function send(role: "client" | "server", size: number): Step {
  const { protocol } = machine(role, { maskKey: () => KEY }), message = ascii(size);
  const expected = size + headerSizeFor(size, role === "client");
  return {
    units: size,
    run() {
      protocol.send(message);
      let length = 0;
      for (let bytes; (bytes = protocol.take());) {
        length += bytes.length;
        protocol.recycle(bytes);
      }
      if (length !== expected) throw new Error(`${length} bytes of ${expected} are sent`);
    },
  };
}

/** What a message costs at least: its bytes copied in, into memory of its own. */
function copy(size: number): Step {
  const wire = ascii(size), buffer = new Uint8Array(CHUNK);
  return {
    units: size,
    run() {
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; at += CHUNK) {
        const chunk = buffer.subarray(0, Math.min(CHUNK, size - at));
        chunk.set(wire.subarray(at, at + CHUNK));
        bytes.set(chunk, at);
      }
      if (bytes[size - 1] !== wire[size - 1]) throw new Error("Not all was copied");
    },
  };
}

function head(size: number): Step {
  const bytes = Array.from(latin1(sized(size)), (byte) => Uint8Array.of(byte));
  return {
    units: size,
    run() {
      const reader = new HeadReader(16384, 1);
      let read;
      for (const byte of bytes) read = reader.push(byte);
      if (!read || "failure" in read) throw new Error("The head is not read");
    },
  };
}

const SIZES = Array.from({ length: 8 }, (_, i) => 1024 * 4 ** i);

const FAMILIES: readonly [name: string, unit: string, steps: () => Step[]][] = [
  ["copying, for comparison", "byte", () => SIZES.map(copy)],
  [
    "a binary message, received by a server",
    "byte",
    () => SIZES.map((size) => receive(size, size, framesOf(OPCODE.binary, ascii(size)))),
  ],
  [
    "a text message, received by a server",
    "byte",
    () => SIZES.map((size) => receive(size, size, framesOf(OPCODE.text, ascii(size)))),
  ],
  ["a binary message, sent by a server", "byte", () => SIZES.map((size) => send("server", size))],
  ["a binary message, sent by a client", "byte", () => SIZES.map((size) => send("client", size))],
  [
    "1 MiB in fragments, received by a server",
    "fragment",
    () =>
      [1, 10, 100, 1000, 10_000, 100_000].map((count) =>
        receive(count, MIB, framesOf(OPCODE.binary, ascii(MIB), count))
      ),
  ],
  ["a head, byte by byte", "byte", () => [256, 512, 1024, 2048, 4096, 8192, 16384].map(head)],
];

// ---- how it is timed and judged

/** How often each step is timed, for how long at least each time, and how far above the line one may be. */
const ROUNDS = 15, SAMPLE = 3, LIMIT = 1.3;

/** Milliseconds a run, for each step. In turns, so that what disturbs one disturbs all. */
function time(steps: readonly Step[]): number[] {
  const samples: number[][] = steps.map(() => []), repeats = steps.map(calibrate);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { run }] of steps.entries()) {
      const start = performance.now();
      for (let n = 0; n < repeats[i]!; n++) run();
      samples[i]!.push((performance.now() - start) / repeats[i]!);
    }
  }
  return samples.map((list) => list.sort((a, b) => a - b)[list.length >> 1]!);
}

/** Warms up, and says how many runs make a sample. */
function calibrate({ run }: Step): number {
  const start = performance.now();
  let runs = 0;
  do run(); while (++runs < 3 || performance.now() - start < 30);
  return Math.ceil(SAMPLE * runs / (performance.now() - start));
}

/** The line a + b·n with the least squares of relative distances, so that a step counts as much as any; a is not below 0. */
function lineThrough(units: readonly number[], times: readonly number[]): (units: number) => number {
  let [w, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0];
  for (const [i, x] of units.entries()) {
    const y = times[i]!, weight = 1 / y ** 2;
    w += weight;
    wx += weight * x;
    wxx += weight * x * x;
    wy += weight * y;
    wxy += weight * x * y;
  }
  const b = (w * wxy - wx * wy) / (w * wxx - wx * wx), a = (wy - b * wx) / w;
  return a < 0 ? (x) => wxy / wxx * x : (x) => a + b * x;
}

for (const [name, unit, steps] of FAMILIES) {
  const list = steps(), times = time(list), units = list.map((step) => step.units);
  const line = lineThrough(units, times);
  const each = (line(2) - line(1)) * 1e6;
  console.log(`\n${name}: ${(line(0) * 1000).toFixed(2)} µs, and ${each.toFixed(3)} ns for each ${unit}\n`);
  console.log(`| ${unit}s | µs | ns for each | to the line | |\n| ---: | ---: | ---: | ---: | --- |`);
  for (const [i, n] of units.entries()) {
    const ratio = times[i]! / line(n);
    const cells = [n, (times[i]! * 1000).toFixed(1), (times[i]! * 1e6 / n).toFixed(3), ratio.toFixed(2)];
    console.log(`| ${cells.join(" | ")} | ${ratio > LIMIT ? "ABOVE" : "within"} ${LIMIT} × |`);
  }
}
