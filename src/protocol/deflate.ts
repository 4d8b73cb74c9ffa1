// permessage-deflate (RFC 7692 §7.2): payloads of messages to compressed payloads and back, synchronously. A side makes
// its DEFLATE stream at the first use, and keeps it from message to message. Without context takeover it borrows one
// for each message instead, so that all connections share a few.

import { type CheckedCompression, type DeflateAgreement, ownWindowBits } from "./compression_options.ts";
import { type DeflateSettings, DeflateStream, InflateStream } from "./zlib.ts";

/**
 * A budget for compressing and inflating, so that one message does not block the event loop. The unit is a byte to
 * compress; the cost of inflating is counted in it.
 */
export interface Work {
  /** Reserves bytes to compress from the budget; `false` if it has not that many left. */
  allows(bytes: number): boolean;
  /** Charges the budget for what is already done. */
  spend(bytes: number): void;
}

/** The budget of one slice of deferred work: about two milliseconds of inflating. */
const SLICE = 65536;

const slice = {
  left: 0,
  allows: (bytes: number) => bytes <= slice.left,
  spend: (bytes: number) => void (slice.left -= bytes),
};

/** The budget of one slice, valid until the next call. */
export function sliceOfWork(): Work {
  slice.left = SLICE;
  return slice;
}

/** How many inflated bytes cost as much as one byte to compress. */
const INFLATED_PER_BYTE = 8;

/** The cost of an input byte that yields no output, in bytes to compress. */
const EMPTY_INPUT = 12;

/** How one side compresses. */
export interface DeflaterOptions extends DeflateSettings {
  /** Whether the window is kept from message to message (context takeover). */
  readonly takesOver: boolean;
}

/**
 * How many streams within a message may end in a row without any output. An empty stream of two bytes costs as much as
 * a frame, and no other limit counts it.
 */
const MAX_EMPTY_STREAMS = 1000;

/** How the output of a flush ends; it is left off at the end of a message (§7.2.1 (3)). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** The payload of an empty message: an empty block without its tail (§7.2.3.6). */
const EMPTY_MESSAGE = Uint8Array.of(0x00);

/** Streams that are free to be used, by their settings: at most four of each. */
class FreeStreams<Stream> {
  readonly #free = new Map<string, Stream[]>();
  static readonly #LIMIT = 4;

  take(settings: string): Stream | undefined {
    return this.#free.get(settings)?.pop();
  }

  give(settings: string, stream: Stream): void {
    const free = this.#free.get(settings);
    if (!free) this.#free.set(settings, [stream]);
    else if (free.length < FreeStreams.#LIMIT) free.push(stream);
  }
}

const freeDeflates = new FreeStreams<DeflateStream>(), freeInflates = new FreeStreams<InflateStream>();

/** Compresses the messages of one side. */
export class Deflater {
  readonly takesOver: boolean;
  /** Which settings it has: compressors with the same ones give the same. */
  readonly key: string;
  readonly #settings: DeflateSettings;
  #stream: DeflateStream | undefined;
  /** Whether the window is not what the peer has: it is emptied before the next message. */
  #isStale = false;

  constructor(options: DeflaterOptions) {
    this.takesOver = options.takesOver;
    this.#settings = options;
    this.key = `${options.windowBits} ${options.level} ${options.memLevel}`;
  }

  /**
   * Compresses a piece of a message (§7.2.1).
   *
   * @param fin Whether it is the last one.
   * @returns The payload of its frame: a view that is valid until the next call.
   */
  compress(bytes: Uint8Array, fin: boolean): Uint8Array<ArrayBuffer> {
    const stream = this.#borrow();
    const payload = stream.compress(bytes, fin ? TAIL.length : 0);
    if (!fin) return payload;
    if (!this.takesOver) this.#giveBack(stream);
    return payload.length === 0 ? EMPTY_MESSAGE : payload; // a flush directly after another gives nothing
  }

  /**
   * Compresses a whole message with an empty window, for many connections with these settings: it refers to nothing that
   * came before it. Who sends it calls {@linkcode forgetWindow}.
   *
   * @returns As with {@linkcode compress}.
   */
  compressAlone(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return new Deflater({ ...this.#settings, takesOver: false }).compress(bytes, true);
  }

  /**
   * A message that this side has not compressed was sent as a compressed one. The peer has it in its window now, behind what
   * came before it, and we don't: a distance that we would write from here on would be too short there. To add the message
   * to our window, too, would cost each connection as much as compressing it. So the next message begins with an empty
   * window, which every peer can inflate (RFC 7692 §7.2.3.2). Emptying waits until there is one: many connections that are
   * told prepared messages have nothing else to send.
   */
  forgetWindow(): void {
    this.#isStale = this.#stream !== undefined;
  }

  /** Forgets a message that was begun, where no window is kept. */
  giveUp(): void {
    if (this.#stream) this.#giveBack(this.#stream);
  }

  #borrow(): DeflateStream {
    if (this.#isStale) this.#stream?.reset();
    this.#isStale = false;
    return this.#stream ??= freeDeflates.take(this.key) ?? new DeflateStream(this.#settings);
  }

  #giveBack(stream: DeflateStream): void {
    stream.reset();
    freeDeflates.give(this.key, stream);
    this.#stream = undefined;
  }

  /** Frees the stream: nothing more will be compressed. */
  free(): void {
    this.#stream = undefined;
  }
}

/** Takes the next inflated bytes, a view that is valid during the call; returns `false` to stop inflating. */
export type InflateSink = (bytes: Uint8Array<ArrayBuffer>) => boolean;

/** Inflates the messages of the other side. */
export class Inflater {
  readonly #windowBits: number;
  readonly #takesOver: boolean;
  #stream: InflateStream | undefined;
  /** How many streams have ended since the last byte that came out, or since the message began. */
  #emptyStreams = 0;
  /** Whether the rest of a piece waits for {@linkcode goOn}; its input is kept. */
  isBehind = false;

  /**
   * @param windowBits 8 to 15.
   * @param takesOver Whether the window is kept from message to message (context takeover).
   */
  constructor(windowBits: number, takesOver: boolean) {
    this.#windowBits = windowBits;
    this.#takesOver = takesOver;
  }

  /**
   * Inflates a piece of a message's payload (§7.2.2), and stops when the budget is used up.
   *
   * @returns `false` when it is not valid.
   */
  push(bytes: Uint8Array<ArrayBuffer>, sink: InflateSink, work?: Work): boolean {
    const stream = this.#stream ??= freeInflates.take(`${this.#windowBits}`) ?? new InflateStream(this.#windowBits);
    stream.feed(bytes);
    return this.#run(stream, sink, work);
  }

  /** Goes on with the piece where it was left; the rest is as with {@linkcode push}. */
  goOn(sink: InflateSink, work?: Work): boolean {
    return this.#run(this.#stream!, sink, work);
  }

  #run(stream: InflateStream, sink: InflateSink, work?: Work): boolean {
    this.isBehind = false;
    do {
      if (work && !work.allows(0)) return this.isBehind = true;
      const status = stream.step();
      work?.spend(stream.count / INFLATED_PER_BYTE + Math.max(0, stream.used - stream.count) * EMPTY_INPUT);
      if (stream.count > 0) {
        this.#emptyStreams = -1; // the stream that ends next is not empty
        if (!sink(stream.bytes)) break;
      }
      if (status === "end") {
        // §7.2.1: a block with BFINAL does not end the message: the next stream begins at the next byte
        if (++this.#emptyStreams > MAX_EMPTY_STREAMS) return false;
        stream.startNextStream();
      } else if (status === "idle") break;
      else if (status === "invalid") return false;
    } while (stream.hasMore);
    stream.drop();
    return true;
  }

  /**
   * Ends a message.
   *
   * @returns `false` when its payload does not end where a block ends.
   */
  end(sink: InflateSink): boolean {
    if (!this.push(TAIL, sink)) return false;
    const stream = this.#stream;
    if (!stream) return true; // the sink has failed the connection, and freed this
    if (!stream.isBetweenBlocks) return false;
    this.#emptyStreams = 0;
    if (!this.#takesOver) this.#giveBack(stream);
    return true;
  }

  #giveBack(stream: InflateStream): void {
    stream.reset();
    freeInflates.give(`${this.#windowBits}`, stream);
    this.#stream = undefined;
  }

  /** Frees the stream: nothing more will be inflated. */
  free(): void {
    this.isBehind = false;
    this.#stream = undefined;
  }
}

/** Both directions of a connection. */
export interface Codec {
  readonly deflater: Deflater;
  readonly inflater: Inflater;
  /** Messages of fewer bytes are not compressed. */
  readonly threshold: number;
}

/** The largest window that we compress with, unless the options name one: 4 KiB give most of the gain. */
const OWN_WINDOW_BITS = 12;

/** Makes both directions, from what was agreed and from our own settings. */
export function codecOf(role: "client" | "server", agreed: DeflateAgreement, own: CheckedCompression): Codec {
  const { serverMaxWindowBits, clientMaxWindowBits, serverNoContextTakeover, clientNoContextTakeover } = agreed;
  const { level, memLevel, threshold } = own;
  const isServer = role === "server";
  const ours = isServer ? serverMaxWindowBits : clientMaxWindowBits;
  const windowBits = Math.min(ours, ownWindowBits(own, role) ?? OWN_WINDOW_BITS);
  const takesOver = !(isServer ? serverNoContextTakeover : clientNoContextTakeover);
  const peerTakesOver = !(isServer ? clientNoContextTakeover : serverNoContextTakeover);
  return {
    deflater: new Deflater({ windowBits, level, memLevel, takesOver }),
    inflater: new Inflater(isServer ? clientMaxWindowBits : serverMaxWindowBits, peerTakesOver),
    threshold,
  };
}
