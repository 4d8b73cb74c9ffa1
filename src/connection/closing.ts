// How a connection ends. Open: nothing is decided. Closing: our Close frame is out, the peer's is awaited. Ending: the
// outcome is known, what is framed is written. Released: the transport is dropped or lingers (RFC 6455 §7.1.1). Settled:
// `closed` has told the outcome.

import { Deadline } from "../base/timers.ts";
import type { ProtocolFailure } from "../errors/failures.ts";
import {
  closedError,
  type CloseInfo,
  protocolError,
  uncleanError,
  type WebSocketError,
} from "../errors/websocket_error.ts";
import { MAX_CLOSE_ANSWER } from "../protocol/close_frame.ts";
import type { Machine } from "../protocol/machine.ts";
import { linger, type Lingering } from "../transport/linger.ts";
import type { Transport } from "../transport/transport.ts";
import type { Flusher } from "./flusher.ts";
import { LazyPromise } from "./lazy_promise.ts";
import type { CheckedOptions } from "./options.ts";

/** What closing needs of its connection. */
export interface ClosingHost {
  readonly options: CheckedOptions;
  readonly isServer: boolean;
  readonly machine: Machine;
  readonly transport: Transport;
  readonly flusher: Flusher;
  /** The transport is released and the outcome told; `gone()` makes the error for whoever still waits. */
  onSettled(outcome: CloseInfo | WebSocketError, gone: () => WebSocketError | DOMException): void;
}

/** The end of one connection. */
export class Closing {
  readonly closed = new LazyPromise<CloseInfo>();
  outcome: CloseInfo | WebSocketError | undefined;
  isReleased = false;
  readonly #host: ClosingHost;
  #deadline: Deadline | undefined;
  #lingering: Lingering | undefined;
  /** Whether something other than our Close frame was unwritten when the peer's came. */
  #wasUnwritten = false;

  constructor(host: ClosingHost) {
    this.#host = host;
  }

  /** Our Close frame is about to be framed: the peer has `closeTimeout` to answer it. */
  begin(): void {
    this.#setDeadline(`The Close frame was not answered within ${this.#host.options.closeTimeout} ms`);
  }

  /** The outcome is known: what is framed is written, then the transport lingers. */
  end(outcome: CloseInfo | WebSocketError): void {
    const { flusher } = this.#host;
    if (!(outcome instanceof Error)) this.#wasUnwritten = flusher.buffered > MAX_CLOSE_ANSWER;
    this.outcome = outcome;
    this.#setDeadline();
    flusher.flush();
  }

  /** Nothing is left to write. */
  onFlushed(): void {
    if (!this.outcome || this.isReleased) return;
    const { options, isServer, flusher, transport } = this.#host;
    this.#deadline!.clear();
    this.isReleased = true;
    flusher.stop();
    // §7.1.1: the server closes first, but who fails the connection closes it in either role
    const halfClose = isServer || this.outcome instanceof Error;
    this.#lingering = linger(transport, { clock: options.clock, timeout: options.closeTimeout, halfClose });
    this.#lingering.closed.then(() => this.#settle(this.outcome!));
  }

  /** Drops the transport at once, because of a failure that can't be told to the peer. */
  drop(failure: ProtocolFailure, message?: string, cause?: unknown): void {
    if (this.isReleased) return this.#lingering?.close();
    const { flusher, machine, transport } = this.#host, known = this.outcome;
    this.isReleased = true;
    flusher.stop();
    machine.pause(); // it may be in the middle of a chunk
    transport.abort();
    const error = protocolError(failure, message, cause);
    if (!known) return this.#settle(error);
    if (known instanceof Error || !this.#wasUnwritten) return this.#settle(known);
    const { closeCode, reason } = known;
    this.#settle(uncleanError("The peer closed before everything was written", { closeCode, reason, cause: error }));
  }

  /** The connection is dropped when `closeTimeout` is over. */
  #setDeadline(message?: string): void {
    const { clock, closeTimeout } = this.#host.options;
    (this.#deadline ??= new Deadline(clock)).set(closeTimeout, () => this.drop("connection-lost", message));
  }

  #settle(outcome: CloseInfo | WebSocketError): void {
    this.outcome = outcome;
    this.#deadline?.clear();
    const gone = () => outcome instanceof Error ? outcome : closedError();
    this.closed.settle(outcome);
    this.#host.flusher.fail(gone);
    this.#host.onSettled(outcome, gone);
  }
}
