import { assert, assertEquals, assertThrows } from "@std/assert";
import { offer } from "../../src/handshake/offer.ts";
import { webSocketUrl } from "../../src/handshake/url.ts";
import { test } from "../kit/harness.ts";

test("webSocketUrl() takes the scheme of the handshake (RFC 6455 §3)", () => {
  for (
    const [url, expected] of [
      ["ws://h:80/a?b", "http://h/a?b"],
      ["wss://h:443/", "https://h/"],
      ["WS://H", "http://h/"],
      ["http://h/", "http://h/"],
      ["https://h:444/", "https://h:444/"],
    ] as const
  ) assertEquals(webSocketUrl(url).href, expected, url);
});

test("webSocketUrl() names a URL that is wrong without its password", () => {
  const { message } = assertThrows(() => webSocketUrl("ftp://ada:secret@h/"), DOMException, 'its scheme is "ftp:"');
  assert(message.includes("…@h/") && !message.includes("secret"), message);
});

test("webSocketUrl() says what to do about the usual mistakes", () => {
  for (
    const [url, hint] of [
      ["localhost:8080", 'did you mean "ws://localhost:8080"?'],
      ["chat.example/a", 'did you mean "ws://chat.example/a"?'],
      ["ws://h/#a", "leave it out, or write # as %23"],
      ["ftp://h/", "where ws: or wss: is needed"],
    ] as const
  ) assertThrows(() => webSocketUrl(url), DOMException, hint);
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
