// The messages of an echo, made beforehand: a connection sends them one after the other, and then from the first on again.

import { Deflater } from "../../src/protocol/deflate.ts";
import { clientFrame, concat, payload } from "../peers/wire.ts";

/** Frames, and what is in them. */
export class Ring {
  readonly payloads: readonly Uint8Array[];
  readonly #all: Uint8Array;
  /** Where each frame begins; twice, so that any of them is followed by as many as there are. */
  readonly #starts: readonly number[];

  constructor(payloads: readonly Uint8Array[], frames: readonly Uint8Array[]) {
    this.payloads = payloads;
    const twice = [...frames, ...frames], starts = [0];
    for (const { length } of twice) starts.push(starts.at(-1)! + length);
    this.#all = concat(twice);
    this.#starts = starts;
  }

  get length(): number {
    return this.payloads.length;
  }

  /** So many frames, at most as many as there are, from one on. */
  batch(from: number, count: number): Uint8Array {
    const at = from % this.length;
    return this.#all.subarray(this.#starts[at], this.#starts[at + count]);
  }
}

/** Messages that differ by their beginnings. */
export function plainRing(isText: boolean, size: number, depth: number): Ring {
  const payloads = Array.from({ length: depth }, (_, i) => payload(isText, size, i));
  return new Ring(payloads, payloads.map((payload) => clientFrame(isText, payload)));
}

/** How many compressed messages there are: together more than a window. */
const COMPRESSED = 128;
const LEVEL = 6, MEM_LEVEL = 8;

/** Those that were made, by the parameters: each takes a while. */
const rings = new Map<string, Ring>();

/**
 * About 1 KiB of JSON each, compressed as a client does whose server has answered with these parameters (RFC 7692 §7.1).
 * The first one refers to nothing before it, and each of the others to what has come before it whichever time it is sent:
 * so they can be sent from the first on again, although the window is kept.
 */
export function compressedRing(parameters: string): Ring {
  const windowBits = Number(/client_max_window_bits="?(\d+)/.exec(parameters)?.[1] ?? 15);
  const takesOver = !parameters.includes("client_no_context_takeover");
  const made = rings.get(parameters);
  if (made) return made;
  const deflater = new Deflater({ windowBits: Math.max(9, windowBits), level: LEVEL, memLevel: MEM_LEVEL, takesOver });
  const payloads = Array.from({ length: COMPRESSED }, (_, i) => json(i));
  const frames = payloads.map((payload) => clientFrame(true, deflater.compress(payload, true), true));
  const ring = new Ring(payloads, frames);
  rings.set(parameters, ring);
  return ring;
}

/** About 1 KiB of JSON, each told from the others. */
export function json(index: number): Uint8Array {
  const users = Array.from({ length: 15 }, (_, i) => ({
    id: index * 31 + i,
    name: `user ${(index * 7919 + i * 104729) % 100003}`,
    tags: ["alpha", "beta", "gamma"].slice(0, 1 + (index + i) % 3),
    score: ((index * 2654435761 + i * 40503) % 1000) / 10,
  }));
  return new TextEncoder().encode(JSON.stringify({ type: "update", at: 1_700_000_000 + index, users }));
}
