// Each relay with what it needs, for tests that all of them must pass.

import { connect } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { createClient } from "redis";
import { memoryRelay } from "../../src/rooms/memory_relay.ts";
import { natsRelay } from "../../src/rooms/nats_relay.ts";
import { redisRelay } from "../../src/rooms/redis_relay.ts";
import type { Relay, RelayListener } from "../../src/rooms/relay.ts";
import { Engine, lacksEngine } from "../kit/engines.ts";

/** A relay's engine while a test runs. */
export interface Carrier extends AsyncDisposable {
  /** What there is to restart. */
  readonly engine?: Engine;
  /** A relay as a process of its own would have it, which was started; it keeps so many messages of a room. */
  open(listener?: RelayListener, messages?: number): Promise<Relay & AsyncDisposable>;
}

/** A relay. */
export interface RelayKind {
  readonly name: string;
  /** Whether processes share their rooms by it. */
  readonly isShared: boolean;
  /** What is missing here for it. */
  readonly lacks: string | undefined;
  start(): Promise<Carrier>;
}

/** How long clients wait before they dial again, in milliseconds: an engine is down for a fraction of a second. */
const RECONNECT_DELAY = 20;

const IGNORING: RelayListener = { onMessage() {}, onDown() {}, onUp() {} };

/** Starts a relay; disposing of it closes it, and then what it stands on. */
function started(relay: Relay, listener = IGNORING, release = async () => {}): Relay & AsyncDisposable {
  relay.start(listener);
  return Object.assign(relay, {
    async [Symbol.asyncDispose]() {
      await relay.close();
      await release();
    },
  });
}

/** All relays. */
export const RELAYS: readonly RelayKind[] = [
  {
    name: "memoryRelay()",
    isShared: false,
    lacks: undefined,
    start: () =>
      Promise.resolve({
        open: (listener, messages) => Promise.resolve(started(memoryRelay({ messages }), listener)),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  },
  {
    name: "redisRelay()",
    isShared: true,
    lacks: lacksEngine("redis"),
    async start() {
      const engine = await Engine.start("redis");
      return {
        engine,
        open(listener, messages) {
          const client = createClient({ url: engine.url, socket: { reconnectStrategy: RECONNECT_DELAY } });
          return Promise.resolve(started(redisRelay(client, { messages }), listener));
        },
        [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
      };
    },
  },
  {
    name: "natsRelay()",
    isShared: true,
    lacks: lacksEngine("nats"),
    async start() {
      const engine = await Engine.start("nats");
      return {
        engine,
        async open(listener, messages) {
          const options = { servers: engine.url, maxReconnectAttempts: -1, reconnectTimeWait: RECONNECT_DELAY };
          const connection = await connect(options), manager = await jetstreamManager(connection);
          return started(natsRelay(connection, manager, { messages }), listener, () => connection.close());
        },
        [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
      };
    },
  },
];
