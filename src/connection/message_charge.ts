// What messages that wait to be taken are charged to the high-water mark, so that empty ones are bounded, too.

import type { ReceivedOrPieces as Received } from "./incoming_pieces.ts";

export type { Received };

/** What each message, and each piece of one, is charged beside its own bytes. */
export const MESSAGE_OVERHEAD = 64;

/** What a message is charged, in bytes: of one in pieces, the pieces are charged by themselves. */
export function chargeOf(message: Received): number {
  const isWhole = typeof message === "string" || ArrayBuffer.isView(message);
  return isWhole ? MESSAGE_OVERHEAD + message.length : MESSAGE_OVERHEAD;
}
