import { assert, assertEquals } from "@std/assert";
import { mask, maskKeys } from "../../src/protocol/mask.ts";
import { hex, random, test } from "../kit/harness.ts";

/** RFC 6455 §5.3, as it stands there: octet i is XORed with octet i modulo 4 of the key. */
function maskByByte(bytes: Uint8Array, start: number, end: number, key: number, phase: number): void {
  const octets = [key >>> 24, key >>> 16 & 255, key >>> 8 & 255, key & 255];
  for (let i = start; i < end; i++) bytes[i]! ^= octets[(phase + i - start) % 4]!;
}

test("mask() masks the example of the RFC (RFC 6455 §5.7)", () => {
  const bytes = new TextEncoder().encode("Hello");
  mask(bytes, 0, 5, 0x37fa213d);
  assertEquals(bytes, hex("7f 9f 4d 51 58"));
});

test("mask() is the XOR by bytes at every offset, start, length and phase (RFC 6455 §5.3)", () => {
  const next = random(1);
  const buffer = new Uint8Array(720);
  for (let offset = 0; offset < 8; offset++) {
    for (let start = 0; start < 5; start++) {
      for (
        const length of [
          0,
          1,
          2,
          3,
          4,
          5,
          7,
          8,
          31,
          46,
          47,
          48,
          49,
          50,
          51,
          52,
          55,
          63,
          64,
          65,
          100,
          127,
          191,
          192,
          200,
          511,
          512,
          513,
          516,
          519,
          527,
          700,
        ]
      ) {
        for (let phase = 0; phase < 4; phase++) {
          for (let i = 0; i < buffer.length; i++) buffer[i] = next();
          const key = next() | 0; // as often negative as not
          const expected = buffer.slice();
          maskByByte(expected.subarray(offset), start, start + length, key, phase);
          const end = mask(buffer.subarray(offset), start, start + length, key, phase);
          assertEquals(end, (phase + length) % 4);
          const same = buffer.every((byte, i) => byte === expected[i]);
          assert(same, `offset ${offset}, start ${start}, length ${length}, phase ${phase}, key ${key}`);
        }
      }
    }
  }
});

test("mask() finds its way in bytes that it has seen before, in any order (RFC 6455 §5.3)", () => {
  const next = random(2), buffers = [new Uint8Array(4000), new Uint8Array(2 ** 17 + 1000)];
  const chunks = buffers.flatMap((buffer) => [buffer.subarray(3, 2000), buffer.subarray(2001)]);
  for (const chunk of chunks) for (let i = 0; i < chunk.length; i++) chunk[i] = next();
  const expected = chunks.map((chunk) => chunk.slice());
  for (let round = 0; round < 400; round++) {
    const which = next() % (round < 200 ? 2 : 4), chunk = chunks[which]!, key = next() | 0, phase = round % 4;
    const start = next() % chunk.length, end = start + next() % (chunk.length - start + 1);
    mask(chunk, start, end, key, phase);
    maskByByte(expected[which]!, start, end, key, phase);
  }
  for (const [i, chunk] of chunks.entries()) {
    assert(chunk.every((byte, at) => byte === expected[i]![at]), `chunk ${i}`);
  }
});

test("mask() finds its way in bytes that have become more since it has seen them", () => {
  const buffer = new ArrayBuffer(1000, { maxByteLength: 4000 }), bytes = new Uint8Array(buffer), key = 0x01020304;
  mask(bytes, 0, 1000, key);
  buffer.resize(4000);
  mask(bytes, 0, 1000, key);
  mask(bytes, 0, 4000, key);
  assertEquals(bytes, Uint8Array.from({ length: 4000 }, (_, i) => 1 + i % 4));
});

test("mask() is its own inverse across any cut (RFC 6455 §5.3)", () => {
  const payload = Uint8Array.from({ length: 200 }, (_, i) => i);
  for (let cut = 0; cut <= payload.length; cut++) {
    const bytes = payload.slice();
    mask(bytes, 0, bytes.length, 0x01020304);
    mask(bytes, cut, bytes.length, 0x01020304, mask(bytes, 0, cut, 0x01020304));
    assertEquals(bytes, payload);
  }
});

test("maskKeys() gives every number of the pool once, and fills it anew", () => {
  let filled = 0, count = 0;
  const next = maskKeys((pool) => {
    filled++;
    for (let i = 0; i < pool.length; i++) pool[i] = ++count;
  });
  assertEquals(Array.from({ length: 5000 }, next), Array.from({ length: 5000 }, (_, i) => i + 1));
  assertEquals(filled, Math.ceil(5000 / 512));
});

test("maskKeys() forgets a key that is used (RFC 6455 §10.3)", () => {
  let kept!: Uint32Array;
  const next = maskKeys((pool) => {
    kept = pool.fill(7);
  });
  for (let i = 1; i <= 512; i++) {
    assertEquals(next(), 7);
    assertEquals(kept.indexOf(7), i < 512 ? i : -1);
  }
});

test("maskKeys() gives keys in which every bit is as often set as not (RFC 6455 §5.3)", () => {
  const next = maskKeys((pool) => void crypto.getRandomValues(pool));
  const keys = Array.from({ length: 4096 }, next);
  // Three equal ones among so many are expected once in a thousand million runs
  assert(new Set(keys).size >= keys.length - 2);
  for (let bit = 0; bit < 32; bit++) {
    const set = keys.filter((key) => key >>> bit & 1).length;
    assert(Math.abs(set - 2048) < 7 * 32, `bit ${bit} is set ${set} times of 4096`); // seven standard deviations
  }
});
