import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { bytesOf, copyOf } from "../../src/base/owned_bytes.ts";
import { test } from "../kit/harness.ts";

test("bytesOf() gives the very bytes of every kind of buffer", () => {
  const { buffer } = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  for (
    const [source, from, to] of [
      [buffer, 0, 8],
      [new Uint8Array(buffer), 0, 8],
      [new Uint8Array(buffer, 2, 3), 2, 5],
      [new Uint8Array(buffer).subarray(7), 7, 8],
      [new Uint8ClampedArray(buffer, 1, 1), 1, 2],
      [new DataView(buffer, 3, 4), 3, 7],
      [new Uint16Array(buffer, 2, 2), 2, 6],
      [new Int32Array(buffer, 4), 4, 8],
      [new Float64Array(buffer), 0, 8],
      [new BigInt64Array(buffer), 0, 8],
      [new Uint8Array(buffer, 8), 8, 8],
      [new ArrayBuffer(0), 0, 0],
    ] as const
  ) {
    const bytes = bytesOf(source);
    assertEquals(bytes, new Uint8Array(buffer).slice(from, to));
    if (from < to) assertStrictEquals(bytes.buffer, buffer);
  }
});

test("bytesOf() refuses memory that may change or go away, and what is no buffer", () => {
  const resizable = new ArrayBuffer(4, { maxByteLength: 8 });
  const detached = new ArrayBuffer(4), view = new Uint8Array(detached);
  detached.transfer();
  const shared = new SharedArrayBuffer(4);
  const wrong = [
    shared,
    new Uint8Array(shared),
    new DataView(shared),
    resizable,
    new Uint8Array(resizable),
    detached,
    view,
  ];
  for (const source of [...wrong, 1, null, undefined, {}, [1], "a", { buffer: new ArrayBuffer(1) }, new Blob()]) {
    assertThrows(() => bytesOf(source as BufferSource), TypeError, "Cannot send");
  }
});

test("copyOf() gives a copy with a buffer of its own, which bytesOf() takes as it is", () => {
  for (const length of [0, 1, 32, 33, 64, 65, 5000]) {
    const bytes = new Uint8Array(length + 8).map((_, i) => i).subarray(4, 4 + length);
    const copy = copyOf(bytes);
    assertEquals(copy, bytes);
    assertStrictEquals(bytesOf(copy), copy);
    assertNotStrictEquals(copy.buffer, bytes.buffer);
    assertEquals([copy.constructor, copy.buffer.byteLength], [Uint8Array, length]);
  }
});

test("bytesOf() refuses a copy whose buffer was transferred, and what was put in its place", () => {
  const copy = copyOf(Uint8Array.of(1, 2, 3));
  structuredClone(copy, { transfer: [copy.buffer] });
  assertThrows(() => bytesOf(copy), TypeError, "detached");
  assertThrows(() => bytesOf(Object.create(copyOf(Uint8Array.of(1)))), TypeError, "Cannot send");
});
