// Gathers bytes that come in pieces, such as the payload of a message, in one buffer. Memory is allocated for the bytes that
// have come, not for the length that a header declares: a header alone allocates nothing, and the declared length is
// allocated once half of it is there. Up to then, or where no length is known, a large run is a list of blocks, which are
// not copied when it grows.

import { isMarked, markOwn } from "./owned_bytes.ts";
import { LARGE_FROM, raiseMallocThreshold } from "./tuning.ts";

/** Up to this many bytes one buffer doubles, and is copied; from here on blocks are added. */
const BLOCKS_FROM = 2 ** 18;

/** Buffers between these sizes are kept when they are given back: the last ones, up to so many, and so many bytes. */
const SPARE_FROM = 2 ** 13, SPARE_UP_TO = 2 ** 20, MOST_SPARES = 64, MOST_SPARE_BYTES = 2 ** 22;

const EMPTY = new Uint8Array();

/** Buffers that were given back, the last one last. */
const spares: Uint8Array<ArrayBuffer>[] = [];

/** Gives bytes back that were taken of a builder, once: nobody else may have them, or their buffer. */
export function recycle({ buffer }: Uint8Array<ArrayBuffer>): void {
  const { byteLength } = buffer;
  if (byteLength < SPARE_FROM || byteLength > SPARE_UP_TO) return;
  spares.push(new Uint8Array(buffer));
  while (spares.length > MOST_SPARES || spareBytes() > MOST_SPARE_BYTES) spares.shift();
}

/** The same of bytes that may be a view of something else, such as of a chunk: only what carries our mark is kept. */
export function recycleOwn(bytes: Uint8Array<ArrayBuffer>): void {
  if (isMarked(bytes)) recycle(bytes);
}

/** What the spare buffers have: somebody who was done with one may have transferred it all the same. */
function spareBytes(): number {
  let bytes = 0;
  for (const { length } of spares) bytes += length;
  return bytes;
}

/** A spare buffer that is large enough, and not twice that; what it is larger has none of the bytes of before. */
function takeSpare(size: number): Uint8Array<ArrayBuffer> | undefined {
  const at = spares.findLastIndex(({ length }) => size <= length && length < 2 * size);
  if (at < 0) return undefined;
  return spares.splice(at, 1)[0]!.fill(0, size);
}

/** Builds one run of bytes after the other. */
export class ByteBuilder {
  /** How many bytes were added. */
  length = 0;
  /** The buffer that is being filled: it has all bytes that are not in a block. */
  #buffer = EMPTY;
  /** Blocks that are full, and how many bytes they have. */
  #blocks: Uint8Array<ArrayBuffer>[] | undefined;
  #inBlocks = 0;
  /** Where {@linkcode prepare} joins the blocks, and how far it has got. */
  #whole: Uint8Array<ArrayBuffer> | undefined;
  #joined = 0;
  readonly #most: number;

  /** @param most The caller never adds more than this: nothing is allocated beyond it. */
  constructor(most = Infinity) {
    this.#most = most;
  }

  /**
   * Adds `bytes[start, end)`.
   *
   * @param limit The length that all of it is going to have, once that is known; otherwise `Infinity`.
   * @throws {RangeError} When there is no memory for it.
   */
  add(bytes: Uint8Array, start: number, end: number, limit: number): void {
    const length = this.length + end - start;
    if (length - this.#inBlocks > this.#buffer.length) {
      if (this.length >= BLOCKS_FROM) start = this.#addBlock(bytes, start, end, limit);
      else this.#grow(length, limit);
    }
    this.#buffer.set(bytes.subarray(start, end), this.length - this.#inBlocks);
    this.length = length;
  }

  #grow(length: number, limit: number): void {
    const grown = 2 * (this.length > 0 || limit === Infinity ? this.#buffer.length : length);
    const size = Math.max(length, Math.min(limit, this.#most, grown));
    const found = this.#buffer === EMPTY ? takeSpare(size) : undefined;
    if (found) return void (this.#buffer = found);
    if (size >= LARGE_FROM && limit < Infinity) raiseMallocThreshold();
    // transfer() frees the old buffer at once: until its garbage collection, a message would take twice the memory
    this.#buffer = this.#buffer === EMPTY ? new Uint8Array(size) : new Uint8Array(this.#buffer.buffer.transfer(size));
  }

  /** Fills the buffer, and makes another for the rest; returns where the rest begins. */
  #addBlock(bytes: Uint8Array, start: number, end: number, limit: number): number {
    const used = this.length - this.#inBlocks, room = this.#buffer.length - used, needed = end - start - room;
    const half = limit / 2, isHalfway = this.length + end - start > half;
    // A new block is half as large as what is there, but ends at half of the limit, where the blocks are joined
    const most = Math.min(Math.ceil(half), this.#most) - this.length - room;
    const next = isHalfway ? undefined : new Uint8Array(Math.max(needed, Math.min(most, this.length / 2 | 0)));
    this.#buffer.set(bytes.subarray(start, start + room), used);
    this.length += room;
    if (next) {
      (this.#blocks ??= []).push(this.#buffer);
      this.#inBlocks = this.length;
      this.#buffer = next;
    } else this.#join(Math.max(this.length + needed, limit));
    return start + room;
  }

  /** Joins the blocks in one buffer, whose pages come as it fills. Each block is freed as soon as it is copied. */
  #join(size: number): void {
    raiseMallocThreshold();
    const whole = new Uint8Array(size), last = this.#buffer.subarray(0, this.length - this.#inBlocks);
    let at = 0;
    for (const block of [...this.#blocks ?? [], last]) {
      whole.set(block, at);
      at += block.length;
      block.buffer.transfer(0);
    }
    this.#buffer = whole;
    this.#blocks = undefined;
    this.#inBlocks = 0;
  }

  /**
   * Does a part of what {@linkcode take} has to do for a large run: memory that was not in use is slow to fill.
   *
   * @param count How many bytes to copy at most.
   * @returns Whether `take()` has nothing left to copy; then it must be called next.
   * @throws {RangeError} When there is no memory for all of them in one piece.
   */
  prepare(count: number): boolean {
    const blocks = this.#blocks;
    if (!blocks) return true;
    if (!this.#whole) {
      raiseMallocThreshold();
      this.#whole = new Uint8Array(this.length);
      blocks.push(this.#buffer.subarray(0, this.length - this.#inBlocks));
    }
    for (let left = count, block; left > 0 && (block = blocks[0]);) {
      const part = block.subarray(0, left);
      this.#whole.set(part, this.#joined);
      this.#joined += part.length;
      left -= part.length;
      if (part.length < block.length) blocks[0] = block.subarray(part.length);
      else blocks.shift()!.buffer.transfer(0); // freed as soon as it is copied
    }
    if (blocks.length > 0) return false;
    this.#buffer = this.#whole;
    this.#whole = this.#blocks = undefined;
    this.#inBlocks = this.#joined = 0;
    return true;
  }

  /**
   * Returns all bytes, which the caller may keep, and leaves the builder empty.
   *
   * @throws {RangeError} When there is no memory for all of them in one piece.
   */
  take(): Uint8Array<ArrayBuffer> {
    this.prepare(Infinity);
    // A copy, if the caller would otherwise hold on to a buffer of more than twice the size
    const isLoose = this.#buffer.length > 2 * this.length;
    const bytes = isLoose ? this.#buffer.slice(0, this.length) : this.#buffer.subarray(0, this.length);
    if (isLoose || bytes.length === this.#buffer.length) markOwn(bytes);
    this.clear();
    return bytes;
  }

  /** Drops all bytes. */
  clear(): void {
    this.length = this.#inBlocks = this.#joined = 0;
    this.#buffer = EMPTY;
    this.#blocks = this.#whole = undefined;
  }
}
