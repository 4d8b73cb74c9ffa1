// Bytes waiting to be written: frames are written one behind the other into slabs, so that a turn's frames leave in one
// write. Slabs of two sizes come from a process-wide pool; one that was taken is not touched again until it is recycled.

import { MAX_HEADER } from "./frame.ts";
const SMALL = 2048;
/** The size of the largest slab that is used again: a frame of 64 KiB has its place in it. */
export const LARGE = 65536 + MAX_HEADER;

/** Free slabs of one size, at most `limit`. */
class Pool {
  #free: Uint8Array<ArrayBuffer>[] = [];
  readonly size: number;
  readonly #limit: number;

  constructor(size: number, limit: number) {
    this.size = size;
    this.#limit = limit;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? new Uint8Array(this.size);
  }

  give(slab: Uint8Array<ArrayBuffer>): void {
    if (this.#free.length < this.#limit) this.#free.push(slab);
  }
}

const POOLS = [new Pool(SMALL, 256), new Pool(LARGE, 32)] as const;

/** The output of one connection. */
export class Outbox {
  /** How many bytes wait. */
  size = 0;
  #full: Uint8Array<ArrayBuffer>[] = [];
  #slab: Uint8Array<ArrayBuffer> | undefined;
  #used = 0;

  /** A slab with room for `count` bytes behind {@linkcode used}. */
  reserve(count: number): Uint8Array<ArrayBuffer> {
    const need = this.#used + count;
    if (this.#slab && need <= this.#slab.length) return this.#slab;
    const before = this.#slab;
    if (before && need <= LARGE) { // grows out of the small size: the frames stay in one write
      this.#slab = slabOf(need);
      this.#slab.set(before.subarray(0, this.#used));
      this.recycle(before);
      return this.#slab;
    }
    if (before) this.#full.push(before.subarray(0, this.#used));
    this.#used = 0;
    return this.#slab = slabOf(count);
  }

  /** Where the next byte goes in the slab. */
  get used(): number {
    return this.#used;
  }

  /** Says that the slab is written up to `end`. */
  commit(end: number): void {
    this.size += end - this.#used;
    this.#used = end;
  }

  /** The next bytes to write, or `undefined`. They stay as they are until they are given to {@linkcode recycle}. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    let bytes = this.#full.shift();
    if (!bytes && this.#slab && this.#used > 0) {
      bytes = this.#slab.subarray(0, this.#used);
      this.#slab = undefined;
      this.#used = 0;
    }
    if (bytes) this.size -= bytes.length;
    return bytes;
  }

  /** Takes back bytes that are written, once. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    const pool = POOLS.find((pool) => pool.size === bytes.buffer.byteLength);
    pool?.give(new Uint8Array(bytes.buffer));
  }

  /** Drops everything. */
  clear(): void {
    this.#full = [];
    if (this.#slab) this.recycle(this.#slab);
    this.#slab = undefined;
    this.#used = this.size = 0;
  }
}

function slabOf(size: number): Uint8Array<ArrayBuffer> {
  const pool = POOLS.find((pool) => size <= pool.size);
  return pool ? pool.take() : new Uint8Array(size);
}
