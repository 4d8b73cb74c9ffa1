// All connections of one server: takes what its listener hands over or turns it away, knows what is open, and stops it.

import { afterIO } from "../base/clock.ts";
import { Connections } from "../group/connections.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import type { Problem } from "../errors/problem.ts";
import { linger, type Lingering } from "../transport/linger.ts";
import type { OwnedTransport } from "../transport/owned_transport.ts";
import type { Transport } from "../transport/transport.ts";
import type { Accepted } from "./accepted.ts";
import { Roster } from "../base/roster.ts";
import { Limits, turnAwayBytes } from "./limits.ts";
import type { RequestStream } from "../runtime/request_stream.ts";
import { ServeConnection } from "./serve_connection.ts";
import { ServeStream } from "./serve_stream.ts";
import type { ConnectionHost, Served } from "./served.ts";
import type { CheckedServeOptions, ServeErrorContext } from "./serve_options.ts";
import { ConnectionsView, type ServerConnections } from "./server_connections.ts";
import type { CheckedShutdown } from "./shutdown_options.ts";

/** How long who is turned away has to send its first bytes, and then to read why, in milliseconds. */
const TIME_TO_READ = 1000;

/** How many are told why at once: in a flood that is larger, the others are disconnected without a word. */
const MOST_TOLD = 1024;

/** The connections of a server. */
export class Serving implements ConnectionHost {
  readonly options: CheckedServeOptions;
  readonly limits: Limits;
  /** The WebSockets, and what users see of them. */
  readonly #sockets: Connections<undefined, Accepted>;
  readonly connections: ServerConnections;
  readonly #all = new Roster<Served>();
  /** Those who are turned away, and are told why. */
  readonly #turnedAway = new Set<Lingering>();
  readonly #finished = Promise.withResolvers<void>();
  /** Ends the wait for requests that have come and are not read yet. */
  #stopWaiting = () => {};
  stopping: Problem | undefined;
  /** How the WebSockets are closed, and when the last one is, once it stops. */
  #closing: { readonly closeCode: number; readonly reason: string; readonly until: number } | undefined;

  constructor(options: CheckedServeOptions) {
    this.options = options;
    const { limits, accepting, handlers } = options;
    const { clock } = accepting.connection;
    this.limits = new Limits(limits, clock, handlers.http !== undefined);
    this.#sockets = new Connections({ clock });
    this.connections = new ConnectionsView(this.#sockets);
  }

  /** Resolves once it was stopped and nothing is left. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  add(transport: OwnedTransport): void {
    const connection = new ServeConnection(transport, this);
    const problem = this.stopping ?? this.limits.enter(connection, transport);
    if (problem) return this.#turnAway(transport, problem);
    this.#all.add(connection);
    connection.run();
  }

  /** Takes a request on a stream of HTTP/2, which has a place of its own; a refusal of it is a response. */
  addStream(stream: RequestStream): void {
    const served = new ServeStream(stream, this);
    this.#all.add(served);
    served.run(stream);
  }

  /** Refuses a client as it comes: nothing of it is read but to see that it has begun to ask, and its end. */
  #turnAway(transport: Transport, problem: Problem): void {
    const error = new HandshakeError(problem.failure, `Cannot accept the connection: ${problem.detail}`);
    this.report(error, { kind: "peer", remoteAddr: transport.remoteAddr });
    if (this.#turnedAway.size >= MOST_TOLD) return transport.abort();
    const { clock } = this.options.accepting.connection;
    const lingering = linger(transport, { clock, timeout: TIME_TO_READ, lastWords: turnAwayBytes(problem) });
    this.#turnedAway.add(lingering);
    lingering.closed.then(() => {
      this.#turnedAway.delete(lingering);
      this.#checkFinished();
    });
  }

  onOpen(socket: Accepted): void {
    this.#sockets.add(socket); // which closes it if they are closed already
  }

  onOver(connection: Served): void {
    this.#all.delete(connection);
    this.#checkFinished();
  }

  /** Lets nothing new begin, and closes the WebSockets. */
  stop({ closeCode, reason, spread, retryAfter }: CheckedShutdown): void {
    this.#closing = { closeCode, reason, until: this.options.accepting.connection.clock.now() + spread };
    this.stopping = { failure: "server-stopping", detail: "the server is stopping", retryAfter };
    this.#sockets.close({ closeCode, reason, spread, within: 0 }); // the server itself drops what is left
    // A request may have come that is not read yet: it is answered
    this.#stopWaiting = afterIO(2, () => {
      for (const connection of this.#all.list()) connection.stopIdle();
    });
    this.#checkFinished();
  }

  /** There is less time than was said: whose turn would not come any more is closed now. */
  hurry(within: number): void {
    const { closeCode, reason, until } = this.#closing!;
    if (within === 0 || this.options.accepting.connection.clock.now() + within >= until) return;
    this.#closing = { closeCode, reason, until: 0 };
    this.#sockets.close({ closeCode, reason, within: 0 });
  }

  /** Whether it was stopped and nothing is left. */
  get isFinished(): boolean {
    return this.stopping !== undefined && this.#all.size + this.#turnedAway.size === 0;
  }

  /** Drops what is left, and does not wait for handlers. */
  abort(reason: unknown): void {
    for (const connection of this.#all.list()) connection.abort(reason);
    for (const lingering of this.#turnedAway) lingering.close();
    this.#all.clear();
    this.#turnedAway.clear();
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
