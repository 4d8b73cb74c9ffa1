// Who gets the messages. They go to a handler or into a stream; those that neither has taken wait in the inbox, and past the
// high-water mark the peer is held back. The end is reported behind the messages that came before it.

import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import { BackPressuredReader, type ReaderHost } from "./back_pressure.ts";
import { Inbox, type Received } from "./inbox.ts";
import { MessageSource } from "./message_streams.ts";
import { isPromiseLike, type MessageHandler } from "./websocket_connection.ts";

/** What receiving needs of its connection. */
export interface ReceiverHost extends ReaderHost {
  /** The stream of messages was cancelled. */
  closeWithReasonOf(reason: unknown): void;
  /** The handler has thrown. */
  onHandlerFailed(): void;
  /** Everything that came before the peer's Close frame was taken. */
  onTaken(): void;
}

/** The handler of `receive()` without one: throws messages away. */
function discard(): void {}

/** The incoming half of one connection. */
export class Receiver extends BackPressuredReader<ReceiverHost> {
  #inbox: Inbox | undefined;
  #source: MessageSource | undefined;
  #handler: MessageHandler | undefined;
  /** Whether the handler has yet to answer what it was given. */
  #answersLater: (() => boolean) | undefined;
  /** Whether the handler's last promise is pending, or messages are being handed to it. */
  #isHandling = false;
  #received: PromiseWithResolvers<CloseInfo> | undefined;
  /** How the connection ended, while messages wait that came before that. */
  #end: CloseInfo | WebSocketError | undefined;
  #hasPeerClosed = false;
  #hasClosed = false;

  protected override get flushesLater(): boolean {
    if (this.#handler) return this.#answersLater !== undefined && this.#answersLater();
    return !this.#source?.isPassing; // a stream may hand over one message at once, others in microtasks
  }

  protected override get lendsViews(): boolean {
    return this.#handler !== undefined; // inbox, streams and pipes copy
  }

  /** Whether everything that was received has been taken, and more is asked for. */
  get isDrained(): boolean {
    if (this.#handler) return !this.#isHandling;
    if (this.#source?.isTaken) return this.#source.isAwaited;
    return this.#inbox === undefined || this.#inbox.isEmpty;
  }

  /** Whether nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.#isInboxEmpty && !this.#source?.hasQueued;
  }

  /** Whether the stream was piped somewhere. */
  get isPiped(): boolean {
    return this.#source?.isPiped === true;
  }

  /** Whether the messages go into the stream, from which a pipe may take them further. */
  get isStreaming(): boolean {
    return this.#source !== undefined && this.#source.isTaken && !this.#source.isPassing;
  }

  get readable(): ReadableStream<Received> {
    if (!this.#source) {
      const { highWaterMark } = this.host.options;
      this.#source = new MessageSource({
        highWaterMark,
        onPull: () => this.#onPull(),
        onRoom: () => this.release(),
        onCancel: (reason) => this.#onCancel(reason),
      });
      if (this.#end && this.#isInboxEmpty) this.#source.end(this.#end);
    }
    return this.#source.stream;
  }

  get #isInboxEmpty(): boolean {
    return this.#inbox === undefined || this.#inbox.isEmpty;
  }

  /** A read of the stream waits, and the stream is empty. */
  #onPull(): void {
    if (this.#handler) throw new TypeError("Cannot read the messages: receive() has taken them");
    const source = this.#source!;
    while (!this.#isInboxEmpty) source.push(this.#inbox!.shift());
    this.#inbox = undefined;
    if (this.#end) return source.end(this.#end);
    this.begin();
    if (!source.isFull) this.release();
    if (this.#hasPeerClosed && source.isAwaited) this.host.onTaken();
  }

  #onCancel(reason: unknown): void {
    this.#inbox = undefined;
    this.host.closeWithReasonOf(reason);
  }

  /** The stream ends before the connection does: what a pipe still has to write can be written. */
  endSource(info: CloseInfo): void {
    this.#source?.end(info);
  }

  /** @param answersLater Whether the handler has put messages aside, and answers them in this turn all the same. */
  receive(handler: MessageHandler = discard, answersLater?: () => boolean): Promise<CloseInfo> {
    if (typeof handler !== "function") {
      return Promise.reject(new TypeError("Cannot receive: the handler is not a function"));
    }
    if (this.#handler || this.#source?.isTaken || this.#source?.stream.locked) {
      return Promise.reject(new TypeError("Cannot receive: the messages are already being read"));
    }
    this.#handler = handler;
    this.#answersLater = answersLater;
    this.#received = Promise.withResolvers<CloseInfo>();
    const { promise } = this.#received;
    if (!this.#isInboxEmpty) this.#handOver();
    else if (this.#end) this.#settleReceived(this.#end);
    this.begin();
    return promise;
  }

  onMessage(message: Received): void {
    const handler = this.#handler;
    if (handler && !this.#isHandling) return this.#handle(handler, message);
    const source = this.#source, { highWaterMark, maxMessageSize } = this.host.options;
    if (!handler && source?.isTaken) {
      source.push(message);
      if (this.isTakingRest && source.queued > highWaterMark + maxMessageSize) this.host.machine.drop();
      return source.isFull ? this.hold() : undefined;
    }
    const inbox = this.#inbox ??= new Inbox();
    inbox.push(message);
    if (inbox.charge > highWaterMark) this.hold();
    // Behind a loss nothing is held, and few bytes may have been compressed from very many
    if (this.isTakingRest && inbox.charge > highWaterMark + maxMessageSize) this.host.machine.drop();
  }

  #handle(handler: MessageHandler, message: Received): void {
    try {
      const returned = handler(message); // without a `this`, which would be ours
      if (!isPromiseLike(returned)) return;
      this.#isHandling = true;
      returned.then(() => this.#onHandled(), (error: unknown) => {
        if (this.#isOfTheLoss(error)) this.#onHandled();
        else this.#onHandlerFailed(error);
      });
    } catch (error) {
      if (!this.#isOfTheLoss(error)) this.#onHandlerFailed(error);
    }
  }

  /** Whether a handler could not send, because the connection is lost: what came before that is still handed to it. */
  #isOfTheLoss(error: unknown): boolean {
    const end = this.#end;
    return end instanceof Error && (error === end || (error as Partial<Error> | undefined)?.cause === end);
  }

  /** The handler's promise is fulfilled: what has come meanwhile is handed over. */
  #onHandled(): void {
    this.#isHandling = false;
    this.#handOver();
  }

  /** Hands over what waits, until the handler returns a promise; behind the last message, reports the end. */
  #handOver(): void {
    while (!this.#isInboxEmpty) {
      this.#isHandling = true; // what comes in meanwhile goes behind what waits
      const message = this.#inbox!.shift();
      if (this.#inbox!.charge <= this.host.options.highWaterMark / 2) this.release();
      this.#isHandling = false;
      this.#handle(this.#handler!, message);
      if (this.#isHandling) return;
    }
    this.release();
    if (this.#isHandling || !this.#isInboxEmpty) return; // reading on has brought more
    if (this.#end) this.#settleReceived(this.#end);
    else if (this.#hasPeerClosed) this.host.onTaken();
  }

  #onHandlerFailed(error: unknown): void {
    this.#received!.reject(error);
    this.#inbox = undefined;
    this.#handler = discard;
    this.#isHandling = false;
    this.host.onHandlerFailed();
    this.release();
  }

  override releaseAll(): void {
    this.#hasClosed = true;
    super.releaseAll();
  }

  /** The peer's Close frame has come, behind all of its messages. */
  onPeerClose(): void {
    this.#hasPeerClosed = true;
  }

  /** The connection is over: that is reported behind what waits; an abort throws away what waits. */
  onSettled(outcome: CloseInfo | WebSocketError, isAborted: boolean): void {
    this.#end = outcome;
    if (isAborted) {
      this.#inbox = undefined;
      this.#source?.abort(outcome);
      return this.#settleReceived(outcome);
    }
    if (!this.#isInboxEmpty) return; // the end is reported behind it
    if (this.#isHandling && !this.#hasClosed) return; // and behind the handler, unless it is we who have closed
    if (this.#handler) this.#settleReceived(outcome);
    else this.#source?.end(outcome);
  }

  #settleReceived(outcome: CloseInfo | WebSocketError): void {
    if (!(outcome instanceof Error)) return this.#received?.resolve(outcome);
    this.#received?.promise.catch(() => {}); // `closed` reports it too
    this.#received?.reject(outcome);
  }
}
