import { assertEquals } from "@std/assert";
import { badField, ExchangeError, malformed, quote } from "../../src/errors/problem.ts";
import { test } from "../kit/harness.ts";
import { shown } from "../kit/shown.ts";

test("quote() gives one printable line", () => {
  for (
    const [value, expected] of [
      ["", '""'],
      ["a", '"a"'],
      ['"', '"\\""'],
      ["\r\n\0\x1b", '"\\r\\n\\u0000\\u001b"'],
      ["\x7f\x80\x9f\xa0", '"\\u007f\\u0080\\u009f\xa0"'],
      ["\u2028\u2029", '"\\u2028\\u2029"'],
      ["a".repeat(80), `"${"a".repeat(80)}"`],
      ["a".repeat(81), `"${"a".repeat(80)}…"`],
    ] as const
  ) assertEquals(quote(value), expected);
});

test("malformed() names the section that the head violates", () => {
  assertEquals(malformed("RFC 9112 §5", "a field line has no colon"), {
    failure: "head-malformed",
    detail: "a field line has no colon (RFC 9112 §5)",
  });
});

test("badField() tells a field that is missing from one that is wrong", () => {
  assertEquals(badField("key-missing", "X", null), { failure: "key-missing", detail: "there is no X" });
  assertEquals(badField("key-invalid", "X", 'a"'), { failure: "key-invalid", detail: 'X is "a\\""' });
});

test("ExchangeError does not show a proxy's response when it is printed", () => {
  const secret = "s3cret".toUpperCase(); // not as it stands here: Bun shows the source of an error as well
  const response = new Response(null, { status: 407, headers: { "x-token": secret } });
  const error = new ExchangeError("proxy-refused", "the proxy answers with the status 407", { response });
  assertEquals([error.response, Object.keys(error).includes("response")], [response, false]);
  assertEquals(shown(error).includes(secret), false);
});
