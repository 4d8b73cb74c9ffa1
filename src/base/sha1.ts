// SHA-1 (FIPS 180-4 §6.1.2) at once, for where the platform gives it by a promise only: a handshake that has to wait for
// another thread costs more by that than by all that it is about. It secures nothing (RFC 6455 §10.8): the digest shows that
// the other end has read a key, and is of 60 bytes.

import { encodeBase64 } from "./base64.ts";

/** The words of a block, and what they are expanded to. */
const WORDS = new Int32Array(80);

/** SHA-1 of ASCII text, in base64. */
export function sha1(text: string): string {
  const { length } = text, hash = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  // §5.1.1: a bit that is set, zeros, and the number of bits, up to the end of a block
  const end = length + 72 & ~63;
  for (let block = 0; block < end; block += 64) {
    for (let i = 0, at = block; i < 16; i++, at += 4) {
      WORDS[i] = byteAt(text, at) << 24 | byteAt(text, at + 1) << 16 | byteAt(text, at + 2) << 8 | byteAt(text, at + 3);
    }
    if (block + 64 === end) WORDS[15] = length << 3;
    addBlock(hash);
  }
  const bytes = new Uint8Array(20);
  for (let i = 0; i < 20; i++) bytes[i] = hash[i >> 2]! >> 24 - 8 * (i & 3);
  return encodeBase64(bytes);
}

function byteAt(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : at === text.length ? 0x80 : 0;
}

function addBlock(hash: Int32Array): void {
  for (let i = 16; i < 80; i++) {
    const word = WORDS[i - 3]! ^ WORDS[i - 8]! ^ WORDS[i - 14]! ^ WORDS[i - 16]!;
    WORDS[i] = word << 1 | word >>> 31;
  }
  let a = hash[0]!, b = hash[1]!, c = hash[2]!, d = hash[3]!, e = hash[4]!;
  for (let i = 0; i < 80; i++) {
    // §4.1.1, §4.2.1
    const mixed = i < 20
      ? (b & c | ~b & d) + 0x5a827999
      : i < 40
      ? (b ^ c ^ d) + 0x6ed9eba1
      : i < 60
      ? (b & c | b & d | c & d) + 0x8f1bbcdc
      : (b ^ c ^ d) + 0xca62c1d6;
    const next = (a << 5 | a >>> 27) + mixed + e + WORDS[i]! | 0;
    e = d;
    d = c;
    c = b << 30 | b >>> 2;
    b = a;
    a = next;
  }
  hash[0]! += a;
  hash[1]! += b;
  hash[2]! += c;
  hash[3]! += d;
  hash[4]! += e;
}
