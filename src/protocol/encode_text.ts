// Text on its way to the compressor, or to where it waits for that: UTF-8, in a buffer that is used again where it is short,
// and encoded once where long text is sent to many.

import { encodeTo } from "../base/utf8.ts";

const ENCODER = new TextEncoder();

/** Text on its way to the compressor; overwritten by the next call. */
const encoded = new Uint8Array(16384);

/** Text as UTF-8: bytes that nobody may write to, and that the next call may overwrite. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  if (3 * text.length > encoded.length) return encodeLong(text);
  return encoded.subarray(0, encodeTo(encoded, 0, text));
}

/** Text as UTF-8: bytes that nobody may write to, and that stay as they are. */
export function encodeOwn(text: string): Uint8Array<ArrayBuffer> {
  return 3 * text.length > encoded.length ? encodeLong(text) : ENCODER.encode(text);
}

/** The last long text and its bytes, for the rest of the turn. */
let lastLong: WeakRef<{ readonly text: string; readonly bytes: Uint8Array<ArrayBuffer> }> | undefined;

/** The same text sent to many is encoded once. Nobody may write to the bytes. */
function encodeLong(text: string): Uint8Array<ArrayBuffer> {
  const last = lastLong?.deref();
  if (last?.text === text) return last.bytes;
  const bytes = ENCODER.encode(text);
  lastLong = new WeakRef({ text, bytes });
  return bytes;
}

/** Whether the next call overwrites the bytes. */
export function isScratch(bytes: Uint8Array): boolean {
  return bytes.buffer === encoded.buffer;
}

/** Keeps characters whole that two pieces of a text share. */
export class PieceJoiner {
  /** The first half of a surrogate pair. */
  #half = "";

  /** A piece of text, without the half of a pair at its end: that goes with the next one, if there is one. */
  join(piece: string, fin: boolean): string {
    const text = this.#half + piece, last = text.charCodeAt(text.length - 1);
    const isCut = !fin && last >= 0xd800 && last < 0xdc00;
    this.#half = isCut ? text.slice(-1) : "";
    return isCut ? text.slice(0, -1) : text;
  }
}
