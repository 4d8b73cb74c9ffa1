// Rooms over NATS JetStream. One stream keeps the messages of all rooms, each room as a subject of it; the number of a
// message is its place in the stream. The server republishes what it has stored with the number of the message before it
// in the room, so that live messages need no consumer, and whoever has missed one sees it. History is read in pages.

import { checkTime } from "../base/options.ts";
import { snapshotOf } from "../base/owned_bytes.ts";
import { quote } from "../errors/problem.ts";
import { checkNatsClient, type NatsClient, type NatsJetStream } from "./nats_client.ts";
import {
  addStream,
  baseOf,
  configOf,
  isStreamMissing,
  NANOSECONDS,
  type NatsRelayOptions,
  type StreamConfig,
  tokenOf,
} from "./nats_stream.ts";
import { closedError, type Relay, type RelayDraft, type RelayListener, type RelayPage } from "./relay.ts";

/** So long a server keeps a cursor that nobody uses: one that was being read when the connection was lost. */
const CURSOR_TIMEOUT = 30_000;

/** The longest time that a timer can wait, in milliseconds: the client takes 0 for its own default. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/** So much a server's clock may be behind, in milliseconds. */
const CLOCKS_DIFFER = 60_000;

/** What the fields of a message take at most: its id, with the room before it, percent-encoded. */
const MAX_FIELDS = 4096;

/** A message of a subject as it comes, or as it is read from the stream. */
type LiveMessage = Parameters<Parameters<NatsClient["subscribe"]>[1]["callback"]>[1];
type StoredMessage = LiveMessage & { readonly seq: number };

/** Where reading begins. */
type Start =
  | { readonly deliver_policy: "by_start_sequence"; readonly opt_start_seq: number }
  | { readonly deliver_policy: "by_start_time"; readonly opt_start_time: string; readonly headers_only: true };

/** How the bytes of a message begin. */
const TEXT = 0x74, BINARY = 0x62;

const ENCODER = new TextEncoder(), DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Carries rooms between processes by NATS JetStream, for {@linkcode Rooms}. The client is yours: `@nats-io/transport-node`
 * and `@nats-io/jetstream`, version 3, or whatever has their types. It needs a server of version 2.9 or later, and one stream
 * for all rooms. Let the connection come back for ever (`maxReconnectAttempts: -1`); it stays open when the relay is closed.
 *
 * The server knows a message that is published again, after an outage or by another process, for `duplicateWindow`. Purge the
 * stream rather than delete it while processes use it: one that is missing is made anew, but a process notices only when it
 * next publishes or reads, or when others publish.
 *
 * @param connection The connection.
 * @param manager What `jetstreamManager(connection)` resolves to.
 * @param options What is kept, and for how long an answer is waited for.
 * @returns The relay, for one `Rooms`.
 * @throws {TypeError} When the connection, the manager, the stream or the storage is none. A stream that was created for something else is told to
 * `onError` of the rooms.
 * @throws {RangeError} When a number is out of its range.
 *
 * @example Rooms of as many processes as there are
 * ```ts
 * import { jetstreamManager } from "@nats-io/jetstream";
 * import { connect } from "@nats-io/transport-node";
 * import { natsRelay, Rooms } from "@handfast/websocket/rooms";
 * import { assertRejects } from "@std/assert";
 *
 * async function openRooms(servers: string): Promise<Rooms> {
 *   const connection = await connect({ servers, maxReconnectAttempts: -1 });
 *   return new Rooms({ relay: natsRelay(connection, await jetstreamManager(connection)) });
 * }
 *
 * await assertRejects(() => openRooms("nats://127.0.0.1:1")); // nobody listens there
 * ```
 */
export function natsRelay(
  connection: NatsClient,
  manager: NatsJetStream,
  options: NatsRelayOptions = {},
): Relay {
  return new NatsRelay(connection, manager, options);
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
  readonly #manager: NatsJetStream;
  readonly #jetstream: ReturnType<NatsJetStream["jetstream"]>;
  readonly #status: ReturnType<NatsClient["status"]>;
  readonly #timeout: number;
  readonly #config: StreamConfig;
  #listener: RelayListener | undefined;
  /** Since when publishing into a room fails, in milliseconds since 1970. */
  readonly #failing = new Map<string, number>();
  readonly #subscriptions = new Map<string, { unsubscribe(): void }>();
  /** Looks for the stream, unless that was done since the connection is there. */
  #stream: Promise<number> | undefined;
  /** The number before that of the first message of the stream, once it was found. */
  #base: number | undefined;
  /** The largest sequence number that has come live. */
  #newest = 0;
  /** Who waits for an answer. */
  readonly #waiting = new Set<(reason: Error) => void>();
  /** Why nothing can be asked of the server now. */
  #outage: Error | undefined;
  #isDown = false;

  constructor(connection: NatsClient, manager: NatsJetStream, options: NatsRelayOptions) {
    checkNatsClient(connection, manager);
    this.#connection = connection;
    this.#manager = manager;
    this.#jetstream = manager.jetstream();
    this.#config = configOf(options);
    this.#timeout = checkTime("requestTimeout", options.requestTimeout, 5000) || MAX_TIMEOUT;
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
    this.#newest = 0;
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
    } catch (error) {
      if (isStreamMissing(error)) this.#stream = undefined; // it is made anew by whoever needs it next
      throw error;
    } finally {
      this.#waiting.delete(lost.reject);
    }
  }

  /** The number before that of the first message of the stream, which is created unless it is there. */
  #findStream(): Promise<number> {
    if (this.#stream) return this.#stream;
    const stream = this.#stream = this.#answer(() => addStream(this.#manager.streams, this.#config)).then(baseOf);
    stream.then((base) => {
      if (this.#stream === stream) this.#onStream(base);
    }, () => {
      if (this.#stream === stream) this.#stream = undefined;
    });
    return stream;
  }

  #onStream(base: number): void {
    const before = this.#base;
    this.#base = base;
    if (before === undefined || before === base) return;
    this.#newest = 0;
    const { name } = this.#config;
    this.#listener?.onDown(new Error(`The stream ${quote(name)} was deleted, with its messages; there is a new one`));
    this.#listener?.onUp(); // so that what is in it is read
  }

  get maxMessageSize(): number | undefined {
    const { info } = this.#connection;
    return info && info.max_payload - MAX_FIELDS;
  }

  async publish(room: string, drafts: readonly RelayDraft[]): Promise<readonly number[]> {
    const token = tokenOf(room), since = this.#failing.get(room);
    try {
      const base = await this.#findStream(), known = await this.#storedSince(token, since);
      const seqs = await this.#storeAll(token, drafts, known);
      this.#failing.delete(room);
      return seqs.map((seq) => base + seq);
    } catch (error) {
      this.#failing.set(room, since ?? Date.now());
      throw error;
    }
  }

  async #storeAll(token: string, drafts: readonly RelayDraft[], known: ReadonlyMap<string, number>): Promise<number[]> {
    const store = async ({ id, data }: RelayDraft) => {
      const msgID = `${token}/${encodeURIComponent(id)}`; // the server knows ids for the whole stream
      const options = { msgID, timeout: this.#timeout };
      return known.get(msgID) ?? (await this.#jetstream.publish(this.#subject(token), encode(data), options)).seq;
    };
    // A server gets what is sent over a connection in order, or only its beginning. In a cluster a message may be lost on its
    // way to the server that has the stream, and the next one not.
    if (!this.#connection.info?.cluster) return await this.#answer(() => Promise.all(drafts.map(store)));
    const seqs: number[] = [];
    for (const draft of drafts) seqs.push(await this.#answer(() => store(draft)));
    return seqs;
  }

  /** What was stored in a room while publishing failed, where that was for so long that the server may have forgotten ids. */
  async #storedSince(token: string, since = Infinity): Promise<ReadonlyMap<string, number>> {
    const window = this.#config.duplicate_window / NANOSECONDS, stored = new Map<string, number>();
    if (Date.now() - since < window / 2) return stored;
    const opt_start_time = new Date(since - CLOCKS_DIFFER).toISOString();
    const from = { deliver_policy: "by_start_time", opt_start_time, headers_only: true } as const;
    for (const { headers, seq } of await this.#answer(() => this.#fetch(this.#subject(token), from, Infinity))) {
      stored.set(headers?.get("Nats-Msg-Id") ?? "", seq);
    }
    return stored;
  }

  async read(room: string, after: number, limit: number): Promise<RelayPage> {
    const subject = this.#subject(tokenOf(room)), base = await this.#findStream(), seq = Math.max(0, after - base);
    return await this.#answer(async () => {
      const from = { deliver_policy: "by_start_sequence", opt_start_seq: seq + 1 } as const;
      const messages = (await this.#fetch(subject, from, limit))
        .map(({ seq, data }) => ({ number: base + seq, data: decode(data) }));
      return { messages, isTrimmed: await this.#isTrimmed(subject, after === 0 ? undefined : seq) };
    });
  }

  async #fetch(subject: string, from: Start, limit: number): Promise<StoredMessage[]> {
    const { name } = this.#config, { consumers } = this.#manager, stored: StoredMessage[] = [];
    const cursor = await consumers.add(name, {
      ...from,
      ack_policy: "none",
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

  #deliver(room: string, { data, headers }: LiveMessage): void {
    const seq = Number(headers?.get("Nats-Sequence")), previous = Number(headers?.get("Nats-Last-Sequence"));
    // Without a base the connection is new, and what comes now will be read
    if (this.#base === undefined || !(seq > 0)) return;
    if (seq <= this.#newest) { // another process may have made the stream anew
      this.#stream = undefined;
      this.#findStream().catch(() => {});
    }
    this.#newest = seq;
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
    this.#goDown(closedError());
    return Promise.resolve();
  }

  #subject(token: string): string {
    return `${this.#config.name}.kept.${token}`;
  }
}
