// How a response is framed, and sent piece by piece.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { readRequest, writeResponse, type WriteResponseOptions } from "../../mod.ts";
import { latin1, test } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";
import { KEEP, pair, pieces } from "../kit/responding.ts";

/** What is written for a response: its head without the date, and its body. */
async function written(response: Response, options: WriteResponseOptions = {}) {
  const { conn, peer, clock } = pair();
  const isKept = await writeResponse(conn, response, { clock, ...options });
  await settled();
  assertEquals([conn.isClosed, conn.readable.locked, clock.pending], [!isKept, false, 0]);
  const [head = "", ...body] = peer.take().split("\r\n\r\n");
  const lines = head.split("\r\n").filter((line) => !line.startsWith("Date: "));
  return { isKept, head: lines, body: body.join("\r\n\r\n") };
}

/** A request that came with this line. */
async function requestOf(line: string) {
  const { conn, peer } = pair();
  peer.write(`${line}\r\nHost: localhost\r\n\r\n`);
  return (await readRequest(conn))!.request;
}

const CHUNKED = (size: number) => `${size.toString(16)}\r\n${"x".repeat(size)}\r\n`;
const RESPONSES: readonly [
  name: string,
  response: () => Response,
  options: WriteResponseOptions,
  head: string[],
  body: string,
][] = [
  ["text with its length", () => new Response("Hello", { headers: { "content-type": "text/plain" } }), KEEP, [
    "HTTP/1.1 200 OK",
    "Content-Type: text/plain",
    "Content-Length: 5",
  ], "Hello"],
  ["no body", () => new Response(null, { status: 404 }), KEEP, ["HTTP/1.1 404 Not Found", "Content-Length: 0"], ""],
  ["a reason of its own", () => new Response(null, { status: 299, statusText: "Fine" }), KEEP, [
    "HTTP/1.1 299 Fine",
    "Content-Length: 0",
  ], ""],
  [
    "a status without a reason",
    () => new Response(null, { status: 599 }),
    KEEP,
    ["HTTP/1.1 599 ", "Content-Length: 0"],
    "",
  ],
  ["a close", () => new Response("Hello", { headers: { "content-type": "text/plain" } }), {}, [
    "HTTP/1.1 200 OK",
    "Content-Type: text/plain",
    "Connection: close",
    "Content-Length: 5",
  ], "Hello"],
  ["a close that the response wants", () => new Response(null, { headers: { connection: "Close, x" } }), KEEP, [
    "HTTP/1.1 200 OK",
    "Connection: x, close",
    "Content-Length: 0",
  ], ""],
  [
    "each Set-Cookie in a line",
    () => new Response(null, { headers: [["set-cookie", "a=b"], ["set-cookie", "c=d"]] }),
    KEEP,
    ["HTTP/1.1 200 OK", "Set-Cookie: a=b", "Set-Cookie: c=d", "Content-Length: 0"],
    "",
  ],
  [
    "64 KiB in pieces, whole",
    () => new Response(pieces(1, 65535)),
    KEEP,
    ["HTTP/1.1 200 OK", "Content-Length: 65536"],
    "x".repeat(65536),
  ],
  ["more than 64 KiB in chunks", () => new Response(pieces(65536, 0, 1, "Hello")), KEEP, [
    "HTTP/1.1 200 OK",
    "Transfer-Encoding: chunked",
  ], CHUNKED(65536) + CHUNKED(1) + "5\r\nHello\r\n0\r\n\r\n"],
  [
    "more than 64 KiB with its length",
    () => new Response(pieces(65536, 5), { headers: { "content-length": "65541" } }),
    KEEP,
    ["HTTP/1.1 200 OK", "Content-Length: 65541"],
    "x".repeat(65541),
  ],
  ["a 204 without a length", () => new Response(null, { status: 204, headers: { "content-length": "5" } }), KEEP, [
    "HTTP/1.1 204 No Content",
  ], ""],
  [
    "a 304 with the length it was given",
    () => new Response(null, { status: 304, headers: { "content-length": "5" } }),
    KEEP,
    ["HTTP/1.1 304 Not Modified", "Content-Length: 5"],
    "",
  ],
  ["a 304 without a length", () => new Response(null, { status: 304 }), KEEP, ["HTTP/1.1 304 Not Modified"], ""],
];
for (const [name, response, options, head, body] of RESPONSES) {
  test(`writeResponse() writes ${name}`, async () => {
    const result = await written(response(), options);
    assertEquals(result, { isKept: options === KEEP && !head.some((line) => /close$/.test(line)), head, body });
  });
}

test("writeResponse() adds a date, and keeps one that is there", async () => {
  const { conn, peer } = pair();
  await writeResponse(conn, new Response(null), KEEP);
  await writeResponse(conn, new Response(null, { headers: { date: "yesterday" } }), KEEP);
  await settled();
  const [first = "", second] = [...peer.take().matchAll(/^Date: (.*)\r$/mg)].map(([, date]) => date);
  assertEquals([new Date(first).toUTCString(), second], [first, "yesterday"]);
});

test("writeResponse() to HEAD has no body, and is not held up by one", async () => {
  const request = await requestOf("HEAD / HTTP/1.1");
  let cancelled = false;
  const endless = new ReadableStream({
    cancel() {
      cancelled = true;
      return Promise.reject(new Error("of its own"));
    },
  });
  const response = new Response(endless, { headers: { "content-length": "99" } });
  const head = ["HTTP/1.1 200 OK", "Content-Length: 99"];
  assertEquals(await written(response, { ...KEEP, request }), { isKept: true, head, body: "" });
  assert(cancelled);
});

test("writeResponse() to HTTP/1.0 closes, and has no chunks", async () => {
  const request = await requestOf("GET / HTTP/1.0"), head = ["HTTP/1.1 200 OK", "Connection: close"];
  const { isKept, ...whole } = await written(new Response(pieces("Hello")), { ...KEEP, request });
  assertEquals([isKept, whole], [false, { head: [...head, "Content-Length: 5"], body: "Hello" }]);
  const long = await written(new Response(pieces(65536, 5)), { ...KEEP, request });
  assertEquals(long, { isKept: false, head, body: "x".repeat(65541) });
});

const WRONG: readonly [name: string, body: () => ReadableStream, length: string, written: number][] = [
  ["longer than Content-Length", () => pieces("Hello"), "4", 0],
  ["shorter than Content-Length", () => pieces("Hello"), "6", 0],
  ["longer than a large Content-Length", () => pieces(65536, 65536), "65537", 65536],
  ["shorter than a large Content-Length", () => pieces(65536, 1), "65538", 65537],
];
for (const [name, body, length, count] of WRONG) {
  test(`writeResponse() of a body ${name} is a TypeError, and closes`, async () => {
    const { conn, peer, clock } = pair();
    const response = new Response(body(), { headers: { "content-length": length } });
    await assertRejects(() => writeResponse(conn, response, { ...KEEP, clock }), TypeError);
    await settled();
    const [, sent = ""] = peer.take().split("\r\n\r\n");
    assertEquals([sent.length, conn.isClosed, clock.pending], [count, true, 0]);
  });
}

for (const before of [0, 70_000]) {
  test(`writeResponse() of a string among a body's chunks, after ${before} bytes, is a TypeError, and closes`, async () => {
    const { conn, peer, clock } = pair();
    const body = ReadableStream.from([new Uint8Array(before).fill(120), "Hello"]) as ReadableStream;
    await assertRejects(() => writeResponse(conn, new Response(body), { ...KEEP, clock }), TypeError, "Uint8Array");
    await settled();
    const reply = peer.take();
    assertEquals([reply.includes("\0"), reply.length > 0, conn.isClosed], [false, before > 0, true]);
    assertEquals(clock.pending, 0);
  });

  test(`writeResponse() rejects with the error of a body that fails after ${before} bytes, and closes`, async () => {
    const { conn, peer, clock } = pair(), error = new Error("mine");
    const response = new Response(pieces(before, error));
    assertStrictEquals(await assertRejects(() => writeResponse(conn, response, { ...KEEP, clock })), error);
    await settled();
    const reply = peer.take();
    assertEquals([reply.endsWith("0\r\n\r\n"), reply.length > 0, conn.isClosed], [false, before > 0, true]);
  });
}

test("writeResponse() lets the body take its time", async () => {
  const { conn, peer, clock } = pair();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writing = writeResponse(conn, new Response(readable), { ...KEEP, clock, timeout: 3000 });
  await clock.advance(1_000_000);
  new Response("Hello").body!.pipeTo(writable);
  assert(await writing);
  await settled();
  assert(peer.take().endsWith("\r\n\r\n5\r\nHello\r\n0\r\n\r\n"));
});

test("writeResponse() sends what there is of a body that goes on (server-sent events)", async () => {
  const { conn, peer, clock } = pair();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writing = writeResponse(conn, new Response(readable), { ...KEEP, clock });
  const writer = writable.getWriter();
  await writer.write(latin1("data: 1\n\n"));
  await settled();
  assert(peer.take().endsWith("\r\n\r\n9\r\ndata: 1\n\n\r\n"));
  await writer.close();
  assert(await writing);
});
