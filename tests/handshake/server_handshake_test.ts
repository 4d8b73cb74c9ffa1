import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { ClientHandshake, Protocol, ServerHandshake, type ServerHandshakeOptions } from "../../src/protocol.ts";
import { type RequestRow, requests } from "../cases/requests.ts";
import { concat, everySplit, latin1, test, text } from "../kit/harness.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==", ACCEPT = await acceptValue(KEY);

/** The request of RFC 6455 §1.2, with fields of the row's. */
function request(fields = "", method = "GET"): Uint8Array<ArrayBuffer> {
  const upgrade =
    `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n`;
  return latin1(`${method} /chat HTTP/1.1\r\nHost: h\r\n${upgrade}${fields}\r\n`);
}

/** A handshake that has read some chunks, and accepts what it may. */
function handshaken(chunks: readonly Uint8Array<ArrayBuffer>[], options: ServerHandshakeOptions = {}) {
  const handshake = new ServerHandshake(options);
  for (const chunk of chunks) handshake.receive(chunk);
  if (handshake.state === "deciding") handshake.accept();
  return handshake;
}

interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** What is sent: the statuses of interim responses, and the final one. */
function readSent(handshake: ServerHandshake): { interim: number[]; final: Sent | undefined } {
  let sent = text(handshake.take() ?? new Uint8Array()), final: Sent | undefined;
  assertEquals(handshake.take(), undefined, "it is given once");
  const interim: number[] = [];
  while (sent !== "") {
    const end = sent.indexOf("\r\n\r\n"), [start = "", ...lines] = sent.slice(0, end).split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) ./.exec(start)?.[1]);
    const headers = new Headers(lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]));
    sent = sent.slice(end + 4);
    if (status === 100) {
      interim.push(status);
      continue;
    }
    final = { status, headers, body: sent };
    sent = "";
  }
  return { interim, final };
}

function check(row: RequestRow, handshake: ServerHandshake): void {
  const { state, error, agreement, request } = handshake, { interim, final } = readSent(handshake);
  if (row.expect === "connection-closed") {
    assertEquals(state, "reading");
    handshake.end();
    return assertEquals([handshake.state, handshake.error?.failure, handshake.take()], [
      "failed",
      row.expect,
      undefined,
    ]);
  }
  assertEquals(error?.failure ?? "upgrade", row.expect);
  assertEquals([final!.status, interim], [row.status, row.interim ?? []]);
  for (const [name, value] of Object.entries(row.fields)) {
    const field = final!.headers.get(name);
    if (value === null || field === null) assertEquals(field, value, name);
    else assert(field === value || field.split(",").some((member) => member.trim() === value), `${name}: ${field}`);
  }
  if (error) {
    assertEquals([state, agreement, error.response?.status], ["failed", undefined, row.status]);
    assertEquals(final!.headers.get("connection")?.split(", ").at(-1), "close");
    const body = request?.method === "HEAD" ? "" : handshakeFailures[error.failure].sentence + "\n";
    assertEquals(final!.body, body);
    if (body !== "") assertEquals(final!.headers.get("content-length"), String(body.length));
  } else {
    assertEquals([state, agreement?.role, final!.body], ["agreed", "server", ""]);
    assertEquals(text(handshake.rest), row.rest ?? "");
    if (row.url) assertEquals(request?.url, row.url);
    if (row.deflate) assertEquals(agreement?.deflate, row.deflate);
  }
}

test("ServerHandshake says of every row of the requests what it must, wherever it is cut (RFC 6455 §4.2)", async () => {
  /** Cheap to compare: most of what a row is about is looked at once. */
  const outcome = (handshake: ServerHandshake) => {
    const sent = handshake.take(), { state, error, rest } = handshake;
    return [state, error?.failure, sent && text(sent), !error && text(rest)].join();
  };
  let count = 0;
  for (const { options, ...row } of requests) {
    const bytes = latin1(row.bytes + (row.rest ?? ""));
    try {
      check(row, handshaken([bytes.slice()], options));
      const whole = outcome(handshaken([bytes.slice()], options));
      await everySplit(bytes, (chunks) => assertStrictEquals(outcome(handshaken(chunks, options)), whole));
    } catch (error) {
      throw new Error(row.name, { cause: error });
    }
    count++;
  }
  assert(count > 200, `${count} rows`);
});

test("ServerHandshake waits for a decision, sends nothing before it, and keeps what comes meanwhile", () => {
  const handshake = new ServerHandshake({ protocols: ["b"] });
  assertEquals([handshake.state, handshake.request], ["reading", undefined]);
  for (const call of [() => handshake.accept(), () => handshake.refuse(403)]) {
    const error = assertThrows(call, DOMException, "the handshake is reading");
    assertEquals(error.name, "InvalidStateError");
  }
  handshake.receive(concat(request("Sec-WebSocket-Protocol: a, b\r\n"), latin1("be")));
  assertEquals([handshake.state, handshake.take(), handshake.agreement], ["deciding", undefined, undefined]);
  assertEquals([handshake.request?.target, handshake.request?.url], ["/chat", "http://h/chat"]);
  handshake.receive(latin1("hi"));
  handshake.accept();
  handshake.receive(latin1("nd"));
  assertEquals([handshake.state, text(handshake.rest)], ["agreed", "behind"]);
  assertEquals(handshake.agreement, { role: "server", protocol: "b", extensions: "" });
  assertEquals(
    text(handshake.take()!),
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n` +
      "Sec-WebSocket-Protocol: b\r\n\r\n",
  );
  assertThrows(() => handshake.accept(), DOMException, "the handshake is agreed");
});

test("ServerHandshake.refuse() sends the caller's response, with the fields of the option (RFC 6455 §4.2.2)", () => {
  const handshake = new ServerHandshake({ headers: { "x-ours": "1" } });
  handshake.receive(request());
  handshake.refuse(401, { headers: { "www-authenticate": "Basic" }, body: "Who are you?" });
  assertEquals([handshake.state, handshake.error?.failure], ["failed", "unauthorized"]);
  assertEquals(handshake.error?.response?.headers.get("x-ours"), "1");
  const { final } = readSent(handshake), field = (name: string) => final!.headers.get(name);
  assertEquals([final!.status, final!.body], [401, "Who are you?"]);
  assertEquals(["www-authenticate", "x-ours", "content-length", "connection"].map(field), [
    "Basic",
    "1",
    "12",
    "close",
  ]);

  const bare = new ServerHandshake();
  bare.receive(request());
  bare.refuse(204);
  assertEquals(text(bare.take()!), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
});

test("ServerHandshake.refuse() throws for what is no response, and is still asked", () => {
  const handshake = new ServerHandshake();
  handshake.receive(request());
  assertThrows(() => handshake.refuse(99), RangeError);
  assertThrows(() => handshake.refuse(600), RangeError);
  assertThrows(() => handshake.refuse(403, { headers: { "transfer-encoding": "chunked" } }), TypeError);
  assertEquals(handshake.state, "deciding");
  handshake.refuse(403, { body: Uint8Array.of(65) });
  assertEquals(readSent(handshake).final!.body, "A");
});

test("ServerHandshake lets a refused client ask again, where the end of its request is beyond doubt (RFC 9112 §9.3)", () => {
  for (const [fields, reusable] of [["", true], ["Connection: close\r\n", false]] as const) {
    const refused = handshaken(
      [concat(request(`Origin: http://evil\r\n${fields}`), request())] as Uint8Array<ArrayBuffer>[],
      {
        keepAlive: true,
      },
    );
    assertEquals([refused.error?.failure, refused.error?.reusable], ["origin-refused", reusable]);
    assertEquals(readSent(refused).final!.headers.get("connection"), reusable ? null : "close");
    if (!reusable) continue;
    const rest = refused.error!.rest as Uint8Array<ArrayBuffer>;
    assertEquals(rest, refused.rest);
    assertEquals(handshaken([rest]).state, "agreed");
  }
});

test("ServerHandshake throws what the caller's functions do wrong", () => {
  const protocols = () => "not offered";
  assertThrows(() => new ServerHandshake({ protocols }).receive(request()), TypeError, "it was not offered");
  const handshake = new ServerHandshake({ headers: ({ headers }) => headers.delete("upgrade") });
  handshake.receive(request());
  assertThrows(() => handshake.accept(), TypeError, "it belongs to the handshake");
  assertEquals(handshake.take(), undefined);
});

test("ServerHandshake checks its options", () => {
  assertThrows(() => new ServerHandshake({ maxHeadSize: 0 }), RangeError);
  assertThrows(() => new ServerHandshake({ origins: "*" as "any" }), TypeError);
  assertThrows(() => new ServerHandshake({ protocols: [""] }), TypeError);
  assertThrows(() => new ServerHandshake({ keepAlive: 1 as unknown as boolean }), TypeError, "keepAlive: it is 1");
  assertThrows(
    () => new ServerHandshake({ isSecure: "" as unknown as boolean }),
    TypeError,
    "isSecure: it is the string",
  );
});

test("ServerHandshake.end() after a whole request changes nothing", () => {
  const handshake = handshaken([request()]);
  handshake.end();
  assertEquals([handshake.state, handshake.error], ["agreed", undefined]);
});

test("ServerHandshake knows by its option that the bytes came over TLS (RFC 9112 §3.3)", () => {
  assertEquals(handshaken([request()], { isSecure: true }).request?.url, "https://h/chat");
});

test("a whole connection without I/O, byte by byte: handshake, compressed messages, and the close", () => {
  const client = new ClientHandshake("ws://h/chat", { compression: true }),
    server = new ServerHandshake({ compression: true });
  const bytesOf = (bytes: Uint8Array | undefined) => [...bytes ?? []].map((byte) => Uint8Array.of(byte));
  for (const byte of bytesOf(client.take())) server.receive(byte);
  server.accept();
  for (const byte of bytesOf(server.take())) client.receive(byte);
  assert(client.agreement?.deflate && server.agreement?.deflate);

  const log: string[] = [];
  const eventsOf = (name: string) => ({
    message: (message: string | Uint8Array) => void log.push(`${name}: ${message}`),
    close: ({ closeCode }: { closeCode: number }) => void log.push(`${name} closed: ${closeCode}`),
    fail: ({ failure }: { failure?: string | undefined }) => void log.push(`${name} failed: ${failure}`),
  });
  const here = new Protocol(client.agreement, eventsOf("client")),
    there = new Protocol(server.agreement, eventsOf("server"));
  const carry = () => {
    for (let bytes; (bytes = here.take());) for (const byte of bytesOf(bytes.slice())) there.receive(byte);
    for (let bytes; (bytes = there.take());) for (const byte of bytesOf(bytes.slice())) here.receive(byte);
  };
  here.send("a".repeat(300));
  there.send("b");
  carry();
  here.close({ closeCode: 1000 });
  carry();
  assertEquals(log.sort(), ["client closed: 1000", "client: b", "server closed: 1000", `server: ${"a".repeat(300)}`]);
});
