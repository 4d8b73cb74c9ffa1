// Frames from chunks (RFC 6455 §5.2): a header is read once it is whole, wherever it is cut; payloads stream.

import { ChunkReader } from "./chunk_reader.ts";
import { type FrameHeader, MAX_HEADER, readHeader } from "./frame_header.ts";

/** Reads frames. */
export abstract class FrameReader extends ChunkReader {
  /** The frame being read; `left` bytes of its payload are missing, or -1 between frames. */
  protected readonly frame: FrameHeader = { fin: false, rsv: 0, opcode: 0, masked: false, length: 0, key: 0 };
  protected left = -1;
  /** The beginning of a header that was cut; most connections never need it. */
  #partialHeader: Uint8Array | undefined;
  #partialSize = 0;

  /** Whether it is between two frames, and nothing stops it or waits. */
  protected get isBetweenFrames(): boolean {
    return this.left < 0 && this.#partialSize === 0 && this.isIdle;
  }

  /** Whether the first two bytes of a frame keep the rules; if not, the reader has failed. */
  protected abstract checkStart(first: number, second: number): boolean;

  /** The header is whole, and `second` is its second byte. */
  protected abstract beginPayload(second: number): void;

  /** Reads what the chunk has of the payload; returns where the rest of the chunk begins. */
  protected abstract readPayload(chunk: Uint8Array<ArrayBuffer>, at: number): number;

  protected override readNext(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    return this.left < 0 ? this.#readHeader(chunk, at) : this.readPayload(chunk, at);
  }

  #readHeader(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    if (this.#partialSize > 0) return this.#completeHeader(chunk, at);
    const left = chunk.length - at;
    if (left >= 2 && !this.checkStart(chunk[at]!, chunk[at + 1]!)) return chunk.length;
    const size = readHeader(chunk, at, chunk.length, this.frame);
    if (size === 0) {
      (this.#partialHeader ??= new Uint8Array(MAX_HEADER)).set(chunk.subarray(at));
      this.#partialSize = left;
      return chunk.length;
    }
    this.beginPayload(chunk[at + 1]!);
    return at + size;
  }

  #completeHeader(chunk: Uint8Array, at: number): number {
    const header = this.#partialHeader!;
    while (at < chunk.length) {
      header[this.#partialSize++] = chunk[at++]!;
      if (this.#partialSize === 2 && !this.checkStart(header[0]!, header[1]!)) break;
      if (readHeader(header, 0, this.#partialSize, this.frame) > 0) {
        this.#partialSize = 0;
        this.beginPayload(header[1]!);
        break;
      }
    }
    return at;
  }
}
