// Frame headers (RFC 6455 §5.2): 2 to 14 bytes to numbers and back, and the rules that a header alone can break.
// Nothing here is allocated: a header is read into an object that its caller keeps.

import type { ProtocolFailure } from "../errors/failures.ts";

/** The opcodes (RFC 6455 §11.8). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The bit of the first byte that marks the last frame of a message. */
export const FIN = 0x80;

/** The bit of the first byte that marks a compressed message (RFC 7692 §6). */
export const RSV1 = 0x40;

/** A header that was read; one object is reused for all frames of a connection. */
export interface FrameHeader {
  fin: boolean;
  /** RSV1, RSV2, RSV3 as the bits 4, 2, 1. */
  rsv: number;
  opcode: number;
  masked: boolean;
  /** The payload length in bytes. It is exact up to 2^53; 2^63 stands for all that have the highest bit set. */
  length: number;
  /** The masking key, as a signed number; 0 when there is none. */
  key: number;
}

/** How long the payload of a control frame may be (§5.5). */
export const MAX_CONTROL_PAYLOAD = 125;

/** The size of the largest header: 2 bytes, a 64-bit length (8), a masking key (4). */
export const MAX_HEADER = 14;

/** The size of a header whose second byte is this. */
export function headerSize(second: number): number {
  const short = second & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second >= 0x80 ? 4 : 0);
}

/**
 * Reads the header at `bytes[at, end)`.
 *
 * @param header What to read it into; unchanged while the header is not whole.
 * @returns The size of the header, or 0 when there are not enough bytes yet.
 */
export function readHeader(bytes: Uint8Array, at: number, end: number, header: FrameHeader): number {
  if (end - at < 2) return 0;
  const first = bytes[at]!, second = bytes[at + 1]!;
  const size = headerSize(second);
  if (end - at < size) return 0;
  header.fin = (first & FIN) !== 0;
  header.rsv = first >> 4 & 7;
  header.opcode = first & 15;
  header.masked = second >= 0x80;
  const short = second & 0x7f;
  if (short < 126) header.length = short;
  else if (short === 126) header.length = bytes[at + 2]! << 8 | bytes[at + 3]!;
  else {
    const high = readWord(bytes, at + 2), low = readWord(bytes, at + 6);
    // A length that fits in 31 bits stays an integer: after a multiplication, Bun's JIT would calculate the lengths of
    // short messages in floating point, too
    if (high === 0 && low >= 0) header.length = low;
    else if (high < 0) header.length = 2 ** 63;
    else header.length = Math.min(high * 2 ** 32 + (low >>> 0), 2 ** 62); // so that 2^63 - 1 is not rounded up to 2^63
  }
  header.key = header.masked ? readWord(bytes, at + size - 4) : 0;
  return size;
}

/** Reads 32 bits in network order as a signed number. */
function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

/**
 * The rule that the first two bytes of a frame break, if they do. The rules are checked in the order of RFC 6455 §5.2.
 *
 * @param masked Whether the peer must mask its frames, as a client must.
 * @param isFragmented Whether the last frame of a message is still to come.
 * @param deflates Whether messages may be compressed.
 */
export function checkStart(
  first: number,
  second: number,
  masked: boolean,
  isFragmented: boolean,
  deflates: boolean,
): ProtocolFailure | undefined {
  const fin = (first & FIN) !== 0, opcode = first & 15, short = second & 0x7f, reserved = first & 0x70;
  // §5.2: «MUST be 0 unless an extension is negotiated that defines meanings for non-zero values». RFC 7692 §6.1: RSV1
  // stands on the first frame of a message only
  const isFirst = opcode === OPCODE.text || opcode === OPCODE.binary;
  if (reserved !== 0 && !(deflates && reserved === RSV1 && isFirst)) return "rsv-set";
  if (opcode > OPCODE.pong || opcode > OPCODE.binary && opcode < OPCODE.close) return "opcode-reserved";
  // §5.1
  if (second >= 0x80 !== masked) return masked ? "mask-missing" : "mask-unexpected";
  if (opcode >= OPCODE.close) {
    // §5.5
    if (!fin) return "control-fragmented";
    if (short > MAX_CONTROL_PAYLOAD) return "control-too-long";
  } else if (opcode === OPCODE.continuation) {
    // §5.4
    if (!isFragmented) return "continuation-unexpected";
  } else if (isFragmented) return "continuation-expected";
  return undefined;
}

/** The rule that the length of a whole header breaks, if it does (RFC 6455 §5.2). */
export function checkLength(second: number, length: number): ProtocolFailure | undefined {
  const short = second & 0x7f;
  if (length >= 2 ** 63) return "length-too-large";
  if (short === 126 && length < 126 || short === 127 && length < 65536) return "length-not-minimal";
  return undefined;
}

/** The size of the header for a payload of this length. */
export function headerSizeFor(length: number, masked: boolean): number {
  return (length < 126 ? 2 : length < 65536 ? 4 : 10) + (masked ? 4 : 0);
}

/**
 * Writes a header in its shortest form.
 *
 * @param first The first byte: FIN, RSV and opcode.
 * @param key The masking key, or `undefined` for a server's frame.
 * @returns The position behind it.
 */
export function writeHeader(out: Uint8Array, at: number, first: number, length: number, key?: number): number {
  const bit = key === undefined ? 0 : 0x80;
  out[at++] = first;
  if (length < 126) out[at++] = bit | length;
  else if (length < 65536) {
    out[at++] = bit | 126;
    out[at++] = length >> 8;
    out[at++] = length;
  } else {
    out[at++] = bit | 127;
    at = writeWord(out, at, Math.floor(length / 2 ** 32));
    at = writeWord(out, at, length);
  }
  return key === undefined ? at : writeWord(out, at, key);
}

/** Writes 32 bits in network order; returns the position behind them. */
function writeWord(out: Uint8Array, at: number, word: number): number {
  out[at] = word >>> 24;
  out[at + 1] = word >>> 16;
  out[at + 2] = word >>> 8;
  out[at + 3] = word;
  return at + 4;
}

/** Whether a chunk is one control frame, and nothing else. */
export function isLoneControl(chunk: Uint8Array): boolean {
  const first = chunk[0] ?? 0, second = chunk[1] ?? 0, key = second >= 0x80 ? 4 : 0;
  return (first & 15) >= OPCODE.close && chunk.length === 2 + key + (second & 0x7f);
}
