// Makes two connections in memory, each the other's peer, and says how their bytes travel and what fails.

import type { Clock } from "../base/clock.ts";
import type { ByteConnection } from "../transport/transport.ts";
import { MemoryConnection } from "./memory_connection.ts";

/**
 * A fault to inject: the n-th read or write of one end fails.
 *
 * @example The server loses the connection before it answers
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
  /** Which end of the pair it happens at. */
  end: 0 | 1;
  /** Which kind of operation fails. */
  operation: "read" | "write";
  /** Which of these operations fails, counted from 1. */
  nth: number;
  /**
   * The error that it fails with.
   *
   * @default {new Error("The connection was reset")}
   */
  error?: unknown;
}

/**
 * Options of {@linkcode connectionPair}.
 *
 * @example Bytes that arrive 50 milliseconds later
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
   * The largest chunk that is read, in bytes.
   *
   * @default {Infinity}
   */
  chunkSize?: number | undefined;
  /**
   * How long bytes take to arrive, in milliseconds of `clock`.
   *
   * @default {0}
   */
  delay?: number | undefined;
  /** The clock of `delay`, which needs one. */
  clock?: Clock | undefined;
  /** An operation that fails: its end loses the connection, and the other end sees a reset. */
  fault?: Fault | undefined;
  /**
   * How many bytes may be written in one direction and not yet read before a write has to wait.
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
}

/**
 * One end of a {@linkcode connectionPair}.
 *
 * @example Lose the connection
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
   * Loses the connection, as a TCP reset does: both ends fail.
   *
   * @param error The error that they fail with.
   */
  reset(error?: unknown): void;
  /** How many bytes this end has written. */
  readonly bytesWritten: number;
  /** Whether this end is closed, by its user or by a reset. */
  readonly isClosed: boolean;
}

/**
 * Makes two connections in memory: what is written to one is read from the other.
 *
 * @param options How bytes travel, and what fails.
 * @returns The two ends; either can be the client.
 * @throws {TypeError} When there is a `delay` and no `clock`.
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
  const end = (index: 0 | 1) =>
    new MemoryConnection({ delay, clock, chunkSize, highWaterMark, fault: fault?.end === index ? fault : undefined });
  const here = end(0), there = end(1);
  here.join(there);
  return [here, there];
}
