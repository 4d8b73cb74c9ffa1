// How a server stops: the options and their check.

import { checkTime, shown } from "../base/options.ts";
import { checkCloseAll, type CheckedCloseAll, type CloseAllOptions } from "../group/closing_all.ts";

/**
 * How a server stops: the argument of {@linkcode Server.shutdown}.
 *
 * @example Another one takes over, and is not to get everybody at once
 * ```ts
 * import { connect, serve, type ShutdownOptions } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ShutdownOptions = { closeCode: 1012, reason: "A new version is coming up", spread: 100, within: 5000 };
 * const server = await serve({ port: 0 }, (socket) => socket.receive());
 * const socket = await connect(server.url!);
 * await server.shutdown(options);
 *
 * assertEquals(await socket.closed, { closeCode: 1012, reason: "A new version is coming up" });
 * ```
 */
export interface ShutdownOptions extends CloseAllOptions {
  /**
   * After so many milliseconds, from the call on, what is left is dropped, whatever it is; 0 means no limit. By default
   * `closeTimeout`, and `spread` on top. A second call may set it anew: what is left of `spread` is skipped if it is longer.
   */
  within?: number | undefined;
  /**
   * Closes the WebSockets one after the other, evenly over so many milliseconds, from the oldest on, so that their clients do
   * not all come back at once. It must not be longer than `within`.
   *
   * @default {0}
   */
  spread?: number | undefined;
  /**
   * The code in the Close frames: 1001 (going away), or 1012 for a server that starts again.
   *
   * @default {1001}
   */
  closeCode?: number | undefined;
  /**
   * The reason in the Close frames, of at most 123 bytes.
   *
   * @default {"The server stops"}
   */
  reason?: string | undefined;
  /**
   * What `Retry-After` says to clients that ask for a WebSocket meanwhile and get a 503, in milliseconds. By default the
   * option of the server.
   */
  retryAfter?: number | undefined;
}

/** {@linkcode ShutdownOptions}, checked and with their defaults. */
export interface CheckedShutdown extends CheckedCloseAll {
  readonly retryAfter: number;
}

/**
 * Checks how to stop.
 *
 * @throws {RangeError} When a time is out of its range, or `spread` longer than `within`.
 * @throws {TypeError} When the options are no object, or the reason is no string.
 * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
 */
export function checkShutdown(
  options: ShutdownOptions,
  defaults: { readonly closeTimeout: number; readonly retryAfter: number },
): CheckedShutdown {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot shut down: the argument is ${shown(options)}, and must be options such as { within: 5000 }`,
    );
  }
  const { spread = 0, reason = "The server stops" } = options, { closeTimeout } = defaults;
  const within = options.within ?? (closeTimeout === 0 ? 0 : closeTimeout + checkTime("spread", spread, 0));
  const retryAfter = checkTime("retryAfter", options.retryAfter, defaults.retryAfter);
  return { ...checkCloseAll({ ...options, reason, within }), retryAfter };
}
