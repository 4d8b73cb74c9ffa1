// When what was framed is written, which decides most of the speed: at the end of the chunk that is being read, at once
// when it is much, and otherwise at the end of the turn, for all connections in one callback.

import { nextTurn } from "../base/clock.ts";
import { Protocol } from "../protocol/protocol.ts";
import { type Transport } from "../transport/transport.ts";

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
  readonly #machine: Protocol;
  readonly #transport: Transport;
  readonly #highWaterMark: number;
  readonly #handlers: FlusherHandlers;
  /** What the transport is writing, and whether a flush is on its way. */
  #writing: Uint8Array<ArrayBuffer> | undefined;
  #corked = false;
  #isDirty = false;
  #stopped = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(machine: Protocol, transport: Transport, highWaterMark: number, handlers: FlusherHandlers) {
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

  /** Something was framed. */
  wrote(): void {
    if (this.#machine.buffered >= FLUSH_AT_ONCE) this.flush();
    else if (!this.#corked && !this.#isDirty) {
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
   * Runs something that frames; what it framed is written at the end, in one go.
   *
   * @param flushLater Whether more is framed in this turn: then it is written at the turn's end.
   */
  cork(run: () => void, flushLater = false): void {
    this.#corked = true;
    try {
      run();
    } finally {
      this.#uncork(flushLater);
    }
  }

  /**
   * The same for what the machine makes of the next bytes, without a function for each chunk.
   *
   * @returns Whether the bytes are of no more use.
   */
  receive(chunk: Uint8Array<ArrayBuffer>, flushLater: boolean): boolean {
    this.#corked = true;
    try {
      return this.#machine.receive(chunk);
    } finally {
      this.#uncork(flushLater);
    }
  }

  #uncork(flushLater: boolean): void {
    this.#corked = false;
    if (flushLater && this.#machine.buffered > 0) this.wrote();
    else this.flush();
  }

  /** Writes what waits, one slab at a time. */
  flush(): void {
    this.#isDirty = false;
    if (this.#corked && this.#machine.buffered < FLUSH_AT_ONCE) return;
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
  drained(): void {
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
