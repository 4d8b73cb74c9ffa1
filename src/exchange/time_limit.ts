import { onAbort } from "../base/abort.ts";
import { type Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import { ExchangeError } from "../errors/problem.ts";

/** The deadline and the signal of a handshake that takes more than one exchange, as one signal. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #deadline: Deadline;
  readonly #ignoreSignal: () => void;

  /** @param timeout From now on, in milliseconds; 0: for ever. */
  constructor(clock: Clock, timeout: number, signal: AbortSignal | undefined) {
    this.#deadline = new Deadline(clock);
    this.#deadline.set(timeout, () => this.#controller.abort(tooLate(timeout)));
    this.#ignoreSignal = onAbort(signal, (reason) => this.#controller.abort(reason));
  }

  /** Aborted with a {@linkcode ExchangeError} when the time is over, or with the reason of the given signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The handshake is over. */
  dispose(): void {
    this.#deadline.clear();
    this.#ignoreSignal();
  }
}

export function tooLate(timeout: number): ExchangeError {
  return new ExchangeError("handshake-timeout", `nothing was settled within ${timeout} ms`);
}
