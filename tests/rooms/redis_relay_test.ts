// Rooms over a real Redis: what is Redis's own. What every relay does is in relay_test.ts.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createClient, createClientPool, createCluster } from "redis";
import { redisRelay, type RedisRelayOptions } from "../../src/rooms/redis_relay.ts";
import type { RedisClient } from "../../src/rooms/redis_client.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import { Engine, lacksEngine } from "../kit/engines.ts";
import { test } from "../kit/harness.ts";
import { House } from "./guests.ts";

const lacks = lacksEngine("redis");

function relayOf(engine: Engine, options: RedisRelayOptions = {}) {
  return redisRelay(createClient({ url: engine.url, socket: { reconnectStrategy: 20 } }), options);
}

/** A client to look into Redis by. */
async function looking(engine: Engine) {
  const client = await createClient({ url: engine.url }).connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

test(
  "members in two processes get the same, in the same order, although Redis is killed meanwhile",
  { lacks },
  async () => {
    await using engine = await Engine.start("redis");
    await using one = await new House({ relay: relayOf(engine) }).open();
    await using two = await new House({ relay: relayOf(engine) }).open();
    await using ann = await one.enter("lobby");
    await using ben = await two.enter("lobby");
    await Promise.all([ann.joined, ben.joined]);
    const published: Promise<number>[] = [], count = 600;
    for (let i = 0; i < count; i++) {
      published.push((i % 2 ? one : two).rooms.publish("lobby", `${i}`));
      if (i % 20 === 0) await ann.until(i / 2);
      if (i === 200) await engine.restart("SIGKILL");
      if (i === 400) await engine.restart("SIGTERM");
    }
    const numbers = await Promise.all(published);
    for (const guest of [ann, ben]) {
      await guest.until(count);
      assertEquals(guest.numbers, numbers.toSorted((a, b) => a - b));
      for (const parity of [0, 1]) {
        const own = guest.messages.map(Number).filter((i) => i % 2 === parity);
        assertEquals(own, own.toSorted((a, b) => a - b), "in the order in which its process has published");
      }
    }
    for (const { told } of [one, two]) {
      assertEquals(told.map((entry) => entry === "recovered" ? entry : entry.kind), [
        "relay",
        "recovered",
        "relay",
        "recovered",
      ]);
    }
  },
);

test("messages wait while Redis is not there at first, and members come in when it is", { lacks }, async () => {
  await using engine = await Engine.start("redis");
  await engine.stop();
  await using house = await new House({ relay: relayOf(engine) }).open();
  const published = house.rooms.publish("lobby", "early");
  await using guest = await house.enter("lobby", 0);
  while (house.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5)); // until it was refused
  await engine.start();
  const number = await published;
  await guest.joined;
  assertEquals((await guest.until(1)).events, [{ room: "lobby", number, message: "early" }]);
  assertEquals(house.told.length, 2);
});

test("what is asked while Redis is away fails at once, to be sent again in its order", { lacks }, async () => {
  await using engine = await Engine.start("redis");
  const relay = relayOf(engine), down = Promise.withResolvers<void>(), up = Promise.withResolvers<void>();
  relay.start({ onMessage() {}, onDown: () => down.resolve(), onUp: () => up.resolve() });
  const [first] = await relay.publish("lobby", [{ id: "1", data: "x" }]);
  await engine.stop();
  await down.promise;
  const calls = [
    [() => relay.publish("lobby", [{ id: "2", data: "y" }]), "offline"],
    [() => relay.subscribe("lobby"), "no connection to Redis"],
  ] as const;
  for (const [call, why] of calls) {
    await assertRejects(call, Error); // it may have been told of its other connection first
    await assertRejects(call, Error, why);
  }
  await engine.start();
  await up.promise;
  assertEquals(await relay.subscribe("lobby"), first);
  await relay.close();
});

test("an emptied Redis is told as a gap, and numbers go on", { lacks }, async () => {
  await using engine = await Engine.start("redis");
  await using client = await looking(engine);
  await using house = await new House({ relay: relayOf(engine) }).open();
  await using guest = await house.enter("lobby");
  await guest.joined;
  const before = await house.rooms.publish("lobby", "before");
  await guest.until(1);
  await client.sendCommand(["FLUSHALL"]);
  await client.sendCommand(["SCRIPT", "FLUSH"]);
  await using back = await house.enter("lobby", before);
  await back.joined;
  const after = await house.rooms.publish("lobby", "after");
  assert(after > before);
  for (const [one, missed] of [[guest, 1], [back, 0]] as const) {
    await one.until(missed + 2);
    assertEquals(one.events.slice(missed).map(({ message, gap }) => gap?.after ?? message), [before, "after"]);
  }
});

test("what is kept is bounded, by number, by ids and by time", { lacks }, async () => {
  await using engine = await Engine.start("redis");
  await using client = await looking(engine);
  await using rooms = new Rooms({ relay: relayOf(engine, { prefix: "p", messages: 3, ids: 5, expireAfter: 60_000 }) });
  for (let i = 0; i < 10; i++) await rooms.publish("a room", `${i}`, { id: `id ${i}` });
  assertEquals((await client.keys("*")).sort(), ["p:{a%20room}:ids", "p:{a%20room}:stream"]);
  assertEquals(await client.xLen("p:{a%20room}:stream"), 3);
  assertEquals(await client.zRange("p:{a%20room}:ids", 0, -1), ["id 5", "id 6", "id 7", "id 8", "id 9"]);
  for (const key of await client.keys("*")) assert(await client.pTTL(key) > 50_000);
});

test("a process subscribes to the rooms that it has members in, and closes its connections", { lacks }, async () => {
  await using engine = await Engine.start("redis");
  await using client = await looking(engine);
  const channels = async () => (await client.sendCommand(["PUBSUB", "CHANNELS"]) as string[]).sort();
  const connected = async () => `${await client.sendCommand(["CLIENT", "LIST"])}`.trim().split("\n").length;
  const rooms = new Rooms({ relay: relayOf(engine) });
  const a = await rooms.subscribe("a", () => {});
  const b = await rooms.subscribe("b", () => {});
  assertEquals([await channels(), await connected()], [["handfast:a", "handfast:b"], 3]);
  a.unsubscribe();
  (await rooms.subscribe("a", () => {})).unsubscribe();
  await rooms.subscribe("c", () => {});
  while ((await channels()).includes("handfast:a")); // its connection is another than the one that asks
  assertEquals(await channels(), ["handfast:b", "handfast:c"]);
  b.unsubscribe();
  await rooms.close();
  while (await connected() > 1);
});

test("a Redis that refuses to store is told of, and is tried again", { lacks }, async () => {
  await using engine = await Engine.start("redis");
  await using client = await looking(engine);
  await using house = await new House({ relay: relayOf(engine) }).open();
  await client.set("handfast:{lobby}:stream", "no stream");
  const published = house.rooms.publish("lobby", "Hello");
  while (house.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5)); // until it was tried twice
  assertEquals(house.told.map((entry) => entry !== "recovered" && [entry.kind, entry.room]), [["relay", "lobby"]]);
  await using guest = await house.enter("lobby"); // what fails for it too is not told again
  await new Promise((resolve) => setTimeout(resolve, 300)); // it was tried some times
  assertEquals(house.told.length, 1);
  await client.del("handfast:{lobby}:stream");
  assert(await published > 0);
  await guest.joined;
  assertEquals(house.told.slice(1), ["recovered"]);
});

test("redisRelay() says what is wrong with its arguments", async () => {
  const client = createClient();
  const says = "and must be one that createClient() of the package redis, 5 or later, gives";
  const former = Object.assign(Object.create(client), { destroy: undefined }); // as of version 4, and of ioredis
  for (
    const [wrong, why] of [
      [undefined, "it has no duplicate()"],
      [{}, "it has no duplicate()"],
      ["redis://127.0.0.1", "it has no duplicate()"],
      [former, "it has no destroy()"],
      [createClientPool(), "it has no duplicate()"],
      [createCluster({ rootNodes: [{ url: "redis://127.0.0.1:1" }] }), "it is not for one server"],
    ] as [RedisClient, string][]
  ) assertThrows(() => redisRelay(wrong), TypeError, `${why}, ${says}`);
  assertThrows(() => redisRelay(client, 5 as never), TypeError, "the options: they are 5, and must be an object");
  assertThrows(() => redisRelay(client, { prefix: 7 as unknown as string }), TypeError, 'option prefix: it is "7"');
  assertThrows(() => redisRelay(client, { messages: 0 }), RangeError, "option messages: it is 0");
  assertThrows(() => redisRelay(client, { ids: Infinity }), RangeError, "option ids: it is Infinity");
  assertThrows(() => redisRelay(client, { expireAfter: -1 }), RangeError, "option expireAfter: it is -1");
  const relay = redisRelay(client);
  await relay.close();
  await assertRejects(() => relay.read("lobby", 0, 1), DOMException, "closed");
});
