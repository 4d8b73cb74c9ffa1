/**
 * Tools for tests without a network: pairs of connections in memory, which can split, delay and fail as you say, and a
 * fake clock, which stands still until you advance it.
 *
 * @example A handshake and a message, one byte at a time
 * ```ts
 * import { accept, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [client, server] = connectionPair({ chunkSize: 1 });
 * const [socket, accepted] = await Promise.all([
 *   connect("ws://localhost/", { conn: client }),
 *   accept(server),
 * ]);
 * const received = accepted.receive((message) => accepted.send(message));
 * const echoes = socket.receive((message) => {
 *   assertEquals(message, "Hello");
 *   socket.close({ closeCode: 1000, reason: "done" });
 * });
 * socket.send("Hello");
 *
 * assertEquals(await received, { closeCode: 1000, reason: "done" });
 * await echoes;
 * ```
 *
 * @module
 */

export type { Clock } from "./base/clock.ts";
export {
  connectionPair,
  type ConnectionPairOptions,
  type Fault,
  type PairedConnection,
} from "./testing/connection_pair.ts";
export { type FakeClock, fakeClock } from "./testing/fake_clock.ts";
export type { ByteConnection } from "./transport/transport.ts";
