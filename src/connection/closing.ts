// How a connection ends. Open: nothing is decided. Closing: our Close frame is out and the peer's is awaited, or the peer's
// has come and is answered once the messages before it are taken. Ending: the outcome is known, what is framed is written.
// Released: the transport is dropped or lingers (RFC 6455 §7.1.1). Settled: `closed` has the outcome.

import { Deadline } from "../base/timers.ts";
import type { ProtocolFailure } from "../errors/failures.ts";
import {
  closedError,
  type CloseInfo,
  protocolError,
  uncleanError,
  type WebSocketError,
  type WebSocketErrorInit,
} from "../errors/websocket_error.ts";
import { MAX_CLOSE_ANSWER } from "../protocol/close_frame.ts";
import type { Machine } from "../protocol/machine.ts";
import { linger, type Lingering } from "../transport/linger.ts";
import type { Transport } from "../transport/transport.ts";
import type { Flusher } from "./flusher.ts";
import { LazyPromise } from "./lazy_promise.ts";
import type { CheckedOptions } from "./connection_options.ts";

/**
 * How long messages that came before the peer's Close frame may keep its answer waiting, in milliseconds. Peers wait 10
 * seconds and longer.
 */
const ANSWER_WITHIN = 1000;

/** What closing needs of its connection. */
export interface ClosingHost {
  readonly options: CheckedOptions;
  readonly isServer: boolean;
  readonly machine: Machine;
  readonly transport: Transport;
  readonly flusher: Flusher;
  readonly sender: { readonly isBusy: boolean } | undefined;
  /** Takes in what was received and held back. */
  takeRest(): void;
  /** The transport is released and the outcome known; `gone()` makes the error for calls that still wait. */
  onSettled(outcome: CloseInfo | WebSocketError, gone: () => WebSocketError | DOMException, isAborted: boolean): void;
}

/** The end of one connection. */
export class Closing {
  readonly closed = new LazyPromise<CloseInfo>();
  /** How the connection ends, as soon as that is known. */
  outcome: CloseInfo | WebSocketError | undefined;
  isReleased = false;
  isSettled = false;
  /** Whether our Close frame was the first. */
  isOurs = false;
  /** What the connection was lost by, from the moment on at which it is lost. */
  loss: WebSocketError | undefined;
  /** What the peer's Close frame said, while the answer waits for the messages before it. */
  peerClose: CloseInfo | undefined;
  readonly #host: ClosingHost;
  #deadline: Deadline | undefined;
  #lingering: Lingering | undefined;
  /** Reports the loss, once everything that was received before it is inflated. */
  #finishLater: (() => void) | undefined;
  /** Whether something other than our Close frame was unwritten when the peer's came. */
  #wasUnwritten = false;

  constructor(host: ClosingHost) {
    this.#host = host;
  }

  /** Our Close frame is about to be framed: the peer has `closeTimeout` to answer it. */
  awaitPeerClose(): void {
    this.isOurs = true;
    this.#setDeadline(`The Close frame was not answered within ${this.#host.options.closeTimeout} ms`);
  }

  /** Sends our Close frame: the first one, or the answer to the peer's. */
  close(info: WebSocketErrorInit): void {
    const { peerClose } = this;
    if (peerClose && info.closeCode === undefined) return this.answer();
    this.#host.flusher.close(info);
    if (peerClose) this.endWith(peerClose);
  }

  /**
   * The peer's Close frame has come.
   *
   * @param isCut Whether it cuts a message of ours, so that nothing can be sent but the answer.
   * @param isTaken Whether the messages before it were taken.
   */
  onPeerClose(info: CloseInfo, isCut: boolean | undefined, isTaken: boolean): void {
    if (this.#host.machine.state === "closed") return this.endWith(info); // it answers ours
    this.peerClose = info;
    if (isCut || isTaken && !this.#host.sender?.isBusy) this.answer();
    else if (!this.isReleased) this.#within(ANSWER_WITHIN, () => this.answer());
  }

  /** Answers the peer's Close frame, unless messages are still being sent in pieces: then the answer goes behind them. */
  answerBehind(): void {
    if (!this.#host.sender?.isBusy) this.answer();
  }

  /** Answers the peer's Close frame, if that is not done yet. */
  answer(): void {
    const info = this.peerClose;
    if (!info || this.outcome || this.isReleased) return;
    this.#host.flusher.answerClose();
    this.endWith(info);
  }

  /** The outcome is known: what is framed is written, then the transport lingers. */
  endWith(outcome: CloseInfo | WebSocketError): void {
    const { flusher } = this.#host;
    if (!(outcome instanceof Error)) this.#wasUnwritten = flusher.buffered > MAX_CLOSE_ANSWER;
    this.outcome = outcome;
    if (this.isReleased) return; // the Close was among what is read after a loss
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
    const { clock, closeTimeout: timeout } = options, onClosed = () => this.#settle(this.outcome!);
    this.#lingering = linger(transport, { clock, timeout, halfClose, onClosed });
  }

  /** The peer has ended: cleanly if its Close frame has come, which is still answered when its messages are taken. */
  onEnd(): void {
    if (!this.peerClose && !this.outcome) this.drop("connection-lost");
  }

  /** We drop the connection, and the messages that nobody has taken. */
  abort(reason: unknown): void {
    const message = "The connection was aborted";
    if (!this.isReleased) {
      this.#host.machine.pause(); // it may be in the middle of a chunk
      return this.drop("connection-lost", message, reason, true);
    }
    if (this.#lingering || this.isSettled) return this.#lingering?.close();
    // It was lost, and what came before that was still being inflated
    this.#finishLater = undefined;
    this.#finishDrop(this.loss ?? protocolError("connection-lost", message, reason), true);
  }

  /** Drops the transport at once, because of a failure that can't be reported to the peer. */
  drop(failure: ProtocolFailure, message?: string, cause?: unknown, isAborted = false): void {
    if (this.isReleased) return this.#lingering?.close();
    const { flusher, machine, transport } = this.#host;
    this.isReleased = true;
    const loss = this.loss = protocolError(failure, message, cause);
    if (!this.outcome && flusher.buffered > 0) this.#wasUnwritten = true;
    flusher.stop();
    transport.abort();
    if (isAborted) return this.#finishDrop(loss, true);
    this.#host.takeRest();
    // What was received comes first: the rest of the chunk, and what is yet to be inflated
    if (machine.isFeeding) queueMicrotask(() => this.#finishWhenCaughtUp(loss));
    else this.#finishWhenCaughtUp(loss);
  }

  #finishWhenCaughtUp(loss: WebSocketError): void {
    if (this.isSettled) return; // it was aborted meanwhile
    if (this.#host.machine.isBehind) this.#finishLater = () => this.#finishDrop(loss, false);
    else this.#finishDrop(loss, false);
  }

  /** Nothing is left to be inflated. */
  onCaughtUp(): void {
    const finish = this.#finishLater;
    this.#finishLater = undefined;
    finish?.();
  }

  #finishDrop(error: WebSocketError, isAborted: boolean): void {
    const known = this.outcome ?? this.peerClose;
    if (!known) return this.#settle(error, isAborted);
    if (known instanceof Error || !this.#wasUnwritten) return this.#settle(known, isAborted);
    const { closeCode, reason } = known, cause = error;
    this.#settle(
      uncleanError("The peer closed before everything was written", { closeCode, reason, cause }),
      isAborted,
    );
  }

  /** The connection is dropped when `closeTimeout` is over. */
  #setDeadline(message?: string): void {
    this.#within(this.#host.options.closeTimeout, () => this.drop("connection-lost", message));
  }

  #within(time: number, late: () => void): void {
    (this.#deadline ??= new Deadline(this.#host.options.clock)).set(time, late);
  }

  #settle(outcome: CloseInfo | WebSocketError, isAborted = false): void {
    this.outcome = outcome;
    this.isSettled = true;
    this.#host.machine.drop();
    this.#deadline?.clear();
    const gone = () => outcome instanceof Error ? outcome : closedError();
    this.closed.settle(outcome);
    this.#host.flusher.fail(gone);
    this.#host.onSettled(outcome, gone, isAborted);
  }
}
