// A room whose relay misses messages, fails, comes back, or begins its numbers anew: followers notice nothing, or are told.

import { assert, assertEquals } from "@std/assert";
import type { RoomEvent } from "../../src/rooms/event.ts";
import type { Relay, RelayedMessage, RelayListener } from "../../src/rooms/relay.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { socketsSettled } from "../kit/serving.ts";
import { House } from "./guests.ts";
import { ShakyRelay } from "./shaky_relay.ts";

/** What a subscriber has seen. */
class Watcher {
  readonly events: RoomEvent[] = [];
  #wakers: (() => void)[] = [];

  static async at(rooms: Rooms, room: string, after?: number): Promise<Watcher> {
    const watcher = new Watcher();
    await rooms.subscribe(room, (event) => watcher.see(event), after === undefined ? {} : { after });
    return watcher;
  }

  see(event: RoomEvent): void {
    this.events.push(event);
    for (const wake of this.#wakers.splice(0)) wake();
  }

  get messages(): unknown[] {
    return this.events.map(({ message, gap }) => gap ? "gap" : message);
  }

  async until(count: number): Promise<this> {
    while (this.events.length < count) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    return this;
  }
}

test("a message that was not told is read when the next one comes", async () => {
  const relay = new ShakyRelay();
  await using rooms = new Rooms({ relay });
  const watchers = [await Watcher.at(rooms, "lobby"), await Watcher.at(rooms, "lobby", 0)];
  await relay.publishElsewhere("lobby", "1", "2");
  relay.isDeaf = true;
  await relay.publishElsewhere("lobby", "3", "4", "5");
  relay.isDeaf = false;
  await relay.publishElsewhere("lobby", "6");
  await relay.publishElsewhere("lobby", "7");
  for (const watcher of watchers) assertEquals((await watcher.until(7)).messages, ["1", "2", "3", "4", "5", "6", "7"]);
  const reads = relay.reads.filter(([, after]) => after > 0).length;
  assert(reads <= 3, `${reads} reads for all together`);
});

test("a message that comes twice, or late since it was read meanwhile, is taken once", async () => {
  const relay = new ShakyRelay();
  await using rooms = new Rooms({ relay });
  const watcher = await Watcher.at(rooms, "lobby");
  const numbers = await relay.publishElsewhere("lobby", "1", "2", "3");
  for (const i of [2, 1, 0]) relay.tell("lobby", { number: numbers[i]!, data: "again" }, numbers[i - 1] ?? 0);
  await relay.publishElsewhere("lobby", "4");
  await (await Watcher.at(rooms, "lobby", numbers[0])).until(3);
  assertEquals(watcher.messages, ["1", "2", "3", "4"]);
  assertEquals(relay.reads.filter(([, after]) => after > 0).length, 1, "by the second watcher");
});

test("what is told while the room reads, and is not in what it has read, is read next", async () => {
  const relay = new ShakyRelay(), first = Promise.withResolvers<void>(), second = Promise.withResolvers<void>();
  await using rooms = new Rooms({ relay });
  const watcher = await Watcher.at(rooms, "lobby");
  relay.isDeaf = true;
  await relay.publishElsewhere("lobby", "1");
  relay.isDeaf = false;
  relay.held = first.promise;
  await relay.publishElsewhere("lobby", "2");
  await socketsSettled();
  relay.held = second.promise;
  first.resolve();
  await watcher.until(2);
  await socketsSettled(); // it reads whether that was all: it was, when that was read
  await relay.publishElsewhere("lobby", "3");
  second.resolve();
  assertEquals((await watcher.until(3)).messages, ["1", "2", "3"]);
});

test("who reads the history while more messages come than are kept for such gets all", async () => {
  const relay = new ShakyRelay({ bytes: Infinity }), reading = Promise.withResolvers<void>();
  await using rooms = new Rooms({ relay });
  await Watcher.at(rooms, "lobby");
  await relay.publishElsewhere("lobby", "0", "1");
  relay.held = reading.promise;
  const watchers = [await Watcher.at(rooms, "lobby", 0), await Watcher.at(rooms, "lobby", 0)];
  const body = "x".repeat(100_000), count = 200; // 40 MB, as they are counted
  const expected = Array.from({ length: count }, (_, i) => i < 2 ? `${i}` : `${i} ${body}`);
  for (const message of expected.slice(2)) await relay.publishElsewhere("lobby", message);
  reading.resolve();
  for (const watcher of watchers) assertEquals((await watcher.until(count)).messages, expected);
});

test("who waits while the room goes on behind a gap is told of it", async () => {
  const relay = new ShakyRelay({ messages: 2 });
  await using rooms = new Rooms({ relay });
  const busy = Promise.withResolvers<void>(), done = Promise.withResolvers<void>(), seen: unknown[] = [];
  await rooms.subscribe("lobby", async ({ message, gap }) => {
    seen.push(gap ? "gap" : message);
    await busy.promise;
    if (message === "last") done.resolve();
  });
  await relay.publishElsewhere("lobby", "1");
  relay.isDeaf = true;
  await relay.publishElsewhere("lobby", "missed", "missed", "missed");
  relay.isDeaf = false;
  await relay.publishElsewhere("lobby", "next"); // the room reads, and finds a gap
  await socketsSettled();
  await relay.publishElsewhere("lobby", "last");
  busy.resolve();
  await done.promise;
  assertEquals(seen, ["1", "gap", "next", "last"]);
});

test("an outage is told once, messages wait in their order, and what others published is read", async () => {
  const relay = new ShakyRelay();
  await using house = new House({ relay, clock: fakeClock() }); // which stands still: nothing is tried by time
  const { rooms } = house, watcher = await Watcher.at(rooms, "lobby");
  await rooms.publish("lobby", "before");
  relay.down();
  relay.down();
  const published = ["1", "2", "3"].map((message) => rooms.publish("lobby", message));
  const joining = Watcher.at(rooms, "attic"), returning = Watcher.at(rooms, "lobby", 0);
  await relay.publishElsewhere("lobby", "of another process");
  await socketsSettled();
  assertEquals(house.told, [{ message: "The engine has gone home", kind: "relay", room: undefined }]);
  relay.up();
  const numbers = await Promise.all(published);
  assert(numbers.every((number, i) => i === 0 || number > numbers[i - 1]!), `${numbers}`);
  const expected = ["before", "of another process", "1", "2", "3"];
  assertEquals((await watcher.until(5)).messages, expected);
  assertEquals((await (await returning).until(5)).messages, expected);
  await rooms.publish("attic", "after");
  assertEquals((await (await joining).until(1)).messages, ["after"]);
  assertEquals(house.told.slice(1), ["recovered"]);
});

test("calls that fail while the engine is there are told of once, and tried until they succeed", async () => {
  const relay = new ShakyRelay();
  await using house = new House({ relay });
  relay.fails = true;
  const joining = Watcher.at(house.rooms, "lobby");
  while (house.told.length === 0) await socketsSettled();
  relay.fails = false;
  await joining;
  await house.rooms.publish("lobby", "Hello");
  assertEquals((await (await joining).until(1)).messages, ["Hello"]);
  assertEquals(house.told, [{ message: "The engine does not answer", kind: "relay", room: "lobby" }, "recovered"]);
});

/** A relay whose numbers begin with 1, again after `wipe()`. */
class CountingRelay implements Relay {
  #messages: RelayedMessage[] = [];
  #listener: RelayListener | undefined;

  start(listener: RelayListener): void {
    this.#listener = listener;
  }

  wipe(): void {
    this.#messages = [];
    this.#listener!.onDown(new Error("It was emptied"));
    this.#listener!.onUp();
  }

  publish(room: string, drafts: readonly { data: string | Uint8Array<ArrayBuffer> }[]): Promise<number[]> {
    return Promise.resolve(drafts.map(({ data }) => {
      const previous = this.#messages.length, number = previous + 1;
      this.#messages.push({ number, data });
      this.#listener!.onMessage(room, { number, data }, previous);
      return number;
    }));
  }

  read(_: string, after: number, limit: number): Promise<{ messages: RelayedMessage[]; isTrimmed: boolean }> {
    const isTrimmed = after > this.#messages.length;
    return Promise.resolve({ messages: this.#messages.slice(isTrimmed ? 0 : after).slice(0, limit), isTrimmed });
  }

  subscribe(): Promise<number> {
    return Promise.resolve(this.#messages.length);
  }

  unsubscribe(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}

test("who had larger numbers than an emptied engine gives is told of a gap, and gets what is new", async () => {
  const relay = new CountingRelay();
  await using rooms = new Rooms({ relay, onError() {} });
  const watcher = await Watcher.at(rooms, "lobby");
  for (const message of ["1", "2", "3"]) await rooms.publish("lobby", message);
  relay.wipe();
  await watcher.until(4);
  const back = await Watcher.at(rooms, "lobby", 3);
  await back.until(1);
  for (const message of ["4", "5"]) await rooms.publish("lobby", message);
  assertEquals((await watcher.until(6)).messages, ["1", "2", "3", "gap", "4", "5"]);
  assertEquals((await back.until(3)).messages, ["gap", "4", "5"]);
  assertEquals(watcher.events[3], { room: "lobby", gap: { after: 3, next: undefined } });
  assertEquals((await (await Watcher.at(rooms, "lobby", 3)).until(3)).messages, ["gap", "4", "5"]);
});

test("who comes with a number that the room has not come to is told of a gap, and gets what is new", async () => {
  await using rooms = new Rooms();
  await rooms.publish("lobby", "before");
  const after = Number.MAX_SAFE_INTEGER - 1;
  for (const room of ["lobby", "attic"]) {
    const watcher = await Watcher.at(rooms, room, after);
    await rooms.publish(room, "new");
    assertEquals((await watcher.until(2)).messages, ["gap", "new"]);
    assertEquals(watcher.events[0], { room, gap: { after, next: undefined } });
  }
});

test("who comes from a process that was ahead gets each message once", async () => {
  const relay = new ShakyRelay();
  await using rooms = new Rooms({ relay });
  const resident = await Watcher.at(rooms, "lobby");
  const [first] = await relay.publishElsewhere("lobby", "1");
  relay.isDeaf = true;
  const [second] = await relay.publishElsewhere("lobby", "2");
  const ahead = await Watcher.at(rooms, "lobby", second), behind = await Watcher.at(rooms, "lobby", first);
  await socketsSettled();
  relay.isDeaf = false;
  await relay.publishElsewhere("lobby", "3");
  assertEquals((await ahead.until(1)).messages, ["3"]);
  assertEquals((await behind.until(2)).messages, ["2", "3"]);
  assertEquals((await resident.until(3)).messages, ["1", "2", "3"]);
});

test("a long history is read in pages, while messages come", async () => {
  const relay = new ShakyRelay({ messages: 10_000, bytes: Infinity });
  await using rooms = new Rooms({ relay });
  const count = 2000, expected = Array.from({ length: 2 * count }, (_, i) => `${i}`);
  await Watcher.at(rooms, "lobby");
  await relay.publishElsewhere("lobby", ...expected.slice(0, count));
  const watcher = await Watcher.at(rooms, "lobby", 0);
  for (const message of expected.slice(count)) await relay.publishElsewhere("lobby", message);
  assertEquals((await watcher.until(2 * count)).messages, expected);
  const limits = relay.reads.map(([, , limit]) => limit);
  assert(limits.every((limit) => limit <= 128) && limits.length >= count / 128, `${limits}`);
  await relay.publishElsewhere("large", ...Array.from({ length: 40 }, () => "x".repeat(30_000)));
  await (await Watcher.at(rooms, "large", 0)).until(40);
  assertEquals(relay.reads.filter(([room]) => room === "large").slice(1, -1).every(([, , limit]) => limit === 1), true);
});
