// One end of a connection in memory, as a Transport of its own, and as a pair of streams when somebody asks for them.

import { type Clock, nextTurn } from "../base/clock.ts";
import { StreamsOfTransport } from "../transport/byte_streams.ts";
import { type OwnedTransport } from "../transport/owned_transport.ts";
import { type TransportHandlers } from "../transport/transport.ts";

/** What one end is told. */
export interface MemoryConnectionOptions {
  readonly chunkSize: number;
  readonly highWaterMark: number;
  readonly delay: number;
  readonly clock: Clock | undefined;
  readonly fault: { readonly operation: "read" | "write"; readonly nth: number; readonly error?: unknown } | undefined;
}

/** See the head of the file. */
export class MemoryConnection extends StreamsOfTransport implements OwnedTransport {
  readonly #options: MemoryConnectionOptions;
  #peer!: MemoryConnection;
  #handlers: TransportHandlers | undefined;
  #paused = true;

  /** What has come from the peer and was not read; how much of it there is, on its way or here. */
  #arrived: Uint8Array<ArrayBuffer>[] = [];
  #underWay = 0;
  #peerEnded = false;
  #told = false;
  #pumping = false;

  #isWaiting = false;
  #hasEnded = false;
  #closed = false;
  /** What the connection was lost by, for an owner who comes later. */
  #error: unknown;
  #counts = { read: 0, write: 0 };
  bytesWritten = 0;

  constructor(options: MemoryConnectionOptions) {
    super();
    this.#options = options;
  }

  join(peer: MemoryConnection): void {
    this.#peer = peer;
  }

  protected get transport(): this {
    return this;
  }

  get inUse(): boolean {
    return this.#handlers !== undefined && !this.#closed;
  }

  get isClosed(): boolean {
    return this.#closed;
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
    this.#pumpSoon();
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#closed || this.#fails("write")) return false;
    if (this.#hasEnded) throw new TypeError("Cannot write: this end was half-closed");
    this.bytesWritten += bytes.length;
    const peer = this.#peer, copy = bytes.slice();
    peer.#underWay += copy.length;
    this.#travel(() => peer.#arrive(copy));
    this.#isWaiting = peer.#underWay > this.#options.highWaterMark;
    return !this.#isWaiting;
  }

  end(): void {
    if (this.#closed || this.#hasEnded) return;
    this.#hasEnded = true;
    const peer = this.#peer;
    this.#travel(() => {
      peer.#peerEnded = true;
      peer.#pumpSoon();
    });
  }

  /** As a socket: closed while the peer's bytes are unread, it is reset; otherwise it ends. */
  abort(): void {
    if (this.#closed) return;
    if (this.#arrived.length > 0) return this.reset();
    this.end();
    this.#closed = true;
    this.#peer.#readerGone();
  }

  release(): void {
    this.#handlers = undefined;
  }

  reset(error: unknown = new Error("The connection was reset")): void {
    const peer = this.#peer;
    this.#lose(error);
    this.#travel(() => peer.#lose(error));
  }

  // ---- how bytes travel

  #travel(arrive: () => void): void {
    const { delay, clock } = this.#options;
    if (delay > 0) clock!.setTimeout(arrive, delay);
    else arrive();
  }

  #arrive(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#closed) return this.#peer.#readerGone();
    if (bytes.length > 0) this.#arrived.push(bytes);
    this.#pumpSoon();
  }

  #pumpSoon(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#paused && !this.#closed && this.#handlers) {
      const first = this.#arrived[0];
      if (!first) {
        if (!this.#peerEnded || this.#told) return;
        this.#told = true;
        this.#handlers.onEnd();
        return;
      }
      if (this.#fails("read")) return;
      const chunk = first.slice(0, this.#options.chunkSize);
      if (chunk.length === first.length) this.#arrived.shift();
      else this.#arrived[0] = first.subarray(chunk.length);
      this.#underWay -= chunk.length;
      this.#peer.#roomSoon();
      this.#handlers.onData(chunk);
    }
  }

  /** The peer has read: a write may be done. */
  #roomSoon(): void {
    if (!this.#isWaiting || this.#peer.#underWay > this.#options.highWaterMark) return;
    this.#isWaiting = false;
    queueMicrotask(() => {
      if (!this.#closed) this.#handlers?.onDrained(true);
    });
  }

  /** The peer has closed: what is written from now on, or waits to be, is lost. */
  #readerGone(): void {
    nextTurn(() => {
      if (this.#isWaiting) this.#lose(new Error("The peer has closed the connection"));
    });
  }

  /** Whether this operation is the one that is to fail; then the connection is lost. */
  #fails(operation: "read" | "write"): boolean {
    const { fault } = this.#options;
    if (fault?.operation !== operation || ++this.#counts[operation] !== fault.nth) return false;
    const error = fault.error ?? new Error("The connection was reset");
    queueMicrotask(() => this.reset(error));
    return true;
  }

  #lose(error: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#arrived = [];
    this.#handlers?.onLost(error);
  }
}
