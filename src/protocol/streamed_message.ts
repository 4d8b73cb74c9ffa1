// A message that is handed over piece by piece while it comes: cuts pieces, decodes text across them, and counts what has
// come (RFC 6455 §5.4, §8.1). What is thrown away has to keep the same rules.

import { copyOf, markOwn } from "../base/owned_bytes.ts";
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
  /** What has come of the next piece: fragments in one chunk make one piece, however short they are. */
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];
  #pieceText = "";
  #pieceSize = 0;

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

  /** How many bytes the next piece still has room for. */
  get room(): number {
    return MAX_PIECE - this.#pieceSize;
  }

  /**
   * Takes what came next, which stays as it is until {@linkcode flush}. Text within the limit is checked before the limit
   * is, wherever the input is cut.
   */
  add(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): ProtocolFailure | undefined {
    const within = start + Math.min(end - start, this.#limit - this.length);
    for (let at = start; at < within;) {
      const next = Math.min(within, at + MAX_PIECE);
      if (next - at > this.room) this.flush();
      if (!this.#gather(bytes, at, next)) return "text-not-utf8";
      if (this.room === 0) this.flush();
      this.length += next - at;
      at = next;
    }
    return within < end ? this.#tooBig() : undefined;
  }

  #gather(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): boolean {
    this.#pieceSize += end - start;
    if (!this.#isText) return this.#parts.push(bytes.subarray(start, end)) > 0;
    const text = (this.#text ??= new Utf8Pieces()).push(bytes, start, end);
    this.#pieceText += text ?? "";
    return text !== undefined;
  }

  /** Hands over what was taken. */
  flush(): void {
    if (this.#pieceSize === 0) return;
    const piece = this.#isText ? this.#pieceText : this.isDiscarded ? "" : joined(this.#parts, this.#pieceSize);
    this.#parts.length = this.#pieceSize = 0;
    this.#pieceText = "";
    if (!this.isDiscarded && piece.length > 0) this.#events.onPiece(piece);
  }

  /** Ends the message. */
  end(): ProtocolFailure | undefined {
    this.flush();
    if (this.#isText && this.#text?.end() === false) return "text-not-utf8";
    this.#events.onEnd();
    return undefined;
  }
}

/** A copy of all parts in one. */
function joined(parts: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return copyOf(parts[0]!);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  markOwn(whole);
  return whole;
}
