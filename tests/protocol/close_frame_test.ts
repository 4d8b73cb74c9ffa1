import { assertEquals } from "@std/assert";
import { closePayload, parseClose } from "../../src/protocol/close_frame.ts";
import { hex, test } from "../kit/harness.ts";

test("parseClose() reads code and reason (RFC 6455 §5.5.1)", () => {
  for (
    const [payload, expected] of [
      ["", { closeCode: 1005, reason: "" }],
      ["03", "close-payload-short"],
      ["03 e8", { closeCode: 1000, reason: "" }],
      ["03 e9 62 79 65", { closeCode: 1001, reason: "bye" }],
      ["0b b8 ef bb bf e2 82 ac", { closeCode: 3000, reason: "\ufeff€" }],
      ["03 ee", "close-code-invalid"],
      ["03 ee ff", "close-code-invalid"],
      ["03 e8 ff", "close-reason-not-utf8"],
      ["03 e8 61 e2 82", "close-reason-not-utf8"],
    ] as const
  ) assertEquals(parseClose(hex(payload)), expected, payload);
});

test("parseClose() takes of all codes those that may be sent (RFC 6455 §7.4.1, §7.4.2)", () => {
  const valid: number[] = [];
  for (let code = 0; code <= 0xffff; code++) {
    const parsed = parseClose(Uint8Array.of(code >> 8, code & 255));
    if (typeof parsed === "object") valid.push(parsed.closeCode);
    else assertEquals(parsed, "close-code-invalid");
  }
  const defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
  assertEquals(valid, [...defined, ...Array.from({ length: 2000 }, (_, i) => 3000 + i)]);
});

test("closePayload() writes what parseClose() reads (RFC 6455 §5.5.1)", () => {
  assertEquals(closePayload(), new Uint8Array());
  assertEquals(closePayload(1000), hex("03 e8"));
  assertEquals(closePayload(4999, "€"), hex("13 87 e2 82 ac"));
  for (const [closeCode, reason] of [[1000, ""], [1014, "bye"], [3000, "a".repeat(123)], [4000, "aä€𝄞"]] as const) {
    assertEquals(parseClose(closePayload(closeCode, reason)), { closeCode, reason });
  }
});
