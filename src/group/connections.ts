// A group of WebSockets: a set that empties itself as they close, with a value for each. A message can be sent to all of
// them, and all of them can be closed.

import type { Clock } from "../base/clock.ts";
import { checkClock } from "../base/options.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import type { Message } from "../protocol/contract.ts";
import { Prepared, type PreparedMessage } from "../protocol/prepared_message.ts";
import { type BroadcastOptions, type BroadcastReport, checkBroadcast } from "./broadcast.ts";
import { Broadcaster } from "./broadcaster.ts";
import { checkCloseAll, type CloseAllOptions, type CloseAllReport, ClosingAll } from "./closing_all.ts";
import { Connection } from "../connection/connection.ts";
import { driverOf, Membership, type WhenClosed } from "./membership.ts";

/**
 * Options of a group.
 *
 * @example A test that does not wait
 * ```ts
 * import { Connections, type ConnectionsOptions } from "@handfast/websocket";
 * import { fakeClock } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ConnectionsOptions = { clock: fakeClock() };
 *
 * assertEquals(new Connections(options).size, 0);
 * ```
 */
export interface ConnectionsOptions {
  /** The clock of `close()`, such as a fake one in tests; by default the runtime's. */
  clock?: Clock | undefined;
}

/**
 * A group of WebSockets of either role. Whoever closes, or is lost, leaves it by itself once `closed` of it has settled. A
 * WebSocket may be in any number of groups.
 *
 * @typeParam Value What belongs to each member, such as a name; nothing by default.
 * @typeParam Socket What the members are.
 *
 * @example Who is there
 * ```ts
 * import { type Accepted, connect, Connections, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const group = new Connections<{ name: string }, Accepted>();
 * await using server = await serve({ port: 0 }, (socket) => {
 *   group.add(socket, { name: socket.request.target.slice(1) });
 * });
 *
 * const ada = await connect(`${server.url}ada`), bob = await connect(`${server.url}bob`);
 * await Promise.all([ada.ping(), bob.ping()]); // both have joined
 * assertEquals([...group.entries()].map(([, { name }]) => name), ["ada", "bob"]);
 *
 * const socket = [...group][0]!; // at the server, ada's
 * await Promise.all([ada.close(), socket.closed]);
 * assertEquals(group.size, 1);
 * await bob.close();
 * ```
 */
export class Connections<Value = undefined, Socket extends WebSocketConnection<unknown> = WebSocketConnection>
  implements Iterable<Socket> {
  readonly #members = new Set<Membership<Socket, Value>>();
  readonly #broadcaster = new Broadcaster<Value, Socket>(this.#members);
  readonly #clock: Clock;
  /** From `close()` on. */
  #closing: ClosingAll | undefined;

  /**
   * Makes a group without members.
   *
   * @param options The clock.
   * @throws {TypeError} When the clock lacks a method.
   */
  constructor(options: ConnectionsOptions = {}) {
    this.#clock = checkClock(options.clock);
  }

  /** How many members there are: those that are closing are among them until they are closed. */
  get size(): number {
    return this.#members.size;
  }

  /**
   * Adds a WebSocket, or gives a member another value: it keeps its place then. One that is closed is not added. If the
   * group was closed, the WebSocket is closed at once, in the same way.
   *
   * @param socket The WebSocket, from any door of this library.
   * @param value What belongs to it.
   * @returns The group.
   * @throws {TypeError} When it is no WebSocket of this library.
   */
  add(socket: Socket, ...value: undefined extends Value ? [value?: Value] : [value: Value]): this {
    const driver = driverOf(socket), known = this.#memberOf(socket);
    if (known) known.value = value[0]!;
    if (known || driver.state === "closed") return this;
    const member = new Membership<Socket, Value>(socket, driver, value[0]!, this.#whenClosed);
    this.#members.add(member);
    this.#broadcaster.onMembersChanged();
    this.#closing?.onJoined(member);
    return this;
  }

  readonly #whenClosed: WhenClosed<Socket, Value> = (member, outcome) => {
    this.#members.delete(member);
    this.#broadcaster.onMembersChanged();
    this.#closing?.onClosed(outcome);
  };

  /** What a WebSocket is in this group: it is told of the end of the WebSocket, and found there. */
  #memberOf(socket: unknown): Membership<Socket, Value> | undefined {
    for (const owner of Connection.driverOf(socket)?.owners ?? []) {
      if (owner instanceof Membership && owner.whenClosed === this.#whenClosed && owner.isMember) return owner;
    }
    return undefined;
  }

  /**
   * Takes a WebSocket out of the group, and leaves it open.
   *
   * @param socket The WebSocket.
   * @returns Whether it was a member.
   */
  delete(socket: Socket): boolean {
    const member = this.#memberOf(socket);
    if (!member) return false;
    member.leave();
    this.#members.delete(member);
    this.#broadcaster.onMembersChanged();
    this.#closing?.onDeleted();
    return true;
  }

  /**
   * Whether a WebSocket is a member.
   *
   * @param socket The WebSocket.
   * @returns `true` from `add()` until it is closed or deleted.
   */
  has(socket: Socket): boolean {
    return this.#memberOf(socket) !== undefined;
  }

  /**
   * The value that belongs to a member.
   *
   * @param socket The WebSocket.
   * @returns The value, or `undefined` when it is no member.
   */
  get(socket: Socket): Value | undefined {
    return this.#memberOf(socket)?.value;
  }

  /**
   * Goes through the members, from the one that joined first to the one that joined last. The group may change meanwhile.
   *
   * @returns The sockets.
   */
  *[Symbol.iterator](): IterableIterator<Socket> {
    for (const { socket } of this.#members) yield socket;
  }

  /**
   * The members with their values, in the same order.
   *
   * @returns A pair for each.
   */
  *entries(): IterableIterator<[socket: Socket, value: Value]> {
    for (const { socket, value } of this.#members) yield [socket, value];
  }

  /**
   * Sends a message to all members, in order with whatever else is sent to each of them. It is framed and compressed as
   * {@linkcode prepare} says. Nobody waits for anybody: what is done about members that do not read is up to `slow`.
   *
   * @param message A string goes as text, a buffer as binary; what {@linkcode prepare} has given, as it is.
   * @param options Who does not get it, and what to do about slow members.
   * @returns What became of it. It is written at the end of this turn.
   * @throws {TypeError} When the message is none, or an option is wrong.
   * @throws {RangeError} When `slowAbove` is no number of bytes.
   */
  broadcast(message: Message | PreparedMessage, options: BroadcastOptions<Value, Socket> = {}): BroadcastReport {
    const checked = checkBroadcast(options);
    return this.#broadcaster.broadcast(Prepared.of(message, checked.compress), checked);
  }

  /**
   * Closes all members, in the order in which they have joined; waits for the closing handshakes (RFC 6455 §7.1.2), and
   * drops those that do not end within a time. Whoever joins meanwhile or later is closed at once, with the same code: a
   * group that was closed stays so. A second call gives those that are left other options, such as less time; once nobody
   * was left, another call waits for who has joined since, and counts anew.
   *
   * @param options Code and reason, and how long it may take.
   * @returns How the members have ended, once none is left.
   * @throws {RangeError} When a time is out of its range, or `spread` is longer than `within`.
   * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
   */
  close(options: CloseAllOptions = {}): Promise<CloseAllReport> {
    const checked = checkCloseAll(options);
    if (!this.#closing || this.#closing.isFinished) this.#closing = new ClosingAll(this.#members, this.#clock);
    return this.#closing.run(checked);
  }
}
