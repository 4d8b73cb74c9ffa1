import { assertEquals } from "@std/assert";
import { ResponseReader } from "../../src/http/response_reader.ts";
import { everySplit, latin1, test, text } from "../kit/harness.ts";

const EARLY = "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n", FINAL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";

/** What comes of chunks: the status and what is behind it, or the failure. */
function read(chunks: readonly Uint8Array[], method?: string) {
  const reader = new ResponseReader(100, method);
  let behind = "", head: ReturnType<ResponseReader["push"]>;
  for (const chunk of chunks) {
    if (head) behind += text(chunk);
    else head = reader.push(chunk);
  }
  if (!head) return undefined;
  return "failure" in head ? head.failure : [head.status, head.body, text(reader.rest) + behind];
}

test("ResponseReader.push() skips interim responses, wherever they are cut (RFC 9110 §15.2)", async () => {
  for (const interim of ["", EARLY, EARLY + EARLY]) {
    await everySplit(latin1(interim + FINAL + "body"), (chunks) => assertEquals(read(chunks), [200, 4, "body"]));
  }
  assertEquals(read([latin1("HTTP/1.1 101 Yes\r\n\r\n\x81")]), [101, 0, "\x81"]);
  assertEquals(read([latin1(FINAL)], "CONNECT"), [200, 0, ""]);
});

test("ResponseReader.push() takes 16 interim responses and no more", () => {
  assertEquals(read([latin1(EARLY.repeat(16) + FINAL)]), [200, 4, ""]);
  assertEquals(read([latin1(EARLY.repeat(17) + FINAL)]), "head-malformed");
  assertEquals(read([latin1(EARLY.repeat(16))]), undefined);
});

test("ResponseReader limits each head, and knows whether one has begun", () => {
  assertEquals(read([latin1(EARLY + `HTTP/1.1 200 ${"x".repeat(90)}`)]), "head-too-large");
  const reader = new ResponseReader(100);
  assertEquals(reader.started, false);
  reader.push(latin1("H"));
  assertEquals(reader.started, true);
  reader.push(latin1(EARLY.slice(1)));
  assertEquals(reader.started, false);
});
