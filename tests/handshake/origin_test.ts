import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkOrigins, isAllowedOrigin, type Origins } from "../../src/handshake/origin.ts";
import { test } from "../kit/harness.ts";

test("checkOrigins() takes a word, or a list of strings and expressions", () => {
  for (const origins of ["same-host", "any", [], ["https://a.example", /a/]] as Origins[]) checkOrigins(origins);
  for (const origins of ["https://a.example", "", "*", undefined, null, {}, [1], [null], /a/, new Set(["a"])]) {
    assertThrows(() => checkOrigins(origins as unknown as Origins), TypeError, "origins");
  }
});

test('isAllowedOrigin() lets everything in with "any" (RFC 6455 §10.2)', () => {
  for (const origin of ["null", "", "http://evil.example", "\xff"]) assert(isAllowedOrigin(origin, "h", "any"));
});

test('isAllowedOrigin() compares host and port with "same-host" (RFC 6455 §10.2)', () => {
  for (
    const [origin, authority] of [
      ["http://h", "h"],
      ["https://h", "h"],
      ["http://h:80", "h"],
      ["https://h:443", "h"],
      ["http://h", "h:80"],
      ["https://h", "h:443"],
      ["http://h", "h:"],
      ["http://h:8080", "H:8080"],
      ["HTTP://H:8080", "h:8080"],
      ["http://[::1]:80", "[::1]"],
      ["http://[0:0::1]", "[::1]"],
    ] as const
  ) assert(isAllowedOrigin(origin, authority, "same-host"), `${origin} ${authority}`);
});

test('isAllowedOrigin() refuses everything else with "same-host" (RFC 6455 §10.2)', () => {
  for (
    const [origin, authority] of [
      ["null", "h"],
      ["null", "null"],
      ["", "h"],
      ["h", "h"],
      ["http://", "h"],
      ["http://h.evil", "h"],
      ["http://evil.h", "h"],
      ["http://xh", "h"],
      ["http://h:8080", "h"],
      ["http://h", "h:8080"],
      ["http://h:443", "h"],
      ["https://h:80", "h"],
      ["https://h", "h:80"],
      ["http://h", "h:443"],
      ["http://h:65616", "h"],
      ["http://h/", "h"],
      ["http://h?a", "h"],
      ["http://h#a", "h"],
      ["http://h@evil", "h"],
      ["http://me@h", "h"],
      ["http://h\\@evil", "h"],
      ["http://evil#@h", "h"],
      ["file://", ""],
      ["file://h", "h"],
      ["chrome-extension://h", "h"],
      ["blob:http://h", "h"],
      ["data:,h", "h"],
      ["http://h", "not a host"],
    ] as const
  ) assert(!isAllowedOrigin(origin, authority, "same-host"), `${origin} ${authority}`);
});

test("isAllowedOrigin() compares with a list as a whole, in any case (RFC 6455 §4.2.2 (4))", () => {
  const origins = ["https://app.example", "http://localhost:3000", "null"];
  for (const origin of [...origins, "HTTPS://App.Example"]) assert(isAllowedOrigin(origin, "h", origins), origin);
  const others = [
    "http://app.example",
    "https://app.example:443",
    "https://app.example.evil",
    "https://www.app.example",
  ];
  for (const origin of [...others, "http://localhost", "http://localhost:30001", "http://h", ""]) {
    assert(!isAllowedOrigin(origin, "h", origins), origin);
  }
  assert(!isAllowedOrigin("http://h", "h", []));
  assert(!isAllowedOrigin("null", "h", ["https://app.example"]));
});

test("isAllowedOrigin() has an expression match the whole origin (RFC 6455 §10.2)", () => {
  for (
    const [expression, origin, expected] of [
      [/https:\/\/\w+\.example/, "https://a.example", true],
      [/https:\/\/\w+\.example/, "https://a.example.evil", false],
      [/https:\/\/\w+\.example/, "xhttps://a.example", false],
      [/https:\/\/\w+\.example/, "https://a.example\n", false],
      [/^https:\/\/\w+\.example$/, "https://a.example", true],
      [/a|b/, "a", true],
      [/a|b/, "b", true],
      [/a|b/, "ax", false],
      [/a|b/, "xb", false],
      [/A/, "a", false],
      [/A/i, "a", true],
      [/a$/m, "a\nb", false],
      [/(?<x>a)\k<x>/u, "aa", true],
    ] as const
  ) assertEquals(isAllowedOrigin(origin, "h", [expression]), expected, `${expression} ${origin}`);
});

test("isAllowedOrigin() says the same again, whatever the expression remembers", () => {
  for (const expression of [/a/g, /a/y, /a/gy]) {
    for (let i = 0; i < 3; i++) assert(isAllowedOrigin("a", "h", [expression]), `${expression} ${i}`);
    assertEquals(expression.lastIndex, 0);
  }
});
