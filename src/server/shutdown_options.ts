// How a server stops: the options and their check.

import { checkTime } from "../base/options.ts";
import { checkClose } from "../errors/websocket_error.ts";

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
export interface ShutdownOptions {
  /**
   * After so many milliseconds, from the call on, what is left is dropped; 0 means no limit. By default `closeTimeout`, and
   * `spread` on top. A second call may set it anew.
   */
  within?: number | undefined;
  /**
   * Closes the WebSockets one by one over so many milliseconds, from the oldest on, so that their clients don't all come
   * back at once. It must not be longer than `within`.
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
export interface CheckedShutdown {
  readonly within: number;
  readonly spread: number;
  readonly closeCode: number;
  readonly reason: string;
  readonly retryAfter: number;
}

/**
 * Checks how to stop.
 *
 * @throws {RangeError} When a time is out of its range.
 * @throws {TypeError} When the reason is no string.
 * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
 */
export function checkShutdown(
  options: ShutdownOptions,
  defaults: { readonly closeTimeout: number; readonly retryAfter: number },
): CheckedShutdown {
  checkClose(options);
  const { within, spread, closeCode = 1001, reason = "The server stops", retryAfter } = options;
  const spreadTime = checkTime("spread", spread, 0);
  const byDefault = defaults.closeTimeout === 0 ? 0 : defaults.closeTimeout + spreadTime;
  const time = checkTime("within", within, byDefault);
  if (time !== 0 && time < spreadTime) {
    throw new RangeError(
      `Cannot use the option spread: it is ${spreadTime}, and must not be longer than within, which is ${time} ms`,
    );
  }
  const checkedRetryAfter = checkTime("retryAfter", retryAfter, defaults.retryAfter);
  return { within: time, spread: spreadTime, closeCode, reason, retryAfter: checkedRetryAfter };
}
