// Lets connections begin to read at the end of the event loop turn in which they were made: until then the caller can
// take its messages, or close it. One callback a turn serves all of them.

import { IO_IS_PER_REQUEST, nextTurn } from "../base/clock.ts";

/** A connection that is about to start reading. */
export interface Beginner {
  begin(): void;
}

/** The connections that were made in this turn. */
let beginners: Beginner[] = [];

/** Calls `begin()` at the end of this turn. It must not throw. */
export function beginSoon(beginner: Beginner): void {
  if (IO_IS_PER_REQUEST) return nextTurn(() => beginner.begin());
  if (beginners.push(beginner) > 1) return;
  nextTurn(() => {
    const now = beginners;
    beginners = [];
    for (const beginner of now) beginner.begin();
  });
}
