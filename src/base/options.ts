// The defaults of all options that are numbers, and the checks that every door uses: a wrong type is a TypeError, a
// number out of its range a RangeError. A door checks its options once, before it touches the connection.

import { type Clock, systemClock } from "./clock.ts";

/** The default of each limit: sizes in bytes, times in milliseconds. */
export const DEFAULTS = {
  handshakeTimeout: 10_000,
  timeout: 10_000,
  maxHeadSize: 16 * 1024,
  maxBodySize: 1024 * 1024,
  followRedirects: 0,
  maxMessageSize: 16 * 1024 * 1024,
  streamAbove: Infinity,
  maxStreamedSize: Infinity,
  messageTimeout: 0,
  highWaterMark: 64 * 1024,
  closeTimeout: 10_000,
  pingInterval: 25_000,
  idleTimeout: 60_000,
  maxBufferedAmount: 64 * 1024 * 1024,
  firstDelay: 3000,
  maxDelay: 30_000,
  restartSpread: 25_000,
  resetAfter: 10_000,
  maxWaiting: 1024 * 1024,
  level: 6,
  memLevel: 5,
  threshold: 256,
  maxConnections: Infinity,
  maxPendingHandshakes: Infinity,
  maxConnectionsPerAddress: Infinity,
  maxConnectionsPerMinute: Infinity,
  retryAfter: 5000,
  window: 60_000,
  maxKeys: 65_536,
  maxQueuedMessages: 10_000,
  maxQueuedBytes: 16 * 1024 * 1024,
  publishTimeout: 30_000,
} as const satisfies Readonly<Record<string, number>>;

type LimitName = keyof typeof DEFAULTS;

/** The minimum of a limit, where that is not 0. */
const LEAST: { readonly [Name in LimitName]?: number } = {
  maxHeadSize: 1,
  maxConnections: 1,
  maxPendingHandshakes: 1,
  maxConnectionsPerAddress: 1,
  maxConnectionsPerMinute: 1,
  maxKeys: 1,
  maxQueuedMessages: 1,
};

/** Options that may have the limit of this name. */
type Limited<Name extends LimitName> = { readonly [_ in Name]?: number | undefined };

/**
 * A size or a count among the options, or its default.
 *
 * @throws {RangeError} When it is neither an integer in its range nor `Infinity`.
 */
export function limitOf<Name extends LimitName>(options: Limited<Name>, name: Name): number {
  return checkNumber(name, options[name], DEFAULTS[name], LEAST[name]);
}

/**
 * A time among the options, or its default; 0 means no limit.
 *
 * @throws {RangeError} When it is negative, not a number, or longer than a timer can be.
 */
export function timeOf<Name extends LimitName>(options: Limited<Name>, name: Name): number {
  return checkTime(name, options[name], DEFAULTS[name]);
}

/**
 * A time among the options that must be longer than nothing, or its default.
 *
 * @throws {RangeError} When it is not above 0, or longer than a timer can be.
 */
export function delayOf<Name extends LimitName>(options: Limited<Name>, name: Name): number {
  const time = timeOf(options, name);
  if (time > 0) return time;
  throw new RangeError(`Cannot use the option ${name}: it is 0, and must be longer`);
}

/**
 * A number, or its default.
 *
 * @throws {RangeError} When it is neither an integer of at least `min` nor `Infinity`.
 */
export function checkNumber(name: string, value: number | undefined, byDefault: number, min = 0): number {
  if (value === undefined) return byDefault;
  if (typeof value !== "number" || !(Number.isInteger(value) || value === Infinity) || value < min) {
    throw new RangeError(
      `Cannot use the option ${name}: it is ${shown(value)}, and must be an integer of at least ${min}, or Infinity`,
    );
  }
  return value;
}

/** A value in an error: "8080" from an environment variable looks like a number otherwise. */
export function shown(value: unknown): string {
  return typeof value === "string" ? `the string ${JSON.stringify(value)}` : String(value);
}

/**
 * What is either true or false, or its default.
 *
 * @throws {TypeError} When it is anything else.
 */
export function checkBoolean(name: string, value: boolean | undefined, byDefault: boolean): boolean {
  if (value === undefined) return byDefault;
  if (typeof value === "boolean") return value;
  throw new TypeError(`Cannot use the option ${name}: it is ${shown(value)}, and must be true or false`);
}

/** The longest delay of a timer: with a longer one `setTimeout()` would fire at once. */
export const MAX_DELAY = 2 ** 31 - 1;

/**
 * A time in milliseconds, or its default.
 *
 * @throws {RangeError} When it is negative, not a number, or longer than a timer can be.
 */
export function checkTime(name: string, value: number | undefined, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_DELAY)) {
    throw new RangeError(
      `Cannot use the option ${name}: it is ${shown(value)}, and must be from 0 to ${MAX_DELAY} milliseconds`,
    );
  }
  return value;
}

/**
 * Options, of which none have to be given.
 *
 * @throws {TypeError} When they are no object.
 */
export function checkOptions<Options>(options: Options): Options {
  if (typeof options === "object" && options !== null) return options;
  throw new TypeError(`Cannot use the options: they are ${shown(options)}, and must be an object`);
}

/** {@linkcode inRange}, for a number that may be left out. */
export function optional(name: string, value: number | undefined, min: number, max: number): number | undefined {
  return value === undefined ? undefined : inRange(name, value, min, max);
}

/**
 * A number that is required.
 *
 * @throws {RangeError} When it is not an integer from `min` to `max`.
 */
export function inRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(
    `Cannot use the option ${name}: it is ${shown(value)}, and must be an integer from ${min} to ${max}`,
  );
}

/**
 * The given clock, or else the runtime's.
 *
 * @throws {TypeError} When it lacks a method of a clock.
 */
export function checkClock(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock;
  for (const method of ["now", "setTimeout", "clearTimeout"] as const) {
    if (typeof clock[method] !== "function") throw new TypeError(`Cannot use the clock: it has no ${method}()`);
  }
  return clock;
}

/**
 * The signal, or nothing.
 *
 * @throws {TypeError} When it is something else.
 */
export function checkSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new TypeError("Cannot use the signal: it must be an AbortSignal");
}

/**
 * Bytes that were already read, or none.
 *
 * @throws {TypeError} When they are something else.
 */
export function checkPrefix(prefix: Uint8Array | undefined): Uint8Array | undefined {
  if (prefix === undefined || prefix instanceof Uint8Array) return prefix;
  throw new TypeError("Cannot use the prefix: it must be a Uint8Array");
}
