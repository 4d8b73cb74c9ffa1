// zlib as compressed messages need it: raw DEFLATE streams (RFC 1951) that are driven synchronously, a piece at a time.
// This is the only file that knows pako: its stream struct, the state behind it, and what that state keeps in memory.

import {
  Z_BUF_ERROR,
  Z_DEFAULT_STRATEGY,
  Z_OK,
  Z_STREAM_END,
  Z_SYNC_FLUSH,
  zlibDeflate,
  zlibDeflateInit2,
  zlibDeflateReset,
  zlibInflate,
  zlibInflateInit2,
  ZStream,
} from "pako";

/** The settings of a compressor, by zlib's names. */
export interface DeflateSettings {
  /** The window has 2 to the power of this many bytes: 9 to 15. */
  readonly windowBits: number;
  /** 0 to 9. */
  readonly level: number;
  /** 1 to 9. */
  readonly memLevel: number;
}

const METHOD_DEFLATED = 8;

/** The state in which zlib's inflate() starts to read a stream. */
const HEAD = 16180;

/** The `data_type` that zlib's inflate() leaves between two blocks, at the end of a byte. */
const BETWEEN_BLOCKS = 128;

const EMPTY = new Uint8Array(), NO_TABLE = new Uint16Array();

/** The buffer that all compressors write into. It grows as messages need it, up to a limit. */
class OutputBuffer {
  static readonly #SIZE = 16384;
  static readonly #LIMIT = 2 ** 20;
  bytes = new Uint8Array(OutputBuffer.#SIZE);

  /** Doubles the buffer and keeps what is in it. */
  grow(): Uint8Array<ArrayBuffer> {
    const larger = new Uint8Array(2 * this.bytes.length);
    larger.set(this.bytes);
    return this.bytes = larger;
  }

  /** Lets go of a buffer that has grown beyond the limit. Whoever still has a view of it keeps it alive. */
  shrink(): void {
    if (this.bytes.length > OutputBuffer.#LIMIT) this.bytes = new Uint8Array(OutputBuffer.#SIZE);
  }
}

/** How much input a step takes at most: a byte of blocks without content takes 0.7 µs, a hundred times the ordinary. */
const STEP = 8192;

const compressed = new OutputBuffer(), inflated = new Uint8Array(65536);

/** A raw DEFLATE stream being written. */
export class DeflateStream {
  readonly #z = new ZStream();

  constructor({ windowBits, level, memLevel }: DeflateSettings) {
    // Negative window bits mean a raw stream. The last argument chooses the classic hash: its table grows with memLevel
    const status = zlibDeflateInit2(this.#z, level, METHOD_DEFLATED, -windowBits, memLevel, Z_DEFAULT_STRATEGY, true);
    if (status !== Z_OK) throw new Error(`Cannot compress: zlib refuses its settings with ${status}`);
  }

  /**
   * Compresses bytes and flushes (Z_SYNC_FLUSH), so that the output ends with a whole byte.
   *
   * @param cut How many bytes to leave off at the end of the output.
   * @returns A view that is valid until the next call for any stream. It is empty for a flush directly after another.
   */
  compress(bytes: Uint8Array, cut: number): Uint8Array<ArrayBuffer> {
    const z = this.#z;
    z.input = bytes;
    z.next_in = 0;
    z.avail_in = bytes.length;
    let output = compressed.bytes, used = 0;
    for (;;) {
      z.output = output;
      z.next_out = used;
      z.avail_out = output.length - used;
      zlibDeflate(z, Z_SYNC_FLUSH);
      used = z.next_out;
      if (z.avail_out > 0) break;
      output = compressed.grow();
    }
    compressed.shrink();
    z.input = z.output = EMPTY; // the stream may live for hours: it must not keep the memory of a large message
    return output.subarray(0, Math.max(0, used - cut));
  }

  /**
   * Starts again with an empty window. pako clears its hash table entry by entry, which takes as long as compressing
   * 1 KiB: where the table is found, it is hidden from pako and filled at once.
   */
  reset(): void {
    const { state } = this.#z as { state: { head?: unknown } }, { head } = state;
    if (!(head instanceof Uint16Array)) {
      zlibDeflateReset(this.#z);
      return;
    }
    state.head = NO_TABLE;
    zlibDeflateReset(this.#z);
    state.head = head.fill(0);
  }
}

/**
 * How a step of inflating ended: it can go on, the stream has ended (with a block that has BFINAL set), there was
 * nothing to do, or the input is no DEFLATE stream.
 */
export type InflateStatus = "ok" | "end" | "idle" | "invalid";

/** A raw DEFLATE stream being read. */
export class InflateStream {
  readonly #z = new ZStream();
  /** Where the input ends, and how much of it the last step has used. */
  #end = 0;
  used = 0;

  /** @param windowBits 8 to 15. */
  constructor(windowBits: number) {
    const status = zlibInflateInit2(this.#z, -windowBits);
    if (status !== Z_OK) throw new Error(`Cannot inflate: zlib refuses its settings with ${status}`);
    // Without this, a distance beyond the window would pass while the bytes it points to are still in the output buffer
    this.#z.state.dmax = 2 ** windowBits;
  }

  /** Hands over the input of the next steps. */
  feed(bytes: Uint8Array<ArrayBuffer>): void {
    this.#z.input = bytes;
    this.#z.next_in = 0;
    this.#end = bytes.length;
  }

  /** Inflates until the output buffer is full, so much input is used up that it takes a while, or the stream ends. */
  step(): InflateStatus {
    const z = this.#z, from = z.next_in;
    z.avail_in = Math.min(this.#end - from, STEP);
    z.output = inflated;
    z.next_out = 0;
    z.avail_out = inflated.length;
    const status = zlibInflate(z, Z_SYNC_FLUSH);
    this.used = z.next_in - from;
    return status === Z_OK ? "ok" : status === Z_STREAM_END ? "end" : status === Z_BUF_ERROR ? "idle" : "invalid";
  }

  /** How many bytes came out of the last step. */
  get count(): number {
    return this.#z.next_out;
  }

  /** The bytes that came out of the last step: a view that is valid until the next step of any stream. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return inflated.subarray(0, this.#z.next_out);
  }

  /** Whether another step may give more. */
  get hasMore(): boolean {
    return this.#z.next_in < this.#end || this.#z.avail_out === 0;
  }

  /** Whether the input so far ends where a block ends, and where a byte does. */
  get isBetweenBlocks(): boolean {
    return this.#z.data_type === BETWEEN_BLOCKS;
  }

  /** Lets go of the input. */
  drop(): void {
    this.#z.input = EMPTY;
    this.#z.next_in = this.#end = 0;
  }

  /**
   * Goes on with another stream at the next byte, and keeps the window. This is zlib's inflateResetKeep(), but without
   * its new Huffman tables: the stream that has ended may have been two bytes long.
   */
  startNextStream(): void {
    const z = this.#z;
    z.state.mode = HEAD;
    z.state.last = 0;
    z.data_type = BETWEEN_BLOCKS; // the block with BFINAL may have been the last of its message
  }

  /** Starts again with an empty window. */
  reset(): void {
    this.startNextStream();
    const { state } = this.#z;
    state.wsize = state.whave = state.wnext = 0;
  }
}
