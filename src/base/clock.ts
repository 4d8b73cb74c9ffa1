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

const later: (callback: () => void) => void = (globalThis as { setImmediate?: (callback: () => void) => void })
  .setImmediate ?? ((callback) => setTimeout(callback, 0));

/** Calls back in the next turn, after all promises that are settled by then. */
export function nextTurn(callback: () => void): void {
  later(callback);
}
