// The server's whole job in one call: listens, accepts, answers plain HTTP, runs a handler for each WebSocket, and stops
// without losing what was taken. One client's end, or one handler's mistake, is nobody else's.

import type { NetworkAddress } from "../base/network_address.ts";
import { whenAborted } from "../base/abort.ts";
import { Deadline } from "../base/timers.ts";
import type { StreamingOptions } from "../connection/connection_options.ts";
import type { ReceivedOrPieces } from "../connection/incoming_pieces.ts";
import { parseForeignHttp2 } from "../http/http2_head.ts";
import { listenFor } from "../runtime/sockets.ts";
import type { Listener } from "../runtime/listener.ts";
import { type CheckedServeOptions, checkServeOptions, type ServeHandlers, type ServeOptions } from "./serve_options.ts";
import type { ServerConnections } from "./server_connections.ts";
import { Serving } from "./serving.ts";
import { checkShutdown, type ShutdownOptions } from "./shutdown_options.ts";

/**
 * A server that listens.
 *
 * @example Tell everybody something
 * ```ts
 * import { connect, serve, type Server } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const server: Server = await serve({ port: 0 }, (socket) => socket.receive());
 * const client = await connect(server.url!);
 *
 * server.connections.broadcast("Lunch!");
 * assertEquals((await client.readable.getReader().read()).value, "Lunch!");
 * await server.shutdown();
 * assertEquals((await client.closed).closeCode, 1001);
 * ```
 */
export interface Server<Received = string | Uint8Array<ArrayBuffer>> extends AsyncDisposable {
  /** The address that it listens on, with the port that it got. */
  readonly addr: NetworkAddress;
  /**
   * Its address as a URL with the scheme http, or https with TLS, for `fetch()` as for `connect()`; `undefined` for a Unix
   * socket. For an address that stands for all of the machine's, such as `0.0.0.0`, it has the loopback address.
   */
  readonly url: string | undefined;
  /** The WebSockets that are not closed yet, from the oldest to the newest. */
  readonly connections: ServerConnections<Received>;
  /** Resolves once the server was shut down and its last connection is closed. Never rejects. */
  readonly finished: Promise<void>;
  /**
   * Stops the server. It listens no more, and its address is free for another one. WebSockets are closed with 1001, after
   * what was sent to them; requests under way are answered, and a new one for a WebSocket, on a connection that was there
   * already, with 503 and Retry-After; connections that are kept alive without one are closed. Waits for the handlers of
   * WebSockets, too.
   *
   * @param options How much time to take, and what to say. After the first call only `within` counts; where it is shorter
   * than what is left of `spread`, the WebSockets that are left are closed at once.
   * @returns The promise `finished`.
   * @throws {TypeError} When the options are no object.
   * @throws {RangeError} When a time is out of its range, or `spread` longer than `within`.
   * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/**
 * Serves WebSockets of which long messages are handed over in pieces; everything else is as without `streamAbove`.
 *
 * @param options From which size on messages come in pieces, and the other options.
 * @param handlers What to do with each WebSocket, and with each plain request.
 * @returns The server, once it listens.
 *
 * @example Echo, for messages of any length
 * ```ts
 * import { connect, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0, streamAbove: 65536 }, async (socket) => {
 *   await socket.receive((message) => socket.send(message));
 * });
 *
 * await using socket = await connect(server.url!);
 * socket.send("x".repeat(200_000));
 * assertEquals((await socket.readable.getReader().read()).value, "x".repeat(200_000));
 * ```
 */
export function serve(
  options: ServeOptions & StreamingOptions,
  handlers: ServeHandlers<ReceivedOrPieces> | ServeHandlers<ReceivedOrPieces>["socket"],
): Promise<Server<ReceivedOrPieces>>;
/**
 * Serves WebSockets, and plain HTTP beside them, on one port, with the fastest sockets of Deno, Bun or Node. Clients that
 * leave, break the protocol or overwhelm it, and handlers that fail, end their own connection and nothing else.
 *
 * @param options Where to listen, and what {@linkcode accept} takes: `serve({ port: 8000 }, …)`.
 * @param handlers What to do with each WebSocket, and with each plain request; or the former alone, as a function.
 * @returns The server, once it listens.
 * @throws {TypeError} Rejects when an option or a handler is wrong, before anything is listened on; and on a runtime
 * without TCP sockets. Also rejects with whatever `onListen` throws.
 * @throws {RangeError} Rejects when a number among the options is out of its range.
 * @throws {unknown} Rejects with the reason of the signal, if it has aborted already; then nothing was listened on.
 * @throws {Error} Rejects when it can't listen, such as on a port that is taken: `code` is then that of the system, such as
 * `EADDRINUSE`, and `cause` the runtime's error.
 *
 * @example Echo
 * ```ts
 * import { connect, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, async (socket) => {
 *   await socket.receive((message) => socket.send(message));
 * });
 *
 * await using socket = await connect(server.url!);
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * ```
 */
export function serve(options: ServeOptions, handlers: ServeHandlers | ServeHandlers["socket"]): Promise<Server>;
export async function serve(
  options: ServeOptions,
  handlers: ServeHandlers | ServeHandlers["socket"],
): Promise<Server> {
  const checked = checkServeOptions(options, handlers), { signal } = checked;
  signal?.throwIfAborted();
  const listen = await listenFor(checked.listening);
  const serving = new Serving(checked);
  const listener = await listen(checked.listening, {
    onConnection: (transport) => serving.add(transport),
    onStream: (fields, makeStream) => serving.addStream(makeStream(parseForeignHttp2(fields))),
    onError: (error) => serving.report(error, { kind: "listener" }),
  });
  const server = new RunningServer(listener, serving, checked);
  try {
    signal?.throwIfAborted(); // while it began to listen
    await checked.onListen?.(server.addr);
  } catch (error) { // nobody gets the server
    await server.shutdown();
    throw error;
  }
  return server;
}

class RunningServer implements Server {
  readonly #listener: Listener;
  readonly #serving: Serving;
  readonly #options: CheckedServeOptions;
  readonly #deadline: Deadline;
  /** Resolves once the listener has given its address back. */
  #stopped: void | Promise<void> = undefined;
  readonly finished: Promise<void>;

  constructor(listener: Listener, serving: Serving, options: CheckedServeOptions) {
    this.#listener = listener;
    this.#serving = serving;
    this.#options = options;
    this.#deadline = new Deadline(options.accepting.connection.clock);
    const ignoreSignal = whenAborted(options.signal, () => this.shutdown());
    this.finished = serving.finished.then(async () => {
      ignoreSignal();
      this.#deadline.clear();
      listener.close();
      await this.#stopped;
    });
  }

  get addr(): NetworkAddress {
    return this.#listener.addr;
  }

  get url(): string | undefined {
    const { addr } = this.#listener;
    if (addr.transport === "unix") return undefined;
    const hostname = LOOPBACK_OF[addr.hostname] ?? addr.hostname;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    return `${this.#options.listening.tls ? "https" : "http"}://${host}:${addr.port}/`;
  }

  get connections(): ServerConnections {
    return this.#serving.connections;
  }

  shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { accepting: { connection: { closeTimeout } }, limits } = this.#options, serving = this.#serving;
    const checked = checkShutdown(options, { closeTimeout, retryAfter: limits.retryAfter }), { within } = checked;
    if (serving.isFinished) return this.finished;
    if (options.within !== undefined || !serving.stopping) {
      const reason = new Error(`The server has stopped, and waits no longer than ${within} ms`);
      this.#deadline.set(within, () => serving.abort(reason));
    }
    if (serving.stopping) {
      if (options.within !== undefined) serving.hurry(within);
    } else {
      this.#stopped = this.#listener.stop();
      serving.stop(checked);
    }
    return this.finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

/** What can be connected to where a server listens on all addresses. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
