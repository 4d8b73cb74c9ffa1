// The class over sockets, on ws and wss. Each group names the public test that it answers to, of
// websockets/stream/tentative; those of writing and of a close by the peer are in stream_ends_test.ts.

import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { accept, type ByteConnection, HandshakeError } from "../../mod.ts";
import { afterIO } from "../../src/base/clock.ts";
import { WebSocketError, WebSocketStream, type WebSocketStreamInit } from "../../src/stream.ts";
import { connectionPair } from "../../src/testing.ts";
import { assertDomError, assertRejectsDom } from "../kit/assert_dom_error.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { countedSignal } from "../kit/raw_peer.ts";
import { listen } from "../kit/tcp.ts";
import { echo, HandPeer, type Open, testBoth } from "./peers.ts";

/** Both promises reject with the same, of our own class. */
async function assertNotOpened(stream: WebSocketStream): Promise<WebSocketError> {
  const [error, other] = await Promise.all(
    [stream.opened, stream.closed].map((promise) => assertRejects(() => promise, WebSocketError)),
  );
  assertStrictEquals(error, other);
  assertEquals([error!.constructor, error!.closeCode, error!.reason], [WebSocketError, 1006, ""]);
  return error!;
}

const moments = () => new Promise<void>((resolve) => void afterIO(8, resolve));

// abort.any.js
test("with a signal that is aborted nothing is dialled, and both promises reject with its reason", async () => {
  using listener = await listen();
  const stream = new WebSocketStream(`ws://127.0.0.1:${listener.port}/`, { signal: AbortSignal.abort() });
  await assertRejectsDom(stream.opened, "AbortError");
  await assertRejectsDom(stream.closed, "AbortError");
  await moments();
  // The first that comes is the second that was made
  const next = new WebSocketStream(`ws://127.0.0.1:${listener.port}/next`);
  const peer = await HandPeer.asked(await listener.accept());
  assert(peer.head.startsWith("GET /next "), peer.head);
  next.close();
  await peer.drain();
});

const unanswered = async (conn: ByteConnection) => {
  const peer = await HandPeer.asked(conn);
  asked.resolve();
  await peer.drain(); // the client has gone
};
let asked = Promise.withResolvers<void>();

testBoth("an abort during the handshake ends it", unanswered, async (open) => {
  asked = Promise.withResolvers();
  const controller = new AbortController(), stream = open({ signal: controller.signal });
  await asked.promise;
  controller.abort();
  await assertRejectsDom(stream.opened, "AbortError");
  await assertRejectsDom(stream.closed, "AbortError");
});

testBoth("an abort after the handshake does nothing", echo, async (open) => {
  const controller = new AbortController(), stream = open({ signal: controller.signal });
  const { readable, writable } = await stream.opened;
  controller.abort();
  await writable.getWriter().write("still here");
  assertEquals((await readable.getReader().read()).value, "still here");
  stream.close();
  await stream.closed;
});

testBoth("a close after an abort changes nothing", unanswered, async (open) => {
  asked = Promise.withResolvers();
  const controller = new AbortController(), stream = open({ signal: controller.signal });
  await asked.promise;
  controller.abort();
  stream.close({ closeCode: 3000 });
  await assertRejectsDom(stream.opened, "AbortError");
  await assertRejectsDom(stream.closed, "AbortError");
});

testBoth("an abort after a close changes nothing", unanswered, async (open) => {
  asked = Promise.withResolvers();
  const controller = new AbortController(), stream = open({ signal: controller.signal });
  await asked.promise;
  stream.close();
  controller.abort();
  await assertNotOpened(stream);
});

test("the reason of an abort is the very one", async () => {
  const reason = { any: "thing" }, controller = new AbortController(), [conn] = connectionPair();
  const stream = new WebSocketStream("ws://localhost/", { signal: controller.signal }, { conn });
  controller.abort(reason);
  assertStrictEquals(await stream.opened.catch((error) => error), reason);
  assertStrictEquals(await stream.closed.catch((error) => error), reason);
  assert(conn.isClosed);
});

testBoth("no listener stays at the signal", echo, async (open) => {
  const { signal, listeners } = countedSignal(), stream = open({ signal });
  assertEquals(listeners(), 1);
  await stream.opened;
  await Promise.resolve();
  assertEquals(listeners(), 0);
  stream.close();
  await stream.closed;
});

// backpressure-receive.any.js
const COUNT = 48, LARGE = new Uint8Array(1 << 20);
let sent = 0;
testBoth("who does not read holds the peer back", async (conn) => {
  sent = 0;
  const socket = await accept(conn);
  for (; sent < COUNT; sent++) await socket.send(LARGE);
  await socket.close().catch(() => {});
}, async (open) => {
  const stream = open(), { readable } = await stream.opened;
  let before = -1;
  while (before < sent || before === 0) { // until nothing moves any more
    before = sent;
    await moments();
  }
  assert(sent < COUNT, `${sent} of ${COUNT} were sent to nobody`);
  let received = 0;
  for await (const message of readable) received += message.length;
  assertEquals(received, COUNT * LARGE.length);
  await stream.closed;
});

// backpressure-send.any.js
let mayRead = Promise.withResolvers<void>();
testBoth("a write waits for a peer that does not read", async (conn) => {
  const peer = await HandPeer.opened(conn);
  await mayRead.promise;
  await peer.close(1000);
  await peer.finish();
}, async (open) => {
  mayRead = Promise.withResolvers();
  const stream = open(), { writable } = await stream.opened;
  let isWritten = false;
  const writing = writable.getWriter().write(new Uint8Array(32 << 20)).catch(() => {}).then(() => isWritten = true);
  for (let i = 0; i < 8; i++) await moments();
  assert(!isWritten);
  mayRead.resolve();
  await writing;
  await stream.closed.catch(() => {});
});

// close.any.js
/** What was closed with, and what comes of it at both ends. */
const CLOSES: readonly [
  name: string,
  close: (stream: WebSocketStream) => unknown,
  closeCode: number,
  reason: string,
][] = [
  ["a code and a reason", (stream) => stream.close({ closeCode: 3456, reason: "enough" }), 3456, "enough"],
  ["no argument", (stream) => stream.close(), 1005, ""],
  ["neither code nor reason", (stream) => stream.close({}), 1005, ""],
  ["an empty reason", (stream) => stream.close({ reason: "" }), 1005, ""],
  ["a reason alone", (stream) => stream.close({ reason: "enough" }), 1000, "enough"],
  ["the end of the writable side", async (stream) => (await stream.opened).writable.getWriter().close(), 1005, ""],
];
for (const [stop, side] of [["abort", "writable"], ["cancel", "readable"]] as const) {
  const by = (reason?: unknown) => async (stream: WebSocketStream) => {
    const info = await stream.opened;
    await (stop === "abort" ? info.writable.abort(reason) : info.readable.cancel(reason));
  };
  (CLOSES as typeof CLOSES[number][]).push(
    [`${stop}() of ${side}`, by(), 1005, ""],
    [`${stop}() of ${side} with an object that is no error`, by({ closeCode: 3000, reason: "x" }), 1005, ""],
    [`${stop}() of ${side} with a code`, by(new WebSocketError("", { closeCode: 3333 })), 3333, ""],
    [`${stop}() of ${side} with both`, by(new WebSocketError("", { closeCode: 3456, reason: "x" })), 3456, "x"],
    [`${stop}() of ${side} with a reason`, by(new WebSocketError("", { reason: "x" })), 1000, "x"],
    [`${stop}() of ${side} with another error`, by(new DOMException("x", "DataCloneError")), 1005, ""],
  );
}
for (const [name, close, closeCode, reason] of CLOSES) {
  let seen: unknown;
  testBoth(`a close by ${name} is clean, and the peer sees it`, async (conn) => {
    const socket = await accept(conn);
    seen = await socket.receive();
  }, async (open) => {
    const stream = open();
    await stream.opened;
    await Promise.all([close(stream), stream.closed]);
    assertEquals((await stream.closed).closeCode, closeCode);
    await moments();
    assertEquals(seen, { closeCode, reason });
  });
}

/** A stream that close() refuses to close, and that works on. */
const stillOpen = (check: (stream: WebSocketStream) => void) => async (open: Open) => {
  const stream = open(), { readable, writable } = await stream.opened;
  check(stream);
  await writable.getWriter().write("open");
  assertEquals((await readable.getReader().read()).value, "open");
  stream.close();
  await stream.closed;
};

testBoth(
  "close(true) is a TypeError",
  echo,
  stillOpen((stream) => {
    assertThrows(() => stream.close(true as unknown as object), TypeError);
  }),
);

testBoth(
  "a close with a reason that is too long throws",
  echo,
  stillOpen((stream) => {
    assertDomError(() => stream.close({ reason: "x".repeat(124) }), "SyntaxError");
  }),
);

for (const closeCode of [999, 1001, 2999, 5000]) {
  testBoth(
    `a close with the code ${closeCode} throws`,
    echo,
    stillOpen((stream) => {
      assertDomError(() => stream.close({ closeCode }), "InvalidAccessError");
    }),
  );
}

testBoth("a close during the handshake ends it", unanswered, async (open) => {
  asked = Promise.withResolvers();
  const stream = open();
  await asked.promise;
  stream.close();
  await assertNotOpened(stream);
});

let mayAnswer = Promise.withResolvers<void>(), hasAnswered = false;
testBoth("close() of a writer waits for the peer's Close frame", async (conn) => {
  hasAnswered = false;
  const peer = await HandPeer.opened(conn);
  assertEquals((await peer.read())![0], 0x88);
  await mayAnswer.promise;
  hasAnswered = true;
  await peer.close();
  await peer.finish();
}, async (open) => {
  mayAnswer = Promise.withResolvers();
  const stream = open(), { writable } = await stream.opened;
  const closing = writable.getWriter().close().then(() => hasAnswered);
  await moments();
  mayAnswer.resolve();
  assert(await closing);
  await stream.closed;
});

testBoth("a Close frame that is not answered is no clean close", async (conn) => {
  const peer = await HandPeer.opened(conn);
  assertEquals((await peer.read())![0], 0x88);
  await peer.finish();
}, async (open) => {
  const stream = open();
  await stream.opened;
  stream.close({ closeCode: 3000 });
  const error = await assertRejects(() => stream.closed, WebSocketError);
  assertEquals([error.constructor, error.closeCode], [WebSocketError, 1006]);
});

// constructor.any.js
test("without a URL it can't be made", () => {
  assertThrows(() => Reflect.construct(WebSocketStream, []), TypeError, "the URL is missing");
});

test("with a URL that is none it can't be made", () => {
  assertDomError(() => new WebSocketStream("invalid:"), "SyntaxError");
});

test("options that are no object are a TypeError", () => {
  assertThrows(() => new WebSocketStream("ws://localhost/", true as unknown as WebSocketStreamInit), TypeError);
});

test("subprotocols are a list", () => {
  assertThrows(() => new WebSocketStream("ws://localhost/", { protocols: "hi" as unknown as string[] }), TypeError);
});

testBoth("a stream tells its URL", echo, async (open) => {
  const stream = open();
  await stream.opened;
  assert(/^wss?:\/\/127\.0\.0\.1:\d+\/$/.test(stream.url), stream.url);
  assertEquals(String(stream), "[object WebSocketStream]");
  stream.close();
  await stream.closed;
});

testBoth("a subprotocol is agreed on", async (conn) => {
  const socket = await accept(conn, { protocols: ["alpha"] });
  socket.send(socket.protocol);
  await socket.receive();
}, async (open) => {
  const stream = open({ protocols: ["alpha", "beta"] }), { readable, protocol } = await stream.opened;
  assertEquals([protocol, (await readable.getReader().read()).value], ["alpha", "alpha"]);
  stream.close();
  await stream.closed;
});

testBoth("a refusal rejects both promises, and is the cause", async (conn) => {
  await assertRejects(() => accept(conn, { authorize: () => new Response("", { status: 404 }) }), HandshakeError);
}, async (open) => {
  const { cause } = await assertNotOpened(open());
  assertInstanceOf(cause, HandshakeError);
  assertEquals(cause.response?.status, 404);
});

testBoth("what is opened has the web's types", echo, async (open) => {
  const stream = open(), { readable, writable, protocol, extensions } = await stream.opened;
  ReadableStream.prototype.getReader.call(readable).releaseLock();
  WritableStream.prototype.getWriter.call(writable).releaseLock();
  assertEquals([protocol, extensions], ["", ""]);
  stream.close();
  await stream.closed;
});

// read.any.js
testBoth("binary comes as a Uint8Array of its own", echo, async (open) => {
  const stream = open(), { readable, writable } = await stream.opened;
  await writable.getWriter().write(new Uint8Array(16));
  const { value } = await readable.getReader().read();
  assert(value instanceof Uint8Array);
  assertEquals([value.constructor, value.byteLength, value.buffer.byteLength], [Uint8Array, 16, 16]);
  stream.close();
  await stream.closed;
});

// Beyond the public tests
test("nothing is left unhandled by who looks at no promise", async () => {
  await handlingAll(async () => {
    const [conn] = connectionPair();
    const stream = new WebSocketStream("ws://localhost/", {}, { conn });
    stream.close();
    await moments();
  });
});

testBoth("messages are compressed where the bag says so, and fields are sent", async (conn) => {
  const socket = await accept(conn, { compression: true, protocols: ["a"] });
  await socket.receive((message) => socket.send(`${socket.request.headers.get("x-token")} ${message}`));
}, async (open) => {
  const stream = open({ protocols: ["a"] }, { compression: true, headers: { "x-token": "42" } });
  const { readable, writable, extensions } = await stream.opened;
  assert(extensions.startsWith("permessage-deflate"), extensions);
  await writable.getWriter().write("x".repeat(5000));
  assertEquals((await readable.getReader().read()).value, `42 ${"x".repeat(5000)}`);
  stream.close();
  await stream.closed;
});
