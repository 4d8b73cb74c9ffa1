// Collects chunks of bytes into one whole head, from the start line to the empty line (RFC 9112 §2.1, §2.2). Each byte is
// searched once, however small the chunks are. A head that is too large, or can't become a valid one, is a Problem as soon
// as that is seen.

import { malformed, type Problem } from "../errors/problem.ts";
import { isTokenChar } from "./field_values.ts";

const CR = 13, LF = 10;

/** How an alert and a handshake begin in TLS (RFC 8446 §5.1). */
const TLS_RECORDS: readonly number[] = [0x15, 0x16];

/** A head, and the bytes that came after it. */
export interface HeadBytes {
  /** From the start line to the empty line, both included. */
  readonly head: Uint8Array;
  readonly rest: Uint8Array;
}

/** Collects chunks until a head is whole. */
export class HeadReader {
  readonly #limit: number;
  readonly #emptyLines: number;
  #bytes: Uint8Array = new Uint8Array();
  #length = 0;
  /** Where the search for a line end goes on. */
  #searched = 0;
  /** Where the current line begins. */
  #line = 0;
  /** Where the head begins, after an empty line in front; -1 until its first line is whole. */
  #start = -1;

  /**
   * @param limit The largest head, in bytes.
   * @param emptyLines How many empty lines may precede it: a server ignores one (RFC 9112 §2.2).
   */
  constructor(limit: number, emptyLines: 0 | 1) {
    this.#limit = limit;
    this.#emptyLines = emptyLines;
  }

  /** Whether a byte has come. */
  get started(): boolean {
    return this.#length > 0;
  }

  /** Takes the next chunk; `undefined` while the head is not whole. A head in one chunk is not copied. */
  push(chunk: Uint8Array): HeadBytes | Problem | undefined {
    if (this.#length === 0) this.#bytes = chunk;
    else this.#append(chunk);
    this.#length += chunk.length;
    return this.#search();
  }

  /** Copies a chunk behind the bytes that are there, with space that doubles. */
  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
  }

  #search(): HeadBytes | Problem | undefined {
    const end = Math.min(this.#length, this.#limit), bytes = part(this.#bytes, 0, end);
    const first = bytes[0];
    if (first !== undefined && !isTokenChar(first) && first !== CR) {
      const hint = TLS_RECORDS.includes(first) ? ", as in TLS: one end uses wss: and the other does not" : "";
      return malformed("RFC 9112 §3", `the first byte is 0x${first.toString(16).padStart(2, "0")}${hint}`);
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
        return { head: part(bytes, this.#start, at + 1), rest: part(this.#bytes, at + 1, this.#length) };
      } else if (this.#line > 0 || this.#emptyLines === 0) {
        return malformed("RFC 9112 §2.2", "an empty line precedes the head");
      }
      this.#line = at + 1;
    }
    this.#searched = end;
    if (this.#length < this.#limit) return undefined;
    return this.#tooLarge();
  }

  /** RFC 9110 §15.5.15: without a whole first line it is the URI that is too long. */
  #tooLarge(): Problem {
    const detail = `the head has more than ${this.#limit} bytes`;
    return { failure: "head-too-large", detail, ...(this.#start < 0 ? { status: 414 } : {}) };
  }
}

const EMPTY = new Uint8Array();

/** A part of an array: mostly all of it or nothing, for which no view is made. */
function part(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (start === end) return EMPTY;
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}
