// The public class. It only forwards to its driver, so that the driver's callbacks are not visible to users.

import { INSPECT, type Inspect, inspectAs } from "../base/inspect.ts";
import type { BufferSource } from "../base/owned_bytes.ts";
import type { HandlerHabits } from "./back_pressure.ts";
import type { ConnectionOwner } from "./connection_owner.ts";
import { Driver } from "./driver.ts";
import type { CheckedOptions } from "./connection_options.ts";
import type { Pieces } from "./pieces.ts";
import { checkReceive } from "./receive_arguments.ts";
import type { ConnectionState, MessageHandler, ReceiveOptions, WebSocketConnection } from "./websocket_connection.ts";
import type { CloseInfo } from "../errors/websocket_error.ts";
import type { Agreement } from "../protocol/agreement.ts";
import type { DeflateAgreement } from "../protocol/compression_options.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import type { NetworkAddress, Transport } from "../transport/transport.ts";

/** A WebSocket, as its users see it. */
export class Connection<Received = string | Uint8Array<ArrayBuffer>> implements WebSocketConnection<Received> {
  readonly protocol: string;
  readonly extensions: string;
  readonly deflate: DeflateAgreement | undefined;
  readonly #driver: Driver;

  constructor(
    transport: Transport,
    agreement: Agreement,
    options: CheckedOptions,
    rest: Uint8Array,
    owner?: ConnectionOwner,
  ) {
    this.protocol = agreement.protocol;
    this.extensions = agreement.extensions;
    this.deflate = agreement.deflate;
    this.#driver = new Driver(transport, agreement, options, rest, owner);
  }

  /** What runs a connection of ours; `undefined` for anything else. */
  static driverOf(socket: unknown): Driver | undefined {
    return typeof socket === "object" && socket !== null && #driver in socket ? socket.#driver : undefined;
  }

  get state(): ConnectionState {
    return this.#driver.state;
  }

  get bufferedAmount(): number {
    return this.#driver.bufferedAmount;
  }

  /** Whether the closing handshake was begun at this end: it is not for users, who know what they have closed. */
  get isClosedByUs(): boolean {
    return this.#driver.isClosedByUs;
  }

  get remoteAddr(): NetworkAddress | undefined {
    return this.#driver.transport.remoteAddr;
  }

  get localAddr(): NetworkAddress | undefined {
    return this.#driver.transport.localAddr;
  }

  /** Whether it is over TLS, as far as the connection knows. */
  protected get isSecure(): boolean | undefined {
    return this.#driver.transport.isSecure;
  }

  get closed(): Promise<CloseInfo> {
    return this.#driver.closed;
  }

  get readable(): ReadableStream<Received> {
    return this.#driver.readable as ReadableStream<unknown> as ReadableStream<Received>; // as the door's options say
  }

  get writable(): WritableStream<Message | Pieces> {
    return this.#driver.writable;
  }

  receive(handler?: MessageHandler<Received>, options?: ReceiveOptions): Promise<CloseInfo> {
    let habits: HandlerHabits | undefined;
    try {
      habits = checkReceive(handler, options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#driver.receive(handler as MessageHandler<unknown> | undefined, habits);
  }

  send(message: Message | PreparedMessage | Pieces, options?: SendOptions): void | Promise<void> {
    return this.#driver.send(message, options);
  }

  ping(payload?: BufferSource): Promise<number> {
    return this.#driver.ping(payload);
  }

  close(info?: { closeCode?: number; reason?: string }): Promise<CloseInfo> {
    return this.#driver.close(info);
  }

  abort(reason?: unknown): void {
    this.#driver.abort(reason);
  }

  /** What `console.log()` shows: no request, no response, and so no credentials. */
  [INSPECT](depth: number | null | undefined, options: object, inspect: Inspect): string {
    const { state, remoteAddr, protocol, extensions, bufferedAmount } = this;
    const shown = { state, remoteAddr, protocol, extensions, bufferedAmount };
    return inspectAs("WebSocketConnection", shown, depth, options, inspect);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {}, () => {});
  }
}
