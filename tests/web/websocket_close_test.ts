// How a WebSocket is closed, over sockets, on ws and wss. Each test names the public one that it answers to.

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { accept, type Clock, HandshakeError, WebSocketError } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { CloseEvent, ErrorEvent, WebSocket } from "../../src/websocket.ts";
import { assertDomError } from "../kit/assert_dom_error.ts";
import { handlingAll, latin1, test } from "../kit/harness.ts";
import { listen } from "../kit/tcp.ts";
import { cleanly, closeBack, echo, HandPeer, next, testSocket } from "./peers.ts";
import { Answers } from "./public_files.ts";

const answers = new Answers("close");

/** What is closed with, and what the event then says, of a server that closes with the same. */
const CLOSES: readonly [
  file: Parameters<typeof answers.test>[0],
  args: [(number | undefined)?, string?],
  code: number,
  reason: string,
][] = [
  ["Close-1000", [1000], 1000, ""],
  ["Close-1000-reason", [1000, "enough"], 1000, "enough"],
  ["Close-1000-verify-code", [1000, "enough"], 1000, "enough"],
  ["Close-1005-verify-code", [], 1005, ""],
  ["Close-3000-reason", [3000, "done"], 3000, "done"],
  ["Close-3000-verify-code", [3000, "done"], 3000, "done"],
  ["Close-4999-reason", [4999, "done"], 4999, "done"],
  ["Close-readyState-Closed", [], 1005, ""],
  ["Close-reason-unpaired-surrogates", [1000, "\ud807"], 1000, "\ufffd"],
  ["Close-undefined", [undefined], 1005, ""],
];
for (const [file, args, code, reason] of CLOSES) {
  answers.test(file, `closed with ${JSON.stringify(args)}, the peer's ${code} is told`, closeBack, async (open) => {
    const socket = open();
    await next(socket, "open");
    socket.close(...args);
    const event = await cleanly(socket);
    assertInstanceOf(event, CloseEvent);
    assertEquals([event.code, event.reason, event.wasClean], [code, reason, true]);
  });
}

const LONG = "é".repeat(62); // 124 bytes
const WRONG: readonly [file: Parameters<typeof answers.test>[0], args: unknown[], name: string][] = [
  ["Close-1005", [1005, "reserved"], "InvalidAccessError"],
  ["Close-2999-reason", [2999, "below"], "InvalidAccessError"],
  ["Close-onlyReason", ["a reason"], "InvalidAccessError"],
  ["Close-Reason-124Bytes", [1000, LONG], "SyntaxError"],
];
for (const [file, args, name] of WRONG) {
  answers.test(file, `close(${args}) is refused, and the WebSocket stays open`, echo, async (open) => {
    const socket = open();
    await next(socket, "open");
    assertDomError(() => socket.close(...args as [number]), name);
    assertEquals(socket.readyState, 1);
    socket.send("still here");
    await next(socket, "message");
    socket.close();
    await cleanly(socket);
  });
}

for (const code of [0, 500, NaN, "string", null, 0x10000 + 1000]) {
  answers.test(
    "close-invalid",
    `before it is open close(${code}) is refused, and nothing happens`,
    echo,
    async (open) => {
      const socket = open(), failed: Event[] = [];
      socket.onerror = (event) => void failed.push(event);
      assertDomError(() => socket.close(code as number), "InvalidAccessError");
      await next(socket, "open");
      socket.close();
      await cleanly(socket);
      assertEquals(failed, []);
    },
  );
}

let mayAnswer = Promise.withResolvers<void>();
answers.test("Close-delayed", "it is closing until the peer has answered", async (conn) => {
  const peer = await HandPeer.opened(conn), { close } = await peer.closed();
  assertEquals(close, 1005);
  await mayAnswer.promise;
  await peer.close();
  await peer.finish();
}, async (open) => {
  mayAnswer = Promise.withResolvers();
  const socket = open();
  await next(socket, "open");
  socket.close();
  const closed = cleanly(socket);
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 0)); // turns, in which nothing may happen
    assertEquals(socket.readyState, WebSocket.CLOSING);
  }
  mayAnswer.resolve();
  await closed;
});

answers.test("Close-readyState-Closing", "behind close() it is closing at once", closeBack, async (open) => {
  const socket = open();
  await next(socket, "open");
  socket.close();
  assertEquals(socket.readyState, WebSocket.CLOSING);
  socket.close(3000); // does nothing any more
  assertEquals((await cleanly(socket)).code, 1005);
});

answers.test("Close-server-initiated-close", "a close by the peer is answered, and clean", async (conn) => {
  const peer = await HandPeer.opened(conn);
  await peer.read(); // the goodbye
  await peer.close(4001, "now");
  assertEquals(await peer.closed(), { close: 4001, reason: "" });
  await peer.finish();
}, async (open) => {
  const socket = open();
  await next(socket, "open");
  socket.send("Goodbye");
  const { code, reason } = await cleanly(socket);
  assertEquals([code, reason], [4001, "now"]);
});

/** What happens to a WebSocket, in order, with its state. */
function watched(socket: WebSocket): string[] {
  const seen: string[] = [];
  for (const type of ["open", "message", "error", "close"] as const) {
    socket.addEventListener(type, () => seen.push(`${type} ${socket.readyState}`));
  }
  return seen;
}

let asked = Promise.withResolvers<void>();
const unanswered: typeof echo = async (conn) => {
  const peer = await HandPeer.asked(conn);
  asked.resolve();
  await peer.drain(); // the client has gone
};
const ASYNC = "interfaces/WebSocket/close/close-connecting-async";
answers.test(
  ASYNC,
  "closed before it is open it fails, but not before close() has returned",
  unanswered,
  async (open) => {
    await handlingAll(async () => {
      asked = Promise.withResolvers();
      const socket = open(), seen = watched(socket);
      await asked.promise;
      assertEquals(socket.readyState, WebSocket.CONNECTING);
      const closed = next(socket, "close"), failed = next(socket, "error");
      socket.close();
      assertEquals([socket.readyState, seen.length], [WebSocket.CLOSING, 0]);
      await Promise.resolve();
      assertEquals(seen, [], "not in a microtask either");
      const { code, reason, wasClean } = await closed;
      assertEquals([code, reason, wasClean, seen], [1006, "", false, ["error 3", "close 3"]]);
      assertInstanceOf((await failed).error, WebSocketError);
    });
  },
);

answers.end();

// Beyond the public tests
const FAILURES: readonly [name: string, bytes: string, failure: string][] = [
  ["a frame that is masked", "\x81\x81abcd!", "mask-unexpected"],
  ["text that is not UTF-8", "\x81\x01\xff", "text-not-utf8"],
];
for (const [name, bytes, failure] of FAILURES) {
  testSocket(`${name} fails the WebSocket, with 1006`, async (conn) => {
    const peer = await HandPeer.opened(conn);
    await peer.write(latin1(bytes));
    await peer.closeBack();
  }, async (open) => {
    const socket = open(), seen = watched(socket), failed = next(socket, "error"), closed = next(socket, "close");
    const { error, message } = await failed;
    assert(error instanceof WebSocketError);
    assertEquals([error.failure, error.message], [failure, message]);
    const { code, reason, wasClean } = await closed;
    assertEquals([code, reason, wasClean, seen], [1006, "", false, ["open 1", "error 3", "close 3"]]);
  });
}

testSocket("a lost connection is an error, and 1006", async (conn) => {
  await (await HandPeer.opened(conn)).abort();
}, async (open) => {
  await handlingAll(async () => {
    const socket = open(), seen = watched(socket), { code, wasClean } = await next(socket, "close");
    assertEquals([code, wasClean, seen], [1006, false, ["open 1", "error 3", "close 3"]]);
  });
});

testSocket("a refusal is an error, which has the response", async (conn) => {
  const peer = await HandPeer.asked(conn);
  await peer.write(latin1("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno!\n"));
  await peer.finish();
}, async (open) => {
  const socket = open(), failed = next(socket, "error"), closed = next(socket, "close");
  const event = await failed;
  assertInstanceOf(event, ErrorEvent);
  assertInstanceOf(event.error, HandshakeError);
  assertEquals([event.error.response?.status, await event.error.response?.text()], [403, "no!\n"]);
  const { code, wasClean } = await closed;
  assertEquals([code, wasClean, socket.readyState], [1006, false, 3]);
});

test("where nothing listens it fails, and nothing is unhandled", async () => {
  const listener = await listen(), { port } = listener;
  listener.close();
  await handlingAll(async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`), failed = next(socket, "error");
    const { error } = await failed;
    assert(error instanceof HandshakeError);
    assertEquals([error.failure, socket.readyState], ["dial-failed", 3]);
  });
});

test("closed in the turn in which it was made it fails, but not before that turn is over", async () => {
  const [conn] = connectionPair(), socket = new WebSocket("ws://localhost/", [], { conn }), seen = watched(socket);
  socket.close();
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assertEquals([socket.readyState, seen], [2, []]);
  await next(socket, "close");
  assertEquals([conn.isClosed, seen], [true, ["error 3", "close 3"]]);
});

test("closed when it is opened, and nobody knows it yet, it fails, and the connection is dropped", async () => {
  const [conn, far] = connectionPair(),
    clock: Clock = {
      now: () => performance.now(),
      setTimeout: (callback, delay) => setTimeout(callback, delay),
      clearTimeout(timer) {
        clearTimeout(timer as number);
        socket.close(); // the deadline of the handshake is cleared: it has succeeded
      },
    };
  const socket = new WebSocket("ws://localhost/", [], { conn, clock }), seen = watched(socket);
  const accepted = await accept(far), closed = next(socket, "close");
  assertEquals([(await closed).code, seen], [1006, ["error 3", "close 3"]]);
  await accepted.closed.catch(() => {});
});

testSocket("a close in a handler of open comes before any message, and what comes then is not told", async (conn) => {
  const socket = await accept(conn);
  socket.send("a");
  socket.send("b");
  await socket.receive();
}, async (open) => {
  const socket = open(), seen = watched(socket);
  socket.onopen = () => socket.close();
  await cleanly(socket);
  assertEquals(seen, ["open 1", "close 3"]);
});

testSocket("a close code is clamped, and rounded to even", closeBack, async (open) => {
  const socket = open();
  await next(socket, "open");
  for (const wrong of [-1, 999.5 - 1, 1e9, Infinity]) assertDomError(() => socket.close(wrong), "InvalidAccessError");
  assertThrows(() => socket.close(1000n as unknown as number), TypeError);
  socket.close(1000.5);
  assertEquals((await cleanly(socket)).code, 1000);
});
