// The constructor of WebSocketError. Each group names the public test that it answers to, of websockets/stream/tentative.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { WebSocketError as ConnectionError } from "../../mod.ts";
import { WebSocketError } from "../../src/stream.ts";
import { asStreamError, webClose } from "../../src/web/stream_error.ts";
import { assertDomError } from "../kit/assert_dom_error.ts";
import { test } from "../kit/harness.ts";

const fieldsOf = ({ code, name, message, closeCode, reason }: WebSocketError) => [
  code,
  name,
  message,
  closeCode,
  reason,
];

// websocket-error.any.js
test("an error without arguments says nothing but its name", () => {
  assertEquals(fieldsOf(new WebSocketError()), [0, "WebSocketError", "", null, ""]);
});

test("an error has what it is made of", () => {
  const error = new WebSocketError("Gone", { closeCode: 3456, reason: "late" });
  assertEquals(fieldsOf(error), [0, "WebSocketError", "Gone", 3456, "late"]);
  assert(error instanceof DOMException && error instanceof ConnectionError);
});

for (const closeCode of [999, 1001, 2999, 5000]) {
  test(`an error can't be made with the code ${closeCode}`, () => {
    assertDomError(() => new WebSocketError("", { closeCode }), "InvalidAccessError");
  });
}

test("a code alone goes without a reason", () => {
  assertEquals(fieldsOf(new WebSocketError("", { closeCode: 3333 })).slice(3), [3333, ""]);
});

test("a reason alone goes with the code 1000", () => {
  assertEquals(fieldsOf(new WebSocketError("", { reason: "late" })).slice(3), [1000, "late"]);
});

test("a reason of 123 bytes is taken, one of 124 is not", () => {
  assertEquals(new WebSocketError("", { closeCode: 1000, reason: "x".repeat(123) }).reason.length, 123);
  assertDomError(() => new WebSocketError("", { closeCode: 1000, reason: "x".repeat(124) }), "SyntaxError");
});

test("a reason is measured in bytes of UTF-8", () => {
  assertEquals(new WebSocketError("", { reason: "🥪".repeat(30) }).closeCode, 1000);
  assertDomError(() => new WebSocketError("", { reason: "🥪".repeat(31) }), "SyntaxError");
});

// Beyond the public tests
test("a code is converted as Web IDL says, and is no number that has no place in 16 bits", () => {
  const convert = (closeCode: unknown) => webClose({ closeCode: closeCode as number }).closeCode;
  assertEquals([convert("3000"), convert(1000.9), convert(undefined)], [3000, 1000, undefined]);
  for (const wrong of [-1, 65536, NaN, Infinity, "x", {}]) assertThrows(() => convert(wrong), TypeError, "the code is");
  assertEquals(webClose(null), { reason: "" });
});

test("an error of a connection becomes ours and stays the same object", () => {
  const error = new ConnectionError("Gone", { closeCode: 1012 }), ours = asStreamError(error);
  assert(ours === (error as unknown) && ours.constructor === WebSocketError);
  assertEquals([ours.closeCode, ours.retryable], [1012, true]);
});
