/**
 * Tools for tests without a network: connections in memory that cut, delay and fail as told, and a clock that stands
 * still until it is moved.
 *
 * @example A handshake and a message, byte by byte
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

import { type Clock } from "./base/clock.ts";
import { MemoryConnection } from "./testing/memory_connection.ts";
import { type ByteConnection } from "./transport/transport.ts";
export { type ByteConnection } from "./transport/transport.ts";
export { type Clock } from "./base/clock.ts";

/**
 * Where a fault is: the n-th operation of one kind at one end.
 *
 * @example A server that is lost before it answers
 * ```ts
 * import { accept, connect } from "@handfast/websocket";
 * import { connectionPair, type Fault } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const fault: Fault = { end: 1, operation: "write", nth: 1 };
 * const [conn, server] = connectionPair({ fault });
 * const accepting = accept(server).catch((error) => error);
 *
 * const error = await connect("ws://localhost/", { conn }).catch((error) => error);
 * assertEquals(error.failure, "connection-closed");
 * assertEquals((await accepting).failure, "connection-closed");
 * ```
 */
export interface Fault {
  /** Which end of the pair. */
  end: 0 | 1;
  /** What fails. */
  operation: "read" | "write";
  /** Which one, from 1 on. */
  nth: number;
  /**
   * What it fails with.
   *
   * @default {new Error("The connection was reset")}
   */
  error?: unknown;
}

/**
 * Options of {@linkcode connectionPair}.
 *
 * @example Bytes that take their time
 * ```ts
 * import { connectionPair, type ConnectionPairOptions, fakeClock } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = fakeClock();
 * const options: ConnectionPairOptions = { delay: 50, clock };
 * const [here, there] = connectionPair(options);
 * here.writable.getWriter().write(new Uint8Array(3));
 * const arrived = there.readable.getReader().read().then(() => clock.now());
 * await clock.advance(80);
 *
 * assertEquals(await arrived, 50);
 * ```
 */
export interface ConnectionPairOptions {
  /**
   * The most bytes that are read at once.
   *
   * @default {Infinity}
   */
  chunkSize?: number | undefined;
  /**
   * How long bytes are under way, in milliseconds of `clock`.
   *
   * @default {0}
   */
  delay?: number | undefined;
  /** The clock of the delay. */
  clock?: Clock | undefined;
  /** An operation that fails: the end at which it does is lost, and the other end sees a reset. */
  fault?: Fault | undefined;
  /**
   * How many bytes may be under way in one direction before a write has to wait.
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
}

/**
 * One end of a pair.
 *
 * @example A connection that is lost
 * ```ts
 * import { attach } from "@handfast/websocket";
 * import { connectionPair, type PairedConnection } from "@handfast/websocket/testing";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const lose = (end: PairedConnection) => end.reset(new Error("The cable was pulled"));
 * const [here, there] = connectionPair();
 * const socket = attach(here, { role: "client", protocol: "", extensions: "" });
 * const failed = socket.receive(() => {}).catch((error) => error);
 * lose(there);
 *
 * assertEquals((await failed).cause.message, "The cable was pulled");
 * assert(here.isClosed);
 * ```
 */
export interface PairedConnection extends ByteConnection {
  /**
   * Loses the connection, as a reset does: both ends fail.
   *
   * @param error What they fail with.
   */
  reset(error?: unknown): void;
  /** How many bytes this end has written. */
  readonly bytesWritten: number;
  /** Whether this end was closed, by itself or by a reset. */
  readonly isClosed: boolean;
}

/**
 * Two connections in memory: what one writes the other reads.
 *
 * @param options How bytes travel, and what fails.
 * @returns The two ends; which one is the client is for the caller to say.
 * @throws {TypeError} When there is a delay and no clock.
 * @throws {RangeError} When `chunkSize` is less than 1.
 *
 * @example Usage
 * ```ts
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [here, there] = connectionPair({ chunkSize: 2 });
 * here.writable.getWriter().write(new Uint8Array([1, 2, 3]));
 *
 * const { value } = await there.readable.getReader().read();
 * assertEquals(value, new Uint8Array([1, 2]));
 * ```
 */
export function connectionPair(options: ConnectionPairOptions = {}): [PairedConnection, PairedConnection] {
  const { delay = 0, clock, fault, chunkSize = Infinity, highWaterMark = 65536 } = options;
  if (delay > 0 && !clock) throw new TypeError("Cannot delay the bytes: there is no clock");
  if (!(chunkSize >= 1)) throw new RangeError(`Cannot cut the bytes: chunkSize is ${chunkSize}`);
  const faultOf = (end: 0 | 1) => fault?.end === end ? fault : undefined;
  const a = new MemoryConnection({ delay, clock, chunkSize, highWaterMark, fault: faultOf(0) });
  const b = new MemoryConnection({ delay, clock, chunkSize, highWaterMark, fault: faultOf(1) });
  a.join(b);
  b.join(a);
  return [a, b];
}

/**
 * A clock that stands still until it is moved.
 *
 * @example Timers in their order
 * ```ts
 * import { type FakeClock, fakeClock } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock: FakeClock = fakeClock();
 * const fired: number[] = [];
 * for (const delay of [20, 10, 30]) clock.setTimeout(() => fired.push(clock.now()), delay);
 * await clock.advance(25);
 *
 * assertEquals(fired, [10, 20]);
 * assertEquals(clock.pending, 1);
 * ```
 */
export interface FakeClock extends Clock {
  /**
   * Moves the time on. Timers fire in their order, and between two of them everything that is ready runs.
   *
   * @param milliseconds How far.
   * @returns Settles when the time has come and everything that was due has run.
   */
  advance(milliseconds: number): Promise<void>;
  /** How many timers are set. */
  readonly pending: number;
}

/**
 * A clock for `options.clock` of the doors and of {@linkcode connectionPair}.
 *
 * @returns The clock, at 0.
 *
 * @example A handshake that takes too long
 * ```ts
 * import { accept, HandshakeError } from "@handfast/websocket";
 * import { connectionPair, fakeClock } from "@handfast/websocket/testing";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const clock = fakeClock();
 * const [, server] = connectionPair();
 * const failed = accept(server, { clock, handshakeTimeout: 5000 }).catch((error) => error);
 * await clock.advance(5000);
 *
 * const error = await failed;
 * assert(error instanceof HandshakeError);
 * assertEquals(error.failure, "handshake-timeout");
 * ```
 */
export function fakeClock(): FakeClock {
  let now = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  return {
    now: () => now,
    setTimeout(callback, delay) {
      const timer = { at: now + Math.max(0, delay), callback };
      timers.push(timer);
      return timer;
    },
    clearTimeout(timer) {
      timers = timers.filter((other) => other !== timer);
    },
    async advance(milliseconds) {
      const end = now + milliseconds;
      await settle();
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers = timers.filter((timer) => timer !== due);
        now = Math.max(now, due.at);
        due.callback();
        await settle();
      }
      now = end;
    },
    get pending() {
      return timers.length;
    },
  };
}

/** A few turns of the event loop: promises, and writes that wait for the end of a turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}
