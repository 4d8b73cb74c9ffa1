// The options of rooms and of their calls, and the checks.

import type { Clock } from "../base/clock.ts";
import { bytesOf, snapshotOf } from "../base/owned_bytes.ts";
import { checkClock, checkOptions, limitOf, timeOf } from "../base/options.ts";
import { isPromiseLike, type WebSocketConnection } from "../connection/websocket_connection.ts";
import { quote } from "../errors/problem.ts";
import type { Message } from "../protocol/contract.ts";
import { encodeAsJson, type RoomEvent, type RoomsErrorContext } from "./event.ts";
import { memoryRelay } from "./memory_relay.ts";
import type { Relay } from "./relay.ts";

/**
 * Options of `Rooms`.
 *
 * @example Messages wait for a broken engine for five seconds at most
 * ```ts
 * import { Rooms, type RoomsOptions } from "@handfast/websocket/rooms";
 * import { assert } from "@std/assert";
 *
 * const options: RoomsOptions = { publishTimeout: 5000 };
 * await using rooms = new Rooms(options);
 *
 * assert(await rooms.publish("lobby", "Hello") > 0);
 * ```
 */
export interface RoomsOptions {
  /**
   * What numbers messages, keeps them and carries them to other processes; it is closed with the rooms. By default a
   * `memoryRelay()`, which is for one process.
   */
  relay?: Relay | undefined;
  /**
   * Encodes what members get. It is called once for a message, whatever the number of members, and not at all where there
   * are none. By default a text message in JSON: `{"room":…,"number":…,"message":…}`, with `"base64"` in place of
   * `"message"` for a binary one; for missing messages `{"room":…,"gap":{"after":…,"next":…}}`.
   */
  encode?: ((event: RoomEvent) => Message) | undefined;
  /**
   * How many published messages may wait to be stored, in all rooms together. Past it `publish()` rejects.
   *
   * @default {10000}
   */
  maxQueuedMessages?: number | undefined;
  /**
   * How many bytes of published messages may wait to be stored, in all rooms together; one message alone may be larger.
   *
   * @default {16777216}
   */
  maxQueuedBytes?: number | undefined;
  /**
   * How long a published message may wait to be stored, in milliseconds. After it `publish()` rejects; 0 means no limit.
   *
   * @default {30000}
   */
  publishTimeout?: number | undefined;
  /**
   * How long `close()` waits for messages that are being stored, in milliseconds.
   *
   * @default {10000}
   */
  closeTimeout?: number | undefined;
  /**
   * Called with every error that no caller of yours can catch: once when the engine cannot be used, and with what handlers
   * and `encode` throw. By default `console.error()` prints them, as it does what this throws itself.
   */
  onError?: ((error: unknown, context: RoomsErrorContext) => void) | undefined;
  /** Called when the engine can be used again: once after each time that `onError` was told that it cannot. */
  onRecovery?: (() => void) | undefined;
  /** The clock of its timeouts and pauses; the runtime's by default. */
  clock?: Clock | undefined;
}

/**
 * Where a member or a subscriber begins.
 *
 * @example All that is kept
 * ```ts
 * import { type JoinOptions, Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const all: JoinOptions = { after: 0 };
 * await using rooms = new Rooms();
 * await rooms.publish("lobby", "I am early");
 * const { promise, resolve } = Promise.withResolvers<unknown>();
 * await rooms.subscribe("lobby", (event) => resolve(event.message), all);
 *
 * assertEquals(await promise, "I am early");
 * ```
 */
export interface JoinOptions {
  /**
   * The number of the last message that it has had, to get what it has missed: 0 for everything that is kept. By default it
   * gets what is new. Behind a number that the room has not come to, it is told of a gap.
   */
  after?: number | undefined;
  /**
   * Called once it has been handed all that it had missed, and nothing new yet: at once where it had missed nothing. A page
   * may be told by it that its history is complete.
   */
  onCaughtUp?: (() => void) | undefined;
}

/**
 * How a message is published.
 *
 * @example Once, although it is published twice
 * ```ts
 * import { type PublishOptions, Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * const order: PublishOptions = { id: "order-7" };
 * await using rooms = new Rooms();
 * const number = await rooms.publish("orders", "A coffee", order);
 *
 * assertEquals(await rooms.publish("orders", "A coffee", order), number);
 * ```
 */
export interface PublishOptions {
  /**
   * Makes a second attempt known for one, also in another process: a message whose id is known in the room gets the number
   * that it has, and is not delivered again. How long ids are known is the relay's matter. By default a new one.
   */
  id?: string | undefined;
}

/** The options, checked. */
export interface CheckedRoomsOptions {
  readonly relay: Relay;
  readonly encode: NonNullable<RoomsOptions["encode"]>;
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  readonly publishTimeout: number;
  readonly closeTimeout: number;
  readonly onError: NonNullable<RoomsOptions["onError"]>;
  readonly onRecovery: () => void;
  readonly clock: Clock;
}

/** Options of joining, checked. */
export interface CheckedJoin {
  readonly after: number | undefined;
  readonly onCaughtUp: () => void;
}

const RELAY = ["start", "publish", "read", "subscribe", "unsubscribe", "close"] as const;

/**
 * Checks the options of rooms.
 *
 * @throws {TypeError} When one is wrong.
 * @throws {RangeError} When a number is out of its range.
 */
export function checkRoomsOptions(options: RoomsOptions): CheckedRoomsOptions {
  checkOptions(options);
  for (const name of ["encode", "onError", "onRecovery"] as const) {
    if (options[name] !== undefined && typeof options[name] !== "function") {
      throw new TypeError(`Cannot use the option ${name}: it must be a function`);
    }
  }
  const { relay = memoryRelay(), encode = encodeAsJson, onError = printError, onRecovery = () => {} } = options;
  if (typeof relay === "function") {
    throw new TypeError("Cannot use the option relay: it is a function. Call it, as in relay: memoryRelay()");
  }
  const missing = RELAY.find((method) => typeof relay?.[method] !== "function");
  if (missing) throw new TypeError(`Cannot use the option relay: it has no ${missing}()`);
  return {
    relay,
    encode,
    maxQueuedMessages: limitOf(options, "maxQueuedMessages"),
    maxQueuedBytes: limitOf(options, "maxQueuedBytes"),
    publishTimeout: timeOf(options, "publishTimeout"),
    closeTimeout: timeOf(options, "closeTimeout"),
    onError: guarded("onError", onError),
    onRecovery: guarded("onRecovery", onRecovery),
    clock: checkClock(options.clock),
  };
}

/** A function of the user's that must not break whoever calls it: what it throws is printed. */
function guarded<Args extends unknown[]>(name: string, call: (...args: Args) => unknown): (...args: Args) => void {
  const onMistake = (error: unknown) => console.error(`Rooms: ${name}() has failed:`, error);
  return (...args) => {
    try {
      const result = call(...args);
      if (isPromiseLike(result)) result.then(undefined, onMistake);
    } catch (error) {
      onMistake(error);
    }
  };
}

/** What rooms print where their user handles no errors. */
function printError(error: unknown, { kind, room }: RoomsErrorContext): void {
  console.error(`Rooms: an error of the ${kind}${room === undefined ? "" : ` in the room ${quote(room)}`}:`, error);
}

const MAX_NAME = 256, MAX_ID = 128;

/**
 * The name of a room.
 *
 * @throws {TypeError} When it is not a well-formed string of 1 to 256 characters.
 */
export function checkRoom(room: string): string {
  return checkText("room", room, MAX_NAME);
}

/**
 * The id of a message.
 *
 * @throws {TypeError} When it is not a well-formed string of 1 to 128 characters.
 */
export function checkId(id: string): string {
  return checkText("id", id, MAX_ID);
}

function checkText(name: string, value: string, max: number): string {
  if (typeof value === "string" && value !== "" && value.length <= max && value.isWellFormed()) return value;
  const shown = typeof value === "string" ? quote(value) : String(value);
  const rule = `must be a string of 1 to ${max} characters without lone surrogates`;
  throw new TypeError(`Cannot use the ${name}: it is ${shown}, and ${rule}`);
}

/**
 * Where somebody begins, and what is called when they have caught up.
 *
 * @throws {RangeError} When `after` is not a safe integer of at least 0.
 * @throws {TypeError} When `onCaughtUp` is no function, or the options are no object.
 */
export function checkJoin(options: JoinOptions): CheckedJoin {
  const { after, onCaughtUp = () => {} } = checkOptions(options);
  if (typeof onCaughtUp !== "function") throw new TypeError("Cannot use the option onCaughtUp: it must be a function");
  if (after === undefined || Number.isSafeInteger(after) && after >= 0) return { after, onCaughtUp };
  const shown = typeof after === "string" ? `the string ${quote(after)}` : String(after);
  throw new RangeError(`Cannot use the option after: it is ${shown}, and must be the number of a message, or 0`);
}

/**
 * A socket that may join.
 *
 * @throws {TypeError} When it is something else.
 */
export function checkSocket(socket: WebSocketConnection<unknown>): WebSocketConnection<unknown> {
  if (typeof socket?.send === "function" && typeof socket.closed?.then === "function") return socket;
  throw new TypeError(
    "Cannot use the socket: it must be a WebSocketConnection, such as serve(), accept() and connect() give",
  );
}

/**
 * A copy of a message to publish.
 *
 * @throws {TypeError} When it is neither a string nor a buffer, or the buffer is shared, resizable or detached.
 */
export function dataOf(message: Message): string | Uint8Array<ArrayBuffer> {
  return typeof message === "string" ? message.toWellFormed() : snapshotOf(bytesOf(message));
}

/**
 * A message that is no larger than the relay takes.
 *
 * @throws {RangeError} When it is.
 */
export function checkSize<Data extends string | Uint8Array>(data: Data, max: number | undefined): Data {
  if (max === undefined) return data;
  const size = typeof data === "string" ? utf8Length(data, max) : data.byteLength;
  if (size <= max) return data;
  throw new RangeError(
    `Cannot publish: the message has ${size} bytes, and the engine of the relay takes at most ${max}`,
  );
}

/** How many bytes a text has in UTF-8: more than it may have, or an upper bound. */
function utf8Length(text: string, max: number): number {
  return text.length * 3 <= max ? text.length * 3 : new TextEncoder().encode(text).length;
}
