// The streams of a connection that has a transport of its own, by the connections of ./testing.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { accept, attach, HandshakeError } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { upgrade } from "../cases/requests_base.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { RawPeer, settled } from "../kit/raw_peer.ts";

test("the streams of an end: a read that is cancelled under way loses nobody", async () => {
  const [a, b] = connectionPair();
  const reader = a.readable.getReader();
  const read = reader.read();
  await settled();
  await reader.cancel();
  assertEquals((await read).done, true);
  await b.writable.getWriter().write(latin1("nobody reads this"));
  await settled();
  assertEquals([a.isClosed, b.isClosed], [false, false]);
});

test("the streams of an end: aborting the writable errors a read under way", async () => {
  const [a] = connectionPair(), reason = new Error("mine");
  const read = a.readable.getReader().read();
  read.catch(() => {});
  await a.writable.abort(reason);
  assertStrictEquals(await assertRejects(() => read), reason);
  assert(a.isClosed);
});

test("the streams of an end, then a door, then the streams again", async () => {
  const [client, server] = connectionPair(), peer = new RawPeer(client);
  peer.write("PROXY\r\n");
  const before = server.readable.getReader(), writer = server.writable.getWriter();
  assertEquals(text((await before.read()).value!), "PROXY\r\n");
  await writer.write(latin1("welcome "));
  before.releaseLock();
  writer.releaseLock();
  peer.write(upgrade({ "Sec-WebSocket-Version": "8" }));
  const error = await assertRejects(() => accept(server, { keepAlive: true }), HandshakeError);
  assertEquals([error.reusable, error.rest.length], [true, 0]);
  peer.write("goes on");
  const after = server.readable.getReader();
  assertEquals(text((await after.read()).value!), "goes on");
  await server.writable.getWriter().write(latin1("good bye"));
  await settled();
  assert(/^welcome HTTP\/1.1 426 [^]*\ngood bye$/.test(peer.take()));
  peer.end();
  assertEquals((await after.read()).done, true);
});

test("the streams of an end: aborting the writable does not wait for a write that the peer does not read", async () => {
  const [a, b] = connectionPair({ highWaterMark: 1 }), reason = new Error("mine");
  const writer = a.writable.getWriter(), writing = writer.write(latin1("nobody reads this"));
  writing.catch(() => {});
  await settled();
  await Promise.all([writer.abort(reason), assertRejects(() => writing)]);
  assertEquals(a.isClosed, true);
  b.reset();
});

for (const looks of [false, true]) {
  test(`two doors at once on one end are a TypeError${looks ? ", also when its streams were looked at" : ""}`, async () => {
    const [client, server] = connectionPair(), peer = new RawPeer(client);
    const agreement = { role: "server", protocol: "", extensions: "" } as const;
    const socket = attach(server, agreement);
    const received: unknown[] = [];
    socket.receive((message) => void received.push(message)).catch(() => {});
    if (looks) assertEquals([server.readable.locked, server.writable.locked], [false, false]);
    assertThrows(() => attach(server, agreement), TypeError, "already in use");
    await assertRejects(() => accept(server), TypeError, "already in use");
    peer.frame("server", "text", "Hello");
    await settled();
    assertEquals(received, ["Hello"], "the first one goes on");
    socket.abort();
  });
}

test("the streams of an end that is lost give what has come, and fail behind it", async () => {
  const [a, b] = connectionPair({ chunkSize: 1 }), reader = a.readable.getReader(), error = new Error("mine");
  const writer = b.writable.getWriter();
  await writer.write(latin1("abc"));
  assertEquals(text((await reader.read()).value!), "a");
  b.reset(error);
  for (const char of "bc") assertEquals(text((await reader.read()).value!), char);
  assertStrictEquals(await assertRejects(() => reader.read()), error);
  assertStrictEquals(await assertRejects(() => a.writable.getWriter().write(latin1("x"))), error);
});
