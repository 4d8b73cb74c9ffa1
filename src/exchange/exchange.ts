// The transport of a handshake, as promises: read the next bytes, write and wait. Every promise rejects when the deadline
// is over, the signal aborts, or the connection is lost. It reads nothing ahead, and bytes that were read but not used can
// be put back, so that the connection can be handed on after the exchange without losing any.

import { unlessAborted, whenAborted } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import { ExchangeError } from "../errors/problem.ts";
import { tooLate } from "./time_limit.ts";
import type { Transport, TransportHandlers } from "../transport/transport.ts";

/** Limits of an exchange, and what was read before it. */
export interface ExchangeOptions {
  readonly clock: Clock;
  /** How long the exchange may take, in milliseconds from now on; 0 means no limit. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that were already read from the transport. */
  readonly prefix?: Uint8Array | undefined;
}

/**
 * One owner's use of a transport for HTTP. It ends with {@linkcode Exchange.release}, {@linkcode Exchange.abort}, or with
 * {@linkcode Exchange.dispose}, after which the next owner starts the transport.
 */
export class Exchange implements TransportHandlers {
  readonly transport: Transport;
  readonly #deadline: Deadline;
  readonly #ignoreSignal: () => void;
  /** Behind {@linkcode Exchange.signal}: made when somebody asks for it, which most handshakes do not. */
  #controller: AbortController | undefined;
  #unread: Uint8Array | undefined;
  #hasEnded = false;
  #hasWritten = false;
  /** Why nothing works any more; the reason itself may be any value. */
  #error: { readonly reason: unknown } | undefined;
  #reading: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #writing: PromiseWithResolvers<void> | undefined;

  constructor(transport: Transport, { clock, timeout, signal, prefix }: ExchangeOptions) {
    this.transport = transport;
    this.#unread = prefix;
    this.#deadline = new Deadline(clock);
    this.allow(timeout);
    transport.start(this);
    this.#ignoreSignal = whenAborted(signal, (reason) => this.#interrupt(reason));
  }

  onData(chunk: Uint8Array<ArrayBuffer>): void {
    this.transport.pause();
    this.#settleRead(chunk);
  }

  onEnd(): void {
    this.transport.pause();
    this.#hasEnded = true;
    this.#settleRead(undefined);
  }

  onDrained(): void {
    this.#writing?.resolve();
    this.#writing = undefined;
  }

  onLost(cause: unknown): void {
    this.#interrupt(new ExchangeError("connection-closed", "the connection was lost", { cause }));
  }

  #settleRead(chunk: Uint8Array | undefined): void {
    this.#reading?.resolve(chunk);
    this.#reading = undefined;
  }

  #interrupt(reason: unknown): void {
    if (this.#error) return;
    this.#error = { reason };
    this.#reading?.reject(reason);
    this.#writing?.reject(reason);
    this.#reading = this.#writing = undefined;
    this.#controller?.abort(reason);
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
    this.#deadline.set(timeout, () => this.#interrupt(tooLate(timeout)));
  }

  /** Reads the next bytes; gives `undefined` at the peer's end. */
  read(): Promise<Uint8Array | undefined> {
    if (this.#error) return Promise.reject(this.#error.reason);
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread && unread.length > 0) return Promise.resolve(unread);
    if (this.#hasEnded) return Promise.resolve(undefined);
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
    if (this.transport.write(bytes)) return;
    this.#writing = Promise.withResolvers();
    await this.#writing.promise;
  }

  /** Whether the peer may have got any bytes of this exchange. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** Waits for a promise of somebody else's, such as a policy's; rejects when the exchange is interrupted first. */
  async guard<T>(promise: Promise<T>): Promise<T> {
    return await unlessAborted(promise, this.signal);
  }

  /** Ends the exchange and leaves the transport to the next owner: no deadline and no signal holds any more. */
  dispose(): void {
    this.#deadline.clear();
    this.#ignoreSignal();
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
