// Messages to a slow peer that wait outside of the outbox, where the oldest of them can still be thrown away. They are
// prepared, so that all slow peers share them.

import type { Prepared } from "../protocol/prepared_message.ts";

/** What each message is charged beside its bytes, so that empty messages are bounded, too. */
const OVERHEAD = 64;

/** The messages that one connection holds back. */
export class HeldMessages {
  /** What they are charged, in bytes. */
  size = 0;
  #messages: (Prepared | undefined)[] = [];
  /** Where the oldest one stands: `shift()` of a long array takes as long as it is. */
  #first = 0;

  get isEmpty(): boolean {
    return this.#first === this.#messages.length;
  }

  /**
   * Adds a message, and throws the oldest away while there are more bytes than `limit`; the new one stays.
   *
   * @returns How many were thrown away.
   */
  push(message: Prepared, limit: number): number {
    this.#messages.push(message);
    this.size += message.size + OVERHEAD;
    let dropped = 0;
    for (; this.size > limit && this.#messages.length - this.#first > 1; dropped++) this.shift();
    return dropped;
  }

  /** Takes the oldest one. */
  shift(): Prepared | undefined {
    const message = this.#messages[this.#first];
    if (!message) return undefined;
    this.#messages[this.#first++] = undefined;
    this.size -= message.size + OVERHEAD;
    if (2 * this.#first > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
    return message;
  }
}
