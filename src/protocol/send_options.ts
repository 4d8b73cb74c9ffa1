// The check of what is said with each message that is sent.

import { checkBoolean } from "../base/options.ts";
import type { SendOptions } from "./contract.ts";

/**
 * Checks the options of one message.
 *
 * @throws {TypeError} When one is neither true nor false.
 */
export function checkSendOptions({ fin, compress }: SendOptions): void {
  checkBoolean("fin", fin, true);
  checkBoolean("compress", compress, true);
}
