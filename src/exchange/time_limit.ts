// How long a handshake may take: one deadline and the caller's signal, as one signal. For a handshake of several steps,
// such as dialling, asking a proxy, and following redirects; a single exchange keeps its own deadline.

import { whenAborted } from "../base/abort.ts";
import type { Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import { ExchangeError } from "../errors/problem.ts";

/** A deadline and a signal, whichever comes first. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #deadline: Deadline;
  readonly #ignoreSignal: () => void;

  /** @param timeout In milliseconds from now on; 0 means no limit. */
  constructor(clock: Clock, timeout: number, signal: AbortSignal | undefined) {
    this.#deadline = new Deadline(clock);
    this.#deadline.set(timeout, () => this.#controller.abort(tooLate(timeout)));
    this.#ignoreSignal = whenAborted(signal, (reason) => this.#controller.abort(reason));
  }

  /** Aborts with an {@linkcode ExchangeError} when the time is over, or with the reason of the caller's signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The handshake is over: clears the timer and stops listening to the caller's signal. */
  dispose(): void {
    this.#deadline.clear();
    this.#ignoreSignal();
  }
}

/** The error of a handshake that has taken longer than it may. */
export function tooLate(timeout: number): ExchangeError {
  return new ExchangeError("handshake-timeout", `the time limit of ${timeout} ms has passed`);
}
