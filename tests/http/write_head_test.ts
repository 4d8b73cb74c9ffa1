import { assertEquals, assertThrows } from "@std/assert";
import { writeHead } from "../../src/http/write_head.ts";
import { test, text } from "../kit/harness.ts";

test("writeHead() writes names as they are usually written, others as they are (RFC 9112 §5)", () => {
  const fields = [["sec-websocket-key", "k"], ["HOST", "h"], ["set-cookie", "a=b"], ["set-cookie", "c=d"], [
    "xY",
    "\xe4",
  ]];
  const bytes = writeHead("GET / HTTP/1.1", fields as [string, string][]);
  const lines = ["Sec-WebSocket-Key: k", "Host: h", "Set-Cookie: a=b", "Set-Cookie: c=d", "xY: \xe4"];
  assertEquals(text(bytes), ["GET / HTTP/1.1", ...lines, "", ""].join("\r\n"));
  assertEquals(text(writeHead("a", [])), "a\r\n\r\n");
});

test("writeHead() refuses what would be read as something else (RFC 9110 §5.5)", () => {
  for (const bad of ["a\r\nb", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x01", "a\u0141"]) {
    assertThrows(() => writeHead(bad, []), TypeError, "first line", JSON.stringify(bad));
    assertThrows(() => writeHead("a", [["x", bad]]), TypeError, "x has", JSON.stringify(bad));
    assertThrows(() => writeHead("a", [[bad, "x"]]), TypeError, "field name", JSON.stringify(bad));
  }
  for (const name of ["", "a b", "a:", " a", "a "]) assertThrows(() => writeHead("a", [[name, "x"]]), TypeError);
});
