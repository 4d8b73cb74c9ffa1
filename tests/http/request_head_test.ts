import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { Fields } from "../../src/http/field_lines.ts";
import { HeadReader } from "../../src/http/head_reader.ts";
import {
  checkRequest,
  headOf,
  type ParsedRequest,
  parseForeignRequest,
  parseRequest,
  problemOf,
  rememberHead,
} from "../../src/http/request_head.ts";
import { requests } from "../cases/requests.ts";
import { concat, everySplit, latin1, test } from "../kit/harness.ts";

/** What only the bytes of a head can show; anything else is for answer() to find. */
const FAILURES = new Set<string>(["head-malformed", "head-too-large", "http-version-unsupported"])
  .union(new Set(["host-missing", "host-invalid", "key-invalid"]));

/** Everything that is known of a request, with its fields as they came, and what is behind it. */
function read(chunks: readonly Uint8Array[], limit: number | undefined) {
  const reader = new HeadReader(limit ?? 16384, 1);
  for (const [i, chunk] of chunks.entries()) {
    const found = reader.push(chunk);
    if (!found) continue;
    const parsed = "failure" in found ? found : parseRequest(found.head);
    if ("failure" in parsed) return parsed;
    assert("rest" in found);
    return { head: { ...parsed, headers: [...parsed.headers] }, rest: concat(found.rest, ...chunks.slice(i + 1)) };
  }
  return undefined;
}

/** As assertEquals() says it, but fast for many bytes. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

test("parseRequest() reads every row of the requests alike at every split (RFC 9112 §2.2)", async () => {
  let heads = 0;
  for (const row of requests) {
    const bytes = latin1(row.bytes + (row.rest ?? ""));
    const { maxHeadSize } = row.options ?? {};
    const whole = read([bytes], maxHeadSize);
    if (row.expect === "connection-closed") assertEquals(whole, undefined, row.name);
    else if (whole && "failure" in whole) {
      assertEquals(whole.failure, row.expect, row.name);
      assert(FAILURES.has(whole.failure), row.name);
      assertEquals(row.evidence === "bytes" || row.expect === "key-invalid", true, `${row.name}: a Request shows it`);
    } else {
      assert(whole, row.name);
      heads++;
      // What a Request shows too, and a version that plain HTTP may have, is left to answer()
      const left = row.evidence === "request" || whole.head.version === "1.0";
      assert(left || !FAILURES.has(row.expect), row.name);
      if (row.expect === "upgrade") assertEquals(whole.rest, latin1(row.rest ?? ""), row.name);
      if (row.url !== undefined) assertEquals(whole.head.url, row.url, row.name);
    }
    const { rest: behind, ...expected } = { rest: new Uint8Array(), ...whole };
    await everySplit(bytes, (chunks) => {
      const { rest, ...known } = { rest: new Uint8Array(), ...read(chunks, maxHeadSize) };
      assertEquals(known, expected, row.name);
      assert(isEqual(rest, behind), row.name);
    });
  }
  assert(heads > 200, `${heads} heads`);
});

const parse = (start: string, ...fields: string[]) =>
  parseRequest(latin1([start, ...fields, "", ""].join("\r\n"))) as ParsedRequest & { readonly failure?: string };

test("parseRequest() reads the parts of the request line (RFC 9112 §3)", () => {
  const { method, target, url, authority, version, headers, body } = parse("GET /a?b HTTP/1.1", "Host: h:80", "X: y");
  assertEquals([method, target, url, authority, version, body], ["GET", "/a?b", "http://h/a?b", "h:80", "1.1", 0]);
  assertEquals([...headers], [["host", "h:80"], ["x", "y"]]);
});

test("parseRequest() makes the URL of each form of target (RFC 9112 §3.2, §3.3)", () => {
  for (
    const [start, url, authority] of [
      ["GET / HTTP/1.1", "http://h/", "h"],
      ["GET //other/x HTTP/1.1", "http://h//other/x", "h"],
      ["GET /?a=http://other/ HTTP/1.1", "http://h/?a=http://other/", "h"],
      ["GET http://other HTTP/1.1", "http://other/", "other"],
      ["GET http://other?a HTTP/1.1", "http://other/?a", "other"],
      ["GET HTTPS://Other:443/x HTTP/1.1", "https://other/x", "Other:443"],
      ["OPTIONS * HTTP/1.1", "http://h/", "h"],
      ["CONNECT other:443 HTTP/1.1", "http://h/", "h"],
    ] as const
  ) {
    const head = parse(start, "Host: h");
    assertEquals([head.url, head.authority], [url, authority], start);
  }
});

test("parseRequest() needs no Host in HTTP/1.0 (RFC 9112 §3.2)", () => {
  const head = parse("GET /a HTTP/1.0");
  assertEquals([head.url, head.authority, head.version], ["http://localhost/a", "localhost", "1.0"]);
  assertEquals(parse("GET /a HTTP/1.1").failure, "host-missing");
  assertEquals(parse("GET /a HTTP/1.0", "Host: a b").failure, "host-invalid");
});

test("parseRequest() refuses an authority that the URL parser refuses (RFC 9112 §3.2)", () => {
  for (const host of ["1.2.3.4.5", "[::1::2]", "a%zz", "[1]"]) {
    assertEquals(parse("GET / HTTP/1.1", `Host: ${host}`).failure, "host-invalid", host);
  }
});

test("parseRequest() takes a higher minor version as 1.1, another major one not at all (RFC 9110 §2.5)", () => {
  assertEquals(parse("GET / HTTP/1.7", "Host: h").version, "1.1");
  for (const version of ["0.9", "2.0", "3.0"]) {
    assertEquals(parse(`GET / HTTP/${version}`, "Host: h").failure, "http-version-unsupported");
  }
});

test("parseRequest() refuses a second line of what must come once (RFC 9110 §5.3)", () => {
  for (
    const [name, failure] of [
      ["Host", "host-invalid"],
      ["Sec-WebSocket-Key", "key-invalid"],
      ["Sec-WebSocket-Version", "head-malformed"],
      ["Origin", "head-malformed"],
      ["Content-Length", "head-malformed"],
    ] as const
  ) {
    const fields = [...new Set(["Host: h", `${name}: 1`]), `${name}: 1`];
    assertEquals(parse("GET / HTTP/1.1", ...fields).failure, failure, name);
  }
});

test("parseRequest() knows the body's length (RFC 9112 §6.3)", () => {
  assertEquals(parse("POST / HTTP/1.1", "Host: h", "Content-Length: 5").body, 5);
  assertEquals(parse("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked").body, "chunked");
  assertEquals(parse("POST / HTTP/1.1", "Host: h", "Transfer-Encoding: gzip").body, "unknown");
});

test("headOf() finds the head that a Request was made of, and no other", () => {
  const head = parse("GET / HTTP/1.1", "Host: h");
  const request = new Request(head.url);
  assertEquals(headOf(request), undefined);
  rememberHead(request, head);
  assertStrictEquals(headOf(request), head);
  assertStrictEquals(headOf(head), head);
  assertEquals(headOf(request.clone()), undefined);
  assertEquals(headOf({ method: "GET", url: "http://h/", headers: new Headers() }), undefined);
  assert(head.headers instanceof Fields);
});

test("parseRequest() gives the scheme https to what came over TLS (RFC 9112 §3.3)", () => {
  const bytes = (line: string) => latin1(`${line}\r\nHost: h:8443\r\n\r\n`);
  const urlOf = (line: string) => (parseRequest(bytes(line), true) as ParsedRequest).url;
  assertEquals(urlOf("GET /a?b HTTP/1.1"), "https://h:8443/a?b");
  assertEquals(urlOf("GET http://other/ HTTP/1.1"), "http://other/"); // absolute-form: as the client has it
});

test("parseRequest() gives the URL that the URL parser makes of host and target (RFC 9112 §3.3)", () => {
  const hosts = [..."h H.Example h:80 h:8080 h: 127.1 0x7f.1 [::1]:0080 xn--a 1.2.3.256 h.".split(" "), "a b"];
  const targets = [
    "/ /a/b //other/x /a// /. /./a /a/../b /a/.. /.a /a.b/c. /%2e%2E/a /a%41 /a'b /a|b /a\\b /{}^` /a;b=c,d",
    '/a? /? /a?b=c&d /a?../b /a?%2e%zz /a?b\'c /"<> /a?"<> /a?{}^`| /~!$&()*+,;=:@-_',
  ].join(" ").split(" ");
  for (const host of [...hosts, ...hosts]) { // again: what is remembered is of the last host
    for (const target of targets) {
      const read = parseRequest(latin1(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
      const url = URL.parse(`http://${host}${target}`)?.href;
      assertEquals(
        "failure" in read ? read.failure : read.url,
        host !== "a b" && url || "host-invalid",
        `${host} ${target}`,
      );
    }
  }
});

test("parseRequest() takes a target of millions of segments, where a head may be that long (RFC 9112 §3)", () => {
  for (const target of ["/".repeat(8_000_000), "/a".repeat(4_000_000)]) {
    for (const query of ["", '?"']) {
      const read = parseRequest(`GET ${target}${query} HTTP/1.1\r\nHost: h\r\n\r\n`);
      assert("url" in read && read.url === `http://h${target}${query && "?%22"}`); // not compared by pictures of 8 MB
    }
  }
});

test("parseRequest() says nothing of what may be a credential in a target (RFC 9112 §3)", () => {
  for (
    const line of [
      "GET /a?token=s3cret HTTP/1.1 x",
      "GET /a?token=s3cret HTTP/x",
      "GET /a?token=s3cret#x HTTP/1.1",
      "GET http://ada:s3cret@h/ HTTP/1.1",
      "GET ftp://ada:s3cret@h/ HTTP/1.1",
    ]
  ) {
    const read = parseRequest(latin1(`${line}\r\nHost: h\r\n\r\n`));
    assert("failure" in read, line);
    assert(!read.detail.includes("s3cret"), read.detail);
  }
  const foreign = problemOf(parseForeignRequest(["GET / HTTP/1.1", "Host: h", "Cookie: s3cret\r\nX: 1"]))!;
  assert(!foreign.detail.includes("s3cret"), foreign.detail);
});

test("checkRequest() of a request whose headers have no get() names what makes one", () => {
  checkRequest(new Request("http://h/"));
  for (const request of [{ method: "GET", url: "/", headers: { host: "h" } }, {}, undefined, null]) {
    const check = () => checkRequest(request as unknown as Request);
    assertThrows(check, TypeError, "fromUpgrade() of @handfast/websocket/node");
  }
});
