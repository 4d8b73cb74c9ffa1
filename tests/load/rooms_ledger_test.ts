// The ledger sees each thing that can be wrong.

import { assertEquals } from "@std/assert";
import { test } from "../kit/harness.ts";
import { Ledger, type Wrongs } from "./rooms_ledger.ts";

/** A step: a member or the relay, the number of a message, and which of the one publisher's it is; or a gap. */
type Step = readonly [who: "a" | "b" | "ack", number: number, sequence: number];

/** Rows: what happened, and what is wrong about it. */
const rows: readonly (readonly [name: string, steps: readonly Step[], wrongs: Partial<Wrongs>])[] = [
  ["nothing, where numbers have holes", [["a", 2, 0], ["a", 7, 1], ["ack", 2, 0], ["ack", 7, 1], ["b", 2, 0], [
    "b",
    7,
    1,
  ]], {}],
  ["nothing, where an acknowledgement comes again", [["ack", 1, 0], ["ack", 1, 0], ["a", 1, 0], ["b", 1, 0]], {}],
  ["lost on the way", [["ack", 1, 0], ["ack", 2, 1], ["a", 1, 0], ["a", 2, 1], ["b", 2, 1]], { lost: 1 }],
  ["lost at the end", [["ack", 1, 0], ["ack", 2, 1], ["a", 1, 0], ["a", 2, 1], ["b", 1, 0]], { lost: 1 }],
  ["lost by all", [["ack", 1, 0], ["ack", 2, 1], ["a", 1, 0], ["b", 1, 0]], { lost: 2 }],
  // What nobody else has is counted again for each that comes behind it
  ["got by the second alone", [["ack", 1, 0], ["ack", 2, 1], ["a", 2, 1], ["b", 1, 0], ["b", 2, 1]], {
    lost: 3,
    unordered: 1,
  }],
  ["twice for one", [["ack", 1, 0], ["a", 1, 0], ["b", 1, 0], ["b", 1, 0]], { twice: 1 }],
  ["twice in the room", [["ack", 1, 0], ["a", 1, 0], ["a", 2, 0], ["b", 1, 0], ["b", 2, 0]], {
    twice: 1,
    misnumbered: 1,
  }],
  ["swapped in the room", [
    ["ack", 2, 0],
    ["ack", 1, 1],
    ["a", 1, 1],
    ["a", 2, 0],
    ["b", 1, 1],
    ["b", 2, 0],
  ], { twice: 1, unordered: 1 }],
  ["swapped for one", [
    ["ack", 1, 0],
    ["ack", 2, 1],
    ["a", 1, 0],
    ["a", 2, 1],
    ["b", 1, 1],
    ["b", 2, 0],
  ], { unordered: 2 }],
  ["another number on retry", [["ack", 1, 0], ["ack", 2, 0], ["a", 1, 0], ["b", 1, 0]], { misnumbered: 2 }],
];
for (const [name, steps, wrongs] of rows) {
  test(`the ledger of a room sees what is wrong: ${name}`, () => {
    const ledger = new Ledger(), places = { a: 0, b: 0 };
    for (const [who, number, sequence] of steps) {
      const message = { publisher: 0, sequence };
      if (who === "ack") ledger.acknowledge(message, number);
      else places[who] = ledger.see(places[who], number, message);
    }
    ledger.close(Object.values(places));
    assertEquals(ledger.wrongs, { lost: 0, twice: 0, unordered: 0, misnumbered: 0, gaps: 0, ...wrongs });
  });
}
