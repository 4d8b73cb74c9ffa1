// Turns a source that is read and written by promises into a Transport: one read and one write at a time, and no read
// while the owner is paused. That is the back-pressure of a Deno.Conn and of a pair of streams.

import { OwnedTransport } from "./owned_transport.ts";
import type { Endpoints } from "./transport.ts";

/**
 * A source whose reads and writes are promises. The transport awaits these very promises: wrapping each of them in another
 * would cost as much again.
 */
export interface PullSource<Read> extends Partial<Endpoints> {
  /** Starts the next read. */
  read(): Promise<Read>;
  /** The bytes of a read, which are the caller's to keep; `undefined` at the end. */
  chunkOf(read: Read): Uint8Array<ArrayBuffer> | undefined;
  /** The last bytes that were read are no longer needed: the next read may overwrite them. */
  reuse?(bytes: Uint8Array<ArrayBuffer>): void;
  /** Writes; resolves once the bytes may change again, with how many of them were taken. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  /** Half-closes. */
  end(): Promise<void>;
  /** Closes at once. Reads and writes under way settle, in whatever way. */
  close(): void;
  /** Releases the locks that it holds. */
  release(): void;
}

/** A transport over a {@linkcode PullSource}. */
export class PullTransport<Read> extends OwnedTransport {
  readonly #source: PullSource<Read>;
  #reading = false;
  /** Lets a read go on that completed while the owner was paused. */
  #wake: (() => void) | undefined;

  constructor(source: PullSource<Read>) {
    super();
    this.#source = source;
  }

  protected override get endpoints(): PullSource<Read> {
    return this.#source;
  }

  resume(): void {
    this.paused = false;
    this.#wake?.();
    this.#wake = undefined;
    if (this.#reading || this.closed) return;
    if (this.peerEnded) this.tellEnd();
    else this.#readOn();
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    try {
      while (!this.paused) {
        const chunk = this.#source.chunkOf(await this.#source.read());
        // Back-pressure: the chunk waits here until its owner, or the next one, reads on
        if (this.paused && !this.closed) await new Promise<void>((resolve) => this.#wake = resolve);
        if (this.closed) return;
        if (chunk === undefined) {
          this.peerEnded = true;
          break;
        }
        if (chunk.length > 0 && this.handlers!.onData(chunk)) this.#source.reuse?.(chunk);
      }
      this.#reading = false;
      if (this.peerEnded) this.tellEnd();
    } catch (error) {
      this.#reading = false;
      this.#onError(error);
    }
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#source.write(bytes).then(
      (count) => {
        if (this.closed) return;
        if (count < bytes.length) this.write(bytes.subarray(count));
        else this.handlers?.onDrained(false);
      },
      (error) => this.#onError(error),
    );
    return false;
  }

  end(): void {
    this.#source.end().catch(() => {}); // if this matters, the next read fails too
  }

  #onError(error: unknown): void {
    if (this.closed || !this.handlers) return; // without an owner, the next owner's read fails again
    this.abort();
    this.handlers.onLost(error);
  }

  abort(): void {
    if (this.closed) return;
    this.closed = true;
    this.#wake?.();
    this.#source.close();
  }

  override release(): void {
    super.release();
    this.#source.release();
  }
}
