// A transport over a source that is read and written by promises, one read and one write at a time.

import { type Transport, type TransportHandlers } from "./transport.ts";

/** What can be read and written by promises, which are its own: one around another would cost as much again. */
export interface PullSource<Read> {
  /** Reads on. */
  read(): Promise<Read>;
  /** The bytes that were read, the caller's own; `undefined` at the end. */
  chunkOf(read: Read): Uint8Array<ArrayBuffer> | undefined;
  /** Says that nobody needs the last bytes that were read: the next ones may take their place. */
  reuse?(bytes: Uint8Array<ArrayBuffer>): void;
  /** Resolves when the bytes may change again, with how many were taken. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Half-closes. */
  end(): Promise<void>;
  /** Closes at once; pending calls settle somehow. */
  close(): void;
  /** Unlocks. */
  release(): void;
}

/** See the head of the file. */
export class PullTransport<Read> implements Transport {
  readonly #source: PullSource<Read>;
  #handlers: TransportHandlers | undefined;
  #reading = false;
  #paused = true;
  /** Ends the wait of a read that came in while paused. */
  #wake: (() => void) | undefined;
  #closed = false;
  /** The peer has ended; each owner is told once. */
  #ended = false;
  #told = false;

  constructor(source: PullSource<Read>) {
    this.#source = source;
  }

  /** Whether somebody has it who has not given it back. */
  get inUse(): boolean {
    return this.#handlers !== undefined && !this.#closed;
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers;
    this.#paused = true;
    this.#told = false;
    if (!this.#closed) return;
    queueMicrotask(() => {
      if (this.#handlers === handlers) handlers.onLost(new Error("The connection was closed"));
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
    this.#wake = undefined;
    if (this.#reading || this.#closed) return;
    if (!this.#ended) this.#read();
    else if (!this.#told) this.#end();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      while (!this.#paused) {
        const chunk = this.#source.chunkOf(await this.#source.read());
        // Also over a change of owners: the next one gets what comes
        if (this.#paused && !this.#closed) await new Promise<void>((resolve) => this.#wake = resolve);
        if (this.#closed) return;
        if (chunk === undefined) {
          this.#ended = true;
          break;
        }
        if (chunk.length > 0 && this.#handlers!.onData(chunk)) this.#source.reuse?.(chunk);
      }
      this.#reading = false;
      if (this.#ended) this.#end();
    } catch (error) {
      this.#reading = false;
      this.#fail(error);
    }
  }

  #end(): void {
    this.#told = true;
    this.#handlers!.onEnd();
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#source.write(bytes).then(
      (count) => {
        if (this.#closed) return;
        if (count < bytes.length) this.write(bytes.subarray(count));
        else this.#handlers?.onDrained(false);
      },
      (error) => this.#fail(error),
    );
    return false;
  }

  end(): void {
    this.#source.end().catch(() => {}); // what it means, if anything, shows when reading
  }

  #fail(error: unknown): void {
    if (this.#closed || !this.#handlers) return; // given back: whoever reads next sees it
    this.abort();
    this.#handlers.onLost(error);
  }

  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake?.();
    this.#source.close();
  }

  release(): void {
    this.#handlers = undefined;
    this.#source.release();
  }
}
