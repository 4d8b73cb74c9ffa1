// Turns of the event loop, which all WebSockets share. They are numbered: what happens in one has the same number, which is
// over once everything that promises settled in its turn has run.

import { IO_IS_PER_REQUEST, nextTurn } from "../base/clock.ts";

/** What takes part in the next turn. */
export interface Stepping {
  /** Whether it takes part in the turn after that, too. */
  step(): boolean;
}

let stepping: Stepping[] = [];
let turn = 0;
/** How many turns are on their way. */
let turns = 0;

function onTurn(): void {
  turns--;
  turn++;
  const now = stepping;
  stepping = [];
  for (const one of now) if (one.step()) stepping.push(one);
}

/** From the next turn on, something takes part. */
export function joinTurns(one: Stepping): void {
  stepping.push(one);
}

/** There are so many turns to come, at least. */
export function takeTurns(count: number): void {
  if (turns >= count) return;
  turns++;
  nextTurn(onTurn);
}

/** The number of this turn. One callback a turn counts for everybody who asks. */
export function thisTurn(): number {
  if (IO_IS_PER_REQUEST) nextTurn(() => void turn++);
  else takeTurns(1);
  return turn;
}

/** Whether the turn of this number is over. */
export function isOver(number: number): boolean {
  return number !== turn;
}
