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
  #messages: Waiting[] = [];
  /** How many bytes wait, with what they are charged. */
  size = 0;

  /** @param limit How many bytes may wait. */
  constructor(limit: number) {
    this.#limit = limit;
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
      const would = `and with this message ${this.size + size} bytes would wait for the next one`;
      const message = `Cannot send: there is no connection, ${would} (maxWaiting is ${this.#limit})`;
      throw new DOMException(message, "InvalidStateError");
    }
    this.#messages.push({ message: typeof bytes === "string" ? bytes : snapshotOf(bytes), size });
    this.size += size;
  }

  /** Sends what waits, in order, as long as the connection is open. */
  sendBy(socket: WebSocketConnection): void {
    let count = 0;
    for (const { message, size } of this.#messages) {
      if (socket.state !== "open") break;
      socket.send(message);
      this.size -= size;
      count++;
    }
    this.#messages.splice(0, count);
  }

  /** Throws away what waits. */
  clear(): void {
    this.#messages = [];
    this.size = 0;
  }
}
