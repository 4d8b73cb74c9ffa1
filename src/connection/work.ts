// Who compresses and inflates, when it is too much for one turn of the event loop. All connections share an allowance for
// each turn; what is beyond it is put off, and done a slice at a time, at most so many milliseconds a turn, by each
// connection in turn. Small messages stay within the allowance, and nothing is put off for them.

import { nextTurn, systemClock } from "../base/clock.ts";
import type { Work } from "../protocol/deflate.ts";

/** Somebody who has put something off. */
export interface WorkHost {
  /** Does a slice of it. Returns whether more is left. */
  work(): boolean;
  /** The slice has thrown, as when memory can't be had: this host is out, the others go on. */
  onLost(error: unknown): void;
}

/** How many bytes may be compressed in a turn by those who do it at once: at most 8 ms, and 1 ms of what compresses well. */
const ALLOWANCE = 131_072;

/** How long slices take in a turn, in milliseconds. The last one may take some more. */
const BUDGET = 8;

let left = ALLOWANCE;
let isScheduled = false;

/** Those who wait, the next one first. */
const hosts: WorkHost[] = [];

/** What may be done in this turn. */
export const work: Work = {
  allows(bytes) {
    const isAllowed = bytes <= left;
    if (isAllowed) left -= bytes;
    if (left < ALLOWANCE / 2) schedule();
    return isAllowed;
  },
  spend(bytes) {
    left -= bytes;
    if (left < ALLOWANCE / 2) schedule();
  },
};

/** Calls `host.work()` in later turns, until it returns `false`. */
export function workLater(host: WorkHost): void {
  hosts.push(host);
  schedule();
}

/** Not for each message: the allowance is renewed when half of it is used up. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  nextTurn(runTurn);
}

function runTurn(): void {
  isScheduled = false;
  // Not the clock of a connection, which may stand still: this is about how long we really take
  const end = systemClock.now() + BUDGET;
  try {
    for (let host; (host = hosts.shift());) {
      if (runSlice(host)) hosts.push(host);
      if (systemClock.now() >= end) break;
    }
  } finally {
    left = ALLOWANCE; // only now: what a slice has received may send, and is put off too
    if (hosts.length > 0) schedule();
  }
}

function runSlice(host: WorkHost): boolean {
  try {
    return host.work();
  } catch (error) {
    host.onLost(error);
    return false;
  }
}
