// What a case is, and the words in which the rows of the `cases_*.ts` files are written: a row names what is sent and what
// has to come back, `group()` numbers it and gives it its section.

import { continuation, type Frame } from "./wire.ts";

export interface Turn {
  readonly send: Iterable<Frame>;
  /** What the server answers, in order, before the next turn begins. */
  readonly expect: readonly Frame[];
  /** Half-closes the connection behind what was sent. */
  readonly end?: boolean;
}

export interface Case {
  readonly id: string;
  readonly name: string;
  readonly section: string;
  readonly turns: readonly Turn[];
  /** How many octets each write takes; a turn is one write if absent. */
  readonly chop?: number;
}

export type Row = { readonly name: string; readonly chop?: number } & (Turn | { readonly turns: readonly Turn[] });

/** Cases `id.1`, `id.2`, … for the clauses in `section`. */
export function group(id: string, section: string, rows: readonly Row[]): Case[] {
  return rows.map((row, index) => ({
    id: `${id}.${index + 1}`,
    name: row.name,
    section: `RFC 6455 ${section}`,
    turns: "turns" in row ? row.turns : [row],
    ...(row.chop && { chop: row.chop }),
  }));
}

/** The same row in writes of `octets`. */
export function chopped(row: Row, octets = 1): Row {
  return { ...row, name: `${row.name}, in writes of ${octets}`, chop: octets };
}

/** The row, and the row in writes of one octet. */
export function bothWays(row: Row): Row[] {
  return [row, chopped(row)];
}

/** A row whose messages come back as they were sent. */
export function echoed(name: string, ...messages: Frame[]): Row {
  return { name, send: messages, expect: messages };
}

/** `message` in fragments of `size` octets, made while they are asked for; an empty one stays a single frame. */
export function fragments(message: Frame, size: number): Iterable<Frame> {
  const { opcode, payload } = message;
  return {
    *[Symbol.iterator]() {
      for (let at = 0; at === 0 || at < payload.length; at += size) {
        const part = { payload: payload.subarray(at, at + size), fin: at + size >= payload.length };
        yield at === 0 ? { opcode, ...part } : continuation(part.payload, part);
      }
    },
  };
}

/** `message` in two fragments, the first of `size` octets. */
export function split(message: Frame, size: number): Frame[] {
  const { opcode, payload } = message;
  return [{ opcode, payload: payload.subarray(0, size), fin: false }, continuation(payload.subarray(size))];
}

const LARGEST_SAMPLE = 1 << 24;
const samples = new Map<string, Uint8Array>();

/** A view of octets that are made once; no two places look alike, so that nothing can be moved unseen. */
function sample(kind: string, length: number, octet: (noise: number) => number): Uint8Array {
  const size = Math.max(length, 1 << 17) > 1 << 17 ? LARGEST_SAMPLE : 1 << 17;
  const key = `${kind} ${size}`;
  let made = samples.get(key);
  if (!made) {
    made = new Uint8Array(size);
    for (let i = 0; i < size; i++) made[i] = octet(Math.imul(i + 1, 0x9e3779b1) >>> 16);
    samples.set(key, made);
  }
  return made.subarray(0, length);
}

/** Octets of every value. */
export function octets(length: number): Uint8Array {
  return sample("octets", length, (noise) => noise & 255);
}

/** Printable ASCII, which is UTF-8 wherever it is cut. */
export function letters(length: number): Uint8Array {
  return sample("letters", length, (noise) => 32 + noise % 95);
}
