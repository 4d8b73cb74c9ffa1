// Runs one WebSocket: feeds the transport's bytes to the protocol machine and writes what it frames. The receiver decides
// who gets the messages and when reading waits, `Closing` how the connection ends; this file wires them together.

import { type BufferSource, bytesOf, snapshotOf } from "../base/owned_bytes.ts";
import { nextTurn } from "../base/clock.ts";
import { checkClose, type CloseInfo, notOpenError, WebSocketError } from "../errors/websocket_error.ts";
import type { Agreement } from "../protocol/agreement.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import { Machine } from "../protocol/machine.ts";
import type { MachineEvents } from "../protocol/machine_contract.ts";
import type { Transport, TransportHandlers } from "../transport/transport.ts";
import type { HandlerHabits, ReceiverHost } from "./back_pressure.ts";
import { Closing, type ClosingHost } from "./closing.ts";
import type { ConnectionOwner } from "./connection_owner.ts";
import { Flusher, type FlusherHost } from "./flusher.ts";
import { type IdleHandlers, IdleWatch } from "./idle_watch.ts";
import type { CheckedOptions } from "./connection_options.ts";
import type { Received } from "./inbox.ts";
import { isPieces, type Pieces } from "./pieces.ts";
import { Pings } from "./pings.ts";
import { Receiver } from "./receiver.ts";
import { Sending, type SendingHost } from "./sending.ts";
import { type WorkHost, workLater } from "./work.ts";
import type { ConnectionState, MessageHandler } from "./websocket_connection.ts";

/** One WebSocket. Its parts report to methods: a closure for each callback would take more memory per connection. */
export class Driver
  implements
    TransportHandlers,
    MachineEvents,
    FlusherHost,
    IdleHandlers,
    ReceiverHost,
    ClosingHost,
    SendingHost,
    WorkHost {
  readonly options: CheckedOptions;
  readonly transport: Transport;
  readonly machine: Machine;
  readonly flusher: Flusher;
  readonly idle: IdleWatch;
  readonly isServer: boolean;
  readonly messages: Receiver;
  /** Most connections have one or none, and pay for no list. */
  #owners: ConnectionOwner | readonly ConnectionOwner[] | undefined;
  /** Made when first used: an open connection needs none of them, and may be one of very many that are idle. */
  #ending: Closing | undefined;
  #pings: Pings | undefined;
  sender: Sending | undefined;

  /** @param rest Bytes behind the handshake: the first frames. */
  constructor(
    transport: Transport,
    agreement: Agreement,
    options: CheckedOptions,
    rest: Uint8Array,
    owner?: ConnectionOwner,
  ) {
    this.#owners = owner;
    this.isServer = agreement.role === "server";
    this.options = options;
    this.transport = transport;
    this.messages = new Receiver(this, rest);
    this.machine = new Machine(agreement, this, options);
    this.flusher = new Flusher(this.machine, this);
    this.idle = new IdleWatch(options, this);
    transport.start(this);
  }

  /** Who is told of the end. */
  get owners(): readonly ConnectionOwner[] {
    const owners = this.#owners;
    return owners === undefined ? [] : "length" in owners ? owners : [owners];
  }

  /** One more is told of the end, in the order of the calls. */
  addOwner(owner: ConnectionOwner): void {
    this.#owners = this.#owners === undefined ? owner : this.owners.concat(owner); // not spread, which leaves room for more
  }

  /** It is told no more. */
  removeOwner(owner: ConnectionOwner): void {
    const others = this.owners.filter((other) => other !== owner);
    this.#owners = others.length > 1 ? others : others[0];
  }

  get #closing(): Closing {
    return this.#ending ??= new Closing(this);
  }

  /** Whether messages can be sent: we have not closed, and nothing has failed. */
  get isOpen(): boolean {
    return this.machine.state === "open" && !this.#ending?.isReleased && !this.#ending?.isOurs;
  }

  /** Whether a whole message can be sent right now. */
  get isBetweenMessages(): boolean {
    return this.sender?.isBusy !== true && this.machine.isBetweenMessages;
  }

  /** Whether the transport is out of our hands: dropped, or lingering. */
  get isReleased(): boolean {
    return this.#ending !== undefined && this.#ending.isReleased;
  }

  get isLost(): boolean {
    return this.#ending !== undefined && this.#ending.loss !== undefined;
  }

  /** Why messages can't be sent, once that is known. */
  get #endOrLoss(): CloseInfo | WebSocketError | undefined {
    return this.#ending?.outcome ?? this.#ending?.loss;
  }

  get state(): ConnectionState {
    return this.isOpen ? "open" : this.#ending?.isSettled ? "closed" : "closing";
  }

  get isClosedByUs(): boolean {
    return this.#ending !== undefined && this.#ending.isOurs;
  }

  /** What the peer's Close frame said, if it has come: the peer may ignore what is sent from then on (RFC 6455 §5.5.1). */
  get peerClose(): CloseInfo | undefined {
    return this.#ending?.peerClose;
  }

  get bufferedAmount(): number {
    return this.flusher.buffered + (this.sender?.size ?? 0);
  }

  get closed(): Promise<CloseInfo> {
    return this.#closing.closed.promise;
  }

  get readable(): ReadableStream<Received> {
    return this.messages.readable;
  }

  receive(handler?: MessageHandler<Received>, habits?: HandlerHabits): Promise<CloseInfo> {
    return this.messages.receive(handler, habits);
  }

  get #sending(): Sending {
    if (this.sender) return this.sender;
    this.sender = new Sending(this);
    if (this.#ending?.isSettled) this.sender.end(this.#ending.outcome!, undefined);
    return this.sender;
  }

  get writable(): WritableStream<Message | Pieces> {
    return this.#sending.writable;
  }

  send(message: Message | PreparedMessage | Pieces, options?: SendOptions): void | Promise<void> {
    if (!this.isOpen) throw notOpenError("send", this.#endOrLoss);
    const isBusy = this.sender !== undefined && this.sender.isBusy;
    return isBusy || isPieces(message) ? this.#sending.send(message, options) : this.flusher.send(message, options);
  }

  onBufferFull(bytes: number): void {
    const { maxBufferedAmount } = this.options;
    const detail = `${bytes} bytes wait to be written, maxBufferedAmount is ${maxBufferedAmount}`;
    this.#closing.drop("send-buffer-full", detail);
  }

  ping(payload?: BufferSource): Promise<number> {
    try {
      const pings = this.#pings ??= new Pings();
      const bytes = payload === undefined ? pings.nextPayload() : snapshotOf(bytesOf(payload));
      if (!this.isOpen) throw notOpenError("ping", this.#endOrLoss);
      this.flusher.ping(bytes);
      return pings.add(bytes, this.options.clock.now());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  close(info: { closeCode?: number; reason?: string } = {}): Promise<CloseInfo> {
    const checked = checkClose(info);
    if (!this.isOpen) return this.closed;
    this.idle.stop();
    const { peerClose } = this.#closing;
    if (!peerClose) this.#closing.awaitPeerClose();
    if (!this.sender?.closeBehind(checked)) this.#closing.close(checked);
    else if (!peerClose) this.machine.reader.skipMessages();
    this.messages.releaseAll(); // from here on only the peer's Close is waited for
    return this.closed;
  }

  onAllSent(closing: Parameters<SendingHost["onAllSent"]>[0]): void {
    if (closing) this.#closing.close(closing);
    else if (this.messages.isDrained) this.onTaken();
  }

  /** Closes because a stream was cancelled or aborted, with the code of that reason if it may be sent. */
  closeWithReasonOf(reason: unknown): void {
    if (!this.isOpen) return;
    const wanted = reason instanceof WebSocketError && reason.closeCode !== null ? reason : undefined;
    try {
      this.close(wanted ? { closeCode: wanted.closeCode!, reason: wanted.reason } : {});
    } catch {
      this.close(); // the error of another connection may have a code that can't be sent, such as 1006
    }
  }

  abort(reason?: unknown): void {
    this.#closing.abort(reason);
  }

  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    this.idle.alive();
    return this.messages.onData(chunk);
  }

  onEnd(): void {
    this.#closing.onEnd();
    if (this.#closing.peerClose && this.messages.isStreaming) this.#answerWithin(64);
  }

  /** The peer has closed and ended, and waits for so many turns: whoever has taken its last message may still answer it. */
  #answerWithin(turns: number): void {
    if (turns === 0) return this.#closing.answerBehind();
    if (this.messages.isEmpty) nextTurn(() => this.#answerWithin(turns - 1));
  }

  onLost(error: unknown): void {
    this.#closing.drop("connection-lost", "The connection was lost", error);
  }

  onDrained(hasWaited: boolean): void {
    this.idle.onWritten(hasWaited);
    this.flusher.onDrained();
  }

  /** More is to be compressed or inflated than the budget of this turn allows: that is done in slices, in later turns. */
  onWork(): void {
    workLater(this);
  }

  work(): boolean {
    const { flusher, machine } = this;
    let isMore = false;
    flusher.cork();
    try {
      isMore = machine.work();
    } finally {
      flusher.uncork(true); // at the end of the turn, with what others make in it
    }
    if (!machine.isBehind) this.messages.onCaughtUp();
    if (!machine.isBehind) this.#ending?.onCaughtUp();
    return isMore;
  }

  onPong(payload: Uint8Array): void {
    this.#pings?.onPong(payload, this.options.clock.now());
  }

  onPeerClose(info: CloseInfo): void {
    this.idle.stop(); // nothing more comes
    this.messages.onPeerClose(info);
    for (const owner of this.owners) owner.onPeerClose?.(info);
    const isCut = this.sender?.onPeerClose(info);
    this.#closing.onPeerClose(info, isCut, this.messages.isDrained);
  }

  /** Everything that came before the peer's Close frame was taken, and more is asked for. */
  onTaken(): void {
    const peerClose = this.#ending?.peerClose;
    if (!peerClose) return;
    if (!this.messages.isStreaming) return this.#closing.answerBehind();
    this.messages.endSource(peerClose);
    // A pipe may have messages under way: in this turn, or until it closes the writable side
    nextTurn(() => {
      if (!this.messages.isPiped || !this.sender?.isPiped) this.#closing.answerBehind();
    });
  }

  onFailure(error: WebSocketError): void {
    this.messages.breakOff(error);
    this.sender?.cut(error);
    this.#closing.endWith(error);
  }

  onFlushed(): void {
    this.#ending?.onFlushed();
  }

  onSent(isAnswer: boolean): void {
    this.idle.onSent(isAnswer);
  }

  look(): boolean {
    return this.messages.look();
  }

  hasUnwritten(): boolean {
    return this.flusher.isWriting;
  }

  onPingDue(): void {
    if (this.isOpen) this.flusher.pingIdle();
  }

  onMessageLate(): void {
    this.machine.onFailure("message-timeout", `The message has not ended within ${this.options.messageTimeout} ms`);
  }

  onSilence(): void {
    this.#closing.drop("ping-timeout", `Nothing came for ${this.options.idleTimeout} ms`);
  }

  onHandlerFailed(): void {
    if (this.isOpen) this.close({ closeCode: 1011 });
  }

  takeRest(): void {
    this.messages.takeRest();
  }

  onSettled(outcome: CloseInfo | WebSocketError, gone: () => WebSocketError | DOMException, isAborted: boolean): void {
    this.idle.stop();
    this.#pings?.fail(gone);
    this.messages.onSettled(outcome, isAborted);
    this.sender?.end(outcome, gone());
    for (const owner of this.owners) owner.onClosed(outcome);
  }
}
