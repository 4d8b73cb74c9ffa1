// The server's whole job in one call: listens, accepts, answers plain HTTP, runs a handler for each WebSocket, and stops
// without losing what was taken. One client's end, or one handler's mistake, is nobody else's.

import type { NetworkAddress } from "../base/network_address.ts";
import { whenAborted } from "../base/abort.ts";
import { afterIO } from "../base/clock.ts";
import { checkTime } from "../base/options.ts";
import { Deadline } from "../base/timers.ts";
import { listenFor } from "../runtime/choose.ts";
import type { Listener } from "../runtime/listener.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import type { Accepted } from "./accept.ts";
import { type ConnectionHost, ServeConnection } from "./serve_connection.ts";
import {
  type CheckedServeOptions,
  checkServeOptions,
  type ServeErrorContext,
  type ServeHandlers,
  type ServeOptions,
} from "./serve_options.ts";

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
 * for (const socket of server.connections) socket.send("Lunch!");
 * assertEquals((await client.readable.getReader().read()).value, "Lunch!");
 * await server.shutdown();
 * assertEquals((await client.closed).closeCode, 1001);
 * ```
 */
export interface Server extends AsyncDisposable {
  /** The address that it listens on, with the port that it got. */
  readonly addr: NetworkAddress;
  /**
   * Its address as a URL with the scheme http, or https with TLS, for `fetch()` as for `connect()`; `undefined` for a Unix
   * socket. For an address that stands for all of the machine's, such as `0.0.0.0`, it has the loopback address.
   */
  readonly url: string | undefined;
  /** The WebSockets that are not closed yet, from the oldest to the newest; and how many they are, as `size`. */
  readonly connections: Iterable<Accepted> & { readonly size: number };
  /** Resolves once the server was shut down and its last connection is closed. Never rejects. */
  readonly finished: Promise<void>;
  /**
   * Stops the server: it listens no more, WebSockets are closed with 1001 after what was sent to them, requests under way
   * are answered, connections that are kept alive without one are closed. Waits for the handlers of WebSockets, too.
   *
   * @param options `within`: after so many milliseconds what is left is dropped; `closeTimeout` by default, and 0 means no
   * limit. A second call may set it anew.
   * @returns The promise `finished`.
   * @throws {RangeError} When `within` is no time.
   */
  shutdown(options?: { within?: number | undefined }): Promise<void>;
}

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
export async function serve(
  options: ServeOptions,
  handlers: ServeHandlers | ServeHandlers["socket"],
): Promise<Server> {
  const checked = checkServeOptions(options, handlers);
  const listen = await listenFor(checked.listening);
  const connections = new Connections(checked);
  const listener = await listen(checked.listening, {
    onConnection: (transport) => connections.add(transport),
    onError: (error) => connections.report(error, { kind: "listener" }),
  });
  const server = new RunningServer(listener, connections, checked);
  try {
    await checked.onListen?.(server.addr);
  } catch (error) { // nobody gets the server
    await server.shutdown();
    throw error;
  }
  return server;
}

/** The connections of a server. */
class Connections implements ConnectionHost {
  readonly options: CheckedServeOptions;
  readonly sockets = new Set<Accepted>();
  readonly #all = new Set<ServeConnection>();
  readonly #finished = Promise.withResolvers<void>();
  /** Ends the wait for requests that have come and are not read yet. */
  #stopWaiting = () => {};
  isStopping = false;

  constructor(options: CheckedServeOptions) {
    this.options = options;
  }

  /** Resolves once it was stopped and nothing is left. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  add(transport: OwnedTransport): void {
    if (this.isStopping) return transport.abort();
    const connection = new ServeConnection(transport, this);
    this.#all.add(connection);
    connection.run();
  }

  onOpen(socket: Accepted): void {
    this.sockets.add(socket);
  }

  onClosed(socket: Accepted): void {
    this.sockets.delete(socket);
  }

  onOver(connection: ServeConnection): void {
    this.#all.delete(connection);
    this.#checkFinished();
  }

  /** Lets nothing new begin. */
  stop(): void {
    this.isStopping = true;
    for (const connection of this.#all) connection.stop();
    // A request may have come that is not read yet: it is answered
    this.#stopWaiting = afterIO(2, () => {
      for (const connection of this.#all) connection.stopIdle();
    });
    this.#checkFinished();
  }

  /** Whether it was stopped and nothing is left. */
  get isFinished(): boolean {
    return this.isStopping && this.#all.size === 0;
  }

  /** Drops what is left, and does not wait for handlers. */
  abort(reason: unknown): void {
    for (const connection of this.#all) connection.abort(reason);
    this.#all.clear();
    this.sockets.clear();
    this.#checkFinished();
  }

  #checkFinished(): void {
    if (!this.isFinished) return;
    this.#stopWaiting();
    this.#finished.resolve();
  }

  /** Calls `onError`, whose own mistakes end nothing either. */
  async report(error: unknown, context: ServeErrorContext): Promise<void> {
    try {
      await this.options.onError(error, context);
    } catch (mistake) {
      console.error(mistake);
    }
  }
}

class RunningServer implements Server {
  readonly #listener: Listener;
  readonly #connections: Connections;
  readonly #options: CheckedServeOptions;
  readonly #deadline: Deadline;
  /** Resolves once the listener has given its address back. */
  #stopped: void | Promise<void> = undefined;
  readonly finished: Promise<void>;

  constructor(listener: Listener, connections: Connections, options: CheckedServeOptions) {
    this.#listener = listener;
    this.#connections = connections;
    this.#options = options;
    this.#deadline = new Deadline(options.accepting.connection.clock);
    const ignoreSignal = whenAborted(options.signal, () => this.shutdown());
    this.finished = connections.finished.then(async () => {
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

  get connections(): Iterable<Accepted> & { readonly size: number } {
    return this.#connections.sockets;
  }

  shutdown({ within }: { within?: number | undefined } = {}): Promise<void> {
    const time = checkTime("within", within, this.#options.accepting.connection.closeTimeout);
    if (this.#connections.isFinished) return this.finished;
    if (within !== undefined || !this.#connections.isStopping) {
      const reason = new Error(`The server has stopped, and waits no longer than ${time} ms`);
      this.#deadline.set(time, () => this.#connections.abort(reason));
    }
    if (!this.#connections.isStopping) {
      this.#stopped = this.#listener.stop();
      this.#connections.stop();
    }
    return this.finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

/** What can be connected to where a server listens on all addresses. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
