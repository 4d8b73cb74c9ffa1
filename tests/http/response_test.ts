import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { ResponseHeadDraft, STATUS_TEXT, switchingProtocols } from "../../src/http/response.ts";
import { test } from "../kit/harness.ts";

test("ResponseHeadDraft makes its Response once, when somebody looks", async () => {
  const draft = new ResponseHeadDraft(405, [["Allow", "GET"], ["Set-Cookie", "a"], ["Set-Cookie", "b"]], "No.");
  assertStrictEquals(draft.response, draft.response);
  assertEquals([draft.response.status, draft.response.statusText], [405, "Method Not Allowed"]);
  assertEquals(draft.response.headers.getSetCookie(), ["a", "b"]);
  assertEquals(await draft.response.text(), "No.");
  assertEquals(new ResponseHeadDraft(599, []).response.statusText, "");
});

test("switchingProtocols() is a Response with the status 101 (RFC 9110 §15.2.2)", () => {
  for (const response of [switchingProtocols([["x", "y"]]), new ResponseHeadDraft(101, [["x", "y"]]).response]) {
    assert(response instanceof Response);
    assertEquals([response.status, response.statusText, response.ok], [101, "Switching Protocols", false]);
    assertEquals([response.headers.get("x"), response.body], ["y", null]);
  }
});

test("STATUS_TEXT has a phrase for each status of the table of failures (RFC 9112 §4)", () => {
  for (const { status } of Object.values(handshakeFailures)) {
    if (status !== 0) assert(STATUS_TEXT[status], String(status));
  }
});
