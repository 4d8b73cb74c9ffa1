// Gathers bytes that come in pieces, such as the payload of a message, in one buffer. The buffer grows with the bytes that
// have come, not with the length that a header declares: a header alone allocates nothing. Because it at least doubles,
// many small pieces cost what their bytes cost.

import { markOwn } from "./owned_bytes.ts";
import { raiseMallocThreshold } from "./tuning.ts";

/** Once this many bytes have come, the declared length is allocated at once: growing on would cost more than reading. */
const TRUST_FROM = 2 ** 18;

/** From this size on a buffer without a declared length grows fourfold: each buffer it outgrows stays in memory a while. */
const QUADRUPLE_FROM = 2 ** 20;

/** From this size on a buffer is large to the C library. */
const LARGE_FROM = 2 ** 13;

const EMPTY = new Uint8Array();

/** Builds one run of bytes after the other. */
export class ByteBuilder {
  /** How many bytes were added. */
  length = 0;
  #buffer = EMPTY;
  readonly #most: number;

  /** @param most The caller never adds more than this: the buffer does not grow beyond it. */
  constructor(most = Infinity) {
    this.#most = most;
  }

  /**
   * Adds `bytes[start, end)`.
   *
   * @param limit The length that all of it is going to have, once that is known; otherwise `Infinity`.
   */
  add(bytes: Uint8Array, start: number, end: number, limit: number): void {
    const length = this.length + end - start;
    if (length > this.#buffer.length) this.#grow(length, limit);
    this.#buffer.set(bytes.subarray(start, end), this.length);
    this.length = length;
  }

  #grow(length: number, limit: number): void {
    const size = this.#sizeFor(length, limit);
    if (size >= LARGE_FROM && limit < Infinity) raiseMallocThreshold();
    // transfer() frees the old buffer at once: until its garbage collection, a message would take twice the memory
    this.#buffer = this.#buffer === EMPTY ? new Uint8Array(size) : new Uint8Array(this.#buffer.buffer.transfer(size));
  }

  #sizeFor(length: number, limit: number): number {
    if (this.length >= TRUST_FROM && limit < Infinity) return Math.max(length, limit);
    const factor = this.length >= QUADRUPLE_FROM && limit === Infinity ? 4 : 2;
    const grown = factor * (this.length > 0 || limit === Infinity ? this.#buffer.length : length);
    return Math.max(length, Math.min(limit, this.#most, grown));
  }

  /** Gives all bytes, which are the caller's to keep; then it is empty. */
  take(): Uint8Array<ArrayBuffer> {
    // A copy, if the caller would otherwise hold on to a buffer of more than twice the size
    const isLoose = this.#buffer.length > 2 * this.length;
    const bytes = isLoose ? this.#buffer.slice(0, this.length) : this.#buffer.subarray(0, this.length);
    if (isLoose || bytes.length === this.#buffer.length) markOwn(bytes);
    this.clear();
    return bytes;
  }

  /** Drops all bytes. */
  clear(): void {
    this.length = 0;
    this.#buffer = EMPTY;
  }
}
