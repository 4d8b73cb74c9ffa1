// permessage-deflate as a machine (RFC 7692 §7.2): payloads to compressed payloads and back, synchronously. A context is
// made at its first use. Without context takeover it belongs to nobody between two messages: all connections share a few.

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
import { type CompressionOptions, type DeflateAgreement } from "./compression_options.ts";

/** How one side compresses. */
export interface DeflaterOptions {
  /** 9 to 15. */
  readonly windowBits: number;
  readonly level: number;
  readonly memLevel: number;
  /** Whether the window is kept from message to message. */
  readonly takesOver: boolean;
}

const METHOD_DEFLATED = 8;

/** The state in which zlib's inflate() begins. */
const HEAD = 16180;

/** What zlib's inflate() says of its input between two blocks, unless bits of the last byte are unused. */
const BETWEEN_BLOCKS = 128;

/**
 * How many streams of a message may end in a row without a byte of it. Two octets of an empty one keep us as busy as a
 * frame does, and give nothing that another limit would count.
 */
const MAX_EMPTY_STREAMS = 1000;

const EMPTY = new Uint8Array(), NO_TABLE = new Uint16Array();

/** What ends a message, and is not sent (§7.2.1 (3)). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** An empty block, but for what is not sent (§7.2.3.6). */
const EMPTY_MESSAGE = Uint8Array.of(0x00);

/** Contexts that are nobody's, by their settings. */
class Contexts {
  readonly #free = new Map<string, ZStream[]>();
  static readonly #LIMIT = 4;

  take(key: string, make: () => ZStream): ZStream {
    return this.#free.get(key)?.pop() ?? make();
  }

  give(key: string, context: ZStream): void {
    const free = this.#free.get(key);
    if (!free) this.#free.set(key, [context]);
    else if (free.length < Contexts.#LIMIT) free.push(context);
  }
}

/** What comes out of a call goes here first; it grows to what messages need, up to a limit. */
class Scratch {
  static readonly #SIZE = 16384;
  static readonly #LIMIT = 2 ** 20;
  bytes = new Uint8Array(Scratch.#SIZE);

  /** Twice the room, with what is there. */
  grow(): Uint8Array<ArrayBuffer> {
    const larger = new Uint8Array(2 * this.bytes.length);
    larger.set(this.bytes);
    return this.bytes = larger;
  }

  /** Ends a call: what it returned stays as it is until the next one. */
  settle(): void {
    if (this.bytes.length > Scratch.#LIMIT) this.bytes = new Uint8Array(Scratch.#SIZE);
  }
}

const deflaters = new Contexts(), inflaters = new Contexts();

const compressed = new Scratch(), inflated = new Uint8Array(65536);

/** One side's compressor. */
export class Deflater {
  readonly takesOver: boolean;
  readonly #options: DeflaterOptions;
  readonly #key: string;
  #context: ZStream | undefined;

  constructor(options: DeflaterOptions) {
    this.takesOver = options.takesOver;
    this.#options = options;
    this.#key = `${options.windowBits} ${options.level} ${options.memLevel}`;
  }

  /**
   * Compresses a piece of a message (§7.2.1).
   *
   * @param fin Whether it is the last one.
   * @returns The payload of its frame; it changes with the next call.
   */
  compress(bytes: Uint8Array, fin: boolean): Uint8Array {
    const context = this.#context ??= deflaters.take(this.#key, () => this.#make());
    context.input = bytes;
    context.next_in = 0;
    context.avail_in = bytes.length;
    let output = compressed.bytes, used = 0;
    for (;;) {
      context.output = output;
      context.next_out = used;
      context.avail_out = output.length - used;
      zlibDeflate(context, Z_SYNC_FLUSH);
      used = context.next_out;
      if (context.avail_out > 0) break;
      output = compressed.grow();
    }
    compressed.settle();
    context.input = context.output = EMPTY; // a context lives on: what a large message has needed must not
    if (fin && !this.takesOver) this.#release();
    if (!fin) return output.subarray(0, used);
    // A flush of nothing, directly behind another one, gives nothing
    return used === 0 ? EMPTY_MESSAGE : output.subarray(0, used - TAIL.length);
  }

  #make(): ZStream {
    const { windowBits, level, memLevel } = this.#options;
    const context = new ZStream();
    // The classic hash has as many buckets as memLevel says
    const status = zlibDeflateInit2(context, level, METHOD_DEFLATED, -windowBits, memLevel, Z_DEFAULT_STRATEGY, true);
    if (status !== Z_OK) throw new Error(`Cannot compress: zlib refuses its settings with ${status}`);
    return context;
  }

  #release(): void {
    reset(this.#context!);
    deflaters.give(this.#key, this.#context!);
    this.#context = undefined;
  }

  /** Nothing more is compressed: the context is freed. */
  free(): void {
    this.#context = undefined;
  }
}

/**
 * Begins with an empty window. pako clears its hash table entry by entry, which takes as long as compressing 1 KiB: where
 * the table is found, it is filled at once instead.
 */
function reset(context: ZStream): void {
  const { state } = context as { state: { head?: unknown } }, { head } = state;
  if (!(head instanceof Uint16Array)) {
    zlibDeflateReset(context);
    return;
  }
  state.head = NO_TABLE;
  zlibDeflateReset(context);
  state.head = head.fill(0);
}

/**
 * Goes on with another stream, at a byte's end. As zlib's inflateResetKeep() does, but for new tables: what ends may have
 * been a block of two bytes.
 */
function beginStream(context: ZStream): void {
  context.state.mode = HEAD;
  context.state.last = 0;
  // The last block may have been the one of which the end is not sent (§7.2.1 (3))
  context.data_type = BETWEEN_BLOCKS;
}

/** Takes the next inflated bytes, which change afterwards; `false` ends it. */
export type InflateSink = (bytes: Uint8Array<ArrayBuffer>) => boolean;

/** The other side's compressor, undone. */
export class Inflater {
  readonly #windowBits: number;
  readonly #takesOver: boolean;
  #context: ZStream | undefined;
  /** How many streams have ended since the last byte that came out, or the beginning of the message. */
  #emptyStreams = 0;

  /** @param windowBits 8 to 15. */
  constructor(windowBits: number, takesOver: boolean) {
    this.#windowBits = windowBits;
    this.#takesOver = takesOver;
  }

  /**
   * Inflates a piece of a message's payload (§7.2.2).
   *
   * @returns `false` when it can't be inflated.
   */
  push(bytes: Uint8Array<ArrayBuffer>, sink: InflateSink): boolean {
    const context = this.#context ??= inflaters.take(`${this.#windowBits}`, () => this.#make());
    context.input = bytes;
    context.next_in = 0;
    context.avail_in = bytes.length;
    this.#limit(context);
    do {
      context.output = inflated;
      context.next_out = 0;
      context.avail_out = inflated.length;
      const status = zlibInflate(context, Z_SYNC_FLUSH);
      if (context.next_out > 0) {
        this.#emptyStreams = -1; // the stream that ends next is not one
        if (!sink(inflated.subarray(0, context.next_out))) break;
      }
      // §7.2.1: a block with BFINAL is not the end: the next one begins at the next byte
      if (status === Z_STREAM_END) {
        if (++this.#emptyStreams > MAX_EMPTY_STREAMS) return false;
        beginStream(context);
      } else if (status === Z_BUF_ERROR) break; // there is nothing to do
      else if (status !== Z_OK) return false;
    } while (context.avail_in > 0 || context.avail_out === 0);
    context.input = EMPTY;
    return true;
  }

  /**
   * Ends a message.
   *
   * @returns `false` when it does not end where a block does.
   */
  end(sink: InflateSink): boolean {
    if (!this.push(TAIL, sink)) return false;
    const context = this.#context;
    if (!context) return true; // the sink has ended it, and freed this
    if (context.data_type !== BETWEEN_BLOCKS) return false;
    this.#emptyStreams = 0;
    if (!this.#takesOver) {
      beginStream(context);
      context.state.wsize = context.state.whave = context.state.wnext = 0;
      inflaters.give(`${this.#windowBits}`, context);
      this.#context = undefined;
    }
    return true;
  }

  /** A distance beyond the window is one wherever the input is cut, also while what it points to is still there. */
  #limit(context: ZStream): void {
    context.state.dmax = 2 ** this.#windowBits;
  }

  #make(): ZStream {
    const context = new ZStream();
    const status = zlibInflateInit2(context, -this.#windowBits);
    if (status !== Z_OK) throw new Error(`Cannot inflate: zlib refuses its settings with ${status}`);
    return context;
  }

  /** Nothing more is inflated: the context is freed. */
  free(): void {
    this.#context = undefined;
  }
}

/** Both directions of a connection. */
export interface Codec {
  readonly deflater: Deflater;
  readonly inflater: Inflater;
  /** Messages of fewer bytes are not compressed. */
  readonly threshold: number;
}

/** The codec of what was agreed, with our own settings (see {@linkcode CompressionOptions}). */
export function codecOf(
  role: "client" | "server",
  agreed: DeflateAgreement,
  options: boolean | CompressionOptions | undefined,
): Codec {
  const set: CompressionOptions = typeof options === "object" ? options : {};
  const isServer = role === "server";
  const [ours, theirs] = isServer
    ? [agreed.serverMaxWindowBits, agreed.clientMaxWindowBits]
    : [agreed.clientMaxWindowBits, agreed.serverMaxWindowBits];
  const own = isServer ? set.serverMaxWindowBits : set.clientMaxWindowBits;
  return {
    deflater: new Deflater({
      windowBits: Math.min(ours, own ?? 12),
      level: set.level ?? 6,
      memLevel: set.memLevel ?? (own === undefined ? 5 : 8),
      takesOver: !(isServer ? agreed.serverNoContextTakeover : agreed.clientNoContextTakeover),
    }),
    inflater: new Inflater(theirs, !(isServer ? agreed.clientNoContextTakeover : agreed.serverNoContextTakeover)),
    threshold: set.threshold ?? 256,
  };
}
