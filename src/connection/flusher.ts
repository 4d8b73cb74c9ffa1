// When what was framed is written, which decides most of the speed: at the end of the chunk that is being read, at once
// when it is much, and otherwise at the end of the turn, for all connections in one callback.

import { nextTurn } from "../base/clock.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import type { Machine } from "../protocol/machine.ts";
import type { Transport } from "../transport/transport.ts";

/** Outputs with something to write. */
let dirty: Flusher[] = [];

function flushSoon(output: Flusher): void {
  if (dirty.push(output) > 1) return;
  nextTurn(() => {
    const outputs = dirty;
    dirty = [];
    for (const output of outputs) output.flush();
  });
}

/** This much is not held back. */
const FLUSH_AT_ONCE = 65536;

/** What an output tells. */
export interface FlusherHandlers {
  /** Nothing is left to write. */
  onFlushed(): void;
}

/** The way from a machine to a transport. */
export class Flusher {
  readonly #machine: Machine;
  readonly #transport: Transport;
  readonly #highWaterMark: number;
  readonly #handlers: FlusherHandlers;
  /** What the transport is writing, and whether a flush is on its way. */
  #writing: Uint8Array<ArrayBuffer> | undefined;
  #held = false;
  #isDirty = false;
  #stopped = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(machine: Machine, transport: Transport, highWaterMark: number, handlers: FlusherHandlers) {
    this.#machine = machine;
    this.#transport = transport;
    this.#highWaterMark = highWaterMark;
    this.#handlers = handlers;
  }

  /** How many bytes wait, or are being written. */
  get buffered(): number {
    return this.#machine.buffered + (this.#writing?.length ?? 0);
  }

  /** Whether the peer has yet to take something. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Frames a message, which is written soon. */
  send(message: Message, options?: SendOptions): void {
    this.#machine.send(message, options);
    this.#onFramed();
  }

  /** Frames a Ping, which is written soon. */
  ping(payload?: Uint8Array<ArrayBuffer>): void {
    this.#machine.ping(payload);
    this.#onFramed();
  }

  /** Frames our Close, which is written soon. */
  close(info: { closeCode?: number | undefined; reason?: string | undefined }): void {
    this.#machine.close(info);
    this.#onFramed();
  }

  /** Flushes at once what is much, and the rest with the chunk that is being fed, or at the end of the turn. */
  #onFramed(): void {
    if (this.#machine.buffered >= FLUSH_AT_ONCE) this.flush();
    else if (!this.#held && !this.#isDirty) {
      this.#isDirty = true;
      flushSoon(this);
    }
  }

  /** A promise while more waits than may: it resolves below the mark. */
  get room(): Promise<void> | undefined {
    if (this.buffered <= this.#highWaterMark) return undefined;
    if (!this.#room) {
      this.#room = Promise.withResolvers<void>();
      this.#room.promise.catch(() => {}); // nobody is forced to wait
    }
    return this.#room.promise;
  }

  /**
   * Runs something that frames; what it framed is written at its end, in one go.
   *
   * @param flushLater Whether more is framed in this turn: then it is written at the turn's end.
   */
  after(run: () => void, flushLater = false): void {
    this.hold();
    try {
      run();
    } finally {
      this.release(flushLater);
    }
  }

  /** From here on, until {@linkcode release}, frames gather; for a chunk, without a closure for each. */
  hold(): void {
    this.#held = true;
  }

  /** Writes what has gathered, at the end of the turn if `flushLater`. */
  release(flushLater: boolean): void {
    this.#held = false;
    if (flushLater && this.#machine.buffered > 0) this.#onFramed();
    else this.flush();
  }

  /** Writes what waits, one slab at a time. */
  flush(): void {
    this.#isDirty = false;
    if (this.#held && this.#machine.buffered < FLUSH_AT_ONCE) return;
    while (!this.#writing && !this.#stopped) {
      const bytes = this.#machine.take();
      if (!bytes) break;
      if (this.#transport.write(bytes)) this.#machine.recycle(bytes);
      else this.#writing = bytes;
    }
    if (this.#stopped) return;
    if (this.#room && this.buffered <= this.#highWaterMark) {
      this.#room.resolve();
      this.#room = undefined;
    }
    if (!this.#writing) this.#handlers.onFlushed();
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
  }

  /** Who waits for room waits in vain. */
  fail(reason: () => unknown): void {
    this.#room?.reject(reason());
  }
}
