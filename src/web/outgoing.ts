// What send() and close() of the class WebSocket do (WHATWG WebSockets §3.1): nothing waits for the network, a Blob is read
// while what comes behind it is held, and `bufferedAmount` counts the bytes of messages that have not been written.

import { bytesOf, snapshotOf } from "../base/owned_bytes.ts";
import type { Driver } from "../connection/driver.ts";
import type { Message } from "../protocol/contract.ts";
import { isOver, thisTurn } from "./turns.ts";
import { checkMemory, sizeOf, type WebMessage } from "./web_message.ts";

/** What our Close frame is to say. */
export interface WebClose {
  closeCode?: number;
  reason: string;
}

/** The outgoing half of one WebSocket. */
export class Outgoing {
  /** From the moment on at which it is open; no more once it is closed. */
  #driver: Driver | undefined;
  /** A Blob that is being read, and what was sent behind it. */
  #waiting: (WebMessage | { readonly close: WebClose })[] = [];
  /** Bytes that wait there, that were sent in the turn of this number, before that, and when it was closed already. */
  #waitingSize = 0;
  #sentNow = 0;
  #turn = -1;
  #sentBefore = 0;
  #unsent = 0;

  /** It is open. */
  onOpen(driver: Driver): void {
    this.#driver = driver;
  }

  /** It is closed: what has not been written never is. */
  onClosed(): void {
    this.#count();
    this.#driver = undefined;
  }

  /** How many bytes of messages have not been written. It grows only, until the turn is over. */
  get bufferedAmount(): number {
    if (isOver(this.#turn)) this.#count();
    return this.#waitingSize + this.#sentNow + this.#sentBefore + this.#unsent;
  }

  /**
   * Sends a message, or counts it where that is too late.
   *
   * @throws {TypeError} When it is a buffer that is resizable, or a view of memory that is shared.
   */
  send(message: WebMessage, isOpen: boolean): void {
    const driver = this.#driver;
    if (!isOpen || !driver?.isOpen) {
      checkMemory(message);
      this.#unsent += sizeOf(message);
    } else if (this.#waiting.length === 0 && !(message instanceof Blob)) {
      this.#sendNow(driver, message, sizeOf(message));
    } else {
      const isOwn = typeof message === "string" || message instanceof Blob; // a buffer may be changed while it waits
      this.#hold(driver, isOwn ? message : snapshotOf(bytesOf(message)));
    }
  }

  /** Closes, behind what was sent. */
  close(info: WebClose): void {
    if (this.#waiting.length > 0) this.#waiting.push({ close: info });
    else this.#driver?.close(info);
  }

  #sendNow(driver: Driver, message: Message, size: number): void {
    const turn = thisTurn();
    if (turn !== this.#turn) this.#count();
    this.#turn = turn;
    void driver.flusher.send(message); // a promise that nobody has to handle
    this.#sentNow += size;
  }

  /** What was sent in the last turn may have been written since. */
  #count(): void {
    const sent = this.#sentBefore + this.#sentNow;
    this.#sentBefore = sent > 0 && this.#driver ? Math.min(sent, this.#driver.bufferedAmount) : sent;
    this.#sentNow = 0;
  }

  #hold(driver: Driver, message: WebMessage): void {
    this.#waitingSize += sizeOf(message);
    if (this.#waiting.push(message) === 1) void this.#sendWaiting(driver);
  }

  async #sendWaiting(driver: Driver): Promise<void> {
    try {
      for (let item; (item = this.#waiting[0]) !== undefined; this.#waiting.shift()) {
        if (typeof item === "object" && "close" in item) {
          driver.close(item.close);
          continue;
        }
        const size = sizeOf(item), message = item instanceof Blob ? new Uint8Array(await item.arrayBuffer()) : item;
        this.#waitingSize -= size;
        if (driver.isOpen) this.#sendNow(driver, message, size);
        else this.#unsent += size;
      }
    } catch (error) {
      driver.abort(error); // what a file was read from is gone
    }
  }
}
