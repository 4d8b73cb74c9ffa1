// A clock under the control of a test: timers fire when the test advances the time, and at no other moment.

import type { Clock } from "../base/clock.ts";
import { digestsUnderWay } from "../base/digest.ts";

/**
 * A clock that stands still until it is advanced.
 *
 * @example Timers fire in the order of their times
 * ```ts
 * import { type FakeClock, fakeClock } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock: FakeClock = fakeClock();
 * const fired: number[] = [];
 * for (const delay of [20, 10, 30]) clock.setTimeout(() => fired.push(clock.now()), delay);
 * await clock.advance(25);
 *
 * assertEquals(fired, [10, 20]);
 * assertEquals(clock.pending, 1);
 * ```
 */
export interface FakeClock extends Clock {
  /**
   * Advances the time. Timers fire in the order of their times, and whatever a timer has set off runs before the next one
   * fires.
   *
   * @param milliseconds By how much.
   * @returns Resolves when the time has come and everything that was due has run.
   */
  advance(milliseconds: number): Promise<void>;
  /**
   * Jumps ahead, as for a process that was stopped, or whose event loop was blocked: all of the time is there at once, and
   * timers fire late. What peers have sent before the jump is read only behind the timers that are due.
   *
   * @param milliseconds By how much.
   * @returns Resolves when everything that was due has run, and what had been sent has been read.
   *
   * @example A deadline that is overdue does not overtake what has come in time
   * ```ts
   * import { accept, connect } from "@handfast/websocket";
   * import { connectionPair, fakeClock } from "@handfast/websocket/testing";
   * import { assertEquals } from "@std/assert";
   *
   * const clock = fakeClock();
   * const [client, server] = connectionPair();
   * const accepting = accept(server, { clock, handshakeTimeout: 5000 });
   * const opening = connect("ws://localhost/", { conn: client });
   * await clock.jump(60_000);
   *
   * assertEquals((await opening).response.status, 101);
   * (await accepting).abort();
   * ```
   */
  jump(milliseconds: number): Promise<void>;
  /** How many timers are set. */
  readonly pending: number;
}

/**
 * Makes a fake clock, for the `clock` option of `accept()`, `connect()`, `reconnect()`, `attach()`, `readRequest()`,
 * `writeResponse()` and `connectionPair()`.
 *
 * @returns The clock, which shows 0.
 *
 * @example A handshake that takes too long
 * ```ts
 * import { accept, HandshakeError } from "@handfast/websocket";
 * import { connectionPair, fakeClock } from "@handfast/websocket/testing";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const clock = fakeClock();
 * const [, server] = connectionPair();
 * const failed = accept(server, { clock, handshakeTimeout: 5000 }).catch((error) => error);
 * await clock.advance(5000);
 *
 * const error = await failed;
 * assert(error instanceof HandshakeError);
 * assertEquals(error.failure, "handshake-timeout");
 * ```
 */
export function fakeClock(): FakeClock {
  let now = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  /** Fires the next timer that is due by then, if there is one. */
  const fireNext = (end: number): boolean => {
    const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
    if (!due) return false;
    timers = timers.filter((timer) => timer !== due);
    now = Math.max(now, due.at);
    due.callback();
    return true;
  };
  return {
    now: () => now,
    setTimeout(callback, delay) {
      const timer = { at: now + Math.max(0, delay), callback };
      timers.push(timer);
      return timer;
    },
    clearTimeout(timer) {
      timers = timers.filter((other) => other !== timer);
    },
    async advance(milliseconds) {
      const end = now + milliseconds;
      await settle();
      while (fireNext(end)) await settle();
      now = end;
    },
    async jump(milliseconds) {
      now += milliseconds;
      do {
        while (fireNext(now));
        await settle(16); // overdue deadlines wait for what has been sent
      } while (timers.some(({ at }) => at <= now));
    },
    get pending() {
      return timers.length;
    },
  };
}

/** How often digests are waited for, one behind the other: a handshake has a few, but others may go on beside it for ever. */
const MOST_WAITS = 32;

/**
 * Waits a few turns of the event loop: for promises, and for writes that are flushed at the end of a turn. A digest takes
 * as many turns as it takes, and a few more are due behind it.
 */
async function settle(turns = 3): Promise<void> {
  for (let turn = 0, waits = 0; turn < turns; turn++) {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    const digests = digestsUnderWay();
    if (!digests || waits === MOST_WAITS) continue;
    await digests;
    waits++;
    turn = -1;
  }
}
