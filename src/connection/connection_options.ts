// The options that every WebSocket has, in either role, and their check.

import type { Clock } from "../base/clock.ts";
import { checkClock, limitOf, timeOf } from "../base/options.ts";
import type { CheckedCompression, CompressionOptions } from "../protocol/compression_options.ts";
import type { Work } from "../protocol/deflate.ts";
import { work } from "./work.ts";

/**
 * Options of every WebSocket, in either role. Times are in milliseconds, and 0 means no limit. A number out of its range
 * is a `RangeError`.
 *
 * @example Small messages only
 * ```ts
 * import { accept, connect, type ConnectionOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const limits: ConnectionOptions = { maxMessageSize: 4, closeTimeout: 1000 };
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server, limits)]);
 * const failed = accepted.receive(() => {}).catch((error) => error);
 * socket.send("Hello");
 *
 * assertEquals((await socket.receive(() => {})).closeCode, 1009);
 * assertEquals((await failed).failure, "message-too-big");
 * ```
 */
export interface ConnectionOptions {
  /**
   * The largest message to receive, in bytes after decompression. A message of exactly this size passes; a larger one
   * closes the connection with the code 1009.
   *
   * @default {16777216}
   */
  maxMessageSize?: number | undefined;
  /**
   * How long a message that comes in several parts may take, from its first frame to its end. Then the connection is
   * closed with the code 1008 (`message-timeout`). The time stands while we hold the peer back. 0 means no limit.
   *
   * @default {0}
   */
  messageTimeout?: number | undefined;
  /**
   * The high-water mark of both directions, in bytes. While more than this waits to be written, `send()` returns a
   * promise to wait for; while more than this waits to be read, the peer is held back (back-pressure). Each message that
   * waits to be read counts 64 bytes more than its size.
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
  /**
   * How long closing may take: how long we wait for the peer's Close frame, for the peer to take what is still to be
   * written, and for it to end the connection; for that last step, two seconds at most.
   *
   * @default {10000}
   */
  closeTimeout?: number | undefined;
  /**
   * Keep-alive: a ping is sent when nothing was received, or nothing was sent, for this long. The default is below the 50
   * to 60 seconds after which common proxies cut a silent connection. 0 sends pings only for `idleTimeout`.
   *
   * @default {25000}
   */
  pingInterval?: number | undefined;
  /**
   * How long the peer may neither send anything, not even a Pong, nor take what we write. Then the connection is dropped
   * (`ping-timeout`), but never without a ping that had half of this time to be answered. A peer that takes what we write
   * slowly is given longer.
   *
   * @default {60000}
   */
  idleTimeout?: number | undefined;
  /**
   * How many bytes may wait to be written at all. Past it the peer is dropped (`send-buffer-full`): this is for senders
   * that do not wait for the promise of `send()`. One message alone may be larger.
   *
   * @default {67108864}
   */
  maxBufferedAmount?: number | undefined;
  /**
   * Whether messages are compressed if the peer agrees (permessage-deflate, RFC 7692), and how.
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions | undefined;
  /** The clock for all deadlines, such as a fake one in tests; by default the runtime's. */
  clock?: Clock | undefined;
}

/**
 * Options for messages in pieces, larger than memory. Who gives them gets {@linkcode MessagePieces} among the messages.
 *
 * @example Only what is longer than 1 MiB comes in pieces
 * ```ts
 * import { accept, connect, type StreamingOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const streaming: StreamingOptions = { streamAbove: 2 ** 20 };
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server, streaming)]);
 * const sizes: number[] = [];
 * const served = accepted.receive(async (message) => {
 *   if (typeof message === "string" || message instanceof Uint8Array) return void sizes.push(message.length);
 *   let size = 0;
 *   for await (const piece of message) size += piece.length;
 *   sizes.push(size);
 * });
 * for (const size of [2 ** 20, 2 ** 20 + 1]) await socket.send(new Uint8Array(size));
 * await socket.close();
 * await served;
 *
 * assertEquals(sizes, [2 ** 20, 2 ** 20 + 1]);
 * ```
 */
export interface StreamingOptions {
  /**
   * Messages of more bytes than this are handed over in pieces, as soon as it is known that they are so long. Those of
   * more than `maxMessageSize` always are, then. 0 means every message, from its first frame on; without the option, none.
   *
   * @default {Infinity}
   */
  streamAbove: number;
  /**
   * The longest message that is handed over in pieces, in bytes after decompression. A longer one closes the connection
   * with the code 1009.
   *
   * @default {Infinity}
   */
  maxStreamedSize?: number | undefined;
}

/** {@linkcode ConnectionOptions}, checked and with their defaults. */
export interface CheckedOptions {
  readonly maxMessageSize: number;
  readonly streamAbove: number;
  readonly maxStreamedSize: number;
  readonly messageTimeout: number;
  readonly highWaterMark: number;
  readonly closeTimeout: number;
  readonly pingInterval: number;
  readonly idleTimeout: number;
  readonly maxBufferedAmount: number;
  readonly compression: CheckedCompression | undefined;
  readonly clock: Clock;
  /** The budget for compressing and inflating in a turn. */
  readonly work: Work;
}

/**
 * Checks the options.
 *
 * @param compression The option `compression`, which the door has checked: what is allowed depends on the role.
 * @throws {RangeError} When a number is out of its range.
 * @throws {TypeError} When the clock lacks a method.
 */
export function checkConnectionOptions(
  options: ConnectionOptions & Partial<StreamingOptions>,
  compression: CheckedCompression | undefined,
): CheckedOptions {
  const checked: CheckedOptions = {
    maxMessageSize: limitOf(options, "maxMessageSize"),
    streamAbove: limitOf(options, "streamAbove"),
    maxStreamedSize: limitOf(options, "maxStreamedSize"),
    messageTimeout: timeOf(options, "messageTimeout"),
    highWaterMark: limitOf(options, "highWaterMark"),
    closeTimeout: timeOf(options, "closeTimeout"),
    pingInterval: timeOf(options, "pingInterval"),
    idleTimeout: timeOf(options, "idleTimeout"),
    maxBufferedAmount: limitOf(options, "maxBufferedAmount"),
    compression,
    clock: checkClock(options.clock),
    work,
  };
  const names = Object.keys(checked) as (keyof CheckedOptions)[];
  return latest = names.every((name) => checked[name] === latest?.[name]) ? latest! : checked;
}

/** The result of the last check. Most connections of a server have equal options and share one object, to save memory. */
let latest: CheckedOptions | undefined;
