// Text (RFC 6455 §8.1): bytes of UTF-8 to strings, refused as soon as the wrong byte is seen, also in the middle of a
// code point and across any cut (RFC 3629 §4).

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to this many bytes a loop is faster than a call of the decoder. */
const SHORT = 32;

/** The text in `bytes`, or `undefined` when they are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.length <= SHORT) {
    let text = "";
    for (let i = 0;; i++) {
      if (i === bytes.length) return text;
      const byte = bytes[i]!;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
  }
  try {
    return DECODER.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Judges text that comes in pieces. */
export class Utf8Check {
  #missing = 0;
  #low = 0x80;
  #high = 0xbf;

  /** Takes the next bytes; false at the first that can't stand where it stands. */
  push(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (this.#missing > 0) {
        if (byte < this.#low || byte > this.#high) return false;
        this.#low = 0x80;
        this.#high = 0xbf;
        this.#missing--;
      } else if (byte >= 0x80 && !this.#lead(byte)) return false;
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
