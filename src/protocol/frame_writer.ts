// Writes frames into the outbox: headers in their shortest form (RFC 6455 §5.2); payloads are copied once, and masked
// where they have been copied to (§5.3).

import { copyTo, lengthOf, plainOf } from "../base/owned_bytes.ts";
import { encodeTo } from "../base/utf8.ts";
import { headerSizeFor, MAX_HEADER, writeHeader } from "./frame_header.ts";
import { mask, type MaskKeys } from "./mask.ts";
import { Outbox } from "./outbox.ts";
import type { SharedFrame } from "./shared_frame.ts";
import { LARGE } from "./slabs.ts";

/**
 * Text of up to this many UTF-16 units is encoded straight into a slab, with room for three bytes each. Longer text is
 * encoded by itself first, so that no slab is left mostly empty.
 */
const IN_PLACE = 16384;

/** Text of up to this length is written byte by byte while it is ASCII: calling the encoder takes longer. */
const BY_HAND = 40;

const ENCODER = new TextEncoder();

/** An outbox that frames are written to. */
export class FrameWriter extends Outbox {
  readonly #maskKey: MaskKeys | undefined;

  /** @param maskKey Gives a masking key for each frame of a client; `undefined` for a server, which does not mask. */
  constructor(maskKey: MaskKeys | undefined) {
    super();
    this.#maskKey = maskKey;
  }

  /**
   * Writes a frame. Its first byte, `first`, has FIN, RSV1 and the opcode. The payload may be a caller's array, whose
   * properties are not trusted: a wrong length would send what other connections have left in the slab.
   */
  frame(first: number, payload: Uint8Array<ArrayBuffer>): void {
    const length = lengthOf(payload), size = headerSizeFor(length, this.#maskKey !== undefined);
    if (size + length > LARGE) return this.#long(first, plainOf(payload));
    const slab = this.reserve(size + length);
    const at = this.used + size;
    copyTo(slab, at, payload, length);
    this.#finish(slab, first, at, length);
  }

  /** Writes a frame that is larger than a slab into several slabs: a buffer of its own could not be recycled. */
  #long(first: number, payload: Uint8Array<ArrayBuffer>): void {
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

  /** Writes a frame that is ready: as it is, unless it has to be masked. */
  shared(frame: SharedFrame): void {
    if (this.#maskKey) this.frame(frame.first, frame.payload);
    else this.share(frame);
  }

  /** Writes a frame whose payload is text in UTF-8. */
  text(first: number, text: string): void {
    if (text.length > IN_PLACE) return this.frame(first, ENCODER.encode(text));
    const masked = this.#maskKey !== undefined;
    const slab = this.reserve(MAX_HEADER + 3 * text.length);
    const guess = this.used + headerSizeFor(text.length, masked); // right if the text is ASCII
    const isDone = text.length <= BY_HAND && putAscii(slab, guess, text);
    const written = isDone ? text.length : encodeTo(slab, guess, text);
    const at = this.used + headerSizeFor(written, masked);
    if (at !== guess) slab.copyWithin(at, guess, guess + written);
    this.#finish(slab, first, at, written);
  }

  /** Writes the header in front of a payload that stands at `at`, and masks the payload. */
  #finish(slab: Uint8Array<ArrayBuffer>, first: number, at: number, length: number): void {
    const key = this.#maskKey?.();
    writeHeader(slab, this.used, first, length, key);
    if (key !== undefined) mask(slab, at, at + length, key);
    this.commit(at + length);
  }
}

/** Writes text up to the first character that is not ASCII. Returns whether there was none. */
function putAscii(slab: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return false;
    slab[at + i] = code;
  }
  return true;
}
