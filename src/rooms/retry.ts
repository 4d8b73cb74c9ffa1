// When what has failed is tried again: after a pause that grows and is spread at random, so that many who wait do not all come
// at once, or as soon as the engine can be used again.

import type { Clock } from "../base/clock.ts";

/** The first pause and the longest, in milliseconds. */
const FIRST = 50, LONGEST = 2000;

/** All who wait. */
export class Retry {
  readonly #clock: Clock;
  /** How each is woken, with its timer. */
  readonly #waiting = new Map<() => void, unknown>();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits before the next attempt.
   *
   * @param attempt How many have failed before the last one.
   */
  pause(attempt: number): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    const longest = Math.min(LONGEST, FIRST * 2 ** attempt);
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.set(wake, this.#clock.setTimeout(wake, longest / 2 + Math.random() * longest / 2));
    });
  }

  /** Wakes all. */
  now(): void {
    for (const [wake, timer] of [...this.#waiting]) {
      this.#clock.clearTimeout(timer);
      wake();
    }
  }

  /** Wakes all, and nobody waits any more. */
  end(): void {
    this.#isOver = true;
    this.now();
  }
}
