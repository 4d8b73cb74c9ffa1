/**
 * Rooms: what is published in one goes to all members, each message with a number. Who comes back with the number that it
 * had last gets what it has missed, and then what is new. In one process, or in many that share an engine.
 *
 * @example A chat
 * ```ts
 * import { connect, serve } from "@handfast/websocket";
 * import { Rooms } from "@handfast/websocket/rooms";
 * import { assertEquals } from "@std/assert";
 *
 * await using rooms = new Rooms();
 * await using server = await serve({ port: 0 }, async (socket) => {
 *   await rooms.join("lobby", socket);
 *   await socket.receive((message) => rooms.publish("lobby", message));
 * });
 *
 * await using ann = await connect(server.url!);
 * await using ben = await connect(server.url!);
 * const heard = ben.readable.getReader().read();
 * await ann.ping(); // by now she is a member
 * await ben.ping();
 * ann.send("Hello");
 *
 * assertEquals(JSON.parse((await heard).value as string).message, "Hello");
 * ```
 *
 * @module
 */

export type { Clock } from "./base/clock.ts";
export type { RoomEvent, RoomGap, RoomMessage, RoomsErrorContext } from "./rooms/event.ts";
export { memoryRelay, type MemoryRelayOptions } from "./rooms/memory_relay.ts";
export type { NatsClient, NatsJetStream } from "./rooms/nats_client.ts";
export { natsRelay } from "./rooms/nats_relay.ts";
export type { NatsRelayOptions } from "./rooms/nats_stream.ts";
export type { RedisClient, RedisConnection } from "./rooms/redis_client.ts";
export { redisRelay, type RedisRelayOptions } from "./rooms/redis_relay.ts";
export type { Relay, RelayDraft, RelayedMessage, RelayListener, RelayPage } from "./rooms/relay.ts";
export { Rooms } from "./rooms/rooms.ts";
export type { JoinOptions, PublishOptions, RoomsOptions } from "./rooms/rooms_options.ts";
export type { RoomSubscription } from "./rooms/sinks.ts";
