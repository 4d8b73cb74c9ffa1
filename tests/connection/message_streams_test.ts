import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { type Message, WebSocketError } from "../../mod.ts";
import { closing, latin1, times } from "../cases/frames_base.ts";
import { test } from "../kit/harness.ts";
import { attached, settled } from "../kit/raw_peer.ts";

/** What settles a promise, if something has. */
async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "pending";
  promise.then(() => state = "resolved", () => state = "rejected");
  await settled();
  return state;
}

test("readable gives a message as one chunk, and waits for its last frame", async () => {
  const { peer, socket } = attached();
  const reader = socket.readable.getReader();
  const first = reader.read();
  peer.frame("server", "text", "Hel", { fin: false });
  assertEquals(await stateOf(first), "pending");
  peer.frame("server", "continuation", "lo");
  peer.frame("server", "binary", [1, 2]);
  assertEquals(await first, { done: false, value: "Hello" });
  const { value } = await reader.read();
  assertEquals(value, Uint8Array.of(1, 2));
  assertStrictEquals((value as object).constructor, Uint8Array);
  socket.abort();
});

test("readable gives copies: messages of one chunk share no memory", async () => {
  const { peer, socket } = attached();
  const frame = [0x82, 0x82, 0, 0, 0, 0, 1, 2];
  peer.write(Uint8Array.from([...frame, ...frame]));
  const reader = socket.readable.getReader();
  const [a, b] = [await reader.read(), await reader.read()].map(({ value }) => value as Uint8Array);
  assertEquals([a!.buffer.byteLength, b!.buffer.byteLength], [2, 2]);
  assert(a!.buffer !== b!.buffer);
  socket.abort();
});

test("break in a for await closes with an empty Close frame", async () => {
  const { peer, socket } = attached();
  peer.frame("server", "text", "a");
  peer.frame("server", "text", "b");
  for await (const message of socket.readable) {
    assertEquals(message, "a");
    break;
  }
  await settled();
  assertEquals(peer.frames("server"), [{ close: 1005 }]);
  peer.frame("server", "text", "thrown away");
  peer.frame("server", "close", closing(1000));
  peer.end();
  assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
});

test("messages that wait stay readable after our close(), later ones are thrown away", async () => {
  const { peer, socket } = attached();
  const reader = socket.readable.getReader();
  const first = reader.read();
  for (const message of ["a", "b", "c"]) peer.frame("server", "text", message);
  await settled();
  socket.close({ closeCode: 1000 });
  peer.frame("server", "text", "later");
  peer.frame("server", "close", closing(1000));
  peer.end();
  assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
  const values = [(await first).value];
  for (let read; !(read = await reader.read()).done;) values.push(read.value);
  assertEquals(values, ["a", "b", "c"]);
  await reader.closed;
});

test("close() while messages wait unread does not hang", async () => {
  const { peer, socket } = attached("server", { highWaterMark: 0 });
  const reader = socket.readable.getReader();
  reader.read();
  for (let i = 0; i < 10; i++) peer.frame("server", "text", "unread");
  await settled();
  const closed = socket.close();
  peer.frame("server", "close", closing(4000));
  peer.end();
  assertEquals(await closed, { closeCode: 4000, reason: "" });
});

/** Everything that ends with a reason of the caller's. */
const ENDS: readonly [
  name: string,
  end: (socket: ReturnType<typeof attached>["socket"], reason: unknown) => unknown,
][] = [
  ["readable.cancel()", (socket, reason) => socket.readable.cancel(reason)],
  ["writable.abort()", (socket, reason) => socket.writable.abort(reason)],
  ["a writer's abort() while a write waits", async (socket, reason) => {
    const writer = socket.writable.getWriter();
    writer.write("in front").catch(() => {});
    await writer.abort(reason);
  }],
];
const REASONS: readonly [name: string, reason: unknown, frame: object][] = [
  ["nothing", undefined, { close: 1005 }],
  ["a WebSocketError's code", new WebSocketError("", { closeCode: 3001 }), { close: 3001, reason: "" }],
  ["its code and reason", new WebSocketError("", { closeCode: 3001, reason: "late" }), { close: 3001, reason: "late" }],
  ["its reason alone, as 1000", new WebSocketError("", { reason: "late" }), { close: 1000, reason: "late" }],
  ["a WebSocketError without a code, as nothing", new WebSocketError("late"), { close: 1005 }],
  ["an object with a code, as nothing", { closeCode: 3001, reason: "late" }, { close: 1005 }],
  ["a DOMException, as nothing", new DOMException("late", "AbortError"), { close: 1005 }],
  ["a string, as nothing", "late", { close: 1005 }],
];

for (const [name, end] of ENDS) {
  for (const [what, reason, frame] of REASONS) {
    test(`${name} closes with ${what}`, async () => {
      const { peer, socket } = attached();
      const ended = end(socket, reason);
      await settled();
      assertEquals(peer.frames("server").at(-1), frame);
      peer.frame("server", "close");
      peer.end();
      await ended;
      assertEquals(await socket.closed, { closeCode: 1005, reason: "" });
    });
  }
}

test("a code that can't be sent, such as that of another connection's end, closes with nothing", async () => {
  const { peer, socket } = attached();
  const other = attached();
  other.socket.abort();
  await socket.writable.abort(await other.socket.closed.catch((error: unknown) => error));
  await settled();
  assertEquals(peer.frames("server"), [{ close: 1005 }]);
  socket.abort();
});

test("writer.close() resolves only after the closing handshake, and sends what was written first", async () => {
  const { peer, socket } = attached();
  const writer = socket.writable.getWriter();
  writer.write("last");
  const closed = writer.close();
  assertEquals(await stateOf(closed), "pending");
  assertEquals(peer.frames("server"), [{ text: "last" }, { close: 1005 }]);
  peer.frame("server", "close", closing(1000));
  assertEquals(await stateOf(closed), "pending", "the connection is not yet released");
  peer.end();
  await closed;
  await writer.closed;
  assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
});

test("writer.close() rejects when the closing handshake is not completed", async () => {
  const { peer, socket } = attached();
  const closed = socket.writable.getWriter().close();
  await settled();
  peer.end();
  assertEquals((await assertRejects(() => closed, WebSocketError)).closeCode, 1006);
});

test("a clean end closes readable first, and readable.pipeTo(writable) resolves", async () => {
  const { peer, socket } = attached();
  const piped = socket.readable.pipeTo(socket.writable);
  peer.frame("server", "text", "Hello");
  peer.frame("server", "close", closing(1001, latin1("bye")));
  peer.end();
  await piped;
  assertEquals(await socket.closed, { closeCode: 1001, reason: "bye" });
  await settled();
  assertEquals(peer.frames("server"), [{ text: "Hello" }, { close: 1001, reason: "" }]);
});

test("after a clean end readable is at its end, and writing rejects with an InvalidStateError", async () => {
  const { peer, socket } = attached();
  const reader = socket.readable.getReader(), writer = socket.writable.getWriter();
  const read = reader.read();
  peer.frame("server", "close", closing(1000));
  peer.end();
  assertEquals((await read).done, true);
  await reader.closed;
  const error = await assertRejects(() => writer.closed, DOMException);
  assertEquals(error.name, "InvalidStateError");
  assertEquals((await assertRejects(() => writer.write("late"), DOMException)).name, "InvalidStateError");
});

for (const looked of ["before", "after"] as const) {
  test(`an unclean end errors both streams with the error of closed, looked at ${looked} it`, async () => {
    const { socket } = attached();
    if (looked === "before") socket.receive(() => {}).catch(() => {});
    const streams = () => [socket.readable.getReader().closed, socket.writable.getWriter().closed];
    const before = looked === "before" ? streams() : undefined;
    socket.abort("gone");
    const error = await assertRejects(() => socket.closed, WebSocketError);
    for (const closed of before ?? streams()) assertStrictEquals(await assertRejects(() => closed), error);
  });
}

test("streams first looked at after a clean end have ended", async () => {
  const { peer, socket } = attached();
  socket.receive(() => {});
  peer.frame("server", "close");
  peer.end();
  await socket.closed;
  assertEquals((await socket.readable.getReader().read()).done, true);
  const writer = socket.writable.getWriter();
  await assertRejects(() => writer.write("late"), DOMException);
  await assertRejects(() => writer.closed, DOMException);
});

test("a write waits while more than highWaterMark is unwritten, and nothing of it is lost", async () => {
  const { peer, socket } = attached("client", { highWaterMark: 1000 }, { reads: false, highWaterMark: 100 });
  const writer = socket.writable.getWriter();
  const writes = Array.from({ length: 10 }, (_, i) => writer.write(new Uint8Array(900).fill(i)));
  assertEquals(await stateOf(writes[9]!), "pending");
  assert(peer.conn.bytesWritten === 0 && socket.protocol === "");
  peer.read().catch(() => {});
  await Promise.all(writes);
  await settled();
  assertEquals(peer.frames("client").map(({ binary }) => binary?.slice(0, 2)), times(10).map((_, i) => `0${i}`));
  socket.abort();
  await writer.closed.catch(() => {});
});

test("abort() of a writer whose write is stuck closes all the same", async () => {
  const { clock, conn, socket } = attached("server", { highWaterMark: 10 }, { reads: false, highWaterMark: 10 });
  const writer = socket.writable.getWriter();
  const stuck = writer.write(new Uint8Array(1000));
  stuck.catch(() => {});
  await settled();
  const aborted = writer.abort();
  aborted.catch(() => {});
  await clock.advance(10_000);
  const error = await assertRejects(() => socket.closed, WebSocketError);
  assertStrictEquals(await assertRejects(() => stuck), error);
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
  await aborted.catch(() => {});
});

for (const message of [5, null, new SharedArrayBuffer(1), new ArrayBuffer(1, { maxByteLength: 2 })]) {
  test(`a write of ${Object.prototype.toString.call(message)} rejects with a TypeError`, async () => {
    const { peer, socket } = attached();
    const writer = socket.writable.getWriter();
    writer.closed.catch(() => {});
    await assertRejects(() => writer.write(message as Message), TypeError);
    await settled();
    assertEquals(peer.take(), "");
    socket.abort();
  });
}

test("a write that is incomplete at a lost end rejects with the error of closed", async () => {
  const { peer, socket } = attached("server", { highWaterMark: 10 }, { reads: false, highWaterMark: 10 });
  const writer = socket.writable.getWriter();
  writer.closed.catch(() => {});
  const write = writer.write(new Uint8Array(1000));
  await settled();
  peer.conn.reset();
  assertInstanceOf(await assertRejects(() => write), WebSocketError);
  assertStrictEquals(await assertRejects(() => write), await assertRejects(() => socket.closed));
});
