// Rooms over Redis. Each room is a stream, which a script numbers, so that a second attempt is known for one; the script
// also tells each message to the channel of its room, so that a process hears of the rooms it has members in and of no other.
// What a process has missed while it was not connected it reads from the stream.

import { decodeBase64, encodeBase64 } from "../base/base64.ts";
import { checkNumber, checkOptions, checkTime } from "../base/options.ts";
import { quote } from "../errors/problem.ts";
import { checkRedisClient, type RedisClient, type RedisConnection } from "./redis_client.ts";
import { PUBLISH_SCRIPT } from "./redis_script.ts";
import { closedError, isCut, type Relay, type RelayDraft, type RelayedMessage } from "./relay.ts";
import type { RelayListener, RelayPage } from "./relay.ts";

/**
 * Options of {@linkcode redisRelay}.
 *
 * @example A hundred thousand messages a room, for a week
 * ```ts
 * import { redisRelay, type RedisRelayOptions } from "@handfast/websocket/rooms";
 * import { createClient } from "redis";
 * import { assert } from "@std/assert";
 *
 * const options: RedisRelayOptions = { messages: 100_000, expireAfter: 7 * 24 * 60 * 60 * 1000 };
 *
 * assert(redisRelay(createClient(), options));
 * ```
 */
export interface RedisRelayOptions {
  /**
   * What the keys and channels begin with. Processes with the same prefix and the same Redis share their rooms.
   *
   * @default {"handfast"}
   */
  prefix?: string | undefined;
  /**
   * How many messages of a room are kept.
   *
   * @default {1000}
   */
  messages?: number | undefined;
  /**
   * How many ids of a room are known: a message that is published again is known for one while fewer others have been
   * published in its room.
   *
   * @default {10000}
   */
  ids?: number | undefined;
  /**
   * For how long a room is kept after it was last published to, in milliseconds; 0 means for ever.
   *
   * @default {0}
   */
  expireAfter?: number | undefined;
}

/** How often a connection is tried out, and after how long without a sign of life it is given up, in milliseconds. */
const PING_INTERVAL = 5000, SOCKET_TIMEOUT = 15_000;

/** How a payload begins. */
const TEXT = "t", BINARY = "b";

/**
 * A relay for as many processes as you like, by Redis 7 or later. The client is yours, of the package `redis`; the relay
 * makes two connections with its options, and closes them with the rooms. The client itself need not be connected.
 *
 * Connections that are lost come back by the client's `reconnectStrategy`, which must not give up; the relay goes on where
 * it was. What Redis has acknowledged is as safe as its persistence: with `appendonly yes` and `appendfsync always` nothing
 * is lost when it is killed, with snapshots alone, as by default, up to some minutes are. Binary messages are stored as base64, which takes a third more.
 *
 * @param client The client. Connections to a cluster or by sentinels are not for it.
 * @param options How much is kept, and where.
 * @returns The relay, for one `Rooms`.
 * @throws {TypeError} When the client is none, or the prefix is no string.
 * @throws {RangeError} When a number is out of its range.
 *
 * @example Rooms of many processes
 * ```ts
 * import { redisRelay } from "@handfast/websocket/rooms";
 * import { createClient } from "redis";
 * import { assertEquals } from "@std/assert";
 *
 * const client = createClient({ url: "redis://127.0.0.1:6379" });
 * const relay = redisRelay(client, { prefix: "chat" });
 * const options = { relay }; // for new Rooms(options), which has it connect
 *
 * assertEquals([client.isOpen, options.relay], [false, relay]);
 * ```
 */
export function redisRelay(client: RedisClient, options: RedisRelayOptions = {}): Relay {
  return new RedisRelay(client, options);
}

class RedisRelay implements Relay {
  /** A connection that subscribes can do little else. */
  readonly #commands: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #prefix: string;
  /** The last arguments of the script but for the messages. */
  readonly #kept: readonly string[];
  readonly #rooms = new Set<string>();
  #listener: RelayListener | undefined;
  /** Settles when the first attempt to connect has succeeded or failed. */
  readonly #begun = Promise.withResolvers<void>();
  #isDown = false;
  #isClosed = false;
  /** The script, once Redis has it. */
  #script: Promise<string> | undefined;

  constructor(client: RedisClient, options: RedisRelayOptions) {
    checkRedisClient(client);
    const { prefix = "handfast" } = checkOptions(options);
    if (typeof prefix !== "string" || !prefix.isWellFormed()) {
      throw new TypeError(
        `Cannot use the option prefix: it is ${quote(String(prefix))}, and must be a well-formed string`,
      );
    }
    this.#prefix = prefix;
    this.#kept = [
      checkCount("messages", options.messages, 1000),
      checkCount("ids", options.ids, 10_000),
      checkTime("expireAfter", options.expireAfter, 0),
    ].map((number) => String(Math.ceil(number)));
    this.#commands = duplicateOf(client);
    this.#subscriber = duplicateOf(client);
  }

  start(listener: RelayListener): void {
    this.#listener = listener;
    for (const connection of [this.#commands, this.#subscriber]) {
      connection.on("error", (error) => this.#onError(error));
      connection.on("ready", () => this.#onReady());
      connection.connect().catch((error) => this.#onError(error)); // it has given up, or is closed
    }
  }

  get #isReady(): boolean {
    return this.#commands.isReady && this.#subscriber.isReady;
  }

  #onError(error: unknown): void {
    if (this.#isDown || this.#isClosed || this.#isReady) return;
    this.#isDown = true;
    this.#begun.resolve();
    this.#listener?.onDown(error);
  }

  #onReady(): void {
    if (this.#isClosed || !this.#isReady) return;
    this.#begun.resolve();
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#listener?.onUp();
  }

  async #send(args: readonly string[]): Promise<unknown> {
    await this.#begun.promise;
    if (this.#isClosed) throw closedError();
    try {
      return await this.#commands.sendCommand(args);
    } catch (error) {
      throw this.#isClosed ? closedError() : error;
    }
  }

  async publish(room: string, drafts: readonly RelayDraft[]): Promise<number[]> {
    const keys = [this.#key(room, "stream"), this.#key(room, "ids")];
    const messages = drafts.flatMap(({ id, data }) => [id, payloadOf(data)]);
    const args = ["2", ...keys, this.#channel(room), ...this.#kept, ...messages];
    for (let attempt = 0;; attempt++) {
      const script = await (this.#script ??= this.#load());
      try {
        return (await this.#send(["EVALSHA", script, ...args]) as string[]).map(Number);
      } catch (error) {
        // It was started again, or somebody has had it forget all scripts
        if (attempt > 0 || !(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
        this.#script = undefined;
      }
    }
  }

  async #load(): Promise<string> {
    try {
      return await this.#send(["SCRIPT", "LOAD", PUBLISH_SCRIPT]) as string;
    } catch (error) {
      this.#script = undefined;
      throw error;
    }
  }

  async read(room: string, after: number, limit: number): Promise<RelayPage> {
    const key = this.#key(room, "stream");
    const entries = await this.#send(["XRANGE", key, `(${after}-0`, "+", "COUNT", `${limit}`]) as Entry[];
    // Who has a number that is larger than the newest one has seen more than is left
    const isLost = entries.length === 0 && after > 0 && await this.#newest(room) < after;
    const messages = entries.map(([id, [, , , payload]]) => messageOf(Number.parseInt(id), payload));
    const [first] = entries;
    return { messages, isTrimmed: first ? isCut(Number(first[1][1]), after) : isLost };
  }

  async subscribe(room: string): Promise<number> {
    this.#rooms.add(room);
    await this.#begun.promise;
    if (this.#isClosed) throw closedError();
    if (!this.#rooms.has(room)) return 0; // it was unsubscribed from meanwhile
    // Otherwise it would wait in the client, and come in a place of its own between lost connections
    if (!this.#subscriber.isReady) throw new Error("Cannot subscribe: there is no connection to Redis");
    await this.#subscriber.subscribe(this.#channel(room), this.#onPublished);
    return await this.#newest(room);
  }

  /** The number of the newest message of a room, 0 for none. */
  async #newest(room: string): Promise<number> {
    const [newest] = await this.#send(["XREVRANGE", this.#key(room, "stream"), "+", "-", "COUNT", "1"]) as Entry[];
    return newest ? Number.parseInt(newest[0]) : 0;
  }

  unsubscribe(room: string): void {
    this.#rooms.delete(room);
    this.#leave(this.#channel(room));
  }

  #leave(channel: string): void {
    // If it fails, the connection is lost, and the next message that should not come has it tried again
    if (this.#subscriber.isReady) this.#subscriber.unsubscribe(channel, this.#onPublished).catch(() => {});
  }

  readonly #onPublished = (told: string, channel: string): void => {
    const room = decodeURIComponent(channel.slice(this.#prefix.length + 1));
    if (!this.#rooms.has(room)) return this.#leave(channel);
    const first = told.indexOf(" "), second = told.indexOf(" ", first + 1);
    const message = messageOf(Number(told.slice(0, first)), told.slice(second + 1));
    this.#listener?.onMessage(room, message, Number(told.slice(first + 1, second)));
  };

  /** A key of a room. Those of one room are for the same part of a cluster, which the braces say. */
  #key(room: string, kind: "stream" | "ids"): string {
    return `${this.#prefix}:{${encodeURIComponent(room)}}:${kind}`;
  }

  #channel(room: string): string {
    return `${this.#prefix}:${encodeURIComponent(room)}`;
  }

  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#begun.resolve();
      this.#commands.destroy();
      this.#subscriber.destroy();
    }
    return Promise.resolve();
  }
}

/** An entry of a stream: its id, and `p`, the number before it, `d`, its payload. */
type Entry = readonly [id: string, fields: readonly [p: string, previous: string, d: string, payload: string]];

/** A connection that fails at once while it is lost: rooms send again themselves, in their order. */
function duplicateOf(client: RedisClient): RedisConnection {
  const options = { pingInterval: PING_INTERVAL, ...client.options } as { socket?: object };
  return client.duplicate({
    ...options,
    socket: { socketTimeout: SOCKET_TIMEOUT, ...options.socket },
    disableOfflineQueue: true,
  });
}

function checkCount(name: string, value: number | undefined, byDefault: number): number {
  const count = checkNumber(name, value, byDefault, 1);
  if (Number.isSafeInteger(count)) return count;
  throw new RangeError(`Cannot use the option ${name}: it is ${count}, and must be a safe integer`);
}

function payloadOf(data: string | Uint8Array): string {
  return typeof data === "string" ? TEXT + data : BINARY + encodeBase64(data);
}

function messageOf(number: number, payload: string): RelayedMessage {
  const rest = payload.slice(1);
  return { number, data: payload[0] === BINARY ? decodeBase64(rest) : rest };
}
