import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { HandshakeError } from "../../src/errors/handshake_error.ts";
import type { Problem } from "../../src/errors/problem.ts";
import { confirm, handshakeFailed, judge } from "../../src/handshake/confirm.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { type Offer, offer } from "../../src/handshake/offer.ts";
import { HeadReader } from "../../src/http/head_reader.ts";
import { parseResponse } from "../../src/http/response_head.ts";
import type { Agreement } from "../../src/protocol/agreement.ts";
import { checkCompression, type CompressionOptions } from "../../src/protocol/compression_options.ts";
import { responses } from "../cases/responses.ts";
import { latin1, test } from "../kit/harness.ts";

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

test("confirm() takes an offer without a key for none of HTTP/2 by that alone (RFC 6455 §4.1 (4))", async () => {
  const { request, protocols } = offer("ws://localhost/");
  const copy = { request, protocols } as unknown as Offer;
  for (const status of [200, 101]) {
    await assertRejects(() => confirm(copy, { status, headers: new Headers() }), TypeError, "the offer has no key");
  }
});

test("handshakeFailed() says what could not be done, and why", () => {
  const error = handshakeFailed({ failure: "accept-missing", detail: "it is not there" }, { reusable: true });
  assertEquals(error.message, "Cannot open the WebSocket: it is not there");
  assertEquals([error.failure, error.reusable], ["accept-missing", true]);
});
