// What users have of the group of a server: it can be looked at and sent to. Who is in it is the server's matter, which
// counts on it when it stops.

import type { BroadcastOptions, BroadcastReport } from "../group/broadcast.ts";
import type { Connections } from "../group/connections.ts";
import type { Message } from "../protocol/contract.ts";
import type { PreparedMessage } from "../protocol/prepared_message.ts";
import type { Accepted } from "./accepted.ts";

/**
 * The WebSockets of a server that are not closed yet. Whoever opens is in it, and whoever is closed is not; groups of your
 * own choice, or with values, are {@linkcode Connections}.
 *
 * @example Tell everybody something
 * ```ts
 * import { connect, serve, type ServerConnections } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.receive());
 * const client = await connect(server.url!);
 * await client.ping(); // it has joined
 *
 * const everybody: ServerConnections = server.connections;
 * assertEquals(everybody.broadcast("Lunch!"), { sent: 1, skipped: 0, closed: 0 });
 * assertEquals((await client.readable.getReader().read()).value, "Lunch!");
 * await client.close();
 * ```
 */
export interface ServerConnections<Received = string | Uint8Array<ArrayBuffer>> extends Iterable<Accepted<Received>> {
  /** How many there are: those that are closing are among them until they are closed. */
  readonly size: number;
  /**
   * Whether a WebSocket is open here.
   *
   * @param socket The WebSocket.
   * @returns `true` until it is closed.
   */
  has(socket: Accepted<Received>): boolean;
  /**
   * Sends a message to all of them, as {@linkcode Connections.broadcast} does.
   *
   * @param message A string goes as text, a buffer as binary; what {@linkcode prepare} has given, as it is.
   * @param options Who does not get it, and what to do about slow members.
   * @returns What became of it. It is written at the end of this turn.
   * @throws {TypeError} When the message is none, or an option is wrong.
   * @throws {RangeError} When `slowAbove` is no number of bytes.
   */
  broadcast(
    message: Message | PreparedMessage,
    options?: BroadcastOptions<undefined, Accepted<Received>>,
  ): BroadcastReport;
  /**
   * Goes through them, from the oldest to the newest. They may change meanwhile.
   *
   * @returns The sockets.
   */
  [Symbol.iterator](): IterableIterator<Accepted<Received>>;
}

/** A group that can't be changed from outside. */
export class ConnectionsView implements ServerConnections {
  readonly #group: Connections<undefined, Accepted>;

  constructor(group: Connections<undefined, Accepted>) {
    this.#group = group;
  }

  get size(): number {
    return this.#group.size;
  }

  has(socket: Accepted): boolean {
    return this.#group.has(socket);
  }

  broadcast(message: Message | PreparedMessage, options?: BroadcastOptions<undefined, Accepted>): BroadcastReport {
    return this.#group.broadcast(message, options);
  }

  [Symbol.iterator](): IterableIterator<Accepted> {
    return this.#group[Symbol.iterator]();
  }
}
