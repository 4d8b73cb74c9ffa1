// The public interface of a client that comes back: its connections, or their messages as if they were those of one.

import type { MessageHandler, ReceiveOptions } from "../connection/websocket_connection.ts";
import type { Message } from "../protocol/contract.ts";
import type { Connected } from "./connect.ts";

/**
 * A client that comes back. It connects while somebody uses it, in one of three ways: by `receive()`, by `messages()`, or
 * as an iterable of its connections. It can be used once.
 *
 * @example Messages that are sent before there is a connection
 * ```ts
 * import { reconnect, type Reconnecting, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
 *
 * const client: Reconnecting = reconnect(server.url!);
 * client.send("Hello");
 * assertEquals([client.socket, client.bufferedAmount], [undefined, 69]); // 64 bytes are charged for each message
 *
 * const received: unknown[] = [];
 * await client.receive((message) => {
 *   received.push(message);
 *   client.close();
 * });
 * assertEquals(received, ["Hello"]);
 * ```
 */
export interface Reconnecting<Received = string | Uint8Array<ArrayBuffer>> extends AsyncDisposable {
  /** The connection that is open, or was last; `undefined` while there is none. */
  readonly socket: Connected<Received> | undefined;
  /** How many bytes of messages wait for a connection, or to be written to it. */
  readonly bufferedAmount: number;
  /**
   * The connections, one after another: the next one is made once the last one has ended and the loop asks for it. To leave
   * the loop closes the connection; what a connection is lost by is thrown at whoever reads it, and must be caught there.
   *
   * @returns Ends when the client is closed, by its signal, or when the server closes with 1000. Rejects with what is not
   * worth another attempt.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Connected<Received>>;
  /**
   * The messages of all connections. To leave the loop closes the connection.
   *
   * @returns Ends and rejects as the iterable of connections does.
   */
  messages(): AsyncIterableIterator<Received>;
  /**
   * Hands each message of all connections to a function, as `receive()` of a connection does.
   *
   * @param handler Called with each message, in order. What it throws closes the connection with 1011, and ends the client.
   * @param options Whether the handler keeps bytes.
   * @returns Settles as the iterable of connections does, or rejects with what the handler threw. When an argument is wrong
   * it rejects with a `TypeError` at once, and nothing is dialled.
   */
  receive(handler?: MessageHandler<Received>, options?: ReceiveOptions): Promise<void>;
  /**
   * Sends a message: to the open connection, behind those that wait, or to the next one. What was written to a connection
   * before it was lost may not have arrived: if it must, have the server confirm it.
   *
   * @param message A string goes as text, a buffer as binary. It has been copied when the call returns.
   * @returns A promise only while a connection is open that others wait for, or that has more than `highWaterMark` bytes to
   * write.
   * @throws {DOMException} `InvalidStateError` when more than `maxWaiting` bytes would wait for a connection, to be there or
   * to have room, or when the client has ended.
   * @throws {TypeError} When it is neither a string nor a buffer, or the buffer is shared, resizable or detached.
   */
  send(message: Message): void | Promise<void>;
  /**
   * Ends the client: closes its connection, or stops waiting for one. Messages that wait are thrown away, but for those that
   * an open connection still has room for, up to half of `maxBufferedAmount`.
   *
   * @param info Code and reason for the Close frame. Without `info` it is empty.
   * @returns Resolves once the connection is closed.
   * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
   */
  close(info?: { closeCode?: number; reason?: string }): Promise<void>;
}
