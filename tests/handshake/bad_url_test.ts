import { assertEquals } from "@std/assert";
import { isOfHost, quoteUrl, whyNoUrl } from "../../src/handshake/bad_url.ts";
import { test } from "../kit/harness.ts";

/** Rows: what somebody gives for a URL, what is shown of it, and what is wrong, if it is not that of a host. */
const ROWS: readonly [given: string, shown: string, why?: string][] = [
  ["ws://h/a", "ws://h/a"],
  ["ftp://h:21/a?b=c#d", "ftp://h:21/a?…"],
  ["ws://h/a#b", "ws://h/a#…"],
  ["http://[::1]:80/", "http://[::1]:80/"],
  ["file:///a", "file:///a"],
  ["", "", "it is empty"],
  [" ", "…", "it is empty"],
  ["localhost:8080", "localhost:8080", 'it has no scheme, did you mean "ws://localhost:8080"?'],
  ["127.0.0.1:80/a?b", "127.0.0.1:80/a?…", 'it has no scheme, did you mean "ws://127.0.0.1:80/a?…"?'],
  ["chat.example", "chat.example", 'it has no scheme, did you mean "ws://chat.example"?'],
  ["//h/a", "//h/a", 'it has no scheme, did you mean "ws://h/a"?'],
  ["/chat", "/chat", "it has no scheme and no host"],
  ["javascript:alert(1)", "…", "it has no scheme"],
  ["ws:", "ws:", "its host or its port is not valid"],
  ["ws://", "ws://", "its host or its port is not valid"],
  ["ws://h:65536/", "ws://h:65536/", "its host or its port is not valid"],
  ["ws://[::1/", "ws://[::1/", "its host or its port is not valid"],
];
for (const [given, shown, why] of ROWS) {
  test(`an error about the URL ${JSON.stringify(given)} shows it, and says what is wrong`, () => {
    assertEquals(quoteUrl(given), JSON.stringify(shown));
    assertEquals(isOfHost(URL.parse(given)), why === undefined);
    if (why !== undefined) assertEquals(whyNoUrl(given, "ws:"), why);
  });
}

test("an error about a URL shows nothing that may be user information, nor a query (RFC 9110 §4.2.4)", () => {
  for (
    const given of [
      "ws://ada:secret@h/#x",
      "foo://ada:secret@h/",
      "ws://ada:secret@",
      "ws://ada:secret@h:99999/",
      "ws://ada:sec@ret:secret h/",
      "ws://ada:s/secret@h",
      "ws://ada:s?secret@h",
      "http:\\\\ada:secret@h",
      "ada:secret@h:80",
      // Without an @
      "ws://ada:secret h/",
      "ws://ada:secret",
      "ws://secret h/",
      "http://ada:secret%40h:99999",
      "http://ada%3Asecret h",
      "ada:secret",
      "ada:secret h",
      "ws://h/?token=secret",
      "ws://h/#token=secret",
    ]
  ) {
    const said = quoteUrl(given) + whyNoUrl(given, "ws:") + whyNoUrl(given, "http:");
    assertEquals(/secret|ada/.test(said.replace("ws://ada/", "")), false, said);
  }
});

test("whyNoUrl() of what is no text (the type says so, JavaScript does not)", () => {
  for (const given of [undefined, null, 1, {}]) {
    assertEquals(whyNoUrl(given as unknown as string, "ws:"), "it is not a string and not a URL of a host");
  }
});
