import { type Clock } from "../base/clock.ts";
import { Deadline } from "../base/timers.ts";
import { ExchangeError } from "../errors/problem.ts";

/** The deadline and the signal of a handshake that takes more than one exchange, as one signal. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #deadline: Deadline;
  readonly #given: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort(this.#given!.reason);

  /** @param timeout From now on, in milliseconds; 0: for ever. */
  constructor(clock: Clock, timeout: number, signal: AbortSignal | undefined) {
    this.#given = signal;
    this.#deadline = new Deadline(clock);
    this.#deadline.set(timeout, () => this.#controller.abort(tooLate(timeout)));
    signal?.addEventListener("abort", this.#abort);
    if (signal?.aborted) this.#abort();
  }

  /** Aborted with a {@linkcode ExchangeError} when the time is over, or with the reason of the given signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The handshake is over. */
  dispose(): void {
    this.#deadline.clear();
    this.#given?.removeEventListener("abort", this.#abort);
  }
}

export function tooLate(timeout: number): ExchangeError {
  return new ExchangeError("handshake-timeout", `nothing was settled within ${timeout} ms`);
}
