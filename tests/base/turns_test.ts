import { assert, assertEquals } from "@std/assert";
import { nextTurn } from "../../src/base/clock.ts";
import { beginTurn, endTurn, isOver, thisTurn } from "../../src/base/turns.ts";
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

test("a turn in which a socket is called back is over with the next one, or once somebody has asked", async () => {
  beginTurn();
  const first = thisTurn();
  endTurn();
  beginTurn();
  const second = thisTurn();
  endTurn();
  assert(isOver(first));
  assert(!isOver(second)); // as far as is known
  await new Promise<void>((resolve) => nextTurn(resolve));
  assert(isOver(second));
});
