import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { accept, HandshakeError, isUpgrade, readRequest, type ReadRequestOptions, writeResponse } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { upgrade } from "../cases/requests_base.ts";
import { everySplit, latin1, test, text } from "../kit/harness.ts";
import { RawPeer, settled } from "../kit/raw_peer.ts";

const CHUNKED = { "Transfer-Encoding": "chunked" };

/** A request as bytes. */
function request(line: string, fields: Record<string, string> = {}, body = ""): string {
  const lines = Object.entries({ Host: "localhost", ...fields }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line}\r\n${lines.join("")}\r\n${body}`;
}

/** A server's end on which this was written. */
function written(bytes: string | Uint8Array, closes = false) {
  const [far, conn] = connectionPair({ highWaterMark: Infinity }), peer = new RawPeer(far), clock = fakeClock();
  peer.write(bytes);
  if (closes) peer.end();
  return { conn, peer, clock };
}

async function failureOf(reading: Promise<unknown>): Promise<HandshakeError> {
  return await assertRejects(() => reading, HandshakeError);
}

test("readRequest() gives the request, what is behind it, and the connection back", async () => {
  const { conn, clock } = written(request("GET /a?b HTTP/1.1", { "X-A": "1" }) + "GET /n");
  const read = (await readRequest(conn, { clock }))!;
  assertEquals([read.request.method, read.request.url, read.request.headers.get("x-a")], [
    "GET",
    "http://localhost/a?b",
    "1",
  ]);
  assertEquals([read.request.body, text(read.rest), read.keepAlive], [null, "GET /n", true]);
  assertEquals([conn.readable.locked, conn.writable.locked, conn.isClosed, clock.pending], [false, false, false, 0]);
});

const BODIES: readonly [name: string, bytes: string, body: string][] = [
  ["Content-Length", request("POST / HTTP/1.1", { "Content-Length": "5" }, "Hello"), "Hello"],
  ["Content-Length 0", request("POST / HTTP/1.1", { "Content-Length": "0" }), ""],
  ["no length", request("POST / HTTP/1.1"), ""],
  ["one chunk", request("PUT / HTTP/1.1", CHUNKED, "5\r\nHello\r\n0\r\n\r\n"), "Hello"],
  ["no chunk", request("PUT / HTTP/1.1", CHUNKED, "0\r\n\r\n"), ""],
  ["several chunks", request("PUT / HTTP/1.1", CHUNKED, "2\r\nHe\r\n3\r\nllo\r\n0\r\n\r\n"), "Hello"],
  ["extensions", request("PUT / HTTP/1.1", CHUNKED, '5;a=b;c="d\\" e"\r\nHello\r\n0 ; f\r\n\r\n'), "Hello"],
  ["trailers", request("PUT / HTTP/1.1", CHUNKED, "5\r\nHello\r\n0\r\nA: b\r\nHost: evil\r\n\r\n"), "Hello"],
  [
    "CRLF in a chunk",
    request("PUT / HTTP/1.1", CHUNKED, "00A\r\n\r\n0\r\n\r\n\0\xff\r\r\n0\r\n\r\n"),
    "\r\n0\r\n\r\n\0\xff\r",
  ],
];
for (const [name, bytes, body] of BODIES) {
  test(`readRequest() reads a body with ${name}, wherever it is cut`, async () => {
    const whole = latin1(bytes + "behind it");
    await everySplit(whole, async ([prefix, ...rest]) => {
      const { conn } = written(Uint8Array.from(rest.flatMap((chunk) => [...chunk])), true);
      const read = (await readRequest(conn, { prefix }))!;
      assertEquals(text(await read.request.bytes()), body);
      // What the reader has not come to is still in the connection
      const behind = [text(read.rest)];
      for await (const chunk of conn.readable) behind.push(text(chunk));
      assertEquals(behind.join(""), "behind it");
    });
  });
}

const chunked = (body: string) => request("POST / HTTP/1.1", CHUNKED, body);
const sized = (value: string) => request("POST / HTTP/1.1", { "Content-Length": value }, "Hello");
type Refused = [name: string, bytes: string, failure: string, status: number, options?: ReadRequestOptions];
const REFUSED: readonly Refused[] = [
  ...["", "x", "-5", "+5", "0x5", "5 5", " 5", "5.", "123456789", "5,", "\t5"].map((
    size,
  ): Refused => [
    `the chunk size ${JSON.stringify(size)}`,
    chunked(`${size}\r\nHello\r\n0\r\n\r\n`),
    "body-malformed",
    400,
  ]),
  ["a bare LF behind a chunk size", chunked("5\nHello\r\n0\r\n\r\n"), "body-malformed", 400],
  ["a bare CR in an extension", chunked("5;a\rb\r\nHello\r\n0\r\n\r\n"), "body-malformed", 400],
  ["a control character in an extension", chunked("5;a\x01\r\nHello\r\n0\r\n\r\n"), "body-malformed", 400],
  ["a chunk longer than its size", chunked("4\r\nHello\r\n0\r\n\r\n"), "body-malformed", 400],
  ["an extension that does not end", chunked(`5;${"a".repeat(5000)}`), "body-malformed", 400],
  ["a bare LF in the trailers", chunked("0\r\na: b\n\r\n"), "body-malformed", 400],
  ["trailers without an end", chunked("0\r\n" + "a: b\r\n".repeat(5000)), "body-malformed", 400],
  ["a Content-Length above maxBodySize", sized("6"), "body-too-large", 413, { maxBodySize: 5 }],
  ["a Content-Length above 1 MiB", sized("1048577"), "body-too-large", 413],
  ["a Content-Length above 2^64", sized("99999999999999999999"), "body-too-large", 413],
  ["chunks above maxBodySize", chunked("3\r\nHel\r\n3\r\nlo!"), "body-too-large", 413, { maxBodySize: 5 }],
  ["a GET with a body", request("GET / HTTP/1.1", { "Content-Length": "5" }, "Hello"), "body-present", 400],
  ["a HEAD with a body", request("HEAD / HTTP/1.1", CHUNKED, "0\r\n\r\n"), "body-present", 400],
  ["a «get» with a body", request("get / HTTP/1.1", { "Content-Length": "5" }, "Hello"), "body-present", 400],
  [
    "Content-Length with Transfer-Encoding",
    request("POST / HTTP/1.1", { ...CHUNKED, "Content-Length": "5" }),
    "head-malformed",
    400,
  ],
  [
    "a coding that is not known",
    request("POST / HTTP/1.1", { "Transfer-Encoding": "gzip, chunked" }),
    "head-malformed",
    400,
  ],
  ["chunks in HTTP/1.0", request("POST / HTTP/1.0", CHUNKED, "0\r\n\r\n"), "head-malformed", 400],
  ["TRACE", request("TRACE / HTTP/1.1"), "method-unsupported", 405],
  ["trace", request("trace / HTTP/1.1"), "method-unsupported", 405],
  ["TRACK", request("TRACK / HTTP/1.1"), "method-unsupported", 405],
  ["CONNECT", request("CONNECT localhost:80 HTTP/1.1"), "method-unsupported", 405],
  ["HTTP/2.0", request("GET / HTTP/2.0"), "http-version-unsupported", 505],
  ["a head above maxHeadSize", request("GET / HTTP/1.1", { x: "a".repeat(100) }), "head-too-large", 431, {
    maxHeadSize: 99,
  }],
];
for (const [name, bytes, failure, status, options] of REFUSED) {
  test(`readRequest() refuses ${name} with ${status}, ready to be written`, async () => {
    const { conn, peer, clock } = written(bytes);
    peer.ended.then(() => peer.end());
    const error = await failureOf(readRequest(conn, { clock, ...options }));
    assertEquals([error.failure, error.response?.status, clock.pending], [failure, status, 0]);
    assertEquals([conn.readable.locked, conn.isClosed, peer.take()], [false, false, ""], "it writes nothing itself");
    assertEquals(await writeResponse(conn, error.response!, { clock }), false);
    await settled();
    assertEquals([peer.take().slice(0, 12), conn.isClosed, clock.pending], [`HTTP/1.1 ${status}`, true, 0]);
  });
}

for (const [name, bytes] of [["nothing", ""], ["an empty prefix", ""]] as const) {
  test(`readRequest() of a connection that ends after ${name} gives undefined and closes`, async () => {
    const { conn, clock } = written(bytes, true);
    assertEquals(await readRequest(conn, { clock, prefix: new Uint8Array() }), undefined);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

for (
  const bytes of [
    "G",
    request("GET / HTTP/1.1").slice(0, -1),
    sized("9"),
    chunked("5\r\nHel"),
    chunked("5\r\nHello\r\n"),
    chunked("0\r\n"),
  ]
) {
  test(`readRequest() fails when the connection ends after ${JSON.stringify(bytes.slice(-9))}, and closes`, async () => {
    const { conn, clock } = written(bytes, true);
    const error = await failureOf(readRequest(conn, { clock }));
    assertEquals([error.failure, error.response, conn.isClosed, clock.pending], [
      "connection-closed",
      undefined,
      true,
      0,
    ]);
  });
}

test("readRequest() has one deadline for all: silence before a byte, 408 behind one", async () => {
  for (const [bytes, status] of [["", undefined], ["G", 408], [sized("9"), 408]] as const) {
    const { conn, peer, clock } = written(bytes);
    const failed = failureOf(readRequest(conn, { clock, timeout: 3000 }));
    await clock.advance(2999);
    peer.write(bytes === "" ? "" : "X");
    await clock.advance(1);
    const error = await failed;
    assertEquals([error.failure, error.response?.status], ["handshake-timeout", status]);
    assertEquals([conn.isClosed, clock.pending], [status === undefined, 0]);
  }
});

test("readRequest() is given up by its signal", async () => {
  const { conn, clock } = written("GET"), controller = new AbortController(), reason = new Error("mine");
  const reading = readRequest(conn, { clock, signal: controller.signal });
  reading.catch(() => {});
  await settled();
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => reading), reason);
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});

test("readRequest() refuses wrong options and leaves the connection untouched", async () => {
  const { conn } = written("");
  for (const options of [{ maxHeadSize: 0 }, { maxBodySize: -1 }, { timeout: NaN }]) {
    await assertRejects(() => readRequest(conn, options), RangeError);
    assertEquals([conn.readable.locked, conn.isClosed], [false, false]);
  }
});

const KEEP_ALIVE: readonly [line: string, connection: string | undefined, keepAlive: boolean][] = [
  ["GET / HTTP/1.1", undefined, true],
  ["GET / HTTP/1.1", "keep-alive", true],
  ["GET / HTTP/1.1", "Close", false],
  ["GET / HTTP/1.1", "x, close", false],
  ["GET / HTTP/1.0", undefined, false],
  ["GET / HTTP/1.0", "keep-alive", false],
];
for (const [line, connection, keepAlive] of KEEP_ALIVE) {
  test(`keepAlive is ${keepAlive} for ${line} with Connection: ${connection}`, async () => {
    const { conn } = written(request(line, connection === undefined ? {} : { Connection: connection }));
    assertEquals((await readRequest(conn))!.keepAlive, keepAlive);
  });
}

test("Expect: 100-continue gets its 100 before the body, and none when the body is there or too large", async () => {
  const fields = { Expect: "100-Continue", "Content-Length": "5" };
  const asking = written(request("POST / HTTP/1.1", fields));
  const reading = readRequest(asking.conn);
  assertEquals(await asking.peer.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  asking.peer.write("Hello");
  assertEquals(await (await reading)!.request.text(), "Hello");

  const sending = written(request("POST / HTTP/1.1", fields, "Hello"));
  assertEquals(await (await readRequest(sending.conn))!.request.text(), "Hello");
  const large = written(request("POST / HTTP/1.1", fields));
  assertEquals((await failureOf(readRequest(large.conn, { maxBodySize: 4 }))).failure, "body-too-large");
  await settled();
  assertEquals([sending.peer.take(), large.peer.take()], ["", ""]);
});

test("one port: pages on a connection that is kept, then a WebSocket on it, with all that was sent ahead", async () => {
  const { conn, peer } = written(
    request("GET /a HTTP/1.1") + request("POST /b HTTP/1.1", { "Content-Length": "2" }, "hi") + upgrade() +
      "\x81\x81\0\0\0\0!",
  );
  let prefix: Uint8Array = new Uint8Array();
  const paths: string[] = [];
  for (;;) {
    const { request, rest, keepAlive } = (await readRequest(conn, { prefix }))!;
    paths.push(new URL(request.url).pathname + await request.clone().text());
    prefix = rest;
    if (isUpgrade(request)) {
      const socket = await accept(conn, { request, prefix });
      assertEquals((await socket.readable.getReader().read()).value, "!");
      socket.abort();
      break;
    }
    assert(await writeResponse(conn, new Response("fine"), { request, keepAlive }));
  }
  assertEquals(paths, ["/a", "/bhi", "/chat"]);
  await settled();
  assertEquals(peer.take().match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 101"]);
});
