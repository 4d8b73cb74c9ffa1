// The last messages of a room while somebody catches up, or waits to: by them who has read what is kept goes on without a
// hole, however fast messages come, and who was full for a moment goes on where it was. Nothing is kept while nobody does.

import type { Delivery } from "./event.ts";

/**
 * How many bytes of messages are kept for a room: as many as may wait to be published, so that what is published in one
 * turn reaches all who read. Who is further behind reads from the relay.
 */
const MAX_BYTES = 16 * 1024 * 1024;

/** How many for all rooms together, and how many a room has in any case for who reads just now. */
const MAX_TOTAL = 64 * 1024 * 1024, LEAST_BYTES = 256 * 1024;

/** What a message takes beside its bytes. */
const OVERHEAD = 200;

/** What all rooms together keep, in bytes. */
export interface RecentTotal {
  bytes: number;
}

/** The messages after a number. */
export class Recent {
  /** The number before the first one. */
  after = 0;
  readonly #total: RecentTotal;
  /** What is before the index `#first` was dropped. */
  #deliveries: Delivery[] = [];
  #first = 0;
  #bytes = 0;
  #users = 0;

  constructor(total: RecentTotal = { bytes: 0 }) {
    this.#total = total;
  }

  /** Begins to keep what comes after this number, if nobody has begun. */
  begin(after: number): void {
    if (this.#users++ === 0) this.after = after;
  }

  end(): void {
    if (--this.#users === 0) this.#clear();
  }

  /** Keeps a message, whatever its size, and drops the oldest ones that are too much with it. */
  add(delivery: Delivery): void {
    if (this.#users === 0) return;
    this.#deliveries.push(delivery);
    this.#count(sizeOf(delivery));
    const max = this.isCrowded ? LEAST_BYTES : MAX_BYTES;
    while (this.#bytes > max && this.#deliveries.length - this.#first > 1) this.#dropFirst();
  }

  /** Whether all rooms together keep so much that nothing can be kept for who waits. */
  get isCrowded(): boolean {
    return this.#total.bytes > MAX_TOTAL;
  }

  #dropFirst(): void {
    const dropped = this.#deliveries[this.#first++]!;
    this.#count(-sizeOf(dropped));
    this.after = dropped.event.number!;
    if (this.#first * 2 < this.#deliveries.length) return;
    this.#deliveries = this.#deliveries.slice(this.#first);
    this.#first = 0;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#total.bytes += bytes;
  }

  #clear(): void {
    this.#deliveries = [];
    this.#first = 0;
    this.#count(-this.#bytes);
  }

  /** Forgets what is kept: the room goes on behind a gap. */
  restart(after: number): void {
    this.#clear();
    this.after = after;
  }

  /** The messages after a number. */
  since(number: number): Delivery[] {
    let low = this.#first, high = this.#deliveries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#deliveries[middle]!.event.number! > number) high = middle;
      else low = middle + 1;
    }
    return this.#deliveries.slice(low);
  }
}

const sizeOf = ({ bytes }: Delivery): number => OVERHEAD + bytes;
