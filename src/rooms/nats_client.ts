// What the relay over NATS JetStream uses of the client, which the application has: the types of `@nats-io/nats-core` and
// `@nats-io/jetstream` match these.

/**
 * What {@linkcode natsRelay} needs of a connection to NATS: one that `connect()` of the package `@nats-io/transport-node`
 * gives, version 3, or `wsconnect()` of `@nats-io/nats-core`.
 *
 * @example The type of a connection is not named
 * ```ts
 * import type { NatsConnection } from "@nats-io/transport-node";
 * import type { NatsClient } from "@handfast/websocket/rooms";
 * import { assert } from "@std/assert";
 *
 * const asClient = (connection: NatsConnection): NatsClient => connection;
 *
 * assert(asClient);
 * ```
 */
export interface NatsClient {
  /**
   * Has a function called with each message of a subject.
   *
   * @param subject The subject.
   * @param options The function.
   * @returns A way to end it.
   */
  subscribe(
    subject: string,
    options: {
      callback: (
        error: Error | null,
        message: { readonly data: Uint8Array; readonly headers?: { get(name: string): string } | undefined },
      ) => void;
    },
  ): { unsubscribe(): void };
  /**
   * Waits for the server.
   *
   * @returns Resolves once it has seen all that was sent to it.
   */
  flush(): Promise<void>;
  /**
   * Tells when the connection is lost, is there again, and is closed for good.
   *
   * @returns What happens, by its `type`.
   */
  status(): AsyncIterable<{ readonly type: string }> & { stop?(): void };
  /** What the server says of itself; nothing while there is no connection. */
  readonly info?: { readonly cluster?: string; readonly max_payload: number } | undefined;
}

/**
 * What {@linkcode natsRelay} needs of JetStream: the manager that `jetstreamManager()` of the package `@nats-io/jetstream`
 * gives, version 3.
 *
 * @example The type of a manager is not named
 * ```ts
 * import type { JetStreamManager } from "@nats-io/jetstream";
 * import type { NatsJetStream } from "@handfast/websocket/rooms";
 * import { assert } from "@std/assert";
 *
 * const asJetStream = (manager: JetStreamManager): NatsJetStream => manager;
 *
 * assert(asJetStream);
 * ```
 */
export interface NatsJetStream {
  /** The streams: what keeps messages. */
  readonly streams: {
    add(config: { readonly name: string }): Promise<{ readonly created: string }>;
    info(stream: string, options?: { subjects_filter: string }): Promise<{
      readonly created: string;
      readonly config: {
        readonly subjects: readonly string[];
        readonly max_msgs_per_subject: number;
        readonly republish?: { readonly dest: string } | undefined;
      };
      readonly state: {
        readonly first_seq: number;
        readonly subjects?: Readonly<Record<string, number>> | undefined;
      };
    }>;
    getMessage(
      stream: string,
      query: { seq: number } | { last_by_subj: string },
    ): Promise<{ readonly subject: string; readonly seq: number } | null>;
  };
  /** The consumers: what reads a stream from some place on. */
  readonly consumers: {
    add(stream: string, config: object): Promise<{ readonly name: string; readonly num_pending: number }>;
    delete(stream: string, consumer: string): Promise<boolean>;
  };
  /**
   * The client of the same connection.
   *
   * @returns What publishes and reads.
   */
  jetstream(): {
    publish(
      subject: string,
      data: Uint8Array,
      options: { msgID: string; timeout: number },
    ): Promise<{ readonly seq: number }>;
    readonly consumers: {
      getConsumerFromInfo(info: object): {
        fetch(options: { max_messages: number; expires: number }): Promise<
          AsyncIterable<{
            readonly seq: number;
            readonly data: Uint8Array;
            readonly headers?: { get(name: string): string } | undefined;
            readonly info: { readonly pending: number };
          }>
        >;
      };
    };
  };
}

/**
 * Checks what a relay is to use, by the methods that it will call.
 *
 * @throws {TypeError} When it is something else, such as a URL, or what another version of the client gives.
 */
export function checkNatsClient(connection: NatsClient, manager: NatsJetStream): void {
  const lacks = ["subscribe", "flush", "status"].find((name) => !isMethod(connection, name));
  if (lacks) {
    const rule = "it must be what connect() of the package @nats-io/transport-node, 3 or later, resolves to";
    throw new TypeError(`Cannot use the connection: it has no ${lacks}(), and ${rule}`);
  }
  const { streams, consumers } = manager ?? {};
  const methods = [[streams, "add", "info", "getMessage"], [consumers, "add", "delete"], [
    manager,
    "jetstream",
  ]] as const;
  const isManager = methods.every(([part, ...names]) => names.every((name) => isMethod(part, name))) &&
    isMethod(manager.jetstream()?.consumers, "getConsumerFromInfo");
  if (!isManager) {
    const rule = "what jetstreamManager(connection) of the package @nats-io/jetstream, 3 or later, resolves to";
    throw new TypeError(`Cannot use the manager: it must be ${rule}. Wait for it with await`);
  }
}

function isMethod(object: unknown, name: string): boolean {
  return typeof (object as Record<string, unknown> | null | undefined)?.[name] === "function";
}
