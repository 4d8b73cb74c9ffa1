import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { checkCompression, type CompressionOptions } from "../../src/protocol/compression_options.ts";
import { HandshakeError } from "../../src/errors/handshake_error.ts";
import type { Problem } from "../../src/errors/problem.ts";
import { acceptValue } from "../../src/handshake/key.ts";
import type { Agreement } from "../../src/protocol/agreement.ts";
import type { Decorator, RequestDraft } from "../../src/handshake/decorator.ts";
import { HeadReader } from "../../src/http/head_reader.ts";
import { writeHead } from "../../src/http/write_head.ts";
import { confirm, judge, openingError } from "../../src/handshake/confirm.ts";
import { draftOffer, type Offer, offer } from "../../src/handshake/offer.ts";
import { parseResponse } from "../../src/http/response_head.ts";
import { responses } from "../cases/responses.ts";
import { latin1, test, text } from "../kit/harness.ts";

test("offer() makes the request of an upgrade (RFC 6455 §4.1)", () => {
  const { request, key, protocols } = offer("ws://localhost:8080/chat?a=b", { protocols: ["v2", "v1"] });
  assertEquals([request.method, request.url], ["GET", "http://localhost:8080/chat?a=b"]);
  assertEquals(protocols, ["v2", "v1"]);
  const field = (name: string) => request.headers.get(name);
  assertEquals([field("upgrade"), field("connection"), field("sec-websocket-version")], ["websocket", "Upgrade", "13"]);
  assertEquals([field("sec-websocket-key"), field("sec-websocket-protocol")], [key, "v2, v1"]);
  assertEquals([field("origin"), field("user-agent"), field("sec-websocket-extensions")], [null, null, null]);
});

test("offer() has a fresh key of 16 bytes each time (RFC 6455 §4.1 (7))", () => {
  const keys = Array.from({ length: 100 }, () => offer("ws://h").key);
  for (const key of keys) assert(/^[A-Za-z0-9+/]{21}[AQgw]==$/.test(key), key);
  assertEquals(new Set(keys).size, 100);
});

test("draftOffer() writes the fields in their order (RFC 6455 §4.1)", () => {
  const { fields, key, target } = draftOffer("wss://h:444/a/../b?c", { protocols: "v1", headers: { "X-A": "b" } });
  assertEquals(target, "/b?c");
  assertEquals(text(writeHead(`GET ${target} HTTP/1.1`, fields)).split("\r\n"), [
    "GET /b?c HTTP/1.1",
    "Host: h:444",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: v1",
    "x-a: b",
    "",
    "",
  ]);
});

test("draftOffer() leaves the default port out of Host (RFC 6455 §4.1 (4))", () => {
  for (
    const [url, host, target] of [
      ["ws://h", "h", "/"],
      ["ws://h:80/", "h", "/"],
      ["wss://h:443/a", "h", "/a"],
      ["ws://h:443/a", "h:443", "/a"],
      ["http://h:80?a", "h", "/?a"],
      ["https://H/a", "h", "/a"],
      ["ws://[::1]:80/", "[::1]", "/"],
      ["ws://ü/", "xn--tda", "/"],
    ] as const
  ) {
    const draft = draftOffer(url, {});
    assertEquals([draft.fields[0], draft.target], [["Host", host], target], url);
  }
});

test("offer() makes the Request once, when somebody looks", () => {
  const made = offer(new URL("ws://h/"));
  assertStrictEquals(made.request, made.request);
});

test("offer() refuses what is no URL of a WebSocket (RFC 6455 §3)", () => {
  for (
    const url of ["", "h", "/chat", "ftp://h/", "file:///a", "ws:", "ws://", "ws://h:65536", "ws://h/#a", "ws://h/#"]
  ) {
    assertEquals(assertThrows(() => offer(url), DOMException).name, "SyntaxError", url);
  }
});

test("offer() turns user and password into Basic authentication, and takes them out (RFC 7617)", () => {
  for (
    const [url, value] of [
      ["ws://ada:secret@h/", "Basic " + btoa("ada:secret")],
      ["ws://ada@h/", "Basic " + btoa("ada:")],
      ["ws://:secret@h/", "Basic " + btoa(":secret")],
      ["ws://ada:a%3Ab%40@h/", "Basic " + btoa("ada:a:b@")],
      ["ws://%C3%BC:x@h/", "Basic " + btoa("\xc3\xbc:x")],
      ["ws://%FF:x@h/", "Basic " + btoa("%FF:x")],
    ] as const
  ) {
    const { request } = offer(url);
    assertEquals([request.headers.get("authorization"), request.url], [value, "http://h/"], url);
  }
  assertEquals(assertThrows(() => offer("ws://a%3Ab:x@h/"), DOMException).name, "SyntaxError");
});

test("offer() refuses subprotocols that are not different tokens (RFC 6455 §4.1 (10))", () => {
  for (
    const protocols of ["", "a b", "a,b", "a, b", ["a", "a"], ["a", ""], ["a\r\nX: y"], ["ä"], [1 as unknown as string]]
  ) {
    assertEquals(
      assertThrows(() => offer("ws://h", { protocols }), DOMException).name,
      "SyntaxError",
      String(protocols),
    );
  }
  assertEquals(offer("ws://h", { protocols: [] }).request.headers.has("sec-websocket-protocol"), false);
});

test("offer() writes nothing of a URL that could end the line (RFC 9112 §3.2)", () => {
  for (const url of ["ws://h/a b", "ws://h/a\r\nX: y", "ws://h/\0\x7f\xe4?\x01 b\n", 'ws://h/"<>`{}']) {
    const { target, fields } = draftOffer(url, {});
    assert(/^[\x21-\x7e]+$/.test(target), target);
    assertEquals(text(writeHead(`GET ${target} HTTP/1.1`, fields)).split("\r\n").length, 8);
  }
  for (const host of ["a b", "a\0", "a<b", "a%0d%0ab"]) assertThrows(() => offer(`ws://${host}/`), DOMException);
});

test("offer() applies a decorator to the request", () => {
  let seen: string[] = [];
  const headers: Decorator<RequestDraft> = (draft) => {
    seen = [draft.method, draft.url, draft.headers.get("host")!];
    draft.headers.set("User-Agent", "me");
  };
  assertEquals(offer("ws://ada:x@h/a", { headers }).request.headers.get("user-agent"), "me");
  assertEquals(seen, ["GET", "http://h/a", "h"]);
  assertEquals(draftOffer("ws://h/", { headers: { host: "other" } }).fields[0], ["host", "other"]);
});

test("offer() refuses a decorator that changes the handshake, or is not synchronous", () => {
  const wrong: Decorator<RequestDraft>[] = [{ Upgrade: "h2c" }, { "Sec-WebSocket-Key": "x" }, {
    "content-length": "1",
  }];
  wrong.push({ "Transfer-Encoding": "chunked" }, { x: "a\r\nb" }, async () => await undefined);
  wrong.push(({ headers }) => headers.set("Connection", "close"), ({ headers }) => headers.delete("Upgrade"));
  for (const headers of wrong) assertThrows(() => offer("ws://h/", { headers }), TypeError);
});

const KEY = "AQIDBAUGBwgJCgsMDQ4PEA==";

/** What an offer with this key is, as far as a response is judged by it. */
const offered = (protocols: readonly string[] = [], compression?: boolean | CompressionOptions): Offer => ({
  request: new Request("http://h/"),
  key: KEY,
  protocols,
  deflate: checkCompression(compression, "client"),
});

/** The final head among the bytes of a row, or why there is none. */
function finalHead(bytes: Uint8Array, limit = 16384) {
  for (let rest = bytes;;) {
    const found = new HeadReader(limit, 0).push(rest);
    if (!found || "failure" in found) return found;
    const head = parseResponse(found.head);
    if ("failure" in head || head.status === 101 || head.status >= 200) return head;
    rest = found.rest as Uint8Array<ArrayBuffer>;
  }
}

test("judge() finds of every row of the responses what is wrong, or the agreement (RFC 6455 §4.1, RFC 7692 §5)", async () => {
  const accept = await acceptValue(KEY);
  for (const row of responses) {
    const values: Record<string, string> = { accept, "accept-lower": accept.toLowerCase(), key: KEY };
    const bytes = latin1(row.bytes.replace(/\{([a-z-]+)\}/g, (all, name) => values[name] ?? all));
    const head = finalHead(bytes, row.options?.maxHeadSize);
    const verdict: Agreement | Problem | undefined = head && !("failure" in head)
      ? await judge(offered(row.offer?.protocols, row.offer?.compression), head)
      : head;
    if (!verdict) assertEquals(row.expect, "connection-closed", row.name);
    else if ("failure" in verdict) assertEquals(verdict.failure, row.expect, row.name);
    else {
      assertEquals(row.expect, "agreed", row.name);
      const { protocol = "", extensions = "", deflate } = row;
      assertEquals(verdict, { role: "client", protocol, extensions, ...(deflate && { deflate }) }, row.name);
    }
  }
});

const response = (status: number, headers: HeadersInit) => ({ status, headers: new Headers(headers) });

test("confirm() resolves to the agreement (RFC 6455 §4.1)", async () => {
  const headers = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": await acceptValue(KEY) };
  const agreement = await confirm(offered(["a", "b"]), response(101, { ...headers, "sec-websocket-protocol": "b" }));
  assertEquals(agreement, { role: "client", protocol: "b", extensions: "" });
});

test("confirm() ignores white space around Sec-WebSocket-Accept, and no more than that (RFC 6455 §4.1 (4))", async () => {
  const accept = await acceptValue(KEY);
  const given = (value: string) => {
    const fields: Record<string, string> = {
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-accept": value,
    };
    return { status: 101, headers: { get: (name: string) => fields[name.toLowerCase()] ?? null } };
  };
  for (const value of [accept, ` ${accept}`, `${accept}\t`, ` \t ${accept} \t`]) {
    assertEquals((await confirm(offered(), given(value))).role, "client", JSON.stringify(value));
  }
  for (const value of ["", " ", accept.replace("=", " ="), `\u00a0${accept}`]) {
    const error = await assertRejects(() => confirm(offered(), given(value)), HandshakeError);
    assertEquals(error.failure, "accept-mismatch", JSON.stringify(value));
  }
});

test("confirm() rejects with what is wrong, the request, and the response if it is one (RFC 6455 §4.1)", async () => {
  const made = offered();
  const given = new Response("no", { status: 403 });
  const error = await assertRejects(() => confirm(made, given), HandshakeError, "the status is 403");
  assertEquals([error.failure, error.section], ["status-not-101", "RFC 6455 §4.1 (1)"]);
  assertStrictEquals(error.request, made.request);
  assertStrictEquals(error.response, given);
  const bare = await assertRejects(() => confirm(made, response(101, { upgrade: "h2c" })), HandshakeError, '"h2c"');
  assertEquals([bare.failure, bare.response], ["upgrade-missing", undefined]);
  const missing = await assertRejects(() => confirm(made, response(101, {})), HandshakeError, "there is no Upgrade");
  assertEquals(missing.failure, "upgrade-missing");
});

test("openingError() says what could not be done, and why", () => {
  const error = openingError({ failure: "accept-missing", detail: "it is not there" }, { reusable: true });
  assertEquals(error.message, "Cannot open the WebSocket: it is not there");
  assertEquals([error.failure, error.reusable], ["accept-missing", true]);
});
