// A pipe from one connection into another takes a way past the streams. Whatever happens, it must not be told from the
// pipe of the runtime, which takes none: each test runs with both (Streams Standard §4.9.1, ReadableStreamPipeTo).

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { MessageSink } from "../../src/connection/message_sink.ts";
import { MessageSource } from "../../src/connection/message_streams.ts";
import { closing, times, toward, unhex, utf8 } from "../cases/frames_base.ts";
import { test } from "../kit/harness.ts";
import { type Attached, attached, settled, type WireFrame } from "../kit/raw_peer.ts";

type Pipe = (from: WebSocketConnection, to: WebSocketConnection, options?: StreamPipeOptions) => Promise<void>;

const PIPES: Readonly<Record<string, Pipe>> = {
  "our pipeTo()": (from, to, options) => from.readable.pipeTo(to.writable, options),
  "the runtime's": (from, to, options) => ReadableStream.prototype.pipeTo.call(from.readable, to.writable, options),
};

/** Two connections, and a pipe from the first into the second, whose failure is looked at when the test asks for it. */
interface Piped {
  readonly from: Attached;
  readonly to: Attached;
  readonly begin: (options?: StreamPipeOptions) => Promise<void>;
}

function both(name: string, run: (piped: Piped) => Promise<void>, highWaterMark = 65536): void {
  for (const [which, pipe] of Object.entries(PIPES)) {
    test(`${which}: ${name}`, async () => {
      const from = attached("server", { highWaterMark }, { highWaterMark: 1000 });
      const to = attached("server", { highWaterMark }, { highWaterMark: 1000, reads: highWaterMark === 65536 });
      const begin = (options?: StreamPipeOptions) => {
        const piped = pipe(from.socket, to.socket, options);
        piped.catch(() => {});
        return piped;
      };
      await run({ from, to, begin });
      for (const { socket } of [from, to]) {
        socket.abort();
        await socket.closed.catch(() => {});
      }
    });
  }
}

both("messages come in order, text and binary, whole and in pieces", async ({ from: { peer }, to, begin }) => {
  begin();
  peer.frame("server", "text", "a");
  peer.frame("server", "binary", [1, 2]);
  peer.frame("server", "text", "b", { fin: false });
  peer.frame("server", "continuation", "c");
  await settled();
  peer.frame("server", "binary");
  await settled();
  assertEquals(to.peer.frames("server"), [{ text: "a" }, { binary: "01 02" }, { text: "bc" }, { binary: "" }]);
});

both("what waits in the readable goes first", async ({ from: { peer, socket }, to, begin }) => {
  const reader = socket.readable.getReader(), first = reader.read();
  for (const message of ["a", "b", "c"]) peer.frame("server", "text", message);
  await settled();
  assertEquals((await first).value, "a");
  reader.releaseLock();
  begin();
  peer.frame("server", "text", "d");
  await settled();
  assertEquals(to.peer.frames("server"), [{ text: "b" }, { text: "c" }, { text: "d" }]);
});

both("what waits in the writable goes first", async ({ from: { peer, socket }, to, begin }) => {
  const reader = socket.readable.getReader();
  peer.frame("server", "text", "from now on it is read");
  await reader.read();
  reader.releaseLock();
  const writer = to.socket.writable.getWriter();
  for (let i = 0; i < 20; i++) writer.write(new Uint8Array(1000).fill(i)).catch(() => {});
  writer.releaseLock();
  await settled();
  begin();
  peer.frame("server", "binary", [20]);
  await settled();
  to.peer.read().catch(() => {});
  for (let round = 0; round < 10; round++) await settled();
  assertEquals(to.peer.frames("server").map((frame) => fillOf(frame)[0]), upTo(21));
}, 5000);

both("both streams are locked until it ends, and another pipe is refused", async ({ from, to, begin }) => {
  const controller = new AbortController(), { signal } = controller;
  const piped = begin({ signal, preventCancel: true, preventAbort: true });
  const locked = () => [from.socket.readable.locked, to.socket.writable.locked];
  assertEquals(locked(), [true, true]);
  const other = attached();
  await assertRejects(() => from.socket.readable.pipeTo(other.socket.writable), TypeError);
  await assertRejects(() => other.socket.readable.pipeTo(to.socket.writable), TypeError);
  for (const { peer } of [other, from]) peer.frame("server", "text", "a");
  await settled();
  assertEquals([to, other].map(({ peer }) => peer.frames("server")), [[{ text: "a" }], []]);
  other.socket.abort();
  controller.abort();
  await assertRejects(() => piped, DOMException);
  assertEquals(locked(), [false, false]);
});

both("a signal ends it between two messages; what comes later is for the next reader", async ({ from, to, begin }) => {
  const controller = new AbortController(), { signal } = controller;
  const piped = begin({ signal, preventCancel: true, preventAbort: true });
  from.peer.frame("server", "text", "a");
  await settled();
  controller.abort("enough");
  assertEquals(await piped.catch((reason: unknown) => reason), "enough");
  from.peer.frame("server", "text", "b");
  const reader = from.socket.readable.getReader();
  assertEquals((await reader.read()).value, "b");
  await to.socket.writable.getWriter().write("c");
  await settled();
  assertEquals(to.peer.frames("server"), [{ text: "a" }, { text: "c" }]);
});

both("a signal closes both connections", async ({ from, to, begin }) => {
  const controller = new AbortController(), { signal } = controller;
  const piped = begin({ signal });
  await settled();
  controller.abort(new WebSocketError("", { closeCode: 3001 }));
  await piped.catch(() => {});
  await settled();
  for (const { peer } of [from, to]) assertEquals(peer.frames("server"), [{ close: 3001, reason: "" }]);
});

for (const [what, signal] of [["was aborted before", AbortSignal.abort()], ["is none", {} as AbortSignal]] as const) {
  both(
    `it is refused with a signal that ${what}, and messages are for the next reader`,
    async ({ from, to, begin }) => {
      await assertRejects(() => begin({ signal, preventCancel: true, preventAbort: true }));
      const reader = from.socket.readable.getReader();
      from.peer.frame("server", "text", "a");
      assertEquals((await reader.read()).value, "a");
      assertEquals(to.peer.frames("server"), []);
    },
  );
}

both("the end of the one closes the other, behind the last message", async ({ from: { peer }, to, begin }) => {
  const piped = begin();
  peer.frame("server", "text", "last");
  peer.frame("server", "close", closing(1000));
  peer.end();
  await settled();
  assertEquals(to.peer.frames("server"), [{ text: "last" }, { close: 1005 }]);
  to.peer.frame("server", "close");
  to.peer.end();
  await piped;
});

both("the end of the one leaves the other open with preventClose", async ({ from: { peer }, to, begin }) => {
  const piped = begin({ preventClose: true });
  peer.frame("server", "text", "a");
  peer.frame("server", "close", closing(1000));
  peer.end();
  await piped;
  await to.socket.writable.getWriter().write("b");
  await settled();
  assertEquals(to.peer.frames("server"), [{ text: "a" }, { text: "b" }]);
});

both("the loss of the one closes the other", async ({ from, to, begin }) => {
  const piped = begin();
  from.peer.frame("server", "text", "a");
  await settled();
  from.peer.end();
  const error = await assertRejects(() => piped, WebSocketError);
  assertStrictEquals(await assertRejects(() => from.socket.closed), error);
  await settled();
  assertEquals(to.peer.frames("server"), [{ text: "a" }, { close: 1005 }]);
});

both("the loss of the other closes the one", async ({ from, to, begin }) => {
  const piped = begin();
  await settled();
  to.socket.abort();
  const error = await assertRejects(() => piped, WebSocketError);
  assertStrictEquals(await assertRejects(() => to.socket.closed), error);
  await settled();
  assertEquals(from.peer.frames("server"), [{ close: 1005 }]);
});

both("the loss of the other leaves messages to the next reader with preventCancel", async ({ from, to, begin }) => {
  const piped = begin({ preventCancel: true });
  await settled();
  to.socket.abort();
  await settled();
  from.peer.frame("server", "text", "a");
  await assertRejects(() => piped, WebSocketError);
  assertEquals((await from.socket.readable.getReader().read()).value, "a");
});

both("it fails as a write does, with the first message behind a close() of the other", async ({ from, to, begin }) => {
  const piped = begin();
  await settled();
  to.socket.close({ closeCode: 1000 });
  from.peer.frame("server", "text", "a");
  assertEquals((await assertRejects(() => piped, DOMException)).name, "InvalidStateError");
  await settled();
  assertEquals([from, to].map(({ peer }) => peer.frames("server")), [[{ close: 1005 }], [{ close: 1000, reason: "" }]]);
});

both("of one chunk, what is behind the message that fails is for the next reader", async ({ from, to, begin }) => {
  const piped = begin({ preventCancel: true });
  await settled();
  to.socket.close();
  const frames = ["a", "b", "c"].flatMap((text) => unhex(toward("server")(1, utf8(text))));
  from.peer.write(Uint8Array.from(frames));
  await assertRejects(() => piped, DOMException);
  const reader = from.socket.readable.getReader();
  for (const text of ["b", "c"]) assertEquals((await reader.read()).value, text);
  await settled();
  assertEquals(to.peer.frames("server"), [{ close: 1005 }]);
});

both("while the other takes nothing, little is read; nothing is lost", async ({ from, to, begin }) => {
  const count = 100, size = 1000;
  begin();
  for (let i = 0; i < count; i++) from.peer.frame("server", "binary", times(size, i));
  await settled();
  // Both marks, a message that crosses each, one between the streams, and what is under way on both connections
  const bound = 2 * 5000 + 3 * (size + 64) + 2 * 1000 + 2 * (size + 8), taken = from.peer.conn.bytesWritten;
  assert(taken <= bound, `${taken} bytes were taken, ${bound} are allowed`);
  to.peer.read().catch(() => {});
  for (let round = 0; round < 50; round++) await settled();
  assertEquals(to.peer.frames("server").map(fillOf), upTo(count).map((i) => [i, size]));
}, 5000);

both("what waited for room and was given up is for the next reader", async ({ from, to, begin }) => {
  const controller = new AbortController(), { signal } = controller;
  const piped = begin({ signal, preventCancel: true, preventAbort: true });
  for (let i = 0; i < 40; i++) from.peer.frame("server", "binary", times(1000, i));
  await settled();
  controller.abort();
  await settled(); // the pipe waits for the write under way
  to.peer.read().catch(() => {});
  await assertRejects(() => piped, DOMException);
  const reader = from.socket.readable.getReader(), rest: unknown[] = [];
  while (rest.at(-1) !== 39) rest.push((await reader.read()).value![0]);
  for (let round = 0; round < 50; round++) await settled();
  const sent = to.peer.frames("server").map((frame) => fillOf(frame)[0]);
  assertEquals([...sent, ...rest], upTo(40));
}, 5000);

test("what is piped waits in neither stream", async () => {
  const sent: unknown[] = [], handlers = { highWaterMark: 100, onPull() {}, onRoom() {}, onCancel() {} };
  const source = new MessageSource(handlers);
  const sink = new MessageSink({
    write: (message) => void sent.push(message),
    close: () => Promise.resolve(),
    abort() {},
  });
  const controller = new AbortController(), { signal } = controller;
  const piped = source.stream.pipeTo(sink.stream, { signal, preventCancel: true, preventAbort: true });
  const view = new Uint8Array(8).subarray(4);
  for (const message of ["a", view]) source.push(message);
  assertEquals(source.isFull, false);
  assertStrictEquals(sent[1], view, "nor is it copied");
  assertEquals(sent.length, 2);

  // Nor does it after a pipe that was refused
  const other = new MessageSink({ write() {}, close: () => Promise.resolve(), abort() {} });
  await assertRejects(() => source.stream.pipeTo(other.stream), TypeError);
  source.push(view);
  assertStrictEquals(sent[2], view);

  // Nor is anything passed on behind a signal, as soon as it is given
  controller.abort();
  source.push(view);
  assert(sent[3] !== view, "what the pipe had begun to read is a copy");
  await assertRejects(() => piped, DOMException);
});

test("room in the sink of an earlier pipe does not read on for a later one", async () => {
  let rooms = 0;
  const source = new MessageSource({ highWaterMark: 100, onPull() {}, onRoom: () => void rooms++, onCancel() {} });
  const done: (() => void)[] = [];
  const full = () =>
    new MessageSink({
      write: () => new Promise<void>((resolve) => done.push(resolve)),
      close: () => Promise.resolve(),
      abort() {},
    });
  const controller = new AbortController(), { signal } = controller;
  const first = source.stream.pipeTo(full().stream, { signal, preventCancel: true, preventAbort: true });
  await settled();
  source.push("a");
  assertEquals(source.isFull, true);
  controller.abort();
  await assertRejects(() => first, DOMException);
  source.stream.pipeTo(full().stream);
  await settled();
  source.push("b");
  assertEquals(source.isFull, true);
  done[0]!();
  await settled();
  assertEquals([rooms, source.isFull], [0, true]);
  done[1]!();
  await settled();
  assertEquals([rooms, source.isFull], [1, false]);
});

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** What a message is filled with, and its size. */
function fillOf({ binary = "" }: WireFrame): [fill: number, size: number] {
  const bytes = unhex(binary);
  return [bytes[0]!, bytes.filter((byte) => byte === bytes[0]).length];
}
