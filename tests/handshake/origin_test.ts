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

test("checkOrigins() takes every string that an Origin field can have (RFC 6454 §6.2)", () => {
  checkOrigins(["null", "https://app.example", "HTTPS://APP.EXAMPLE", "http://localhost:3000", "http://[::1]:8080"]);
  checkOrigins(["http://127.0.0.1", "https://xn--bcher-kva.example", "file://", "app://.", "tauri://localhost"]);
  checkOrigins(["chrome-extension://abcdefghijklmnop", "moz-extension://0a1b-2c3d", "capacitor://localhost"]);
});

test("checkOrigins() refuses a string that no Origin field can equal, and says which one could (RFC 6454 §6.2)", () => {
  for (
    const [origin, advice] of [
      ["https://app.example/", '"https://app.example" can'],
      ["https://app.example/chat", '"https://app.example" can'],
      ["https://app.example?a", '"https://app.example" can'],
      ["https://app.example:443", '"https://app.example" can'],
      ["http://app.example:080", '"http://app.example" can'],
      ["http://app.example:", '"http://app.example" can'],
      ["https://me:s@app.example", '"https://app.example" can'],
      ["https://b\u00fccher.example", '"https://xn--bcher-kva.example" can'],
      ["http://[0::1]", '"http://[::1]" can'],
      ["wss://app.example", '"https://app.example" can'],
      ["ws://app.example:8080", '"http://app.example:8080" can'],
      ["app.example", '"https://app.example" can'],
      ["app.example:8443", '"https://app.example:8443" can'],
      ["localhost", '"https://localhost" can'],
      [" https://app.example", "it must be scheme://host"],
      ["https://app.example ", '"https://app.example" can'],
      ["", "it must be scheme://host"],
      ["https://", "it must be scheme://host"],
      ["https://a b", "it must be scheme://host"],
      ["*", 'origins: "any"'],
      ["https://*.app.example", "a regular expression"],
      ["any", '"any" stands alone'],
      ["same-host", '"same-host" stands alone'],
      ["tauri://localhost/", "has no path"],
    ] as const
  ) {
    const error = assertThrows(() => checkOrigins(["https://a.example", origin]), TypeError, advice, origin);
    assert(error.message.includes(JSON.stringify(origin)), error.message);
  }
  assertThrows(() => checkOrigins("https://a.example" as Origins), TypeError, '"https://a.example" is neither');
});
