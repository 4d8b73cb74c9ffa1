import { assert, assertEquals } from "@std/assert";
import {
  isFieldValue,
  isToken,
  isTokenChar,
  listElements,
  listHas,
  parseExtensions,
  parseTokens,
  quotedEnd,
  spaceEnd,
  trimSpace,
} from "../../src/http/field_values.ts";
import { quote } from "../../src/errors/problem.ts";
import { test } from "../kit/harness.ts";

const TCHAR = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/;

test("isTokenChar() knows every tchar and nothing else (RFC 9110 §5.6.2)", () => {
  for (let code = 0; code <= 0x3000; code++) {
    assertEquals(isTokenChar(code), TCHAR.test(String.fromCharCode(code)), `U+${code.toString(16)}`);
  }
});

test("isToken() takes one tchar or more (RFC 9110 §5.6.2)", () => {
  for (const token of ["a", "GET", "x-y", "!#$%&'*+-.^_`|~0aZ"]) assert(isToken(token), token);
  for (const other of ["", " ", "a b", "a\tb", "a,b", "a/b", '"a"', "a\0", "ä", "\u0141", "a\n", "a:"]) {
    assert(!isToken(other), JSON.stringify(other));
  }
});

test("isFieldValue() knows HTAB, SP, VCHAR and obs-text, wherever they stand (RFC 9110 §5.5)", () => {
  assert(isFieldValue(""));
  for (let code = 0; code <= 0x3000; code++) {
    const expected = code === 9 || code >= 0x20 && code <= 0x7e || code >= 0x80 && code <= 0xff;
    const char = String.fromCharCode(code);
    for (const value of [char, `${char}a`, `a${char}`]) assertEquals(isFieldValue(value), expected, quote(value));
  }
});

test("trimSpace() takes SP and HTAB off, and nothing else (RFC 9110 §5.6.3)", () => {
  for (
    const [value, expected] of [
      ["", ""],
      [" \t ", ""],
      ["a", "a"],
      [" \ta b\t ", "a b"],
      ["\xa0a\u2003", "\xa0a\u2003"],
      ["\r\na\v\f", "\r\na\v\f"],
    ] as const
  ) assertEquals(trimSpace(value), expected);
  assertEquals(trimSpace("x: a ,", 2, 5), "a");
});

test("listElements() gives the elements without empty ones (RFC 9110 §5.6.1.2)", () => {
  for (
    const [value, expected] of [
      ["", []],
      [",", []],
      [" , ,\t,", []],
      ["a", ["a"]],
      ["a,b", ["a", "b"]],
      [", a ,,\tb c\t,", ["a", "b c"]],
      ["a,", ["a"]],
      [",a", ["a"]],
    ] as const
  ) assertEquals(listElements(value), [...expected], JSON.stringify(value));
});

test("listHas() compares whole elements in any case (RFC 9110 §7.6.1)", () => {
  for (const value of ["upgrade", "Upgrade", "keep-alive, UPGRADE", ",,upgrade ,"]) assert(listHas(value, "upgrade"));
  for (const value of [null, "", "upgraded", "not-upgrade", "keep-alive upgrade", '"upgrade"', "upgrade;a"]) {
    assert(!listHas(value, "upgrade"), String(value));
  }
});

test("parseTokens() takes different tokens, at least one (RFC 6455 §4.1 (10))", () => {
  for (
    const [value, expected] of [
      ["chat", ["chat"]],
      ["chat, superchat", ["chat", "superchat"]],
      [",chat,,\tChat,", ["chat", "Chat"]],
      ["", undefined],
      [", ,", undefined],
      ["chat, chat", undefined],
      ["ch at", undefined],
      ["chat, @", undefined],
      ["ch\xe4t", undefined],
    ] as const
  ) assertEquals(parseTokens(value), expected && [...expected], JSON.stringify(value));
});

test("parseExtensions() gives names and parameters (RFC 6455 §9.1)", () => {
  for (
    const [value, expected] of [
      ["foo", [{ name: "foo", parameters: [] }]],
      [", foo,, bar ,", [{ name: "foo", parameters: [] }, { name: "bar", parameters: [] }]],
      ["foo; a", [{ name: "foo", parameters: [["a", true]] }]],
      ["foo;a=1;b , bar", [{ name: "foo", parameters: [["a", "1"], ["b", true]] }, { name: "bar", parameters: [] }]],
      ['foo ;\ta\t=\t"b"', [{ name: "foo", parameters: [["a", "b"]] }]],
      ['foo; a="\\b\\c"', [{ name: "foo", parameters: [["a", "bc"]] }]],
      ["foo; a; a=1", [{ name: "foo", parameters: [["a", true], ["a", "1"]] }]],
      ["constructor; __proto__", [{ name: "constructor", parameters: [["__proto__", true]] }]],
    ]
  ) assertEquals(parseExtensions(value as string), expected as unknown, JSON.stringify(value));
});

test("parseExtensions() gives undefined for what is not in the grammar (RFC 6455 §9.1)", () => {
  const wrong = [
    "",
    ", ,",
    "; a",
    "foo;",
    "foo;, bar",
    "foo;; a",
    "foo; =1",
    "foo; a=",
    "foo; a=1=2",
    "foo=1",
    "foo bar",
  ];
  const quoted = ['"foo"', 'foo; "a"', 'foo; a="b', 'foo; a="b\\"', 'foo; a="b\\', 'foo; a=""', 'foo; a="b c"'];
  const others = ['foo; a="b"c', 'foo; a="b,c"', 'foo; a="\\;"', "f\xf6o", "foo/1", "foo; a=1/2", "foo\n", "foo\0"];
  for (const value of [...wrong, ...quoted, ...others]) {
    assertEquals(parseExtensions(value), undefined, JSON.stringify(value));
  }
});

/** How many characters are looked at. */
function lookedAt(run: () => void): number {
  const { charCodeAt, charAt } = String.prototype;
  let count = 0;
  String.prototype.charCodeAt = function (at) {
    count++;
    return charCodeAt.call(this, at);
  };
  String.prototype.charAt = function (at) {
    count++;
    return charAt.call(this, at);
  };
  try {
    run();
  } finally {
    Object.assign(String.prototype, { charCodeAt, charAt });
  }
  return count;
}

test("parseTokens() and parseExtensions() look at each character a few times at most (RFC 6455 §10)", () => {
  const size = 16384;
  const hostile: [name: string, parse: (value: string) => unknown, value: (size: number) => string][] = [
    ["spaces in a token", parseTokens, (size) => `a${" ".repeat(size)}b`],
    ["commas", parseTokens, (size) => ",".repeat(size)],
    ["commas and spaces", parseTokens, (size) => ", \t".repeat(size)],
    ["escapes without an end", parseExtensions, (size) => `a; b="${"\\c".repeat(size)}`],
    ["spaces behind a semicolon", parseExtensions, (size) => `a;${" ".repeat(size)};`],
    ["commas between extensions", parseExtensions, (size) => ", ".repeat(size)],
    ["many parameters", parseExtensions, (size) => "a" + "; b=1".repeat(size)],
  ];
  for (const [name, parse, value] of hostile) {
    const once = lookedAt(() => parse(value(size))), twice = lookedAt(() => parse(value(2 * size)));
    assert(once < 8 * value(size).length, `${name}: ${once} looks`);
    assert(twice <= 2 * once + 16, `${name}: ${once} looks, doubled ${twice}`);
  }
});

test("spaceEnd() goes past SP and HTAB, and nothing else (RFC 9110 §5.6.3)", () => {
  for (const [text, end] of [["", 0], ["a", 0], [" \t a", 3], ["\xa0", 0], ["  ", 2]] as const) {
    assertEquals(spaceEnd(text, 0), end, JSON.stringify(text));
  }
});

test("quotedEnd() finds the end of a quoted string (RFC 9110 §5.6.4)", () => {
  for (
    const [text, end] of [['""', 2], ['"a;b"c', 5], ['"\\""', 4], ['"\\\\"', 4], ['"', 0], ['"\\"', 0], ['"a\\', 0], [
      "a",
      0,
    ]] as const
  ) assertEquals(quotedEnd(text, 0), end, text);
});
