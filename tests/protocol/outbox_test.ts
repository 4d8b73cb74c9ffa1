import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Outbox } from "../../src/protocol/outbox.ts";
import { SharedFrame } from "../../src/protocol/shared_frame.ts";
import { LARGE } from "../../src/protocol/slabs.ts";
import { concat, random, test } from "../kit/harness.ts";

/** Writes `count` bytes, all of them `value`. */
function write(outbox: Outbox, count: number, value = 1): void {
  const slab = outbox.reserve(count);
  const end = outbox.used + count;
  slab.fill(value, outbox.used, end);
  outbox.commit(end);
}

/** Takes everything: how many bytes each write would have. */
function drain(outbox: Outbox): number[] {
  const sizes = [];
  for (let bytes; (bytes = outbox.take());) sizes.push(bytes.length);
  return sizes;
}

test("Outbox.take() gives what was written, in one piece while it fits", () => {
  const outbox = new Outbox();
  assertEquals([outbox.take(), outbox.size], [undefined, 0]);
  write(outbox, 3, 1);
  write(outbox, 2, 2);
  assertEquals(outbox.size, 5);
  assertEquals(outbox.take(), Uint8Array.of(1, 1, 1, 2, 2));
  assertEquals([outbox.take(), outbox.size], [undefined, 0]);
});

test("Outbox.reserve() gives room that is used only as far as it is committed", () => {
  const outbox = new Outbox();
  const slab = outbox.reserve(100);
  assert(slab.length - outbox.used >= 100);
  slab.fill(7, 0, 10);
  outbox.commit(10);
  write(outbox, 1, 8);
  assertEquals(outbox.take(), Uint8Array.of(...new Array(10).fill(7), 8));
});

test("Outbox keeps the bytes of a turn in one piece of up to 64 KiB", () => {
  const outbox = new Outbox();
  for (let i = 0; i < 640; i++) write(outbox, 100, i);
  assertEquals(drain(outbox), [64_000]);
  for (let i = 0; i < 700; i++) write(outbox, 100, i);
  assertEquals(drain(outbox), [65_500, 4_500]);
});

test("Outbox gives a piece of its own to what is larger than a slab", () => {
  const outbox = new Outbox();
  write(outbox, 10, 1);
  write(outbox, 100_000, 2);
  write(outbox, 10, 3);
  assertEquals(outbox.size, 100_020);
  const pieces = [outbox.take()!, outbox.take()!, outbox.take()!];
  assertEquals(pieces.map((piece) => [piece.length, piece[0]]), [[10, 1], [100_000, 2], [10, 3]]);
  assertEquals([outbox.take(), outbox.size], [undefined, 0]);
});

test("Outbox.recycle() has slabs used again, of both sizes", () => {
  const outbox = new Outbox();
  for (const count of [1000, 2048, 2049, LARGE]) { // what is short may be copied out of its slab
    write(outbox, count);
    const first = outbox.take()!;
    outbox.recycle(first);
    write(outbox, count);
    assertStrictEquals(outbox.take()!.buffer, first.buffer);
  }
});

test("Outbox.recycle() keeps no buffer that is not a slab", () => {
  const outbox = new Outbox();
  write(outbox, LARGE + 1);
  const large = outbox.take()!;
  outbox.recycle(large);
  write(outbox, LARGE + 1);
  assert(outbox.take()!.buffer !== large.buffer);
});

const shared = (size: number, value: number) => new SharedFrame(0x82, new Uint8Array(size).fill(value), size);

test("Outbox.share() gives the very bytes that all others get, also when they are several frames", () => {
  const outboxes = [new Outbox(), new Outbox(), new Outbox()];
  const one = shared(20, 1), two = shared(30, 2);
  for (const outbox of outboxes) outbox.share(one);
  assertEquals(outboxes.map(({ size }) => size), [22, 22, 22]);
  for (const outbox of outboxes) assertStrictEquals(outbox.take(), one.bytes);
  for (const outbox of outboxes) {
    outbox.share(one);
    outbox.share(two);
  }
  const taken = outboxes.map((outbox) => outbox.take()!);
  assertEquals(taken[0], concat(one.bytes, two.bytes));
  for (const bytes of taken) assertStrictEquals(bytes, taken[0]);
  assertEquals(outboxes.map((outbox) => [outbox.take(), outbox.size]), taken.map(() => [undefined, 0]));
});

test("Outbox.share() keeps the order with frames of one connection, in one piece while it fits", () => {
  const outbox = new Outbox(), frame = shared(3, 7);
  write(outbox, 2, 1);
  outbox.share(frame);
  write(outbox, 1, 2);
  outbox.share(frame);
  outbox.share(frame);
  write(outbox, 1, 3);
  assertEquals(outbox.size, 19);
  assertEquals(outbox.take(), Uint8Array.of(1, 1, ...frame.bytes, 2, ...frame.bytes, ...frame.bytes, 3));
  outbox.share(frame);
  write(outbox, 1, 4);
  assertEquals(outbox.take(), Uint8Array.of(...frame.bytes, 4), "and from the shared one on");
});

test("Outbox.share() gives pieces of their own to what does not fit", () => {
  const outbox = new Outbox();
  write(outbox, 10);
  outbox.share(shared(100_000, 7));
  outbox.share(shared(20, 7));
  write(outbox, 65_540);
  assertEquals(outbox.size, 10 + 100_010 + 22 + 65_540);
  assertEquals(drain(outbox), [10, 100_010, 22, 65_540]);
});

test("Outbox.recycle() takes no shared bytes for a slab", () => {
  for (const size of [2044, 2045, 2046, LARGE - 11, LARGE - 10, LARGE - 9]) {
    const outbox = new Outbox(), frame = shared(size, 7);
    outbox.share(frame);
    const bytes = outbox.take()!;
    outbox.share(frame);
    outbox.take(); // the last one that was taken is not this one
    outbox.recycle(bytes);
    outbox.recycle(bytes);
    for (const count of [2000, LARGE]) {
      assert(outbox.reserve(count).buffer !== bytes.buffer, `${size}`);
      outbox.commit(outbox.used + count);
      outbox.take();
    }
  }
});

test("Outbox never rewrites bytes that were taken and not recycled", () => {
  const next = random(7);
  const outboxes = [new Outbox(), new Outbox(), new Outbox()];
  const frames = [1, 20, 125, 2044, 30_000, 70_000].map((size) => shared(size, size & 255));
  let taken: { readonly outbox: Outbox; readonly bytes: Uint8Array<ArrayBuffer>; readonly copy: Uint8Array }[] = [];
  for (let i = 0; i < 20_000; i++) {
    const outbox = outboxes[next() % 3]!;
    const kind = next() % 10;
    if (kind < 2) outbox.share(frames[next() % frames.length]!);
    else if (kind < 6) {
      write(outbox, 1 + next() % [20, 3000, 60_000, 100_000][next() % (i % 50 === 0 ? 4 : 2)]!, next() & 255);
    } else if (kind < 8) {
      const bytes = outbox.take();
      if (bytes) taken.push({ outbox, bytes, copy: bytes.slice() });
    } else if (taken.length > 8) {
      const [done] = taken.splice(next() % taken.length, 1);
      assert(done!.bytes.every((byte, at) => byte === done!.copy[at]), `after ${i} steps`);
      done!.outbox.recycle(done!.bytes);
    }
    if (taken.length > 64) taken = taken.slice(32); // never given back, which is allowed
  }
  for (const { bytes, copy } of taken) assert(bytes.every((byte, at) => byte === copy[at]));
  for (const { payload } of frames) assert(payload.every((byte) => byte === (payload.length & 255)));
});
