// The public interface of a WebSocket: messages by streams or by calls, its state and addresses, pings and the close.

import type { BufferSource } from "../base/owned_bytes.ts";
import type { Pieces } from "./pieces.ts";
import type { CloseInfo } from "../errors/websocket_error.ts";
import type { DeflateAgreement } from "../protocol/compression_options.ts";
import type { Message, SendOptions } from "../protocol/contract.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import type { NetworkAddress } from "../transport/transport.ts";

/**
 * Called with each message. While a promise that it returned is pending, later messages wait: up to `highWaterMark`, then
 * the peer is held back.
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
export type MessageHandler<Received = string | Uint8Array<ArrayBuffer>> = (message: Received) => unknown;

/**
 * How a handler receives.
 *
 * @example A handler that keeps nothing
 * ```ts
 * import { accept, connect, type ReceiveOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ReceiveOptions = { reuse: true };
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server)]);
 * let sum = 0;
 * const served = accepted.receive((message) => {
 *   if (typeof message !== "string") for (const byte of message) sum += byte;
 * }, options);
 * for (const byte of [1, 2, 3]) socket.send(Uint8Array.of(byte));
 * await socket.close({ closeCode: 1000 });
 * await served;
 *
 * assertEquals(sum, 6);
 * ```
 */
export interface ReceiveOptions {
  /**
   * Whether the bytes of a message may be overwritten once the handler is done with it: when it has returned, or its
   * promise is fulfilled. `send()` copies what it is given, so an echo may say so; streams do not: return the promise of
   * `writer.write(message)`, or write a `slice()`. Whoever keeps bytes beyond that, or a view of them, finds others in
   * their place, or none. With 16 messages of 1 KiB on their way, an echo then takes two fifths less on Deno, where the
   * library reads into the same memory again, and a third less on Node, where what was read is freed at once; with one of
   * 64 KiB two fifths less on Node, a third on Bun, a quarter on Deno.
   *
   * @default {false}
   */
  reuse?: boolean | undefined;
}

/**
 * Where a connection is in its life: `"open"` as long as messages can be sent, `"closing"` from our Close frame or a
 * failure on, `"closed"` once `closed` has settled.
 *
 * @example Usage
 * ```ts
 * import { attach, type ConnectionState } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const socket = attach(connectionPair()[0], { role: "server", protocol: "", extensions: "" });
 * const states: ConnectionState[] = [socket.state];
 * socket.close();
 * states.push(socket.state);
 * socket.abort();
 * states.push(socket.state);
 *
 * assertEquals(states, ["open", "closing", "closed"]);
 * ```
 */
export type ConnectionState = "open" | "closing" | "closed";

/**
 * A WebSocket: a pair of streams, and `receive()` and `send()` to do without them.
 *
 * Reading starts at the end of the event loop turn in which you got it, whether or not you take messages: Pings are
 * answered, a Close or a loss is noticed, timeouts apply. Messages that you have not taken wait in order, up to
 * `highWaterMark` bytes; past that the peer is held back.
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
export interface WebSocketConnection<Received = string | Uint8Array<ArrayBuffer>> extends AsyncDisposable {
  /**
   * The messages that come in; with the option `streamAbove` long ones are streams of pieces, to be read to their end or
   * cancelled before the next one comes. Once it is read, `receive()` is refused. What was received is always delivered before
   * the end is reported, also when the connection was lost. A pipe into the `writable` of a connection costs
   * no more than `receive()` and `send()`, if nothing waits in either when it begins.
   */
  readonly readable: ReadableStream<Received>;
  /**
   * The messages that go out. Closing it closes the connection; `close()` of its writer waits for the peer's Close frame.
   * Messages that wait in this stream are not sent yet: a `send()` after them overtakes them.
   */
  readonly writable: WritableStream<Message | Pieces>;
  /** Whether messages can be sent, or the connection is closing, or closed. */
  readonly state: ConnectionState;
  /**
   * How many bytes wait to be written, frame headers included. What waits behind a message in pieces counts 64 bytes more
   * than its size for each message; what its source still has does not count.
   */
  readonly bufferedAmount: number;
  /**
   * The address of the peer's end, or of the proxy in between; `undefined` where the connection does not know it, such as
   * a pair of streams. Some runtimes forget it when the socket closes: read it before.
   */
  readonly remoteAddr: NetworkAddress | undefined;
  /** The address of our end, as `remoteAddr`. */
  readonly localAddr: NetworkAddress | undefined;
  /** The subprotocol in use, or `""`. */
  readonly protocol: string;
  /** The extensions in use, or `""`. */
  readonly extensions: string;
  /**
   * The compression that was agreed on, if any was. At a client it may be narrower than `extensions`: it includes the
   * limits that our offer set for ourselves.
   */
  readonly deflate?: DeflateAgreement | undefined;
  /**
   * How the connection ended: settles once the transport is released, whether or not messages still wait to be taken.
   * Rejects with a {@linkcode WebSocketError} when it ended uncleanly. Nobody has to handle it.
   */
  readonly closed: Promise<CloseInfo>;
  /**
   * Hands each message to a function, without a stream in between. A buffer may be a view of a larger one: `slice()`
   * what you keep or transfer. While a promise of the handler is pending, later messages wait, but Pings, Closes and losses
   * are noticed. A handler that throws or rejects closes with 1011; one that could not send, because the connection was
   * lost, still gets what came before that. Of a message in pieces, what the handler has not begun to read when it is done
   * is thrown away; otherwise the next message comes when they are read.
   *
   * @param handler Called with each message, in order. Without one, messages are thrown away.
   * @param options Whether the handler keeps bytes.
   * @returns Settles as `closed` does, once the handler is done with all messages; rejects with what the handler threw,
   * unless that only says that the connection was lost. Rejects with a `TypeError` when the messages are already being read,
   * or an argument is wrong.
   */
  receive(handler?: MessageHandler<Received>, options?: ReceiveOptions): Promise<CloseInfo>;
  /**
   * Sends a message; it has been copied when the call returns. If you ignore the promise, only
   * `maxBufferedAmount` limits what is buffered.
   *
   * A stream, or an asynchronous iterable, is one message in pieces (RFC 6455 §5.4), read as it can be sent; what is sent
   * meanwhile waits behind it. If it fails when a part of it is out, the connection is closed with 1011; when the connection
   * ends first, it is cancelled.
   *
   * @param message A string goes as text, a buffer as binary; what {@linkcode prepare} gives is not copied again.
   * @param options Whether it is the end of the message, and whether it may be compressed.
   * @returns A promise only while more than `highWaterMark` bytes wait to be written: it resolves below. For a message in
   * pieces always a promise: it resolves when the last piece is on its way, and rejects with what the source fails with.
   * @throws {DOMException} `InvalidStateError` when the connection is not open; its `cause` says how it ended.
   * @throws {TypeError} When it is neither a string nor a buffer, or the buffer is shared, resizable or detached; when the
   * stream is locked; when it is prepared or a stream, and another one is being sent by `fin: false`; when an option is
   * wrong.
   */
  send(message: Message | PreparedMessage | Pieces, options?: SendOptions): void | Promise<void>;
  /**
   * Sends a Ping and waits for its Pong (RFC 6455 §5.5.2). A Pong that comes behind messages is seen when there is room
   * for them: a `receive()` handler that has let more than `highWaterMark` bytes gather must not wait for one.
   *
   * @param payload At most 125 bytes, else it rejects with a `RangeError`.
   * @returns The round trip, in milliseconds; rejects when the connection closes first.
   */
  ping(payload?: BufferSource): Promise<number>;
  /**
   * Starts the closing handshake, behind what was sent before, also in pieces, for as long as `closeTimeout`. Messages that
   * wait can still be taken, later ones are thrown away.
   *
   * @param info Code and reason. Without `info` the Close frame is empty.
   * @returns The promise `closed`.
   * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
   * @throws {TypeError} When it is no such object, such as one that calls the code `code`.
   */
  close(info?: { closeCode?: number; reason?: string }): Promise<CloseInfo>;
  /**
   * Drops the connection at once, and the messages that wait; `closed` rejects with 1006.
   *
   * @param reason The cause of that error.
   */
  abort(reason?: unknown): void;
}

/** Whether a handler has returned a promise. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | undefined | null)?.then === "function";
}
