// How often something may happen: counts by key, such as the address of a client, in a bounded memory. A key that pauses
// may do all at once again; a key that goes on has to wait from one time to the next (the «generic cell rate algorithm»,
// which needs one number a key: when the key will be as good as new).

import type { Clock } from "../base/clock.ts";
import { type NetworkAddress, networkOf } from "../base/network_address.ts";
import { checkClock, checkNumber, delayOf, limitOf, shown } from "../base/options.ts";
import { retryAfterField } from "../handshake/refusal.ts";

/**
 * Options of {@linkcode RateLimit}.
 *
 * @example Ten a second, for ten thousand keys at most
 * ```ts
 * import { RateLimit, type RateLimitOptions } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const options: RateLimitOptions = { limit: 10, window: 1000, maxKeys: 10_000 };
 * const limit = new RateLimit(options);
 *
 * const statuses = Array.from({ length: 11 }, () => limit.check("ada")?.status);
 * assertEquals(statuses.indexOf(429), 10);
 * ```
 */
export interface RateLimitOptions {
  /** How often in each `window`. A key that has paused so long may do all of it at once. */
  limit: number;
  /**
   * The time that `limit` is for, in milliseconds.
   *
   * @default {60000}
   */
  window?: number | undefined;
  /**
   * How many keys are remembered, at about 100 bytes each. Past it, those that were seen longest ago are forgotten first,
   * and may begin anew.
   *
   * @default {65536}
   */
  maxKeys?: number | undefined;
  /** The clock; by default the runtime's. */
  clock?: Clock | undefined;
}

/** {@linkcode RateLimitOptions}, checked and with their defaults. */
export interface CheckedRateLimit {
  readonly limit: number;
  readonly window: number;
  readonly maxKeys: number;
  readonly clock: Clock;
}

/** Counts by key. What is not needed any more leaves without a timer, when others come. */
export class RateCounter {
  readonly #options: CheckedRateLimit;
  /**
   * When each key will be as good as new: those that were seen lately, and those that were seen before them. What has
   * not been seen for a `window` is as good as new, so that the older ones can be dropped whole.
   */
  #recent = new Map<string, number>();
  #older = new Map<string, number>();
  /** When the recent ones become the older ones. */
  #turn: number;

  constructor(options: CheckedRateLimit) {
    this.#options = options;
    this.#turn = options.clock.now() + options.window;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#recent.size + this.#older.size;
  }

  /** Counts one more of a key. Returns 0, or how long the key has to wait, in milliseconds; then it was not counted. */
  take(key: string): number {
    const { limit, window, clock } = this.#options, now = clock.now();
    this.#forget(now);
    const step = window / limit;
    const good = Math.max(now, this.#recent.get(key) ?? this.#older.get(key) ?? now) + step;
    const wait = good - now - window;
    if (wait > Math.min(ROUNDING, step / 2)) return wait;
    this.#older.delete(key);
    this.#recent.set(key, good);
    return 0;
  }

  #forget(now: number): void {
    const { window, maxKeys } = this.#options;
    if (now >= this.#turn + window) this.#recent = new Map(); // nothing has come for so long
    if (now < this.#turn && this.#recent.size < maxKeys / 2) return;
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#turn = now + window;
  }
}

/**
 * Sums of fractions of a window may be a little more than the window: the more, the later the clock is. So many
 * milliseconds are made light of, but never as much as a whole step, which would be one more than the limit.
 */
const ROUNDING = 0.1;

/**
 * Limits how often something may happen, by a key of your own: the user, a token, or the address that a proxy tells. For
 * `authorize`, the handler `http`, or messages. How much memory it takes is bounded, whatever keys come.
 *
 * @example In authorize, by the address that the own proxy tells
 * ```ts
 * import { connect, type HandshakeError, RateLimit, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const limit = new RateLimit({ limit: 1, window: 60_000 });
 * await using server = await serve({
 *   port: 0,
 *   authorize: ({ headers }) => limit.check(headers.get("x-forwarded-for")?.split(",").at(-1)?.trim()),
 * }, (socket) => socket.receive());
 *
 * const headers = { "x-forwarded-for": "192.0.2.7" };
 * await (await connect(server.url!, { headers })).close();
 * const { response }: HandshakeError = await connect(server.url!, { headers }).catch((error) => error);
 * assertEquals([response?.status, response?.headers.get("retry-after")], [429, "60"]);
 * ```
 */
export class RateLimit {
  readonly #counter: RateCounter;

  /**
   * Makes a limit.
   *
   * @param options How often, and in which time.
   * @throws {RangeError} When a number is out of its range.
   * @throws {TypeError} When there are no options, or the clock is none.
   */
  constructor(options: RateLimitOptions) {
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`Cannot limit: the argument is ${shown(options)}, and must be options such as { limit: 10 }`);
    }
    const limit = checkNumber("limit", options.limit, NaN, 1);
    if (!Number.isFinite(limit)) {
      throw new RangeError("Cannot use the option limit: it must be an integer of at least 1");
    }
    this.#counter = new RateCounter({
      limit,
      window: delayOf(options, "window"),
      maxKeys: limitOf(options, "maxKeys"),
      clock: checkClock(options.clock),
    });
  }

  /**
   * Counts one more.
   *
   * @param key Whose it is. An IPv6 address counts as its /64, and a port behind an address does not count. `undefined`, and
   * the address of a Unix socket, which all of its clients have, are not limited; nor is `null`, as `headers.get()` gives it.
   * @returns `undefined`, or a response to refuse with: 429, with Retry-After (RFC 6585 §4). Then it was not counted.
   * @throws {TypeError} When the key is something else.
   */
  check(key: string | NetworkAddress | null | undefined): Response | undefined {
    const name = nameOf(key);
    const wait = name === undefined ? 0 : this.#counter.take(networkOf(name));
    if (wait === 0) return undefined;
    const [field, value] = retryAfterField(wait);
    return new Response("Too many requests\n", { status: 429, headers: { [field]: value } });
  }
}

function nameOf(key: string | NetworkAddress | null | undefined): string | undefined {
  if (typeof key === "string") return key;
  if (key === undefined || key === null) return undefined;
  if (key.transport === "unix") return undefined;
  if (key.transport === "tcp" && typeof key.hostname === "string") return key.hostname;
  const found = typeof key === "object" ? "an object that is no address" : shown(key);
  throw new TypeError(`Cannot limit by this key: it is ${found}, and must be a string, an address or undefined`);
}
