import { assertEquals } from "@std/assert";
import { sha1 } from "../../src/base/sha1.ts";
import { fastSha1 } from "../../src/base/tuning.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { test } from "../kit/harness.ts";

test("acceptValue() is that of the RFC's example (RFC 6455 §1.3, §4.2.2 (5.4))", async () => {
  assertEquals(await acceptValue("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test("acceptValue() is the same by every SHA-1 that gives it at once (RFC 6455 §4.2.2 (5.4))", async () => {
  for (const by of [sha1, fastSha1()]) {
    assertEquals(acceptValue("dGhlIHNhbXBsZSBub25jZQ==", by), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (let i = 0; i < 100; i++) {
      const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
      assertEquals(acceptValue(key, by), await acceptValue(key));
    }
  }
});
