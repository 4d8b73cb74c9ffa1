// The transport of a connection in memory: what one end writes arrives at the other, as late, in pieces as small and with
// the fault that a test asks for. It behaves as a TCP socket does: what has arrived before a reset can still be read, and a
// write to a peer that has closed fails only later.

import { type Clock, nextTurn } from "../base/clock.ts";
import { OwnedTransport } from "../transport/owned_transport.ts";

/** How the bytes for one end travel; the defaults are `connectionPair()`'s. */
export interface MemoryTransportOptions {
  readonly chunkSize: number;
  readonly highWaterMark: number;
  readonly delay: number;
  readonly clock: Clock | undefined;
  readonly fault: { readonly operation: "read" | "write"; readonly nth: number; readonly error?: unknown } | undefined;
}

/** One of two transports that are each other's peers. */
export class MemoryTransport extends OwnedTransport {
  readonly #options: MemoryTransportOptions;
  #peer!: MemoryTransport;
  /** What has arrived and was not read. */
  #arrived: Uint8Array<ArrayBuffer>[] = [];
  /** How many bytes the peer has written that were not read, whether they have arrived or not. */
  #unread = 0;
  #handOverSoon = false;
  #hasEnded = false;
  /** Whether a write waits for the peer to read. */
  #isWaiting = false;
  #counts = { read: 0, write: 0 };
  bytesWritten = 0;

  constructor(options: MemoryTransportOptions) {
    super();
    this.#options = options;
  }

  join(peer: MemoryTransport): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  resume(): void {
    this.paused = false;
    this.#scheduleHandOver();
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.closed || this.#injectFault("write")) return false;
    if (this.#hasEnded) throw new TypeError("Cannot write: this end was half-closed");
    this.bytesWritten += bytes.length;
    const peer = this.#peer, copy = bytes.slice();
    peer.#unread += copy.length;
    this.#send(() => peer.#onArrival(copy));
    this.#isWaiting = peer.#unread > this.#options.highWaterMark; // back-pressure
    return !this.#isWaiting;
  }

  end(): void {
    if (this.closed || this.#hasEnded) return;
    this.#hasEnded = true;
    const peer = this.#peer;
    this.#send(() => peer.#onPeerEnd());
  }

  /** As a socket does: resets the connection while bytes of the peer are unread, and ends it otherwise. */
  override abort(): void {
    const isUnread = this.#arrived.length > 0;
    if (!this.closed && !isUnread) this.end();
    const wasClosed = this.closed;
    super.abort();
    if (wasClosed) return;
    if (isUnread) this.#resetPeer();
    else this.#peer.#onPeerClosed();
  }

  reset(error: unknown = resetError()): void {
    this.lose(error);
    this.#resetPeer(error);
  }

  #resetPeer(error: unknown = resetError()): void {
    const peer = this.#peer;
    this.#send(() => peer.lose(error));
  }

  protected override closeSource(): void {}

  protected override dropRest(): void {
    this.#arrived = [];
  }

  protected override handOverRest(): void {
    while (this.handlers && this.#arrived.length > 0) this.handOver(this.#nextChunk());
  }

  /** Lets something happen at the peer, after the delay. */
  #send(arrive: () => void): void {
    const { delay, clock } = this.#options;
    if (delay > 0) clock!.setTimeout(arrive, delay);
    else arrive();
  }

  #onArrival(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.closed) return this.#peer.#onPeerClosed();
    if (bytes.length > 0) this.#arrived.push(bytes);
    this.#scheduleHandOver();
  }

  #onPeerEnd(): void {
    this.peerEnded = true;
    this.#scheduleHandOver();
  }

  /** The peer reads no more: a write that waits for it, or comes to wait, has failed. */
  #onPeerClosed(): void {
    nextTurn(() => {
      if (this.#isWaiting) this.lose(new Error("The peer has closed the connection"));
    });
  }

  /** The peer has read: a write that waits may be done. */
  #onPeerRead(): void {
    if (!this.#isWaiting || this.#peer.#unread > this.#options.highWaterMark) return;
    this.#isWaiting = false;
    queueMicrotask(() => this.tellDrained(true));
  }

  #scheduleHandOver(): void {
    if (this.#handOverSoon) return;
    this.#handOverSoon = true;
    queueMicrotask(() => {
      this.#handOverSoon = false;
      this.#handOver();
    });
  }

  #handOver(): void {
    while (!this.paused && !this.closed && this.handlers) {
      if (this.#arrived.length === 0) {
        if (this.peerEnded) this.tellEnd();
        return;
      }
      if (this.#injectFault("read")) return;
      this.handOver(this.#nextChunk());
    }
  }

  #nextChunk(): Uint8Array<ArrayBuffer> {
    const first = this.#arrived[0]!, chunk = first.slice(0, this.#options.chunkSize);
    if (chunk.length === first.length) this.#arrived.shift();
    else this.#arrived[0] = first.subarray(chunk.length);
    this.#unread -= chunk.length;
    this.#peer.#onPeerRead();
    return chunk;
  }

  /** Loses the connection if this operation is the one that is to fail, and returns whether it is. */
  #injectFault(operation: "read" | "write"): boolean {
    const { fault } = this.#options;
    if (fault?.operation !== operation || ++this.#counts[operation] !== fault.nth) return false;
    if (operation === "read") { // a read that fails gives nothing, not even an end
      this.#arrived = [];
      this.peerEnded = false;
    }
    queueMicrotask(() => this.reset(fault.error ?? resetError()));
    return true;
  }
}

function resetError(): Error {
  return new Error("The connection was reset");
}
