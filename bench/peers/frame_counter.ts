// Counts the messages in what a server sends, by the headers of its frames alone.

import { concat } from "./wire.ts";

/** What has come of one connection. */
export class FrameCounter {
  /** How many bytes are missing of a payload. */
  #left = 0;
  /** What has come of a header. */
  #head: Uint8Array | undefined;

  /** Whether nothing is missing of the last message. */
  get isBetween(): boolean {
    return this.#left === 0 && this.#head === undefined;
  }

  /** How many messages end in the chunk; throws for a frame that is no whole message. */
  count(chunk: Uint8Array): number {
    let count = 0, at = 0;
    if (this.#head) {
      chunk = concat([this.#head, chunk]);
      this.#head = undefined;
    }
    while (at < chunk.length) {
      if (this.#left > 0) {
        const used = Math.min(this.#left, chunk.length - at);
        this.#left -= used;
        at += used;
        if (this.#left === 0) count++;
        continue;
      }
      const short = chunk[at + 1]!, size = short === undefined ? Infinity : short < 126 ? 2 : short === 126 ? 4 : 10;
      if (at + size > chunk.length) {
        this.#head = chunk.slice(at);
        break;
      }
      if ((chunk[at]! & 8) !== 0 || chunk[at]! < 128) throw new Error(`Not a whole message: ${chunk[at]}`);
      this.#left = short < 126
        ? short
        : short === 126
        ? chunk[at + 2]! << 8 | chunk[at + 3]!
        : (chunk[at + 7]! << 16) + (chunk[at + 8]! << 8) + chunk[at + 9]!;
      at += size;
      if (this.#left === 0) count++;
    }
    return count;
  }
}
