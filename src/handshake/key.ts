import { encodeBase64 } from "@std/encoding/base64";

/** RFC 6455 §1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const ENCODER = new TextEncoder();

/** The Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (RFC 6455 §4.2.2 (5.4)). */
export async function acceptValue(key: string): Promise<string> {
  return encodeBase64(await crypto.subtle.digest("SHA-1", ENCODER.encode(key + GUID)));
}
