// The grammar of field values: tokens, lists and parameters (RFC 9110 §5.6). A parser returns `undefined` for a value that
// does not match, and never throws. Every scan is linear; the only regular expressions repeat a single character class,
// so that no value makes them backtrack.

/** An element of Sec-WebSocket-Extensions (RFC 6455 §9.1). A parameter without a value has the value `true`. */
export interface Extension {
  readonly name: string;
  readonly parameters: readonly (readonly [name: string, value: string | true])[];
}

/** RFC 9110 §5.6.2: tchar, by character code. */
const TOKEN_CHARS = new Uint8Array(256);

for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN_CHARS[char.charCodeAt(0)] = 1;
}

/** Whether a character may be part of a token, by its code. */
export function isTokenChar(code: number): boolean {
  return TOKEN_CHARS[code] === 1;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y, FIELD_VALUE = /[\t\x20-\x7e\x80-\xff]*/y;

/** The end of the token that begins at a position (RFC 9110 §5.6.2): that position itself when there is none. */
export function tokenEnd(text: string, at: number): number {
  TOKEN.lastIndex = at;
  return TOKEN.test(text) ? TOKEN.lastIndex : at;
}

/** The end of the field value that begins at a position: HTAB, space, visible ASCII and 0x80–0xFF (RFC 9110 §5.5). */
export function fieldValueEnd(text: string, at: number): number {
  FIELD_VALUE.lastIndex = at;
  return FIELD_VALUE.test(text) ? FIELD_VALUE.lastIndex : at;
}

/** The end of the white space that may be at a position: SP and HTAB (RFC 9110 §5.6.3). */
export function spaceEnd(text: string, at: number): number {
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/**
 * The end of the quoted string that begins at a position (RFC 9110 §5.6.4): that position itself when there is none. The
 * text must have the characters of a field value only.
 */
export function quotedEnd(text: string, at: number): number {
  if (text[at] !== '"') return at;
  for (let end = at + 1; end < text.length; end++) {
    if (text[end] === '"') return end + 1;
    if (text[end] === "\\") end++;
  }
  return at;
}

/** Whether a name, given in lower case, is at a position in any case. Compares in place, without a substring. */
export function startsWithName(text: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = text.charCodeAt(at + i);
    if ((code >= 0x41 && code <= 0x5a ? code | 0x20 : code) !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether a string is a token (RFC 9110 §5.6.2). */
export function isToken(value: unknown): boolean {
  return typeof value === "string" && value !== "" && tokenEnd(value, 0) === value.length;
}

/** Whether a string may be a field's value (RFC 9110 §5.5). */
export function isFieldValue(value: string): boolean {
  return fieldValueEnd(value, 0) === value.length;
}

/** The elements of a comma-separated list, trimmed, without the empty ones (RFC 9110 §5.6.1). */
export function listElements(value: string): string[] {
  const elements = [];
  for (let start = 0; start <= value.length;) {
    let comma = value.indexOf(",", start);
    if (comma < 0) comma = value.length;
    const element = trimSpace(value, start, comma);
    if (element !== "") elements.push(element);
    start = comma + 1;
  }
  return elements;
}

/** Whether a list contains a token, given in lower case, in any case. */
export function listHas(value: string | null, token: string): boolean {
  if (value === null) return false;
  if (value.length === token.length) return startsWithName(value, 0, token); // mostly it is the only element
  return listElements(value).some((element) => element.toLowerCase() === token);
}

/** Parses a list of at least one token, without duplicates (RFC 6455 §4.1 (10)). */
export function parseTokens(value: string): string[] | undefined {
  const tokens = listElements(value);
  const valid = tokens.length > 0 && tokens.every(isToken) && new Set(tokens).size === tokens.length;
  return valid ? tokens : undefined;
}

/** Parses the value of Sec-WebSocket-Extensions: at least one element (RFC 6455 §9.1). */
export function parseExtensions(value: string): Extension[] | undefined {
  const scan = new Scan(value);
  const extensions: Extension[] = [];
  for (;;) {
    scan.space();
    if (scan.done()) return extensions.length > 0 ? extensions : undefined;
    if (scan.take(",")) continue; // an empty element (RFC 9110 §5.6.1.2)
    const extension = parseExtension(scan);
    if (!extension) return undefined;
    extensions.push(extension);
    if (!scan.done() && !scan.take(",")) return undefined;
  }
}

/** One element: a name, and its parameters after semicolons. */
function parseExtension(scan: Scan): Extension | undefined {
  const name = scan.token();
  if (name === undefined) return undefined;
  const parameters: [string, string | true][] = [];
  while (scan.space(), scan.take(";")) {
    scan.space();
    const parameter = scan.token();
    if (parameter === undefined) return undefined;
    scan.space();
    const value = scan.take("=") ? parseArgument(scan) : true;
    if (value === undefined) return undefined;
    parameters.push([parameter, value]);
  }
  return { name, parameters };
}

/** What follows the equals sign of a parameter: a token, or one in quotes. */
function parseArgument(scan: Scan): string | undefined {
  scan.space();
  return scan.peek() === '"' ? scan.quoted() : scan.token();
}

/** A position in a value that only moves forward. */
class Scan {
  #at = 0;
  #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  done(): boolean {
    return this.#at >= this.#value.length;
  }

  peek(): string {
    return this.#value.charAt(this.#at);
  }

  take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.#at++;
    return true;
  }

  space(): void {
    while (isSpace(this.#value.charCodeAt(this.#at))) this.#at++;
  }

  token(): string | undefined {
    const start = this.#at;
    while (TOKEN_CHARS[this.#value.charCodeAt(this.#at)] === 1) this.#at++;
    return this.#at > start ? this.#value.slice(start, this.#at) : undefined;
  }

  /** A quoted string, unescaped: what is in it must be a token (RFC 6455 §9.1). */
  quoted(): string | undefined {
    let content = "";
    for (this.#at++; !this.done(); this.#at++) {
      if (this.take('"')) return isToken(content) ? content : undefined;
      if (this.peek() === "\\") this.#at++;
      content += this.peek();
    }
    return undefined;
  }
}

/** Optional white space is SP and HTAB only (RFC 9110 §5.6.3); `trim()` would remove more. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** A slice of a string without the SP and HTAB around it. */
export function trimSpace(value: string, start = 0, end: number = value.length): string {
  while (start < end && isSpace(value.charCodeAt(start))) start++;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}
