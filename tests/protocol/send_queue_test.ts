import { assert, assertEquals } from "@std/assert";
import { Deflater } from "../../src/protocol/deflate.ts";
import { FIN, MAX_HEADER, OPCODE, RSV1 } from "../../src/protocol/frame_header.ts";
import { FrameWriter } from "../../src/protocol/frame_writer.ts";
import { SendQueue, writeCompressed } from "../../src/protocol/send_queue.ts";
import { noise } from "../cases/deflate.ts";
import { hex, latin1, test } from "../kit/harness.ts";

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
  assertEquals([queue.size, queue.hasClose, queue.isEmpty], [6 + 2 * MAX_HEADER, false, false]);
  queue.push(FIN | OPCODE.close, hex("03 e8"), false);
  assertEquals([queue.size, queue.hasClose, writer.size], [8 + 3 * MAX_HEADER, true, 0]);
  queue.work();
  assertEquals([queue.size, queue.isEmpty], [0, true]);
  assertEquals(writer.take(), hex("c1 07 f2 48 cd c9 c9 07 00  82 01 07  88 02 03 e8"));
});

test("SendQueue.work() compresses a slice at a time, and writes a frame when it is whole (RFC 7692 §7.2.1)", () => {
  const { queue, writer } = made();
  queue.push(BINARY, new Uint8Array(300_000), true);
  queue.push(TEXT, latin1("next"), true);
  const sizes = [];
  while (!queue.isEmpty) {
    queue.work();
    sizes.push(queue.size);
  }
  assertEquals(sizes, [...Array.from({ length: 4 }, () => 300_004 + 2 * MAX_HEADER), 0]);
  assertEquals(writer.take()![0], BINARY | RSV1);
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
