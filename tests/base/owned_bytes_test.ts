import { assertEquals, assertNotStrictEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { bytesOf, copyOf, lengthOf, plainOf, sharedSnapshotOf, snapshotOf } from "../../src/base/owned_bytes.ts";
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

/** Views that say of themselves what is not true. */
function liars(buffer: ArrayBuffer): [view: ArrayBufferView<ArrayBuffer>, from: number, to: number][] {
  const lies = { length: { value: 1000 }, byteLength: { value: 1000 }, byteOffset: { value: 1 } };
  const other = { ...lies, buffer: { value: new ArrayBuffer(1000) }, constructor: { value: Array } };
  class Liar extends Uint8Array<ArrayBuffer> {
    override get length() {
      return 1000;
    }
    override get buffer() {
      return new ArrayBuffer(1000);
    }
    override subarray() {
      return new Uint8Array(1000);
    }
  }
  return [
    [new Liar(buffer, 2, 4), 2, 6],
    [Object.defineProperties(new Uint8Array(buffer, 2, 4), lies), 2, 6],
    [Object.defineProperties(new Uint8Array(buffer, 2, 4), other), 2, 6],
    [Object.defineProperties(new Uint16Array(buffer, 2, 2), other), 2, 6],
    [Object.defineProperties(new DataView(buffer, 2, 4), other), 2, 6],
    [Object.defineProperties(new Uint8Array(buffer, 2, 4), { length: { value: 0 } }), 2, 6],
  ];
}

test("bytesOf(), lengthOf(), plainOf() and snapshotOf() take the language's word, whatever a view says of itself", () => {
  const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer;
  for (const [view, from, to] of liars(buffer)) {
    const bytes = bytesOf(view), plain = plainOf(bytes), copy = snapshotOf(bytes);
    assertEquals([...copy], [...plain]);
    assertEquals([copy.constructor, copy.buffer.byteLength], [Uint8Array, 4]);
    assertEquals(lengthOf(bytes), to - from);
    assertEquals([plain.constructor, plain.length], [Uint8Array, to - from]);
    assertStrictEquals(plain.buffer, buffer);
    assertEquals(plain, new Uint8Array(buffer).slice(from, to));
  }
});

test("bytesOf() sees through a length of 0 that hides a detached copy, and one that does not", () => {
  const copy = copyOf(Uint8Array.of(1, 2, 3));
  structuredClone(copy, { transfer: [copy.buffer] });
  Object.defineProperty(copy, "length", { value: 3 });
  assertThrows(() => bytesOf(copy), TypeError, "detached");
});

test("sharedSnapshotOf() gives calls in a row one copy of the same bytes, and another once a byte is another", () => {
  const bytes = new Uint8Array(5000).fill(1);
  const first = sharedSnapshotOf(bytes);
  assertNotStrictEquals(first.buffer, bytes.buffer);
  assertStrictEquals(sharedSnapshotOf(bytes), first);
  assertStrictEquals(sharedSnapshotOf(bytes.slice()), first);
  bytes[4999] = 2;
  const second = sharedSnapshotOf(bytes);
  assertEquals([first[4999], second[4999], sharedSnapshotOf(bytes) === second], [1, 2, true]);
  assertEquals(sharedSnapshotOf(bytes.subarray(0, 4999)).length, 4999);
  const few = new Uint8Array(10);
  assertNotStrictEquals(sharedSnapshotOf(few), sharedSnapshotOf(few));
  const liar = Object.defineProperty(new Uint8Array(5000), "length", { value: 1 });
  assertEquals(lengthOf(sharedSnapshotOf(liar)), 5000);
});
