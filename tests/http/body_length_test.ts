import { assertEquals } from "@std/assert";
import { readBodyLength } from "../../src/http/body_length.ts";
import { test } from "../kit/harness.ts";
import { fieldsOf } from "../kit/fields_of.ts";

test("readBodyLength() knows how long a body is, or that nobody can know (RFC 9112 §6.1, §6.3)", () => {
  const length = (version: string, ...lines: [string, string][]) => {
    const found = readBodyLength(fieldsOf(...lines), version);
    return typeof found === "object" ? found.failure : found;
  };
  assertEquals(length("1.1"), 0);
  assertEquals(length("1.1", ["Content-Length", "0"]), 0);
  assertEquals(length("1.0", ["Content-Length", "0012"]), 12);
  assertEquals(length("1.1", ["Content-Length", "18446744073709551617"]), 2 ** 64); // RFC 9110 §8.6: no overflow
  assertEquals(length("1.1", ["Transfer-Encoding", "Chunked"]), "chunked");
  for (const coding of ["identity", "gzip, chunked", "chunked, chunked", "chunked;a", "", "xchunked"]) {
    assertEquals(length("1.1", ["Transfer-Encoding", coding]), "unknown", coding);
  }
  for (const value of ["", "-1", "+1", "0x5", "1e3", "1 0", "five", "5, 5", "1.0", "\xb2"]) {
    assertEquals(length("1.1", ["Content-Length", value]), "head-malformed", value);
  }
  assertEquals(length("1.1", ["Content-Length", "5"], ["Content-Length", "5"]), "head-malformed");
  assertEquals(length("1.1", ["Content-Length", "0"], ["Transfer-Encoding", "chunked"]), "head-malformed");
  assertEquals(length("1.0", ["Transfer-Encoding", "chunked"]), "head-malformed");
});
