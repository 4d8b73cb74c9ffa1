import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { Decorator, RequestDraft } from "../../src/handshake/decorator.ts";
import { checkOfferOptions, draftOffer, offer } from "../../src/handshake/offer.ts";
import { writeHead } from "../../src/http/write_head.ts";
import { test, text } from "../kit/harness.ts";

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
  const { fields, key, target } = draftOffer(
    "wss://h:444/a/../b?c",
    checkOfferOptions({ protocols: "v1", headers: { "X-A": "b" } }),
  );
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
    const draft = draftOffer(url, checkOfferOptions({}));
    assertEquals([draft.fields[0], draft.target], [["Host", host], target], url);
  }
});

test("offer() makes the Request once, when somebody looks", () => {
  const made = offer(new URL("ws://h/"));
  assertStrictEquals(made.request, made.request);
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
    const { target, fields } = draftOffer(url, checkOfferOptions({}));
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
  assertEquals(draftOffer("ws://h/", checkOfferOptions({ headers: { host: "other" } })).fields[0], ["host", "other"]);
});

test("offer() refuses a decorator that changes the handshake, or is not synchronous", () => {
  const wrong: Decorator<RequestDraft>[] = [{ Upgrade: "h2c" }, { "Sec-WebSocket-Key": "x" }, {
    "content-length": "1",
  }];
  wrong.push({ "Transfer-Encoding": "chunked" }, { x: "a\r\nb" }, async () => await undefined);
  wrong.push(({ headers }) => headers.set("Connection", "close"), ({ headers }) => headers.delete("Upgrade"));
  for (const headers of wrong) assertThrows(() => offer("ws://h/", { headers }), TypeError);
});

test("draftOffer() for another origin has of given fields those for all origins, and a function's but credentials (RFC 9110 §15.4)", () => {
  const given = {
    accept: "a/b",
    "accept-language": "de",
    "content-language": "en",
    "user-agent": "me",
    host: "own",
    origin: "https://own",
    "x-api-key": "1",
    authorization: "Bearer 1",
    cookie: "a=b",
    "proxy-authorization": "Basic x",
  };
  const set: Decorator<RequestDraft> = ({ url, headers }) => {
    for (const [name, value] of Object.entries(given)) headers.set(name, value);
    headers.set("x-url", url);
  };
  const own = (headers: Decorator<RequestDraft>, isCrossOrigin: boolean) =>
    draftOffer("wss://ada:x@h/", checkOfferOptions({ headers, protocols: "v1" }), isCrossOrigin).fields
      .filter(([name]) => !/^(?:Upgrade|Connection|Sec-WebSocket-(?:Key|Version))$/i.test(name))
      .map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort();
  const forAll = ["accept-language: de", "accept: a/b", "content-language: en", "user-agent: me"];
  const protocol = "sec-websocket-protocol: v1";
  assertEquals(own(given, true), [...forAll, "host: h", protocol].sort());
  const known = [...forAll, "host: h", "origin: https://own", protocol, "x-api-key: 1", "x-url: https://h/"];
  assertEquals(own(set, true), known.sort());
  assertEquals(own(given, false), [...Object.entries(given).map((field) => field.join(": ")), protocol].sort());
});
