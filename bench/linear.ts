// Shows that costs grow with what they are for, and no faster: with the bytes of a message, with the fragments that it
// comes in, with the bytes of a head that comes byte by byte. Each step is compared with a straight line, a fixed cost and
// a cost for each unit. Memory itself is dearer in large pieces, and what is in no cache any more: copying as many bytes
// from and to the like shows it. A new page may be dearer by far, so that the best of many runs is judged, and the median
// shown.

import { Buffer } from "node:buffer";
import process from "node:process";
import { Protocol } from "../src/protocol/protocol.ts";
import { FIN, headerSizeFor, OPCODE, writeHeader } from "../src/protocol/frame_header.ts";
import { HeadReader } from "../src/http/head_reader.ts";
import { mask } from "../src/protocol/mask.ts";
import type { ProtocolOptions } from "../src/protocol/contract.ts";
import { sized } from "../tests/cases/requests_base.ts";
import { latin1 } from "../tests/kit/harness.ts";
import { ascii } from "./inputs.ts";

/** What grows: how many units there are of it, and what costs. */
interface Step {
  readonly units: number;
  readonly run: () => void;
}

const KEY = 0x37fa213d, CHUNK = 65536, MIB = 2 ** 20;

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

/**
 * Receives a message in chunks, each copied first, since the machine unmasks it in place. A long one repeats a chunk: as
 * from a socket, what comes is in the cache.
 */
function receive(units: number, size: number, wire: Uint8Array): Step {
  const { protocol, received } = machine("server"), buffer = new Uint8Array(CHUNK);
  const isOne = units === size;
  return {
    units,
    run() {
      for (let at = 0; at < wire.length; at += CHUNK) {
        const from = isOne ? Math.min(at, CHUNK) : at, count = Math.min(CHUNK, wire.length - at);
        const chunk = buffer.subarray(0, count);
        chunk.set(wire.subarray(from, from + count));
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

/** What a message that is received costs at least: its bytes copied in, and into memory of its own; text is a string, too. */
function copyIn(size: number, isText = false): Step {
  const wire = ascii(Math.min(size, CHUNK)), buffer = new Uint8Array(CHUNK);
  return {
    units: size,
    run() {
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; at += CHUNK) {
        const chunk = buffer.subarray(0, Math.min(CHUNK, size - at));
        chunk.set(wire);
        bytes.set(chunk, at);
      }
      const { length } = isText ? Buffer.from(bytes.buffer).toString("latin1") : bytes;
      if (length !== size || bytes[size - 1] !== wire.at(-1)) throw new Error("Not all was copied");
    },
  };
}

/** What one that is sent costs at least: its bytes copied from where the caller has them, into memory that is used again. */
function copyOut(size: number): Step {
  const message = ascii(size), count = Math.ceil(size / CHUNK);
  const slabs = Array.from({ length: count }, () => new Uint8Array(CHUNK));
  return {
    units: size,
    run() {
      for (const [i, slab] of slabs.entries()) slab.set(message.subarray(i * CHUNK, (i + 1) * CHUNK));
      if (slabs[count - 1]![(size - 1) % CHUNK] !== message[size - 1]) throw new Error("Not all was copied");
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

/** What is timed, and what its memory alone costs, where that is copying. */
const FAMILIES: readonly [name: string, unit: string, steps: () => Step[], copy?: (size: number) => Step][] = [
  [
    "a binary message, received by a server",
    "byte",
    () => SIZES.map((size) => receive(size, size, framesOf(OPCODE.binary, ascii(size)))),
    copyIn,
  ],
  [
    "a text message, received by a server",
    "byte",
    () => SIZES.map((size) => receive(size, size, framesOf(OPCODE.text, ascii(size)))),
    (size) => copyIn(size, true),
  ],
  ["a binary message, sent by a server", "byte", () => SIZES.map((size) => send("server", size)), copyOut],
  ["a binary message, sent by a client", "byte", () => SIZES.map((size) => send("client", size)), copyOut],
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

/**
 * How often steps are made anew, how often each is timed then, for how many milliseconds at least, and how far above the
 * line one may be. Where their memory comes to lie decides much of what long ones cost.
 */
const SETS = 15, ROUNDS = 9, SAMPLE = 4, LIMIT = 1.3;

/** Milliseconds of the process, so that nobody else's count. */
function now(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** What a step takes, in milliseconds a run: undisturbed, and usually. */
interface Timed {
  readonly best: number;
  readonly usual: number;
}

/** Times steps in turns, so that what disturbs one disturbs all. */
function time(make: () => readonly Step[]): Timed[] {
  const samples: number[][] = [];
  for (let set = 0; set < SETS; set++) {
    const steps = make(), repeats = steps.map(calibrate);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, { run }] of steps.entries()) {
        const start = now();
        for (let n = 0; n < repeats[i]!; n++) run();
        (samples[i] ??= []).push((now() - start) / repeats[i]!);
      }
    }
  }
  return samples.map((list) => ({ best: Math.min(...list), usual: median(list) }));
}

/** Warms up, and says how many runs make a sample. */
function calibrate({ run }: Step): number {
  const start = now();
  let runs = 0;
  do run(); while (++runs < 3 || now() - start < 30);
  return Math.ceil(SAMPLE * runs / (now() - start));
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

/** A straight line: what it costs at all, and for each unit. */
interface Line {
  readonly fixed: number;
  readonly each: number;
}

const at = ({ fixed, each }: Line, units: number) => fixed + each * units;

/** The line that most steps are near to: one that is far away does not pull it. */
function lineThrough(units: readonly number[], times: readonly number[]): Line {
  let best = Infinity, line: Line = { fixed: 0, each: 0 };
  // The fixed cost in units: none, or anything up to the largest step
  for (let share = 0; share <= units.at(-1)!; share = 1.02 * share || units[0]! / 100) {
    const costs = units.map((n, i) => times[i]! / (share + n)), each = median(costs);
    const distance = costs.reduce((sum, cost) => sum + Math.abs(Math.log(cost / each)), 0);
    if (distance < best) [best, line] = [distance, { fixed: share * each, each }];
  }
  return line;
}

/** Milliseconds that steps take above their line, where they are above it. */
function excesses(units: readonly number[], times: readonly number[]): number[] {
  const line = lineThrough(units, times);
  return units.map((n, i) => Math.max(0, times[i]! - at(line, n)));
}

for (const [name, unit, steps, copy] of FAMILIES) {
  const units = steps().map((step) => step.units), timed = time(() => [...steps(), ...copy ? units.map(copy) : []]);
  const memory = timed.splice(units.length).map(({ best }) => best);
  const line = lineThrough(units, timed.map(({ best }) => best)), per = (line.each * 1e6).toFixed(2);
  const dearer = copy ? excesses(units, memory) : units.map(() => 0);
  console.log(`\n${name}: ${(line.fixed * 1000).toFixed(2)} µs, and ${per} ns for each ${unit}\n`);
  console.log(
    `| ${unit}s | best, µs | median, µs | ns for each | to the line | memory above its line, µs | to both | |`,
  );
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
  for (const [i, { best, usual }] of timed.entries()) {
    const n = units[i]!, straight = at(line, n), ratio = best / (straight + dearer[i]!);
    const microseconds = [best, usual].map((time) => (time * 1e3).toFixed(1));
    const memoryCells = [copy ? (dearer[i]! * 1e3).toFixed(1) : "–", ratio.toFixed(2)];
    const cells = [n, ...microseconds, (best * 1e6 / n).toFixed(2), (best / straight).toFixed(2), ...memoryCells];
    console.log(`| ${cells.join(" | ")} | ${ratio > LIMIT ? "ABOVE" : "within"} ${LIMIT} × |`);
  }
}
