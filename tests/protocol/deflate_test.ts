import { assert, assertEquals } from "@std/assert";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { checkCompression, DEFAULT_COMPRESSION } from "../../src/protocol/compression_options.ts";
import { codecOf, Deflater, type DeflaterOptions, Inflater } from "../../src/protocol/deflate.ts";
import { agreed, deflated, noise, stored } from "../cases/deflate.ts";
import { concat, hex, latin1, random, test, text } from "../kit/harness.ts";
import { held } from "../load/program.ts";
import { assertSame } from "../kit/assert_same.ts";

const SETTINGS: DeflaterOptions = { windowBits: 15, level: 6, memLevel: 8, takesOver: true };
const TAIL = hex("00 00 ff ff");

const deflater = (settings: Partial<DeflaterOptions> = {}) => new Deflater({ ...SETTINGS, ...settings });

/** What comes out, or `undefined` for what can't be inflated; the payload is pushed in pieces of that size. */
function inflate(inflater: Inflater, payload: Uint8Array, size = Infinity): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  const sink = (bytes: Uint8Array) => pieces.push(bytes.slice()) > 0;
  for (let at = 0; at < payload.length; at += size) {
    if (!inflater.push(payload.slice(at, at + size), sink)) return undefined;
  }
  return inflater.end(sink) ? concat(...pieces) : undefined;
}

/** Messages that have something in common, at every distance up to 40,000: words, zeros, noise, nothing. */
function messages(): Uint8Array[] {
  const next = random(7), far = Uint8Array.from(noise(20_000));
  const words = () => latin1(Array.from({ length: 300 }, () => `"key${next() % 40}": ${next() % 1000}`).join(", "));
  return [
    words(),
    new Uint8Array(),
    far,
    words(),
    new Uint8Array(100_000),
    Uint8Array.of(1),
    far,
    words(),
    latin1("x".repeat(300) + text(far.subarray(0, 600)) + text(far.subarray(0, 600))),
    new Uint8Array(),
  ];
}

const WINDOWS = [9, 10, 11, 12, 13, 14, 15];

test("what a Deflater makes for a window is inflated with exactly that window, byte by byte (RFC 7692 §7.2.1)", () => {
  for (const windowBits of WINDOWS) {
    for (const takesOver of [true, false]) {
      const compressor = deflater({ windowBits, takesOver });
      const whole = new Inflater(windowBits, takesOver), bytewise = new Inflater(windowBits, takesOver);
      for (const [i, message] of messages().entries()) {
        const payload = compressor.compress(message, true).slice(), what = `${windowBits} ${takesOver} ${i}`;
        assertSame(inflate(whole, payload), message, what);
        // A call that gives a byte has no more than the window behind it
        assertSame(inflate(bytewise, payload, 1), message, what);
      }
    }
  }
});

test("an Inflater refuses a distance beyond its window, wherever the payload is cut (RFC 7692 §7.2.1)", () => {
  for (const windowBits of [8, ...WINDOWS.slice(0, -1)]) {
    const noises = noise(2 ** windowBits + 50), bytes = Uint8Array.from([...noises, ...noises]);
    const payload = Uint8Array.from(deflated([...bytes]));
    for (const size of [1, 100, 1000, Infinity]) {
      assertEquals(inflate(new Inflater(windowBits, true), payload, size), undefined, `${windowBits} ${size}`);
      assertSame(inflate(new Inflater(windowBits + 1, true), payload, size), bytes, `${windowBits} ${size}`);
    }
  }
});

test("an Inflater of 256 bytes inflates what has no more (RFC 7692 §7.1.2.2)", () => {
  for (const size of [1, Infinity]) {
    const inflater = new Inflater(8, true);
    const bytes = Uint8Array.from([...noise(200), ...noise(200)]), payload = Uint8Array.from(deflated([...bytes]));
    for (let i = 0; i < 3; i++) assertSame(inflate(inflater, payload, size), bytes, `${size}`);
  }
});

test("a Deflater's payloads are inflated by zlib, at each level and memory level (RFC 7692 §7.2.1)", () => {
  for (let level = 0; level <= 9; level++) {
    for (let memLevel = 1; memLevel <= 9; memLevel++) {
      const compressor = deflater({ level, memLevel, windowBits: 9 + level % 7 });
      const inflater = new Inflater(9 + level % 7, true);
      const pieces = [], sent = messages().slice(0, 5);
      for (const message of sent) {
        const payload = compressor.compress(message, true).slice();
        assertSame(inflate(inflater, payload), message, `${level} ${memLevel}`);
        pieces.push(payload, TAIL);
      }
      const stream = inflateRawSync(concat(...pieces), { finishFlush: constants.Z_SYNC_FLUSH });
      assertSame(stream, concat(...sent), `${level} ${memLevel}, by zlib`);
    }
  }
});

test("an Inflater takes what zlib makes, of every window and kind (RFC 7692 §7.2.2)", () => {
  for (const windowBits of WINDOWS) {
    for (
      const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_RLE, constants.Z_FIXED]
    ) {
      for (const level of [0, 1, 9]) {
        const inflater = new Inflater(windowBits, false);
        for (const message of messages()) {
          const options = { windowBits, level, strategy, finishFlush: constants.Z_SYNC_FLUSH };
          const payload = new Uint8Array(deflateRawSync(message, options)).subarray(0, -4);
          assertSame(inflate(inflater, payload, 999), message, `${windowBits} ${strategy} ${level}`);
        }
      }
    }
  }
});

test("Deflater.compress() writes the examples of the RFC (RFC 7692 §7.2.3.1, §7.2.3.2, §7.2.3.6)", () => {
  const hello = latin1("Hello");
  for (const [takesOver, second] of [[true, "f2 00 11 00 00"], [false, "f2 48 cd c9 c9 07 00"]] as const) {
    const compressor = deflater({ takesOver });
    assertEquals(compressor.compress(hello, true).slice(), hex("f2 48 cd c9 c9 07 00"));
    assertEquals(compressor.compress(hello, true).slice(), hex(second));
    for (let i = 0; i < 3; i++) assertEquals(compressor.compress(new Uint8Array(), true).slice(), hex("00"));
    // A last fragment without bytes, and fragments of which the end is not cut off
    assertEquals(compressor.compress(hello, false).slice(-4), TAIL);
    assertEquals(compressor.compress(new Uint8Array(), true).slice(), hex("00"));
  }
});

test("Deflater.compress() takes a message in pieces, with empty ones among them (RFC 7692 §7.2.1)", () => {
  const next = random(3);
  for (const takesOver of [true, false]) {
    const compressor = deflater({ takesOver, windowBits: 11 }), inflater = new Inflater(11, takesOver);
    for (const message of [...messages(), ...messages()]) {
      const payloads = [];
      for (let at = 0; at < message.length;) {
        const size = next() % 4 === 0 ? 0 : 1 + next() % 9000;
        payloads.push(compressor.compress(message.subarray(at, at + size), false).slice());
        at += size;
      }
      payloads.push(compressor.compress(new Uint8Array(), true).slice());
      assertSame(inflate(inflater, concat(...payloads), 777), message, "in pieces");
    }
  }
});

test("Deflater.compress() gives payloads of every size up to 64 KiB and some beyond, around its room too", () => {
  const bytes = Uint8Array.from(noise(70_000)), compressor = deflater({ takesOver: false });
  const inflater = new Inflater(15, false);
  const around = [16384, 32768, 65536].flatMap((size) => Array.from({ length: 40 }, (_, i) => size - 35 + i));
  for (const size of [...around, 69_999]) {
    const message = bytes.subarray(0, size);
    assertSame(inflate(inflater, compressor.compress(message, true).slice()), message, `${size}`);
  }
  // More than is kept between two calls
  const large = Uint8Array.from({ length: 3 * 2 ** 20 }, random(9));
  assertSame(inflate(inflater, compressor.compress(large, true).slice()), large, "3 MiB");
  assertSame(inflate(inflater, compressor.compress(bytes, true).slice()), bytes, "behind 3 MiB");
});

test("an Inflater stops when the sink has enough, and gives no more (RFC 6455 §10.4)", () => {
  const payload = Uint8Array.from(deflated(new Array<number>(2 ** 20).fill(0)));
  let count = 0, calls = 0;
  const inflater = new Inflater(15, true);
  assert(inflater.push(payload, (bytes) => (calls++, count += bytes.length) < 100_000));
  assertEquals([count, calls], [131072, 2]);
  // The sink ends it by what is not sent, and frees it
  const other = new Inflater(15, true);
  assert(other.push(hex("00 04 00 fb ff"), () => false));
  assert(other.end(() => (other.free(), false)));
});

test("an Inflater tells what does not end where a block does (RFC 7692 §7.2.2)", () => {
  const hello = "f2 48 cd c9 c9 07 00";
  for (
    const [payload, isWhole] of [
      [hello, true],
      ["f3 48 cd c9 c9 07 00 00", true],
      ["00", true],
      ["f3 48 cd c9 c9 07 00", false],
      ["f2 48 cd", false],
      [`${hello} 00 00 ff ff`, false],
      ["00 06 00 f9 ff 48", false],
    ] as const
  ) {
    for (const takesOver of [true, false]) {
      assertEquals(inflate(new Inflater(15, takesOver), hex(payload)) !== undefined, isWhole, payload);
    }
  }
});

test("an Inflater takes a thousand streams in a row that are empty, and no more (RFC 7692 §7.2.1)", () => {
  const empty = (count: number) =>
    concat(...Array.from({ length: count }, (_, i) => hex(["03 00", "01 0000ffff"][i % 2]!)));
  const hello = hex("f3 48 cd c9 c9 07 00"), end = hex("00");
  for (const size of [1, 7, Infinity]) {
    for (const takesOver of [true, false]) {
      const inflater = new Inflater(15, takesOver);
      // Each message has as many, and so has what is around bytes that come out
      for (let i = 0; i < 2; i++) assertEquals(inflate(inflater, concat(empty(1000), end), size), new Uint8Array());
      const between = concat(empty(1000), hello, empty(1000), hello, empty(1000), end);
      assertEquals(inflate(inflater, between, size), latin1("HelloHello"));
      assertEquals(
        inflate(inflater, concat(empty(999), hex("01")), size),
        new Uint8Array(),
        "and the last one is sent",
      );
      assertEquals(inflate(inflater, concat(hello, empty(1001), end), size), undefined);
      assertEquals(inflate(new Inflater(15, takesOver), concat(empty(1000), hex("01")), size), undefined);
    }
  }
});

test("a context keeps nothing of a large message, with a connection nor without one", async () => {
  for (const takesOver of [true, false]) {
    const all = Array.from({ length: 4 }, () => deflater({ takesOver, level: 0 }));
    const before = await held();
    // All have begun before one ends, so that each has a context of its own
    for (const each of all) each.compress(latin1("Hello"), false);
    for (const each of all) each.compress(new Uint8Array(4 * 2 ** 20), true);
    const left = await held(before + 2 ** 21) - before;
    assert(left < 2 ** 22, `${left} bytes, ${takesOver ? "with" : "without"} takeover`);
    for (const each of all) assert(each.compress(latin1("Hello"), true).length > 5);
  }
});

test("contexts that are kept are freed with free(), and begin anew (RFC 7692 §7.1.1)", async () => {
  const before = await held();
  const codecs = Array.from(
    { length: 200 },
    () => codecOf("server", agreed(), checkCompression({ serverMaxWindowBits: 15 }, "server")!),
  );
  const message = Uint8Array.from(noise(1000)), payload = Uint8Array.from(deflated(noise(1000)));
  for (const { deflater, inflater } of codecs) {
    deflater.compress(message, true);
    assert(inflate(inflater, payload));
  }
  const used = await held() - before;
  assert(used > 200 * 200_000, `${used} bytes for 200 connections`);
  for (const { deflater, inflater } of codecs) {
    deflater.free();
    inflater.free();
  }
  const left = await held(before + used / 10) - before;
  assert(left < used / 4, `${left} of ${used} bytes are left`);
  for (const { deflater, inflater } of codecs.slice(0, 2)) {
    const payload = deflater.compress(latin1("Hello"), true).slice();
    assertEquals(payload, hex("f2 48 cd c9 c9 07 00"));
    assertEquals(inflate(inflater, payload), latin1("Hello"));
  }
});

test("a distance of 32,768 bytes is within the window (RFC 7692 §7.2.2)", () => {
  const before = noise(2 ** 15);
  // A block with fixed codes (RFC 1951 §3.2.6): a length of 3, code 29 and its 13 bits for the distance, the end; and the
  // beginning of an empty block. zlib itself goes no further back than 32,506
  const bits = [0, 1, 0, ..."0000001", ..."11101", ..."1".repeat(13), ..."0000000", 0, 0, 0].map(Number);
  const block = Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) => {
    return bits.slice(8 * i, 8 * i + 8).reduce((byte, bit, at) => byte | bit << at, 0);
  });
  for (const size of [1, 1000, Infinity]) {
    const inflated = inflate(new Inflater(15, true), concat(Uint8Array.from(stored(before)), block), size);
    assertSame(inflated, Uint8Array.from([...before, ...before.slice(0, 3)]), `in pieces of ${size}`);
  }
});

test("without takeover nobody sees another's window, in the middle of a message either (RFC 7692 §7.1.1)", () => {
  const secret = latin1("the secret of somebody else, of which nothing is told"), hello = latin1("Hello");
  const fresh = () => deflater({ takesOver: false });
  const alone = fresh().compress(secret, true).slice();
  const [a, b, c] = [fresh(), fresh(), fresh()];
  for (let round = 0; round < 3; round++) {
    const first = a.compress(secret, false).slice();
    assertEquals(b.compress(secret, true).slice(), alone, "beside a message that has begun");
    const begun = b.compress(hello, false).slice();
    assertEquals(c.compress(secret, true).slice(), alone, "beside two");
    const last = a.compress(secret, true).slice();
    assertEquals(c.compress(secret, true).slice(), alone, "behind it");
    const end = b.compress(secret, true).slice();
    const reader = new Inflater(15, false);
    assertEquals(inflate(reader, concat(first, last)), concat(secret, secret));
    assertEquals(inflate(reader, concat(begun, end)), concat(hello, secret));
  }
});

test("without takeover no message can point to another's, in the middle of a message either (RFC 7692 §7.1.1)", () => {
  const hello = hex("f2 48 cd c9 c9 07 00"), back = hex("f2 00 11 00 00"), sink = () => true;
  const fresh = () => new Inflater(15, false);
  const [a, b, c] = [fresh(), fresh(), fresh()];
  for (let round = 0; round < 3; round++) {
    assert(a.push(concat(hello, TAIL), sink));
    assertEquals(inflate(fresh(), back), undefined, "beside a message that has begun");
    assertEquals(inflate(b, hello), latin1("Hello"));
    assertEquals(inflate(fresh(), back), undefined, "behind another's");
    assertEquals(inflate(a, back), latin1("Hello"), "its own beginning");
    // One that is cut off is nobody's afterwards
    assertEquals(inflate(fresh(), hello.slice(0, 3)), undefined);
    assertEquals(inflate(c, hello), latin1("Hello"));
  }
});

test("codecOf() has each side's window, takeover and settings (RFC 7692 §7.1)", () => {
  const bytes = Uint8Array.from([...noise(3000), ...noise(3000)]), far = Uint8Array.from(deflated([...bytes]));
  for (const role of ["server", "client"] as const) {
    const [ours, theirs] = role === "server" ? ["server", "client"] : ["client", "server"];
    for (const [window, bare] of [[11, true], [15, false]] as const) {
      const own = codecOf(
        role,
        agreed({ [`${ours}MaxWindowBits`]: window, [`${ours}NoContextTakeover`]: bare }),
        DEFAULT_COMPRESSION,
      );
      assertEquals([own.deflater.takesOver, own.threshold], [!bare, 256]);
      const payload = own.deflater.compress(bytes, true).slice();
      assertSame(inflate(new Inflater(Math.min(window, 12), true), payload, 1), bytes, `${role} ${window}`);
      assertSame(inflate(own.inflater, far), bytes, "the other window is the largest");

      const other = codecOf(
        role,
        agreed({ [`${theirs}MaxWindowBits`]: window, [`${theirs}NoContextTakeover`]: bare }),
        DEFAULT_COMPRESSION,
      );
      assertEquals(other.deflater.takesOver, true);
      assertEquals(inflate(other.inflater, far) !== undefined, window === 15, `${role} ${window}`);
    }
    const set = codecOf(
      role,
      agreed(),
      checkCompression({ [`${ours}MaxWindowBits`]: 15, level: 9, threshold: 7 }, role)!,
    );
    assertEquals(set.threshold, 7);
    const payload = set.deflater.compress(bytes, true).slice();
    assert(payload.length < 4000, "a window that was set is used");
    assertEquals(inflate(new Inflater(11, true), payload), undefined);
  }
});
