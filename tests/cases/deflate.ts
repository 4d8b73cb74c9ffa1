// What rows about permessage-deflate have in common: what was agreed, and compressed payloads by hand (RFC 7692 §7).

import { constants, deflateRawSync } from "node:zlib";
import type { DeflateAgreement } from "../../src/protocol/compression_options.ts";

/** An agreement that is the simplest one, but for this (RFC 7692 §7.1). */
export function agreed(more: Partial<DeflateAgreement> = {}): DeflateAgreement {
  return {
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    ...more,
  };
}

/** A block without compression (RFC 1951 §3.2.4), which begins at a byte. */
export function stored(bytes: readonly number[], isFinal = false): number[] {
  const { length } = bytes, [low, high] = [length & 0xff, length >> 8];
  return [isFinal ? 1 : 0, low, high, low ^ 0xff, high ^ 0xff, ...bytes];
}

/** A message as another compressor than ours makes it (RFC 7692 §7.2.1). */
export function deflated(bytes: readonly number[], windowBits = 15): number[] {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, windowBits };
  return [...deflateRawSync(Uint8Array.from(bytes), options).subarray(0, -4)];
}

/** Bytes that are not compressible, the same ones each time. */
export function noise(length: number): number[] {
  let state = 1;
  return Array.from({ length }, () => (state = state * 48271 % 0x7fffffff) >> 8 & 0xff);
}
