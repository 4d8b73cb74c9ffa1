// The transport of a handshake. Who drives it is pushed what is read, and told of all else, or takes promises: read the
// next bytes, write and wait. Either way it ends when the deadline is over, the signal aborts, or the connection is lost. It
// reads nothing ahead but to see whether the peer is still there while somebody else decides. What was read and not used,
// and what comes with a loss, is kept to be read next: so the connection can be handed on after the exchange without losing
// any.

import { unlessAborted, whenAborted } from "../base/abort.ts";
import { concat } from "../base/concat.ts";
import type { Clock } from "../base/clock.ts";
import { Deadline, Timer } from "../base/timers.ts";
import { ExchangeError } from "../errors/problem.ts";
import { tooLate } from "./time_limit.ts";
import type { Transport, TransportHandlers } from "../transport/transport.ts";

/** How many bytes are read ahead, and kept, to see whether the peer is still there. */
const MOST_AHEAD = 16 * 1024;

/** How long, in milliseconds, is still waited for a decision about a peer that has ended. */
const DEPARTURE_GRACE = 1000;

/** Limits of an exchange, and what was read before it. */
export interface ExchangeOptions {
  readonly clock: Clock;
  /** How long the exchange may take, in milliseconds from now on; 0 means no limit. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that were already read from the transport. */
  readonly prefix?: Uint8Array | undefined;
}

/** Who drives an exchange without promises. */
export interface ExchangeReader {
  /** Bytes have come: as long as it takes them, they are pushed to it. */
  onChunk(chunk: Uint8Array): void;
  /** The peer has ended, behind everything that was pushed. */
  onEnd(): void;
  /** What was sent is written. */
  onWritten(): void;
  /** Nothing works any more: the reason is that of {@linkcode Exchange.signal}. */
  onFailed(reason: unknown): void;
}

/**
 * One owner's use of a transport for HTTP. It ends with {@linkcode Exchange.release}, {@linkcode Exchange.abort}, or with
 * {@linkcode Exchange.dispose}, after which the next owner starts the transport.
 */
export class Exchange extends Timer implements TransportHandlers {
  readonly transport: Transport;
  readonly #clock: Clock;
  #timeout = 0;
  readonly #ignoreSignal: () => void;
  /** Who drives it without promises, and whether what is read is pushed there. */
  #reader: ExchangeReader | undefined;
  #isPushing = false;
  /** Behind {@linkcode Exchange.signal}: made when somebody asks for it, which most handshakes do not. */
  #controller: AbortController | undefined;
  #unread: Uint8Array | undefined;
  #hasEnded = false;
  #hasWritten = false;
  /** Why nothing works any more; the reason itself may be any value. After a loss, what has come can still be read. */
  #error: { readonly reason: unknown; readonly isLoss: boolean } | undefined;
  /** Who decides meanwhile, and would like to know that the peer has gone. */
  #watching: AbortController | undefined;
  /** From its end on. */
  #departure: Deadline | undefined;
  #reading: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #writing: PromiseWithResolvers<void> | undefined;

  constructor(transport: Transport, { clock, timeout, signal, prefix }: ExchangeOptions) {
    super(clock);
    this.transport = transport;
    this.#unread = prefix;
    this.#clock = clock;
    this.allow(timeout);
    transport.start(this);
    this.#ignoreSignal = whenAborted(signal, (reason) => this.#interrupt(reason));
  }

  onData(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#isPushing) return this.#reader!.onChunk(chunk);
    if (this.#reading) {
      this.transport.pause();
      this.#settleRead(chunk);
      return;
    }
    this.#unread = this.#unread?.length ? concat([this.#unread, chunk]) : chunk;
    if (!this.#watching || this.#unread.length >= MOST_AHEAD) this.transport.pause();
  }

  onEnd(): void {
    this.transport.pause();
    this.#hasEnded = true;
    if (this.#isPushing) return this.#reader!.onEnd();
    this.#settleRead(undefined);
    if (this.#watching) this.#onDeparture();
  }

  onDrained(): void {
    if (!this.#writing) return this.#reader?.onWritten();
    this.#writing.resolve();
    this.#writing = undefined;
  }

  onLost(cause: unknown): void {
    this.#interrupt(new ExchangeError("connection-closed", "the connection was lost", { cause }), true);
  }

  #settleRead(chunk: Uint8Array | undefined): void {
    this.#reading?.resolve(chunk);
    this.#reading = undefined;
  }

  #interrupt(reason: unknown, isLoss = false): void {
    if (this.#error) return;
    this.#error = { reason, isLoss };
    this.#reading?.reject(reason);
    this.#writing?.reject(reason);
    this.#reading = this.#writing = undefined;
    this.#controller?.abort(reason);
    this.#watching?.abort(reason);
    this.#reader?.onFailed(reason);
  }

  /** The deadline is over. */
  onTimeout(): void {
    this.#interrupt(tooLate(this.#timeout));
  }

  /** Whether nothing works any more. */
  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  /** Aborts when the exchange is interrupted, with the same reason. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#error) this.#controller.abort(this.#error.reason);
    }
    return this.#controller.signal;
  }

  /** Sets the deadline anew: in milliseconds from now on; 0 means none. */
  allow(timeout: number): void {
    this.#timeout = timeout;
    this.schedule(timeout);
  }

  /** Moves the deadline forward: to so many milliseconds from now on, unless there is less time. */
  hurry(timeout: number): void {
    if (this.place < 0 || this.due > this.#clock.now() + timeout) this.allow(timeout);
  }

  /** Pushes what was read and what is read next, from now on until {@linkcode Exchange.stop}. */
  pushTo(reader: ExchangeReader): void {
    this.drivenBy(reader);
    if (this.#error && !this.#error.isLoss) return reader.onFailed(this.#error.reason);
    const unread = this.#unread;
    this.#unread = undefined;
    this.#isPushing = true;
    if (unread && unread.length > 0) reader.onChunk(unread);
    if (!this.#isPushing) return;
    if (this.#hasEnded) reader.onEnd();
    else if (this.#error) reader.onFailed(this.#error.reason);
    else this.transport.resume();
  }

  /** Pushes no more. What the reader has not used is read next. */
  stop(rest: Uint8Array): void {
    this.#isPushing = false;
    this.transport.pause();
    this.unread(rest);
  }

  /** Tells somebody of all that is not asked for by a promise; or nobody any more. */
  drivenBy(reader: ExchangeReader | undefined): void {
    this.#reader = reader;
    this.#isPushing = false;
  }

  /** {@linkcode Exchange.write} for the reader. Returns whether it is written; if not, the reader is told. */
  send(bytes: Uint8Array<ArrayBuffer>): boolean {
    if (this.#error) {
      this.#reader!.onFailed(this.#error.reason);
      return false;
    }
    this.#hasWritten = true;
    return this.transport.write(bytes);
  }

  /** Reads the next bytes; gives `undefined` at the peer's end. */
  read(): Promise<Uint8Array | undefined> {
    if (this.#error && !this.#error.isLoss) return Promise.reject(this.#error.reason);
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread && unread.length > 0) return Promise.resolve(unread);
    if (this.#hasEnded) return Promise.resolve(undefined);
    if (this.#error) return Promise.reject(this.#error.reason);
    // Must be set before resume(), which may call onData() before it returns
    const { promise } = this.#reading = Promise.withResolvers();
    this.transport.resume();
    return promise;
  }

  /** Puts back the end of what was read last, to be read next. */
  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#unread = bytes;
  }

  /** The bytes that were read but not used. */
  get rest(): Uint8Array {
    return this.#unread ?? new Uint8Array();
  }

  /** Writes the bytes, which must not change until the promise resolves: then all of them are written. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#error) throw this.#error.reason;
    if (bytes.length === 0) return;
    this.#hasWritten = true;
    this.#departure?.clear(); // a peer that has half-closed may take it
    if (!this.transport.write(bytes)) {
      this.#writing = Promise.withResolvers();
      await this.#writing.promise;
    }
    if (this.#hasEnded && this.#watching) this.#onDeparture();
  }

  /** Whether the peer may have got any bytes of this exchange. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /**
   * Watches the peer from now on, for as long as somebody else decides or gives. For that what it sends is read ahead, up to
   * a limit: behind more than that its end is not seen.
   *
   * @param watching What is aborted as {@linkcode Exchange.signal} is, and also when the peer ends. A peer that has only
   * half-closed may still read an answer (RFC 9112 §9.6), but from then on, and from each write on, nothing is waited for
   * longer than a second.
   */
  watch(watching: AbortController = new AbortController()): AbortSignal {
    this.#watching = watching;
    if (this.#error) this.#watching.abort(this.#error.reason);
    else if (this.#hasEnded) this.#onDeparture();
    else if (this.rest.length < MOST_AHEAD) this.transport.resume();
    return this.#watching.signal;
  }

  /** It is decided: ends the watch. */
  stopWatching(): void {
    this.#watching = undefined;
    this.#departure?.clear();
    this.transport.pause();
  }

  #onDeparture(): void {
    const { signal } = this.#watching!;
    if (!signal.aborted) {
      this.#watching!.abort(new ExchangeError("connection-closed", "the peer has ended the connection"));
    }
    this.#departure ??= new Deadline(this.#clock);
    this.#departure.set(DEPARTURE_GRACE, () => this.#interrupt(signal.reason));
  }

  /** Waits for a promise of somebody else's; rejects when the exchange is interrupted first. */
  async guard<T>(promise: Promise<T>): Promise<T> {
    return await unlessAborted(promise, this.signal);
  }

  /** Ends the exchange and leaves the transport to the next owner: no deadline and no signal holds any more. */
  dispose(): void {
    this.clear();
    this.#departure?.clear();
    this.#ignoreSignal();
    this.#reader = undefined;
    this.#isPushing = false;
  }

  /** Ends the exchange and gives the connection back to the caller, unlocked. {@linkcode Exchange.rest} goes with it. */
  release(): void {
    this.dispose();
    this.transport.pause();
    this.transport.release();
  }

  /** Ends the exchange and closes the connection at once. */
  abort(): void {
    this.dispose();
    this.transport.abort();
  }
}
