// What a WebSocket is to its user: options, messages, the two faces.

import { checkClock, checkNumber, checkTime, type Clock } from "../base/clock.ts";
import type { CompressionOptions, DeflateAgreement } from "../protocol/compression_options.ts";
import type { CloseInfo } from "../errors/handshake_error.ts";
import type { Message, SendOptions } from "../protocol/protocol.ts";

/**
 * Options of every connection. Times are in milliseconds; 0 disables. A number out of its range is a `RangeError`.
 *
 * @example Small messages only
 * ```ts
 * import { accept, connect, type ConnectionOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const limits: ConnectionOptions = { maxMessageSize: 4, closeTimeout: 1000 };
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server, limits)]);
 * const failed = accepted.receive(() => {}).catch((error) => error);
 * socket.send("Hello");
 *
 * assertEquals((await socket.receive(() => {})).closeCode, 1009);
 * assertEquals((await failed).failure, "message-too-big");
 * ```
 */
export interface ConnectionOptions {
  /**
   * The longest message that is received, in bytes; a longer one closes with 1009. Exactly the limit passes.
   *
   * @default {16777216}
   */
  maxMessageSize?: number | undefined;
  /**
   * How many bytes may wait to be written before `send` gives a promise, and how many may wait in messages to be read
   * before the peer is no longer read. 64 bytes are charged for each message beside its own.
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
  /**
   * How long the peer may take to answer our Close frame, to take what is still to be written, and to end.
   *
   * @default {10000}
   */
  closeTimeout?: number | undefined;
  /**
   * How long the peer may give no sign of life: nothing comes while we read, or it takes nothing of what we write. A
   * ping is sent at half of it. A peer that takes slowly what we write is given longer.
   *
   * @default {120000}
   */
  idleTimeout?: number | undefined;
  /**
   * How messages are compressed, where compression was agreed.
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions | undefined;
  /** The clock of all deadlines; by default the runtime's. */
  clock?: Clock | undefined;
}

/** {@linkcode ConnectionOptions} with their defaults. */
export type CheckedOptions = { readonly [Name in keyof ConnectionOptions]-?: NonNullable<ConnectionOptions[Name]> };

/**
 * The options with their defaults.
 *
 * @throws {RangeError} When one is out of its range.
 */
export function checkConnectionOptions(options: ConnectionOptions): CheckedOptions {
  const checked: CheckedOptions = {
    maxMessageSize: checkNumber("maxMessageSize", options.maxMessageSize, 16 * 2 ** 20),
    highWaterMark: checkNumber("highWaterMark", options.highWaterMark, 65536),
    closeTimeout: checkTime("closeTimeout", options.closeTimeout, 10_000),
    idleTimeout: checkTime("idleTimeout", options.idleTimeout, 120_000),
    compression: options.compression ?? false,
    clock: checkClock(options.clock),
  };
  const names = Object.keys(checked) as (keyof CheckedOptions)[];
  return latest = names.every((name) => checked[name] === latest?.[name]) ? latest! : checked;
}

/** What was checked last: most connections of a server have the same options, and then share them. */
let latest: CheckedOptions | undefined;

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
