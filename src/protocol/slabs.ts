// The memory that frames are written into: slabs of two sizes, from pools that all connections share.

import { MAX_HEADER } from "./frame_header.ts";

const SMALL = 2048;

/** The size of the larger slabs: a frame with 64 KiB of payload fits. */
export const LARGE = 65536 + MAX_HEADER;

/** Free slabs of one size, at most `limit` of them. */
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

/** Gives a buffer back, if it is a slab. */
export function giveBack(slab: Uint8Array<ArrayBuffer>): void {
  if (slab.length === SMALL) SMALL_POOL.give(slab);
  else if (slab.length === LARGE) LARGE_POOL.give(slab);
}

/** A slab with room for so many bytes, or a buffer of that size where none is as large. */
export function slabOf(size: number): Uint8Array<ArrayBuffer> {
  return size <= SMALL ? SMALL_POOL.take() : size <= LARGE ? LARGE_POOL.take() : new Uint8Array(size);
}

/** A buffer for so many bytes that is never taken for a slab: those are known by their sizes. */
export function bufferOf(size: number): Uint8Array<ArrayBuffer> {
  return size === SMALL || size === LARGE ? new Uint8Array(size + 1).subarray(0, size) : new Uint8Array(size);
}
