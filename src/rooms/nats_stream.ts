// The stream of the relay over NATS JetStream: what it is called, what it keeps, and how its messages get their numbers.

import { checkNumber, checkOptions, checkTime, inRange } from "../base/options.ts";
import { quote } from "../errors/problem.ts";
import type { NatsJetStream } from "./nats_client.ts";

/**
 * How {@linkcode natsRelay} keeps messages. What is said of the stream counts when it is created; one that is there is used
 * as it is.
 *
 * @example Long histories, on three servers of a cluster
 * ```ts
 * import { jetstreamManager } from "@nats-io/jetstream";
 * import type { NatsConnection } from "@nats-io/transport-node";
 * import { natsRelay, type NatsRelayOptions } from "@handfast/websocket/rooms";
 * import { assert } from "@std/assert";
 *
 * const options: NatsRelayOptions = { stream: "chat", messages: 10_000, totalBytes: 10 * 2 ** 30, replicas: 3 };
 * const relayOver = async (connection: NatsConnection) =>
 *   natsRelay(connection, await jetstreamManager(connection), options);
 *
 * assert(relayOver);
 * ```
 */
export interface NatsRelayOptions {
  /**
   * The name of the stream, which its subjects begin with: letters, digits, `_` and `-`. It is created unless it is there.
   *
   * @default {"rooms"}
   */
  stream?: string | undefined;
  /**
   * How many messages of a room are kept; `Infinity` means no limit.
   *
   * @default {1000}
   */
  messages?: number | undefined;
  /**
   * How many bytes are kept for all rooms together; `Infinity` means no limit. Past it, the oldest messages are dropped.
   *
   * @default {1_073_741_824}
   */
  totalBytes?: number | undefined;
  /**
   * Where they are kept: those in `"memory"` are gone when the server is restarted.
   *
   * @default {"file"}
   */
  storage?: "file" | "memory" | undefined;
  /**
   * On how many servers of a cluster they are kept, from 1 to 5.
   *
   * @default {1}
   */
  replicas?: number | undefined;
  /**
   * So long the id of a message is known, in milliseconds, at least 100: when it is published again later, it is another
   * message. What these rooms themselves send again after an outage is stored once, however long that was.
   *
   * @default {120_000}
   */
  duplicateWindow?: number | undefined;
  /**
   * So long an answer of the server is waited for, in milliseconds; 0 means as long as the connection lasts.
   *
   * @default {5000}
   */
  requestTimeout?: number | undefined;
}

/** What a millisecond is in the options of a stream. */
export const NANOSECONDS = 1_000_000;

/** The shortest time for which a server knows ids, in milliseconds. */
const SHORTEST_WINDOW = 100;

/** How JetStream says that a stream is there, but otherwise, and that there is none. */
const STREAM_DIFFERS = 10058, STREAM_NOT_FOUND = 10059;

/** The configuration of a stream, for which times are in nanoseconds, and -1 means no limit. */
export interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly [subject: string];
  readonly republish: { readonly src: string; readonly dest: string };
  readonly max_msgs_per_subject: number;
  readonly max_bytes: number;
  readonly duplicate_window: number;
  readonly num_replicas: number;
  readonly storage: "file" | "memory";
}

/** The stream that options ask for. */
export function configOf(options: NatsRelayOptions): StreamConfig {
  const { stream: name = "rooms", storage = "file" } = checkOptions(options);
  if (typeof name !== "string" || !/^[\w-]{1,100}$/.test(name)) {
    const rule = "must have 1 to 100 letters, digits, _ and -";
    throw new TypeError(`Cannot use the option stream: it is ${quote(`${name}`)}, and ${rule}`);
  }
  if (storage !== "file" && storage !== "memory") {
    throw new TypeError(`Cannot use the option storage: it is ${quote(`${storage}`)}, and must be "file" or "memory"`);
  }
  return {
    name,
    subjects: [`${name}.kept.*`],
    republish: { src: `${name}.kept.*`, dest: `${name}.live.$1` },
    max_msgs_per_subject: limitOf("messages", options.messages, 1000),
    max_bytes: limitOf("totalBytes", options.totalBytes, 2 ** 30),
    duplicate_window: Math.max(SHORTEST_WINDOW, checkTime("duplicateWindow", options.duplicateWindow, 120_000)) *
      NANOSECONDS,
    num_replicas: inRange("replicas", options.replicas ?? 1, 1, 5),
    storage,
  };
}

/** A limit of a stream, for which -1 means that there is none. */
function limitOf(name: string, value: number | undefined, byDefault: number): number {
  const limit = checkNumber(name, value, byDefault, 1);
  return limit === Infinity ? -1 : limit;
}

/**
 * The number before that of a stream's first message: the microseconds from 1970 to its creation. A stream that takes the
 * place of one that is lost gives no number again, for nobody stores a million messages a second all the time.
 */
export function baseOf({ created }: { readonly created: string }): number {
  return Date.parse(created) * 1000;
}

/** The part of a subject that stands for a room: no dot, no wildcard, no space. With 256 characters a line still fits. */
export function tokenOf(room: string): string {
  return encodeURIComponent(room).replace(/[.*]/g, (char) => char === "." ? "%2E" : "%2A");
}

/** Whether a call has failed because the stream is not there: nobody takes what is published, or it is not found. */
export function isStreamMissing(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === "JetStreamNotEnabled" || code === STREAM_NOT_FOUND;
}

/** Creates the stream unless it is there; resolves to when that was. */
export async function addStream(streams: NatsJetStream["streams"], config: StreamConfig): Promise<{ created: string }> {
  try {
    return await streams.add(config);
  } catch (error) {
    if ((error as { code?: unknown }).code !== STREAM_DIFFERS) throw error;
  }
  const { name, subjects: [subject], republish } = config, info = await streams.info(name);
  if (info.config.subjects.includes(subject) && info.config.republish?.dest === republish.dest) return info;
  throw new TypeError(
    `Cannot keep rooms in the stream ${quote(name)}: it was created for something else, and must have the subject ` +
      `${quote(subject)}, republished as ${quote(republish.dest)}; use the option stream for another name`,
  );
}
