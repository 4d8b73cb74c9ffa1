// Turns a socket that calls back, as Bun's and Node's do, into a Transport. Chunks that arrive while the owner is paused
// are queued, and the first of them pauses the socket: that is the back-pressure. A pause that ends before anything
// arrives costs the socket nothing.

import { OwnedTransport } from "./owned_transport.ts";
import type { Endpoints } from "./transport.ts";

/** A socket that calls back, for {@linkcode PushTransport}. */
export interface PushSource extends Partial<Endpoints> {
  /** Stops reading; a chunk that was on its way may still arrive. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Writes. Returns whether that is done and the bytes may change again; otherwise `onDrained()` is called later. */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Half-closes. */
  end(): void;
  /** Closes at once; may be called again. */
  close(): void;
}

/** A transport over a socket that a subclass has, and that tells of its events by `onData()` to `onLost()`. */
export abstract class SocketTransport extends OwnedTransport {
  #queue: Uint8Array<ArrayBuffer>[] | undefined;
  /** Whether a chunk is with the owner: a chunk that arrives meanwhile comes behind it, not inside. */
  #isHandingOver = false;
  #sourcePaused = false;
  #hasEnded = false;

  /** What is asked of the socket, as a {@linkcode PushSource} is. */
  protected abstract pauseSource(): void;
  protected abstract resumeSource(): void;
  protected abstract writeSource(bytes: Uint8Array<ArrayBuffer>): boolean;
  protected abstract endSource(): void;

  /** Whether we have half-closed. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** How many bytes are queued. */
  get queuedBytes(): number {
    return this.#queue?.reduce((sum, { length }) => sum + length, 0) ?? 0;
  }

  get #isQueueing(): boolean {
    return this.#queue !== undefined && this.#queue.length > 0;
  }

  /** Bytes arrived; they are the transport's. Returns whether nobody has them any more. */
  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    if (this.closed || chunk.length === 0) return false;
    if (!this.paused && !this.#isHandingOver && !this.#isQueueing) {
      this.#isHandingOver = true;
      const isFree = this.handOver(chunk);
      this.#isHandingOver = false;
      if (this.closed) this.tellLoss();
      else if (this.#isQueueing || this.peerEnded) this.#handOver();
      return isFree;
    }
    (this.#queue ??= []).push(chunk);
    if (this.#sourcePaused || this.#isHandingOver) return false;
    this.#sourcePaused = true;
    this.pauseSource();
    return false;
  }

  /** The peer has half-closed; writing goes on. */
  onEnd(): void {
    this.peerEnded = true;
    this.#handOver();
  }

  /** A write that was not done at once is done now; `hasWaited` says whether the peer is known to have held it up. */
  onDrained(hasWaited: boolean): void {
    this.tellDrained(hasWaited);
  }

  /** The socket is closed. Without an error and once we have half-closed, that is the peer's end; otherwise a loss. */
  onClosed(error?: unknown): void {
    if (this.closed) return;
    if (error === undefined && this.#hasEnded) return this.onEnd();
    this.onLost(error ?? new Error("The socket was closed"));
  }

  /** The connection is given up, with what is queued, for that is too much. */
  onOverflow(error: unknown): void {
    this.dropRest();
    this.lose(error);
  }

  /** The connection is lost. */
  onLost(error: unknown): void {
    this.lose(error);
  }

  protected override tellLoss(): void {
    if (this.#isHandingOver) return; // it is told behind the chunk that is with the owner
    this.#isHandingOver = true;
    super.tellLoss();
    this.#isHandingOver = false;
  }

  protected override handOverRest(): void {
    while (this.handlers && this.#isQueueing) this.handOver(this.#queue!.shift()!);
  }

  protected override dropRest(): void {
    this.#queue = undefined;
  }

  /** Hands over what is queued, then the peer's end; with neither left, lets the socket read on. */
  #handOver(): void {
    if (this.#isHandingOver || this.closed) return;
    this.#isHandingOver = true;
    while (!this.paused && !this.closed && this.#isQueueing) this.handOver(this.#queue!.shift()!);
    this.#isHandingOver = false;
    if (this.closed) return this.tellLoss();
    if (this.paused) return;
    if (this.peerEnded) this.tellEnd();
    else if (this.#sourcePaused) {
      this.#sourcePaused = false;
      this.resumeSource();
    }
  }

  resume(): void {
    this.paused = false;
    this.#handOver();
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.closed) return false;
    try {
      return this.writeSource(bytes);
    } catch (error) { // a duplex of somebody else's has thrown
      queueMicrotask(() => this.lose(error));
      return false;
    }
  }

  end(): void {
    if (this.closed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.endSource();
  }
}

/** The same over a {@linkcode PushSource}. */
export class PushTransport extends SocketTransport {
  readonly #source: PushSource;

  constructor(source: PushSource) {
    super();
    this.#source = source;
  }

  protected override get endpoints(): PushSource {
    return this.#source;
  }

  protected override pauseSource(): void {
    this.#source.pause();
  }

  protected override resumeSource(): void {
    this.#source.resume();
  }

  protected override writeSource(bytes: Uint8Array<ArrayBuffer>): boolean {
    return this.#source.write(bytes);
  }

  protected override endSource(): void {
    this.#source.end();
  }

  protected override closeSource(): void {
    this.#source.close();
  }
}
