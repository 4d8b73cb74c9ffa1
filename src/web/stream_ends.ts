// The writable side of a WebSocketStream and how it ends (WHATWG WebSockets, PR 48): what is not a buffer is written as
// text, and a peer that closes while a message is being written has not closed cleanly.

import type { CloseInfo } from "../errors/websocket_error.ts";
import { notOpenError, WebSocketError as ConnectionError } from "../errors/websocket_error.ts";
import { nextTurn } from "../base/clock.ts";
import { Connection } from "../connection/connection.ts";
import type { ConnectionOwner } from "../connection/connection_owner.ts";
import { MessageSink } from "../connection/message_sink.ts";
import type { Message } from "../protocol/contract.ts";
import { asStreamError, unwrittenError, type WebSocketError } from "./stream_error.ts";

/** Writes into one connection, and tells how it ended. */
export class StreamEnds implements ConnectionOwner {
  readonly #connection: Connection;
  readonly #onClosed: (outcome: CloseInfo | WebSocketError) => void;
  readonly #sink: MessageSink;
  /** Rejects the write that waits. */
  #failWrite: ((error: unknown) => void) | undefined;
  #unwritten: WebSocketError | undefined;

  constructor(connection: Connection, onClosed: (outcome: CloseInfo | WebSocketError) => void) {
    const driver = Connection.driverOf(connection)!;
    this.#connection = connection;
    this.#onClosed = onClosed;
    this.#sink = new MessageSink({
      write: (message) => this.#write(message),
      close: () => connection.close(),
      abort: (reason) => driver.closeWithReasonOf(reason),
    });
    driver.addOwner(this);
  }

  get writable(): WritableStream<Message> {
    return this.#sink.stream;
  }

  #write(message: unknown): void | Promise<void> {
    const room = this.#connection.send(isBuffer(message) ? message : `${message}`);
    if (!room) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#failWrite = reject;
    room.then(() => {
      if (this.#failWrite === reject) this.#failWrite = undefined;
      resolve();
    }, reject);
    return promise;
  }

  onPeerClose(info: CloseInfo): void {
    if (!this.#failWrite) return;
    this.#unwritten = unwrittenError(info);
    this.#failWrite(notOpenError("write", this.#unwritten));
  }

  onClosed(ended: CloseInfo | ConnectionError): void {
    const outcome = this.#unwritten ?? (ended instanceof ConnectionError ? asStreamError(ended) : ended);
    this.#sink.end(outcome);
    // Behind the end of the writable side, which comes a turn later for the sake of pipes
    nextTurn(() => this.#onClosed(outcome));
  }
}

/** Whether it is sent as binary, or refused for the memory that it lies in; anything else becomes a string. */
function isBuffer(message: unknown): message is Exclude<Message, string> {
  return ArrayBuffer.isView(message) ||
    /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(message));
}
