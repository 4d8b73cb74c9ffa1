// Messages that wait to be compressed, a slice at a time, and what was sent behind them: all of it leaves in the order in
// which it was sent (RFC 6455 §5.4). The queue owns the bytes in it.

import { ByteBuilder } from "../base/byte_builder.ts";
import type { Deflater } from "./deflate.ts";
import { FIN, MAX_HEADER, OPCODE, RSV1 } from "./frame_header.ts";
import type { FrameWriter } from "./frame_writer.ts";

/** A frame that waits. If it is to be compressed, its bytes are not compressed yet. */
interface Waiting {
  /** The first byte of the frame, without RSV1. */
  readonly first: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compresses: boolean;
}

/** How many bytes are compressed at a time: data that does not get smaller takes up to 60 ns a byte. */
const SLICE = 65536;

const OPCODE_BITS = 0x0f;

/**
 * Writes a frame whose payload was compressed. A message that did not get smaller is sent as it is, but only where
 * no window is kept: otherwise later messages may refer to this one (RFC 7692 §7.3).
 */
export function writeCompressed(
  writer: FrameWriter,
  { takesOver }: Deflater,
  first: number,
  bytes: Uint8Array<ArrayBuffer>,
  payload: Uint8Array<ArrayBuffer>,
): void {
  const isFirst = (first & OPCODE_BITS) !== OPCODE.continuation, isWhole = isFirst && (first & FIN) !== 0;
  if (isWhole && !takesOver && payload.length >= bytes.length) writer.frame(first, bytes);
  else writer.frame(isFirst ? first | RSV1 : first, payload);
}

/** The messages that one connection has sent and not yet framed. */
export class SendQueue {
  /** How many bytes wait, before they are compressed, with a header for each frame: 0 only when nothing waits. */
  size = 0;
  /** Whether our Close frame is among what waits. */
  hasClose = false;
  readonly #writer: FrameWriter;
  readonly #deflater: Deflater;
  readonly #waiting: Waiting[] = [];
  /** How much of the first one is compressed, and its payload so far. */
  #at = 0;
  #payload: ByteBuilder | undefined;

  constructor(writer: FrameWriter, deflater: Deflater) {
    this.#writer = writer;
    this.#deflater = deflater;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Adds a frame behind the others; its bytes are the queue's from now on. */
  push(first: number, bytes: Uint8Array<ArrayBuffer>, compresses: boolean): void {
    if ((first & OPCODE_BITS) === OPCODE.close) this.hasClose = true;
    this.#waiting.push({ first, bytes, compresses });
    this.size += bytes.length + MAX_HEADER;
  }

  /** Compresses a slice, and writes the frames that are whole. */
  work(): void {
    let left = SLICE;
    for (let next; left > 0 && (next = this.#waiting[0]);) {
      if (next.compresses) {
        const from = this.#at;
        if (!this.#compress(next, left)) return;
        left -= next.bytes.length - from;
      } else this.#writer.frame(next.first, next.bytes);
      this.#waiting.shift();
      this.size -= next.bytes.length + MAX_HEADER;
    }
  }

  /** Compresses up to `count` bytes of a frame. Returns whether it is whole, and written. */
  #compress({ first, bytes }: Waiting, count: number): boolean {
    const from = this.#at, to = Math.min(bytes.length, from + count), part = bytes.subarray(from, to);
    this.#at = to;
    if (to < bytes.length) {
      this.#addToPayload(this.#deflater.add(part));
      return false;
    }
    const last = this.#deflater.compress(part, (first & FIN) !== 0);
    if (this.#payload) this.#addToPayload(last);
    writeCompressed(this.#writer, this.#deflater, first, bytes, this.#payload?.take() ?? last);
    this.#payload = undefined;
    this.#at = 0;
    return true;
  }

  #addToPayload(bytes: Uint8Array<ArrayBuffer>): void {
    (this.#payload ??= new ByteBuilder()).add(bytes, 0, bytes.length, Infinity);
  }
}
