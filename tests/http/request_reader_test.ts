import { assertEquals } from "@std/assert";
import { RequestReader } from "../../src/http/request_reader.ts";
import { everySplit, latin1, test, text } from "../kit/harness.ts";

test("RequestReader.push() gives the request and keeps the rest, wherever it is cut (RFC 9112 §2.1)", async () => {
  const head = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  await everySplit(latin1(head + "behind"), (chunks) => {
    const reader = new RequestReader(100);
    let behind = "", read: ReturnType<RequestReader["push"]>;
    for (const chunk of chunks) {
      if (read) behind += text(chunk);
      else read = reader.push(chunk);
    }
    assertEquals(read && "target" in read && [read.target, read.url], ["/a", "http://h/a"]);
    assertEquals([reader.started, text(reader.rest) + behind], [true, "behind"]);
  });
});

test("RequestReader.push() gives what is wrong with a head, as soon as that is seen", () => {
  const failureOf = (bytes: string) => {
    const read = new RequestReader(20, true).push(latin1(bytes));
    return read && "failure" in read ? read.failure : read?.url;
  };
  assertEquals(failureOf("GET / HTTP/1.1\r\n"), undefined);
  assertEquals(failureOf("\x16"), "head-malformed");
  assertEquals(failureOf("GET / HTTP/1.0\r\n\r\n"), "https://localhost/");
  assertEquals(failureOf("x".repeat(21)), "head-too-large");
  assertEquals(failureOf("GET / HTTP/9.1\r\n\r\n"), "http-version-unsupported");
});
