// Parses a whole head into its start line and its fields (RFC 9112 §2.2, §5). Strict: every line ends with CRLF, no
// field is folded, nothing is repaired; a line that is wrong is a Problem. Fields are not copied out of the head: they
// are three positions each, and a value becomes a string when somebody asks for it.

import { malformed, type Problem, quote } from "../errors/problem.ts";
import { fieldValueEnd, isFieldValue, isToken, startsWithName, tokenEnd, trimSpace } from "./field_values.ts";

/** A head with more fields is refused (RFC 6585 §5). */
export const MAX_FIELDS = 128;

/** The fields of a head, in their order. */
export class Fields {
  readonly #head: string;
  /** Three numbers a line: where it begins, where its colon is, and where it ends. */
  #lines: readonly number[] | undefined;

  /** @param head A head in which {@linkcode readLines} has found nothing wrong. */
  constructor(head: string, lines?: readonly number[]) {
    this.#head = head;
    this.#lines = lines;
  }

  /** Frees the positions, so that an idle connection keeps the head alone; they are found again when needed. */
  dropPositions(): void {
    this.#lines = undefined;
  }

  get #positions(): readonly number[] {
    return this.#lines ??= findLines(this.#head) as readonly number[];
  }

  /** The whole head, from its start line on. */
  get text(): string {
    return this.#head;
  }

  /** The number of characters, which is that of bytes. */
  get length(): number {
    return this.#head.length;
  }

  /** The number of lines. */
  get size(): number {
    return this.#positions.length / 3;
  }

  /** The value, or `null`; several lines are joined by `", "` (RFC 9110 §5.2). */
  get(name: string): string | null {
    const lines = this.#positions, wanted = name.toLowerCase();
    let value: string | null = null;
    for (let i = 0; i < lines.length; i += 3) {
      if (this.#isNamed(lines, i, wanted)) value = value === null ? this.#value(i) : `${value}, ${this.#value(i)}`;
    }
    return value;
  }

  /** The number of lines with a name, which must be given in lower case. */
  count(name: string): number {
    const lines = this.#positions;
    let count = 0;
    for (let i = 0; i < lines.length; i += 3) if (this.#isNamed(lines, i, name)) count++;
    return count;
  }

  /** Each line as name and value, the name in lower case. */
  *[Symbol.iterator](): Generator<[string, string]> {
    const lines = this.#positions;
    for (let i = 0; i < lines.length; i += 3) {
      yield [this.#head.slice(lines[i], lines[i + 1]).toLowerCase(), this.#value(i)];
    }
  }

  #isNamed(lines: readonly number[], i: number, wanted: string): boolean {
    const start = lines[i]!, end = lines[i + 1]!;
    return end - start === wanted.length && startsWithName(this.#head, start, wanted);
  }

  #value(i: number): string {
    const lines = this.#positions;
    return trimSpace(this.#head, lines[i + 1]! + 1, lines[i + 2]);
  }
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes bytes as latin-1, one character a byte: nothing throws and nothing is lost. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  try {
    text = DECODER.decode(bytes); // much faster, and the same for ASCII
  } catch {
    // Not UTF-8, so not ASCII either
  }
  if (text.length === bytes.length) return text;
  text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    // Not spread, which iterates and takes ten times as long
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 4096) as unknown as number[]);
  }
  return text;
}

/** Splits a whole head, its bytes or their text, into its start line and its fields. */
export function readLines(head: Uint8Array | string): { start: string; fields: Fields } | Problem {
  const text = typeof head === "string" ? head : latin1(head), lines = findLines(text);
  if ("failure" in lines) return lines;
  return { start: text.slice(0, text.indexOf("\r\n")), fields: new Fields(text, lines) };
}

/** Finds the field lines of a head: three numbers a line, as {@linkcode Fields} keeps them. */
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

/** Such a head. */
export function tooManyFields(): Problem {
  return { failure: "head-too-large", detail: `the head has more than ${MAX_FIELDS} fields` };
}

/** What is wrong with one field line, without its CRLF; `undefined` when nothing is. */
export function checkField(line: string): Problem | undefined {
  // §5.2: a server «MUST either reject the message» or unfold; a gateway that unfolds would read another request
  if (line.startsWith(" ") || line.startsWith("\t")) return malformed("RFC 9112 §5.2", "a field line is folded");
  const colon = line.indexOf(":");
  if (colon < 0) return malformed("RFC 9112 §5", "a field line has no colon");
  const name = line.slice(0, colon);
  // §5.1: «No whitespace is allowed between the field name and colon»
  if (!isToken(name)) return malformed("RFC 9112 §5.1", `the field name is ${quote(name)}`);
  const value = trimSpace(line, colon + 1);
  if (!isFieldValue(value)) return malformed("RFC 9110 §5.5", `${name} ${wrongCharacter(value)}`);
  return undefined;
}

/** Says which character a value must not have. The value itself may be a credential, and is not shown. */
export function wrongCharacter(value: string): string {
  const at = fieldValueEnd(value, 0);
  return `has ${quote(String.fromCodePoint(value.codePointAt(at)!))} at position ${at}, which no field value may have`;
}
