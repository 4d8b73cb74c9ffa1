import { assertEquals, assertStrictEquals } from "@std/assert";
import { HeldMessages } from "../../src/connection/held_messages.ts";
import { Prepared } from "../../src/protocol/prepared_message.ts";
import { random, test } from "../kit/harness.ts";

const message = (size: number) => new Prepared(new Uint8Array(size), true);

test("HeldMessages gives what it was given, in order", () => {
  const held = new HeldMessages(), messages = Array.from({ length: 50 }, (_, i) => message(i));
  assertEquals([held.isEmpty, held.size, held.shift()], [true, 0, undefined]);
  for (const each of messages) assertEquals(held.push(each, Infinity), 0);
  assertEquals([held.isEmpty, held.size], [false, 49 * 25 + 50 * 64]);
  for (const each of messages) assertStrictEquals(held.shift(), each);
  assertEquals([held.isEmpty, held.size, held.shift()], [true, 0, undefined]);
});

test("HeldMessages throws the oldest away past the limit, but never the newest", () => {
  const held = new HeldMessages(), next = random(3), kept: Prepared[] = [];
  for (let i = 0; i < 5000; i++) {
    if (next() % 5 === 0) {
      assertStrictEquals(held.shift(), kept.shift());
      continue;
    }
    const each = message(next() % 3000), limit = 2000 + next() % 20_000;
    kept.push(each);
    const dropped = held.push(each, limit), size = () => kept.reduce((sum, { size }) => sum + size + 64, 0);
    let expected = 0;
    for (; size() > limit && kept.length > 1; expected++) kept.shift();
    assertEquals([dropped, held.size], [expected, size()]);
  }
});
