// A payload that comes in pieces, in one buffer that grows by doubling, or more, up to what was declared: a header alone
// allocates nothing, and many small pieces cost what their bytes cost.

import { markOwn } from "./owned_bytes.ts";
import { raiseMallocThreshold } from "./tuning.ts";

/** Once there is as much as this, what was declared is allocated at once: from here on growing costs more than reading. */
const EARNEST = 2 ** 18;

/** From here on what grows without a known end does so by more: what it has outgrown stays in memory for a while. */
const QUADRUPLED = 2 ** 20;

const EMPTY = new Uint8Array();

const LARGE = 2 ** 13;

/** Pieces of one message. */
export class ByteBuilder {
  /** How many bytes there are. */
  length = 0;
  #bytes = EMPTY;
  readonly #most: number;

  /** @param most More than this is never added: the buffer does not grow beyond it. */
  constructor(most = Infinity) {
    this.#most = most;
  }

  /**
   * Adds `bytes[start, end)`.
   *
   * @param limit How long the message is going to be, once its last frame has said so; otherwise `Infinity`.
   */
  add(bytes: Uint8Array, start: number, end: number, limit: number): void {
    const length = this.length + end - start;
    if (length > this.#bytes.length) {
      const factor = this.length >= QUADRUPLED && limit === Infinity ? 4 : 2;
      const grown = factor * (this.length > 0 || limit === Infinity ? this.#bytes.length : length);
      const isEarnest = this.length >= EARNEST && limit < Infinity;
      const size = Math.max(length, isEarnest ? limit : Math.min(limit, this.#most, grown));
      if (size >= LARGE && limit < Infinity) raiseMallocThreshold();
      // What was too small is freed at once: as garbage it would double the memory that a message takes
      this.#bytes = this.#bytes === EMPTY ? new Uint8Array(size) : new Uint8Array(this.#bytes.buffer.transfer(size));
    }
    this.#bytes.set(bytes.subarray(start, end), this.length);
    this.length = length;
  }

  /** All bytes, which are the caller's from now on; begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    // Nobody keeps more than twice what the message takes
    const isLoose = this.#bytes.length > 2 * this.length;
    const bytes = isLoose ? this.#bytes.slice(0, this.length) : this.#bytes.subarray(0, this.length);
    if (isLoose || bytes.length === this.#bytes.length) markOwn(bytes);
    this.clear();
    return bytes;
  }

  /** Begins anew. */
  clear(): void {
    this.length = 0;
    this.#bytes = EMPTY;
  }
}
