// Turns of the event loop, numbered: what happens in one has the same number. A number is over once everything that promises
// settled in its turn has run.

import { IO_IS_PER_REQUEST, nextTurn } from "../base/clock.ts";

let turn = 0;
let isCounting = false;

/** The number of this turn. One callback a turn counts for everybody who asks. */
export function thisTurn(): number {
  if (isCounting && !IO_IS_PER_REQUEST) return turn;
  isCounting = true;
  nextTurn(() => {
    turn++;
    isCounting = false;
  });
  return turn;
}

/** Whether the turn of this number is over. */
export function isOver(number: number): boolean {
  return number !== turn;
}
