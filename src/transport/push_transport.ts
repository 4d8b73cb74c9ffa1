// A transport over a socket that calls back. What it reads while nobody reads is kept, and stops it: at most the chunks
// that were on their way. A pause that ends before anything comes costs the socket nothing.

import { type Transport, type TransportHandlers } from "./transport.ts";

/** What is asked of a socket that calls back. */
export interface PushSource {
  /** Stops reading; a chunk may still come. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Writes; unless it is done, and the bytes may change again, `drained()` follows. */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Half-closes. */
  end(): void;
  /** Closes at once; may be called again. */
  close(): void;
}

/** See the head of the file. */
export class PushTransport implements Transport {
  readonly #source: PushSource;
  #handlers: TransportHandlers | undefined;
  #paused = true;
  #kept: Uint8Array<ArrayBuffer>[] | undefined;
  #isHandingOver = false;
  #sourcePaused = false;
  /** The peer has ended; each owner is told once. */
  #ended = false;
  #told = false;
  #hasEnded = false;
  #closed = false;
  /** What the connection was lost by, for an owner who comes later. */
  #error: unknown;

  constructor(source: PushSource) {
    this.#source = source;
  }

  /** Whether somebody has it who has not given it back. */
  get inUse(): boolean {
    return this.#handlers !== undefined && !this.#closed;
  }

  /** Whether our side has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** How many bytes wait for an owner. */
  get kept(): number {
    return this.#kept?.reduce((sum, { length }) => sum + length, 0) ?? 0;
  }

  get #keeps(): boolean {
    return this.#kept !== undefined && this.#kept.length > 0;
  }

  // ---- what the socket says

  /** Bytes came, which are ours. */
  onData(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#closed || chunk.length === 0) return;
    if (!this.#paused && !this.#isHandingOver && !this.#keeps) {
      this.#isHandingOver = true;
      this.#handlers!.onData(chunk);
      this.#isHandingOver = false;
      if (this.#keeps || this.#ended) this.#handOver();
      return;
    }
    (this.#kept ??= []).push(chunk);
    if (this.#sourcePaused || this.#isHandingOver) return;
    this.#sourcePaused = true;
    this.#source.pause();
  }

  /** The peer has ended; writing goes on. */
  onEnd(): void {
    this.#ended = true;
    this.#handOver();
  }

  /** A write that was not done at once is done now; whether it is known to have waited for the peer. */
  onDrained(hasWaited: boolean): void {
    if (!this.#closed) this.#handlers?.onDrained(hasWaited);
  }

  /** The socket is closed: an end, when both sides had ended or are ending, and otherwise a loss. */
  onClosed(error?: unknown): void {
    if (this.#closed) return;
    if (error === undefined && this.#hasEnded) return this.onEnd();
    this.onLost(error ?? new Error("The socket was closed"));
  }

  /** The connection is lost. */
  onLost(error: unknown): void {
    if (this.#closed) return;
    this.#error = error;
    this.abort();
    this.#handlers?.onLost(error);
  }

  #handOver(): void {
    if (this.#isHandingOver) return;
    this.#isHandingOver = true;
    while (!this.#paused && !this.#closed && this.#keeps) this.#handlers!.onData(this.#kept!.shift()!);
    this.#isHandingOver = false;
    if (this.#paused || this.#closed) return;
    if (this.#ended) {
      if (this.#told) return;
      this.#told = true;
      this.#handlers!.onEnd();
    } else if (this.#sourcePaused) {
      this.#sourcePaused = false;
      this.#source.resume();
    }
  }

  // ---- Transport

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    this.#paused = true;
    this.#told = false;
    if (!this.#closed) return;
    queueMicrotask(() => {
      if (this.#handlers === handlers) handlers.onLost(this.#error ?? new Error("The connection was closed"));
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#handOver();
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    return !this.#closed && this.#source.write(bytes);
  }

  end(): void {
    if (this.#closed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#source.end();
  }

  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#kept = undefined;
    this.#source.close();
  }

  release(): void {
    this.#handlers = undefined;
  }
}
