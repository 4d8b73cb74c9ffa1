// What a WebSocket is to its user: options, messages, the two faces.

import type { CloseInfo } from "../errors/websocket_error.ts";
import type { DeflateAgreement } from "../protocol/compression_options.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";

/**
 * Called with each message; a promise pauses reading until it settles.
 *
 * @example One message at a time
 * ```ts
 * import { accept, connect, type MessageHandler } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * const store: MessageHandler = async (message) => {
 *   log.push(`${message} begins`);
 *   await new Promise((resolve) => setTimeout(resolve, 1));
 *   log.push(`${message} ends`);
 * };
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server)]);
 * for (const message of ["a", "b"]) socket.send(message);
 * socket.close();
 *
 * await accepted.receive(store);
 * assertEquals(log, ["a begins", "a ends", "b begins", "b ends"]);
 * await socket.closed;
 * ```
 */
export type MessageHandler = (message: string | Uint8Array<ArrayBuffer>) => unknown;

/**
 * A WebSocket: a pair of streams, and a direct face beside it.
 *
 * @example A service that does not care who opened the connection
 * ```ts
 * import { accept, connect, type WebSocketConnection } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const shout = (socket: WebSocketConnection) =>
 *   socket.receive((message) => socket.send(String(message).toUpperCase()));
 *
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server)]);
 * const served = shout(accepted);
 * socket.send("hello");
 *
 * assertEquals((await socket.readable.getReader().read()).value, "HELLO");
 * await socket.close({ closeCode: 1000 });
 * assertEquals((await served).closeCode, 1000);
 * ```
 */
export interface WebSocketConnection extends AsyncDisposable {
  /**
   * The messages that come in. Reading takes the connection: `receive` is then refused. A pipe into the `writable` of a
   * connection costs no more than `receive` and `send`, if nothing waits in either when it begins.
   */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /** The messages that go out. Closing it closes the connection; `close()` of its writer waits for the peer's Close. */
  readonly writable: WritableStream<Message>;
  /** The subprotocol in use, or `""`. */
  readonly protocol: string;
  /** The extensions in use, or `""`. */
  readonly extensions: string;
  /**
   * What was agreed about compression, if anything was. At a client it may be narrower than what `extensions` says: it has
   * also what we have offered to do ourselves.
   */
  readonly deflate?: DeflateAgreement | undefined;
  /** Settles once the connection is released; rejects with a {@linkcode WebSocketError} when it ended uncleanly. */
  readonly closed: Promise<CloseInfo>;
  /**
   * Hands each message to a function, without a stream in between. A buffer may be a view of a larger one: `slice()`
   * what is kept or transferred. A handler that throws closes with 1011.
   *
   * @param handler Called with each message, in order. While its promise is pending nothing is read.
   * @returns Settles as `closed` does, or rejects with what the handler threw.
   */
  receive(handler: MessageHandler): Promise<CloseInfo>;
  /**
   * Sends a message; it has been copied when the call returns.
   *
   * @param message A string goes as text, a buffer as binary.
   * @param options Whether it is the end of the message, and whether it may be compressed.
   * @returns A promise only while more than `highWaterMark` bytes wait to be written: it resolves below.
   * @throws {DOMException} `InvalidStateError` when the connection is not open.
   * @throws {TypeError} When the message is neither, or shared, resizable or detached memory.
   */
  send(message: Message, options?: SendOptions): void | Promise<void>;
  /**
   * Sends a ping and waits for its pong. Pongs are seen only while the connection is read: not before a face is taken,
   * and not while the promise of a `receive` handler is pending, which must not wait for one.
   *
   * @param payload At most 125 bytes, else it rejects with a `RangeError`.
   * @returns The round trip, in milliseconds; rejects when the connection closes first.
   */
  ping(payload?: BufferSource): Promise<number>;
  /**
   * Begins the closing handshake. Messages that wait can still be read, later ones are thrown away.
   *
   * @param info Code and reason; nothing sends an empty Close frame.
   * @returns The promise `closed`.
   * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
   */
  close(info?: { closeCode?: number; reason?: string }): Promise<CloseInfo>;
  /**
   * Drops the connection at once; `closed` rejects with 1006.
   *
   * @param reason The cause of that error.
   */
  abort(reason?: unknown): void;
}

/** Whether a handler has returned a promise. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | undefined | null)?.then === "function";
}
