// Who gets the messages. They go to a handler or into a stream; those that neither has taken wait in the inbox, and past the
// high-water mark the peer is held back. The end is reported behind the messages that came before it.

import { recycleOwn } from "../base/byte_builder.ts";
import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import { BackPressuredReader, type HandlerHabits, type ReceiverHost } from "./back_pressure.ts";
import { Inbox, type Received } from "./inbox.ts";
import { errorOf, IncomingPieces, type PieceHandlers, untakenError } from "./incoming_pieces.ts";
import { MessageSource } from "./message_streams.ts";
import { isPromiseLike, type MessageHandler } from "./websocket_connection.ts";

/** The handler of `receive()` without one: throws messages away. */
function discard(): void {}

/** The incoming half of one connection. */
export class Receiver extends BackPressuredReader<ReceiverHost> implements PieceHandlers {
  #inbox: Inbox | undefined;
  #source: MessageSource | undefined;
  #handler: MessageHandler<Received> | undefined;
  #habits: HandlerHabits | undefined;
  /** Whether the handler's last promise is pending, or messages are being handed to it. */
  #isHandling = false;
  /** Whether messages that waited are being handed to it. */
  #isHandingOver = false;
  /** The message in pieces that is still to come to its end. */
  #arriving: IncomingPieces | undefined;
  /** The one that was handed over and is still to be read to its end: what is behind it waits. */
  #pieces: IncomingPieces | undefined;
  /** What `receive()` has given, and what settles it: a promise with both of its functions would take twice the memory. */
  #received: Promise<CloseInfo> | undefined;
  #settle: ((end: CloseInfo | Promise<never>) => void) | undefined;
  /** How the connection ended, while messages wait that came before that. */
  #end: CloseInfo | WebSocketError | undefined;
  #hasPeerClosed = false;
  #hasClosed = false;

  protected override get flushesLater(): boolean {
    if (this.#handler) return this.#habits?.hasAside?.() === true;
    return !this.#source?.isPassing; // a stream may hand over one message at once, others in microtasks
  }

  protected override get lendsViews(): boolean {
    return this.#handler !== undefined && !this.isDone && this.#habits?.hasAside?.() !== false; // others copy
  }

  get isDone(): boolean {
    return !this.#isHandling && this.#habits?.reuse === true;
  }

  /** Whether everything that was received has been taken, and more is asked for. */
  get isDrained(): boolean {
    if (this.#handler) return !this.#isHandling;
    if (this.#source?.isTaken) return this.#source.isAwaited && this.isEmpty;
    return this.#inbox === undefined || this.#inbox.isEmpty;
  }

  /** Whether nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.#isInboxEmpty && !this.#pieces && !this.#source?.hasQueued;
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
      this.#source = new MessageSource({
        highWaterMark: this.host.options.highWaterMark,
        onPull: () => this.#onPull(),
        onRoom: () => this.#relieve(),
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
    this.#fillSource(this.#source!);
    this.begin();
  }

  /** What waits goes into the stream, up to a message in pieces. */
  #fillSource(source: MessageSource): void {
    while (!this.#isInboxEmpty && !this.#pieces) this.#pushIntoSource(source, this.#inbox!.shift());
    if (this.#pieces) return this.#relieve();
    this.#inbox = undefined;
    if (this.#end) return source.end(this.#end);
    this.#relieve();
    if (this.#hasPeerClosed && source.isAwaited) this.host.onTaken();
  }

  #pushIntoSource(source: MessageSource, message: Received): void {
    const pieces = typeof message === "object" ? IncomingPieces.of(message) : undefined;
    if (pieces && !pieces.isDone) this.#pieces = pieces;
    source.push(message);
  }

  /** Something was taken: reads on, if that has made room. */
  #relieve(): void {
    const inboxCharge = this.#inbox?.charge ?? 0;
    const isFull = this.#source?.isFull && !this.#pieces; // who takes a message in pieces is not done before it has come
    if (inboxCharge <= this.host.options.highWaterMark && !isFull) this.release();
  }

  #onCancel(reason: unknown): void {
    this.#inbox = undefined;
    this.host.closeWithReasonOf(reason);
  }

  /** The stream ends before the connection does: what a pipe still has to write can be written. */
  endSource(info: CloseInfo): void {
    this.#source?.end(info);
  }

  receive(handler: MessageHandler<Received> = discard, habits?: HandlerHabits): Promise<CloseInfo> {
    if (this.#handler || this.#source?.isTaken || this.#source?.stream.locked) {
      return Promise.reject(new TypeError("Cannot receive: the messages are already being read"));
    }
    this.#handler = handler;
    this.#habits = habits;
    const received = this.#received = new Promise<CloseInfo>((resolve) => this.#settle = resolve);
    if (!this.#isInboxEmpty) this.#handOver();
    else if (this.#end) this.#settleReceived(this.#end);
    this.begin();
    return received;
  }

  onMessage(message: Received): void {
    const handler = this.#handler;
    if (handler && !this.#isHandling) return this.#handle(handler, message);
    const source = this.#source, { highWaterMark, maxMessageSize } = this.host.options;
    if (handler || !source?.isTaken || this.#pieces) return this.#keep(message);
    source.push(message);
    if (this.host.isLost && source.queued > highWaterMark + maxMessageSize) this.host.machine.drop();
    if (source.isFull) this.hold();
  }

  #keep(message: Received): void {
    (this.#inbox ??= new Inbox()).push(message);
    this.#checkCharge();
  }

  /** Back-pressure: what waits is bounded. */
  #checkCharge(): void {
    const { highWaterMark, maxMessageSize } = this.host.options;
    const charge = (this.#inbox?.charge ?? 0) + this.pieceCharge;
    if (charge > highWaterMark) this.hold();
    // Behind a loss nothing is held, and few bytes may have been compressed from very many
    if (this.host.isLost && charge > highWaterMark + maxMessageSize) this.host.machine.drop();
  }

  onBegin(isText: boolean): void {
    const pieces = this.#arriving = new IncomingPieces(isText ? "text" : "binary", this);
    const handler = this.#handler, source = this.#source;
    if (handler && !this.#isHandling) return this.#handlePieces(handler, pieces);
    if (handler || !source?.isTaken || this.#pieces) return this.#keep(pieces.stream);
    this.#pushIntoSource(source, pieces.stream);
    if (source.isFull && !source.isPassing) this.hold();
  }

  onPiece(piece: string | Uint8Array<ArrayBuffer>): void {
    this.#arriving?.push(piece);
  }

  onEnd(): void {
    this.#arriving?.end();
    this.#arriving = undefined;
  }

  onCharge(change: number): void {
    this.pieceCharge += change;
    if (change > 0) this.#checkCharge();
  }

  onWanted(): void {
    this.begin();
    this.#relieve();
  }

  /** A message in pieces was read to its end, was cancelled, or has failed. */
  onDone(pieces: IncomingPieces): void {
    if (this.#arriving === pieces) this.host.machine.reader.discard();
    if (this.#pieces !== pieces) return this.#relieve();
    if (this.#handler && !pieces.isHandled) return this.#relieve(); // its promise is pending
    this.#pieces = undefined;
    if (this.#handler) this.#onHandled();
    else this.#fillSource(this.#source!);
  }

  /** Nothing more comes of the message that is under way. */
  breakOff(end: CloseInfo | WebSocketError | undefined): void {
    const pieces = this.#arriving;
    this.#arriving = undefined;
    this.stopWatching();
    pieces?.fail(errorOf(end));
  }

  /** Hands over a message in pieces. The next message waits until the handler is done with its call, and with them. */
  #handlePieces(handler: MessageHandler<Received>, pieces: IncomingPieces): void {
    this.#isHandling = true;
    this.#pieces = pieces;
    try {
      const returned = handler(pieces.stream), done = () => this.#onPiecesHandled(pieces);
      if (!isPromiseLike(returned)) return done();
      returned.then(done, (error: unknown) => this.#onHandlerFailed(error));
    } catch (error) {
      this.#onHandlerFailed(error);
    }
  }

  /** The handler's call is over. If it has not taken the pieces, nobody will. */
  #onPiecesHandled(pieces: IncomingPieces): void {
    if (this.#pieces !== pieces) return;
    pieces.isHandled = true;
    if (pieces.isDone) this.onDone(pieces);
    else if (!pieces.stream.locked) pieces.abort(untakenError());
  }

  #handle(handler: MessageHandler<Received>, message: Received): void {
    try {
      const returned = handler(message); // without a `this`, which would be ours
      if (!isPromiseLike(returned)) return;
      this.#isHandling = true;
      // As a promise of the language's: any other may be fulfilled at once, or twice
      Promise.resolve(returned).then(() => this.#onHandled(message), (error: unknown) => this.#onHandlerFailed(error));
    } catch (error) {
      this.#onHandlerFailed(error);
    }
  }

  /** The handler's promise is fulfilled: what has come meanwhile is handed over. Nobody keeps its message with `reuse`. */
  #onHandled(message?: Received): void {
    if (this.#habits?.reuse && typeof message === "object") recycleOwn(message as Uint8Array<ArrayBuffer>);
    this.#isHandling = false;
    if (!this.#isHandingOver) this.#handOver();
  }

  /** Hands over what waits, until the handler returns a promise; behind the last message, reports the end. */
  #handOver(): void {
    this.#isHandingOver = true;
    while (!this.#isInboxEmpty && !this.#isHandling) {
      this.#isHandling = true; // what comes in meanwhile goes behind what waits
      const message = this.#inbox!.shift();
      if (this.#inbox!.charge <= this.host.options.highWaterMark / 2) this.release();
      this.#isHandling = false;
      const pieces = typeof message === "object" ? IncomingPieces.of(message) : undefined;
      if (pieces) this.#handlePieces(this.#handler!, pieces);
      else this.#handle(this.#handler!, message);
    }
    this.#isHandingOver = false;
    if (this.#isHandling) return;
    this.release();
    if (this.#isHandling || !this.#isInboxEmpty) return; // reading on has brought more
    if (this.#end) this.#settleReceived(this.#end);
    else if (this.#hasPeerClosed) this.host.onTaken();
  }

  #onHandlerFailed(error: unknown): void {
    const pieces = this.#pieces, { cause } = (error ?? {}) as Partial<Error>;
    // Pieces that failed, and an end because of which it could not send, are not its fault: it still gets what came before
    const ends: unknown[] = [this.#end, this.host.sender?.cutBy, pieces?.error].filter((end) => end instanceof Error);
    if (ends.includes(error) || ends.includes(cause)) return pieces ? this.#onPiecesHandled(pieces) : this.#onHandled();
    this.#settleOnce(() => Promise.reject(error));
    this.#pieces = this.#inbox = undefined;
    this.#handler = discard;
    this.#isHandling = false;
    pieces?.abort(untakenError());
    this.host.onHandlerFailed();
    this.release();
  }

  override releaseAll(): void {
    this.#hasClosed = true;
    this.breakOff(undefined);
    super.releaseAll();
  }

  /** The peer's Close frame has come, behind all of its messages. */
  onPeerClose(info: CloseInfo): void {
    this.#hasPeerClosed = true;
    this.breakOff(info);
  }

  /** The connection is over: that is reported behind what waits; an abort throws away what waits. */
  onSettled(outcome: CloseInfo | WebSocketError, isAborted: boolean): void {
    this.#end = outcome;
    if (isAborted) {
      this.#inbox = undefined;
      this.#pieces?.abort(errorOf(outcome));
      this.stopWatching();
      this.#source?.abort(outcome);
      return this.#settleReceived(outcome);
    }
    this.breakOff(outcome);
    if (!this.#isInboxEmpty || this.#pieces && !this.#handler) return; // the end is reported behind it
    if (this.#isHandling && !this.#hasClosed) return; // and behind the handler, unless it is we who have closed
    if (this.#handler) this.#settleReceived(outcome);
    else this.#source?.end(outcome);
  }

  #settleReceived(outcome: CloseInfo | WebSocketError): void {
    if (outcome instanceof Error) this.#received?.catch(() => {}); // `closed` reports it too
    this.#settleOnce(() => outcome instanceof Error ? Promise.reject(outcome) : outcome);
  }

  /** @param end Asked for once: a promise that is rejected later would be nobody's. */
  #settleOnce(end: () => CloseInfo | Promise<never>): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(end());
  }
}
