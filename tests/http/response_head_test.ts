import { assert, assertEquals } from "@std/assert";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { HeadReader } from "../../src/http/head_reader.ts";
import { type ParsedResponse, parseResponse } from "../../src/http/response_head.ts";
import { responses } from "../cases/responses.ts";
import { concat, everySplit, latin1, test } from "../kit/harness.ts";

const KEY = "AQIDBAUGBwgJCgsMDQ4PEA==";

/** What only the bytes of a head can show. */
const FAILURES = new Set<string>(["head-malformed", "head-too-large", "http-version-unsupported"]);

/** The heads up to the final one or a failure, and what is behind it. */
function read(chunks: readonly Uint8Array[], limit: number | undefined) {
  const heads: unknown[] = [];
  let reader = new HeadReader(limit ?? 16384, 0);
  const queue = [...chunks];
  for (let chunk; (chunk = queue.shift());) {
    const found = reader.push(chunk);
    if (!found) continue;
    const parsed = "failure" in found ? found : parseResponse(found.head);
    if ("failure" in parsed) return { heads, failure: parsed.failure, rest: new Uint8Array() };
    assert("rest" in found);
    heads.push({ ...parsed, headers: [...parsed.headers] });
    if (parsed.status === 101 || parsed.status >= 200) {
      return { heads, final: parsed.status, rest: concat(found.rest, ...queue) };
    }
    reader = new HeadReader(limit ?? 16384, 0);
    queue.unshift(found.rest);
  }
  return undefined;
}

/** As assertEquals() says it, but fast for many bytes. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

test("parseResponse() reads every row of the responses alike at every split (RFC 9112 §2.2)", async () => {
  const accept = await acceptValue(KEY);
  let finals = 0;
  for (const row of responses) {
    const values: Record<string, string> = { accept, "accept-lower": accept.toLowerCase(), key: KEY };
    const written = row.bytes.replace(/\{([a-z-]+)\}/g, (all, name) => values[name] ?? all);
    const bytes = latin1(written + (row.rest ?? ""));
    const { maxHeadSize } = row.options ?? {};
    const whole = read([bytes], maxHeadSize);
    if (row.expect === "connection-closed") assertEquals(whole, undefined, row.name);
    else if (FAILURES.has(row.expect)) assertEquals(whole?.failure, row.expect as never, row.name);
    else {
      finals++;
      if (row.expect === "agreed") assertEquals([whole?.final, whole?.rest], [101, latin1(row.rest ?? "")], row.name);
      if (row.status !== undefined) assertEquals(whole?.final, row.status, row.name);
    }
    const { rest: behind, ...expected } = { rest: new Uint8Array(), ...whole };
    await everySplit(bytes, (chunks) => {
      const { rest, ...known } = { rest: new Uint8Array(), ...read(chunks, maxHeadSize) };
      assertEquals(known, expected, row.name);
      assert(isEqual(rest, behind), row.name);
    });
  }
  assert(finals > 80, `${finals} answers`);
});

const parse = (start: string, ...fields: string[]) =>
  parseResponse(latin1([start, ...fields, "", ""].join("\r\n"))) as ParsedResponse & { readonly failure?: string };

test("parseResponse() reads the parts of the status line (RFC 9112 §4)", () => {
  for (
    const [start, version, status, reason] of [
      ["HTTP/1.1 200 OK", "1.1", 200, "OK"],
      ["HTTP/1.1 404 Not\tFound ", "1.1", 404, "Not\tFound "],
      ["HTTP/1.1 200 ", "1.1", 200, ""],
      ["HTTP/1.1 200", "1.1", 200, ""],
      ["HTTP/1.0 503 \xfc", "1.0", 503, "\xfc"],
      ["HTTP/1.9 100 x", "1.1", 100, "x"],
      ["HTTP/1.1 999 x", "1.1", 999, "x"], // RFC 9110 §15: invalid, and as good as a 5xx
    ] as const
  ) {
    const head = parse(start);
    assertEquals([head.version, head.status, head.reason], [version, status, reason], start);
  }
});

test("parseResponse() refuses what is no status line (RFC 9112 §4, §2.3)", () => {
  for (
    const start of ["", "HTTP/1.1", "HTTP/1.1 99", "HTTP/1.1 099 x", "HTTP/1.1 1000", "HTTP/1.1  200", "HTTP/1.1 2x0"]
      .concat("http/1.1 200 OK", "HTTP/1.10 200 OK", "HTTP/1.1 200 \0", "HTTP/1.1 200 a\rb", "HTTP/1.1 200 \x7f")
  ) assertEquals(parse(start).failure, "head-malformed", JSON.stringify(start));
});

test("parseResponse() refuses other major versions, and a 101 of HTTP/1.0 (RFC 9110 §2.5, RFC 6455 §4.1)", () => {
  for (const start of ["HTTP/0.9 200 OK", "HTTP/2.0 101 x", "HTTP/1.0 101 x"]) {
    assertEquals(parse(start).failure, "http-version-unsupported", start);
  }
});

test("parseResponse() refuses a field as a request's is refused (RFC 9112 §5)", () => {
  assertEquals(parse("HTTP/1.1 200 OK", "x : a").failure, "head-malformed");
});

test("parseResponse() knows where the body ends (RFC 9112 §6.3)", () => {
  const chunked = "Transfer-Encoding: chunked";
  for (
    const [start, fields, body] of [
      ["HTTP/1.1 101 x", ["Content-Length: 5"], 0],
      ["HTTP/1.1 103 x", [chunked], 0],
      ["HTTP/1.1 204 x", ["Content-Length: 5"], 0],
      ["HTTP/1.1 304 x", [chunked], 0],
      ["HTTP/1.1 200 x", [], "end"],
      ["HTTP/1.1 200 x", ["Content-Length: 5"], 5],
      ["HTTP/1.1 200 x", ["Content-Length: 0"], 0],
      ["HTTP/1.1 200 x", [chunked], "chunked"],
      ["HTTP/1.1 200 x", ["Transfer-Encoding: gzip"], "end"],
    ] as const
  ) assertEquals(parse(start, ...fields).body, body, `${start} ${fields}`);
  assertEquals(parse("HTTP/1.1 200 x", "Content-Length: a").failure, "head-malformed");
  assertEquals(parse("HTTP/1.1 200 x", "Content-Length: 1", chunked).failure, "head-malformed");
});

test("parseResponse() judges the length of a body by the request's method as well (RFC 9112 §6.3)", () => {
  const both = ["Content-Length: 5", "Transfer-Encoding: chunked"];
  const body = (method: string, start: string, ...fields: string[]) => {
    const parsed = parseResponse(latin1([start, ...fields, "", ""].join("\r\n")), method);
    return "failure" in parsed ? parsed.failure : parsed.body;
  };
  for (const start of ["HTTP/1.1 200 x", "HTTP/1.0 200 x", "HTTP/1.1 299 x"]) {
    for (const fields of [[], both, ["Content-Length: a"], ["Content-Length: 0, 0"], ["Transfer-Encoding: x"]]) {
      assertEquals(body("CONNECT", start, ...fields), 0, `${start} ${fields}`);
      assertEquals(body("HEAD", start, ...fields), 0, `${start} ${fields}`);
    }
  }
  assertEquals(body("HEAD", "HTTP/1.1 404 x", "Content-Length: 5"), 0);
  assertEquals(body("CONNECT", "HTTP/1.1 407 x", "Content-Length: 5"), 5);
  assertEquals(body("CONNECT", "HTTP/1.1 302 x"), "end");
  assertEquals(body("CONNECT", "HTTP/1.1 502 x", ...both), "head-malformed");
  assertEquals(body("GET", "HTTP/1.1 200 x", ...both), "head-malformed");
});
