import { assert, assertEquals } from "@std/assert";
import { nextTurn } from "../../src/base/clock.ts";
import { isOver, thisTurn } from "../../src/web/turns.ts";
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
