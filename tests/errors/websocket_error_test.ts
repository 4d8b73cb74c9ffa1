import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { protocolFailures } from "../../src/errors/failures.ts";
import {
  checkClose,
  isCloseCode,
  protocolError,
  uncleanError,
  WebSocketError,
  type WebSocketErrorInit,
} from "../../src/errors/websocket_error.ts";
import { test } from "../kit/harness.ts";

test("WebSocketError is a DOMException with code and reason (RFC 6455 §7.1.5, §7.1.6)", () => {
  const empty = new WebSocketError();
  assert(empty instanceof DOMException && empty instanceof Error);
  assertEquals([empty.name, empty.message, empty.code], ["WebSocketError", "", 0]);
  assertEquals([empty.closeCode, empty.reason, empty.failure, empty.section], [null, "", undefined, undefined]);
  const full = new WebSocketError("bye", { closeCode: 3001, reason: "late" });
  assertEquals([full.message, full.closeCode, full.reason], ["bye", 3001, "late"]);
  assertEquals(new WebSocketError("", { reason: "late" }).closeCode, 1000);
});

test("WebSocketError refuses what a Close frame can't carry (RFC 6455 §5.5, §7.4)", () => {
  assertThrows(() => new WebSocketError("", { closeCode: 1006 }), DOMException, "the code is 1006");
  assertThrows(() => new WebSocketError("", { reason: "x".repeat(124) }), DOMException, "124 bytes");
});

test("isCloseCode() knows what may be sent (RFC 6455 §7.4.1, §7.4.2)", () => {
  for (const code of [1000, 1003, 1007, 1014, 3000, 4999]) assert(isCloseCode(code), String(code));
  for (const code of [-1, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, NaN, Infinity]) {
    assert(!isCloseCode(code), String(code));
  }
});

test("checkClose() completes what a caller closes with (RFC 6455 §7.1.2)", () => {
  for (
    const [given, expected] of [
      [{}, { reason: "" }],
      [{ reason: "" }, { reason: "" }],
      [{ reason: "bye" }, { closeCode: 1000, reason: "bye" }],
      [{ closeCode: 4000 }, { closeCode: 4000, reason: "" }],
      [{ closeCode: 1000, reason: "a\ud800" }, { closeCode: 1000, reason: "a\ufffd" }],
      [{ reason: "é".repeat(61) + "x" }, { closeCode: 1000, reason: "é".repeat(61) + "x" }],
    ] as const
  ) assertEquals(checkClose(given), expected);
});

test("checkClose() names what is wrong as the DOM does", () => {
  for (const closeCode of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN, "1000" as unknown as number]) {
    const error = assertThrows(() => checkClose({ closeCode }), DOMException);
    assertEquals(error.name, "InvalidAccessError", String(closeCode));
  }
  for (const reason of ["x".repeat(124), "é".repeat(62), "\ud800".repeat(42)]) {
    assertEquals(assertThrows(() => checkClose({ reason }), DOMException).name, "SyntaxError");
  }
});

test("protocolError() is the table's row as an error", () => {
  for (const [failure, row] of Object.entries(protocolFailures)) {
    const error = protocolError(failure as keyof typeof protocolFailures);
    assertEquals([error.failure, error.section, error.closeCode], [failure as never, row.section, row.closeCode]);
    assertEquals([error.message, error.reason], [row.sentence, ""]);
  }
  const cause = new Error("below");
  const error = protocolError("connection-lost", "It is gone", cause);
  assertEquals(error.message, "It is gone");
  assertStrictEquals(error.cause, cause);
});

test("uncleanError() takes codes that no caller may send (RFC 6455 §7.1.5)", () => {
  const error = uncleanError("Lost", { closeCode: 1006, reason: "why" });
  assert(error instanceof WebSocketError);
  assertEquals([error.message, error.closeCode, error.reason], ["Lost", 1006, "why"]);
});

test("checkClose() says that a code is called closeCode, and takes an error of ours, whose code is the DOM's", () => {
  for (const given of [{ code: 4000 }, { code: 4000, reason: "bye" }, new Event("close")]) {
    const wrong = given instanceof Event ? Object.assign(given, { code: 1000 }) : given;
    assertThrows(() => checkClose(wrong as WebSocketErrorInit), TypeError, "closeCode, not as code");
  }
  const error = new WebSocketError("", { closeCode: 4000, reason: "bye" });
  assertEquals(checkClose(error as unknown as WebSocketErrorInit), { closeCode: 4000, reason: "bye" });
});
