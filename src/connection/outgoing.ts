// Sends messages in pieces. While one is under way, whatever else is sent waits behind it, in order, because no other
// message may come between its frames (RFC 6455 §5.4); Pings, Pongs and a Close may. A source is asked for a piece only
// while less than the high-water mark waits to be written.

import { bytesOf, lengthOf, plainOf, snapshotOf } from "../base/owned_bytes.ts";
import type { WebSocketErrorInit } from "../errors/websocket_error.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import type { Machine } from "../protocol/machine.ts";
import { Prepared, type PreparedMessage } from "../protocol/prepared_message.ts";
import { checkSendOptions } from "../protocol/send_options.ts";
import { MAX_PIECE } from "../protocol/streamed_message.ts";
import type { Flusher, FlusherLimits } from "./flusher.ts";
import { isPieces, PieceReader, type Pieces } from "./pieces.ts";

/** What sending in order needs of its connection. */
export interface OutgoingHost {
  readonly options: FlusherLimits;
  readonly machine: Machine;
  readonly flusher: Flusher;
  readonly isReleased: boolean;
  onBufferFull(bytes: number): void;
  /** Nothing waits any more. */
  onAllSent(): void;
  /** A message was begun and can't be ended: no other can follow it. */
  onMessageBroken(): void;
}

/** Something that was sent, and has to wait. */
interface Waiting {
  readonly message: string | Uint8Array<ArrayBuffer> | Prepared | PieceReader;
  readonly options: SendOptions;
  readonly size: number;
  /** Whoever waits for it. */
  done?: PromiseWithResolvers<void>;
}

/** What each message that waits is charged beside its bytes, so that empty ones are bounded, too. */
const OVERHEAD = 64;

const EMPTY = new Uint8Array();

/** What one connection sends while a message in pieces is under way. */
export class Outgoing {
  /** What waits, in bytes; of messages in pieces, it is not known. */
  size = 0;
  /** With which code and reason to close behind what waits. */
  closing: WebSocketErrorInit | undefined;
  readonly #host: OutgoingHost;
  readonly #waiting: Waiting[] = [];
  #isRunning = false;
  #isCut = false;
  /** The kind of the message of which the last one that waits is a piece, if it is not its last. */
  #open: "string" | "object" | undefined;

  constructor(host: OutgoingHost) {
    this.#host = host;
  }

  /** Sends behind what waits; the rest is as with `send()` of a connection. */
  send(message: Message | PreparedMessage | Pieces, options: SendOptions = {}): void | Promise<void> {
    const { flusher, options: { highWaterMark, maxBufferedAmount } } = this.#host;
    const before = flusher.buffered + this.size, waiting = this.#checked(message, options);
    this.size += waiting.size;
    this.#waiting.push(waiting);
    const total = before + waiting.size;
    const waits = waiting.message instanceof PieceReader || total > highWaterMark;
    if (waits) {
      waiting.done = Promise.withResolvers<void>();
      waiting.done.promise.catch(() => {}); // nobody has to handle it
    }
    if (!this.#isRunning) this.#run();
    else if (total > maxBufferedAmount && before > 0) this.#host.onBufferFull(total);
    return waiting.done?.promise;
  }

  /** Takes its own copy, and checks at once what the machine would check too late. */
  #checked(message: Message | PreparedMessage | Pieces, given: SendOptions): Waiting {
    checkSendOptions(given);
    const { fin = true, compress } = given;
    const options = { fin, compress }; // the caller's may change until it is sent
    const isWhole = isPieces(message) || message instanceof Prepared;
    const isBetween = this.#isRunning ? this.#open === undefined : this.#host.machine.isBetweenMessages;
    if (isWhole && !(isBetween && fin)) {
      throw new TypeError(
        "Cannot send: a prepared message, or one from a stream, can't be a piece or come between pieces",
      );
    }
    if (isPieces(message)) return { message: new PieceReader(message), options, size: 0 };
    if (message instanceof Prepared) return { message, options, size: message.size + OVERHEAD };
    const kind = typeof message as "string" | "object";
    if (this.#open !== undefined && this.#open !== kind) throw mixedError();
    const bytes = typeof message === "string" ? message : snapshotOf(bytesOf(message as Exclude<Message, string>));
    this.#open = fin ? undefined : kind;
    return { message: bytes, options, size: bytes.length + OVERHEAD };
  }

  /** Sends what waits, one after the other. It never rejects. */
  async #run(): Promise<void> {
    const { flusher } = this.#host;
    this.#isRunning = true;
    for (let next; !this.#isCut && (next = this.#waiting[0]);) {
      const { message, options, size, done } = next;
      try {
        if (message instanceof PieceReader) await this.#sendPieces(message, options.compress);
        if (this.#isCut) return;
        this.#waiting.shift();
        this.size -= size;
        if (!(message instanceof PieceReader)) flusher.send(message, options);
        done?.resolve(flusher.room);
      } catch (error) {
        if (this.#isCut) return;
        if (this.#waiting[0] === next) this.#waiting.shift();
        done?.reject(error);
        if (message instanceof PieceReader) message.cancel(error);
        if (!this.#host.machine.isBetweenMessages && message instanceof PieceReader) this.#host.onMessageBroken();
      }
    }
    if (!this.#isCut) this.#host.onAllSent();
  }

  /** One message: a frame for each piece, and an empty one that ends it. */
  async #sendPieces(reader: PieceReader, compress = true): Promise<void> {
    const { flusher } = this.#host, more = { fin: false, compress };
    let kind: "string" | "object" | undefined;
    for (;;) {
      await this.#waitForRoom();
      const next = await reader.next();
      if (!next || this.#isCut) break;
      const { piece } = next, bytes = typeof piece === "string" ? piece : bytesOf(piece as Exclude<Message, string>);
      if (kind !== undefined && kind !== typeof bytes) throw mixedError();
      kind = typeof bytes as "string" | "object";
      for (const part of partsOf(bytes)) {
        await this.#waitForRoom();
        if (this.#isCut) return;
        flusher.send(part, more);
      }
    }
    if (this.#isCut) return;
    const isText = kind === undefined ? reader.type === "text" : kind === "string";
    flusher.send(isText ? "" : EMPTY, { fin: true, compress });
  }

  /** Whether nothing is waited for but that the peer takes it. */
  get isWhole(): boolean {
    return this.#waiting.every(({ message }) => !(message instanceof PieceReader) || message.isWhole);
  }

  async #waitForRoom(): Promise<void> {
    const { room } = this.#host.flusher;
    if (room) await room;
  }

  /** Nothing of what waits is sent any more, nor the rest of the message that is under way. */
  cut(reason: unknown, error: unknown): void {
    this.#isCut = true;
    this.size = 0;
    for (const { message, done } of this.#waiting.splice(0)) {
      // Not at once: what a source sends when it is told would go on with the message that was cut
      if (message instanceof PieceReader) queueMicrotask(() => message.cancel(reason));
      done?.reject(error);
    }
  }
}

/** A piece in parts that are not too large to be framed at once. */
function* partsOf(piece: string | Uint8Array<ArrayBuffer>): Generator<string | Uint8Array<ArrayBuffer>> {
  const length = typeof piece === "string" ? piece.length : lengthOf(piece);
  if (length <= MAX_PIECE) {
    if (length > 0) yield piece;
    return;
  }
  const whole = typeof piece === "string" ? piece : plainOf(piece);
  for (let at = 0; at < length; at += MAX_PIECE) {
    yield typeof whole === "string" ? whole.slice(at, at + MAX_PIECE) : whole.subarray(at, at + MAX_PIECE);
  }
}

function mixedError(): TypeError {
  return new TypeError("Cannot send: the pieces of a message must be all strings or all buffers");
}
