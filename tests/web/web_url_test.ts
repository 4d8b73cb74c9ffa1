import { assertEquals, assertThrows } from "@std/assert";
import { webUrl } from "../../src/web/web_url.ts";
import { assertDomError } from "../kit/assert_dom_error.ts";
import { test } from "../kit/harness.ts";

test("http becomes ws and https becomes wss", () => {
  const urls = ["http://a/b", "https://a:444/?c", "ws://a", "WSS://A:443/", new URL("http://a:80/")];
  assertEquals(urls.map((url) => webUrl(url).href), [
    "ws://a/b",
    "wss://a:444/?c",
    "ws://a/",
    "wss://a/",
    "ws://a/",
  ]);
});

test("what is no absolute URL of a WebSocket is a SyntaxError, a fragment too, be it empty", () => {
  for (const url of ["", "invalid:", "/chat", "ftp://a/", "mailto:a", "ws://a b/", "ws://a/#b", "ws://a/#"]) {
    assertDomError(() => webUrl(url), "SyntaxError");
  }
});

test("what can't be a string is a TypeError", () => {
  assertThrows(() => webUrl(Symbol() as unknown as string), TypeError);
});
