// Who reads, and when reading waits. Messages go to a handler or into a stream; when either has enough, back-pressure is
// decided here: the machine stops before the next frame and the transport is paused, so that the peer is held back.

import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { Machine } from "../protocol/machine.ts";
import type { Transport } from "../transport/transport.ts";
import type { Flusher } from "./flusher.ts";
import type { IdleWatch } from "./idle_watch.ts";
import { MessageSource } from "./message_streams.ts";
import type { CheckedOptions } from "./options.ts";
import { isPromiseLike, type MessageHandler } from "./websocket_connection.ts";

/** What receiving needs of its connection. */
export interface ReceiverHost {
  readonly options: CheckedOptions;
  readonly machine: Machine;
  readonly transport: Transport;
  readonly flusher: Flusher;
  readonly idle: IdleWatch;
  readonly isOpen: boolean;
  readonly isReleased: boolean;
  readonly outcome: CloseInfo | WebSocketError | undefined;
  /** The stream of messages was cancelled. */
  closeFor(reason: unknown): void;
  /** The handler has thrown. */
  onHandlerFailed(): void;
}

/** The incoming half of one connection. */
export class Receiver {
  readonly #host: ReceiverHost;
  /** Bytes that came with the handshake, until reading begins. */
  #rest: Uint8Array | undefined;
  #hasBegun = false;
  /** Whether reading waits for the application. */
  #isHeld = false;
  #handler: MessageHandler | undefined;
  #received: PromiseWithResolvers<CloseInfo> | undefined;
  #source: MessageSource | undefined;

  constructor(host: ReceiverHost, rest: Uint8Array) {
    this.#host = host;
    this.#rest = rest;
  }

  /** Whether the peer is being read: its silence is its own then. */
  get isReading(): boolean {
    return this.#hasBegun && !this.#isHeld;
  }

  get readable(): ReadableStream<string | Uint8Array<ArrayBuffer>> {
    if (!this.#source) {
      const { options: { highWaterMark }, isReleased, outcome } = this.#host;
      const cancel = (reason: unknown) => this.#host.closeFor(reason);
      this.#source = new MessageSource({ highWaterMark, pull: () => this.#pull(), cancel });
      if (isReleased) this.#source.end(outcome!);
    }
    return this.#source.stream;
  }

  #pull(): void {
    if (this.#handler) throw new TypeError("Cannot read the messages: receive() has taken them");
    if (!this.#hasBegun) this.#begin();
    else this.#release();
  }

  receive(handler: MessageHandler): Promise<CloseInfo> {
    if (typeof handler !== "function") {
      return Promise.reject(new TypeError("Cannot receive: the handler is not a function"));
    }
    if (this.#handler || this.#source?.taken || this.#source?.stream.locked) {
      return Promise.reject(new TypeError("Cannot receive: the messages are already being read"));
    }
    this.#handler = handler;
    this.#received = Promise.withResolvers<CloseInfo>();
    if (this.#host.isReleased) this.onSettled(this.#host.outcome!);
    else this.#begin();
    return this.#received.promise;
  }

  /** Begins to read, from the bytes that came with the handshake. */
  #begin(): void {
    const { idle, isReleased } = this.#host;
    if (this.#hasBegun || isReleased) return;
    this.#hasBegun = true;
    idle.restart();
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest && rest.length > 0) {
      idle.alive();
      this.onData(new Uint8Array(rest));
    }
    this.#resume();
  }

  /** Reads on, unless the application has to read first. */
  #resume(): void {
    if (this.isReading && !this.#host.isReleased) this.#host.transport.resume();
  }

  /**
   * Bytes from the peer.
   *
   * @returns Whether their memory may be read into again.
   */
  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    const { flusher, machine } = this.#host;
    let isFree = false;
    flusher.hold();
    try {
      isFree = machine.receive(chunk);
    } finally {
      flusher.release(this.#flushLater);
    }
    return isFree || !this.#handler && !this.#isHeld; // streams and pipes copy; what is held waits in the machine
  }

  /** Whether more is sent in this turn: a stream may hand over its first message at once, and others in microtasks. */
  get #flushLater(): boolean {
    return !this.#handler && !this.#source?.isPassing;
  }

  onMessage(message: string | Uint8Array<ArrayBuffer>): void {
    const handler = this.#handler; // called without a `this`, which would be ours
    if (!handler) return this.#source?.push(message) ? this.#hold() : undefined;
    try {
      const returned = handler(message);
      if (!isPromiseLike(returned)) return;
      this.#hold();
      returned.then(() => this.#release(), (error: unknown) => this.#onHandlerFailed(error));
    } catch (error) {
      this.#onHandlerFailed(error);
    }
  }

  #onHandlerFailed(error: unknown): void {
    this.#received?.reject(error);
    this.#host.onHandlerFailed();
  }

  /** Back-pressure: no more messages until {@linkcode #release}. */
  #hold(): void {
    const { idle, isOpen, machine, transport } = this.#host;
    if (!isOpen) return;
    this.#isHeld = true;
    idle.standDown();
    machine.pause();
    transport.pause();
  }

  #release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    const { flusher, idle, isReleased, machine } = this.#host;
    if (isReleased) return;
    idle.alive();
    flusher.after(() => machine.resume(), this.#flushLater);
    this.#resume();
  }

  /** Our Close frame is out: everything is read, to find the peer's. */
  releaseAll(): void {
    this.#release();
    this.#begin();
  }

  /** The connection is over. */
  onSettled(outcome: CloseInfo | WebSocketError): void {
    this.#settleReceived(outcome);
    this.#source?.end(outcome);
  }

  #settleReceived(outcome: CloseInfo | WebSocketError): void {
    if (!(outcome instanceof Error)) return this.#received?.resolve(outcome);
    this.#received?.promise.catch(() => {}); // `closed` says it too
    this.#received?.reject(outcome);
  }
}
