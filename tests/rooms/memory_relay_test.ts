// What the relay in memory keeps and forgets.

import { assert, assertEquals } from "@std/assert";
import { memoryRelay } from "../../src/rooms/memory_relay.ts";
import type { Relay } from "../../src/rooms/relay.ts";
import { test } from "../kit/harness.ts";

async function publish(relay: Relay, room: string, ...messages: string[]): Promise<readonly number[]> {
  return await relay.publish(room, messages.map((data) => ({ id: crypto.randomUUID(), data })));
}

async function kept(relay: Relay, room: string, after = 0): Promise<[messages: unknown[], isTrimmed: boolean]> {
  const { messages, isTrimmed } = await relay.read(room, after, 10_000);
  return [messages.map(({ data }) => data), isTrimmed];
}

test("a room keeps so many messages, and so many bytes", async () => {
  const few = memoryRelay({ messages: 2 });
  const [first, second] = await publish(few, "lobby", "a", "b", "c");
  assertEquals(await kept(few, "lobby"), [["b", "c"], true]);
  assertEquals(await kept(few, "lobby", first), [["b", "c"], false]);
  assertEquals(await kept(few, "lobby", second), [["c"], false]);

  const small = memoryRelay({ bytes: 1010 });
  await publish(small, "lobby", "a", "b".repeat(100), "c".repeat(100), "d");
  assertEquals((await kept(small, "lobby"))[0].length, 3);
  const [large] = await publish(small, "lobby", "x".repeat(1000));
  assertEquals(await kept(small, "lobby", large! - 1), [["x".repeat(1000)], false], "the newest one whatever its size");
  assertEquals((await kept(small, "lobby"))[0].length, 1);
});

test("an id is known as long as its message is kept", async () => {
  const relay = memoryRelay({ messages: 2 }), draft = { id: "the id", data: "x" };
  const [first] = await relay.publish("lobby", [draft]);
  await publish(relay, "lobby", "a");
  assertEquals(await relay.publish("lobby", [draft]), [first!]);
  await publish(relay, "lobby", "b");
  const [second] = await relay.publish("lobby", [draft]);
  assert(second! > first!, "it is another message");
});

test("the room that was published to longest ago is forgotten first, and who comes back is told", async () => {
  const relay = memoryRelay({ totalBytes: 3000 }), numbers = new Map<string, number>();
  for (const room of ["a", "b", "c", "a", "d", "e"]) numbers.set(room, (await publish(relay, room, room))[0]!);
  for (let i = 0; i < 4; i++) await publish(relay, "a", "a");
  assertEquals((await kept(relay, "b", numbers.get("b")))[1], true);
  assertEquals((await kept(relay, "a"))[0].length, 6);
  const [again] = await publish(relay, "b", "again");
  assert(again! > numbers.get("b")!, "numbers go on");
  assertEquals(await kept(relay, "b", numbers.get("b")), [["again"], true]);
});

test("a room that is forgotten while somebody is there goes on without a gap", async () => {
  const relay = memoryRelay({ totalBytes: 1000 }), previous: number[] = [];
  relay.start({ onMessage: (_, __, before) => void previous.push(before), onDown() {}, onUp() {} });
  await relay.subscribe("lobby");
  const [first] = await publish(relay, "lobby", "a");
  for (let i = 0; i < 10; i++) await publish(relay, `room ${i}`, "x");
  assertEquals((await kept(relay, "lobby"))[0], []);
  await publish(relay, "lobby", "b");
  assertEquals(previous, [0, first]);
});

test("a million rooms and messages take no more memory than they may", async () => {
  const relay = memoryRelay({ totalBytes: 100_000 });
  let last = 0;
  for (let i = 0; i < 20_000; i++) [last] = await publish(relay, `room ${i}`, "x") as [number];
  assertEquals((await kept(relay, "room 0"))[0], []);
  assertEquals(await kept(relay, "room 19999", last), [[], false]);
  let there = 0;
  for (let i = 0; i < 20_000; i++) there += (await kept(relay, `room ${i}`))[0].length;
  assert(there > 100 && there <= 250, `${there} are kept`);
});

test("numbers grow where the clock stands still or goes back, and in a room that was forgotten", async () => {
  const relay = memoryRelay({ messages: 0 }), { now } = Date;
  try {
    const time = now();
    Date.now = () => time;
    const [a, b] = await publish(relay, "lobby", "a", "b");
    assertEquals([a, b], [time * 1000, time * 1000 + 1]);
    const [again] = await publish(relay, "lobby", "a");
    assertEquals(again, b! + 1);
    await relay.subscribe("lobby");
    const [c] = await publish(relay, "lobby", "c");
    Date.now = () => time - 60_000;
    const [d] = await publish(relay, "lobby", "d");
    assertEquals(d, c! + 1);
  } finally {
    Date.now = now;
  }
});
