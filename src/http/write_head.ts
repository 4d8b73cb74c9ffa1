import { quote } from "../errors/problem.ts";
import { ENCODER } from "./field_lines.ts";
import { isFieldValue, isToken } from "./field_values.ts";

/** As names are usually written; any other name goes as it is. */
const USUAL_NAMES = new Map(
  [
    "Host",
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Allow",
    "Authorization",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Date",
    "Origin",
    "Retry-After",
    "Server",
    "Set-Cookie",
    "Transfer-Encoding",
    "User-Agent",
    "WWW-Authenticate",
  ].map((name) => [name.toLowerCase(), name]),
);

/**
 * The bytes of a head.
 *
 * @throws {TypeError} When the start line or a field would not be read as what it is.
 */
export function writeHead(start: string, fields: Iterable<readonly [string, string]>): Uint8Array<ArrayBuffer> {
  let text = start + "\r\n";
  if (!isFieldValue(start)) throw new TypeError(`Cannot write the head: its first line is ${quote(start)}`);
  for (const [name, value] of fields) {
    if (!isToken(name)) throw new TypeError(`Cannot write the head: a field name is ${quote(name)}`);
    if (!isFieldValue(value)) throw new TypeError(`Cannot write the head: ${name} is ${quote(value)}`);
    text += `${USUAL_NAMES.get(name.toLowerCase()) ?? name}: ${value}\r\n`;
  }
  text += "\r\n";
  const bytes = new Uint8Array(text.length);
  if (ENCODER.encodeInto(text, bytes).read === text.length) return bytes;
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** What a client that said `Expect: 100-continue` waits for (RFC 9110 §10.1.1). */
export const CONTINUE: Uint8Array<ArrayBuffer> = writeHead("HTTP/1.1 100 Continue", []);
