// A client that comes back: one connection after another to the same server, as a list of connections, or as if they were
// one. back_off.ts says how long it waits in between, errors/retryable.ts after what it gives up.

import { unlessAborted, whenAborted } from "../base/abort.ts";
import { MAX_DELAY } from "../base/options.ts";
import { Deadline } from "../base/timers.ts";
import { Connection } from "../connection/connection.ts";
import type { Driver } from "../connection/driver.ts";
import type { StreamingOptions } from "../connection/connection_options.ts";
import type { ReceivedOrPieces } from "../connection/incoming_pieces.ts";
import { checkReceive } from "../connection/receive_arguments.ts";
import type { MessageHandler, ReceiveOptions } from "../connection/websocket_connection.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { checkClose } from "../errors/websocket_error.ts";
import { webSocketUrl } from "../handshake/url.ts";
import type { Message } from "../protocol/contract.ts";
import { nextWait, type Wait } from "./back_off.ts";
import { connect, type Connected } from "./connect.ts";
import type { ConnectOptions } from "./connect_options.ts";
import { type End, endOf, isClosedByUs, isLossOf } from "./connection_end.ts";
import {
  type CheckedReconnectOptions,
  checkReconnectOptions,
  type ReconnectAttempt,
  type ReconnectOptions,
} from "./reconnect_options.ts";
import type { Reconnecting } from "./reconnecting.ts";
import { WaitingMessages } from "./waiting_messages.ts";

/**
 * Connects again and again, and has long messages handed over in pieces; everything else is as without `streamAbove`.
 *
 * @param url Where to connect to, or a function that says it.
 * @param options From which size on messages come in pieces, and the other options.
 * @returns The client.
 *
 * @example Usage
 * ```ts
 * import { reconnect, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => void socket.send("a longer one"));
 * const client = reconnect(server.url!, { streamAbove: 4 });
 * for await (const message of client.messages()) {
 *   assertEquals(typeof message === "object" && "type" in message && message.type, "text");
 *   break;
 * }
 * ```
 */
export function reconnect(
  url: string | URL | ((attempt: ReconnectAttempt) => string | URL | Promise<string | URL>),
  options: ReconnectOptions & StreamingOptions,
): Reconnecting<ReceivedOrPieces>;
/**
 * Makes a client that comes back when its connection is lost, or can't be made. Waits grow, and are random, so that the
 * clients of a server that restarts return evenly; Retry-After and the codes 1012 and 1013 are honoured. An error that is
 * not `retryable` ends it, such as a 401, a certificate that is not trusted, or the close code 1008.
 *
 * @param url Where to connect to, as for {@linkcode connect}, or a function that says so for each attempt.
 * @param options How to wait, what to tell, and the options of each connection.
 * @returns The client, which connects once it is used.
 * @throws {DOMException} `SyntaxError` when the URL or the subprotocols can't be used.
 * @throws {TypeError} When another option can't be used.
 * @throws {RangeError} When a number among the options is out of its range.
 *
 * @example A server that loses its clients
 * ```ts
 * import { reconnect, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const words = ["one", "two"];
 * await using server = await serve({ port: 0 }, async (socket) => {
 *   socket.send(words.shift()!);
 *   await socket.ping(); // it has arrived
 *   socket.abort();
 * });
 *
 * const received: unknown[] = [];
 * for await (const message of reconnect(server.url!, { firstDelay: 1 }).messages()) {
 *   received.push(message);
 *   if (received.length === 2) break; // closes the connection
 * }
 * assertEquals(received, ["one", "two"]);
 * ```
 */
export function reconnect(
  url: string | URL | ((attempt: ReconnectAttempt) => string | URL | Promise<string | URL>),
  options?: ReconnectOptions,
): Reconnecting;
export function reconnect(
  url: string | URL | ((attempt: ReconnectAttempt) => string | URL | Promise<string | URL>),
  options: ReconnectOptions = {},
): Reconnecting {
  if (typeof url !== "function") webSocketUrl(url);
  return new ReconnectingClient(typeof url === "function" ? url : () => url, checkReconnectOptions(options));
}

type UrlOf = (attempt: ReconnectAttempt) => string | URL | Promise<string | URL>;

class ReconnectingClient implements Reconnecting {
  readonly #urlOf: UrlOf;
  readonly #options: CheckedReconnectOptions;
  readonly #waiting: WaitingMessages;
  readonly #ending = new AbortController();
  #socket: Connected | undefined;
  /** Whether messages go to the connection, behind those that wait. */
  #isSending = false;
  /** Settles once nothing waits for the connection, or it is lost. */
  #sent: Promise<void> | undefined;
  #isTaken = false;

  constructor(urlOf: UrlOf, options: CheckedReconnectOptions) {
    this.#urlOf = urlOf;
    this.#options = options;
    this.#waiting = new WaitingMessages(options.maxWaiting);
  }

  get socket(): Connected | undefined {
    return this.#socket;
  }

  get bufferedAmount(): number {
    return this.#waiting.size + (this.#socket?.bufferedAmount ?? 0);
  }

  send(message: Message): void | Promise<void> {
    if (this.#ending.signal.aborted) throw new DOMException("Cannot send: the client has ended", "InvalidStateError");
    const isSending = this.#isSending && takesMessages(this.#socket!);
    if (isSending && this.#waiting.isEmpty) return this.#socket!.send(message);
    this.#waiting.push(message);
    if (isSending) return this.#sent!;
  }

  async close(info: { closeCode?: number; reason?: string } = {}): Promise<void> {
    checkClose(info);
    this.#ending.abort();
    if (this.#isSending) this.#sendWaiting(this.#socket!, driverOf(this.#socket!).options.maxBufferedAmount / 2);
    this.#waiting.clear();
    await this.#socket?.close(info).catch(() => {}); // how it ended is told to whoever reads it
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<Connected> {
    return this.#untilReturn(this.#connections());
  }

  messages(): AsyncIterableIterator<string | Uint8Array<ArrayBuffer>> {
    return this.#untilReturn(this.#messages());
  }

  async receive(handler?: MessageHandler, options?: ReceiveOptions): Promise<void> {
    checkReceive(handler, options);
    for await (const socket of this.#connections()) {
      try {
        await socket.receive(handler, options);
      } catch (error) {
        if (!await isLossOf(socket, error)) throw error;
      }
    }
  }

  async *#messages(): AsyncGenerator<string | Uint8Array<ArrayBuffer>, void> {
    for await (const socket of this.#connections()) {
      try {
        yield* socket.readable;
      } catch (error) {
        if (!await isLossOf(socket, error)) throw error;
      }
    }
  }

  async *#connections(): AsyncGenerator<Connected, void> {
    if (this.#isTaken) throw new TypeError("Cannot use this client again: call reconnect() for another one");
    this.#isTaken = true;
    const { clock, resetAfter, shouldRetry, onRetry, backOff } = this.#options, { signal } = this.#ending;
    const unlisten = whenAborted(this.#options.signal, () => void this.close());
    let attempt = 0, connections = 0, end: End | undefined, wait: Wait | undefined;
    try {
      while (!signal.aborted) {
        const opened = await this.#open({ attempt, connections, error: end?.error, signal });
        if (!opened) return;
        if (opened instanceof HandshakeError) end = { error: opened };
        else {
          const since = clock.now();
          connections++;
          if (await this.#begin(opened)) yield opened;
          end = await endOf(opened);
          this.#forget();
          if (clock.now() - since >= resetAfter) [attempt, wait] = [0, undefined];
        }
        if (signal.aborted) return;
        attempt++;
        if (!end.isOurs && !shouldRetry(end.error, attempt)) {
          if (end.isDone) return;
          throw end.error;
        }
        wait = nextWait(wait, end.error, backOff);
        onRetry?.({ error: end.error, delay: wait.delay, attempt });
        await this.#pause(wait.delay);
      }
    } finally {
      unlisten();
      await this.close(); // who leaves the loop has left the connection open
      this.#forget();
    }
  }

  /** Makes a connection. What was closed or cancelled meanwhile gives `undefined`. */
  async #open(attempt: ReconnectAttempt): Promise<Connected | HandshakeError | undefined> {
    const { signal } = attempt, { configure, connect: options } = this.#options;
    try {
      const url = await unlessAborted((async () => await this.#urlOf(attempt))(), signal);
      const open = (own: ConnectOptions = {}) => connect(url, { ...options, ...own, keepAlive: false, signal });
      // A connection that configure() has made too late is closed by an attempt that is over at once
      const drop = (own: ConnectOptions) => void open(own).catch(() => {});
      return await open(configure && await unlessAborted((async () => await configure(attempt))(), signal, drop));
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof HandshakeError) return error;
      throw error;
    }
  }

  /**
   * Begins to use a connection: calls `onOpen`, and sends what has waited.
   *
   * @returns `false` when it was lost before `onOpen` was done, or the client was closed.
   */
  async #begin(socket: Connected): Promise<boolean> {
    const { onOpen } = this.#options, { signal } = this.#ending;
    this.#socket = socket;
    if (signal.aborted) await this.close();
    const ended = socket.closed.then(() => {}, () => {});
    try {
      if (onOpen) await Promise.race([(async () => await onOpen(socket))(), ended]);
    } catch (error) {
      if (socket.state !== "open" && (signal.aborted || !isClosedByUs(socket))) return false;
      throw error;
    }
    this.#isSending = true;
    this.#sent = this.#sendAllWaiting(socket);
    return !signal.aborted;
  }

  /** Sends what waits, and no more at a time than the connection has room for: it would be dropped. */
  async #sendAllWaiting(socket: Connected): Promise<void> {
    const { flusher, options: { highWaterMark, maxBufferedAmount } } = driverOf(socket);
    const limit = Math.min(highWaterMark, maxBufferedAmount / 2); // some are longer when they are compressed
    for (;;) {
      this.#sendWaiting(socket, limit);
      if (this.#waiting.isEmpty || !takesMessages(socket)) return;
      await flusher.emptied;
    }
  }

  /** A connection that can't send a message, since its user is sending another one in pieces, is dropped. */
  #sendWaiting(socket: Connected, limit: number): void {
    try {
      if (takesMessages(socket)) this.#waiting.sendBy(socket, limit);
    } catch (error) {
      socket.abort(error);
    }
  }

  #forget(): void {
    this.#socket = undefined;
    this.#isSending = false;
  }

  /** Waits; not longer than until the client ends. */
  async #pause(delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>(), deadline = new Deadline(this.#options.clock);
    deadline.set(Math.min(Math.max(delay, 1), MAX_DELAY), resolve);
    const unlisten = whenAborted(this.#ending.signal, () => resolve());
    await promise;
    unlisten();
    deadline.clear();
  }

  /** A generator that can be left while it waits: its own `return()` would wait, too. */
  #untilReturn<Item>(generator: AsyncGenerator<Item, void>): AsyncIterableIterator<Item> {
    return {
      next: () => generator.next(),
      return: async () => {
        await this.close();
        await generator.return();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

function driverOf(socket: Connected): Driver {
  return Connection.driverOf(socket)!; // connect() makes no others
}

/**
 * Whether a message that is sent now can arrive. A server that has sent a Close frame reads no more, unless it waits for
 * the last answers: with 1000 nothing would come after this connection.
 */
function takesMessages(socket: Connected): boolean {
  const { peerClose } = driverOf(socket);
  return socket.state === "open" && (!peerClose || peerClose.closeCode === 1000);
}
