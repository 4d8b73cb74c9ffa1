// What the relay over NATS JetStream uses of the client, which the application has: the types of `@nats-io/transport-node`,
// `@nats-io/nats-core` and `@nats-io/jetstream` match these.

/**
 * What {@linkcode natsRelay} uses of a connection to NATS: the `NatsConnection` that `connect()` of
 * `@nats-io/transport-node` gives, or `wsconnect()` of `@nats-io/nats-core`.
 *
 * @example The client's own type fits
 * ```ts
 * import type { NatsConnection } from "@nats-io/transport-node";
 * import type { NatsClient } from "@handfast/websocket/rooms";
 *
 * const fits = (connection: NatsConnection): NatsClient => connection;
 * ```
 */
export interface NatsClient {
  /** Has a function called with each message of a subject. */
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void },
  ): { unsubscribe(): void };
  /** Resolves once the server has seen all that was sent to it. */
  flush(): Promise<void>;
  /** Tells when the connection is lost, there again, and closed for good. */
  status(): AsyncIterable<{ readonly type: string }> & { stop?(): void };
  /** What the server says of itself; nothing while there is no connection. */
  readonly info?: { readonly cluster?: string; readonly max_payload: number } | undefined;
}

/** What is used of a message that has come. */
export interface NatsMessage {
  readonly data: Uint8Array;
  readonly headers?: { get(name: string): string } | undefined;
}

/**
 * What {@linkcode natsRelay} uses of JetStream: the `JetStreamManager` that `jetstreamManager()` of `@nats-io/jetstream`
 * gives.
 *
 * @example The client's own type fits
 * ```ts
 * import type { JetStreamManager } from "@nats-io/jetstream";
 * import type { NatsJetStreamManager } from "@handfast/websocket/rooms";
 *
 * const fits = (manager: JetStreamManager): NatsJetStreamManager => manager;
 * ```
 */
export interface NatsJetStreamManager {
  /** Streams: what keeps messages. */
  readonly streams: {
    add(config: NatsStreamConfig): Promise<NatsStreamInfo>;
    info(stream: string, options?: { subjects_filter: string }): Promise<NatsStreamInfo>;
    getMessage(
      stream: string,
      query: { seq: number } | { last_by_subj: string },
    ): Promise<{ readonly subject: string; readonly seq: number } | null>;
  };
  /** Consumers: cursors in a stream. */
  readonly consumers: {
    add(stream: string, config: NatsConsumerConfig): Promise<NatsConsumerInfo>;
    delete(stream: string, consumer: string): Promise<boolean>;
  };
  /** The client of the same connection. */
  jetstream(): {
    publish(
      subject: string,
      data: Uint8Array,
      options: { msgID: string; timeout: number },
    ): Promise<{ readonly seq: number }>;
    readonly consumers: {
      getConsumerFromInfo(info: NatsConsumerInfo): {
        fetch(options: { max_messages: number; expires: number }): Promise<AsyncIterable<NatsStoredMessage>>;
      };
    };
  };
}

/** The stream of a relay; times are in nanoseconds, and -1 means no limit. */
export interface NatsStreamConfig {
  readonly name: string;
  readonly subjects: string[];
  readonly republish: { readonly src: string; readonly dest: string };
  readonly max_msgs_per_subject: number;
  readonly max_bytes: number;
  readonly duplicate_window: number;
  readonly num_replicas: number;
  readonly storage: "file" | "memory";
}

/** A stream as it is. */
export interface NatsStreamInfo {
  readonly created: string;
  readonly config: {
    readonly subjects: readonly string[];
    readonly max_msgs_per_subject: number;
    readonly republish?: { readonly src: string; readonly dest: string } | undefined;
  };
  readonly state: {
    readonly first_seq: number;
    readonly last_seq: number;
    readonly subjects?: Readonly<Record<string, number>> | undefined;
  };
}

/** Where a cursor begins. */
export type NatsStart =
  | { readonly deliver_policy: "by_start_sequence"; readonly opt_start_seq: number }
  | { readonly deliver_policy: "by_start_time"; readonly opt_start_time: string; readonly headers_only: true };

/** A cursor that reads messages of one subject. */
export type NatsConsumerConfig = NatsStart & {
  readonly ack_policy: "none";
  readonly filter_subject: string;
  readonly inactive_threshold: number;
  readonly mem_storage: true;
};

/** A cursor as it was made. */
export interface NatsConsumerInfo {
  readonly stream_name: string;
  readonly name: string;
  readonly num_pending: number;
}

/** A message that was read from a stream. */
export interface NatsStoredMessage extends NatsMessage {
  readonly seq: number;
  readonly info: { readonly pending: number };
}
