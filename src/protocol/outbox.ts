// Bytes waiting to be written: frames are written one behind the other into slabs, so that a turn's frames leave in one
// write. Slabs of two sizes come from a process-wide pool; one that was taken is not touched again until it is recycled.

import { COPIED_OUT } from "../base/tuning.ts";
import { MAX_HEADER } from "./frame_header.ts";

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

const SMALL_POOL = new Pool(SMALL, 256), LARGE_POOL = new Pool(LARGE, 80);

/** The output of one connection. */
export class Outbox {
  /** How many bytes wait. */
  size = 0;
  #full: Uint8Array<ArrayBuffer>[] | undefined;
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
      giveBack(before);
      return this.#slab;
    }
    if (before) (this.#full ??= []).push(before.subarray(0, this.#used));
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
    if (this.size === 0) return undefined;
    const bytes = this.#full?.shift();
    if (bytes) {
      this.size -= bytes.length;
      return bytes;
    }
    const slab = this.#slab!, used = this.#used;
    this.size = this.#used = 0;
    this.#slab = undefined;
    if (used > COPIED_OUT) return slab.subarray(0, used);
    giveBack(slab);
    return slab.slice(0, used);
  }

  /** Takes back bytes that are written, once. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length > COPIED_OUT) giveBack(new Uint8Array(bytes.buffer));
  }

  /** Drops everything. */
  clear(): void {
    this.#full = undefined;
    if (this.#slab) giveBack(this.#slab);
    this.#slab = undefined;
    this.#used = this.size = 0;
  }
}

function giveBack(slab: Uint8Array<ArrayBuffer>): void {
  if (slab.length === SMALL) SMALL_POOL.give(slab);
  else if (slab.length === LARGE) LARGE_POOL.give(slab);
}

function slabOf(size: number): Uint8Array<ArrayBuffer> {
  return size <= SMALL ? SMALL_POOL.take() : size <= LARGE ? LARGE_POOL.take() : new Uint8Array(size);
}
