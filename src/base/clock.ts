// Time as a parameter: the runtime's clock, or a fake one in tests. And the next turn of the event loop.

/**
 * A clock with timers, in milliseconds.
 *
 * @example The runtime's clock, overheard
 * ```ts
 * import { accept, type Clock } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const delays: number[] = [];
 * const clock: Clock = {
 *   now: () => performance.now(),
 *   setTimeout(callback, delay) {
 *     delays.push(delay);
 *     return setTimeout(callback, delay);
 *   },
 *   clearTimeout: (timer) => clearTimeout(timer as number),
 * };
 * const [client, server] = connectionPair();
 * client.reset();
 * await accept(server, { clock, handshakeTimeout: 3000 }).catch(() => {});
 *
 * assertEquals(delays, [3000]);
 * ```
 */
export interface Clock {
  /**
   * A time that only grows.
   *
   * @returns Milliseconds since some point in time.
   */
  now(): number;
  /**
   * Calls back once.
   *
   * @param callback What to call.
   * @param delay After how long at least, in milliseconds.
   * @returns The timer, for `clearTimeout` alone to understand.
   */
  setTimeout(callback: () => void, delay: number): unknown;
  /**
   * Forgets a timer.
   *
   * @param timer What `setTimeout` has returned.
   */
  clearTimeout(timer: unknown): void;
}

/** The runtime's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/**
 * The clock option, with its default.
 *
 * @throws {TypeError} When it is no clock.
 */
export function checkClock(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock;
  for (const method of ["now", "setTimeout", "clearTimeout"] as const) {
    if (typeof clock[method] !== "function") throw new TypeError(`Cannot use the clock: it has no ${method}()`);
  }
  return clock;
}

/** The longest delay that timers take; longer ones would fire at once. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * An option that is a number, with its default.
 *
 * @throws {RangeError} When it is not an integer from `min` on, nor `Infinity`.
 */
export function checkNumber(name: string, value: number | undefined, byDefault: number, min = 0): number {
  if (value === undefined) return byDefault;
  if (typeof value !== "number" || !(Number.isInteger(value) || value === Infinity) || value < min) {
    throw new RangeError(
      `Cannot use the option ${name}: it is ${value}, an integer from ${min} on is allowed, or Infinity`,
    );
  }
  return value;
}

/**
 * An option that is a time in milliseconds, with its default; 0 disables.
 *
 * @throws {RangeError} When it is negative, not a number, or longer than timers can be.
 */
export function checkTime(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_DELAY)) {
    throw new RangeError(`Cannot use the option ${name}: it is ${value}, 0 to ${MAX_DELAY} milliseconds are allowed`);
  }
  return value;
}

const later: (callback: () => void) => void = (globalThis as { setImmediate?: (callback: () => void) => void })
  .setImmediate ?? ((callback) => setTimeout(callback, 0));

/** Calls back in the next turn, after all promises that are settled by then. */
export function nextTurn(callback: () => void): void {
  later(callback);
}
