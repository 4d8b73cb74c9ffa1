// Rooms over NATS JetStream. One stream keeps the messages of all rooms, each room as a subject of it; the number of a
// message is its place in the stream. The server republishes what it has stored with the number of the message before it
// in the room, so that live messages need no consumer, and whoever has missed one sees it. History is read in pages.

import { checkTime, inRange } from "../base/options.ts";
import { snapshotOf } from "../base/owned_bytes.ts";
import { quote } from "../errors/problem.ts";
import type {
  NatsClient,
  NatsConsumerInfo,
  NatsJetStreamManager,
  NatsMessage,
  NatsStoredMessage,
  NatsStreamConfig,
  NatsStreamInfo,
} from "./nats_client.ts";
import type { Relay, RelayDraft, RelayListener, RelayPage } from "./relay.ts";

/** How {@linkcode natsRelay} keeps messages. */
export interface NatsRelayOptions {
  /**
   * The name of the stream, which its subjects begin with. It is created unless it is there; one that is there is left as it
   * is, also where the options below say otherwise.
   *
   * @default {"rooms"}
   */
  readonly stream?: string | undefined;
  /**
   * How many messages of a room are kept.
   *
   * @default {1000}
   */
  readonly maxMessages?: number | undefined;
  /**
   * How many bytes the stream may have, of all rooms.
   *
   * @default {1_073_741_824}
   */
  readonly maxBytes?: number | undefined;
  /**
   * So long, in milliseconds, an answer of the server is waited for.
   *
   * @default {5000}
   */
  readonly timeout?: number | undefined;
  /**
   * So long, in milliseconds, a message that is published again with the same id is known.
   *
   * @default {120_000}
   */
  readonly duplicateWindow?: number | undefined;
  /**
   * Where the stream is kept: in `"memory"` it is gone when the server is restarted.
   *
   * @default {"file"}
   */
  readonly storage?: "file" | "memory" | undefined;
  /**
   * On how many servers of a cluster the stream is kept, at most 5.
   *
   * @default {1}
   */
  readonly replicas?: number | undefined;
}

/** So long a server keeps a cursor that nobody uses: one that was being read when the connection was lost. */
const CURSOR_TIMEOUT = 30_000;

const NANOSECONDS = 1_000_000;

/** How JetStream says that a stream is there, but otherwise. */
const STREAM_DIFFERS = 10058;

/** How the bytes of a message begin. */
const TEXT = 0x74, BINARY = 0x62;

const ENCODER = new TextEncoder(), DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

export function natsRelay(
  connection: NatsClient,
  manager: NatsJetStreamManager,
  options: NatsRelayOptions = {},
): Relay {
  return new NatsRelay(connection, manager, options);
}

/** The stream that options ask for. */
function configOf(options: NatsRelayOptions): NatsStreamConfig {
  const { stream: name = "rooms", storage = "file", maxMessages = 1000, maxBytes = 2 ** 30, replicas = 1 } = options;
  if (typeof name !== "string" || !/^[\w-]{1,255}$/.test(name)) {
    throw new TypeError(
      `Cannot use the option stream: it is ${quote(`${name}`)}, and must consist of letters, digits, _ and -`,
    );
  }
  if (storage !== "file" && storage !== "memory") {
    throw new TypeError(`Cannot use the option storage: it is ${quote(`${storage}`)}, and must be "file" or "memory"`);
  }
  return {
    name,
    subjects: [`${name}.kept.*`],
    republish: { src: `${name}.kept.*`, dest: `${name}.live.$1` },
    max_msgs_per_subject: inRange("maxMessages", maxMessages, 1, Number.MAX_SAFE_INTEGER),
    max_bytes: inRange("maxBytes", maxBytes, 1, Number.MAX_SAFE_INTEGER),
    duplicate_window: checkTime("duplicateWindow", options.duplicateWindow, 120_000) * NANOSECONDS,
    num_replicas: inRange("replicas", replicas, 1, 5),
    storage,
  };
}

/**
 * The number before that of a stream's first message: the microseconds from 1970 to its creation. A stream that takes the
 * place of one that is lost gives no number again, for nobody stores a million messages a second all the time.
 */
function baseOf({ created }: NatsStreamInfo): number {
  return Date.parse(created) * 1000;
}

/** The part of a subject that stands for a room: no dot, no wildcard, no space. With 256 characters a line still fits. */
function tokenOf(room: string): string {
  return encodeURIComponent(room).replace(/[.*]/g, (char) => char === "." ? "%2E" : "%2A");
}

/** A message as a payload: a byte that says whether it is text, and its bytes. */
function encode(data: string | Uint8Array): Uint8Array {
  const bytes = typeof data === "string" ? ENCODER.encode(data) : data;
  const payload = new Uint8Array(1 + bytes.length);
  payload[0] = typeof data === "string" ? TEXT : BINARY;
  payload.set(bytes, 1);
  return payload;
}

function decode(payload: Uint8Array): string | Uint8Array<ArrayBuffer> {
  return payload[0] === TEXT ? DECODER.decode(payload.subarray(1)) : snapshotOf(payload.subarray(1));
}

class NatsRelay implements Relay {
  readonly #connection: NatsClient;
  readonly #manager: NatsJetStreamManager;
  readonly #jetstream: ReturnType<NatsJetStreamManager["jetstream"]>;
  readonly #status: ReturnType<NatsClient["status"]>;
  readonly #timeout: number;
  readonly #config: NatsStreamConfig;
  #listener: RelayListener | undefined;
  readonly #subscriptions = new Map<string, { unsubscribe(): void }>();
  /** Looks for the stream, unless that was done since the connection is there. */
  #stream: Promise<number> | undefined;
  /** The number before that of the first message of the stream, once it was found. */
  #base: number | undefined;
  /** Who waits for an answer. */
  readonly #waiting = new Set<(reason: Error) => void>();
  /** Why nothing can be asked of the server now. */
  #outage: Error | undefined;
  #isDown = false;

  constructor(connection: NatsClient, manager: NatsJetStreamManager, options: NatsRelayOptions) {
    this.#connection = connection;
    this.#manager = manager;
    this.#jetstream = manager.jetstream();
    this.#timeout = checkTime("timeout", options.timeout, 5000);
    this.#config = configOf(options);
    this.#status = connection.status();
  }

  async start(listener: RelayListener): Promise<void> {
    this.#listener = listener;
    for await (const { type } of this.#status) {
      if (type === "disconnect") this.#goDown(new Error("The connection to NATS is lost"));
      else if (type === "close") this.#goDown(new Error("The connection to NATS is closed, and will not come back"));
      else if (type === "reconnect") this.#comeUp();
    }
  }

  #goDown(error: Error): void {
    this.#outage = error;
    this.#stream = this.#base = undefined; // it may be another server the next time
    for (const reject of this.#waiting) reject(error);
    if (this.#isDown) return;
    this.#isDown = true;
    this.#listener?.onDown(error);
  }

  async #comeUp(): Promise<void> {
    this.#outage = undefined;
    await this.#findStream().catch(() => {}); // whoever needs it tries again
    if (this.#outage) return;
    this.#isDown = false;
    this.#listener?.onUp();
  }

  /** Waits for an answer, but no longer than the connection lasts: the client itself would wait for its timeout. */
  async #answer<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#outage) throw this.#outage;
    const lost = Promise.withResolvers<never>();
    this.#waiting.add(lost.reject);
    try {
      return await Promise.race([ask(), lost.promise]);
    } finally {
      this.#waiting.delete(lost.reject);
    }
  }

  /** The number before that of the first message of the stream, which is created unless it is there. */
  #findStream(): Promise<number> {
    if (this.#stream) return this.#stream;
    const stream = this.#stream = this.#answer(() => this.#addStream()).then(baseOf);
    stream.then((base) => {
      if (this.#stream === stream) this.#base = base;
    }, () => {
      if (this.#stream === stream) this.#stream = undefined;
    });
    return stream;
  }

  async #addStream(): Promise<NatsStreamInfo> {
    const { streams } = this.#manager, { name, subjects: [subject = ""], republish } = this.#config;
    try {
      return await streams.add(this.#config);
    } catch (error) {
      if ((error as { code?: unknown }).code !== STREAM_DIFFERS) throw error;
    }
    const info = await streams.info(name), { config } = info;
    if (config.subjects.includes(subject) && config.republish?.dest === republish.dest) return info;
    throw new TypeError(
      `Cannot keep rooms in the stream ${quote(name)}: it was created for something else, and must have the subject ` +
        `${quote(subject)}, republished as ${quote(republish.dest)}; use the option stream for another name`,
    );
  }

  async publish(room: string, drafts: readonly RelayDraft[]): Promise<readonly number[]> {
    const token = tokenOf(room), base = await this.#findStream();
    const store = async ({ id, data }: RelayDraft) => {
      // The server knows ids for the whole stream
      const options = { msgID: `${token}/${encodeURIComponent(id)}`, timeout: this.#timeout };
      const { seq } = await this.#jetstream.publish(this.#subject(token), encode(data), options);
      return base + seq;
    };
    // A server gets what is sent over a connection in order, or only its beginning. In a cluster a message may be lost on its
    // way to the server that has the stream, and the next one not.
    if (!this.#connection.info?.cluster) return await this.#answer(() => Promise.all(drafts.map(store)));
    const numbers: number[] = [];
    for (const draft of drafts) numbers.push(await this.#answer(() => store(draft)));
    return numbers;
  }

  async read(room: string, after: number, limit: number): Promise<RelayPage> {
    const subject = this.#subject(tokenOf(room)), base = await this.#findStream(), seq = Math.max(0, after - base);
    return await this.#answer(async () => {
      const stored = await this.#fetch(subject, seq + 1, limit);
      const messages = stored.map(({ seq, data }) => ({ number: base + seq, data: decode(data) }));
      return { messages, isTrimmed: await this.#isTrimmed(subject, after === 0 ? undefined : seq) };
    });
  }

  async #fetch(subject: string, seq: number, limit: number): Promise<NatsStoredMessage[]> {
    const { name } = this.#config, { consumers } = this.#manager, stored: NatsStoredMessage[] = [];
    const cursor = await consumers.add(name, {
      ack_policy: "none",
      deliver_policy: "by_start_sequence",
      opt_start_seq: seq,
      filter_subject: subject,
      inactive_threshold: CURSOR_TIMEOUT * NANOSECONDS,
      mem_storage: true,
    });
    try {
      const count = Math.min(limit, cursor.num_pending), options = { max_messages: count, expires: this.#timeout };
      if (count === 0) return stored;
      for await (const message of await this.#jetstream.consumers.getConsumerFromInfo(cursor).fetch(options)) {
        stored.push(message);
        if (stored.length === count || message.info.pending === 0) return stored;
      }
      throw new Error(`NATS has given ${stored.length} of ${count} messages in ${this.#timeout} ms`);
    } finally {
      consumers.delete(name, cursor.name).catch(() => {}); // or else the server does, when it was unused for a while
    }
  }

  /** Whether something after a message may have gone; asked after what is there was read, for it may go meanwhile. */
  async #isTrimmed(subject: string, seq: number | undefined): Promise<boolean> {
    const { streams } = this.#manager, { name } = this.#config;
    // The oldest ones go first: where this one is kept, all after it are
    if (seq !== undefined) return seq === 0 || (await streams.getMessage(name, { seq }))?.subject !== subject;
    const { state, config } = await streams.info(name, { subjects_filter: subject });
    return state.first_seq > 1 || (state.subjects?.[subject] ?? 0) === config.max_msgs_per_subject;
  }

  async subscribe(room: string): Promise<number> {
    const token = tokenOf(room);
    this.unsubscribe(room);
    const subscription = this.#connection.subscribe(`${this.#config.name}.live.${token}`, {
      callback: (error, message) => {
        if (!error) this.#deliver(room, message);
      },
    });
    this.#subscriptions.set(room, subscription);
    const base = await this.#findStream();
    return await this.#answer(async () => {
      await this.#connection.flush();
      const last = await this.#manager.streams.getMessage(this.#config.name, { last_by_subj: this.#subject(token) });
      return last ? base + last.seq : 0;
    });
  }

  #deliver(room: string, { data, headers }: NatsMessage): void {
    const seq = Number(headers?.get("Nats-Sequence")), previous = Number(headers?.get("Nats-Last-Sequence"));
    // Without a base the connection is new, and what comes now will be read
    if (this.#base === undefined || !(seq > 0)) return;
    const message = { number: this.#base + seq, data: decode(data) };
    this.#listener?.onMessage(room, message, previous > 0 ? this.#base + previous : 0);
  }

  unsubscribe(room: string): void {
    this.#subscriptions.get(room)?.unsubscribe();
    this.#subscriptions.delete(room);
  }

  close(): Promise<void> {
    this.#listener = undefined;
    this.#status.stop?.();
    for (const room of this.#subscriptions.keys()) this.unsubscribe(room);
    this.#goDown(new Error("The relay is closed"));
    return Promise.resolve();
  }

  #subject(token: string): string {
    return `${this.#config.name}.kept.${token}`;
  }
}
