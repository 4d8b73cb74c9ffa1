// A message that comes in pieces: gathers its bytes, counts them, and checks its text as it comes (RFC 6455 §5.4, §8.1).

import { ByteBuilder, recycle } from "../base/byte_builder.ts";
import { decodeText, Utf8Check } from "../base/utf8.ts";
import type { ProtocolFailure } from "../errors/failures.ts";
import type { Work } from "./deflate.ts";
import type { MessageEvents } from "./reader_events.ts";

/** How many bytes of a large message are joined at a time, and how many of them cost as much as one byte to compress. */
const STEP = 2 ** 19, COPIED_PER_BYTE = 16;

/** Builds one message after the other. Extends ByteBuilder: one object less for each connection. */
export class MessageBuilder extends ByteBuilder {
  /** Whether the message is text; to be set where one begins. */
  isText = false;
  /** Why {@linkcode finish} or an addition has failed, in a sentence, where the code of the failure does not say it all. */
  detail: string | undefined;
  readonly #limit: number;
  /** Made for the first text that comes in pieces. */
  #utf8: Utf8Check | undefined;

  /** @param limit The largest message, in bytes. */
  constructor(limit: number) {
    super(limit);
    this.#limit = limit;
  }

  /** The failure of a message that is too long. */
  tooBig(): ProtocolFailure {
    this.detail = `The message has more than ${this.#limit} bytes`;
    return "message-too-big";
  }

  /**
   * Adds a piece whose header was checked. Text fails at its first wrong byte, not when the message is whole.
   *
   * @param total The length that all of it is going to have, once that is known; otherwise `Infinity`.
   */
  addPiece(bytes: Uint8Array, start: number, end: number, total: number): ProtocolFailure | undefined {
    try {
      this.add(bytes, start, end, total);
    } catch (error) {
      return this.#noMemory(error);
    }
    return this.#isValid(bytes, start, end) ? undefined : "text-not-utf8";
  }

  /**
   * Adds the next inflated bytes of a compressed message; the limit counts these. Text within the limit is checked before
   * the limit is, so that the failure is the same wherever the input is cut.
   */
  addInflated(bytes: Uint8Array): ProtocolFailure | undefined {
    const within = Math.min(bytes.length, this.#limit - this.length);
    if (!this.#isValid(bytes, 0, within)) return "text-not-utf8";
    if (within < bytes.length) return this.tooBig();
    try {
      this.add(bytes, 0, bytes.length, Infinity);
    } catch (error) {
      return this.#noMemory(error);
    }
    return undefined;
  }

  #isValid(bytes: Uint8Array, start: number, end: number): boolean {
    return !this.isText || (this.#utf8 ??= new Utf8Check()).push(bytes, start, end);
  }

  /** Does a part of {@linkcode finish}, as much as is allowed. Returns whether `finish()` has nothing left to join. */
  prepareWithin(work: Work): boolean {
    try {
      if (this.prepare(0)) return true;
      while (work.allows(0)) {
        if (this.prepare(STEP)) return true;
        work.spend(STEP / COPIED_PER_BYTE);
      }
    } catch {
      return true; // there is no memory: finish() fails too, and says so
    }
    return false;
  }

  /** Returns the whole message, or `undefined` with the reason in {@linkcode failure}. */
  finish(): string | Uint8Array<ArrayBuffer> | undefined {
    if (this.isText && this.#utf8?.end() === false) return this.#fail("text-not-utf8");
    let bytes;
    try {
      // Whoever gets the bytes may transfer their buffer: that of an empty message cannot be shared either
      bytes = this.length > 0 ? this.take() : new Uint8Array();
    } catch (error) {
      return this.#fail(this.#noMemory(error));
    }
    if (!this.isText) return bytes;
    const text = decodeText(bytes);
    if (text !== undefined) return text;
    // The text was checked: decoding fails only if the string would be longer than the engine allows
    this.detail = `No string can have the text of ${bytes.length} bytes`;
    return this.#fail("message-too-big");
  }

  /** Tells a message that is whole; its memory is used again where nobody keeps it. */
  tell(message: string | Uint8Array<ArrayBuffer>, events: MessageEvents): void {
    events.onMessage(message);
    if (typeof message === "object" && events.isDone) recycle(message);
  }

  /** Returns what was gathered of a message that is not whole; the rest is as with {@linkcode finish}. */
  giveUp(): Uint8Array<ArrayBuffer> | undefined {
    this.#utf8?.end();
    try {
      return this.take();
    } catch (error) {
      return this.#fail(this.#noMemory(error));
    }
  }

  /** Why `finish()` gave nothing. */
  failure: ProtocolFailure | undefined;

  #fail(failure: ProtocolFailure): undefined {
    this.failure = failure;
  }

  /** A failed allocation fails this connection only. */
  #noMemory(error: unknown): ProtocolFailure {
    if (!(error instanceof RangeError)) throw error;
    this.detail = `There is no memory for more than ${this.length} bytes`;
    return "message-too-big";
  }
}
