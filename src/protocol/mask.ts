// Masking (RFC 6455 §5.3): XOR in place, and a fresh masking key for each frame. A key is a 32-bit number in network
// order: its highest byte masks the first byte of the payload.

import { NATIVE_MASK_FROM, nodeMask, WIDE_WORDS, WORDS_FROM } from "../base/tuning.ts";

/**
 * Returns a masking key, a 32-bit number whose highest byte masks the first byte of the payload. It is called once for
 * each frame, and each key must be new and unpredictable (RFC 6455 §10.3).
 *
 * @example The masked frame of RFC 6455 §5.7
 * ```ts
 * import { type MaskKeys, Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const maskKey: MaskKeys = () => 0x37fa213d; // for a test only: everybody knows this key
 * const events = { message() {}, close() {}, fail() {} };
 * const machine = new Protocol({ role: "client", protocol: "", extensions: "" }, events, { maskKey });
 * machine.send("Hello");
 *
 * assertEquals(machine.take()?.toHex(), "818537fa213d7f9f4d5158");
 * ```
 */
export type MaskKeys = () => number;

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Indices of words must fit in 31 bits: a longer array is masked byte by byte. */
const MAX_BY_WORDS = 2 ** 31;

/**
 * Masks or unmasks `bytes[start, end)` in place.
 *
 * @param key The masking key.
 * @param phase How many bytes of the payload came before `start`, modulo 4.
 * @returns The phase at `end`, for the next call.
 */
export function mask(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, key: number, phase = 0): number {
  const length = end - start;
  let at = start, turned = rotate(key, 8 * phase);
  if (length >= NATIVE_MASK_FROM && maskNatively(bytes, start, end, turned)) return phase + length & 3;
  if (length >= WORDS_FROM && bytes.length < MAX_BY_WORDS) {
    const bits = WIDE_WORDS ? 3 : 2, size = 1 << bits, first = -bytes.byteOffset & size - 1;
    const from = start - first + size - 1 >> bits, to = end - first >> bits;
    at = first + (from << bits);
    maskBytes(bytes, start, at, turned);
    turned = rotate(turned, 8 * (at - start & 3));
    maskWords(wordsOf(bytes, first), from, to, LITTLE_ENDIAN ? swap(turned) : turned);
    at = first + (to << bits);
  }
  maskBytes(bytes, at, end, turned);
  return phase + length & 3;
}

function maskBytes(bytes: Uint8Array, at: number, end: number, key: number): void {
  for (; at + 3 < end; at += 4) {
    bytes[at]! ^= key >>> 24;
    bytes[at + 1]! ^= key >>> 16;
    bytes[at + 2]! ^= key >>> 8;
    bytes[at + 3]! ^= key;
  }
  for (let shift = 24; at < end; shift -= 8) bytes[at++]! ^= key >>> shift;
}

/** The runtime's own masking, once it was looked up; `null` where it has none after all. */
let native: ReturnType<typeof nodeMask> | null;

const keyBytes = new Uint8Array(4);

function maskNatively(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, key: number): boolean {
  if (native === undefined) native = nodeMask() ?? null;
  if (!native) return false;
  for (let i = 0; i < 4; i++) keyBytes[i] = key >>> 24 - 8 * i;
  native(bytes.subarray(start, end), keyBytes);
  return true;
}

type Words = BigUint64Array | Int32Array;

/** The array that was last masked by words, and its view as words: one view serves all frames of a chunk. */
let seen: Uint8Array | undefined;
let words: Words | undefined;

/** The view of a larger buffer is not kept: it would keep the buffer alive after its chunk is done. */
const MAX_KEPT = 2 ** 17;

/** A view of the bytes as words, from their byte `first` on, which is aligned. */
function wordsOf(bytes: Uint8Array<ArrayBuffer>, first: number): Words {
  if (seen === bytes) return words!;
  const { buffer, byteOffset, length } = bytes, start = byteOffset + first;
  const made = WIDE_WORDS
    ? new BigUint64Array(buffer, start, length - first >> 3)
    : new Int32Array(buffer, start, length - first >> 2);
  if (buffer.byteLength <= MAX_KEPT && !buffer.resizable) {
    seen = bytes;
    words = made;
  }
  return made;
}

const pair = new Int32Array(2), pairAsOne = new BigUint64Array(pair.buffer);

function maskWords(words: Words, from: number, to: number, word: number): void {
  if (words instanceof Int32Array) maskFours(words, from, to, word);
  else {
    pair[0] = pair[1] = word;
    const twice = pairAsOne[0]!;
    for (let i = from; i < to; i++) words[i]! ^= twice;
  }
}

/** Words of 32 bits: four in a turn of the loop are a third faster than one, which words of 64 bits are not. */
function maskFours(words: Int32Array, from: number, to: number, word: number): void {
  const last = to - 3;
  let i = from;
  for (; i < last; i += 4) {
    words[i]! ^= word;
    words[i + 1]! ^= word;
    words[i + 2]! ^= word;
    words[i + 3]! ^= word;
  }
  for (; i < to; i++) words[i]! ^= word;
}

/** Rotates 32 bits to the left. */
function rotate(word: number, bits: number): number {
  return word << bits | word >>> 32 - bits;
}

/** Reverses the four bytes. */
function swap(word: number): number {
  return word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24;
}

/**
 * Takes masking keys from a pool of random bytes, so that a frame does not cost a system call.
 *
 * @param fill Fills a buffer with unpredictable bytes.
 */
export function maskKeys(fill: (pool: Uint32Array<ArrayBuffer>) => void): MaskKeys {
  const pool = new Uint32Array(512);
  let next = pool.length;
  return () => {
    if (next === pool.length) {
      fill(pool);
      next = 0;
    }
    const key = pool[next]!;
    pool[next++] = 0; // a used key must not stay in memory
    return key;
  };
}

/** The default keys: one pool for all clients, filled by the system's random generator. */
export const pooledKeys: MaskKeys = maskKeys((pool) => void crypto.getRandomValues(pool));
