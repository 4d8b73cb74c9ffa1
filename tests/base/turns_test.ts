import { assert, assertEquals } from "@std/assert";
import { nextTurn } from "../../src/base/clock.ts";
import { beginTurn, endTurn, eventTurn, isOver, thisTurn } from "../../src/base/turns.ts";
import { test } from "../kit/harness.ts";

test("a turn has one number, until everything that promises set off in it has run", async () => {
  const turn = thisTurn();
  for (let i = 0; i < 20; i++) await undefined;
  assertEquals([thisTurn(), isOver(turn)], [turn, false]);
  await new Promise<void>((resolve) => nextTurn(resolve));
  assert(isOver(turn));
  assert(thisTurn() !== turn);
  await new Promise<void>((resolve) => nextTurn(resolve));
});

test("a turn in which a socket is called back is over with the next one, and with one that somebody takes", async () => {
  beginTurn();
  const first = eventTurn();
  endTurn();
  beginTurn();
  assert(isOver(first));
  const second = [eventTurn(), thisTurn()];
  endTurn();
  assertEquals(second.map(isOver), [false, false]);
  await new Promise<void>((resolve) => nextTurn(resolve));
  assertEquals(second.map(isOver), [true, true]);
});
