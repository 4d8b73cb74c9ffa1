import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { ByteBuilder, recycle } from "../../src/base/byte_builder.ts";
import { assertSame } from "../kit/assert_same.ts";
import { random, test } from "../kit/harness.ts";

test("ByteBuilder gives back what was added, and begins anew", () => {
  const builder = new ByteBuilder();
  for (let round = 0; round < 3; round++) {
    builder.add(Uint8Array.of(9, 1, 2, 9), 1, 3, Infinity);
    builder.add(new Uint8Array(), 0, 0, Infinity);
    builder.add(Uint8Array.of(3), 0, 1, Infinity);
    assertEquals(builder.length, 3);
    assertEquals(builder.take(), Uint8Array.of(1, 2, 3));
    assertEquals(builder.length, 0);
    assertEquals(builder.take(), new Uint8Array());
  }
});

test("ByteBuilder.take() gives bytes that are never written again", () => {
  const builder = new ByteBuilder();
  builder.add(Uint8Array.of(1, 2), 0, 2, Infinity);
  const first = builder.take();
  builder.add(Uint8Array.of(3, 4), 0, 2, Infinity);
  assertEquals(first, Uint8Array.of(1, 2));
  assertNotStrictEquals(builder.take().buffer, first.buffer);
});

test("ByteBuilder.clear() drops what there is", () => {
  const builder = new ByteBuilder();
  builder.add(Uint8Array.of(1, 2), 0, 2, Infinity);
  builder.clear();
  assertEquals(builder.length, 0);
  builder.add(Uint8Array.of(3), 0, 1, Infinity);
  assertEquals(builder.take(), Uint8Array.of(3));
});

test("ByteBuilder.take() holds on to less than twice what it gives", () => {
  const next = random(5);
  for (let round = 0; round < 200; round++) {
    const builder = new ByteBuilder();
    const pieces = Array.from({ length: 1 + next() % 20 }, () => new Uint8Array(next() % 100).fill(round));
    for (const piece of pieces) builder.add(piece, 0, piece.length, Infinity);
    const bytes = builder.take();
    assertEquals(bytes.length, pieces.reduce((length, piece) => length + piece.length, 0));
    assert(bytes.every((byte) => byte === round));
    assert(bytes.buffer.byteLength <= 2 * bytes.length, `${bytes.buffer.byteLength} for ${bytes.length}`);
  }
});

test("ByteBuilder.take() holds on to no more than twice what it gives, however large it is", () => {
  for (const count of [15, 16, 17, 18, 31, 33, 63, 65, 130]) {
    const builder = new ByteBuilder();
    for (let i = 0; i < count; i++) builder.add(new Uint8Array(65536).fill(i), 0, 65536, Infinity);
    const bytes = builder.take();
    assertEquals(bytes.length, count * 65536);
    for (let i = 0; i < count; i++) assertEquals([bytes[i * 65536], bytes[i * 65536 + 65535]], [i, i]);
    assert(bytes.buffer.byteLength <= 2 * bytes.length, `${bytes.buffer.byteLength} for ${bytes.length}`);
  }
});

test("ByteBuilder grows no further than messages may be long", () => {
  const builder = new ByteBuilder(3 * 2 ** 20);
  for (let i = 0; i < 48; i++) builder.add(new Uint8Array(65536), 0, 65536, Infinity);
  const bytes = builder.take();
  assertEquals([bytes.length, bytes.buffer.byteLength], [3 * 2 ** 20, 3 * 2 ** 20]);
});

test("ByteBuilder grows no further than the message is long", () => {
  const builder = new ByteBuilder();
  for (let i = 0; i < 1000; i++) builder.add(Uint8Array.of(i), 0, 1, 1000);
  const bytes = builder.take();
  assertEquals([bytes.length, bytes.buffer.byteLength], [1000, 1000]);
});

/** How many bytes the arrays have that are made during a call. */
function allocated(run: () => void): number {
  const original = globalThis.Uint8Array, transfer = ArrayBuffer.prototype.transfer;
  let sum = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, parameters: unknown[]) {
      if (typeof parameters[0] === "number") sum += parameters[0];
      return Reflect.construct(target, parameters);
    },
  });
  ArrayBuffer.prototype.transfer = function (this: ArrayBuffer, size = this.byteLength) {
    sum += size;
    return transfer.call(this, size);
  };
  try {
    run();
  } finally {
    globalThis.Uint8Array = original;
    ArrayBuffer.prototype.transfer = transfer;
  }
  return sum;
}

const MIB = 2 ** 20;

test("ByteBuilder takes memory for what has come, not for what was declared (RFC 6455 §10.4)", () => {
  const piece = new Uint8Array(65536);
  for (const limit of [16 * MIB, 2 ** 32, 2 ** 40, Infinity]) {
    const builder = new ByteBuilder();
    let taken = 0;
    for (let came = piece.length; came <= 4 * MIB; came += piece.length) {
      taken += allocated(() => builder.add(piece, 0, piece.length, limit));
      // beside what is there: the smaller ones that were given back while it had less than 256 KiB
      assert(taken <= 1.5 * came + 2 ** 19, `${taken} bytes for ${came} of ${limit}`);
    }
  }
});

test("ByteBuilder allocates the declared length once half of it has come, and copies no more", () => {
  const builder = new ByteBuilder(), piece = new Uint8Array(65536);
  const sizes = Array.from({ length: 256 }, () => allocated(() => builder.add(piece, 0, piece.length, 16 * MIB)));
  assertEquals(sizes.findIndex((size) => size >= 16 * MIB), 128);
  assertEquals(sizes.slice(129).filter((size) => size > 0), []);
  const bytes = builder.take();
  assertEquals([bytes.length, bytes.buffer.byteLength], [16 * MIB, 16 * MIB]);
});

test("ByteBuilder keeps order and bytes in blocks, whatever the sizes of pieces and whether the length is known", () => {
  const next = random(9);
  for (const isKnown of [true, false]) {
    for (let round = 0; round < 12; round++) {
      const pieces = Array.from({ length: 40 }, () => new Uint8Array(next() % [100, 70_000, 400_000][next() % 3]!));
      for (const piece of pieces) for (let i = 0; i < piece.length; i += 97) piece[i] = next();
      const total = pieces.reduce((length, piece) => length + piece.length, 0);
      const builder = new ByteBuilder(isKnown ? Infinity : total);
      for (const piece of pieces) builder.add(piece, 0, piece.length, isKnown ? total : Infinity);
      const bytes = builder.take();
      assertEquals(bytes.length, total);
      let at = 0;
      for (const piece of pieces) {
        for (let i = 0; i < piece.length; i += 97) assert(bytes[at + i] === piece[i], `byte ${at + i}`);
        at += piece.length;
      }
      assertEquals([builder.length, builder.take().length], [0, 0]);
    }
  }
});

test("ByteBuilder.prepare() joins a part at a time what take() then gives, and clear() drops what it has begun", () => {
  const next = random(9), builder = new ByteBuilder();
  for (let round = 0; round < 30; round++) {
    const size = 2 ** 18 * (1 + next() % 8) + next() % 1000, bytes = new Uint8Array(size);
    for (let i = 0; i < size; i += 4096) bytes[i] = next();
    for (let at = 0; at < size; at += 65536) builder.add(bytes, at, Math.min(size, at + 65536), Infinity);
    if (round % 5 === 4) {
      builder.prepare(100_000);
      builder.clear();
      assert(builder.prepare(1));
      continue;
    }
    const count = 1 + next() % 2 ** 19;
    let calls = 1;
    while (!builder.prepare(count)) calls++;
    assert(calls <= Math.ceil(size / count) + 20 && (calls > 1 || size <= 2 ** 19), `${calls} calls for ${size}`);
    assertSame(builder.take(), bytes, `round ${round}`);
  }
});

test("what is given back is filled again, if it is of the size: behind the new bytes are none of the old", () => {
  const taken = (size: number, fill: number) => {
    const builder = new ByteBuilder();
    builder.add(new Uint8Array(size).fill(fill), 0, size, size);
    return builder.take();
  };
  const first = taken(20_000, 1);
  recycle(first);
  const smaller = taken(12_000, 2);
  assertStrictEquals(smaller.buffer, first.buffer);
  assertEquals([...new Set(new Uint8Array(smaller.buffer, 12_000))], [0]);
  assert(taken(20_000, 3).buffer !== first.buffer, "it is given once");
  assertEquals([smaller.length, ...new Set(smaller)], [12_000, 2]);
  recycle(first);
  for (const size of [20_001, 10_000]) assert(taken(size, 4).buffer !== first.buffer, `${size} bytes of 20,000`);
  recycle(taken(20_000, 5));
  for (const size of [8191, 2 ** 20 + 1]) { // of these, one alone would not be worth it, or keep too much
    const bytes = taken(size, 6);
    recycle(bytes);
    assert(taken(size, 7).buffer !== bytes.buffer, `${size} bytes`);
  }
});

test("what was given back last is kept: 64 buffers, and 4 MiB", () => {
  const taken = (size: number) => {
    const builder = new ByteBuilder();
    builder.add(new Uint8Array(size), 0, size, size);
    return builder.take();
  };
  const kept = (size: number, count: number) => {
    const given = Array.from({ length: count }, () => taken(size));
    given.forEach(recycle);
    const buffers = given.map(({ buffer }) => buffer);
    return buffers.map(() => buffers.indexOf(taken(size).buffer)).filter((index) => index >= 0);
  };
  const counting = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);
  assertEquals(kept(10_000, 70), counting(69, 6));
  assertEquals(kept(2 ** 20, 6), counting(5, 2));
  const gone = Array.from({ length: 64 }, () => taken(2 ** 20));
  for (const bytes of gone) {
    recycle(bytes);
    bytes.buffer.transfer();
  }
  assertEquals(kept(2 ** 20, 4), counting(3, 0), "what was transferred counts for nothing");
});

test("bytes whose buffer was transferred are not filled again", () => {
  const builder = new ByteBuilder(), bytes = new Uint8Array(20_000);
  bytes.buffer.transfer();
  recycle(bytes);
  builder.add(new Uint8Array(20_000).fill(1), 0, 20_000, 20_000);
  assertEquals([...new Set(builder.take())], [1]);
});
