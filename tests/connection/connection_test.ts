import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { type Message, WebSocketError } from "../../mod.ts";
import { systemClock } from "../../src/base/clock.ts";
import { checkConnectionOptions } from "../../src/connection/connection_options.ts";
import { checkCompression, type CheckedCompression } from "../../src/protocol/compression_options.ts";
import { closing, hex, times } from "../cases/frames_base.ts";
import { test } from "../kit/harness.ts";
import { attached, type RawPeer, settled } from "../kit/raw_peer.ts";

const ROLES = ["server", "client"] as const;
const bytes = (...values: number[]) => Uint8Array.from(values);
const never = () => {
  throw new Error("A message came");
};

/** The peer says how it ends, ours is answered, and both sides end. */
async function closeFrom(peer: RawPeer, role: "server" | "client", code = 1000) {
  peer.frame(role, "close", closing(code));
  await settled();
  peer.end();
  await settled();
}

for (const role of ROLES) {
  for (const size of [0, 5, 125, 126, 3000, 65536, 200_000]) {
    test(`send() has copied ${size} bytes when it returns, as ${role}`, async () => {
      const { peer, socket } = attached(role);
      const message = new Uint8Array(size).fill(7);
      socket.send(message);
      message.fill(9);
      await settled();
      assertEquals(peer.frames(role), [{ binary: hex(times(size, 7)) }]);
      socket.abort();
    });
  }
}

const buffer = bytes(1, 2, 3, 4, 5, 6, 7, 8).buffer;
const MESSAGES: readonly [name: string, message: Message, frame: Record<string, string>][] = [
  ["a string", "Hello", { text: "Hello" }],
  ["an empty string", "", { text: "" }],
  ["a lone surrogate as U+FFFD", "\udc00", { text: "\ufffd" }],
  ["an ArrayBuffer", buffer, { binary: "01 02 03 04 05 06 07 08" }],
  ["a view of a part", new Uint8Array(buffer, 2, 3), { binary: "03 04 05" }],
  ["a DataView", new DataView(buffer, 6), { binary: "07 08" }],
  ["elements of two bytes", new Uint16Array(buffer, 2, 1), { binary: "03 04" }],
  ["an empty buffer", new ArrayBuffer(), { binary: "" }],
];

for (const [name, message, frame] of MESSAGES) {
  test(`send() sends ${name}`, async () => {
    const { peer, socket } = attached();
    assertEquals(socket.send(message), undefined);
    await settled();
    assertEquals(peer.frames("server"), [frame]);
    socket.abort();
  });
}

const detached = new ArrayBuffer(8);
structuredClone(detached, { transfer: [detached] });
const NO_MESSAGES: readonly [name: string, message: unknown][] = [
  ["shared memory", new SharedArrayBuffer(8)],
  ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(8))],
  ["a resizable buffer", new ArrayBuffer(8, { maxByteLength: 16 })],
  ["a view of a resizable buffer", new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }))],
  ["a detached buffer", detached],
  ["a number", 5],
  ["null", null],
  ["undefined", undefined],
  ["an array", [1, 2]],
  ["an object with toString()", { toString: () => "Hello" }],
  ["a String object", new String("Hello")],
];

for (const [name, message] of NO_MESSAGES) {
  test(`send() and ping() refuse ${name} with a TypeError, and nothing is sent`, async () => {
    const { peer, socket } = attached();
    assertThrows(() => socket.send(message as Message), TypeError);
    if (message !== undefined) await assertRejects(() => socket.ping(message as BufferSource), TypeError);
    socket.send("on it goes");
    await settled();
    assertEquals(peer.frames("server"), [{ text: "on it goes" }]);
    socket.abort();
  });
}

test("send() throws an InvalidStateError when the connection is not open", async () => {
  const { peer, socket } = attached();
  const closed = socket.receive(never);
  const refused = () => {
    const error = assertThrows(() => socket.send("late"), DOMException);
    assertEquals(error.name, "InvalidStateError");
  };
  socket.close({ closeCode: 1000 });
  refused();
  await closeFrom(peer, "server");
  refused();
  assertEquals(await closed, { closeCode: 1000, reason: "" });
  assertEquals(peer.frames("server"), [{ close: 1000, reason: "" }]);

  const lost = attached();
  lost.socket.abort();
  assertEquals(assertThrows(() => lost.socket.send("late"), DOMException).name, "InvalidStateError");
});

test("send() gives a promise only above highWaterMark, which resolves below it", async () => {
  const { peer, socket } = attached("server", { highWaterMark: 1000 }, { reads: false, highWaterMark: 100 });
  assertEquals(socket.send(new Uint8Array(996)), undefined); // exactly 1000, with a header of four bytes
  const [first, second] = [socket.send(new Uint8Array(1)), socket.send("x")];
  assertInstanceOf(first, Promise);
  assertStrictEquals(first, second);
  let room = false;
  first.then(() => room = true);
  await settled();
  assertEquals(room, false, "nobody reads: it waits");
  peer.read().catch(() => {});
  await settled();
  assertEquals(room, true);
  assertEquals(socket.send("x"), undefined);
  socket.abort();
});

test("send()'s promise rejects with the error of closed, and nobody has to await it", async () => {
  const { socket } = attached("server", { highWaterMark: 10 }, { reads: false, highWaterMark: 10 });
  const room = socket.send(new Uint8Array(1000));
  socket.abort();
  assertInstanceOf(room, Promise);
  assertStrictEquals(await assertRejects(() => room), await assertRejects(() => socket.closed));
});

test("a connection is read from the end of the turn in which it was made, although nobody takes its messages", async () => {
  const { clock, conn, peer, socket } = attached();
  peer.frame("server", "ping", "?");
  peer.frame("server", "text", "Hello");
  assertEquals(peer.take(), "", "not before the end of the turn");
  await settled();
  assertEquals(peer.frames("server"), [{ pong: "3f" }]);
  assertEquals(clock.pending, 1, "the idle clock runs");
  peer.end();
  const error = await assertRejects(() => socket.closed, WebSocketError);
  assertEquals([error.failure, error.closeCode, conn.isClosed], ["connection-lost", 1006, true]);

  const messages: unknown[] = [];
  assertStrictEquals(await assertRejects(() => socket.receive((message) => messages.push(message))), error);
  assertEquals(messages, ["Hello"]);
});

for (const face of ["receive", "readable"] as const) {
  test(`messages before the first call come through ${face}, whatever the kind`, async () => {
    const { peer, socket } = attached();
    peer.frame("server", "text", "ä");
    peer.frame("server", "binary", [1, 2]);
    await settled();
    const got: unknown[] = [];
    const take = (message: unknown) => void got.push(message);
    if (face === "receive") socket.receive(take).catch(() => {});
    else socket.readable.pipeTo(new WritableStream({ write: take })).catch(() => {});
    await settled();
    assertEquals(got, ["ä", bytes(1, 2)]);
    assertStrictEquals((got[1] as object).constructor, Uint8Array);
    socket.abort();
    await settled();
  });
}

const TAKERS: readonly [name: string, take: (socket: ReturnType<typeof attached>["socket"]) => Promise<unknown>][] = [
  ["receive()", (socket) => socket.receive(() => {})],
  ["a read of readable", (socket) => socket.readable.getReader().read()],
];
for (const [first, take] of TAKERS) {
  for (const [second, takeAgain] of TAKERS) {
    test(`after ${first}, ${second} rejects with a TypeError, and the first goes on`, async () => {
      const { peer, socket } = attached();
      const taken = take(socket);
      if (first === second && first !== "receive()") assertThrows(() => takeAgain(socket), TypeError);
      else await assertRejects(() => takeAgain(socket), TypeError);
      peer.frame("server", "text", "Hello");
      await closeFrom(peer, "server");
      const expected = first === "receive()" ? { closeCode: 1000, reason: "" } : { done: false, value: "Hello" };
      assertEquals(await taken, expected);
      assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
    });
  }
}

test("readable is taken by a lock, not by a look; receive() wants a function", async () => {
  const { socket } = attached();
  const reader = socket.readable.getReader();
  await assertRejects(() => socket.receive(() => {}), TypeError);
  reader.releaseLock();
  await assertRejects(() => socket.receive("no function" as unknown as () => void), TypeError);
  const received = socket.receive(() => {});
  socket.abort();
  await assertRejects(() => received, WebSocketError);
});

test("a handler's promise holds messages until it settles, not Pongs", async () => {
  const { peer, socket } = attached();
  const got: unknown[] = [], pauses: PromiseWithResolvers<void>[] = [];
  const received = socket.receive((message) => {
    got.push(message);
    const pause = Promise.withResolvers<void>();
    pauses.push(pause);
    return pause.promise;
  });
  peer.frame("server", "text", "a");
  peer.frame("server", "text", "b");
  peer.frame("server", "ping");
  await settled();
  assertEquals([got, peer.frames("server")], [["a"], [{ pong: "" }]]);
  pauses[0]!.resolve();
  await settled();
  assertEquals([got, peer.take()], [["a", "b"], ""]);
  pauses[1]!.resolve();
  await closeFrom(peer, "server");
  assertEquals(await received, { closeCode: 1000, reason: "" });
});

test("close() during a handler's promise does not wait for it", async () => {
  const { peer, socket } = attached();
  const pause = Promise.withResolvers<void>();
  const received = socket.receive(() => pause.promise);
  peer.frame("server", "text", "a");
  await settled();
  const closed = socket.close({ closeCode: 1000 });
  await closeFrom(peer, "server");
  assertEquals(await closed, { closeCode: 1000, reason: "" });
  assertEquals(await received, { closeCode: 1000, reason: "" });
  pause.reject(new Error("too late to matter"));
  await settled();
});

const THROWERS: readonly [name: string, fail: (error: Error) => unknown][] = [
  ["throws", (error) => {
    throw error;
  }],
  ["rejects", (error) => Promise.reject(error)],
];

test("a handler is called as a function of nobody", async () => {
  const { peer, socket } = attached(), seen: unknown[] = [];
  socket.receive(function (this: unknown) {
    seen.push(this);
  });
  peer.frame("server", "text", "a");
  await settled();
  assertEquals(seen, [undefined]);
  socket.abort();
});

for (const [name, fail] of THROWERS) {
  test(`a handler that ${name} closes with 1011, and receive() rejects with that very error`, async () => {
    const { peer, socket } = attached();
    const error = new Error("mine");
    let count = 0;
    const received = socket.receive(() => {
      count++;
      return fail(error);
    });
    received.catch(() => {});
    peer.frame("server", "text", "a");
    peer.frame("server", "text", "b");
    await settled();
    assertEquals(peer.frames("server"), [{ close: 1011, reason: "" }]);
    await closeFrom(peer, "server", 1011);
    assertStrictEquals(await assertRejects(() => received), error);
    assertEquals(await socket.closed, { closeCode: 1011, reason: "" });
    assertEquals(count, 1, "what comes behind is thrown away");
  });
}

test("messages beyond a handler's promise wait here up to highWaterMark, and then at the peer", async () => {
  const { peer, socket } = attached("server", { highWaterMark: 4000 }, { highWaterMark: 10_000 });
  const pause = Promise.withResolvers<void>();
  let count = 0;
  socket.receive(() => ++count === 1 ? pause.promise : undefined).catch(() => {});
  for (let i = 0; i < 100; i++) peer.frame("server", "binary", times(1000));
  await settled();
  assertEquals(count, 1);
  assert(peer.conn.bytesWritten < 20_000, `${peer.conn.bytesWritten} bytes were written`);
  pause.resolve();
  await settled();
  assertEquals(count, 100);
  socket.abort();
});

test("abort() inside a handler delivers nothing more, not even the peer's Close", async () => {
  const { clock, conn, peer, socket } = attached();
  const got: unknown[] = [];
  const received = socket.receive((message) => {
    got.push(message);
    socket.abort("enough");
  });
  const frames = [0x81, 0x81, 0, 0, 0, 0, 0x61];
  peer.write(bytes(...frames, ...frames, 0x88, 0x80, 0, 0, 0, 0));
  const error = await assertRejects(() => received, WebSocketError);
  await settled();
  assertEquals([got, error.cause, error.closeCode], [["a"], "enough", 1006]);
  assertEquals([conn.isClosed, clock.pending, peer.take()], [true, 0, ""]);
});

test("connections share checked options only while each of them is the same", () => {
  const compression = checkCompression({ level: 1 }, "server"), clock = { ...systemClock, now: () => 0 };
  const different = [
    {},
    { maxMessageSize: 1 },
    { highWaterMark: 1 },
    { closeTimeout: 1 },
    { idleTimeout: 1 },
    { compression },
    { clock },
  ];
  const check = (options: { compression?: CheckedCompression | undefined }) =>
    checkConnectionOptions(options, options.compression);
  const defaults = check({});
  for (const options of different) {
    check({}); // what comes next differs from it in one option
    const checked = check(options);
    assertEquals({ ...checked }, { ...defaults, ...options });
    assertStrictEquals(check({ ...options }), checked);
  }
});
