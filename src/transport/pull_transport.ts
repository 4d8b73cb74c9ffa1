// Turns a source that is read and written by promises into a Transport: one read and one write at a time, and no read
// while the owner is paused. That is the back-pressure of a Deno.Conn and of a pair of streams.

import { afterIO } from "../base/clock.ts";
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

/**
 * How many bytes are read behind a write that failed: more than a kernel holds for a connection. A pair of streams may give
 * bytes for ever.
 */
const MOST_BEHIND = 2 ** 24;

/** A transport over a {@linkcode PullSource}. */
export class PullTransport<Read> extends OwnedTransport {
  readonly #source: PullSource<Read>;
  #reading = false;
  /** Lets a read go on that completed while the owner was paused. */
  #wake: (() => void) | undefined;
  /** What a write has failed with; it is told behind what can still be read, of which it counts the bytes. */
  #failure: { readonly error: unknown; count: number; stopWaiting(): void } | undefined;

  constructor(source: PullSource<Read>) {
    super();
    this.#source = source;
  }

  protected override get endpoints(): PullSource<Read> {
    return this.#source;
  }

  resume(): void {
    this.paused = false;
    this.#wakeReading();
    if (this.#reading || this.closed) return;
    if (this.peerEnded) this.tellEnd();
    else this.#readOn();
  }

  #wakeReading(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    try {
      while (!this.paused || this.#failure) {
        const chunk = this.#source.chunkOf(await this.#source.read());
        // Back-pressure: the chunk waits here until its owner, or the next one, reads on
        if (this.paused && !this.closed && !this.#failure) await new Promise<void>((resolve) => this.#wake = resolve);
        if (this.closed) return;
        if (chunk === undefined) {
          this.peerEnded = !this.#failure; // behind a failed write, the end that is read is the loss itself
          break;
        }
        if (this.#failure) this.#failure.count += chunk.length;
        if (chunk.length > 0 && this.handOver(chunk)) this.#source.reuse?.(chunk);
        if (this.closed) return;
      }
      this.#reading = false;
      if (this.peerEnded) this.tellEnd();
      if (this.#failure) this.lose(this.#failure.error);
    } catch (error) {
      this.#reading = false;
      // Without an owner, the next owner's read fails again
      if (this.handlers) this.lose(this.#failure ? this.#failure.error : error);
    }
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#source.write(bytes).then(
      (count) => {
        if (this.closed) return;
        if (count < bytes.length) this.write(bytes.subarray(count));
        else this.tellDrained(false);
      },
      (error) => this.#onWriteFailed(error),
    );
    return false;
  }

  /** A reset fails a write before the bytes that came before it are read: they are read, whether the owner is paused or not. */
  #onWriteFailed(error: unknown): void {
    if (this.closed || !this.handlers || this.#failure) return;
    this.#failure = { error, count: 0, stopWaiting() {} };
    if (this.peerEnded) return this.lose(error);
    this.#wakeReading();
    this.#loseWithoutMore(0);
    if (!this.#reading) this.#readOn();
  }

  /** Tells the failure once nothing more comes: a pair of streams need not end with it. */
  #loseWithoutMore(seen: number): void {
    this.#failure!.stopWaiting = afterIO(2, () => {
      const { error, count } = this.#failure!;
      if (count === seen || count > MOST_BEHIND) this.lose(error);
      else this.#loseWithoutMore(count);
    });
  }

  end(): void {
    this.#source.end().catch(() => {}); // if this matters, the next read fails too
  }

  protected override closeSource(): void {
    this.#failure?.stopWaiting();
    this.#wakeReading();
    this.#source.close();
  }

  override release(): void {
    super.release();
    this.#source.release();
  }
}
