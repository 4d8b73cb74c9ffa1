// Who gets the messages, and when reading waits. A connection is read from the end of the turn in which it was made. Messages
// go to a handler or into a stream; those that neither has taken wait in the inbox. Back-pressure is decided here: past the
// high-water mark the machine stops before the next frame and the transport is paused, so that the peer is held back.
// An end is told behind the messages that came before it.

import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { Machine } from "../protocol/machine.ts";
import type { Transport } from "../transport/transport.ts";
import { beginSoon } from "./begin_soon.ts";
import type { Flusher } from "./flusher.ts";
import type { IdleWatch } from "./idle_watch.ts";
import { Inbox, type Received } from "./inbox.ts";
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
  /** The stream of messages was cancelled. */
  closeFor(reason: unknown): void;
  /** The handler has thrown. */
  onHandlerFailed(): void;
  onLost(error: unknown): void;
  /** Everything that came before the peer's Close frame was taken. */
  onTaken(): void;
}

/** The handler of whoever wants no messages. */
function discard(): void {}

/** The incoming half of one connection. */
export class Receiver {
  readonly #host: ReceiverHost;
  /** Bytes that came with the handshake, until reading begins. */
  #rest: Uint8Array | undefined;
  #hasBegun = false;
  /** Whether the high-water mark was passed: nothing is read, but for a {@linkcode look}. */
  #isFull = false;
  #isLooking = false;
  /** How many bytes were read past the mark. */
  #overshoot = 0;
  #inbox: Inbox | undefined;
  #source: MessageSource | undefined;
  #handler: MessageHandler | undefined;
  /** Whether the handler's last promise is pending, or messages are being handed to it. */
  #isHandling = false;
  #received: PromiseWithResolvers<CloseInfo> | undefined;
  /** How the connection ended, while messages wait that came before that. */
  #end: CloseInfo | WebSocketError | undefined;
  #hasPeerClosed = false;

  constructor(host: ReceiverHost, rest: Uint8Array) {
    this.#host = host;
    this.#rest = rest;
    beginSoon(this);
  }

  /** Whether a sign of life of the peer would be heard. */
  get isListening(): boolean {
    return !this.#isFull || this.#isLooking;
  }

  /** Whether everything that was received has been taken, and whoever took it asks for more. */
  get isDrained(): boolean {
    if (this.#handler) return !this.#isHandling;
    if (this.#source?.isTaken) return this.#source.isAwaited;
    return this.#inbox === undefined || this.#inbox.isEmpty;
  }

  /** Whether the messages go into the stream, from which a pipe may take them further. */
  get isStreaming(): boolean {
    return this.#source !== undefined && this.#source.isTaken && !this.#source.isPassing;
  }

  get readable(): ReadableStream<Received> {
    if (!this.#source) {
      const { highWaterMark } = this.#host.options;
      this.#source = new MessageSource({
        highWaterMark,
        pull: () => this.#onPull(),
        room: () => this.#release(),
        cancel: (reason) => this.#onCancel(reason),
      });
      if (this.#end && this.#isInboxEmpty) this.#source.end(this.#end);
    }
    return this.#source.stream;
  }

  get #isInboxEmpty(): boolean {
    return this.#inbox === undefined || this.#inbox.isEmpty;
  }

  /** Somebody reads the stream, and nothing is in it. */
  #onPull(): void {
    if (this.#handler) throw new TypeError("Cannot read the messages: receive() has taken them");
    const source = this.#source!;
    while (!this.#isInboxEmpty) source.push(this.#inbox!.shift());
    this.#inbox = undefined;
    if (this.#end) return source.end(this.#end);
    if (!this.#hasBegun) this.begin();
    else if (!source.isFull) this.#release();
    if (this.#hasPeerClosed && source.isAwaited) this.#host.onTaken();
  }

  #onCancel(reason: unknown): void {
    this.#inbox = undefined;
    this.#host.closeFor(reason);
  }

  /** The stream ends before the connection does: what a pipe still has to write can be written. */
  endSource(info: CloseInfo): void {
    this.#source?.end(info);
  }

  receive(handler: MessageHandler = discard): Promise<CloseInfo> {
    if (typeof handler !== "function") {
      return Promise.reject(new TypeError("Cannot receive: the handler is not a function"));
    }
    if (this.#handler || this.#source?.isTaken || this.#source?.stream.locked) {
      return Promise.reject(new TypeError("Cannot receive: the messages are already being read"));
    }
    this.#handler = handler;
    this.#received = Promise.withResolvers<CloseInfo>();
    const { promise } = this.#received;
    if (!this.#isInboxEmpty) this.#handOver();
    else if (this.#end) this.#settleReceived(this.#end);
    if (!this.#hasBegun) this.begin();
    return promise;
  }

  /** Begins to read, from the bytes that came with the handshake. */
  begin(): void {
    const { idle, isOpen, isReleased } = this.#host;
    if (this.#hasBegun || isReleased) return;
    this.#hasBegun = true;
    if (isOpen) idle.start();
    const rest = this.#rest;
    this.#rest = undefined;
    try {
      if (rest && rest.length > 0) this.onData(new Uint8Array(rest));
    } catch (error) {
      return this.#host.onLost(error); // and no other connection of the turn
    }
    this.#resume();
  }

  /** Reads on, unless the application has to take messages first, or what was received is yet to be inflated. */
  #resume(): void {
    const { isReleased, machine, transport } = this.#host;
    if (!this.#isFull && !isReleased && !machine.isBehind) transport.resume();
  }

  /** What was received is inflated. */
  onCaughtUp(): void {
    if (this.#hasBegun) this.#resume();
  }

  /**
   * Bytes from the peer.
   *
   * @returns Whether their memory may be read into again.
   */
  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    const { flusher, machine, transport } = this.#host;
    if (this.#isFull) this.#onLook(chunk);
    let isFree = false;
    flusher.hold();
    try {
      isFree = machine.receive(chunk);
    } finally {
      flusher.release(this.#flushLater);
    }
    if (machine.isBehind) transport.pause();
    // Inbox, streams and pipes copy; what is held, or yet to be inflated, waits in the machine
    return isFree || !this.#handler && !this.#isFull && !machine.isBehind;
  }

  /** Whether more is sent in this turn: a stream may hand over its first message at once, and others in microtasks. */
  get #flushLater(): boolean {
    return !this.#handler && !this.#source?.isPassing;
  }

  onMessage(message: Received): void {
    const handler = this.#handler;
    if (handler && !this.#isHandling) return this.#handle(handler, message);
    const source = this.#source;
    if (!handler && source?.isTaken) {
      source.push(message);
      return source.isFull ? this.#hold() : undefined;
    }
    const inbox = this.#inbox ??= new Inbox();
    inbox.push(message);
    if (inbox.charge > this.#host.options.highWaterMark) this.#hold();
  }

  #handle(handler: MessageHandler, message: Received): void {
    try {
      const returned = handler(message); // without a `this`, which would be ours
      if (!isPromiseLike(returned)) return;
      this.#isHandling = true;
      returned.then(() => this.#onHandled(), (error: unknown) => this.#onHandlerFailed(error));
    } catch (error) {
      this.#onHandlerFailed(error);
    }
  }

  /** The handler's promise is fulfilled: what has come meanwhile is handed over. */
  #onHandled(): void {
    this.#isHandling = false;
    this.#handOver();
  }

  /** Hands over what waits, as far as the handler takes it at once; behind the last message, the end. */
  #handOver(): void {
    while (!this.#isInboxEmpty) {
      this.#isHandling = true; // what comes in meanwhile goes behind what waits
      const message = this.#inbox!.shift();
      if (this.#inbox!.charge <= this.#host.options.highWaterMark / 2) this.#release();
      this.#isHandling = false;
      this.#handle(this.#handler!, message);
      if (this.#isHandling) return;
    }
    this.#release();
    if (this.#isHandling || !this.#isInboxEmpty) return; // reading on has brought more
    if (this.#end) this.#settleReceived(this.#end);
    else if (this.#hasPeerClosed) this.#host.onTaken();
  }

  #onHandlerFailed(error: unknown): void {
    this.#received!.reject(error);
    this.#inbox = undefined;
    this.#handler = discard;
    this.#isHandling = false;
    this.#host.onHandlerFailed();
    this.#release();
  }

  /** Back-pressure: no more messages until {@linkcode #release}. */
  #hold(): void {
    const { idle, isOpen, machine, transport } = this.#host;
    if (this.#isFull || !isOpen) return;
    this.#isFull = true;
    idle.standDown();
    machine.pause();
    transport.pause();
  }

  #release(): void {
    if (!this.#isFull) return;
    this.#isFull = this.#isLooking = false;
    this.#overshoot = 0;
    const { flusher, idle, isReleased, machine } = this.#host;
    if (isReleased) return;
    idle.alive();
    flusher.after(() => machine.resume(), this.#flushLater);
    this.#resume();
  }

  /**
   * Reads one chunk past the high-water mark, to hear whether the peer is still there; at most as much again as the mark.
   *
   * @returns Whether something would be heard.
   */
  look(): boolean {
    if (!this.#isFull) return true;
    if (!this.#isLooking && this.#overshoot <= this.#host.options.highWaterMark) {
      this.#isLooking = true;
      this.#host.transport.resume();
    }
    return this.#isLooking;
  }

  #onLook({ length }: Uint8Array): void {
    this.#isLooking = false;
    this.#overshoot += length;
    this.#host.transport.pause();
  }

  /** Our Close frame is out: everything is read, to find the peer's. What waits in the inbox can still be taken. */
  releaseAll(): void {
    this.#release();
    this.begin();
  }

  /** The peer's Close frame has come, behind all of its messages. */
  onPeerClose(): void {
    this.#hasPeerClosed = true;
  }

  /** Takes in what was received and held back, however much it is: nothing else will come. */
  takeRest(): void {
    this.#isFull = this.#isLooking = false;
    const { machine } = this.#host, rest = this.#rest;
    this.#rest = undefined;
    if (rest && rest.length > 0) machine.receive(new Uint8Array(rest)); // it was lost before it was read
    machine.resume();
  }

  /** The connection is over: that is told behind what waits, unless it is to be thrown away. */
  onSettled(outcome: CloseInfo | WebSocketError, isAborted: boolean): void {
    this.#end = outcome;
    if (isAborted) {
      this.#inbox = undefined;
      this.#source?.abort(outcome);
      return this.#settleReceived(outcome);
    }
    if (!this.#isInboxEmpty) return; // whoever takes it is told behind it
    if (this.#handler) this.#settleReceived(outcome);
    else this.#source?.end(outcome);
  }

  #settleReceived(outcome: CloseInfo | WebSocketError): void {
    if (!(outcome instanceof Error)) return this.#received?.resolve(outcome);
    this.#received?.promise.catch(() => {}); // `closed` says it too
    this.#received?.reject(outcome);
  }
}
