// What is particular to rooms over NATS JetStream: the stream, what becomes of it, and messages of before an outage.

import { connect as connectTcp, createServer, type Socket } from "node:net";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { natsRelay } from "../../src/rooms/nats_relay.ts";
import type { NatsRelayOptions } from "../../src/rooms/nats_stream.ts";
import type { Relay } from "../../src/rooms/relay.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import { Engine, lacksEngine } from "../kit/engines.ts";
import { test } from "../kit/harness.ts";
import { closed, listening } from "../kit/node_server.ts";

const lacks = lacksEngine("nats");

/** A relay over a connection of its own, and what it has told. */
async function open(url: string, options: NatsRelayOptions = {}) {
  const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  const manager = await jetstreamManager(connection);
  const relay = natsRelay(connection, manager, options), told: string[] = [], wakers: (() => void)[] = [];
  const tell = (what: string) => {
    told.push(what);
    for (const wake of wakers.splice(0)) wake();
  };
  relay.start({
    onMessage: (_, { data }) => tell(`${data}`),
    onDown: (error) => tell(`${error}`),
    onUp: () => tell("up"),
  });
  return {
    relay,
    connection,
    manager,
    told,
    async until(what: string) {
      while (!told.includes(what)) await new Promise<void>((resolve) => wakers.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      await relay.close();
      await connection.close();
    },
  };
}

async function publish(relay: Relay, id: string, data: string | Uint8Array<ArrayBuffer> = id): Promise<number> {
  return (await relay.publish("room", [{ id, data }]))[0]!;
}

async function textsOf(relay: Relay, room = "room"): Promise<unknown[]> {
  return (await relay.read(room, 0, 1000)).messages.map(({ data }) => data);
}

/** Rows: options that are wrong, and what is said of them. */
const wrong: readonly (readonly [options: unknown, error: typeof TypeError | typeof RangeError, says: string])[] = [
  [5, TypeError, "the options: they are 5, and must be an object"],
  [{ stream: "" }, TypeError, 'option stream: it is "", and must have 1 to 100 letters, digits, _ and -'],
  [{ stream: "my.rooms" }, TypeError, 'option stream: it is "my.rooms"'],
  [{ stream: 1 }, TypeError, "option stream"],
  [{ storage: "disk" }, TypeError, 'option storage: it is "disk", and must be "file" or "memory"'],
  [{ messages: 0 }, RangeError, "option messages: it is 0, and must be an integer of at least 1, or Infinity"],
  [{ totalBytes: -1 }, RangeError, "option totalBytes"],
  [{ replicas: 6 }, RangeError, "option replicas: it is 6, and must be an integer from 1 to 5"],
  [{ duplicateWindow: -1 }, RangeError, "option duplicateWindow"],
  [{ requestTimeout: "1" }, RangeError, 'option requestTimeout: it is the string "1"'],
];

/** Rows: what is no connection, or no manager, and what is said of it. */
const WRONG_CLIENTS = (
  { connection, manager, promised, former }: Readonly<
    Record<"connection" | "manager" | "promised" | "former", unknown>
  >,
): readonly (readonly [connection: unknown, manager: unknown, says: string])[] => [
  ["nats://127.0.0.1", manager, "the connection: it has no subscribe(), and it must be what connect() of the package"],
  [undefined, manager, "the connection: it has no subscribe()"],
  [manager, connection, "the connection: it has no subscribe()"],
  [connection, undefined, "the manager: it must be what jetstreamManager(connection) of the package"],
  [connection, {}, "@nats-io/jetstream, 3 or later, resolves to"],
  [connection, promised, "Wait for it with await"],
  [connection, former, "3 or later"],
];

test("natsRelay() refuses options that are wrong", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  await using opened = await open(engine.url);
  for (const [options, error, says] of wrong) {
    assertThrows(() => natsRelay(opened.connection, opened.manager, options as NatsRelayOptions), error, says);
  }
  const { connection, manager } = opened, promised = jetstreamManager(connection);
  const former = { ...manager, streams: manager.streams, consumers: manager.consumers, jetstream: () => ({}) };
  for (const [client, its, says] of WRONG_CLIENTS({ connection, manager, promised, former })) {
    assertThrows(() => natsRelay(client as never, its as never), TypeError, says);
  }
  await promised;
});

test("natsRelay() uses a stream that is there as it is, and none that is for something else", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  await using first = await open(engine.url, { messages: 2 });
  await publish(first.relay, "a");
  await using second = await open(engine.url, { messages: 100 });
  for (const id of ["b", "c"]) await publish(second.relay, id);
  assertEquals(await textsOf(second.relay), ["b", "c"]);

  await first.manager.streams.add({ name: "orders", subjects: ["orders.*"] });
  await using third = await open(engine.url, { stream: "orders" });
  const error = await assertRejects(() => publish(third.relay, "a"), TypeError, 'the stream "orders"');
  assert(error.message.includes('"orders.kept.*"') && error.message.includes("option stream"), error.message);
  await using fourth = await open(engine.url, { stream: "chat", messages: Infinity, totalBytes: Infinity });
  await publish(fourth.relay, "a");
  assertEquals(await textsOf(fourth.relay), ["a"]);
});

test(
  "natsRelay() numbers what follows a stream that was lost higher than that, and tells the loss",
  { lacks },
  async () => {
    await using engine = await Engine.start("nats");
    await using opened = await open(engine.url, { storage: "memory" });
    const { relay } = opened;
    await relay.subscribe("room");
    const before = [await publish(relay, "a"), await publish(relay, "b")];
    await engine.restart();
    await opened.until("up");
    assertEquals(await relay.read("room", before[0]!, 10), { messages: [], isTrimmed: true });
    const after = await publish(relay, "c");
    assert(after > before[1]!, `${after} comes after ${before[1]}`);
    await opened.until("c");
    const { messages, isTrimmed } = await relay.read("room", before[1]!, 10);
    assertEquals([messages, isTrimmed], [[{ number: after, data: "c" }], true]);
  },
);

test(
  "natsRelay() makes a stream anew that was deleted, and has all processes told of the loss",
  { lacks },
  async () => {
    await using engine = await Engine.start("nats");
    await using first = await open(engine.url);
    await using second = await open(engine.url);
    for (const { relay } of [first, second]) await relay.subscribe("room");
    const before = await publish(first.relay, "a");
    await second.until("a");
    await first.manager.streams.delete("rooms");
    await assertRejects(() => publish(first.relay, "b"), Error);
    const after = await publish(first.relay, "b");
    assert(after > before, `${after} comes after ${before}`);
    for (const { told, relay, until } of [first, second]) {
      await until("up");
      assertEquals(told.filter((what) => what.includes("deleted")).length, 1, `${told}`);
      assertEquals(await relay.read("room", before, 10), { messages: [{ number: after, data: "b" }], isTrimmed: true });
    }
    for (const call of ["read", "subscribe"] as const) {
      await first.manager.streams.delete("rooms");
      await assertRejects(
        () => call === "read" ? first.relay.read("room", after, 10) : first.relay.subscribe("room"),
        Error,
      );
      assertEquals(await first.relay.read("room", after, 10), { messages: [], isTrimmed: true });
    }
  },
);

test("rooms go on behind a gap when their stream is deleted", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  const connection = await connect({ servers: engine.url }), manager = await jetstreamManager(connection);
  const told: string[] = [], seen: unknown[] = [], done = Promise.withResolvers<void>();
  const rooms = new Rooms({
    relay: natsRelay(connection, manager),
    onError: (error) => void told.push(`${error}`),
    onRecovery: () => void told.push("recovered"),
  });
  await rooms.subscribe("lobby", ({ message, gap }) => {
    seen.push(gap ? "gap" : message);
    if (message === "c") done.resolve();
  });
  await rooms.publish("lobby", "a");
  await manager.streams.delete("rooms");
  await rooms.publish("lobby", "b");
  await rooms.publish("lobby", "c");
  await done.promise;
  assertEquals(seen, ["a", "gap", "b", "c"]);
  assertEquals([told.length, told[0]!.includes("was deleted"), told[1]], [2, true, "recovered"]);
  await rooms.close();
  await connection.close();
});

test("natsRelay() drops the oldest messages of all rooms past totalBytes, and tells it", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  await using opened = await open(engine.url, { totalBytes: 20_000 });
  const { relay } = opened;
  const [quiet = 0] = await relay.publish("quiet", [{ id: "a", data: "a" }]);
  const large = "x".repeat(5000);
  for (let i = 0; i < 6; i++) await publish(relay, `${i}`, large);
  assertEquals(await relay.read("quiet", quiet, 10), { messages: [], isTrimmed: true });
  const { messages, isTrimmed } = await relay.read("room", 0, 10);
  assert(messages.length < 4, `${messages.length} are kept`);
  assertEquals(isTrimmed, true);
});

test("natsRelay() says how large a message may be, and carries one of that size", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  await using opened = await open(engine.url);
  const { relay } = opened, size = relay.maxMessageSize!;
  assertEquals(size, 2 ** 20 - 4096);
  const [number = 0] = await relay.publish("猫".repeat(256), [{ id: "猫".repeat(128), data: new Uint8Array(size) }]);
  const { messages } = await relay.read("猫".repeat(256), number - 1, 1);
  assertEquals(messages[0]?.data.length, size);
});

test(
  "natsRelay() stores nothing twice after an outage for which the server has not known its id",
  { lacks },
  async () => {
    await using engine = await Engine.start("nats");
    await using line = await openLine(engine.port);
    await using direct = await open(engine.url, { duplicateWindow: 100 });
    await publish(direct.relay, "before");
    await using opened = await open(`nats://127.0.0.1:${line.port}`, { duplicateWindow: 100 });
    await opened.relay.subscribe("room");
    await direct.relay.subscribe("room");
    line.isDeaf = true;
    const drafts = ["a", "b"].map((id) => ({ id, data: id }));
    const inDoubt = assertRejects(() => opened.relay.publish("room", drafts), Error, "lost");
    await direct.until("b");
    line.cut();
    await inDoubt;
    await new Promise((resolve) => setTimeout(resolve, 300)); // thrice the time for which ids are known
    line.isDeaf = false;
    await opened.until("up");
    const numbers = await opened.relay.publish("room", [...drafts, { id: "c", data: "c" }]);
    assertEquals(await textsOf(direct.relay), ["before", "a", "b", "c"]);
    const { messages } = await direct.relay.read("room", 0, 10);
    assertEquals(numbers, messages.slice(1).map(({ number }) => number));
  },
);

test("natsRelay() tells that a connection was closed for good, and rejects what is asked then", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  await using opened = await open(engine.url);
  await publish(opened.relay, "a");
  await opened.connection.close();
  await opened.until("Error: The connection to NATS is closed, and will not come back");
  await assertRejects(() => publish(opened.relay, "b"), Error, "will not come back");
  assertEquals(opened.told.length, 1);
});

test("natsRelay() tells of an outage once, also when it is followed by another", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  await using opened = await open(engine.url);
  await engine.stop();
  await opened.until("Error: The connection to NATS is lost");
  await opened.connection.close();
  await assertRejects(() => publish(opened.relay, "a"), Error, "will not come back");
  assertEquals(opened.told.length, 1);
});

test("natsRelay() has one message of a batch under way at a time, where servers are a cluster", { lacks }, async () => {
  await using engine = await Engine.start("nats");
  await using opened = await open(engine.url);
  const { connection, manager } = opened, most: number[] = [];
  for (const cluster of [undefined, "a cluster"]) {
    const client = Object.create(connection, { info: { value: { ...connection.info, cluster } } });
    const jetstream = manager.jetstream(), publish = jetstream.publish.bind(jetstream);
    let underWay = 0, highest = 0;
    jetstream.publish = async (...args) => {
      highest = Math.max(highest, ++underWay);
      const ack = await publish(...args);
      underWay--;
      return ack;
    };
    const relay = natsRelay(client, Object.create(manager, { jetstream: { value: () => jetstream } }));
    const drafts = Array.from({ length: 10 }, (_, i) => ({ id: `${cluster} ${i}`, data: `${i}` }));
    const numbers = await relay.publish("room", drafts);
    assertEquals(numbers, numbers.toSorted((a, b) => a - b));
    most.push(highest);
    await relay.close();
  }
  assertEquals(most, [10, 1]);
});

/** A line to a port of 127.0.0.1 on which nothing comes back while it is deaf, or nobody is connected while it is. */
async function openLine(port: number) {
  const sockets = new Set<Socket>();
  const line = {
    port: 0,
    isDeaf: false,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      line.cut();
      await closed(server);
    },
  };
  const server = createServer((near) => {
    if (line.isDeaf) return void near.destroy();
    const far = connectTcp(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => {
      if (!line.isDeaf) near.write(chunk);
    });
  });
  line.port = await listening(server);
  return line;
}
