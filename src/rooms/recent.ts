// The last messages of a room while somebody catches up: by them who has read what is kept goes on without a hole, however
// fast messages come. Nothing is kept while nobody does.

import type { Delivery } from "./event.ts";

/** How much is kept: who is further behind reads again. */
const MAX_MESSAGES = 256, MAX_BYTES = 256 * 1024;

/** The messages after a number. */
export class Recent {
  /** The number before the first one. */
  after = 0;
  #deliveries: Delivery[] = [];
  #bytes = 0;
  #users = 0;

  /** Begins to keep what comes after this number, if nobody has begun. */
  begin(after: number): void {
    if (this.#users++ === 0) this.after = after;
  }

  end(): void {
    if (--this.#users > 0) return;
    this.#deliveries = [];
    this.#bytes = 0;
  }

  add(delivery: Delivery): void {
    if (this.#users === 0) return;
    this.#deliveries.push(delivery);
    this.#bytes += delivery.bytes;
    while (this.#deliveries.length > MAX_MESSAGES || this.#bytes > MAX_BYTES) {
      const dropped = this.#deliveries.shift()!;
      this.#bytes -= dropped.bytes;
      this.after = dropped.event.number!;
    }
  }

  /** Forgets what is kept: the room goes on behind a gap. */
  restart(after: number): void {
    this.#deliveries = [];
    this.#bytes = 0;
    this.after = after;
  }

  /** The messages after a number. */
  since(number: number): Delivery[] {
    const first = this.#deliveries.findLastIndex(({ event }) => event.number! <= number) + 1;
    return this.#deliveries.slice(first);
  }
}
