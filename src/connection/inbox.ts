// Messages that were received and that nobody has taken yet, in order. They are charged to the high-water mark, so that
// what a peer can make us keep is bounded in bytes and in number; the receiver decides when it is full.

import { ownedOf } from "../base/owned_bytes.ts";
import { MESSAGE_OVERHEAD, type ReceivedOrPieces as Received } from "./incoming_pieces.ts";

export type { Received };

/** A queue of messages. */
export class Inbox {
  #messages: Received[] = [];
  /** How many at the beginning were taken: shifting an array of thousands costs as much as it is long. */
  #taken = 0;
  /** What the messages that wait are charged, in bytes. */
  charge = 0;

  get isEmpty(): boolean {
    return this.#taken === this.#messages.length;
  }

  /** Adds a message; a view of a chunk is copied, since the chunk's memory may be read into again. */
  push(message: Received): void {
    this.#messages.push(keptOf(message));
    this.charge += chargeOf(message);
  }

  /** Takes the oldest message; there must be one. */
  shift(): Received {
    const message = this.#messages[this.#taken]!;
    this.charge -= chargeOf(message);
    this.#messages[this.#taken++] = ""; // so that the inbox does not keep it alive
    if (this.isEmpty) this.clear();
    else if (this.#taken >= 1024 && 2 * this.#taken >= this.#messages.length) {
      this.#messages.splice(0, this.#taken); // it may never become empty
      this.#taken = 0;
    }
    return message;
  }

  /** Throws everything away. */
  clear(): void {
    this.#messages = [];
    this.#taken = 0;
    this.charge = 0;
  }
}

/** A message that stays as it is. */
export function keptOf(message: Received): Received {
  return ArrayBuffer.isView(message) ? ownedOf(message) : message;
}

/** What a message is charged, in bytes: of one in pieces, the pieces are charged by themselves. */
export function chargeOf(message: Received): number {
  const isWhole = typeof message === "string" || ArrayBuffer.isView(message);
  return isWhole ? MESSAGE_OVERHEAD + message.length : MESSAGE_OVERHEAD;
}
