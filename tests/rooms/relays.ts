// Each relay with what it needs, for tests that all of them must pass.

import { connect } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { natsRelay } from "../../src/rooms/nats_relay.ts";
import type { Relay, RelayListener } from "../../src/rooms/relay.ts";
import { Engine, lacksEngine } from "../kit/engines.ts";

/** A relay's engine while a test runs. */
export interface Carrier extends AsyncDisposable {
  /** A relay as a process of its own would have it, which was started; it keeps so many messages of a room. */
  open(listener?: RelayListener, messages?: number): Promise<Relay & AsyncDisposable>;
  /** What there is to restart. */
  readonly engine?: Engine;
}

/** A relay. */
export interface RelayKind {
  readonly name: string;
  /** What is missing here for it. */
  readonly lacks: string | undefined;
  start(): Promise<Carrier>;
}

/** How long clients wait before they dial again: an engine is down for a fraction of a second. */
const RECONNECT_DELAY = 20;

const IGNORING: RelayListener = { onMessage() {}, onDown() {}, onUp() {} };

/** All relays. */
export const RELAYS: readonly RelayKind[] = [
  {
    name: "natsRelay()",
    lacks: lacksEngine("nats"),
    async start() {
      const engine = await Engine.start("nats");
      return {
        engine,
        async open(listener = IGNORING, messages) {
          const options = { servers: engine.url, maxReconnectAttempts: -1, reconnectTimeWait: RECONNECT_DELAY };
          const connection = await connect(options);
          const relay = natsRelay(connection, await jetstreamManager(connection), { messages });
          relay.start(listener);
          return Object.assign(relay, {
            async [Symbol.asyncDispose]() {
              await relay.close();
              await connection.close();
            },
          });
        },
        [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
      };
    },
  },
];
