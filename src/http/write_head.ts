// A start line and fields to the bytes of a head (RFC 9112 §2.1, §5). Whatever would be read as something else, such as a
// line break in a value, is refused, whoever set it.

import { quote } from "../errors/problem.ts";
import { wrongCharacter } from "./field_lines.ts";
import { isFieldValue, isToken } from "./field_values.ts";

/** Fields in the order in which they are sent. */
export type FieldList = (readonly [name: string, value: string])[];

const ENCODER = new TextEncoder();

/**
 * Names in their usual capitalization, by themselves and in lower case, which `Headers` makes of them. Any other name is
 * written as it is.
 */
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
  ].flatMap((name) => [[name, name], [name.toLowerCase(), name]]),
);

/**
 * Writes a head as latin-1, one byte a character.
 *
 * @throws {TypeError} When the start line or a field has a character that it must not have.
 */
export function writeHead(start: string, fields: Iterable<readonly [string, string]>): Uint8Array<ArrayBuffer> {
  let text = start + "\r\n";
  if (!isFieldValue(start)) throw new TypeError(`Cannot write the head: its first line ${wrongCharacter(start)}`);
  for (const [name, value] of fields) {
    if (!isFieldValue(value)) throw new TypeError(`Cannot write the head: ${name} ${wrongCharacter(value)}`);
    text += `${USUAL_NAMES.get(name) ?? unusual(name)}: ${value}\r\n`;
  }
  text += "\r\n";
  const bytes = new Uint8Array(text.length);
  if (ENCODER.encodeInto(text, bytes).read === text.length) return bytes; // ASCII: as many bytes as characters
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A name that is not written as usual. */
function unusual(name: string): string {
  if (!isToken(name)) throw new TypeError(`Cannot write the head: a field name is ${quote(name)}`);
  return USUAL_NAMES.get(name.toLowerCase()) ?? name;
}

/** The interim response that a client waits for after `Expect: 100-continue` (RFC 9110 §10.1.1). */
export const CONTINUE: Uint8Array<ArrayBuffer> = writeHead("HTTP/1.1 100 Continue", []);
