import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { decodeBase64, encodeBase64 } from "../../src/base/base64.ts";
import { random, test } from "../kit/harness.ts";

/** RFC 4648 §10. */
const VECTORS: readonly (readonly [text: string, encoded: string])[] = [
  ["", ""],
  ["f", "Zg=="],
  ["fo", "Zm8="],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg=="],
  ["fooba", "Zm9vYmE="],
  ["foobar", "Zm9vYmFy"],
];
for (const [text, encoded] of VECTORS) {
  test(`base64 of ${JSON.stringify(text)} is that of RFC 4648`, () => {
    assertEquals(encodeBase64(new TextEncoder().encode(text)), encoded);
    assertEquals(decodeBase64(encoded), new TextEncoder().encode(text));
  });
}

test("base64 of any bytes is what Node makes of them, and leads back", () => {
  const next = random(4648);
  for (let size = 0; size <= 300; size++) {
    const bytes = Uint8Array.from({ length: size }, () => next() & 255), encoded = encodeBase64(bytes);
    assertEquals(encoded, Buffer.from(bytes).toString("base64"));
    assertEquals(decodeBase64(encoded), bytes);
  }
  const large = new Uint8Array(2 ** 20).fill(0xff);
  assertEquals(decodeBase64(encodeBase64(large)), large);
});

for (const wrong of ["a$b=", "abcde", "ab=c", "Zg===", "Zg-_", "ä"]) {
  test(`decodeBase64() throws for ${wrong}`, () => {
    assertThrows(() => decodeBase64(wrong), DOMException);
  });
}
