// The class WebSocketStream (WHATWG WebSockets, PR 48; Chromium has it since 124) over a connection of ours.

import { checkSignal } from "../base/options.ts";
import { connectChecked } from "../client/connect.ts";
import type { CheckedConnectOptions } from "../client/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { CloseInfo, WebSocketErrorInit } from "../errors/websocket_error.ts";
import type { Message } from "../protocol/contract.ts";
import { StreamEnds } from "./stream_ends.ts";
import { notOpenedError, webClose } from "./stream_error.ts";
import { checkWebOptions, type WebOptions } from "./web_options.ts";
import { webProtocols } from "./web_protocols.ts";
import { webUrl } from "./web_url.ts";

/**
 * What the web's own constructor takes beside the URL.
 *
 * @example Two versions of a subprotocol, and a signal
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { WebSocketStream, type WebSocketStreamInit } from "@handfast/websocket/stream";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0, protocols: ["v1"] }, (socket) => socket.receive());
 * const init: WebSocketStreamInit = { protocols: ["v2", "v1"], signal: AbortSignal.timeout(5000) };
 * const stream = new WebSocketStream(server.url!, init);
 *
 * assertEquals((await stream.opened).protocol, "v1");
 * stream.close();
 * await stream.closed;
 * ```
 */
export interface WebSocketStreamInit {
  /** The subprotocols to offer, the preferred one first: tokens that differ in more than case. */
  protocols?: Iterable<string> | undefined;
  /** Cancels the handshake: `opened` and `closed` reject with its reason. Once `opened` is fulfilled, it has no effect. */
  signal?: AbortSignal | undefined;
}

/**
 * What `opened` gives.
 *
 * @example A message
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { type WebSocketOpenInfo, WebSocketStream } from "@handfast/websocket/stream";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
 * const stream = new WebSocketStream(server.url!);
 * const { readable, writable }: WebSocketOpenInfo = await stream.opened;
 * await writable.getWriter().write(Uint8Array.of(1, 2));
 *
 * assertEquals((await readable.getReader().read()).value, Uint8Array.of(1, 2));
 * stream.close();
 * await stream.closed;
 * ```
 */
export interface WebSocketOpenInfo {
  /** The messages that come in. Cancelling it closes; the code and reason of a `WebSocketError` are used. */
  readonly readable: ReadableStream<string | Uint8Array<ArrayBuffer>>;
  /**
   * The messages that go out: a buffer as binary, anything else as the text that it converts to. A write waits while more
   * than `highWaterMark` bytes are to be written. Closing or aborting it closes.
   */
  readonly writable: WritableStream<Message>;
  /** The extensions in use, or `""`. */
  readonly extensions: string;
  /** The subprotocol in use, or `""`. */
  readonly protocol: string;
}

/**
 * The web's class for a WebSocket with streams, as Chromium has it.
 *
 * @example An echo
 * ```ts
 * import { serve } from "@handfast/websocket";
 * import { WebSocketStream } from "@handfast/websocket/stream";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive((message) => socket.send(message)));
 * const stream = new WebSocketStream(server.url!);
 * const { readable, writable } = await stream.opened;
 * await writable.getWriter().write("Hello");
 *
 * assertEquals((await readable.getReader().read()).value, "Hello");
 * stream.close({ closeCode: 1000, reason: "done" });
 * assertEquals((await stream.closed).closeCode, 1000);
 * ```
 */
export class WebSocketStream {
  readonly #url: string;
  readonly #opened = Promise.withResolvers<WebSocketOpenInfo>();
  readonly #closed = Promise.withResolvers<CloseInfo>();
  /** Ends the handshake; its reason is what the promises reject with. */
  readonly #connecting = new AbortController();
  #connection: Connection | undefined;

  /**
   * Opens a WebSocket.
   *
   * @param url Where to connect to: `ws:`, `wss:`, `http:` or `https:`, absolute and without a fragment.
   * @param init The web's own options.
   * @param options What {@linkcode connect} can beyond the web.
   * @throws {DOMException} `SyntaxError` when the URL or a subprotocol can't be used.
   * @throws {TypeError} When an argument has a wrong type, or an option can't be used.
   * @throws {RangeError} When a number among the options is out of its range.
   */
  constructor(url: string | URL, init: WebSocketStreamInit = {}, options: WebOptions = {}) {
    if (arguments.length === 0) throw new TypeError("Cannot open a WebSocketStream: the URL is missing");
    if (typeof (init ?? {}) !== "object") {
      throw new TypeError("Cannot open a WebSocketStream: the second argument must be { protocols, signal }");
    }
    const target = webUrl(url), protocols = webProtocols(init?.protocols ?? []);
    const outer = checkSignal(init?.signal), { signal } = this.#connecting;
    const checked = checkWebOptions(options, { protocols, signal });
    this.#url = target.href;
    for (const { promise } of [this.#opened, this.#closed]) promise.catch(() => {}); // nobody has to handle them
    void this.#open(target, checked, outer);
  }

  /** The URL, as it was parsed: with the scheme ws or wss. */
  get url(): string {
    return this.#url;
  }

  /** The streams, once the WebSocket is open; rejects with a `WebSocketError`, whose `cause` says what was in the way. */
  get opened(): Promise<WebSocketOpenInfo> {
    return this.#opened.promise;
  }

  /**
   * How it was closed: the peer's code and reason. Rejects with a `WebSocketError` when it was not closed cleanly: when the
   * connection was lost (1006), or when the peer closed while a write was waiting (its code).
   */
  get closed(): Promise<CloseInfo> {
    return this.#closed.promise;
  }

  /** What `Object.prototype.toString()` shows. */
  get [Symbol.toStringTag](): string {
    return "WebSocketStream";
  }

  /**
   * Starts the closing handshake, or gives up opening.
   *
   * @param info Code and reason. Without them the Close frame is empty; a reason alone goes with the code 1000.
   * @throws {DOMException} `InvalidAccessError` for a code other than 1000 and 3000–4999, `SyntaxError` for a reason of more
   * than 123 bytes of UTF-8.
   * @throws {TypeError} When it is not an object, or the code is no number from 0 to 65535.
   */
  close(info: WebSocketErrorInit = {}): void {
    const checked = webClose(info);
    if (this.#connection) this.#connection.close(checked);
    else this.#connecting.abort(notOpenedError("The WebSocketStream was closed before it was open"));
  }

  async #open(url: URL, checked: CheckedConnectOptions, outer: AbortSignal | undefined): Promise<void> {
    const { signal } = this.#connecting, abort = () => this.#connecting.abort(outer!.reason);
    if (outer?.aborted) abort();
    else outer?.addEventListener("abort", abort);
    try {
      const connection = await connectChecked(url, checked);
      if (signal.aborted) { // in the turn in which it was opened
        connection.abort();
        throw signal.reason;
      }
      this.#connection = connection;
      const { readable, extensions, protocol } = connection;
      const { writable } = new StreamEnds(connection, (outcome) => {
        if (outcome instanceof Error) this.#closed.reject(outcome);
        else this.#closed.resolve(outcome);
      });
      this.#opened.resolve({ readable, writable, extensions, protocol });
    } catch (error) {
      const reason = signal.aborted ? signal.reason : notOpenedError("The WebSocketStream could not be opened", error);
      this.#opened.reject(reason);
      this.#closed.reject(reason);
    } finally {
      outer?.removeEventListener("abort", abort);
    }
  }
}
