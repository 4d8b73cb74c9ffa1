// One of several servers whose rooms go through an engine, for members and publishers: a member's URL says which room it
// joins and which number it has seen last; a publisher sends orders, and gets a receipt for each.

import { type Accepted, serve, type ServeErrorContext } from "../../mod.ts";
import { natsRelay, redisRelay, type Relay, Rooms } from "../../src/rooms.ts";
import type { EngineName } from "../kit/engines.ts";
import { portOf } from "../kit/tcp.ts";
import { answerCalls } from "./program.ts";
import type { Order, Receipt } from "./rooms_clients.ts";

/** So long a client of an engine waits before it dials again, in milliseconds. */
const RECONNECT_DELAY = 50;

/** More than are ever published. */
const ALL = 10_000_000;

/** A relay through an engine, which keeps all that is published. */
const relays: Readonly<Record<EngineName, (url: string) => Promise<Relay>>> = {
  async redis(url) {
    const { createClient } = await import("redis");
    const client = createClient({ url, socket: { reconnectStrategy: RECONNECT_DELAY } });
    client.on("error", () => {}); // the rooms tell of it
    await client.connect();
    return redisRelay(client, { messages: ALL });
  },
  async nats(url) {
    const { connect } = await import("@nats-io/transport-node");
    const { jetstreamManager } = await import("@nats-io/jetstream");
    const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: RECONNECT_DELAY });
    return natsRelay(connection, await jetstreamManager(connection), { messages: ALL });
  },
};

const complaints: string[] = [];

async function member(rooms: Rooms, socket: Accepted, query: URLSearchParams): Promise<void> {
  await rooms.join(query.get("room")!, socket, { after: Number(query.get("after")) });
  await socket.receive();
}

async function publisher(rooms: Rooms, socket: Accepted): Promise<void> {
  const answer = (receipt: Receipt) => {
    if (socket.state === "open") socket.send(JSON.stringify(receipt));
  };
  await socket.receive((text) => {
    const { room, id, message }: Order = JSON.parse(text as string);
    rooms.publish(room, message, { id }).then(
      (number) => answer({ id, number }),
      (error) => answer({ id, error: `${error}` }),
    );
  });
}

const calls = {
  /** Listens for clients, once the engine can be used. */
  async listen({ engine, url }: { engine: EngineName; url: string }): Promise<number> {
    const rooms = new Rooms({
      relay: await relays[engine](url),
      onError: (error, { kind }) => {
        if (kind !== "relay") complaints.push(`${kind}: ${error}`);
      },
    });
    const onError = (error: unknown, { kind }: ServeErrorContext) => {
      // Clients leave without a word here
      if (kind !== "peer") complaints.push(`${kind}: ${error}`);
    };
    const server = await serve({ port: 0, hostname: "127.0.0.1", onError }, (socket) => {
      const { pathname, searchParams } = new URL(socket.request.target, "ws://localhost");
      return pathname === "/member" ? member(rooms, socket, searchParams) : publisher(rooms, socket);
    });
    return portOf(server);
  },

  /** What has failed, but for what has to. */
  complaints: (): readonly string[] => complaints,
};

/** What this program can be asked. */
export type RoomsCalls = typeof calls;

answerCalls(calls);
