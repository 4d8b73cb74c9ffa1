// What is kept for who catches up: as much as comes in one turn, but within bounds, whoever waits.

import { assert, assertEquals } from "@std/assert";
import { Delivery } from "../../src/rooms/event.ts";
import { Follower } from "../../src/rooms/follower.ts";
import { Recent, type RecentTotal } from "../../src/rooms/recent.ts";
import { test } from "../kit/harness.ts";
import { House } from "./guests.ts";

const MIB = 2 ** 20;

/** A message that counts a MiB, or so many. */
const messageOf = (number: number, mebibytes = 1) =>
  new Delivery({ room: "lobby", number, message: "x".repeat(Math.floor(mebibytes * MIB / 2) - 100) }, true);

/** A room in which somebody waits for ever, having had no message but the first one. */
function stuckRoom(total: RecentTotal) {
  const room = { name: "lobby", place: 0, recent: new Recent(total), read: () => Promise.resolve(undefined) };
  const follower = new Follower(room, () => new Promise<void>(() => {}));
  follower.start(0, () => {});
  const publish = (mebibytes = 1) => {
    const delivery = messageOf(++room.place, mebibytes);
    room.recent.add(delivery);
    follower.onDelivery(delivery);
  };
  publish();
  return { publish, follower };
}

test("nothing is kept while nobody catches up, and 16 MiB while somebody does", () => {
  const total = { bytes: 0 }, recent = new Recent(total);
  recent.add(messageOf(1));
  assertEquals(total.bytes, 0);
  recent.begin(1);
  for (let number = 2; number <= 40; number++) recent.add(messageOf(number));
  assertEquals([total.bytes, recent.after], [16 * MIB, 24]);
  assertEquals(recent.since(30).map(({ event }) => event.number), [31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
  recent.add(messageOf(41, 20));
  assertEquals([total.bytes, recent.after], [20 * MIB, 40], "the newest one is kept whatever its size");
  recent.end();
  assertEquals([total.bytes, recent.since(0)], [0, []]);
});

test("for who waits no more is kept than would bring it up to date, nor once it has left", () => {
  const total = { bytes: 0 }, { publish } = stuckRoom(total), other = stuckRoom(total);
  for (let i = 0; i < 16; i++) publish();
  other.publish();
  assertEquals(total.bytes, 17 * MIB);
  publish();
  assertEquals(total.bytes, MIB);
  other.follower.end();
  assertEquals(total.bytes, 0);
});

test("all rooms together keep 64 MiB for who waits", () => {
  const total = { bytes: 0 };
  for (let i = 0; i < 40; i++) {
    const { publish } = stuckRoom(total);
    for (let j = 0; j < 10; j++) publish();
  }
  for (let i = 0; i < 1000; i++) stuckRoom(total).publish(0.1);
  assert(total.bytes >= 60 * MIB && total.bytes <= 64 * MIB, `${total.bytes} bytes are kept`);
});

test("what is published in one turn reaches every member that reads, however much that is", async () => {
  for (const [count, length] of [[20, 60_000], [3, 600_000], [3000, 1000]] as const) {
    await using house = await new House().open();
    await using ann = await house.enter("lobby");
    await using ben = await house.enter("lobby");
    await Promise.all([ann.joined, ben.joined]);
    const messages = Array.from({ length: count }, (_, i) => `message ${i}`.padEnd(length, "x"));
    const numbers = await Promise.all(messages.map((message) => house.rooms.publish("lobby", message)));
    for (const guest of [ann, ben]) {
      await guest.until(count);
      assertEquals(guest.events, numbers.map((number, i) => ({ room: "lobby", number, message: messages[i]! })));
    }
  }
});
