// Heads of HTTP/1.1 messages (RFC 9112 §2–§5): finding the end without looking at a byte twice, reading field lines,
// writing. Strict: lines end with CRLF, nothing is folded, nothing is repaired. «Not yet» is `undefined`, a head that is
// wrong is a Problem.

import { type Problem, quote } from "../errors/problem.ts";
import { fieldValueEnd, isFieldValue, isToken, startsWithName, tokenEnd, trimSpace } from "./field_values.ts";

/** At most this many fields. */
export const MAX_FIELDS = 128;

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

export const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }), ENCODER = new TextEncoder();

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
