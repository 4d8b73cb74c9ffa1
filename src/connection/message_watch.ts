// How long a message may take from its first frame to its end, for those that do not come in one frame and one chunk. The
// time stands while we hold the peer back.

import type { Clock } from "../base/clock.ts";
import { Timer } from "../base/timers.ts";

/** Watches the message that is under way on one connection. */
export class MessageWatch extends Timer {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #onLate: () => void;
  /** Which message it is; 0 for none. */
  #message = 0;
  /** How much of its time was left when the clock began to run, and when that was; `undefined` while it stands. */
  #left = 0;
  #since: number | undefined;

  /** @param timeout In milliseconds. */
  constructor(clock: Clock, timeout: number, onLate: () => void) {
    super(clock);
    this.#clock = clock;
    this.#timeout = timeout;
    this.#onLate = onLate;
  }

  /**
   * Something was read.
   *
   * @param message Which message is under way now; 0 for none.
   * @param isHeld Whether we are what it waits for.
   */
  update(message: number, isHeld: boolean): void {
    if (message !== this.#message) {
      this.#stand();
      this.#message = message;
      this.#left = this.#timeout;
    }
    if (message === 0 || isHeld) this.#stand();
    else if (this.#since === undefined) {
      this.#since = this.#clock.now();
      this.schedule(Math.max(1, this.#left));
    }
  }

  #stand(): void {
    if (this.#since === undefined) return;
    this.#left -= this.#clock.now() - this.#since;
    this.#since = undefined;
    this.clear();
  }

  onTimeout(): void {
    this.#since = undefined;
    this.#onLate();
  }
}
