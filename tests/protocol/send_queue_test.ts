import { assert, assertEquals } from "@std/assert";
import { Deflater, Inflater } from "../../src/protocol/deflate.ts";
import { FIN, OPCODE, RSV1 } from "../../src/protocol/frame_header.ts";
import { FrameWriter } from "../../src/protocol/frame_writer.ts";
import { SendQueue, writeCompressed } from "../../src/protocol/send_queue.ts";
import { noise } from "../cases/deflate.ts";
import { concat, hex, latin1, random, test } from "../kit/harness.ts";

const TEXT = FIN | OPCODE.text, BINARY = FIN | OPCODE.binary;

/** A queue, and the first bytes of the frames that it has written. */
function made(takesOver = true) {
  const writer = new FrameWriter(undefined);
  const deflater = new Deflater({ windowBits: 12, level: 6, memLevel: 5, takesOver });
  return { queue: new SendQueue(writer, deflater), writer, deflater };
}

test("SendQueue counts what waits, and writes it in order", () => {
  const { queue, writer } = made();
  queue.push(TEXT, latin1("Hello"), true);
  queue.push(BINARY, Uint8Array.of(7), false);
  assertEquals([queue.size, queue.hasClose, queue.isEmpty], [6 + 2 * 64, false, false]);
  queue.push(FIN | OPCODE.close, hex("03 e8"), false);
  assertEquals([queue.size, queue.hasClose, writer.size], [8 + 3 * 64, true, 0]);
  queue.work();
  assertEquals([queue.size, queue.isEmpty], [0, true]);
  assertEquals(writer.take(), hex("c1 07 f2 48 cd c9 c9 07 00  82 01 07  88 02 03 e8"));
});

test("SendQueue.work() compresses a slice at a time, and writes each as a frame of the message (RFC 7692 §6.1)", () => {
  const { queue, writer } = made();
  queue.push(BINARY, new Uint8Array(300_000), true);
  queue.push(TEXT, latin1("next"), true);
  const sizes = [], firsts = [];
  while (!queue.isEmpty) {
    queue.work();
    sizes.push(queue.size);
    firsts.push(writer.take()![0]);
  }
  assertEquals(sizes, [...[1, 2, 3, 4].map((count) => 300_004 + 2 * 64 - count * 65536), 0]);
  assertEquals(firsts, [OPCODE.binary | RSV1, 0, 0, 0, FIN]);
});

test("SendQueue.work() keeps the bits of a piece of a message in its first and its last frame (RFC 6455 §5.4)", () => {
  for (const [first, frames] of [[OPCODE.text, [OPCODE.text | RSV1, 0]], [0, [0, 0]], [FIN, [0, FIN]]] as const) {
    const { queue, writer } = made(), firsts = [];
    queue.push(first, new Uint8Array(100_000), true);
    while (!queue.isEmpty) {
      queue.work();
      firsts.push(writer.take()![0]);
    }
    assertEquals(firsts, [...frames]);
  }
});

test("SendQueue.work() sends what does not get smaller as it is, where no window is kept (RFC 7692 §7.3)", () => {
  const bytes = new Uint8Array(Uint32Array.from({ length: 50_000 }, random(1)).buffer);
  const next = latin1("next ".repeat(20));
  for (const takesOver of [false, true]) {
    const { queue, writer, deflater } = made(takesOver);
    queue.push(BINARY, bytes, true);
    queue.push(TEXT, next, true);
    const wire = [];
    while (!queue.isEmpty) queue.work();
    for (let bytes; (bytes = writer.take());) wire.push(bytes.slice());
    assertEquals(wire[0]![0], takesOver ? OPCODE.binary | RSV1 : BINARY);
    if (!takesOver) assertEquals(concat(...wire).subarray(10, 200_010), bytes);
    const inflater = new Inflater(15, takesOver), pieces: number[] = [];
    // Nothing of the message that was given up is in what comes behind it
    if (!takesOver) {
      assert(inflater.push(concat(...wire).slice(200_012), (piece) => pieces.push(...piece) > 0));
      assert(inflater.end((piece) => pieces.push(...piece) > 0));
      assertEquals(pieces, [...next]);
    }
    deflater.free();
  }
});

test("SendQueue.work() takes a slice of many small messages too", () => {
  const { queue } = made();
  for (let i = 0; i < 100; i++) queue.push(BINARY, new Uint8Array(1000), true);
  queue.work();
  assert(queue.size > 30_000 && queue.size < 40_000, `${queue.size}`);
});

test("writeCompressed() writes what has not become less as it is, where no window is kept (RFC 7692 §7.3)", () => {
  const bytes = Uint8Array.from(noise(1000));
  for (
    const [takesOver, first, written] of [
      [false, BINARY, BINARY],
      [true, BINARY, BINARY | RSV1],
      [false, OPCODE.binary, OPCODE.binary | RSV1],
      [false, FIN, FIN],
    ] as const
  ) {
    const { writer, deflater } = made(takesOver);
    writeCompressed(writer, deflater, first, bytes, new Uint8Array(1001));
    const frame = writer.take()!;
    assertEquals([frame[0], frame[3]], [written, first === BINARY && !takesOver ? 1000 & 255 : 1001 & 255]);
  }
});
