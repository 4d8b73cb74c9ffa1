import { assert, assertEquals } from "@std/assert";
import {
  parseForeignHttp2,
  parseHttp2Request,
  parseHttp2Response,
  withoutConnectionFields,
} from "../../src/http/http2_head.ts";
import { headOf, isHttp2, problemOf } from "../../src/http/request_head.ts";
import { connectFields, connects } from "../cases/connects.ts";
import { test } from "../kit/harness.ts";

test("parseHttp2Request() reads what the fields say (RFC 9113 §8.3.1)", () => {
  const fields = connectFields({ cookie: ["a=1", "b=2"], ":scheme": "https", ":path": "/a?b", x: "" });
  const head = parseHttp2Request(fields);
  assert(!("failure" in head));
  assertEquals([head.method, head.protocol, head.version, head.body], ["CONNECT", "websocket", "2", "unknown"]);
  assertEquals([head.target, head.authority, head.url], [
    "/a?b",
    "server.example.com",
    "https://server.example.com/a?b",
  ]);
  assertEquals([...head.headers], [
    ["sec-websocket-version", "13"],
    ["x", ""],
    ["cookie", "a=1; b=2"], // RFC 9113 §8.2.3
  ]);
  assertEquals([head.headers.get("X"), head.headers.get("cookie"), head.headers.get("y")], ["", "a=1; b=2", null]);
  head.headers.dropPositions();
  assertEquals([head.headers.get("sec-websocket-version"), head.headers.size], ["13", 3]);
});

test("parseHttp2Request() reads plain requests as well (RFC 9113 §8.3.1)", () => {
  const located = (changes: Parameters<typeof connectFields>[0]) => {
    const head = parseHttp2Request(connectFields({ ":protocol": null, ...changes }));
    return "failure" in head ? head.failure : [head.method, head.target, head.url];
  };
  assertEquals(located({ ":method": "GET" }), ["GET", "/chat", "http://server.example.com/chat"]);
  assertEquals(located({ ":method": "OPTIONS", ":path": "*" }), ["OPTIONS", "*", "http://server.example.com/"]);
  assertEquals(located({ ":method": "GET", ":path": "*" }), "http2-malformed");
  for (const name of ["connection", "upgrade", "keep-alive", "proxy-connection", "transfer-encoding", "te"]) {
    assertEquals(located({ ":method": "GET", [name]: "x" }), "http2-malformed", name); // §8.2.2
  }
  const tunnel = { ":method": "CONNECT", ":scheme": null, ":path": null, ":authority": "h:443" };
  assertEquals(located(tunnel), ["CONNECT", "h:443", "http://h:443/"]);
});

test("parseForeignHttp2() remembers the version, and what is wrong (RFC 9113 §8.1.1)", () => {
  for (const row of connects) {
    const request = parseForeignHttp2(row.fields);
    assert(isHttp2(request), row.name);
    assertEquals(headOf(request) === undefined, problemOf(request) !== undefined, row.name);
  }
});

test("parseHttp2Request() shows no value that may be a credential", () => {
  const problems = [{ ":path": "/a b?token=s3cret" }, { ":authority": "ada:s3cret@h" }, { authorization: "s3cret\r\n" }]
    .map((changes) => parseHttp2Request(connectFields(changes)));
  for (const problem of problems) {
    assert("failure" in problem);
    assertEquals([problem.failure, problem.detail.includes("s3cret")], ["http2-malformed", false]);
  }
});

test("parseHttp2Response() reads the status and the fields (RFC 9113 §8.3.2)", () => {
  const head = parseHttp2Response([[":status", "404"], ["a", "b"]]);
  assert(!("failure" in head));
  assertEquals([head.status, [...head.headers]], [404, [["a", "b"]]]);
});

test("withoutConnectionFields() leaves out what HTTP/2 does not have (RFC 9113 §8.2.2)", () => {
  assertEquals(withoutConnectionFields([["Upgrade", "x"], ["X", "y"], ["keep-alive", "z"]]), [["X", "y"]]);
  assertEquals(withoutConnectionFields([["TE", "gzip"], ["te", "Trailers"], ["HTTP2-Settings", "x"]]), [[
    "te",
    "Trailers",
  ]]);
});
