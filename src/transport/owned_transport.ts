// The state that every transport keeps for its owner: who is told of bytes, whether they are held back, what was told
// already, and how the connection was lost. One owner has a transport at a time: a door, or the byte streams of its
// connection. It can give the transport back, and the next owner sees everything that has not been handed over yet.

import type { Endpoints, NetworkAddress, Transport, TransportHandlers } from "./transport.ts";

/** A transport that knows its owner. It has no private methods: V8 would keep a field in each object for them. */
export abstract class OwnedTransport implements Transport {
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
      if (this.handlers === handlers) handlers.onLost(this.error ?? new Error("The connection was closed"));
    });
  }

  pause(): void {
    this.paused = true;
  }

  /** Tells the owner that the peer has half-closed, unless it knows. */
  protected tellEnd(): void {
    if (this.endTold) return;
    this.endTold = true;
    this.handlers!.onEnd();
  }

  /** Tells the owner that the connection is lost, or whoever becomes its owner later. */
  protected tellLoss(error: unknown): void {
    this.error = error;
    this.handlers?.onLost(error);
  }

  release(): void {
    this.handlers = undefined;
  }

  abstract resume(): void;
  abstract write(bytes: Uint8Array<ArrayBuffer>): boolean;
  abstract end(): void;
  abstract abort(): void;
}
