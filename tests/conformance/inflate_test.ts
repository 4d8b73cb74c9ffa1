// The judge of compressed messages judged: what zlib makes is inflated, and what goes beyond the window is refused.

import { assertEquals, assertThrows } from "@std/assert";
import { constants, deflateRawSync } from "node:zlib";
import { concat, hex, random, test } from "../kit/harness.ts";
import { Inflater } from "./inflate.ts";
import { Misstep } from "./wire.ts";

const compress = (bytes: Uint8Array, level: number, strategy = constants.Z_DEFAULT_STRATEGY) =>
  deflateRawSync(bytes, { level, strategy, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

for (
  const [name, level, strategy] of [
    ["stored blocks", 0, constants.Z_DEFAULT_STRATEGY],
    ["fixed codes", 9, constants.Z_FIXED],
    ["dynamic codes", 9, constants.Z_DEFAULT_STRATEGY],
    ["literals alone", 9, constants.Z_HUFFMAN_ONLY],
  ] as const
) {
  test(`the strict Inflater gives back what zlib has made with ${name} (RFC 1951 §3.2)`, () => {
    const next = random(level + strategy), inflater = new Inflater(15, false);
    for (const size of [0, 1, 100, 70_000, 300_000]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => i % 700 < 600 ? i % 700 >> 3 : next());
      assertEquals(inflater.inflate(compress(bytes, level, strategy)), bytes);
    }
  });
}

/** What an example of RFC 7692 says: `Hello` twice, the second time by reference to the first. */
const FIRST = hex("f2 48 cd c9 c9 07 00"), SECOND = hex("f2 00 11 00 00");
const HELLO = new TextEncoder().encode("Hello");

test("the strict Inflater refers to earlier messages only where they were kept (RFC 7692 §7.2.3.2)", () => {
  const keeping = new Inflater(8, true), bare = new Inflater(8, false);
  assertEquals([keeping.inflate(FIRST).slice(), keeping.inflate(SECOND).slice()], [HELLO, HELLO]);
  bare.inflate(FIRST);
  assertThrows(() => bare.inflate(SECOND), Misstep, "a distance of 5 after 1 octets");
});

test("the strict Inflater takes a final block, and one behind it (RFC 7692 §7.2.3.4)", () => {
  assertEquals(new Inflater(15, true).inflate(hex("f3 48 cd c9 c9 07 00 00")), HELLO);
});

test("the strict Inflater refuses a distance beyond the window (RFC 7692 §7.1.2)", () => {
  // Noise, and again what it began with: the only distance there is
  for (const bits of [8, 9, 12]) {
    const next = random(bits), window = 2 ** bits;
    const noise = Uint8Array.from({ length: window + 1 }, next);
    const within = compress(concat(noise.subarray(1), noise.subarray(1, 200)), 9);
    const beyond = compress(concat(noise, noise.subarray(0, 200)), 9);
    assertEquals(new Inflater(bits, true).inflate(within).length, window + 199);
    assertThrows(() => new Inflater(bits, true).inflate(beyond), Misstep, `in a window of ${window}`);
  }
});

for (
  const [name, payload] of [
    ["a deflate block of type 3", "07"],
    ["a stored block with two lengths", "00 05 00 05 00"],
  ] as const
) {
  test(`the strict Inflater refuses ${name} (RFC 1951 §3.2)`, () => {
    assertThrows(() => new Inflater(15, true).inflate(hex(payload)), Misstep, name);
  });
}

test("the strict Inflater refuses what ends within a block", () => {
  const whole = compress(HELLO, 9);
  for (let length = 1; length < whole.length; length++) {
    assertThrows(() => new Inflater(15, true).inflate(whole.subarray(0, length)), Misstep);
  }
});
