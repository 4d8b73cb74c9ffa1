// Defers compressing and inflating that is too much for one event loop turn. All connections share a budget for each turn;
// what is beyond it is done in later turns, in slices, connection by connection, for a few milliseconds a turn. Small
// messages stay within the budget: nothing is deferred for them.

import { IO_IS_PER_REQUEST, nextTurn, systemClock } from "../base/clock.ts";
import type { Work } from "../protocol/deflate.ts";

/** A connection with deferred work. */
export interface WorkHost {
  /** Does a slice of it. Returns whether more is left. */
  work(): boolean;
  /** The slice has thrown, such as when memory can't be had: only this connection fails. */
  onLost(error: unknown): void;
}

/** How many bytes may be compressed at once in a turn: at most 8 ms, and 1 ms for what compresses well. */
const BUDGET = 131_072;

/** How long the slices of a turn may take, in milliseconds. The last one may exceed it. */
const SLICES_TIME = 8;

let left = BUDGET;
let isScheduled = false;

/** The connections that wait, the next one first. */
const hosts: WorkHost[] = [];

/** The budget of this turn; where no timer could renew it for all connections, that of each piece of work. */
export const work: Work = IO_IS_PER_REQUEST ? { allows: (bytes) => bytes <= BUDGET, spend() {} } : {
  allows(bytes) {
    const isAllowed = bytes <= left;
    if (isAllowed) left -= bytes;
    if (left < BUDGET / 2) schedule();
    return isAllowed;
  },
  spend(bytes) {
    left -= bytes;
    if (left < BUDGET / 2) schedule();
  },
};

/** Calls `host.work()` in later turns, until it returns `false`. */
export function workLater(host: WorkHost): void {
  if (IO_IS_PER_REQUEST) return nextTurn(() => void (runSlice(host) && workLater(host)));
  hosts.push(host);
  schedule();
}

/** The budget is not renewed for each message, but when half of it is used up. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  nextTurn(runTurn);
}

function runTurn(): void {
  isScheduled = false;
  // Not the clock of a connection, which may stand still: this is about how long we really take
  const end = systemClock.now() + SLICES_TIME;
  try {
    for (let host; (host = hosts.shift());) {
      if (runSlice(host)) hosts.push(host);
      if (systemClock.now() >= end) break;
    }
  } finally {
    left = BUDGET; // only now: what the slices cause to be sent is deferred too
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
