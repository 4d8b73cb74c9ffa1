// The payload of a Close frame (RFC 6455 §5.5.1) to code and reason, and back: two bytes of code and a reason in UTF-8,
// or nothing at all.

import { decodeText } from "../base/utf8.ts";
import type { ProtocolFailure } from "../errors/failures.ts";
import { type CloseInfo, isCloseCode } from "../errors/websocket_error.ts";

/** The size of the longest Close frame that answers another: header (2 bytes), masking key (4), code (2). */
export const MAX_CLOSE_ANSWER = 8;

/** Reads the payload of a Close frame, or says which rule it breaks. An empty one means code 1005 (§7.1.5). */
export function parseClose(payload: Uint8Array): CloseInfo | ProtocolFailure {
  if (payload.length === 0) return { closeCode: 1005, reason: "" };
  if (payload.length === 1) return "close-payload-short";
  const closeCode = payload[0]! << 8 | payload[1]!;
  if (!isCloseCode(closeCode)) return "close-code-invalid";
  const reason = decodeText(payload.subarray(2));
  return reason === undefined ? "close-reason-not-utf8" : { closeCode, reason };
}

/** Writes the payload for a code and a reason that were checked. Without a code it is empty. */
export function closePayload(closeCode?: number, reason = ""): Uint8Array<ArrayBuffer> {
  if (closeCode === undefined) return new Uint8Array();
  const text = new TextEncoder().encode(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = closeCode >> 8;
  payload[1] = closeCode;
  payload.set(text, 2);
  return payload;
}
