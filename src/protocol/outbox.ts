// The bytes of a connection that wait to be written. Frames are written one after another into slabs, so that all
// frames of an event loop turn leave in one write. Slabs have two sizes and come from pools that all connections share.
// One that was taken is not written to again until it is recycled.

import { COPIED_OUT } from "../base/tuning.ts";
import type { Burst, SharedBytes, SharedFrame } from "./shared_frame.ts";
import { giveBack, LARGE, slabOf } from "./slabs.ts";

/** What one connection has to write. */
export class Outbox {
  /** How many bytes of its own wait to be taken. */
  #size = 0;
  /** Slabs that were filled before the current one. */
  #full: Uint8Array<ArrayBuffer>[] | undefined;
  /** The shared bytes that were taken last. */
  #lent: Uint8Array<ArrayBuffer> | undefined;
  /** Bytes that others share, behind those slabs; while there are any, there is no current slab. */
  #shared: SharedBytes | undefined;
  #slab: Uint8Array<ArrayBuffer> | undefined;
  #used = 0;

  /** How many bytes wait to be taken. */
  get size(): number {
    return this.#shared === undefined ? this.#size : this.#size + this.#shared.bytes.length;
  }

  /** Gives a slab with room for `count` bytes at {@linkcode used}. */
  reserve(count: number): Uint8Array<ArrayBuffer> {
    if (this.#shared) this.#own(this.#shared, count);
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

  /** More comes behind shared bytes: copies them, so that all of it leaves in one write, unless that would be too much. */
  #own(shared: SharedBytes, count: number): void {
    const { bytes } = shared;
    if (bytes.length + count > LARGE) return this.#setAside(shared);
    this.#leave(shared);
    this.#size += bytes.length;
    this.#slab = slabOf(bytes.length + count);
    this.#slab.set(bytes);
    this.#used = bytes.length;
  }

  #leave(shared: SharedBytes): void {
    this.#shared = undefined;
    shared.onLeft();
  }

  /** Lets a burst of a group wait here, if nothing else does: frames that are added to it wait here, too. */
  join(burst: Burst): boolean {
    if (this.#shared || this.#size > 0) return false;
    this.#shared = burst;
    burst.holders++;
    return true;
  }

  #setAside(shared: SharedBytes): void {
    this.#leave(shared);
    (this.#full ??= []).push(shared.bytes);
    this.#size += shared.bytes.length;
  }

  /** Adds a frame that many outboxes share: without a copy, unless it comes behind a frame that only this one has. */
  share(frame: SharedFrame): void {
    const { bytes } = frame, { length } = bytes;
    if (this.#used > 0 && this.#used + length <= LARGE) {
      this.reserve(length).set(bytes, this.#used);
      return this.commit(this.#used + length);
    }
    if (this.#used > 0) {
      (this.#full ??= []).push(this.#slab!.subarray(0, this.#used));
      this.#slab = undefined;
      this.#used = 0;
    }
    const before = this.#shared, joined = before ? frame.behind(before) : frame;
    if (before && joined) this.#leave(before);
    else if (before) this.#setAside(before);
    this.#shared = joined ?? frame;
  }

  /** Where in the slab the next byte goes. */
  get used(): number {
    return this.#used;
  }

  /** The slab is now written up to `end`. */
  commit(end: number): void {
    this.#size += end - this.#used;
    this.#used = end;
  }

  /** Takes the next bytes to write, if any. They stay as they are until they are given to {@linkcode recycle}. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const full = this.#full?.shift(), shared = this.#shared;
    if (full) {
      this.#size -= full.length;
      return full;
    }
    if (shared) {
      this.#leave(shared);
      return this.#lent = shared.bytes;
    }
    if (this.#size === 0) return undefined;
    const slab = this.#slab!, used = this.#used;
    this.#size = this.#used = 0;
    this.#slab = undefined;
    if (used > COPIED_OUT) return slab.subarray(0, used);
    giveBack(slab);
    return slab.slice(0, used);
  }

  /**
   * Gives back bytes that are written, at most once: their slab is used again. A buffer is known for a slab by its size,
   * which that of shared bytes never has.
   */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes === this.#lent) this.#lent = undefined; // and nothing is asked of it, a million times a second
    else if (bytes.length > COPIED_OUT) giveBack(new Uint8Array(bytes.buffer));
  }
}
