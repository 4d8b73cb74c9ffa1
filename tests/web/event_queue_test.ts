import { assertEquals } from "@std/assert";
import { nextTurn } from "../../src/base/clock.ts";
import { EventQueue } from "../../src/web/event_queue.ts";
import { test } from "../kit/harness.ts";

const turn = () => new Promise<void>((resolve) => nextTurn(resolve));

/** A queue, and what it has delivered. */
function recorded(): { queue: EventQueue<string>; seen: string[] } {
  const seen: string[] = [], queue = new EventQueue<string>((item) => void seen.push(item));
  return { queue, seen };
}

test("the first event is delivered at once, and each other one in a turn of its own", async () => {
  const { queue, seen } = recorded();
  for (const item of ["a", "b", "c"]) queue.push(item);
  const counts = [seen.length];
  assertEquals(queue.isBehind, true);
  for (let i = 0; i < 3; i++) {
    await turn();
    counts.push(seen.length);
  }
  // A turn that was asked for behind others is not over before them
  assertEquals([counts[0], counts.at(-1), seen, queue.isBehind], [1, 3, ["a", "b", "c"], false]);
});

test("microtasks of microtasks run between two events", async () => {
  const seen: string[] = [];
  const queue = new EventQueue<string>(async (item) => {
    seen.push(item);
    for (let i = 0; i < 50; i++) await undefined;
    seen.push(`${item}'`);
  });
  for (const item of ["a", "b", "c"]) queue.push(item);
  for (let i = 0; i < 4; i++) await turn();
  assertEquals(seen, ["a", "a'", "b", "b'", "c", "c'"]);
});

test("what is pushed while an event is delivered waits behind all others", async () => {
  const seen: string[] = [];
  const queue: EventQueue<string> = new EventQueue((item) => {
    seen.push(item);
    if (item.length < 3) queue.push(item + item[0]);
  });
  for (const item of ["a", "b"]) queue.push(item);
  for (let i = 0; i < 8; i++) await turn();
  assertEquals(seen, ["a", "aa", "b", "aaa", "bb", "bbb"]);
});

test("while a turn is taken nothing is delivered", async () => {
  const { queue, seen } = recorded();
  queue.takeTurn();
  queue.push("a");
  assertEquals(seen, []);
  await turn();
  assertEquals(seen, ["a"]);
});

test("the last event comes behind all others, and at once where none waits and none was delivered", async () => {
  const { queue, seen } = recorded();
  queue.push("a");
  queue.pushLast("b");
  assertEquals(seen, ["a"]);
  await turn();
  assertEquals(seen, ["a", "b"]);
  const other = recorded();
  other.queue.pushLast("z");
  assertEquals(other.seen, ["z"]);
});

test("several that are pushed while the last event is delivered take a turn each", async () => {
  const seen: string[] = [];
  const queue: EventQueue<string> = new EventQueue((item) => {
    seen.push(item);
    void Promise.resolve().then(() => seen.push(`${item}'`));
    if (item === "b") { for (const more of ["c", "d", "e"]) queue.push(more); }
  });
  for (const item of ["a", "b"]) queue.push(item);
  for (let i = 0; i < 8; i++) await turn();
  assertEquals(seen, ["a", "b", "c", "d", "e"].flatMap((item) => [item, `${item}'`]));
});

test("queues share the turns, and each has its own order", async () => {
  const seen: string[] = [],
    queues = ["a", "b", "c"].map((name) => {
      return new EventQueue<number>((item) => void seen.push(`${name}${item}`));
    });
  for (const queue of queues) for (let i = 0; i < 3; i++) queue.push(i);
  for (let i = 0; i < 4; i++) await turn();
  assertEquals(seen, ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]);
});

test("many events are delivered in their order", async () => {
  const { queue, seen } = recorded(), many = Array.from({ length: 3000 }, (_, i) => `${i}`);
  for (const item of many) queue.push(item);
  await turn();
  while (queue.isBehind) await turn();
  assertEquals(seen, many);
});
