// A message that is handed over piece by piece while it comes: cuts pieces, decodes text across them, and counts what has
// come (RFC 6455 §5.4, §8.1). What is thrown away has to keep the same rules.

import { copyOf } from "../base/owned_bytes.ts";
import { Utf8Pieces } from "../base/utf8.ts";
import type { ProtocolFailure } from "../errors/failures.ts";

/** The largest piece, in bytes. */
export const MAX_PIECE = 65536;

/** Who gets the pieces. */
export interface PieceEvents {
  /** A message has begun of which the pieces follow. */
  onBegin(isText: boolean): void;
  /** The next piece, which is not empty; its bytes belong to who gets it. */
  onPiece(piece: string | Uint8Array<ArrayBuffer>): void;
  /** The message has ended, also one of which the rest was thrown away. */
  onEnd(): void;
}

/** Which messages are handed over in pieces. */
export interface StreamLimits {
  /** Those of more bytes than this; 0 means all of them, `Infinity` none. */
  readonly streamAbove: number;
  /** How long such a message may be, in bytes. */
  readonly maxStreamedSize: number;
}

/** Hands over one message after the other. */
export class StreamedMessage {
  /** How many bytes have come. */
  length = 0;
  /** Whether the rest of the message is thrown away. */
  isDiscarded = false;
  /** More about the failure of a message that is too long. */
  detail: string | undefined;
  readonly #events: PieceEvents;
  readonly #limit: number;
  #isText = false;
  #text: Utf8Pieces | undefined;

  /** @param limit The longest message, in bytes. */
  constructor(events: PieceEvents, limit: number) {
    this.#events = events;
    this.#limit = limit;
  }

  begin(isText: boolean): void {
    this.length = 0;
    this.isDiscarded = false;
    this.#isText = isText;
    this.#events.onBegin(isText);
  }

  /** The failure of a message that is going to have so many bytes, if they are too many. */
  check(total: number): ProtocolFailure | undefined {
    return total > this.#limit ? this.#tooBig() : undefined;
  }

  #tooBig(): ProtocolFailure {
    this.detail = `The message has more than ${this.#limit} bytes`;
    return "message-too-big";
  }

  /** Hands over what came next. Text within the limit is checked before the limit is, wherever the input is cut. */
  add(bytes: Uint8Array, start: number, end: number): ProtocolFailure | undefined {
    const within = start + Math.min(end - start, this.#limit - this.length);
    for (let at = start; at < within;) {
      const next = Math.min(within, at + MAX_PIECE), isValid = this.#pass(bytes, at, next);
      if (!isValid) return "text-not-utf8";
      this.length += next - at;
      at = next;
    }
    return within < end ? this.#tooBig() : undefined;
  }

  #pass(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#isText) {
      if (!this.isDiscarded) this.#events.onPiece(copyOf(bytes, start, end));
      return true;
    }
    const text = (this.#text ??= new Utf8Pieces()).push(bytes, start, end);
    if (text && !this.isDiscarded) this.#events.onPiece(text);
    return text !== undefined;
  }

  /** Ends the message. */
  end(): ProtocolFailure | undefined {
    if (this.#isText && this.#text?.end() === false) return "text-not-utf8";
    this.#events.onEnd();
    return undefined;
  }
}
