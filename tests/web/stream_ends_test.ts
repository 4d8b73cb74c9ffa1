// Writing, and a close by the peer, over sockets, on ws and wss. Each group names the public test that it answers to, of
// websockets/stream/tentative.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { accept } from "../../mod.ts";
import { WebSocketError } from "../../src/stream.ts";
import { assertRejectsDom } from "../kit/assert_dom_error.ts";
import { collectGarbage, handlingAll } from "../kit/harness.ts";
import { echo, HandPeer, type Open, testBoth } from "./peers.ts";

/** More than the kernel takes. */
const BIG = new Uint8Array(32 << 20);

// remote-close.any.js
testBoth("a clean close by the peer ends both sides", async (conn) => {
  await (await accept(conn)).close({ closeCode: 1000 });
}, async (open) => {
  const stream = open(), { readable, writable } = await stream.opened;
  assertEquals(await stream.closed, { closeCode: 1000, reason: "" });
  assert((await readable.getReader().read()).done);
  await assertRejectsDom(writable.getWriter().ready, "InvalidStateError");
});

const CLOSES = [
  ["nothing", {}, { closeCode: 1005, reason: "" }],
  ["a code and a reason", { closeCode: 4000, reason: "machine" }, { closeCode: 4000, reason: "machine" }],
  ["a reason beyond ASCII", { closeCode: 4000, reason: "機械" }, { closeCode: 4000, reason: "機械" }],
] as const;
for (const [name, info, closed] of CLOSES) {
  testBoth(`the peer closes with ${name}`, async (conn) => {
    await (await accept(conn)).close(info).catch(() => {});
  }, async (open) => {
    assertEquals(await open().closed, closed);
  });
}

/** Has the peer close while a write waits, and then read on or go. */
const HOW = { "reads on": (peer: HandPeer) => peer.finish(), "goes": (peer: HandPeer) => peer.abort() };
for (const [then, leave] of Object.entries(HOW)) {
  testBoth(`a close while a write waits is not clean, where the peer ${then}`, async (conn) => {
    const peer = await HandPeer.opened(conn);
    assert(await peer.read()); // the beginning of the message
    await peer.close(4567);
    await rejected.promise;
    await leave(peer);
  }, async (open) => {
    rejected = Promise.withResolvers();
    const stream = open(), { writable } = await stream.opened;
    const error = await assertRejectsDom(writable.getWriter().write(BIG), "InvalidStateError");
    rejected.resolve();
    const closed = await assertRejects(() => stream.closed, WebSocketError);
    assertEquals([closed.constructor, closed.closeCode, closed.reason], [WebSocketError, 4567, ""]);
    assertStrictEquals(error.cause, closed);
  });
}
let rejected = Promise.withResolvers<void>();

testBoth("where both close, the peer's code and reason count", async (conn) => {
  const peer = await HandPeer.opened(conn);
  await peer.read(); // our Close frame
  await peer.close(4222, "theirs");
  await peer.finish();
}, async (open) => {
  const stream = open();
  await stream.opened;
  stream.close({ closeCode: 4111, reason: "ours" });
  assertEquals(await stream.closed, { closeCode: 4222, reason: "theirs" });
});

testBoth("a lost connection is one error for all", async (conn) => {
  await (await HandPeer.opened(conn)).abort();
}, async (open) => {
  const stream = open(), { readable, writable } = await stream.opened;
  const error = await assertRejects(() => stream.closed, WebSocketError);
  assertEquals([error.constructor, error.name, error.closeCode], [WebSocketError, "WebSocketError", 1006]);
  const others = [readable.getReader().read(), writable.getWriter().ready];
  for (const other of others) assertStrictEquals(await other.catch((error) => error), error);
});

// write.any.js
/** Says goodbye, whereupon the peer closes, and writes on. */
async function interrupted(open: Open) {
  const stream = open(), { writable } = await stream.opened, writer = writable.getWriter();
  const [goodbye, big] = [writer.write("Goodbye"), writer.write(BIG)];
  big.catch(() => {});
  await goodbye;
  await assertRejects(() => stream.closed, WebSocketError);
  return { writer, big };
}

const closing = async (conn: Parameters<typeof HandPeer.opened>[0]) => {
  const peer = await HandPeer.opened(conn);
  await peer.read();
  await peer.close(1000);
  await peer.finish();
};

testBoth("a write that waits at the close rejects, and later ones with the same error", closing, async (open) => {
  const { writer, big } = await interrupted(open);
  const error = await assertRejectsDom(big, "InvalidStateError");
  assertStrictEquals(await writer.write("late").catch((error) => error), error);
});

testBoth("garbage that is collected after such a close breaks nothing", closing, async (open) => {
  const { big } = await interrupted(open);
  for (let i = 0; i < 5; i++) collectGarbage();
  await assertRejectsDom(big, "InvalidStateError");
});

const WRONG: readonly [string, () => unknown][] = [
  ["what can't be made a string", () => ({ toString: () => ({}), valueOf: () => ({}) })],
  ["a symbol", () => Symbol("x")],
  ["a resizable buffer", () => new ArrayBuffer(1024, { maxByteLength: 65536 })],
  [
    "a view of shared memory",
    () => new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }).buffer),
  ],
  ["shared memory", () => new SharedArrayBuffer(8)],
];
for (const [name, make] of WRONG) {
  testBoth(`${name} can't be written`, echo, async (open) => {
    const stream = open(), { writable } = await stream.opened;
    await assertRejects(() => writable.getWriter().write(make() as string), TypeError);
    stream.close();
    await stream.closed;
  });
}

testBoth("a stream that nobody holds any more writes what it was given", async (conn) => {
  const socket = await accept(conn);
  let received = 0;
  await socket.receive((message) => {
    received += message.length;
    if (received === 20 * 100_000) socket.close({ closeCode: 3000 });
  });
  assertEquals(received, 20 * 100_000);
}, async (open) => {
  const closed = await (async () => {
    const stream = open(), writer = (await stream.opened).writable.getWriter();
    for (let i = 0; i < 20; i++) writer.write(new Uint8Array(100_000)).catch(() => {});
    return stream.closed;
  })();
  for (let i = 0; i < 5; i++) collectGarbage();
  assertEquals(closed.closeCode, 3000);
});

// Beyond the public tests
testBoth("what is no buffer is written as text", echo, async (open) => {
  const stream = open(), { readable, writable } = await stream.opened;
  const writer = writable.getWriter(), reader = readable.getReader(), values: unknown[] = [42, null, [1, 2], "\ud800"];
  for (const value of values) await writer.write(value as string);
  for (const text of ["42", "null", "1,2", "\ufffd"]) assertEquals((await reader.read()).value, text);
  stream.close();
  await stream.closed;
});

testBoth("a pipe through the stream ends with it, and leaves nothing unhandled", async (conn) => {
  const socket = await accept(conn);
  socket.send("a");
  await socket.close({ closeCode: 3001 });
}, async (open) => {
  await handlingAll(async () => {
    const stream = open(), { readable, writable } = await stream.opened;
    await readable.pipeTo(writable);
    assertEquals((await stream.closed).closeCode, 3001);
  });
});
