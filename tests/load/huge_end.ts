// One end of a very long message, in a process of its own that watches its memory: a server that echoes, or the client.

import { createHash } from "node:crypto";
import process from "node:process";
import { connect, type Connected, type ReceivedOrPieces, serve } from "../../mod.ts";
import { answerCalls } from "./program.ts";

/** What goes through. */
export interface Huge {
  readonly url: string;
  /** How many bytes; a multiple of 64 KiB. */
  readonly size: number;
  readonly kind: "binary" | "text";
  readonly isCompressed: boolean;
  /** As one message, or as messages of 64 KiB. */
  readonly how: "pieces" | "messages";
  /** Whether the bytes are compared, by their hashes: to time the rest, they are only counted. */
  readonly isHashed: boolean;
}

/** What came of it. */
export interface Passed {
  readonly seconds: number;
  readonly count: number;
  readonly sent: string | undefined;
  readonly received: string | undefined;
}

/** How long the blocks are that everything is made of, in bytes of UTF-8. */
const BLOCK = 65536;

/** Longer messages come in pieces. */
const STREAM_ABOVE = BLOCK;

/** The fastest: compressing so many bytes is what takes the time. */
const COMPRESSION = { level: 1 };

const ENCODER = new TextEncoder();

/** Words, a little of them not ASCII, so that text compresses as text does; a number makes each block another. */
function blockOf(number: number): string {
  const words = ["message", "größer", "as", "it", "comes", "€", "frame", "of", "the", "\u{1f600}", "peer", "window"];
  let state = number + 1, text = `${number} `, size = ENCODER.encode(text).length;
  while (size < BLOCK) {
    state = state * 48271 % 0x7fffffff;
    const word = `${words[state % words.length]}${state % 97} `, length = ENCODER.encode(word).length;
    text += size + length > BLOCK ? "x".repeat(BLOCK - size) : word;
    size = Math.min(BLOCK, size + length);
  }
  return text;
}

const TEXTS = Array.from({ length: 64 }, (_, i) => blockOf(i)), BYTES = TEXTS.map((text) => ENCODER.encode(text));

/** The next block: so many different ones that compressing finds none of them in its window. */
const block = (kind: Huge["kind"], i: number) => (kind === "text" ? TEXTS : BYTES)[i * 7 % TEXTS.length]!;

let start = 0, peak = 0;

const look = () => void (peak = Math.max(peak, process.memoryUsage.rss()));

setInterval(look, 5);

/** Counts, and hashes, what passes. */
class Tally {
  count = 0;
  readonly #hash: ReturnType<typeof createHash> | undefined;
  readonly #isText: boolean;

  constructor({ isHashed, kind }: Huge) {
    this.#hash = isHashed ? createHash("sha256") : undefined;
    this.#isText = kind === "text";
  }

  /** What is counted of text is its length in UTF-16: bytes are in the hash. */
  add(part: string | Uint8Array): void {
    if (typeof part === "string" !== this.#isText) throw new Error("It is of another kind");
    this.count += part.length;
    this.#hash?.update(part);
  }

  get hash(): string | undefined {
    return this.#hash?.digest("hex");
  }
}

/** Sends it, in the one way or the other. */
async function send(socket: Connected<ReceivedOrPieces>, huge: Huge, tally: Tally): Promise<void> {
  const { size, kind, how } = huge, count = size / BLOCK;
  const next = (i: number) => {
    const part = block(kind, i);
    tally.add(part);
    return part;
  };
  let i = 0;
  if (how === "messages") {
    for (; i < count; i++) await socket.send(next(i));
  } else {
    const pieces = new ReadableStream<string | Uint8Array<ArrayBuffer>>({
      pull: (controller) => i < count ? controller.enqueue(next(i++)) : controller.close(),
    }, { highWaterMark: 0 });
    await socket.send(pieces);
  }
}

/** Receives it, to its end. */
async function receive(socket: Connected<ReceivedOrPieces>, { size, how }: Huge, tally: Tally): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let messages = 0;
  socket.receive(async (message) => {
    if (typeof message === "string" || message instanceof Uint8Array) tally.add(message);
    else for await (const piece of message) tally.add(piece);
    if (++messages === (how === "pieces" ? 1 : size / BLOCK)) resolve();
  }).catch(reject);
  await promise;
}

const calls = {
  /** Echoes whatever comes; tells the URL. */
  async serve(): Promise<string> {
    const server = await serve(
      { port: 0, streamAbove: STREAM_ABOVE, compression: COMPRESSION },
      (socket) => socket.receive((message) => socket.send(message)),
    );
    return server.url!;
  },

  /** What it has taken so far is the start: code, and what the runtime lets garbage take before it collects it. */
  watch(): void {
    look();
    start = peak;
  },

  /** The resident memory: at the start, and at most. */
  memory(): { start: number; peak: number } {
    look();
    return { start, peak };
  },

  /** Sends it, and takes what comes back. */
  async pass(huge: Huge): Promise<Passed> {
    const socket = await connect(huge.url, {
      streamAbove: STREAM_ABOVE,
      compression: huge.isCompressed && COMPRESSION,
    });
    if (socket.deflate !== undefined !== huge.isCompressed) throw new Error("It is not as it should be compressed");
    const sent = new Tally(huge), received = new Tally(huge), begin = performance.now();
    await Promise.all([send(socket, huge, sent), receive(socket, huge, received)]);
    const seconds = (performance.now() - begin) / 1000;
    await socket.close({ closeCode: 1000 });
    if (sent.count !== received.count) throw new Error(`${received.count} came back of ${sent.count}`);
    return { seconds, count: received.count, sent: sent.hash, received: received.hash };
  },
};

/** What this program can be asked. */
export type HugeCalls = typeof calls;

answerCalls(calls);
