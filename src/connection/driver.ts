// Runs one WebSocket: feeds the transport's bytes to the protocol machine and writes what it frames. The receiver decides
// who gets the messages and when reading waits, `Closing` how the connection ends; this file wires them together.

import { bytesOf } from "../base/owned_bytes.ts";
import { checkClose, type CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { Agreement } from "../protocol/agreement.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import { Machine, type MachineEvents } from "../protocol/machine.ts";
import type { Transport, TransportHandlers } from "../transport/transport.ts";
import { Closing, type ClosingHost } from "./closing.ts";
import { Flusher, type FlusherHandlers } from "./flusher.ts";
import { type IdleHandlers, IdleWatch } from "./idle_watch.ts";
import { MessageSink } from "./message_streams.ts";
import type { CheckedOptions } from "./options.ts";
import { Pings } from "./pings.ts";
import { Receiver, type ReceiverHost } from "./receiver.ts";
import type { MessageHandler } from "./websocket_connection.ts";

/** One WebSocket. Its parts report to methods: a closure for each callback would take more memory per connection. */
export class Driver
  implements TransportHandlers, MachineEvents, FlusherHandlers, IdleHandlers, ReceiverHost, ClosingHost {
  readonly options: CheckedOptions;
  readonly transport: Transport;
  readonly machine: Machine;
  readonly flusher: Flusher;
  readonly idle: IdleWatch;
  readonly isServer: boolean;
  readonly #receiver: Receiver;
  readonly #closing: Closing;
  /** Made when first used: most connections never ping by hand, or never use the writable stream. */
  #pings: Pings | undefined;
  #sink: MessageSink | undefined;

  /** @param rest Bytes behind the handshake: the first frames. */
  constructor(transport: Transport, agreement: Agreement, options: CheckedOptions, rest: Uint8Array) {
    this.isServer = agreement.role === "server";
    this.options = options;
    this.transport = transport;
    this.machine = new Machine(agreement, this, options);
    this.flusher = new Flusher(this.machine, transport, options.highWaterMark, this);
    this.idle = new IdleWatch(options.clock, options.idleTimeout, this);
    this.#closing = new Closing(this);
    this.#receiver = new Receiver(this, rest);
    transport.start(this);
  }

  /** Whether messages can be sent: neither side has closed, and nothing has failed. */
  get isOpen(): boolean {
    return this.machine.state === "open" && !this.isReleased;
  }

  /** Whether the transport is out of our hands: dropped, or lingering. */
  get isReleased(): boolean {
    return this.#closing.isReleased;
  }

  get outcome(): CloseInfo | WebSocketError | undefined {
    return this.#closing.outcome;
  }

  get closed(): Promise<CloseInfo> {
    return this.#closing.closed.promise;
  }

  get readable(): ReadableStream<string | Uint8Array<ArrayBuffer>> {
    return this.#receiver.readable;
  }

  receive(handler: MessageHandler): Promise<CloseInfo> {
    return this.#receiver.receive(handler);
  }

  get writable(): WritableStream<Message> {
    if (!this.#sink) {
      this.#sink = new MessageSink({
        write: (message) => this.send(message),
        close: () => this.close(),
        abort: (reason) => this.closeFor(reason),
      });
      if (this.isReleased) this.#sink.end(this.outcome!);
    }
    return this.#sink.stream;
  }

  send(message: Message, options?: SendOptions): void | Promise<void> {
    if (!this.isOpen) throw new DOMException("Cannot send: the connection is not open", "InvalidStateError");
    this.flusher.send(message, options);
    this.idle.start();
    return this.flusher.room;
  }

  ping(payload?: BufferSource): Promise<number> {
    try {
      const pings = this.#pings ??= new Pings();
      const bytes = payload === undefined ? pings.nextPayload() : bytesOf(payload).slice();
      if (!this.isOpen) throw new DOMException("Cannot ping: the connection is not open", "InvalidStateError");
      this.flusher.ping(bytes);
      return pings.add(bytes, this.options.clock.now());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  close(info: { closeCode?: number; reason?: string } = {}): Promise<CloseInfo> {
    const checked = checkClose(info);
    if (!this.isOpen) return this.closed;
    this.#closing.begin();
    this.flusher.close(checked);
    // From here on only the peer's Close is waited for, whether or not anybody reads
    this.#receiver.releaseAll();
    this.idle.stop();
    return this.closed;
  }

  /** Closes for a stream that was cancelled or aborted, with the code of the reason if it may be sent. */
  closeFor(reason: unknown): void {
    if (!this.isOpen) return;
    const wanted = reason instanceof WebSocketError && reason.closeCode !== null ? reason : undefined;
    try {
      this.close(wanted ? { closeCode: wanted.closeCode!, reason: wanted.reason } : {});
    } catch {
      this.close(); // the code of somebody else's end, such as 1006, can't be sent
    }
  }

  abort(reason?: unknown): void {
    this.#closing.drop("connection-lost", "The connection was aborted", reason);
  }

  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    this.idle.alive();
    return this.#receiver.onData(chunk);
  }

  onEnd(): void {
    // Once the outcome is known the peer may end first; lingering sees its end then
    if (!this.outcome) this.#closing.drop("connection-lost");
  }

  onLost(error: unknown): void {
    this.#closing.drop("connection-lost", "The connection was lost", error);
  }

  onDrained(hasWaited: boolean): void {
    this.idle.onWritten(hasWaited);
    this.flusher.onDrained();
  }

  onMessage(message: string | Uint8Array<ArrayBuffer>): void {
    this.#receiver.onMessage(message);
  }

  onPong(payload: Uint8Array): void {
    this.#pings?.onPong(payload, this.options.clock.now());
  }

  onPeerClose(info: CloseInfo): void {
    this.#closing.end(info);
  }

  onFailure(error: WebSocketError): void {
    this.#closing.end(error);
  }

  onFlushed(): void {
    this.#closing.onFlushed();
  }

  silenceCounts(): boolean {
    return this.#receiver.isReading || this.hasUnwritten();
  }

  hasUnwritten(): boolean {
    return this.flusher.isWriting;
  }

  onHalfIdle(): void {
    this.flusher.ping();
  }

  onSilence(): void {
    this.#closing.drop("ping-timeout", `Nothing came for ${this.options.idleTimeout} ms`);
  }

  onHandlerFailed(): void {
    if (this.isOpen) this.close({ closeCode: 1011 });
  }

  onSettled(outcome: CloseInfo | WebSocketError, gone: () => WebSocketError | DOMException): void {
    this.idle.stop();
    this.#pings?.fail(gone);
    this.#receiver.onSettled(outcome);
    this.#sink?.end(outcome);
  }
}
