// Messages that wait for the next connection, within a bound: a copy of each, since its owner may write to it meanwhile.

import { bytesOf, snapshotOf } from "../base/owned_bytes.ts";
import type { Message } from "../protocol/contract.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";

/** Each message is charged so many bytes beside its own: very many empty ones would fill the memory, too. */
const OVERHEAD = 64;

interface Waiting {
  readonly message: string | Uint8Array<ArrayBuffer>;
  readonly size: number;
}

/** A queue of messages that were not sent yet. */
export class WaitingMessages {
  readonly #limit: number;
  #messages: (Waiting | undefined)[] = [];
  /** Where the oldest one stands: `shift()` of a long array takes as long as it is. */
  #first = 0;
  /** How many bytes wait, with what they are charged. */
  size = 0;

  /** @param limit How many bytes may wait. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isEmpty(): boolean {
    return this.#first === this.#messages.length;
  }

  /**
   * Keeps a message.
   *
   * @throws {DOMException} `InvalidStateError` when that would be more than may wait.
   * @throws {TypeError} When it can't be sent at all.
   */
  push(given: Message): void {
    const bytes = typeof given === "string" ? given : bytesOf(given);
    const size = OVERHEAD + (typeof bytes === "string" ? new TextEncoder().encode(bytes).length : bytes.length);
    if (this.size + size > this.#limit) {
      const would = `with this message ${this.size + size} bytes would wait for a connection`;
      throw new DOMException(`Cannot send: ${would} (maxWaiting is ${this.#limit})`, "InvalidStateError");
    }
    this.#messages.push({ message: typeof bytes === "string" ? bytes : snapshotOf(bytes), size });
    this.size += size;
  }

  /**
   * Sends what waits, in order, as long as the connection is open and does not have to buffer more than `limit` bytes. A
   * message that is larger than that goes alone.
   */
  sendBy(socket: Pick<WebSocketConnection, "state" | "bufferedAmount" | "send">, limit: number): void {
    while (!this.isEmpty && socket.state === "open") {
      const { message, size } = this.#messages[this.#first]!, { bufferedAmount } = socket;
      if (bufferedAmount > 0 && bufferedAmount + size > limit) return;
      socket.send(message);
      this.#messages[this.#first++] = undefined;
      this.size -= size;
      if (2 * this.#first <= this.#messages.length) continue;
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Throws away what waits. */
  clear(): void {
    this.#messages = [];
    this.#first = 0;
    this.size = 0;
  }
}
