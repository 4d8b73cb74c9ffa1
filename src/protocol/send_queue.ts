// Messages that wait to be compressed, a slice at a time, and what was sent behind them: all of it leaves in the order in
// which it was sent (RFC 6455 §5.4). The queue owns the bytes in it.

import type { Deflater } from "./deflate.ts";
import { FIN, OPCODE, RSV1 } from "./frame_header.ts";
import type { FrameWriter } from "./frame_writer.ts";
import type { SharedFrame } from "./shared_frame.ts";

/** A frame that waits. If it is to be compressed, its bytes are not compressed yet. */
interface Waiting {
  /** The first byte of the frame, without RSV1. */
  readonly first: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compresses: boolean;
  /** Whether it is a prepared message that is compressed already, without our window. */
  readonly isForeign?: boolean;
}

/** How many bytes are compressed at a time: data that does not get smaller takes up to 60 ns a byte. */
const SLICE = 65536;

/** How many copied bytes cost as much as one byte to compress. */
const COPIED_PER_BYTE = 32;

const OPCODE_BITS = 0x0f;

/**
 * Writes a frame whose payload was compressed. A message that did not get smaller is sent as it is, but only where
 * no window is kept: otherwise later messages may refer to this one (RFC 7692 §7.3).
 */
export function writeCompressed(
  writer: FrameWriter,
  deflater: Deflater,
  first: number,
  bytes: Uint8Array<ArrayBuffer>,
  payload: Uint8Array<ArrayBuffer>,
): void {
  if (isIncompressible(deflater, first, bytes, payload)) writer.frame(first, bytes);
  else writer.frame((first & OPCODE_BITS) !== OPCODE.continuation ? first | RSV1 : first, payload);
}

/** Whether a whole message, or its first slice, did not get smaller, and can be sent as it is. */
function isIncompressible(
  { takesOver }: Deflater,
  first: number,
  { length }: Uint8Array,
  payload: Uint8Array,
): boolean {
  const isWhole = (first & OPCODE_BITS) !== OPCODE.continuation && (first & FIN) !== 0;
  return isWhole && !takesOver && payload.length >= length;
}

/** What each frame that waits is charged beside its bytes, so that empty messages are bounded too. */
const FRAME_OVERHEAD = 64;

/** The messages that one connection has sent and not yet framed. */
export class SendQueue {
  /** How many bytes wait, before they are compressed, with what each frame is charged: 0 only when nothing waits. */
  size = 0;
  /** Whether our Close frame is among what waits. */
  hasClose = false;
  readonly #writer: FrameWriter;
  readonly #deflater: Deflater;
  readonly #waiting: Waiting[] = [];
  /** How many bytes of the first one are framed. */
  #at = 0;

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
    this.#push({ first, bytes, compresses });
  }

  /** Adds a frame that is ready. */
  pushFrame({ first, payload }: SharedFrame): void {
    this.#push({ first, bytes: payload, compresses: false, isForeign: (first & RSV1) !== 0 });
  }

  #push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.size += waiting.bytes.length + FRAME_OVERHEAD;
  }

  /** Compresses a slice of what waits, and frames it. */
  work(): void {
    for (let left = SLICE, next; left > 0 && (next = this.#waiting[0]);) {
      const from = this.#at;
      left -= next.compresses ? this.#compress(next) : this.#copy(next);
      this.size -= this.#at - from;
      if (this.#at < next.bytes.length) continue;
      this.size -= FRAME_OVERHEAD;
      this.#waiting.shift();
      this.#at = 0;
    }
  }

  /** Frames a message as it is. Returns what that costs, in bytes to compress. */
  #copy({ first, bytes, isForeign }: Waiting): number {
    this.#writer.frame(first, bytes);
    if (isForeign) this.#deflater.forgetWindow();
    this.#at = bytes.length;
    return bytes.length / COPIED_PER_BYTE;
  }

  /**
   * Compresses a slice. A longer message becomes a fragmented one (RFC 7692 §6.1), so that nobody has to join its slices.
   * Returns what that costs, in bytes to compress.
   */
  #compress({ first, bytes }: Waiting): number {
    const from = this.#at, end = this.#at = Math.min(bytes.length, from + SLICE), isLast = end === bytes.length;
    const part = from === 0 && isLast ? bytes : bytes.subarray(from, end), deflater = this.#deflater;
    const payload = deflater.compress(part, isLast && (first & FIN) !== 0);
    if (isLast && from === 0) writeCompressed(this.#writer, deflater, first, part, payload);
    else if (from === 0 && isIncompressible(deflater, first, part, payload)) {
      deflater.giveUp();
      return part.length + this.#copy({ first, bytes, compresses: false });
    } else {
      const opcode = from === 0 ? first & OPCODE_BITS : OPCODE.continuation;
      const rsv1 = opcode === OPCODE.continuation ? 0 : RSV1;
      this.#writer.frame(opcode | rsv1 | (isLast ? first & FIN : 0), payload);
    }
    return part.length;
  }
}
