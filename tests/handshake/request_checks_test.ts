import { assertEquals } from "@std/assert";
import { findProblem } from "../../src/handshake/request_checks.ts";
import { test } from "../kit/harness.ts";

/** Every field wrong, then made right one by one, with the failure before each. */
const STEPS: readonly (readonly [failure: string, name: string, wrong: string | null, right: string | null])[] = [
  ["body-present", "content-length", "5", "0"],
  ["body-present", "transfer-encoding", "chunked", null],
  ["upgrade-missing", "upgrade", "h2c", "websocket"],
  ["connection-missing", "connection", "close", "Upgrade"],
  ["key-invalid", "sec-websocket-key", "x", "dGhlIHNhbXBsZSBub25jZQ=="],
  ["version-unsupported", "sec-websocket-version", "8", "13"],
  ["protocol-malformed", "sec-websocket-protocol", "a, a", "a"],
  ["extension-malformed", "sec-websocket-extensions", "=", "foo"],
  ["head-malformed", "origin", "http://h, http://h", "http://evil.example"],
  ["origin-refused", "origin", "http://evil.example", "http://h"],
];

test("findProblem() finds what is wrong in the order of the RFC (RFC 6455 §4.2.1, §4.2.2)", () => {
  const fields = new Map<string, string | null>();
  for (const [, name, wrong] of STEPS) if (!fields.has(name)) fields.set(name, wrong);
  const headers = { get: (name: string) => fields.get(name.toLowerCase()) ?? null };
  const find = (method: string) => findProblem({ method, url: "http://h/", headers }, "same-host")?.failure;
  for (const [failure, name, , right] of STEPS) {
    assertEquals(find("POST"), "method-not-get");
    assertEquals(find("GET"), failure as never, name);
    fields.set(name, right);
  }
  assertEquals(find("GET"), undefined);
});
