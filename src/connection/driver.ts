// A WebSocket over a Protocol and a Transport. The life of one: «open»; «closing» from our Close frame on; «ending» once
// it is known how it ends, while the rest is written and the transport lingers; «closed», when `closed` settles.
// The machine decides what is said, this file when: reading, writing, waiting, deadlines.

import { bytesOf } from "../base/owned_bytes.ts";
import { Deadline } from "../base/timers.ts";
import { Flusher, type FlusherHandlers } from "./flusher.ts";
import { type IdleHandlers, IdleWatch } from "./idle_watch.ts";
import { LazyPromise } from "./lazy_promise.ts";
import { MessageSink, MessageSource } from "./message_streams.ts";
import { type CheckedOptions } from "./options.ts";
import { Pings } from "./pings.ts";
import { isPromiseLike, type MessageHandler } from "./websocket_connection.ts";
import {
  checkClose,
  closedError,
  type CloseInfo,
  protocolError,
  uncleanError,
  WebSocketError,
} from "../errors/websocket_error.ts";
import { type Agreement } from "../protocol/agreement.ts";
import { MAX_CLOSE_ANSWER } from "../protocol/close_frame.ts";
import { type Message, type ProtocolEvents, type SendOptions } from "../protocol/contract.ts";
import { Protocol } from "../protocol/protocol.ts";
import { linger, type Lingering } from "../transport/linger.ts";
import { type Transport, type TransportHandlers } from "../transport/transport.ts";

/** See the head of the file. What its parts tell it are methods: a function for each would take more memory. */
export class Driver implements ProtocolEvents, FlusherHandlers, IdleHandlers, TransportHandlers {
  /** How it ends. */
  readonly closed = new LazyPromise<CloseInfo>();

  readonly #isServer: boolean;
  readonly #options: CheckedOptions;
  readonly #transport: Transport;
  readonly #machine: Protocol;
  readonly #idle: IdleWatch;
  /** These are made when they are needed, which is never for most of the connections that are idle. */
  #pings: Pings | undefined;
  #deadline: Deadline | undefined;

  #phase: "open" | "closing" | "ending" | "closed" = "open";
  #outcome: CloseInfo | WebSocketError | undefined;
  /** Whether something other than our Close was unwritten when the peer's came. */
  #dataWaits = false;
  #lingering: Lingering | undefined;

  /** Input: bytes from before, whether reading has begun, and whether it waits for the application. */
  #rest: Uint8Array | undefined;
  #reading = false;
  #held = false;
  #handler: MessageHandler | undefined;
  #received: PromiseWithResolvers<CloseInfo> | undefined;
  #source: MessageSource | undefined;

  readonly #output: Flusher;
  #sink: MessageSink | undefined;

  constructor(transport: Transport, agreement: Agreement, options: CheckedOptions, rest: Uint8Array) {
    this.#isServer = agreement.role === "server";
    this.#options = options;
    this.#transport = transport;
    this.#rest = rest;
    this.#machine = new Protocol(agreement, this, options);
    this.#output = new Flusher(this.#machine, transport, options.highWaterMark, this);
    this.#idle = new IdleWatch(options.clock, options.idleTimeout, this);
    transport.start(this);
  }

  // ---- in

  get readable(): ReadableStream<string | Uint8Array<ArrayBuffer>> {
    if (!this.#source) {
      const { highWaterMark } = this.#options, cancel = (reason: unknown) => this.#closeFor(reason);
      this.#source = new MessageSource({ highWaterMark, pull: () => this.#pull(), cancel });
      if (this.#phase === "closed") this.#source.end(this.#outcome!);
    }
    return this.#source.stream;
  }

  #pull(): void {
    if (this.#handler) throw new TypeError("Cannot read the messages: receive() has taken them");
    if (!this.#reading) this.#read();
    else if (this.#held) this.#release();
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
    if (this.#phase === "closed") this.#settleReceived();
    else this.#read();
    return this.#received.promise;
  }

  #read(): void {
    if (this.#reading || this.#phase === "closed") return;
    this.#reading = true;
    this.#idle.restart();
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest && rest.length > 0) this.onData(new Uint8Array(rest));
    this.#continue();
  }

  /** Reads on, unless the application has to read first. */
  #continue(): void {
    if (!this.#held && this.#reading && this.#phase !== "closed") this.#transport.resume();
  }

  onData(chunk: Uint8Array<ArrayBuffer>): boolean {
    this.#idle.alive();
    const isFree = this.#output.receive(chunk, this.#flushLater);
    return isFree || !this.#handler && !this.#held; // streams and pipes copy, and what is held waits in the machine
  }

  /** Whether more is sent in this turn: a stream may hand over its first message at once, and the others in microtasks. */
  get #flushLater(): boolean {
    return !this.#handler && !this.#source?.isPassing;
  }

  message(message: string | Uint8Array<ArrayBuffer>): void {
    const handler = this.#handler; // called without a `this`, which would be ours
    if (!handler) return this.#source?.push(message) ? this.#hold() : undefined;
    try {
      const returned = handler(message);
      if (!isPromiseLike(returned)) return;
      this.#hold();
      returned.then(() => this.#release(), (error: unknown) => this.#handlerFailed(error));
    } catch (error) {
      this.#handlerFailed(error);
    }
  }

  #handlerFailed(error: unknown): void {
    this.#received?.reject(error);
    if (this.#phase === "open") this.sendClose({ closeCode: 1011 });
  }

  #hold(): void {
    if (this.#phase !== "open") return;
    this.#held = true;
    this.#idle.standDown();
    this.#machine.pause();
    this.#transport.pause();
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#phase === "closed") return;
    this.#idle.alive();
    this.#output.cork(() => this.#machine.resume(), this.#flushLater);
    this.#continue();
  }

  silenceCounts(): boolean {
    return this.#reading && !this.#held || this.hasUnwritten();
  }

  hasUnwritten(): boolean {
    return this.#output.isWriting;
  }

  // ---- out

  get writable(): WritableStream<Message> {
    if (!this.#sink) {
      this.#sink = new MessageSink({
        write: (message) => this.send(message),
        close: () => this.sendClose(),
        abort: (reason) => this.#closeFor(reason),
      });
      if (this.#phase === "closed") this.#sink.end(this.#outcome!);
    }
    return this.#sink.stream;
  }

  send(message: Message, options?: SendOptions): void | Promise<void> {
    if (this.#phase !== "open") {
      throw new DOMException("Cannot send: the connection is not open", "InvalidStateError");
    }
    this.#machine.send(message, options);
    this.#idle.start();
    this.#output.wrote();
    return this.#output.room;
  }

  onDrained(hasWaited: boolean): void {
    this.#idle.onWritten(hasWaited);
    this.#output.drained();
  }

  sendPing(payload?: BufferSource): Promise<number> {
    try {
      const pings = this.#pings ??= new Pings();
      const bytes = payload === undefined ? pings.nextPayload() : bytesOf(payload).slice();
      if (this.#phase !== "open") {
        throw new DOMException("Cannot ping: the connection is not open", "InvalidStateError");
      }
      this.#machine.ping(bytes);
      const pong = pings.add(bytes, this.#options.clock.now());
      this.#output.wrote();
      return pong;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  onHalfIdle(): void {
    this.#machine.ping();
    this.#output.wrote();
  }

  pong(payload: Uint8Array): void {
    this.#pings?.pong(payload, this.#options.clock.now());
  }

  // ---- end

  sendClose(info: { closeCode?: number; reason?: string } = {}): Promise<CloseInfo> {
    const checked = checkClose(info);
    if (this.#phase !== "open") return this.closed.promise;
    this.#phase = "closing";
    this.#machine.close(checked);
    this.#setDeadline(`The Close frame was not answered within ${this.#options.closeTimeout} ms`);
    this.#output.wrote();
    // From here on only the peer's Close is waited for, whether or not anybody reads
    this.#release();
    this.#read();
    this.#idle.stop();
    return this.closed.promise;
  }

  #closeFor(reason: unknown): void {
    if (this.#phase !== "open") return;
    const wanted = reason instanceof WebSocketError && reason.closeCode !== null ? reason : undefined;
    try {
      this.sendClose(wanted ? { closeCode: wanted.closeCode!, reason: wanted.reason } : {});
    } catch {
      this.sendClose(); // the code of somebody else's end, such as 1006, can't be sent
    }
  }

  abort(reason?: unknown): void {
    this.#drop(protocolError("connection-lost", "The connection was aborted", reason));
  }

  close(info: CloseInfo): void {
    this.#dataWaits = this.#output.buffered > MAX_CLOSE_ANSWER;
    this.#end(info);
  }

  fail(error: WebSocketError): void {
    this.#end(error);
  }

  onEnd(): void {
    // Once it is known how the connection ends, the peer may end first; lingering is told again
    if (this.#phase !== "ending") this.#drop(protocolError("connection-lost"));
  }

  onLost(error: unknown): void {
    this.#drop(protocolError("connection-lost", "The connection was lost", error));
  }

  onSilence(): void {
    this.#drop(protocolError("ping-timeout", `Nothing came for ${this.#options.idleTimeout} ms`));
  }

  /** It is known how the connection ends: what is still to be written is, then the transport lingers. */
  #end(outcome: CloseInfo | WebSocketError): void {
    this.#phase = "ending";
    this.#outcome = outcome;
    this.#idle.stop();
    this.#setDeadline();
    this.#output.flush();
  }

  /** The connection is dropped when `closeTimeout` is over. */
  #setDeadline(reason?: string): void {
    const { clock, closeTimeout } = this.#options, late = () => this.#drop(protocolError("connection-lost", reason));
    (this.#deadline ??= new Deadline(clock)).set(closeTimeout, late);
  }

  /** Nothing is left to write. */
  onFlushed(): void {
    if (this.#phase !== "ending") return;
    this.#deadline!.clear();
    const { clock, closeTimeout: timeout } = this.#options;
    // §7.1.1: the server closes first, but who fails the connection closes it in either role
    const halfClose = this.#isServer || this.#outcome instanceof Error;
    this.#phase = "closed";
    this.#output.stop();
    this.#lingering = linger(this.#transport, { clock, timeout, halfClose });
    this.#lingering.closed.then(() => this.#settle(this.#outcome!));
  }

  /** The transport is of no more use. */
  #drop(error: WebSocketError): void {
    if (this.#phase === "closed") return this.#lingering?.close();
    const known = this.#outcome;
    this.#phase = "closed";
    this.#output.stop();
    this.#machine.pause(); // it may be in the middle of a chunk
    this.#transport.abort();
    if (!known) return this.#settle(error);
    if (known instanceof Error || !this.#dataWaits) return this.#settle(known);
    const { closeCode, reason } = known;
    this.#settle(uncleanError("The peer closed before everything was written", { closeCode, reason, cause: error }));
  }

  #settle(outcome: CloseInfo | WebSocketError): void {
    this.#outcome = outcome;
    this.#idle.stop();
    this.#deadline?.clear();
    const gone = () => outcome instanceof Error ? outcome : closedError();
    this.#pings?.fail(gone);
    this.closed.settle(outcome);
    this.#output.fail(gone);
    this.#settleReceived();
    this.#source?.end(outcome);
    this.#sink?.end(outcome);
  }

  #settleReceived(): void {
    if (!(this.#outcome instanceof Error)) return this.#received?.resolve(this.#outcome!);
    this.#received?.promise.catch(() => {}); // `closed` says it too
    this.#received?.reject(this.#outcome);
  }
}
