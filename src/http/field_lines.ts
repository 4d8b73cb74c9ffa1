// Heads of HTTP/1.1 messages (RFC 9112 §2–§5): finding the end without looking at a byte twice, reading field lines,
// writing. Strict: lines end with CRLF, nothing is folded, nothing is repaired. «Not yet» is `undefined`, a head that is
// wrong is a Problem.

import { type Problem, quote } from "../errors/handshake_error.ts";
import {
  fieldValueEnd,
  isFieldValue,
  isToken,
  isTokenChar,
  startsWithName,
  tokenEnd,
  trimSpace,
} from "./field_values.ts";

/** At most this many fields. */
export const MAX_FIELDS = 128;

const CR = 13, LF = 10;

/** A head, and the bytes behind it. */
export interface HeadBytes {
  /** From the start line to the empty line, both included. */
  readonly head: Uint8Array;
  readonly rest: Uint8Array;
}

/** Collects bytes until a head is whole. */
export class HeadReader {
  readonly #limit: number;
  readonly #emptyLines: number;
  #bytes: Uint8Array = new Uint8Array();
  #length = 0;
  /** Where the search goes on, where the current line begins, and where the head begins, once that is known. */
  #searched = 0;
  #line = 0;
  #start = -1;

  /**
   * @param limit The largest head, in bytes.
   * @param emptyLines How many empty lines may precede it: a server takes one (RFC 9112 §2.2).
   */
  constructor(limit: number, emptyLines: 0 | 1) {
    this.#limit = limit;
    this.#emptyLines = emptyLines;
  }

  /** Whether any byte came. */
  get started(): boolean {
    return this.#length > 0;
  }

  /** Takes the next bytes. A head in one chunk is not copied. */
  push(chunk: Uint8Array): HeadBytes | Problem | undefined {
    if (this.#length === 0) this.#bytes = chunk;
    else {
      const length = this.#length + chunk.length;
      if (length > this.#bytes.length) {
        const larger = new Uint8Array(Math.max(length, 2 * this.#length));
        larger.set(this.#bytes.subarray(0, this.#length));
        this.#bytes = larger;
      }
      this.#bytes.set(chunk, this.#length);
    }
    this.#length += chunk.length;
    return this.#search();
  }

  #search(): HeadBytes | Problem | undefined {
    const end = Math.min(this.#length, this.#limit), bytes = this.#bytes.subarray(0, end);
    const first = bytes[0];
    if (first !== undefined && !isTokenChar(first) && first !== CR) {
      return malformed("RFC 9112 §3", `the first byte is 0x${first.toString(16).padStart(2, "0")}`);
    }
    for (;;) {
      const at = bytes.indexOf(LF, this.#searched);
      if (at < 0) break;
      if (bytes[at - 1] !== CR) return malformed("RFC 9112 §2.2", "a line ends without CR");
      const empty = at - 1 === this.#line;
      this.#searched = at + 1;
      if (!empty) {
        if (this.#start < 0) this.#start = this.#line;
      } else if (this.#start >= 0) {
        return { head: bytes.subarray(this.#start, at + 1), rest: this.#bytes.subarray(at + 1, this.#length) };
      } else if (this.#line > 0 || this.#emptyLines === 0) {
        return malformed("RFC 9112 §2.2", "an empty line precedes the head");
      }
      this.#line = at + 1;
    }
    this.#searched = end;
    if (this.#length < this.#limit) return undefined;
    const detail = `the head has more than ${this.#limit} bytes`;
    return { failure: "head-too-large", detail, ...(this.#start < 0 ? { status: 414 } : {}) };
  }
}

/** A head that is not in the grammar. */
export function malformed(section: string, detail: string): Problem {
  return { failure: "head-malformed", detail: `${detail} (${section})` };
}

/** The fields of a head as they came. Lines of one name are one value for `get()`. */
export class Fields {
  readonly #head: string;
  /** Three numbers for each line: where it begins, its colon, and its end. */
  #lines: readonly number[] | undefined;

  /** @param head A head that {@linkcode readLines} has found right. */
  constructor(head: string, lines?: readonly number[]) {
    this.#head = head;
    this.#lines = lines;
  }

  /** Lets go of all but the head itself, for an idle connection: the lines are found again if somebody asks. */
  fold(): void {
    this.#lines = undefined;
  }

  get #found(): readonly number[] {
    return this.#lines ??= findLines(this.#head) as readonly number[];
  }

  /** How many lines there are. */
  get size(): number {
    return this.#found.length / 3;
  }

  /** The value, or `null`; several lines are joined by `", "` (RFC 9110 §5.2). */
  get(name: string): string | null {
    const lines = this.#found, wanted = name.toLowerCase();
    let value: string | null = null;
    for (let i = 0; i < lines.length; i += 3) {
      if (this.#isNamed(lines, i, wanted)) value = value === null ? this.#value(i) : `${value}, ${this.#value(i)}`;
    }
    return value;
  }

  /** How many lines have this name, in lower case. */
  count(name: string): number {
    const lines = this.#found;
    let count = 0;
    for (let i = 0; i < lines.length; i += 3) if (this.#isNamed(lines, i, name)) count++;
    return count;
  }

  /** Each line, its name in lower case. */
  *[Symbol.iterator](): Generator<[string, string]> {
    const lines = this.#found;
    for (let i = 0; i < lines.length; i += 3) {
      yield [this.#head.slice(lines[i], lines[i + 1]).toLowerCase(), this.#value(i)];
    }
  }

  #isNamed(lines: readonly number[], i: number, wanted: string): boolean {
    const start = lines[i]!, end = lines[i + 1]!;
    return end - start === wanted.length && startsWithName(this.#head, start, wanted);
  }

  #value(i: number): string {
    const lines = this.#found;
    return trimSpace(this.#head, lines[i + 1]! + 1, lines[i + 2]);
  }
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }), ENCODER = new TextEncoder();

/** Bytes as latin-1: a byte is a character, so that nothing throws and nothing is lost. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  try {
    text = DECODER.decode(bytes);
  } catch {
    // Not ASCII, of which latin-1 has the same characters as UTF-8
  }
  if (text.length === bytes.length) return text;
  text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    // Not spread: that iterates, which costs ten times as much
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  }
  return text;
}

/** The start line and the fields of a whole head. */
export function readLines(head: Uint8Array): { start: string; fields: Fields } | Problem {
  const text = latin1(head), lines = findLines(text);
  if ("failure" in lines) return lines;
  return { start: text.slice(0, text.indexOf("\r\n")), fields: new Fields(text, lines) };
}

/** The field lines of a head: where each begins, where its colon is, and where it ends. */
function findLines(head: string): readonly number[] | Problem {
  const lines: number[] = [];
  for (let at = head.indexOf("\r\n") + 2; at < head.length - 2;) {
    if (lines.length === 3 * MAX_FIELDS) return tooManyFields();
    const colon = tokenEnd(head, at), end = fieldValueEnd(head, colon + 1);
    if (colon === at || head[colon] !== ":" || !head.startsWith("\r\n", end)) {
      return checkField(head.slice(at, head.indexOf("\r\n", at)))!;
    }
    lines.push(at, colon, end);
    at = end + 2;
  }
  return lines;
}

/** More than a head may have. */
export function tooManyFields(): Problem {
  return { failure: "head-too-large", detail: `the head has more than ${MAX_FIELDS} fields` };
}

/** What is wrong with a field line, if anything is. */
export function checkField(line: string): Problem | undefined {
  // §5.2: a server «MUST either reject the message» or unfold; a gateway that unfolds reads another request than we
  if (line.startsWith(" ") || line.startsWith("\t")) return malformed("RFC 9112 §5.2", "a field line is folded");
  const colon = line.indexOf(":");
  if (colon < 0) return malformed("RFC 9112 §5", `a field line has no colon: ${quote(line)}`);
  const name = line.slice(0, colon);
  // §5.1: «No whitespace is allowed between the field name and colon»
  if (!isToken(name)) return malformed("RFC 9112 §5.1", `the field name is ${quote(name)}`);
  const value = trimSpace(line, colon + 1);
  if (!isFieldValue(value)) return malformed("RFC 9110 §5.5", `${name} is ${quote(value)}`);
  return undefined;
}

/** How long a body is: bytes, or chunked, or in a coding that is not known here (RFC 9112 §6). */
export function readBodyLength(fields: Fields, version: string): number | "chunked" | "unknown" | Problem {
  const length = fields.get("content-length"), coding = fields.get("transfer-encoding");
  if (coding !== null) {
    // §6.1, §6.3: ways to smuggle a second request past somebody who reads the other field
    if (length !== null) return malformed("RFC 9112 §6.1", "there are Content-Length and Transfer-Encoding");
    if (version === "1.0") return malformed("RFC 9112 §6.1", "there is a Transfer-Encoding in HTTP/1.0");
    return coding.toLowerCase() === "chunked" ? "chunked" : "unknown";
  }
  if (length === null) return 0;
  if (!/^\d+$/.test(length)) return malformed("RFC 9112 §6.3", `Content-Length is ${quote(length)}`);
  return Number(length);
}

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
