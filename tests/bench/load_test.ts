// What a load sends and counts: messages in a ring, and frames by their headers.

import { assertEquals, assertThrows } from "@std/assert";
import { constants, inflateRawSync } from "node:zlib";
import { compressedRing, plainRing, type Ring } from "../../bench/echo/ring.ts";
import { FrameCounter } from "../../bench/peers/frame_counter.ts";
import { concat } from "../../bench/peers/wire.ts";
import { test } from "../kit/harness.ts";

/** The payloads of masked frames of less than 64 KiB. */
function payloads(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]! & 127, size = short === 126 ? 4 : 2;
    const length = short === 126 ? bytes[at + 2]! << 8 | bytes[at + 3]! : short;
    const key = bytes.subarray(at + size, at + size + 4), begin = at + size + 4;
    found.push(bytes.slice(begin, begin + length).map((byte, i) => byte ^ key[i & 3]!));
    at = begin + length;
  }
  return found;
}

function inflate(parts: readonly Uint8Array[]): Uint8Array {
  const tail = Uint8Array.of(0, 0, 255, 255), all = concat(parts.flatMap((part) => [part, tail]));
  return new Uint8Array(inflateRawSync(all, { finishFlush: constants.Z_SYNC_FLUSH }));
}

test("Ring.batch() gives messages in order, and the first ones after the last", () => {
  const ring = plainRing(false, 200, 3);
  assertEquals(payloads(ring.batch(2, 3)), [2, 0, 1].map((i) => ring.payloads[i]));
  assertEquals(payloads(ring.batch(7, 1)), [ring.payloads[1]]);
  assertEquals(ring.batch(1, 0).length, 0);
});

test("compressedRing() can be sent twice over one window, as RFC 7692 §7.2.3.2 keeps it", () => {
  const ring = compressedRing("permessage-deflate"), twice = [...rounds(ring), ...rounds(ring)];
  assertEquals(inflate(twice), concat([...ring.payloads, ...ring.payloads]));
});

test("compressedRing() keeps no window where the client is not to: RFC 7692 §7.1.1.2", () => {
  const ring = compressedRing("permessage-deflate; client_no_context_takeover; client_max_window_bits=10");
  for (const [i, part] of rounds(ring).entries()) assertEquals(inflate([part]), ring.payloads[i]);
});

function rounds(ring: Ring): Uint8Array[] {
  return payloads(ring.batch(0, ring.length));
}

test("FrameCounter counts messages however they are split, and refuses what is none: RFC 6455 §5.2", () => {
  const sizes = [0, 1, 125, 126, 300, 65536];
  const frames = sizes.map((size) => {
    const head = size < 126 ? [size] : size < 65536 ? [126, size >> 8, size & 255] : [127, 0, 0, 0, 0, 0, 1, 0, 0];
    return concat([Uint8Array.of(0x82, ...head), new Uint8Array(size)]);
  });
  const all = concat(frames);
  for (const step of [1, 2, 3, 7, 1000, all.length]) {
    const counter = new FrameCounter();
    let count = 0;
    for (let at = 0; at < all.length; at += step) count += counter.count(all.subarray(at, at + step));
    assertEquals([count, counter.isBetween], [sizes.length, true], `in steps of ${step}`);
  }
  for (const first of [0x02, 0x88, 0x89]) {
    assertThrows(() => new FrameCounter().count(Uint8Array.of(first, 0)), Error, "Not a whole message");
  }
});
