import { type Clock } from "../base/clock.ts";
import { checkClock, checkNumber, checkTime } from "../base/options.ts";
import { type CompressionOptions } from "../protocol/compression_options.ts";

/**
 * Options of every connection. Times are in milliseconds; 0 disables. A number out of its range is a `RangeError`.
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
   * The longest message that is received, in bytes; a longer one closes with 1009. Exactly the limit passes.
   *
   * @default {16777216}
   */
  maxMessageSize?: number | undefined;
  /**
   * How many bytes may wait to be written before `send` gives a promise, and how many may wait in messages to be read
   * before the peer is no longer read. 64 bytes are charged for each message beside its own.
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
  /**
   * How long the peer may take to answer our Close frame, to take what is still to be written, and to end.
   *
   * @default {10000}
   */
  closeTimeout?: number | undefined;
  /**
   * How long the peer may give no sign of life: nothing comes while we read, or it takes nothing of what we write. A
   * ping is sent at half of it. A peer that takes slowly what we write is given longer.
   *
   * @default {120000}
   */
  idleTimeout?: number | undefined;
  /**
   * How messages are compressed, where compression was agreed.
   *
   * @default {false}
   */
  compression?: boolean | CompressionOptions | undefined;
  /** The clock of all deadlines; by default the runtime's. */
  clock?: Clock | undefined;
}

/** {@linkcode ConnectionOptions} with their defaults. */
export type CheckedOptions = { readonly [Name in keyof ConnectionOptions]-?: NonNullable<ConnectionOptions[Name]> };

/**
 * The options with their defaults.
 *
 * @throws {RangeError} When one is out of its range.
 */
export function checkConnectionOptions(options: ConnectionOptions): CheckedOptions {
  const checked: CheckedOptions = {
    maxMessageSize: checkNumber("maxMessageSize", options.maxMessageSize, 16 * 2 ** 20),
    highWaterMark: checkNumber("highWaterMark", options.highWaterMark, 65536),
    closeTimeout: checkTime("closeTimeout", options.closeTimeout, 10_000),
    idleTimeout: checkTime("idleTimeout", options.idleTimeout, 120_000),
    compression: options.compression ?? false,
    clock: checkClock(options.clock),
  };
  const names = Object.keys(checked) as (keyof CheckedOptions)[];
  return latest = names.every((name) => checked[name] === latest?.[name]) ? latest! : checked;
}

/** What was checked last: most connections of a server have the same options, and then share them. */
let latest: CheckedOptions | undefined;
