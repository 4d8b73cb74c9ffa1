// Turns of the event loop, which all WebSockets share. They are numbered: what happens in one has the same number, which is
// over once everything that promises settled in its turn has run. A turn is a callback of `setImmediate()`, or one that the
// runtime calls a socket back in, where it lets promises settle behind each of them.

import { IO_IS_PER_REQUEST, nextTurn } from "./clock.ts";

/** What takes part in the next turn. */
export interface Stepping {
  /** Whether it takes part in the turn after that, too. */
  step(): boolean;
}

let stepping: Stepping[] = [];
let turn = 0;
/** How many turns are on their way. */
let turns = 0;
/** Whether the runtime calls a socket back: nothing need tell that this is over, for what comes next is a turn of its own. */
let isCalledBack = false;

function onTurn(): void {
  turns--;
  turn++;
  const now = stepping;
  stepping = [];
  for (const one of now) if (one.step()) stepping.push(one);
}

/** The runtime calls a socket back. */
export function beginTurn(): void {
  turn++;
  isCalledBack = true;
}

/** The same is over, but for what promises have settled. */
export function endTurn(): void {
  isCalledBack = false;
}

/** From the next turn on, something takes part. */
export function joinTurns(one: Stepping): void {
  stepping.push(one);
}

/** There are so many turns to come, at least. */
export function takeTurns(count: number): void {
  while (turns < count) {
    turns++;
    nextTurn(onTurn);
  }
}

/** The number of this turn. One callback a turn counts for everybody who asks. */
export function thisTurn(): number {
  if (IO_IS_PER_REQUEST) nextTurn(() => void turn++);
  else takeTurns(1);
  return turn;
}

/** The same for whoever goes on in another callback of a socket, or takes a turn for it: none is taken to end this one. */
export function eventTurn(): number {
  return isCalledBack ? turn : thisTurn();
}

/** Whether the turn of this number is over. */
export function isOver(number: number): boolean {
  return number !== turn;
}
