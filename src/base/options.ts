import { type Clock, systemClock } from "./clock.ts";

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

/** A number that may be left out, checked. */
export function optional(name: string, value: number | undefined, min: number, max: number): number | undefined {
  return value === undefined ? undefined : inRange(name, value, min, max);
}

export function inRange(name: string, value: number, min: number, max: number): number {
  const isNumber = Number.isInteger(value) || value === Infinity;
  if (isNumber && value >= min && value <= max) return value;
  throw new RangeError(`Cannot use the option ${name}: it is ${value}, an integer from ${min} to ${max} is allowed`);
}

/** A signal is one, or nothing. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new TypeError("Cannot use the signal: it must be an AbortSignal");
}

/** A prefix is bytes, or nothing. */
export function checkPrefix(prefix: unknown): void {
  if (prefix === undefined || prefix instanceof Uint8Array) return;
  throw new TypeError("Cannot use the prefix: it must be a Uint8Array");
}
