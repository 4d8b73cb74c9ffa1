// Time as a parameter: the runtime's clock, or a fake one in tests. And the next turns of the event loop, which no fake clock
// can replace.

/**
 * A clock with timers. All times are in milliseconds.
 *
 * @example Log each timer that is set
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
   * The current time, which never goes back.
   *
   * @returns Milliseconds since an arbitrary point in time.
   */
  now(): number;
  /**
   * Calls a function once, after a delay.
   *
   * @param callback The function.
   * @param delay The least time until the call, in milliseconds.
   * @returns The timer, for `clearTimeout` only.
   */
  setTimeout(callback: () => void, delay: number): unknown;
  /**
   * Cancels a timer.
   *
   * @param timer What `setTimeout` returned.
   */
  clearTimeout(timer: unknown): void;
}

/** The runtime's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** Where there is no `setImmediate()` a timer takes its place. */
const later: (callback: () => void) => void = (globalThis as { setImmediate?: (callback: () => void) => void })
  .setImmediate ?? ((callback) => setTimeout(callback, 0));

/**
 * Whether timers, streams and sockets belong to the request in which they were made, as in Cloudflare's Workers: a callback
 * of one request can't write for another, and never comes once its own is over. There, nothing is scheduled for several
 * connections together.
 */
export const IO_IS_PER_REQUEST: boolean = (globalThis as { navigator?: { userAgent?: string } }).navigator
  ?.userAgent === "Cloudflare-Workers";

/** Calls back in the next turn of the event loop, behind everything that promises settled by then have set off. */
export function nextTurn(callback: () => void): void {
  later(callback);
}

/**
 * Calls back once the event loop has looked at its sockets so many times: what waited in the kernel has been read then. It
 * takes timers: some loops run `setImmediate()` sixty times before they look.
 *
 * @returns Cancels it.
 */
export function afterIO(turns: number, callback: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const next = () => {
    if (turns-- > 0) timer = setTimeout(next, 0);
    else callback();
  };
  next();
  return () => clearTimeout(timer);
}
