// What rooms ask of whatever numbers their messages, keeps them, and carries them to other processes:
// memory_relay.ts for one process, and the other files of this name by an engine that processes share.

/**
 * A message to publish, as a {@linkcode Relay} gets it.
 *
 * @example A relay that refuses messages of one publisher
 * ```ts
 * import { memoryRelay, type Relay, type RelayDraft, Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const ids: string[] = [];
 * const relay = memoryRelay();
 * const logging: Relay = {
 *   ...relay,
 *   publish(room: string, drafts: readonly RelayDraft[]) {
 *     ids.push(...drafts.map(({ id }) => id));
 *     return relay.publish(room, drafts);
 *   },
 * };
 * await using rooms = new Rooms({ relay: logging });
 * await rooms.publish("lobby", "Hello", { id: "order-1" });
 *
 * assertEquals(ids, ["order-1"]);
 * ```
 */
export interface RelayDraft {
  /** What makes a second attempt known for one: 1 to 128 characters. */
  readonly id: string;
  /** A string without lone surrogates, or bytes that nobody will change. */
  readonly data: string | Uint8Array<ArrayBuffer>;
}

/**
 * A message that a {@linkcode Relay} has stored.
 *
 * @example Usage
 * ```ts
 * import { memoryRelay, type RelayedMessage } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const relay = memoryRelay();
 * const [number] = await relay.publish("lobby", [{ id: "1", data: "Hello" }]);
 * const page = await relay.read("lobby", 0, 10);
 *
 * assertEquals(page.messages, [{ number: number!, data: "Hello" } satisfies RelayedMessage]);
 * ```
 */
export interface RelayedMessage {
  /** Its number in the room: a safe integer above 0, larger than that of every earlier message, but seldom by just one. */
  readonly number: number;
  /** What was published. */
  readonly data: string | Uint8Array<ArrayBuffer>;
}

/**
 * Part of a room's history, as a {@linkcode Relay} keeps it.
 *
 * @example What is no longer kept is told
 * ```ts
 * import { memoryRelay, type RelayPage } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const relay = memoryRelay({ messages: 1 });
 * const [first] = await relay.publish("lobby", ["a", "b", "c"].map((data) => ({ id: data, data })));
 * const page: RelayPage = await relay.read("lobby", first!, 10);
 *
 * assertEquals(page.messages.map(({ data }) => data), ["c"]);
 * assertEquals(page.isTrimmed, true);
 * ```
 */
export interface RelayPage {
  /** The messages after the number that was asked for, in order: as many as asked for, or all there are. */
  readonly messages: readonly RelayedMessage[];
  /**
   * Whether there may have been more between that number and the first of these, which is no longer kept. Also when that
   * number is larger than that of the newest message, for then some are lost; and when the room begins anew, because the engine was emptied: then the first number may be smaller than the one asked for.
   */
  readonly isTrimmed: boolean;
}

/**
 * What a {@linkcode Relay} tells the rooms that it was started for.
 *
 * @example Messages come with the number of the one before them
 * ```ts
 * import { memoryRelay, type RelayListener } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const told: unknown[] = [];
 * const listener: RelayListener = {
 *   onMessage: (room, { number, data }, previous) => void told.push([room, data, previous < number]),
 *   onDown() {},
 *   onUp() {},
 * };
 * const relay = memoryRelay();
 * relay.start(listener);
 * await relay.subscribe("lobby");
 * await relay.publish("lobby", [{ id: "1", data: "Hello" }]);
 *
 * assertEquals(told, [["lobby", "Hello", true]]);
 * ```
 */
export interface RelayListener {
  /**
   * A message of a room that is subscribed to. Messages may come late, after they were read, or twice: one whose number is
   * not larger than the last is passed over. Some may be missing: where the one before it has not come, rooms read.
   *
   * @param room The name of the room.
   * @param message The message.
   * @param previous The number of the message before it in the room; 0 when there was none, or it is not known.
   */
  onMessage(room: string, message: RelayedMessage, previous: number): void;
  /**
   * The engine cannot be used. From now on messages may be missed, and calls fail or wait.
   *
   * @param error Why. Told once, until `onUp`.
   */
  onDown(error: unknown): void;
  /** The engine can be used again, and messages of all subscriptions come: what was missed is there to be read. */
  onUp(): void;
}

/**
 * What rooms stand on: it gives each message its number, keeps some of them, and carries them to all processes. Use
 * `memoryRelay()`, `redisRelay()`, `natsRelay()`, or write one.
 *
 * @example A relay may be used without rooms
 * ```ts
 * import { memoryRelay, type Relay } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const relay: Relay = memoryRelay();
 * const numbers = await relay.publish("lobby", [{ id: "1", data: "Hello" }]);
 *
 * assertEquals(await relay.publish("lobby", [{ id: "1", data: "Hello" }]), numbers); // a second attempt
 * await relay.close();
 * ```
 */
export interface Relay {
  /** The largest message that can be stored, in bytes, of UTF-8 for a string; `undefined` when there is no limit, or none known yet. */
  readonly maxMessageSize?: number | undefined;
  /**
   * Begins, and connects where there is something to connect to. Called once, before everything else; it does not throw
   * for an engine that is not there, but tells it by `onDown`.
   *
   * @param listener Whom it tells.
   */
  start(listener: RelayListener): void;
  /**
   * Stores messages, in their order, and tells them to everybody who subscribes to the room.
   *
   * Rooms wait for one call in a room to settle before the next one, so that order is kept. When it fails they call again,
   * with the same messages first, until it succeeds: a message whose id is known in the room is not stored again,
   * but gets the number that it has. So a call that fails may have stored some, from the first on.
   *
   * @param room The name of the room: any well-formed string of 1 to 256 characters.
   * @param drafts The messages: at least one.
   * @returns Their numbers.
   */
  publish(room: string, drafts: readonly RelayDraft[]): Promise<readonly number[]>;
  /**
   * Reads the history. Nobody has to be subscribed.
   *
   * @param room The name of the room.
   * @param after The number before the first one wanted: 0 for all that is kept. It may be one that the room never had.
   * @param limit How many messages at most; the relay may give fewer, but not none when there are some.
   * @returns The messages, and whether some are missing before them.
   */
  read(room: string, after: number, limit: number): Promise<RelayPage>;
  /**
   * Has messages of a room told. Called once until `unsubscribe`, or again after it failed; a subscription outlives a lost
   * connection.
   *
   * @param room The name of the room.
   * @returns The number of the newest message, 0 for none: each message after that one is told.
   */
  subscribe(room: string): Promise<number>;
  /**
   * Ends a subscription, also one that is under way. Nothing is told of the room any more.
   *
   * @param room The name of the room.
   */
  unsubscribe(room: string): void;
  /**
   * Ends: calls under way are rejected, and what it has connected is closed. The user's own client stays open.
   *
   * @returns Resolves once everything is released; never rejects.
   */
  close(): Promise<void>;
}

/**
 * Whether messages may be missing between a number that somebody has and a message that comes with the number of the one
 * before it. Who has a number that the room had later than that misses nothing; who has any misses all of a room that has
 * begun anew.
 */
export function isCut(previous: number, after: number): boolean {
  return previous > after || previous === 0 && after > 0;
}

/** What calls of a relay reject with once it is closed. */
export function closedError(): DOMException {
  return new DOMException("Cannot use the relay: it is closed", "InvalidStateError");
}
