import { assertEquals } from "@std/assert";
import { nodeSha1 } from "../../src/base/tuning.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { test } from "../kit/harness.ts";

test("acceptValue() is that of the RFC's example (RFC 6455 §1.3, §4.2.2 (5.4))", async () => {
  assertEquals(await acceptValue("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test("acceptValue() is the same by the runtime's own SHA-1, where that is used (RFC 6455 §4.2.2 (5.4))", async () => {
  const sha1 = nodeSha1(), isNode = !("Deno" in globalThis) && !("Bun" in globalThis);
  assertEquals(sha1 !== undefined, isNode);
  for (let i = 0; i < 100; i++) {
    const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
    assertEquals(await acceptValue(key, sha1), await acceptValue(key));
  }
});
