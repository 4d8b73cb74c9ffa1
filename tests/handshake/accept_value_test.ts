import { assertEquals } from "@std/assert";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { test } from "../kit/harness.ts";

test("acceptValue() is that of the RFC's example (RFC 6455 §1.3, §4.2.2 (5.4))", async () => {
  assertEquals(await acceptValue("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});
