// Messages to frames, in the outbox: headers in their shortest form, payloads copied once and masked in place.

import { copyTo } from "../base/owned_bytes.ts";
import { headerSizeFor, MAX_HEADER, writeHeader } from "./frame_header.ts";
import { mask, type MaskKeys } from "./mask.ts";
import { LARGE, Outbox } from "./outbox.ts";

/** Text up to this length is encoded in place; longer text is measured first, so that no room is wasted. */
const IN_PLACE = 16384;

/** Text up to this length is written by hand first: a call of the encoder takes longer. */
const BY_HAND = 40;

const ENCODER = new TextEncoder();

/** An outbox that is written by frames. */
export class FrameWriter extends Outbox {
  readonly #maskKey: MaskKeys | undefined;

  /** @param maskKey The keys of a client's frames; a server has none. */
  constructor(maskKey: MaskKeys | undefined) {
    super();
    this.#maskKey = maskKey;
  }

  /** Writes a frame; `first` is its first byte: FIN, RSV, opcode. */
  frame(first: number, payload: Uint8Array): void {
    const size = headerSizeFor(payload.length, this.#maskKey !== undefined);
    if (size + payload.length > LARGE) return this.#long(first, payload);
    const slab = this.reserve(size + payload.length);
    const at = this.used + size;
    copyTo(slab, at, payload);
    this.#finish(slab, first, at, payload.length);
  }

  /** A frame that fits in no slab goes into several: a slab of its own would be garbage as soon as it is written. */
  #long(first: number, payload: Uint8Array): void {
    const key = this.#maskKey?.();
    const slab = this.reserve(MAX_HEADER);
    this.commit(writeHeader(slab, this.used, first, payload.length, key));
    for (let at = 0, phase = 0; at < payload.length;) {
      const count = Math.min(payload.length - at, LARGE - this.used || LARGE);
      const slab = this.reserve(count), start = this.used, end = start + count;
      slab.set(payload.subarray(at, at + count), start);
      if (key !== undefined) phase = mask(slab, start, end, key, phase);
      this.commit(end);
      at += count;
    }
  }

  /** Writes a frame of text. */
  text(first: number, text: string): void {
    if (text.length > IN_PLACE) return this.frame(first, ENCODER.encode(text));
    const masked = this.#maskKey !== undefined;
    const slab = this.reserve(MAX_HEADER + 3 * text.length);
    const guess = this.used + headerSizeFor(text.length, masked);
    const isDone = text.length <= BY_HAND && putAscii(slab, guess, text);
    const written = isDone ? text.length : ENCODER.encodeInto(text, slab.subarray(guess)).written;
    const at = this.used + headerSizeFor(written, masked);
    if (at !== guess) slab.copyWithin(at, guess, guess + written);
    this.#finish(slab, first, at, written);
  }

  /** The payload stands at `at`; the header goes in front of it. */
  #finish(slab: Uint8Array<ArrayBuffer>, first: number, at: number, length: number): void {
    const key = this.#maskKey?.();
    writeHeader(slab, this.used, first, length, key);
    if (key !== undefined) mask(slab, at, at + length, key);
    this.commit(at + length);
  }
}

/** Writes text as long as it is ASCII; whether all of it was. */
function putAscii(slab: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return false;
    slab[at + i] = code;
  }
  return true;
}
