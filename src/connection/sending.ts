// What a connection sends beside plain messages: the stream of them, and messages in pieces. Made when one is first asked
// for: most connections have neither.

import {
  type CloseInfo,
  notOpenError,
  uncleanError,
  type WebSocketError,
  type WebSocketErrorInit,
} from "../errors/websocket_error.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import { MessageSink } from "./message_sink.ts";
import { Outgoing, type OutgoingHost } from "./outgoing.ts";
import type { Pieces } from "./pieces.ts";

/** What sending needs of its connection. */
export interface SendingHost extends Omit<OutgoingHost, "onAllSent" | "onMessageBroken"> {
  readonly isOpen: boolean;
  /** Nothing waits any more behind a message in pieces; `closing` is how to close now. */
  onAllSent(closing: WebSocketErrorInit | undefined): void;
  send(message: Message | PreparedMessage | Pieces, options?: SendOptions): void | Promise<void>;
  close(info?: WebSocketErrorInit): Promise<CloseInfo>;
  /** Closes because the stream was aborted, with the code of that reason if it may be sent. */
  closeWithReasonOf(reason: unknown): void;
}

/** The Close frame behind a message that can't be ended (RFC 6455 §7.4.1). */
const BROKEN = { closeCode: 1011 };

/** The outgoing half of one connection. */
export class Sending implements OutgoingHost {
  readonly #host: SendingHost;
  #sink: MessageSink | undefined;
  /** What waits to be sent while a message in pieces is under way. */
  #outgoing: Outgoing | undefined;
  /** What the peer's Close frame has cut messages with. */
  cutBy: WebSocketError | undefined;
  /** How the connection ended, once it has. */
  #end: CloseInfo | WebSocketError | undefined;

  constructor(host: SendingHost) {
    this.#host = host;
  }

  get options(): OutgoingHost["options"] {
    return this.#host.options;
  }

  get machine(): OutgoingHost["machine"] {
    return this.#host.machine;
  }

  get flusher(): OutgoingHost["flusher"] {
    return this.#host.flusher;
  }

  get isReleased(): boolean {
    return this.#host.isReleased;
  }

  /** Whether a message in pieces is under way: whatever is sent goes behind it. */
  get isBusy(): boolean {
    return this.#outgoing !== undefined;
  }

  /** How many bytes wait behind it. */
  get size(): number {
    return this.#outgoing?.size ?? 0;
  }

  /** Whether a pipe writes into the stream. */
  get isPiped(): boolean {
    return this.#sink?.stream.isPiped === true;
  }

  get writable(): WritableStream<Message | Pieces> {
    if (!this.#sink) {
      this.#sink = new MessageSink({
        write: (message) => this.#host.send(message),
        close: () => this.#host.close(),
        abort: (reason) => this.#onAborted(reason),
      });
      if (this.#end) this.#sink.end(this.#end);
    }
    return this.#sink.stream;
  }

  /** Sends a message in pieces, or what goes behind one. */
  send(message: Message | PreparedMessage | Pieces, options?: SendOptions): void | Promise<void> {
    const outgoing = this.#outgoing ?? new Outgoing(this), sent = outgoing.send(message, options);
    this.#outgoing = outgoing; // and not if that has thrown
    return sent;
  }

  /** Sends our Close frame behind what was sent before; `false` if nothing waits. */
  closeBehind(info: WebSocketErrorInit): boolean {
    if (!this.#outgoing) return false;
    this.#outgoing.closing = info;
    return true;
  }

  /**
   * What waits to be sent is not sent any more.
   *
   * @param reason What the sources of messages are told.
   * @returns Whether a message was cut: then no other can follow.
   */
  cut(reason: unknown): boolean {
    const outgoing = this.#outgoing;
    if (!outgoing) return false;
    this.#outgoing = undefined;
    outgoing.cut(reason, reason instanceof DOMException ? reason : notOpenError("send", this.#end));
    return !this.machine.isBetweenMessages;
  }

  /** The peer's Close frame has come: a source may give nothing more for long. Returns as {@linkcode cut} does. */
  onPeerClose(info: CloseInfo): boolean {
    if (!this.#outgoing || this.#outgoing.isWhole) return false;
    this.cutBy = uncleanError("The peer has closed", info);
    return this.cut(this.cutBy);
  }

  /** The connection is over. */
  end(outcome: CloseInfo | WebSocketError, error: unknown): void {
    this.#end = outcome;
    this.cut(error);
    this.#sink?.end(outcome);
  }

  #onAborted(reason: unknown): void {
    const closing = this.#outgoing?.closing;
    this.cut(reason);
    if (closing) this.#host.onAllSent(closing);
    else this.#host.closeWithReasonOf(reason);
  }

  onBufferFull(bytes: number): void {
    this.#host.onBufferFull(bytes);
  }

  onAllSent(): void {
    const closing = this.#outgoing?.closing;
    this.#outgoing = undefined;
    this.#host.onAllSent(closing);
  }

  onMessageBroken(): void {
    this.cut(undefined);
    if (this.#host.isOpen) this.#host.close(BROKEN);
    else if (!this.isReleased) this.flusher.close(BROKEN);
  }
}
