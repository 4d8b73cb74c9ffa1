import { assertEquals } from "@std/assert";
import { HandshakeError } from "../../src/errors/handshake_error.ts";
import { parseRetryAfter } from "../../src/errors/retry_after.ts";
import { test } from "../kit/harness.ts";

/** Ten seconds before the date that the RFC's examples have. */
const NOW = Date.UTC(1994, 10, 6, 8, 49, 27), DATE = "Sun, 06 Nov 1994 08:49:27 GMT";

const VALUES: readonly [value: string, expected: number | undefined][] = [
  ["0", 0],
  ["120", 120_000],
  ["007", 7000],
  ["99999999999", 99_999_999_999_000],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 10_000],
  ["Sunday, 06-Nov-94 08:49:37 GMT", 10_000],
  ["Sun Nov  6 08:49:37 1994", 10_000],
  ["Wed Nov 16 08:49:37 1994", 10_000 + 864_000_000],
  ["Sun, 06 Nov 1994 08:49:17 GMT", 0],
  ["Monday, 01-Jan-45 00:00:00 GMT", 0], // 1945: 2045 is more than 50 years ahead
  ["Saturday, 01-Jan-44 00:00:00 GMT", Date.UTC(2044, 0, 1) - NOW], // exactly 50
  ["", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["7, 7", undefined],
  ["soon", undefined],
  ["Sun, 06 Nov 1994 08:49:37", undefined],
  ["Sun, 06 Nix 1994 08:49:37 GMT", undefined],
  ["1994-11-06T08:49:37Z", undefined],
];
for (const [value, expected] of VALUES) {
  test(`Retry-After: ${value} is ${expected} ms (RFC 9110 §10.2.3, §5.6.7)`, () => {
    assertEquals(parseRetryAfter(new Headers({ "retry-after": value }), NOW), expected);
  });
}

test("a date in Retry-After is compared with the response's own, if that can be read", () => {
  const of = (date: string) =>
    parseRetryAfter(new Headers({ "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT", date }), 0);
  assertEquals(of(DATE), 10_000);
  assertEquals(of("yesterday"), NOW + 10_000);
});

test("HandshakeError.retryAfter is that of its response", () => {
  const of = (response?: Response) => new HandshakeError("status-not-101", "", { response }).retryAfter;
  assertEquals([of(), of(new Response())], [undefined, undefined]);
  assertEquals(of(new Response(null, { status: 503, headers: { "retry-after": "2" } })), 2000);
});
