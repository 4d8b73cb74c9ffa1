// Decides when frames are written, which decides most of the speed: together with the answers to the chunk being read, at
// once past 64 KiB, and otherwise at the end of the event loop turn, for all connections in one callback. Everything that
// frames goes through here, so that nothing stays unwritten.

import { IO_IS_PER_REQUEST, nextTurn } from "../base/clock.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import type { Machine } from "../protocol/machine.ts";
import type { Prepared } from "../protocol/prepared_message.ts";
import type { Burst } from "../protocol/shared_frame.ts";
import type { Transport } from "../transport/transport.ts";
import { HeldMessages } from "./held_messages.ts";

/** The flushers with something to write at the end of this turn. */
let dirty: Flusher[] = [];

function flushSoon(flusher: Flusher): void {
  if (IO_IS_PER_REQUEST) return nextTurn(() => flusher.flush());
  if (dirty.push(flusher) > 1) return;
  nextTurn(() => {
    const flushers = dirty;
    dirty = [];
    for (const flusher of flushers) flusher.flush();
  });
}

/** From this many bytes on, frames are written at once. */
const FLUSH_AT_ONCE = 65536;

/** How many bytes may wait, as in the options of a connection. */
export interface FlusherLimits {
  readonly highWaterMark: number;
  readonly maxBufferedAmount: number;
}

/** What a flusher has of its connection, and tells it. */
export interface FlusherHost {
  readonly options: FlusherLimits;
  readonly transport: Transport;
  /**
   * Something was handed to the transport.
   *
   * @param isAnswer Whether that was at the end of a chunk that was just received.
   */
  onSent(isAnswer: boolean): void;
  /** Nothing is left to write. */
  onFlushed(): void;
  /** A message made more wait than may, and was not alone. */
  onBufferFull(bytes: number): void;
  /** The transport has thrown. */
  onLost(error: unknown): void;
}

/** What somebody waits for. */
interface Waits {
  room?: PromiseWithResolvers<void> | undefined;
  emptied?: PromiseWithResolvers<void> | undefined;
}

/** The way from a machine to a transport. */
export class Flusher {
  readonly #machine: Machine;
  readonly #host: FlusherHost;
  /** The slab that the transport is writing. */
  #writing: Uint8Array<ArrayBuffer> | undefined;
  /** Whether writes are held back until {@linkcode uncork}. */
  #isCorked = false;
  /** Whether a flush at the end of the turn is due. */
  #isDirty = false;
  #stopped = false;
  #waits: Waits | undefined;
  /** What waits outside of the machine, while a slow peer has not taken what was sent before. */
  #held: HeldMessages | undefined;

  constructor(machine: Machine, host: FlusherHost) {
    this.#machine = machine;
    this.#host = host;
  }

  /** How many bytes wait, or are being written. */
  get buffered(): number {
    const { buffered } = this.#machine, writing = this.#writing;
    if (!writing) return buffered; // and nothing is held, either
    return buffered + writing.length + (this.#held?.size ?? 0);
  }

  /**
   * Whether more waits than `limit` (the high-water mark, if there is none), although all was written that could be, also
   * what is held back until {@linkcode uncork}: that waits for us, and not for the peer.
   */
  isOver(limit: number = this.#host.options.highWaterMark): boolean {
    if (this.buffered <= limit) return false;
    if (!this.#writing) this.#writeOut(false);
    return this.buffered > limit;
  }

  /** Whether a write is not done yet: the peer has yet to take something. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Frames a message, which is written soon; gives a promise while more waits than the high-water mark. */
  send(message: Message | PreparedMessage, options?: SendOptions): void | Promise<void> {
    if (this.#held) this.#letGo(Infinity);
    const before = this.buffered;
    this.#machine.send(message, options);
    this.#onFramed();
    const { buffered } = this, { highWaterMark, maxBufferedAmount } = this.#host.options;
    if (buffered <= highWaterMark && buffered <= maxBufferedAmount) return;
    const { room } = this;
    if (buffered > maxBufferedAmount && before > 0) this.#host.onBufferFull(buffered);
    return room;
  }

  /**
   * Sends a message of a broadcast, unless more than `limit` waits already, or more than may with it: {@linkcode send}
   * without a promise, since nobody would wait for it.
   *
   * @returns Whether it is on its way.
   */
  offer(message: Prepared, limit: number = this.#host.options.highWaterMark): boolean {
    const before = this.buffered;
    if (before > limit && this.isOver(limit)) return false;
    if (before > 0 && before + message.size > this.#host.options.maxBufferedAmount) return false;
    if (this.#held) this.#letGo(Infinity);
    this.#machine.sendPrepared(message);
    this.#onFramed();
    return true;
  }

  /**
   * Lets a burst of a group wait here, which is written soon, if nothing else waits; nothing is held then, either.
   *
   * @returns Whether it is on its way.
   */
  join(burst: Burst): boolean {
    if (this.#writing || !this.#machine.join(burst)) return false;
    this.#onFramed();
    return true;
  }

  /**
   * Holds a message to a slow peer until what is before it is written; whatever is sent later goes behind it. Where more
   * than `limit` is held, the oldest of it is thrown away.
   *
   * @returns How many messages were thrown away.
   */
  hold(message: Prepared, limit: number = this.#host.options.highWaterMark): number {
    return (this.#held ??= new HeldMessages()).push(message, limit);
  }

  /** Frames what is held, the oldest first, up to so many bytes. */
  #letGo(most: number): void {
    const held = this.#held!;
    if (this.#machine.state !== "open") return void (this.#held = undefined); // the peer has broken a rule
    while (this.#machine.buffered < most && !held.isEmpty) this.#machine.sendPrepared(held.shift()!);
    if (held.isEmpty) this.#held = undefined;
  }

  /** Frames a Ping, which is written soon. */
  ping(payload?: Uint8Array<ArrayBuffer>): void {
    this.#machine.ping(payload);
    this.#onFramed();
  }

  /** The same for a connection that is idle, which is to take little memory. */
  pingIdle(): void {
    this.#machine.rest();
    this.ping();
  }

  /** Frames our Close, which is written soon. */
  close(info: { closeCode?: number | undefined; reason?: string | undefined }): void {
    if (this.#held) this.#letGo(Infinity);
    this.#machine.close(info);
    this.#onFramed();
  }

  /** Frames the answer to the peer's Close, which is written soon. */
  answerClose(): void {
    if (this.#held) this.#letGo(Infinity);
    this.#machine.answerClose();
    this.#onFramed();
  }

  /** Writes at once if 64 KiB or more are buffered, otherwise with this chunk or at the end of the turn. */
  #onFramed(): void {
    if (this.#machine.buffered >= FLUSH_AT_ONCE) this.flush();
    else if (!this.#isCorked && !this.#isDirty) {
      this.#isDirty = true;
      flushSoon(this);
    }
  }

  /** A promise while more waits than the high-water mark: it resolves below it (back-pressure). */
  get room(): Promise<void> | undefined {
    if (this.buffered <= this.#host.options.highWaterMark) return undefined;
    const waits = this.#waits ??= {};
    if (!waits.room) {
      waits.room = Promise.withResolvers<void>();
      waits.room.promise.catch(() => {}); // nobody has to handle it
    }
    return waits.room.promise;
  }

  /** A promise while anything waits: it resolves once all is written, or nothing is written any more. */
  get emptied(): Promise<void> | undefined {
    if (this.buffered === 0 || this.#stopped) return undefined;
    return ((this.#waits ??= {}).emptied ??= Promise.withResolvers<void>()).promise;
  }

  #onEmptied(): void {
    if (!this.#waits) return;
    this.#waits.emptied?.resolve();
    this.#waits.emptied = undefined;
  }

  /**
   * Runs `run` with writes held back, then writes everything in one go.
   *
   * @param flushLater Whether more is framed in this turn: then it is written at the turn's end.
   */
  after(run: () => void, flushLater = false): void {
    this.cork();
    try {
      run();
    } finally {
      this.uncork(flushLater);
    }
  }

  /** Holds writes back until {@linkcode uncork}, where {@linkcode after} would make a closure for each chunk. */
  cork(): void {
    this.#isCorked = true;
  }

  /** Writes what has gathered, at the end of the turn if `flushLater`. */
  uncork(flushLater: boolean): void {
    this.#isCorked = false;
    if (flushLater && this.#machine.buffered > 0) this.#onFramed();
    else this.flush(true);
  }

  /**
   * Writes what waits, unless it is held back.
   *
   * @param isAnswer Whether a chunk was just received.
   */
  flush(isAnswer = false): void {
    this.#isDirty = false;
    if (!this.#isCorked || this.#machine.buffered >= FLUSH_AT_ONCE) this.#writeOut(isAnswer);
  }

  /** One slab at a time. A transport that throws ends its own connection, and not the others of the turn. */
  #writeOut(isAnswer: boolean): void {
    try {
      if (this.#write()) this.#host.onSent(isAnswer);
      if (this.#stopped) return;
      if (this.#waits?.room && this.buffered <= this.#host.options.highWaterMark) {
        this.#waits.room.resolve();
        this.#waits.room = undefined;
      }
      if (this.#writing || this.#machine.buffered > 0) return;
      this.#onEmptied();
      this.#host.onFlushed();
    } catch (error) {
      this.#host.onLost(error);
    }
  }

  /** The next bytes to write: those of what is held once there are no others. */
  #take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#held && this.#machine.buffered === 0) this.#letGo(FLUSH_AT_ONCE);
    return this.#machine.take();
  }

  /** Writes until the transport can take no more; whether it has taken anything. */
  #write(): boolean {
    let hasWritten = false;
    while (!this.#writing && !this.#stopped) {
      const bytes = this.#take();
      if (!bytes) break;
      hasWritten = true;
      if (this.#host.transport.write(bytes)) this.#machine.recycle(bytes);
      else this.#writing = bytes;
    }
    return hasWritten;
  }

  /** The transport has written what it was given. */
  onDrained(): void {
    if (this.#writing) this.#machine.recycle(this.#writing);
    this.#writing = undefined;
    this.flush();
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#stopped = true;
    this.#held = undefined;
    this.#onEmptied();
  }

  /** Rejects the pending `room` promise. */
  fail(reason: () => unknown): void {
    this.#waits?.room?.reject(reason());
  }
}
