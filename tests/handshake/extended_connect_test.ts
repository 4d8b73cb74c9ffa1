import { assert, assertEquals, assertRejects } from "@std/assert";
import { answer, isUpgrade } from "../../src/handshake/answer.ts";
import { checkAnswerOptions } from "../../src/handshake/answer_options.ts";
import { decide } from "../../src/handshake/decide.ts";
import { confirm } from "../../src/handshake/confirm.ts";
import { extendedConnect } from "../../src/handshake/extended_connect.ts";
import { offer } from "../../src/handshake/offer.ts";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { HandshakeError, type RequestHead } from "../../src/errors/handshake_error.ts";
import { parseForeignHttp2, parseHttp2Response } from "../../src/http/http2_head.ts";
import { carried } from "../cases/connect_of.ts";
import { connectFields, connectResponses, type ConnectRow, connects } from "../cases/connects.ts";
import { test } from "../kit/harness.ts";

async function check({ name, expect, status, answered = {}, url }: ConnectRow, request: RequestHead, options = {}) {
  const { response, error } = await answer(request, options);
  assertEquals(error?.failure ?? "upgrade", expect, name);
  assertEquals(response.status, status, name);
  for (const [field, value] of Object.entries(answered)) assertEquals(response.headers.get(field), value, name);
  if (url !== undefined) assertEquals(request.url, url, name);
  assertEquals(await response.text(), error ? handshakeFailures[error.failure].sentence + "\n" : "", name);
  for (const field of ["upgrade", "connection", "sec-websocket-accept"]) {
    assertEquals(response.headers.get(field), null, name);
  }
}

test("answer() says of every row of the extended CONNECTs what it must (RFC 8441 §4, §5)", async () => {
  for (const row of connects) await check(row, parseForeignHttp2(row.fields));
});

test("answer() says of an extended CONNECT what it says of an upgrade with the same fields (RFC 8441 §5)", async () => {
  assert(carried.length > 100, `${carried.length} rows`);
  for (const row of carried) await check(row, parseForeignHttp2(row.fields), row.row.options);
});

test("answer() judges a head with a protocol that another HTTP/2 server has read (RFC 8441 §4, RFC 9113 §8.2.2)", async () => {
  const head = (fields: Record<string, string> = {}, protocol = "websocket", method = "CONNECT") => ({
    method,
    protocol,
    url: "https://server.example.com/chat",
    headers: new Headers({ "sec-websocket-version": "13", ...fields }),
  });
  const failureOf = async (request: RequestHead) => (await answer(request)).error?.failure;
  assertEquals(await failureOf(head()), undefined);
  assertEquals(await failureOf(head({ origin: "https://server.example.com" })), undefined);
  assertEquals(await failureOf(head({ origin: "https://evil.example" })), "origin-refused");
  assertEquals(await failureOf(head({}, "connect-tcp")), "connect-protocol-unsupported");
  assertEquals(await failureOf(head({}, "websocket", "GET")), "method-not-connect");
  for (const [name, value] of [["upgrade", "websocket"], ["connection", "upgrade"], ["te", "gzip"]] as const) {
    const headers = { get: (asked: string) => asked === name ? value : head().headers.get(asked) };
    assertEquals(await failureOf({ ...head(), headers }), "http2-malformed");
  }
});

test("decide() gives the 200 of HTTP/2 with nothing of an upgrade (RFC 8441 §5)", async () => {
  const request = parseForeignHttp2(connectFields({ "sec-websocket-protocol": "a" }));
  const decision = await decide(request, checkAnswerOptions({ protocols: ["a"], headers: { server: "me" } }));
  assert(decision.agreement);
  assertEquals(decision.agreement, { role: "server", protocol: "a", extensions: "" });
  assertEquals([decision.head.status, decision.head.response.status], [200, 200]);
  assertEquals(decision.head.fields, [["sec-websocket-protocol", "a"], ["server", "me"]]);
});

test("isUpgrade() routes an extended CONNECT for a WebSocket (RFC 8441 §5)", () => {
  assert(isUpgrade(parseForeignHttp2(connectFields())));
  assert(isUpgrade(parseForeignHttp2(connectFields({ "sec-websocket-version": "8" }))));
  for (const changes of [{ ":protocol": "connect-udp" }, { ":method": "GET", ":protocol": null }, { ":path": "x" }]) {
    assert(!isUpgrade(parseForeignHttp2(connectFields(changes))));
  }
});

test("extendedConnect() has what the offer has, without an upgrade and its key (RFC 8441 §5)", () => {
  const options = { protocols: ["b", "a"], compression: true, headers: { cookie: "a=1", "keep-alive": "5" } };
  const { request, fields, protocols, key } = extendedConnect(
    offer("wss://ada:x@server.example.com/chat?a=b", options),
  );
  assertEquals([protocols, key], [["b", "a"], undefined]);
  assertEquals(fields, {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "https",
    ":authority": "server.example.com",
    ":path": "/chat?a=b",
    authorization: "Basic YWRhOng=",
    cookie: "a=1",
    "sec-websocket-extensions": "permessage-deflate; client_max_window_bits",
    "sec-websocket-protocol": "b, a",
    "sec-websocket-version": "13",
  });
  assertEquals([request.method, request.protocol], ["CONNECT", "websocket"]);
  assertEquals(request.url, "https://server.example.com/chat?a=b");
  assertEquals(
    extendedConnect(offer("ws://h:8080/", { headers: { host: "other:1" } })).fields[":authority"],
    "other:1",
  );
});

test("confirm() says of every row of the responses what it must (RFC 8441 §5)", async () => {
  for (const { name, fields, protocols, expect } of connectResponses) {
    const made = extendedConnect(offer("ws://server.example.com/chat", { protocols }));
    const response = parseHttp2Response(fields);
    const outcome = "failure" in response
      ? response.failure
      : await confirm(made, response).then(() => "agreed", (error: HandshakeError) => error.failure);
    assertEquals(outcome, expect, name);
  }
});

test("confirm() gives the error the request, and refuses a 200 to an upgrade (RFC 6455 §4.1 (1))", async () => {
  const made = offer("ws://h/"), connect = extendedConnect(made);
  const error = await assertRejects(() => confirm(connect, new Response(null, { status: 403 })), HandshakeError);
  assertEquals([error.failure, error.request === connect.request], ["status-not-200", true]);
  const refused = await assertRejects(() => confirm(made, new Response()), HandshakeError);
  assertEquals(refused.failure, "status-not-101");
});
