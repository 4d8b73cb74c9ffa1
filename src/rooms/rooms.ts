// The public class: who is in which room, and what waits to be published. A room is made when somebody enters it, and a queue
// when something is published; both are gone once they are empty.

import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import { checkOptions } from "../base/options.ts";
import { quote } from "../errors/problem.ts";
import type { Message } from "../protocol/contract.ts";
import type { RoomEvent } from "./event.ts";
import type { Sink } from "./follower.ts";
import { Outage } from "./outage.ts";
import { PublishQueue, type QueueHost } from "./publish_queue.ts";
import { Retry } from "./retry.ts";
import { Room, type RoomHost } from "./room.ts";
import {
  type CheckedJoin,
  type CheckedRoomsOptions,
  checkId,
  checkJoin,
  checkRoom,
  checkRoomsOptions,
} from "./rooms_options.ts";
import {
  checkSize,
  checkSocket,
  dataOf,
  type JoinOptions,
  type PublishOptions,
  type RoomsOptions,
} from "./rooms_options.ts";
import { handlerSink, type RoomSubscription, socketSink } from "./sinks.ts";

/**
 * Rooms of WebSockets. What is published in a room gets a number there, and goes to all members, in order. Who comes back
 * with the number that it had last gets what it has missed, and then what is new: nothing twice, and nothing left out
 * without a word. With a relay for an engine, the rooms are the same in all processes that share it.
 *
 * @example A member who comes back
 * ```ts
 * import { connect, serve } from "@handfast/websocket";
 * import { Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * await using rooms = new Rooms();
 * await using server = await serve({ port: 0 }, (socket) => {
 *   const after = new URL(socket.request.url).searchParams.get("after");
 *   return rooms.join("lobby", socket, after === null ? {} : { after: Number(after) });
 * });
 * const first = await rooms.publish("lobby", "I am early");
 * const second = await rooms.publish("lobby", "What have I missed?");
 *
 * await using socket = await connect(`${server.url}?after=${first}`);
 * const { value } = await socket.readable.getReader().read();
 * assertEquals(JSON.parse(value as string), { room: "lobby", number: second, message: "What have I missed?" });
 * ```
 */
export class Rooms implements AsyncDisposable {
  readonly #options: CheckedRoomsOptions;
  readonly #retry: Retry;
  readonly #rooms = new Map<string, Room>();
  readonly #queues = new Map<string, PublishQueue>();
  readonly #host: RoomHost & QueueHost;
  /** The sockets that leave their rooms when they close. */
  readonly #watched = new WeakSet<WebSocketConnection<unknown>>();
  /** What ids begin with that nobody has given. */
  readonly #idPrefix = crypto.randomUUID();
  #ids = 0;
  readonly #outage: Outage;
  #closed: Promise<void> | undefined;
  /** Ends what `close()` waits for. */
  #stopWaiting = () => {};

  /**
   * Makes rooms, and starts their relay.
   *
   * @param options The relay, how events are encoded, and what may wait.
   * @throws {TypeError} When an option is wrong.
   * @throws {RangeError} When a number is out of its range.
   */
  constructor(options: RoomsOptions = {}) {
    this.#options = checkRoomsOptions(options);
    this.#retry = new Retry(this.#options.clock);
    this.#outage = new Outage(this.#options);
    this.#host = this.#makeHost();
    this.#options.relay.start({
      onMessage: (room, message, previous) => this.#rooms.get(room)?.onMessage(message, previous),
      onDown: (error) => this.#onDown(error),
      onUp: () => this.#onUp(),
    });
  }

  #makeHost(): RoomHost & QueueHost {
    const { relay, clock, publishTimeout, maxQueuedMessages, maxQueuedBytes } = this.#options;
    return {
      relay,
      clock,
      publishTimeout,
      retry: this.#retry,
      recentTotal: { bytes: 0 },
      budget: { messages: 0, bytes: 0, maxMessages: maxQueuedMessages, maxBytes: maxQueuedBytes },
      outage: this.#outage,
      onBroken: (error, room) => this.#options.onError(error, { kind: "relay", room }),
      onRoomOver: (room) => {
        if (this.#rooms.get(room.name) === room) this.#rooms.delete(room.name);
      },
      onQueueEmpty: (queue) => {
        if (this.#queues.get(queue.room) === queue) this.#queues.delete(queue.room);
        if (this.#queues.size === 0) this.#stopWaiting();
      },
    };
  }

  #onDown(error: unknown): void {
    if (this.#closed) this.#stopWaiting();
    else this.#outage.down(error);
  }

  #onUp(): void {
    if (this.#closed) return;
    this.#retry.now();
    for (const room of this.#rooms.values()) void room.catchUp();
    this.#outage.up();
  }

  /**
   * Makes a socket a member of a room, until it leaves or closes. A member who takes messages more slowly than they come is
   * sent no more than its `highWaterMark`, and gets the others from what the relay keeps.
   *
   * @param room The name of the room: a string of 1 to 256 characters.
   * @param socket The socket. Other messages may be sent to it as well.
   * @param options Where it begins.
   * @returns Resolves once it misses nothing any more: what is published from then on it will get. While the engine cannot
   * be used, that takes until it can. It resolves to the number behind which the socket begins: `after`, or that of the
   * room's last message, 0 if there is none. A client that is told can come back before it has had a message. It also
   * resolves when the socket has closed, or has left, before.
   * @throws {TypeError} When the room's name or an option is wrong, or the socket is none or already a member.
   * @throws {RangeError} When `after` is not a number of a message.
   * @throws {DOMException} `InvalidStateError` when the rooms are closed, also while it waits.
   */
  async join(room: string, socket: WebSocketConnection<unknown>, options: JoinOptions = {}): Promise<number> {
    checkRoom(room);
    checkSocket(socket);
    const start = checkJoin(options);
    this.#checkOpen("join");
    if (socket.state !== "open") return start.after ?? 0;
    if (this.#rooms.get(room)?.has(socket)) {
      throw new TypeError(`Cannot join: the socket is already a member of ${quote(room)}`);
    }
    if (!this.#watched.has(socket)) {
      this.#watched.add(socket);
      const leave = () => {
        for (const entered of this.#rooms.values()) entered.remove(socket);
      };
      socket.closed.then(leave, leave);
    }
    return await this.#enter("join", room, { key: socket, sink: socketSink(socket, this.#options) }, start);
  }

  /** Adds a follower, and starts it; resolves to the number behind which it begins. */
  async #enter(
    action: string,
    name: string,
    { key, sink }: { readonly key: object; readonly sink: Sink },
    { after, onCaughtUp }: CheckedJoin,
  ): Promise<number> {
    const known = this.#rooms.get(name), room = known ?? new Room(name, this.#host);
    if (!known) this.#rooms.set(name, room);
    const follower = room.add(key, sink);
    await room.ready;
    if (room.isOver && room.has(key)) this.#checkOpen(action); // it has not left
    const begin = after ?? room.place;
    follower.start(begin, () => {
      try {
        onCaughtUp();
      } catch (error) {
        this.#options.onError(error, { kind: "subscriber", room: name });
      }
    });
    return begin;
  }

  /**
   * Ends a membership.
   *
   * @param room The name of the room.
   * @param socket The socket, which stays open.
   * @returns Whether it was a member.
   */
  leave(room: string, socket: WebSocketConnection<unknown>): boolean {
    return this.#rooms.get(room)?.remove(socket) ?? false;
  }

  /**
   * The members of a room that are connected to this process. Who is connected to others is for your application to know,
   * such as by messages that members publish.
   *
   * @param room The name of the room.
   * @returns Their sockets, in the order in which they joined.
   */
  members(room: string): WebSocketConnection[] {
    return [...this.#rooms.get(room)?.keys ?? []].filter((key) => "send" in key) as WebSocketConnection[];
  }

  /**
   * Publishes a message in a room, to all members in all processes; nobody has to be there. Messages that are published by
   * these rooms in one room are stored in the order of the calls. While the engine cannot be used they wait.
   *
   * @param room The name of the room: a string of 1 to 256 characters.
   * @param message A string or a buffer; it has been copied when the call returns.
   * @param options How a second attempt is known for one.
   * @returns The number of the message, once it is stored. It rejects with a `TimeoutError` when it has waited for
   * `publishTimeout`, with a `QuotaExceededError` when too much waits already, and with an `InvalidStateError` when the
   * rooms are closed. Nobody has to handle it.
   * @throws {TypeError} When the room's name, the message or the id is wrong.
   * @throws {RangeError} When the message is larger than the engine takes.
   */
  publish(room: string, message: Message, options: PublishOptions = {}): Promise<number> {
    checkRoom(room);
    const { id } = checkOptions(options);
    const data = checkSize(dataOf(message), this.#options.relay.maxMessageSize);
    const draft = { id: id === undefined ? this.#newId() : checkId(id), data };
    try {
      this.#checkOpen("publish");
      const queue = this.#queues.get(room) ?? new PublishQueue(room, this.#host);
      const stored = queue.add(draft);
      this.#queues.set(room, queue);
      return stored;
    } catch (error) {
      const rejected = Promise.reject<number>(error);
      rejected.catch(() => {});
      return rejected;
    }
  }

  #newId(): string {
    return `${this.#idPrefix}-${this.#ids++}`;
  }

  /**
   * Has a function called with what is published in a room, as if it were a member: for bots, or to know who is there. The
   * promise that it gives is waited for; meanwhile it falls behind as a slow member does.
   *
   * @param room The name of the room: a string of 1 to 256 characters.
   * @param handler Called with each event, in order. What it throws goes to `onError`.
   * @param options Where it begins.
   * @returns Resolves as `join()` does, with a way to end it.
   * @throws {TypeError} When the room's name or an option is wrong, or the handler is no function.
   * @throws {RangeError} When `after` is not a number of a message.
   * @throws {DOMException} `InvalidStateError` when the rooms are closed, also while it waits.
   */
  async subscribe(
    room: string,
    handler: (event: RoomEvent) => unknown,
    options: JoinOptions = {},
  ): Promise<RoomSubscription> {
    checkRoom(room);
    const start = checkJoin(options);
    if (typeof handler !== "function") throw new TypeError("Cannot subscribe: the handler must be a function");
    this.#checkOpen("subscribe");
    const unsubscribe = () => void this.#rooms.get(room)?.remove(subscription);
    const subscription = { after: 0, unsubscribe, [Symbol.dispose]: unsubscribe };
    const follower = { key: subscription, sink: handlerSink(handler, this.#options) };
    subscription.after = await this.#enter("subscribe", room, follower, start);
    return subscription;
  }

  #checkOpen(action: string): void {
    if (this.#closed) throw new DOMException(`Cannot ${action}: the rooms are closed`, "InvalidStateError");
  }

  /**
   * Ends all memberships and subscriptions, and closes the relay. Sockets stay open. Messages that wait are still stored,
   * if the engine can be used; otherwise, and after `closeTimeout`, their promises reject.
   *
   * @returns Resolves once everything is released; never rejects.
   */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { clock, closeTimeout, relay } = this.#options;
    this.#outage.end();
    await undefined; // so that this is known to be closed from here on
    for (const room of [...this.#rooms.values()]) room.end();
    if (this.#host.budget.messages > 0 && !this.#outage.isDown) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#stopWaiting = resolve;
      const timer = closeTimeout > 0 ? clock.setTimeout(resolve, closeTimeout) : undefined;
      await promise;
      if (timer !== undefined) clock.clearTimeout(timer);
    }
    for (const queue of [...this.#queues.values()]) queue.end();
    this.#retry.end();
    try {
      await relay.close();
    } catch (error) {
      this.#options.onError(error, { kind: "relay" });
    }
  }

  /**
   * Closes the rooms, as `close()` does.
   *
   * @returns Resolves once everything is released.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
