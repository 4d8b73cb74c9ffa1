// A Sec-WebSocket-Key to the Sec-WebSocket-Accept that proves it was read (RFC 6455 §1.3, §4.2.2 (5.4)).

import { encodeBase64 } from "../base/base64.ts";
import { digest } from "../base/digest.ts";

/** The fixed string of RFC 6455 §1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const ENCODER = new TextEncoder();

/** SHA-1 of ASCII text, in base64, at once. */
export type Sha1 = (text: string) => string;

/** The Sec-WebSocket-Accept for a Sec-WebSocket-Key, by `crypto.subtle`: SHA-1 of the key and the GUID, in base64. */
export function acceptValue(key: string): Promise<string>;
/** The same at once. */
export function acceptValue(key: string, sha1: Sha1): string;
export function acceptValue(key: string, sha1?: Sha1): string | Promise<string> {
  return sha1 ? sha1(key + GUID) : digestOf(key);
}

async function digestOf(key: string): Promise<string> {
  return encodeBase64(await digest("SHA-1", ENCODER.encode(key + GUID)));
}
