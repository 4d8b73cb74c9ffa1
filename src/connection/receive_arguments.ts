// The arguments of receive() and their check, which is done before any message is taken.

import { checkBoolean, checkOptions } from "../base/options.ts";
import type { HandlerHabits } from "./back_pressure.ts";
import type { ReceiveOptions } from "./websocket_connection.ts";

/** The habits of every handler of a user's that keeps nothing: one object, for each connection would keep its own. */
const REUSES: HandlerHabits = { reuse: true };

/**
 * Checks what `receive()` is given.
 *
 * @returns What the handler says of itself, if that is not the default.
 * @throws {TypeError} When the handler is not a function, or an option is wrong.
 */
export function checkReceive(handler: unknown, options: ReceiveOptions | undefined): HandlerHabits | undefined {
  if (handler !== undefined && typeof handler !== "function") {
    throw new TypeError("Cannot receive: the handler is not a function");
  }
  if (options === undefined) return undefined;
  return checkBoolean("reuse", checkOptions(options).reuse, false) ? REUSES : undefined;
}
