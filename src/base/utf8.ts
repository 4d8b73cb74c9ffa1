// Encodes and decodes text (RFC 6455 §8.1): UTF-8 that is not valid is refused at its first wrong byte, also in the middle of
// a code point, and wherever the bytes are cut (RFC 3629 §4).

import {
  asciiSlice,
  CHECKED_BY_HAND,
  COPIED,
  countBytes,
  COUNTED_BY_HAND,
  latin1Slice,
  nativeIsUtf8,
  SHORT_TEXT,
  utf8Slice,
  utf8Write,
} from "./tuning.ts";

const ENCODER = new TextEncoder(), DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text in `bytes[start, end)`, or `undefined` when they are not valid UTF-8. */
export function decodeText(bytes: Uint8Array, start = 0, end: number = bytes.length): string | undefined {
  const length = end - start;
  try {
    const text = (length <= SHORT_TEXT ? decodeShortAscii(bytes, start, end) : decodeAscii(bytes, start, end)) ??
      decodeUtf8(bytes, start, end);
    if (text !== undefined) return text;
  } catch {
    // Deno slices no more bytes than a string may have characters; their text may have fewer
  }
  try {
    return DECODER.decode(length <= COPIED ? bytes.slice(start, end) : bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** A list of character codes for each length of short text: a string is made from it twice as fast as from bytes. */
const LISTS = Array.from({ length: asciiSlice ? 0 : SHORT_TEXT + 1 }, (_, length) => Array.from({ length }, () => 0));

/** Short text if all of it is ASCII, and otherwise `undefined`. */
function decodeShortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (asciiSlice) return skipAscii(bytes, start, end) === end ? asciiSlice.call(bytes, start, end) : undefined;
  const codes = LISTS[end - start]!;
  for (let i = 0; i < codes.length; i++) {
    const code = bytes[start + i]!;
    if (code >= 0x80) return undefined;
    codes[i] = code;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Text if all of it is ASCII and the runtime is fast at that, and otherwise `undefined`. */
function decodeAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  const text = latin1Slice?.call(bytes, start, end);
  // As many characters as bytes: only those of ASCII take one byte in both
  return text !== undefined && countBytes!(text) === text.length ? text : undefined;
}

/** Text if the runtime is faster than a TextDecoder, and it is sure that the bytes were valid; otherwise `undefined`. */
function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  // Deno 2.4 leaves out a byte order mark; Buffer is a global there when the application has made it one
  const text = bytes[start] === 0xef ? undefined : utf8Slice?.call(bytes, start, end);
  return text?.includes("\ufffd") ? undefined : text; // that may have been sent, or stand for what is not valid
}

/**
 * Writes text to `bytes`, from `start` on, where there must be room for three bytes for each of its UTF-16 units; a lone
 * surrogate becomes U+FFFD.
 *
 * @returns How many bytes it took.
 */
export function encodeTo(bytes: Uint8Array<ArrayBuffer>, start: number, text: string): number {
  const most = 3 * text.length;
  return utf8Write?.call(bytes, text, start, most) ?? ENCODER.encodeInto(text, bytes.subarray(start)).written;
}

/** How many bytes text takes as UTF-8; a lone surrogate takes the three of U+FFFD. */
export function utf8Length(text: string): number {
  let { length } = text;
  if (length > COUNTED_BY_HAND && countBytes) return countBytes(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x800) length += 2;
    else if (code >= 0x80) length++;
    if (code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++; // four bytes for both
  }
  return length;
}

/** Validates UTF-8 that comes in pieces. */
export class Utf8Check {
  /** How many bytes of a code point are still to come, and the range that the next one must be in. */
  #missing = 0;
  #low = 0x80;
  #high = 0xbf;

  /** Takes the next bytes. Returns `false` once one of them is not valid where it stands. */
  push(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
    const isUtf8 = end - start > CHECKED_BY_HAND ? nativeIsUtf8() : undefined;
    if (!isUtf8) return this.#pushByHand(bytes, start, end);
    // What belongs to code points of the pieces before and behind is checked by hand
    const from = start + this.#missing, to = end - lengthOfCut(bytes, from, end);
    return this.#pushByHand(bytes, start, from) && isUtf8(bytes.subarray(from, to)) && this.#pushByHand(bytes, to, end);
  }

  #pushByHand(bytes: Uint8Array, start: number, end: number): boolean {
    for (let i = start; i < end; i++) {
      if (this.#missing === 0) {
        i = skipAscii(bytes, i, end);
        if (i === end) return true;
        if (!this.#startCodePoint(bytes[i]!)) return false;
      } else {
        const byte = bytes[i]!;
        if (byte < this.#low || byte > this.#high) return false;
        this.#low = 0x80;
        this.#high = 0xbf;
        this.#missing--;
      }
    }
    return true;
  }

  /** The first byte limits the second: no overlong form, no surrogate, nothing above U+10FFFF (RFC 3629 §4). */
  #startCodePoint(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.#low = 0xa0;
    else if (byte === 0xed) this.#high = 0x9f;
    else if (byte === 0xf0) this.#low = 0x90;
    else if (byte === 0xf4) this.#high = 0x8f;
    return true;
  }

  /** Whether the last code point is not whole. */
  get isCut(): boolean {
    return this.#missing > 0;
  }

  /** Ends the text; `false` if it is cut inside a code point. The next bytes begin a new text. */
  end(): boolean {
    const whole = this.#missing === 0;
    this.#missing = 0;
    this.#low = 0x80;
    this.#high = 0xbf;
    return whole;
  }
}

/** Decodes UTF-8 that comes in pieces: a code point that is cut waits for its end. */
export class Utf8Pieces {
  /** The beginning of a code point that was cut. */
  readonly #cut = new Uint8Array(4);
  #count = 0;
  readonly #check = new Utf8Check();

  /** The text of the next bytes, or `undefined` once one of them is not valid where it stands. */
  push(bytes: Uint8Array, start = 0, end: number = bytes.length): string | undefined {
    let head = "";
    while (this.#count > 0 && start < end) {
      if (!this.#check.push(bytes, start, start + 1)) return undefined;
      this.#cut[this.#count++] = bytes[start++]!;
      if (this.#check.isCut) continue;
      head = decodeText(this.#cut, 0, this.#count)!;
      this.#count = 0;
    }
    const whole = end - lengthOfCut(bytes, start, end);
    if (!this.#check.push(bytes, whole, end)) return undefined;
    for (let at = whole; at < end; at++) this.#cut[this.#count++] = bytes[at]!;
    const text = decodeText(bytes, start, whole);
    return text === undefined ? undefined : head + text;
  }

  /** Ends the text; `false` if it is cut inside a code point. The next bytes begin a new text. */
  end(): boolean {
    this.#count = 0;
    return this.#check.end();
  }
}

/** How many of the last bytes belong to a code point whose end is still to come: at most three. */
function lengthOfCut(bytes: Uint8Array, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 3; at--) {
    const byte = bytes[at]!;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return end - at < size ? end - at : 0;
  }
  return 0;
}

/** The index of the first byte that is not ASCII, or `end`. */
function skipAscii(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at]! < 0x80) at++;
  return at;
}
