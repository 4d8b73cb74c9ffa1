import { assertEquals } from "@std/assert";
import { Roster } from "../../src/base/roster.ts";
import { test } from "../kit/harness.ts";

test("Roster.list() has those who were added and not deleted, whoever goes first", () => {
  const items = ["a", "b", "c", "d"].map((name) => ({ name, place: -1 }));
  for (const first of items) {
    for (const second of items) {
      const roster = new Roster<typeof items[number]>();
      for (const item of items) roster.add(item);
      for (const gone of [first, second]) roster.delete(gone);
      const left = items.filter((item) => item !== first && item !== second);
      const names = roster.list().map(({ name }) => name).sort();
      assertEquals([names, roster.size], [left.map(({ name }) => name), left.length]);
      for (const item of left) roster.delete(item);
      assertEquals([roster.size, items.map(({ place }) => place)], [0, [-1, -1, -1, -1]]);
    }
  }
});

test("Roster.list() stays as it is, and clear() takes all out", () => {
  const item = { place: -1 }, roster = new Roster<typeof item>();
  roster.add(item);
  const list = roster.list();
  roster.clear();
  assertEquals([list.length, roster.size, item.place], [1, 0, -1]);
  roster.delete(item);
  assertEquals(roster.size, 0);
});
