// What waits to be published: in order and once, whatever fails, and within bounds.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Rooms } from "../../src/rooms/rooms.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { socketsSettled } from "../kit/serving.ts";
import { ShakyRelay } from "./shaky_relay.ts";

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);

async function kept(relay: ShakyRelay, room: string): Promise<unknown[]> {
  return (await relay.read(room, 0, 1000)).messages.map(({ data }) => data);
}

test("publish() sends what is published in a row in one call, and one call at a time", async () => {
  const relay = new ShakyRelay();
  await using rooms = new Rooms({ relay });
  await Promise.all(texts(300).map((text) => rooms.publish("lobby", text)));
  assertEquals(relay.batches.map(({ length }) => length), [128, 128, 44]);
  assertEquals(relay.batches.flat(), texts(300));
  relay.batches.length = 0;
  await Promise.all(texts(4).map(() => rooms.publish("lobby", "x".repeat(200_000))));
  assertEquals(relay.batches.map(({ length }) => length), [2, 2]);
});

for (const fails of [true, "stored"] as const) {
  test(`publish() stores once and in order what fails ${fails === true ? "before" : "after"} it is stored`, async () => {
    const relay = new ShakyRelay(), clock = fakeClock();
    await using rooms = new Rooms({ relay, clock, onError() {} });
    const published: Promise<number>[] = [];
    const publish = (count: number) => {
      published.push(...texts(count, published.length).map((text) => rooms.publish("lobby", text)));
    };
    for (let round = 0; round < 4; round++) {
      relay.fails = fails;
      publish(3);
      await socketsSettled();
      publish(2);
      await clock.advance(round * 60);
      relay.fails = false;
      publish(1);
      await clock.advance(2000);
      await Promise.all(published);
    }
    const numbers = await Promise.all(published);
    assertEquals(await kept(relay, "lobby"), texts(24));
    assertEquals((await relay.read("lobby", 0, 1000)).messages.map(({ number }) => number), numbers);
  });
}

test("publish() rejects what has waited for publishTimeout, and says that it may be stored", async () => {
  const relay = new ShakyRelay(), clock = fakeClock();
  await using rooms = new Rooms({ relay, clock, publishTimeout: 1000, onError() {} });
  relay.down();
  const first = rooms.publish("lobby", "first");
  await clock.advance(600);
  const second = rooms.publish("lobby", "second");
  await clock.advance(600);
  const error = await assertRejects(
    () => first,
    DOMException,
    "within publishTimeout, 1000 milliseconds. It may be stored",
  );
  assertEquals([error.name, (error.cause as Error).message], ["TimeoutError", "The engine has gone home"]);
  relay.up();
  assert(await second > 0);
  assertEquals(await kept(relay, "lobby"), ["second"]);
});

test("publish() says why the engine has refused a message all the time, although it could be used", async () => {
  const relay = new ShakyRelay(), clock = fakeClock();
  await using rooms = new Rooms({ relay, clock, publishTimeout: 5000, onError() {} });
  relay.fails = true;
  const refused = rooms.publish("lobby", "x");
  while (relay.batches.length < 1) await undefined;
  await clock.advance(5000);
  const error = await assertRejects(() => refused, DOMException, "publishTimeout");
  assertEquals([error.name, (error.cause as Error).message], ["TimeoutError", "The engine does not answer"]);
});

test("a message that is given up while it is being stored takes no other with it", async () => {
  const relay = new ShakyRelay(), clock = fakeClock(), storing = Promise.withResolvers<void>();
  await using rooms = new Rooms({ relay, clock, publishTimeout: 1000, maxQueuedMessages: 4 });
  relay.held = storing.promise;
  const first = rooms.publish("lobby", "first");
  await clock.advance(600);
  const others = ["second", "third"].map((text) => rooms.publish("lobby", text));
  await clock.advance(600);
  await assertRejects(() => first, DOMException, "It may be stored");
  others.push(rooms.publish("lobby", "fourth"), rooms.publish("lobby", "fifth"));
  storing.resolve();
  await Promise.all(others);
  assertEquals(await kept(relay, "lobby"), ["first", "second", "third", "fourth", "fifth"]);
  await Promise.all(texts(4).map((text) => rooms.publish("lobby", text))); // nothing of the bound is used up
});

test("publish() rejects after publishTimeout although a call never settles", async () => {
  const relay = new ShakyRelay(), clock = fakeClock(), rooms = new Rooms({ relay, clock });
  relay.hangs = true;
  const lost = rooms.publish("lobby", "x");
  await clock.advance(30_000);
  await assertRejects(() => lost, DOMException, "within publishTimeout");
  const next = rooms.publish("lobby", "y");
  await clock.advance(30_000);
  await assertRejects(() => next, DOMException, "within publishTimeout");
  assertEquals(relay.batches.length, 1);
  await rooms.close();
});

test("publish() rejects what is too much to wait, and takes messages again when there is room", async () => {
  const relay = new ShakyRelay();
  await using rooms = new Rooms({ relay, maxQueuedMessages: 3, maxQueuedBytes: 1000, onError() {} });
  relay.down();
  const large = rooms.publish("attic", "x".repeat(10_000));
  const error = await assertRejects(
    () => rooms.publish("lobby", "y"),
    DOMException,
    "1 messages of 20200 bytes already wait",
  );
  assertEquals([error.name, (error.cause as Error).message], ["QuotaExceededError", "The engine has gone home"]);
  relay.up();
  await large;
  relay.down();
  const waiting = texts(3).map((text) => rooms.publish(`room ${text}`, text));
  await assertRejects(() => rooms.publish("lobby", "y"), DOMException, "maxQueuedMessages is 3");
  relay.up();
  await Promise.all(waiting);
  assert(await rooms.publish("lobby", "y") > 0);
});

test("publish() copies bytes, mends lone surrogates, and knows an id again", async () => {
  const relay = new ShakyRelay();
  await using rooms = new Rooms({ relay });
  const bytes = Uint8Array.of(1, 2, 3), stored = rooms.publish("lobby", bytes.subarray(1), { id: "bytes" });
  bytes.fill(9);
  await stored;
  await rooms.publish("lobby", "a\ud800");
  assertEquals(await rooms.publish("lobby", "again", { id: "bytes" }), await stored);
  assertEquals(await kept(relay, "lobby"), [Uint8Array.of(2, 3), "a\ufffd"]);
});
