import { assert, assertEquals, assertThrows } from "@std/assert";
import { sha1 } from "../../src/base/sha1.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { ClientMachine } from "../../src/handshake/client_machine.ts";
import { checkOfferOptions, draftOffer } from "../../src/handshake/offer.ts";
import { ClientHandshake } from "../../src/protocol.ts";
import { type ResponseRow, responses } from "../cases/responses.ts";
import { everySplit, latin1, test, text } from "../kit/harness.ts";

const URL = "ws://h/chat";

/** The bytes of a row, for a key. */
function bytesOf(row: ResponseRow, key: string): Uint8Array<ArrayBuffer> {
  const accept = acceptValue(key, sha1);
  const bytes = row.bytes.replaceAll("{accept}", accept).replaceAll("{accept-lower}", accept.toLowerCase());
  return latin1(bytes.replaceAll("{key}", key) + (row.rest ?? ""));
}

/** The key that a request has. */
function keyOf(request: Uint8Array): string {
  return /^Sec-WebSocket-Key: (.*)\r$/m.exec(text(request))![1]!;
}

test("the machine of a ClientHandshake says of every row of the responses what it must, wherever it is cut (RFC 6455 §4.1)", async () => {
  let count = 0;
  for (const row of responses) {
    const offer = draftOffer(URL, checkOfferOptions(row.offer ?? {}));
    await everySplit(bytesOf(row, offer.key), (chunks) => {
      const machine = new ClientMachine(offer, row.options?.maxHeadSize ?? 16384, sha1);
      let came = 0, isOver = false;
      for (const chunk of chunks) {
        if (isOver) break;
        came += chunk.length;
        isOver = machine.receive(chunk);
      }
      const { problem, agreement, head } = machine;
      const outcome = !isOver ? "connection-closed" : problem?.failure ?? "agreed";
      assertEquals(outcome, row.expect, row.name);
      if (problem && row.status !== undefined) assertEquals(head?.status, row.status, row.name);
      if (!agreement) return;
      assertEquals(agreement.protocol, row.protocol ?? "", row.name);
      if (row.deflate) assertEquals(agreement.deflate, row.deflate, row.name);
      const behind = chunks.reduce((sum, { length }) => sum + length, 0) - came;
      assertEquals(machine.rest.length + behind, row.rest?.length ?? 0, row.name);
    });
    count++;
  }
  assert(count > 100, `${count} rows`);
});

test("ClientHandshake says the same of every row, whole and byte by byte (RFC 6455 §4.1)", () => {
  for (const row of responses) {
    for (const isWhole of [true, false]) {
      const handshake = new ClientHandshake(URL, { ...row.offer, maxHeadSize: row.options?.maxHeadSize });
      const bytes = bytesOf(row, keyOf(handshake.take()!));
      if (isWhole) handshake.receive(bytes);
      else for (const byte of bytes) handshake.receive(Uint8Array.of(byte));
      handshake.end();
      const { state, error, agreement } = handshake;
      assertEquals(error?.failure ?? "agreed", row.expect, row.name);
      assertEquals([state, agreement?.role], error ? ["failed", undefined] : ["agreed", "client"], row.name);
      if (!error) assertEquals(text(handshake.rest), row.rest ?? "", row.name);
      if (error && row.status !== undefined) assertEquals(error.response?.status, row.status, row.name);
    }
  }
});

test("ClientHandshake gives its request once, with a new key each time (RFC 6455 §4.1)", () => {
  const keys = [1, 2].map(() => {
    const handshake = new ClientHandshake("wss://me:pa%3Ass@h:8443/chat?x=1", { protocols: ["a", "b"] });
    const request = handshake.take()!, key = keyOf(request);
    assertEquals([handshake.take(), handshake.state], [undefined, "reading"]);
    assertEquals(text(request).split("\r\n"), [
      "GET /chat?x=1 HTTP/1.1",
      "Host: h:8443",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${key}`,
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: a, b",
      `Authorization: Basic ${btoa("me:pa:ss")}`,
      "",
      "",
    ]);
    return key;
  });
  assert(keys[0] !== keys[1]);
});

test("ClientHandshake gives the body of a refusal as the rest, and says that its error has none of it", () => {
  const handshake = new ClientHandshake(URL);
  handshake.receive(latin1("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nno"));
  handshake.receive(latin1("pe"));
  const { error, response, rest } = handshake;
  assertEquals([error?.failure, error?.truncated, response?.status], ["status-not-101", true, 403]);
  assertEquals([response?.headers.get("content-length"), text(rest)], ["4", "nope"]);
});

test("ClientHandshake checks its URL and its options", () => {
  assertThrows(() => new ClientHandshake("ftp://h/"), DOMException);
  assertThrows(() => new ClientHandshake(URL, { maxHeadSize: 0 }), RangeError);
  assertThrows(() => new ClientHandshake(URL, { headers: { upgrade: "x" } }), TypeError);
});
