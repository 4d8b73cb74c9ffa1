import { assertEquals, assertStrictEquals } from "@std/assert";
import { refuse, refuseWith } from "../../src/handshake/refusal.ts";
import { test } from "../kit/harness.ts";

test("refuse() answers with the table's row, and names what was wrong in the error (RFC 9110 §15.5)", async () => {
  const request = new Request("http://h/");
  const detail = 'Sec-WebSocket-Version is "8"';
  const { response, error } = refuse({ failure: "version-unsupported", detail }, undefined, request);
  assertEquals(error.message, 'Cannot accept the upgrade: Sec-WebSocket-Version is "8"');
  assertStrictEquals(error.request, request);
  assertStrictEquals(error.response, response);
  assertEquals(await response.text(), "Sec-WebSocket-Version must be 13\n"); // nothing of the peer's is sent back
  assertEquals(refuse({ failure: "head-too-large", detail: "", status: 414 }).response.status, 414);
  const unsupported = refuse({ failure: "method-unsupported", detail: "" }).response;
  assertEquals(unsupported.headers.get("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
});

test("refuseWith() sends the given response, with the decorator's fields", async () => {
  const request = new Request("http://h/"), given = new Response("no", { status: 401, statusText: "Who" });
  const { response, error } = refuseWith(given, { server: "me" }, request);
  assertEquals([response.status, response.statusText, response.headers.get("server")], [401, "Who", "me"]);
  assertEquals(await response.text(), "no");
  assertEquals([error.failure, error.message], [
    "unauthorized",
    "Cannot accept the upgrade: it was refused with the status 401",
  ]);
  assertStrictEquals(error.request, request);
  assertStrictEquals(error.response, response);
});
