// What is refused before a byte is written, and how writing ends early. How responses are framed is tested in
// send_response_test.ts.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { HandshakeError, writeResponse } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";
import { KEEP, pair, pieces } from "../kit/responding.ts";

const used = new Response("Hello");
await used.text();
const locked = new Response("Hello");
locked.body!.getReader();
const status = (value: number) => Object.defineProperty(new Response(null), "status", { value });
const UNWRITABLE: readonly [name: string, response: Response][] = [
  ["a 101", status(101)],
  ["a 100", status(100)],
  ["a 103", status(103)],
  ["an error, with its status of 0", Response.error()],
  ["Transfer-Encoding", new Response("Hello", { headers: { "transfer-encoding": "chunked" } })],
  ["a body that was used", used],
  ["a body that is locked", locked],
  ["a Content-Length that is no number", new Response(pieces(70_000), { headers: { "content-length": "x" } })],
  ["two Content-Lengths", new Response(null, { status: 304, headers: { "content-length": "5, 5" } })],
];
for (const [name, response] of UNWRITABLE) {
  test(`writeResponse() of ${name} is a TypeError, and leaves the connection untouched`, async () => {
    const { conn, peer } = pair();
    await assertRejects(() => writeResponse(conn, response, KEEP), TypeError);
    assertEquals([conn.isClosed, conn.readable.locked, peer.take()], [false, false, ""]);
    assert(await writeResponse(conn, new Response("Hello"), KEEP));
  });
}

test("writeResponse() gives a peer that does not read its time, then fails and cancels the body", async () => {
  const { conn, clock } = pair({ highWaterMark: 1000 }, false);
  let cancelled = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(70_000)),
    cancel: () => void (cancelled = true),
  });
  const writing = writeResponse(conn, new Response(body), { clock, timeout: 3000 });
  writing.catch(() => {});
  await clock.advance(3000);
  const error = await assertRejects(() => writing, HandshakeError);
  assertEquals([error.failure, cancelled, conn.isClosed, clock.pending], ["handshake-timeout", true, true, 0]);
});

test("writeResponse() is given up by its signal", async () => {
  const { conn, clock } = pair(), controller = new AbortController(), reason = new Error("mine");
  const writing = writeResponse(conn, new Response(new ReadableStream()), { clock, signal: controller.signal });
  writing.catch(() => {});
  await settled();
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => writing), reason);
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});

test("writeResponse() to a peer that is gone is a HandshakeError with the loss as cause", async () => {
  const { conn, clock } = pair(), reset = new Error("ECONNRESET");
  conn.reset(reset);
  const error = await assertRejects(() => writeResponse(conn, new Response("Hello"), { clock }), HandshakeError);
  assertEquals([error.failure, clock.pending], ["connection-closed", 0]);
  assertStrictEquals(error.cause, reset);
});
