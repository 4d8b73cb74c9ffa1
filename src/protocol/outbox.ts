// The bytes of a connection that wait to be written. Frames are written one after another into slabs, so that all
// frames of an event loop turn leave in one write. Slabs have two sizes and come from pools that all connections share.
// One that was taken is not written to again until it is recycled.

import { COPIED_OUT } from "../base/tuning.ts";
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

/** What one connection has to write. */
export class Outbox {
  /** How many bytes wait to be taken. */
  size = 0;
  /** Slabs that were filled before the current one. */
  #full: Uint8Array<ArrayBuffer>[] | undefined;
  #slab: Uint8Array<ArrayBuffer> | undefined;
  #used = 0;

  /** Gives a slab with room for `count` bytes at {@linkcode used}. */
  reserve(count: number): Uint8Array<ArrayBuffer> {
    const need = this.#used + count;
    if (this.#slab && need <= this.#slab.length) return this.#slab;
    const before = this.#slab;
    if (before && need <= LARGE) { // moves from a small slab to a large one, so that the frames stay in one write
      this.#slab = slabOf(need);
      this.#slab.set(before.subarray(0, this.#used));
      giveBack(before);
      return this.#slab;
    }
    if (before) (this.#full ??= []).push(before.subarray(0, this.#used));
    this.#used = 0;
    return this.#slab = slabOf(count);
  }

  /** Where in the slab the next byte goes. */
  get used(): number {
    return this.#used;
  }

  /** The slab is now written up to `end`. */
  commit(end: number): void {
    this.size += end - this.#used;
    this.#used = end;
  }

  /** Takes the next bytes to write, if any. They stay as they are until they are given to {@linkcode recycle}. */
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

  /** Gives back bytes that are written, at most once: their slab is used again. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length > COPIED_OUT) giveBack(new Uint8Array(bytes.buffer));
  }
}

function giveBack(slab: Uint8Array<ArrayBuffer>): void {
  if (slab.length === SMALL) SMALL_POOL.give(slab);
  else if (slab.length === LARGE) LARGE_POOL.give(slab);
}

function slabOf(size: number): Uint8Array<ArrayBuffer> {
  return size <= SMALL ? SMALL_POOL.take() : size <= LARGE ? LARGE_POOL.take() : new Uint8Array(size);
}
