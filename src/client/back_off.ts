// How long a client waits before it tries again: exponential back-off with jitter, so that the clients of a server that
// restarts come back evenly.
//
// Each wait is at a place in a window. Windows grow and follow one another, and a client draws its place once per outage.
// To one server that loses all its clients at once, they are then spread evenly over each window, and those that have
// tried while it was down do not overtake the others: whenever it is back, the busiest second has at most `factor` times
// the mean. With a new draw for each wait ("full jitter" as it is mostly written) some are early again and again and
// others late, and the busiest second has several times the mean.

import type { HandshakeError } from "../errors/handshake_error.ts";
import { WebSocketError } from "../errors/websocket_error.ts";

/** How waits grow: times in milliseconds. */
export interface BackOff {
  readonly firstDelay: number;
  readonly maxDelay: number;
  readonly factor: number;
  readonly restartSpread: number;
  /** A number from 0 up to 1. */
  readonly random: () => number;
}

/** One wait: how long, and where in which window it is. */
export interface Wait {
  readonly delay: number;
  readonly window: number;
  readonly place: number;
}

/**
 * The wait after a failure.
 *
 * @param last The wait before this attempt, if it was not the first of an outage.
 */
export function nextWait(last: Wait | undefined, error: HandshakeError | WebSocketError, options: BackOff): Wait {
  const { firstDelay, maxDelay, factor, random } = options, { least, spread } = wishOf(error, options);
  const grown = last ? last.window * factor : firstDelay;
  const window = Math.max(Math.min(grown, maxDelay), spread), place = last?.place ?? random();
  const rest = last && least === 0 ? last.window * (1 - last.place) : 0;
  return { delay: least + rest + window * place, window, place };
}

/** How long nobody is to come, and over how long all of them are to be spread at least. */
interface Wish {
  readonly least: number;
  readonly spread: number;
}

/** 1012 asks for 5 to 30 seconds at random, as it was registered with IANA; 1013, try again later, is no more patient. */
const RESTARTS: ReadonlySet<number | null> = new Set([1012, 1013]), RESTART_TAKES = 5000;

/** What a server has asked for: by Retry-After, or by a close code. */
function wishOf(error: HandshakeError | WebSocketError, { restartSpread }: BackOff): Wish {
  if (!(error instanceof WebSocketError)) return { least: error.retryAfter ?? 0, spread: 0 };
  return RESTARTS.has(error.closeCode) ? { least: RESTART_TAKES, spread: restartSpread } : { least: 0, spread: 0 };
}
