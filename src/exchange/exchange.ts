// A Transport as a handshake needs it: read what comes next, write and wait, all within one deadline and one signal.
// Bytes that were read and not used go back with `unread()`; nothing is read ahead of the next `read()`.

import { onAbort, unlessAborted } from "../base/abort.ts";
import { type Clock } from "../base/clock.ts";
import { checkPrefix, checkSignal } from "../base/options.ts";
import { Deadline } from "../base/timers.ts";
import { ExchangeError } from "../errors/problem.ts";
import { tooLate } from "./time_limit.ts";
import { transportOf } from "../runtime/choose.ts";
import { type ByteConnection, type Transport, type TransportHandlers } from "../transport/transport.ts";

/** How long, and until when. */
export interface ExchangeOptions {
  readonly clock: Clock;
  /** From now on, in milliseconds; 0: for ever. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that were already read. */
  readonly prefix?: Uint8Array | undefined;
}

/**
 * Takes a connection for a handshake.
 *
 * @throws {TypeError} When an option or the connection can't be used; the connection is untouched.
 */
export function openExchange(conn: ByteConnection, options: ExchangeOptions): Exchange {
  checkPrefix(options.prefix);
  checkSignal(options.signal);
  return new Exchange(transportOf(conn), options);
}

/** See the head of the file. */
export class Exchange implements TransportHandlers {
  readonly transport: Transport;
  readonly #deadline: Deadline;
  /** Made for whoever asks for the signal: most handshakes need none. */
  #given: AbortController | undefined;
  readonly #ignoreSignal: () => void;
  #unread: Uint8Array | undefined;
  #ended = false;
  #hasWritten = false;
  #error: { readonly reason: unknown } | undefined;
  #reading: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #writing: PromiseWithResolvers<void> | undefined;

  constructor(transport: Transport, { clock, timeout, signal, prefix }: ExchangeOptions) {
    this.transport = transport;
    this.#unread = prefix;
    this.#deadline = new Deadline(clock);
    this.allow(timeout);
    transport.start(this);
    this.#ignoreSignal = onAbort(signal, (reason) => this.#interrupt(reason));
  }

  // ---- what the transport says

  onData(chunk: Uint8Array<ArrayBuffer>): void {
    this.transport.pause();
    this.#settleRead(chunk);
  }

  onEnd(): void {
    this.transport.pause();
    this.#ended = true;
    this.#settleRead(undefined);
  }

  onDrained(): void {
    this.#writing?.resolve();
    this.#writing = undefined;
  }

  onLost(cause: unknown): void {
    this.#interrupt(new ExchangeError("connection-closed", "the connection was lost", { cause }));
  }

  // ---- the handshake

  /** Aborted when the handshake is given up, with the reason. */
  get signal(): AbortSignal {
    if (!this.#given) {
      this.#given = new AbortController();
      if (this.#error) this.#given.abort(this.#error.reason);
    }
    return this.#given.signal;
  }

  /** Sets the deadline anew: from now on, in milliseconds; 0: none. */
  allow(timeout: number): void {
    this.#deadline.set(timeout, () => this.#interrupt(tooLate(timeout)));
  }

  #interrupt(reason: unknown): void {
    if (this.#error) return;
    this.#error = { reason };
    this.#reading?.reject(reason);
    this.#writing?.reject(reason);
    this.#reading = this.#writing = undefined;
    this.#given?.abort(reason);
  }

  #settleRead(chunk: Uint8Array | undefined): void {
    this.#reading?.resolve(chunk);
    this.#reading = undefined;
  }

  /** The next bytes, or `undefined` at the peer's end. */
  read(): Promise<Uint8Array | undefined> {
    if (this.#error) return Promise.reject(this.#error.reason);
    const unread = this.#unread;
    this.#unread = undefined;
    if (unread && unread.length > 0) return Promise.resolve(unread);
    if (this.#ended) return Promise.resolve(undefined);
    // What was kept comes at once, before resume() returns
    const { promise } = this.#reading = Promise.withResolvers();
    this.transport.resume();
    return promise;
  }

  /** Gives bytes back, to be read next. */
  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#unread = bytes;
  }

  /** The bytes that were read and not used. */
  get rest(): Uint8Array {
    return this.#unread ?? new Uint8Array();
  }

  /** Whether anything was given to be written. */
  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** Writes all of it. */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#error) throw this.#error.reason;
    if (bytes.length === 0) return;
    this.#hasWritten = true;
    if (this.transport.write(bytes)) return;
    this.#writing = Promise.withResolvers();
    await this.#writing.promise;
  }

  /** A promise of somebody else's, within the same deadline. */
  async guard<T>(promise: Promise<T>): Promise<T> {
    return await unlessAborted(promise, this.signal);
  }

  /** The handshake is over: no deadline and no signal any more. */
  dispose(): void {
    this.#deadline.clear();
    this.#ignoreSignal();
  }

  /** Gives the connection back, unlocked; {@linkcode rest} is what the next owner starts from. */
  release(): void {
    this.dispose();
    this.transport.pause();
    this.transport.release();
  }

  /** Closes at once. */
  abort(): void {
    this.dispose();
    this.transport.abort();
  }
}
