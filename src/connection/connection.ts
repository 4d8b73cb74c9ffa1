// A WebSocket as its owner sees it; what it does is the link's.

import { Driver } from "./driver.ts";
import { type CheckedOptions } from "./options.ts";
import { type MessageHandler, type WebSocketConnection } from "./websocket_connection.ts";
import { type CloseInfo } from "../errors/websocket_error.ts";
import { type Agreement } from "../protocol/agreement.ts";
import { type DeflateAgreement } from "../protocol/compression_options.ts";
import { type Message, type SendOptions } from "../protocol/contract.ts";
import { type Transport } from "../transport/transport.ts";

/** See the head of the file. */
export class Connection implements WebSocketConnection {
  readonly protocol: string;
  readonly extensions: string;
  readonly deflate: DeflateAgreement | undefined;
  readonly #link: Driver;

  constructor(transport: Transport, agreement: Agreement, options: CheckedOptions, rest: Uint8Array) {
    this.protocol = agreement.protocol;
    this.extensions = agreement.extensions;
    this.deflate = agreement.deflate;
    this.#link = new Driver(transport, agreement, options, rest);
  }

  get closed(): Promise<CloseInfo> {
    return this.#link.closed.promise;
  }

  get readable(): ReadableStream<string | Uint8Array<ArrayBuffer>> {
    return this.#link.readable;
  }

  get writable(): WritableStream<Message> {
    return this.#link.writable;
  }

  receive(handler: MessageHandler): Promise<CloseInfo> {
    return this.#link.receive(handler);
  }

  send(message: Message, options?: SendOptions): void | Promise<void> {
    return this.#link.send(message, options);
  }

  ping(payload?: BufferSource): Promise<number> {
    return this.#link.sendPing(payload);
  }

  close(info?: { closeCode?: number; reason?: string }): Promise<CloseInfo> {
    return this.#link.sendClose(info);
  }

  abort(reason?: unknown): void {
    this.#link.abort(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {}, () => {});
  }
}
