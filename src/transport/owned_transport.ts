// The state that every transport keeps for its owner: who is told of bytes, whether they are held back, what was told
// already, and how the connection was lost. One owner has a transport at a time: a door, or the byte streams of its
// connection. It can give the transport back, and the next owner sees everything that has not been handed over yet. What
// an owner throws ends its connection and no other: it never gets into a runtime's callback.

import type { Endpoints, NetworkAddress, Transport, TransportHandlers } from "./transport.ts";

/** A transport that knows its owner. It has no private methods: V8 would keep a field in each object for them. */
export abstract class OwnedTransport implements Transport {
  /** The owner: none after `abort()`, after `release()`, and once a loss is told. */
  protected handlers: TransportHandlers | undefined;
  protected paused = true;
  /** Whether the peer has half-closed; each owner is told once. */
  protected peerEnded = false;
  protected endTold = false;
  protected closed = false;
  /** What the connection was lost by, for an owner who comes later. */
  protected error: unknown;

  /** Whether somebody uses the transport and has not given it back. */
  get inUse(): boolean {
    return this.handlers !== undefined && !this.closed;
  }

  /** What carries the bytes, if it knows anything of the ends. */
  protected get endpoints(): Partial<Endpoints> | undefined {
    return undefined;
  }

  get localAddr(): NetworkAddress | undefined {
    return this.endpoints?.localAddr;
  }

  get remoteAddr(): NetworkAddress | undefined {
    return this.endpoints?.remoteAddr;
  }

  get isSecure(): boolean | undefined {
    return this.endpoints?.isSecure;
  }

  start(handlers: TransportHandlers): void {
    this.handlers = handlers;
    this.paused = true;
    this.endTold = false;
    if (!this.closed) return;
    queueMicrotask(() => { // an owner expects no call before `start()` has returned
      if (this.handlers === handlers) this.tellLoss();
    });
  }

  pause(): void {
    this.paused = true;
  }

  /** Hands bytes to the owner; gives `true` when their memory may be read into again, or freed. */
  protected handOver(chunk: Uint8Array<ArrayBuffer>): boolean {
    try {
      return this.handlers!.onData(chunk) === true;
    } catch (error) {
      this.onOwnerFailed(error);
      return false;
    }
  }

  /** Tells the owner that the peer has half-closed, unless it knows. */
  protected tellEnd(): void {
    if (this.endTold) return;
    this.endTold = true;
    try {
      this.handlers?.onEnd();
    } catch (error) {
      this.onOwnerFailed(error);
    }
  }

  protected tellDrained(hasWaited: boolean): void {
    if (this.closed) return;
    try {
      this.handlers?.onDrained(hasWaited);
    } catch (error) {
      this.onOwnerFailed(error);
    }
  }

  /** The connection is lost, or given up by who listens: closes it, and tells so behind everything that was read. */
  lose(error: unknown): void {
    if (this.closed) return;
    this.closed = true;
    this.error = error;
    this.closeSource();
    this.tellLoss();
  }

  /** Hands over what is held, also to an owner that is paused, and tells the loss; who becomes owner later gets both. */
  protected tellLoss(): void {
    this.handOverRest();
    if (this.peerEnded) this.tellEnd();
    const { handlers } = this;
    this.handlers = undefined;
    try {
      handlers?.onLost(this.error ?? new Error("The connection was closed"));
    } catch {
      // The connection is closed already; there is nobody to tell, and nothing else may suffer
    }
  }

  /** The owner has thrown: it gets no more bytes. */
  protected onOwnerFailed(error: unknown): void {
    this.dropRest();
    this.peerEnded = false;
    if (!this.closed) return this.lose(error);
    this.error = error;
    this.tellLoss();
  }

  abort(): void {
    this.handlers = undefined;
    this.dropRest();
    this.peerEnded = false;
    if (this.closed) return;
    this.closed = true;
    this.closeSource();
  }

  release(): void {
    this.handlers = undefined;
  }

  /** Hands over what was read and is held, whether or not the owner is paused, as long as there is an owner. */
  protected handOverRest(): void {}

  /** Throws away what was read and is held. */
  protected dropRest(): void {}

  /** Closes what carries the bytes. */
  protected abstract closeSource(): void;
  abstract resume(): void;
  abstract write(bytes: Uint8Array<ArrayBuffer>): boolean;
  abstract end(): void;
}
