import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { Inbox } from "../../src/connection/inbox.ts";
import { MESSAGE_OVERHEAD } from "../../src/connection/incoming_pieces.ts";
import { random, test } from "../kit/harness.ts";

test("Inbox gives messages in the order in which they came", () => {
  const inbox = new Inbox(), next = random(1), expected: string[] = [], taken: unknown[] = [];
  for (let i = 0; i < 1000; i++) {
    if (next() % 3 > 0) {
      inbox.push(`${i}`);
      expected.push(`${i}`);
    } else if (!inbox.isEmpty) taken.push(inbox.shift());
  }
  while (!inbox.isEmpty) taken.push(inbox.shift());
  assertEquals(taken, expected);
});

test("Inbox charges each message its bytes and some more, until it is taken", () => {
  const inbox = new Inbox();
  inbox.push("abc");
  inbox.push(new Uint8Array(5));
  assertEquals(inbox.charge, 2 * MESSAGE_OVERHEAD + 8);
  inbox.shift();
  assertEquals(inbox.charge, MESSAGE_OVERHEAD + 5);
  inbox.shift();
  assertEquals([inbox.charge, inbox.isEmpty], [0, true]);
});

test("Inbox copies a view, whose memory may be read into again", () => {
  const inbox = new Inbox(), chunk = Uint8Array.of(1, 2, 3), view = chunk.subarray(1);
  inbox.push(view);
  chunk.fill(9);
  const taken = inbox.shift();
  assertNotStrictEquals(taken, view);
  assertEquals(taken, Uint8Array.of(2, 3));
});

test("Inbox.clear() throws everything away", () => {
  const inbox = new Inbox();
  inbox.push("a");
  inbox.clear();
  assert(inbox.isEmpty && inbox.charge === 0);
});

test("Inbox takes no more places than there are messages, also if it is never empty", () => {
  const inbox = new Inbox();
  let longest = 0;
  const splice = Array.prototype.splice;
  Array.prototype.splice = function (this: unknown[], ...args: [number, number]) {
    longest = Math.max(longest, this.length);
    return splice.apply(this, args);
  } as typeof splice;
  try {
    inbox.push("always one");
    for (let i = 0; i < 100_000; i++) {
      inbox.push("a");
      inbox.shift();
    }
  } finally {
    Array.prototype.splice = splice;
  }
  assert(longest > 0 && longest < 5000, `${longest} places`);
});
