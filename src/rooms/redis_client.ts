// What is used of a client of the package `redis`, written down here so that rooms depend on no package.

/**
 * What {@linkcode redisRelay} needs of a client: one of the package `redis` (node-redis), version 5 or later, has it.
 *
 * @example The type of a client is not named
 * ```ts
 * import { type RedisClient, redisRelay } from "@handfast/websocket/rooms";
 * import { createClient } from "redis";
 * import { assert } from "@std/assert";
 *
 * const client: RedisClient = createClient({ url: "redis://127.0.0.1:6379" });
 *
 * assert(redisRelay(client));
 * ```
 */
export interface RedisClient extends RedisConnection {
  /** The options that it was made with. */
  readonly options?: object | undefined;
  /**
   * Another client with the same options, for a connection of its own.
   *
   * @param overrides Options in their place.
   * @returns The client, which is not connected.
   */
  duplicate(overrides?: object): RedisConnection;
}

/**
 * A connection that {@linkcode redisRelay} has made from a client.
 *
 * @example Usage
 * ```ts
 * import type { RedisConnection } from "@handfast/websocket/rooms";
 * import { createClient } from "redis";
 * import { assertEquals } from "@std/assert";
 *
 * const connection: RedisConnection = createClient();
 *
 * assertEquals(connection.isReady, false);
 * ```
 */
export interface RedisConnection {
  /** Whether commands can be sent. */
  readonly isReady: boolean;
  /**
   * Connects, and after a failure again and again, by the client's own strategy.
   *
   * @returns Resolves when it is connected; rejects when it has given up.
   */
  connect(): Promise<unknown>;
  /** Closes the connection, and rejects what is under way. */
  destroy(): void;
  /**
   * Has a function called with an event.
   *
   * @param event `"error"` or `"ready"`.
   * @param listener The function.
   * @returns The connection.
   */
  on(event: string, listener: (error: unknown) => void): unknown;
  /**
   * Sends a command.
   *
   * @param args Its name and its arguments.
   * @returns The reply.
   */
  sendCommand(args: readonly string[]): Promise<unknown>;
  /**
   * Subscribes to a channel, also on the connections that follow a lost one.
   *
   * @param channel Its name.
   * @param listener Called with each message, and the channel.
   * @returns Resolves when messages come.
   */
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>;
  /**
   * Ends a subscription.
   *
   * @param channel Its name.
   * @param listener That was called.
   * @returns Resolves when no more come.
   */
  unsubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>;
}

const METHODS = ["duplicate", "connect", "destroy", "on", "sendCommand", "subscribe", "unsubscribe"] as const;

/**
 * A client that a relay can use, by the methods that it will call on its connections.
 *
 * @throws {TypeError} When it is one of another package or version, or one for a cluster, for sentinels or a pool.
 */
export function checkRedisClient(client: RedisClient): RedisClient {
  const missing = METHODS.find((method) => typeof client?.[method] !== "function");
  // Those for clusters and sentinels have all of them, but take more than a command
  if (!missing && client.sendCommand.length <= 2) return client;
  throw new TypeError(
    `Cannot use the client: it ${missing ? `has no ${missing}()` : "is not for one server"}, and must be one that ` +
      "createClient() of the package redis, 5 or later, gives",
  );
}
