// Text (RFC 6455 §8.1): bytes of UTF-8 to strings, refused as soon as the wrong byte is seen, also in the middle of a
// code point and across any cut (RFC 3629 §4).

import { asciiSlice, COPIED, SHORT_TEXT } from "./tuning.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text in `bytes[start, end)`, or `undefined` when they are not UTF-8. */
export function decodeText(bytes: Uint8Array, start = 0, end: number = bytes.length): string | undefined {
  const length = end - start, text = length <= SHORT_TEXT ? decodeAscii(bytes, start, end) : undefined;
  if (text !== undefined) return text;
  try {
    return DECODER.decode(length <= COPIED ? bytes.slice(start, end) : bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

/** For the codes of short text, by its length: a string is made of a list twice as fast as of bytes. */
const LISTS = Array.from({ length: asciiSlice ? 0 : SHORT_TEXT + 1 }, (_, length) => Array.from({ length }, () => 0));

/** Short text, if it is ASCII. */
function decodeAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (asciiSlice) return passAscii(bytes, start, end) === end ? asciiSlice.call(bytes, start, end) : undefined;
  const codes = LISTS[end - start]!;
  for (let i = 0; i < codes.length; i++) {
    const code = bytes[start + i]!;
    if (code >= 0x80) return undefined;
    codes[i] = code;
  }
  return String.fromCharCode.apply(null, codes);
}

/** Judges text that comes in pieces. */
export class Utf8Check {
  #missing = 0;
  #low = 0x80;
  #high = 0xbf;

  /** Takes the next bytes; false at the first that can't stand where it stands. */
  push(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
    for (let i = start; i < end; i++) {
      if (this.#missing === 0) {
        i = passAscii(bytes, i, end);
        if (i === end) return true;
        if (!this.#lead(bytes[i]!)) return false;
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

  /** The first byte of several narrows what may follow: no overlong form, no surrogate, nothing above U+10FFFF. */
  #lead(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false;
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte === 0xe0) this.#low = 0xa0;
    else if (byte === 0xed) this.#high = 0x9f;
    else if (byte === 0xf0) this.#low = 0x90;
    else if (byte === 0xf4) this.#high = 0x8f;
    return true;
  }

  /** Whether the text may end here; begins a new one. */
  end(): boolean {
    const whole = this.#missing === 0;
    this.#missing = 0;
    this.#low = 0x80;
    this.#high = 0xbf;
    return whole;
  }
}

/** Where ASCII ends. */
function passAscii(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at]! < 0x80) at++;
  return at;
}
