// An outage is told once, and once that it is over, whether the relay says so or calls fail.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Outage } from "../../src/rooms/outage.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { socketsSettled } from "../kit/serving.ts";
import { House } from "./guests.ts";
import { ShakyRelay } from "./shaky_relay.ts";

/** An outage, and what it has told. */
function watched() {
  const told: unknown[] = [];
  const onError = (error: unknown, { room }: { room?: string | undefined }) => void told.push([error, room]);
  return { told, outage: new Outage({ onError, onRecovery: () => void told.push("recovered") }) };
}

test("what fails again and again is told once for all rooms, and is over when none fails and one has succeeded", () => {
  const { outage, told } = watched();
  outage.failed("publish", "a", "full", 0);
  assertEquals(told, [], "a first attempt");
  outage.failed("publish", "a", "full", 1);
  outage.failed("publish", "b", "full", 1);
  outage.failed("publish", "a", "full", 2);
  outage.succeeded("read", "a"); // which can be although nothing can be stored
  outage.succeeded("publish", "b");
  outage.givenUp("publish", "a"); // after publishTimeout
  outage.succeeded("read", "a");
  outage.failed("publish", "c", "full", 1);
  assertEquals(told, [["full", "a"]]);
  outage.succeeded("publish", "c");
  outage.succeeded("publish", "c");
  assertEquals(told, [["full", "a"], "recovered"]);
  outage.failed("read", "a", "again", 1);
  assertEquals(told.slice(2), [["again", "a"]]);
});

test("what the relay says and what calls meet with is one outage", () => {
  const { outage, told } = watched();
  outage.failed("publish", "a", "slow", 1);
  outage.down("lost");
  outage.down("lost");
  outage.failed("publish", "a", "slow", 2);
  outage.succeeded("publish", "a");
  assertEquals([told, outage.cause], [[["slow", "a"]], "lost"]);
  outage.up();
  outage.up();
  assertEquals([told.slice(1), outage.cause], [["recovered"], undefined]);
  outage.end();
  outage.down("closed");
  assertEquals(told.length, 2);
});

test("an engine that stores nothing for a while is told of once, and so is that it does again", async () => {
  const relay = new ShakyRelay(), clock = fakeClock();
  await using house = new House({ relay, clock, publishTimeout: 10_000 });
  relay.fails = true;
  const lost = house.rooms.publish("lobby", "lost");
  for (let i = 0; i < 20; i++) await clock.advance(500);
  const error = await assertRejects(() => lost, DOMException, "within publishTimeout");
  assertEquals((error.cause as Error).message, "The engine does not answer");
  const kept = ["lobby", "attic"].map((room) => house.rooms.publish(room, "kept"));
  for (let i = 0; i < 10; i++) await clock.advance(500);
  assertEquals(house.told, [{ message: "The engine does not answer", kind: "relay", room: "lobby" }]);
  relay.fails = false;
  for (let i = 0; i < 10; i++) await clock.advance(500);
  for (const number of await Promise.all(kept)) assert(number > 0);
  assertEquals(house.told.slice(1), ["recovered"]);
});

test("a call that fails once is no outage", async () => {
  const relay = new ShakyRelay(), told: unknown[] = [];
  const tell = (what?: unknown) => void told.push(what);
  await using rooms = new Rooms({ relay, onError: tell, onRecovery: tell });
  relay.fails = true;
  const stored = rooms.publish("lobby", "Hello");
  while (relay.batches.length === 0) await socketsSettled();
  relay.fails = false;
  assert(await stored > 0);
  assertEquals(told, []);
});
