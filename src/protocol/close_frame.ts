// The payload of a Close frame (RFC 6455 §5.5.1): two bytes of code and a reason in UTF-8, or nothing.

import { decodeText } from "../base/utf8.ts";
import { type ProtocolFailure } from "../errors/failures.ts";
import { type CloseInfo, isCloseCode } from "../errors/websocket_error.ts";

/** The longest Close frame that answers another: a header, a key, a code. */
export const MAX_CLOSE_ANSWER = 8;

/** What a Close frame says; without a code, 1005 (RFC 6455 §7.1.5). */
export function parseClose(payload: Uint8Array): CloseInfo | ProtocolFailure {
  if (payload.length === 0) return { closeCode: 1005, reason: "" };
  if (payload.length === 1) return "close-payload-short";
  const closeCode = payload[0]! << 8 | payload[1]!;
  if (!isCloseCode(closeCode)) return "close-code-invalid";
  const reason = decodeText(payload.subarray(2));
  return reason === undefined ? "close-reason-not-utf8" : { closeCode, reason };
}

/** The payload for a code and a reason that were checked; empty without a code. */
export function closePayload(closeCode?: number, reason = ""): Uint8Array<ArrayBuffer> {
  if (closeCode === undefined) return new Uint8Array();
  const text = new TextEncoder().encode(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = closeCode >> 8;
  payload[1] = closeCode;
  payload.set(text, 2);
  return payload;
}
