// Who gets the messages, and when the end is told: on a connection in memory, by both faces.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  attach,
  type CloseInfo,
  type MessageHandler,
  type ReceiveOptions,
  type WebSocketConnection,
  WebSocketError,
} from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { closing } from "../cases/frames_base.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { type Attached, attached, settled } from "../kit/raw_peer.ts";
import { receiveTwos } from "../kit/receiving.ts";

type Received = string | Uint8Array;

/** Each face, as a loop that takes one message after another and waits for `pause` behind each. */
const FACES: Readonly<
  Record<string, (socket: WebSocketConnection, take: (message: Received) => unknown) => Promise<unknown>>
> = {
  "receive()": (socket, take) => socket.receive(take),
  "for await": async (socket, take) => {
    for await (const message of socket.readable) await take(message);
  },
  "pipeTo()": (socket, take) => socket.readable.pipeTo(new WritableStream({ write: (message) => void take(message) })),
};

/** What a face's loop ends with. */
const endOf = (loop: Promise<unknown>) => loop.then(() => "end", (error) => error);

/** How a peer's bytes end. */
const ENDINGS: Readonly<Record<string, (at: Attached) => void>> = {
  "FIN": ({ peer }) => peer.end(),
  "RST": ({ peer }) => peer.conn.reset(),
};

for (const [how, end] of Object.entries(ENDINGS)) {
  for (const [face, begin] of Object.entries(FACES)) {
    test(`every message that came before a ${how} is taken by ${face}, then the loss is told (RFC 6455 §6.2)`, async () => {
      const at = attached(), got: Received[] = [];
      const loop = endOf(begin(at.socket, async (message) => {
        got.push(message);
        await settled();
      }));
      for (const word of ["one", "two", "three", "four", "five"]) at.peer.frame("server", "text", word);
      await settled();
      end(at);
      const lost = await assertRejects(() => at.socket.closed, WebSocketError);
      assertEquals([lost.failure, at.clock.pending], ["connection-lost", 0]);
      assertStrictEquals(await loop, lost);
      assertEquals(got, ["one", "two", "three", "four", "five"]);
    });

    test(`messages that nobody had asked for before a ${how} are still there for ${face}`, async () => {
      const at = attached(), got: Received[] = [];
      for (const word of ["one", "two"]) at.peer.frame("server", "text", word);
      await settled();
      end(at);
      const lost = await assertRejects(() => at.socket.closed, WebSocketError);
      assertStrictEquals(await endOf(begin(at.socket, (message) => void got.push(message))), lost);
      assertEquals(got, ["one", "two"]);
    });
  }

  test(`what a full inbox had held back before a ${how} is taken too`, async () => {
    const at = attached("server", { highWaterMark: 200 }), got: Received[] = [];
    const words = Array.from({ length: 50 }, (_, i) => `${i}`), pause = Promise.withResolvers<void>();
    const loop = endOf(at.socket.receive(async (message) => {
      got.push(message as string);
      await pause.promise;
    }));
    at.peer.write(frames(words));
    await settled();
    end(at);
    for (let i = 0; how === "FIN" && i < 200 && at.socket.state === "open"; i++) await at.clock.advance(1000);
    await assertRejects(() => at.socket.closed, WebSocketError);
    pause.resolve();
    assert(await loop instanceof WebSocketError);
    assertEquals(got, words);
  });
}

/** Text messages in one piece, as a client sends them. */
function frames(words: readonly string[]): Uint8Array {
  return Uint8Array.from(words.flatMap((word) => {
    const bytes = [...new TextEncoder().encode(word)];
    return [0x81, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes];
  }));
}

const CLOSE = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa0); // 4000

/** Echoes that take their time in different ways; each must answer what came in one packet with the peer's Close. */
const ECHOES: Readonly<Record<string, (socket: WebSocketConnection) => Promise<unknown>>> = {
  "receive(), at once": (socket) => socket.receive((message) => socket.send(message)),
  "receive(), a turn later": (socket) =>
    socket.receive(async (message) => {
      await settled();
      await socket.send(message);
    }),
  "for await": async (socket) => {
    for await (const message of socket.readable) await socket.send(message);
  },
  "for await, a turn later": async (socket) => {
    for await (const message of socket.readable) {
      await settled();
      await socket.send(message);
    }
  },
  "a writer": async (socket) => {
    const writer = socket.writable.getWriter();
    for await (const message of socket.readable) await writer.write(message);
  },
  "pipeTo()": (socket) => socket.readable.pipeTo(socket.writable),
  "pipeThrough()": (socket) => socket.readable.pipeThrough(new TransformStream()).pipeTo(socket.writable),
  "pipeThrough(), a turn later": (socket) =>
    socket.readable.pipeThrough(
      new TransformStream({
        async transform(message, controller) {
          await settled();
          controller.enqueue(message);
        },
      }),
    ).pipeTo(socket.writable),
};

for (const [name, echo, end] of Object.entries(ECHOES).flatMap(([n, e]) => [[n, e, false], [n, e, true]] as const)) {
  const what = end ? "a Close and a FIN" : "a Close";
  test(`an echo by ${name} answers messages that came with ${what}, and then the Close (RFC 6455 §5.5.1)`, async () => {
    const { clock, peer, socket } = attached();
    const loop = endOf(echo(socket));
    peer.write(Uint8Array.from([...frames(["a", "b", "c"]), ...CLOSE]));
    if (end) peer.end();
    for (let round = 0; round < 10; round++) await settled();
    assertEquals(peer.frames("server"), [{ text: "a" }, { text: "b" }, { text: "c" }, { close: 4000, reason: "" }]);
    if (!end) peer.end();
    assertEquals(await socket.closed, { closeCode: 4000, reason: "" });
    const result = await loop;
    assert(!(result instanceof Error), `${result}`);
    assertEquals(clock.pending, 0);
  });
}

for (const face of ["nobody", "receive()", "for await"]) {
  test(`a Close behind messages that ${face} does not finish taking is answered after a second`, async () => {
    const { clock, peer, socket } = attached();
    if (face === "receive()") socket.receive(() => new Promise(() => {})).catch(() => {});
    if (face === "for await") socket.readable.getReader().read();
    peer.write(Uint8Array.from([...frames(["a", "b"]), ...CLOSE]));
    await clock.advance(999);
    assertEquals([peer.take(), socket.state], ["", "open"]);
    socket.send("still possible");
    await clock.advance(1);
    assertEquals(peer.frames("server"), [{ text: "still possible" }, { close: 4000, reason: "" }]);
    peer.end();
    assertEquals((await socket.closed).closeCode, 4000);
    assertEquals(clock.pending, 0);
  });
}

test("a Close with nothing before it is answered at once, whether or not anybody reads", async () => {
  for (
    const begin of [() => {}, (s: WebSocketConnection) => void s.receive(), (s: WebSocketConnection) => s.readable]
  ) {
    const { peer, socket } = attached();
    begin(socket);
    peer.frame("server", "close", closing(1000));
    await settled();
    assertEquals(peer.frames("server"), [{ close: 1000, reason: "" }]);
    peer.end();
    assertEquals((await socket.closed).closeCode, 1000);
  }
});

test("an end of the peer's behind its Close is clean, although messages wait", async () => {
  const { clock, peer, socket } = attached();
  peer.write(Uint8Array.from([...frames(["a"]), ...CLOSE]));
  peer.end();
  await clock.advance(1000);
  assertEquals(await socket.closed, { closeCode: 4000, reason: "" });
  const got: unknown[] = [];
  assertEquals(await socket.receive((message) => got.push(message)), { closeCode: 4000, reason: "" });
  assertEquals(got, ["a"]);
});

for (const [code, sent] of [[undefined, 4000], [1001, 1001]] as const) {
  test(`close() while the peer's Close waits answers it, with ${code ?? "its own code"}`, async () => {
    const { peer, socket } = attached();
    peer.write(Uint8Array.from([...frames(["a"]), ...CLOSE]));
    await settled();
    const closed = socket.close(code === undefined ? {} : { closeCode: code });
    await settled();
    assertEquals(peer.frames("server"), [{ close: sent, reason: "" }]);
    peer.end();
    assertEquals((await closed).closeCode, 4000);
    assertEquals((await socket.readable.getReader().read()).value, "a");
  });
}

test("a broken rule is told to the peer at once, and to the reader behind what it has (RFC 6455 §7.1.7)", async () => {
  for (const [face, begin] of Object.entries(FACES)) {
    const { peer, socket } = attached(), got: Received[] = [], pause = Promise.withResolvers<void>();
    const loop = endOf(begin(socket, async (message) => {
      got.push(message);
      await pause.promise;
    }));
    peer.write(Uint8Array.from([...frames(["a", "b"]), 0x83, 0x80, 0, 0, 0, 0]));
    await settled();
    assertEquals(peer.frames("server"), [{ close: 1002, reason: "The opcode is reserved" }], face);
    peer.end();
    const failed = await assertRejects(() => socket.closed, WebSocketError);
    pause.resolve();
    assertStrictEquals(await loop, failed);
    assertEquals([got, failed.failure], [["a", "b"], "opcode-reserved"], face);
  }
});

test("the last handler is waited for before the end is told, and what it rejects with is not lost", async () => {
  for (const fails of [false, true]) {
    const { peer, socket } = attached(), pause = Promise.withResolvers<void>();
    let isOver = false;
    const received = socket.receive(() => pause.promise).finally(() => isOver = true);
    received.catch(() => {});
    peer.frame("server", "text", "a");
    await settled();
    peer.conn.reset();
    const lost = await assertRejects(() => socket.closed, WebSocketError);
    await settled();
    assertEquals(isOver, false);
    const failure = new Error("the handler has failed");
    if (fails) pause.reject(failure);
    else pause.resolve();
    assertStrictEquals(await received.catch((error) => error), fails ? failure : lost);
  }
});

test("an echo that waits for room when the connection is lost gets all messages, then rejects with the loss, and nobody has to handle it", async () => {
  await handlingAll(async () => {
    for (const waiting of [0, 3]) {
      const { peer, socket } = attached("server", { highWaterMark: 10_000 }, { highWaterMark: 1, reads: false });
      let count = 0;
      const received = socket.receive((message) => {
        count++;
        return socket.send(message);
      });
      for (const length of [20_000, 1000, 1000, 1000].slice(0, 1 + waiting)) {
        peer.frame("server", "binary", Array.from({ length }, () => 0));
      }
      await settled();
      peer.conn.reset();
      const lost = await assertRejects(() => socket.closed, WebSocketError);
      await settled();
      assertStrictEquals(await received.catch((error) => error), lost);
      assertEquals(count, 1 + waiting); // it is handed what came before the loss, though it can answer none of it
    }
  });
});

test("a pipe into the writable side from elsewhere does not delay the answer to a Close", async () => {
  const { peer, socket } = attached();
  new ReadableStream<string>().pipeTo(socket.writable).catch(() => {});
  const loop = (async () => {
    for await (const _ of socket.readable) await settled();
  })();
  peer.write(Uint8Array.from([...frames(["a"]), ...CLOSE]));
  for (let round = 0; round < 5; round++) await settled();
  assertEquals(peer.frames("server"), [{ close: 4000, reason: "" }]);
  peer.end();
  await loop;
});

test("what a handler sends after the loss says what it was", async () => {
  const { conn, socket, peer } = attached("server", { maxBufferedAmount: 1000 }, { highWaterMark: 1 });
  const received = socket.receive(() => {
    for (let i = 0; i < 3; i++) socket.send(new Uint8Array(800));
  });
  peer.frame("server", "text", "a");
  const error = await assertRejects(() => received, DOMException) as DOMException & { cause?: unknown };
  assertEquals([error.name, (error.cause as WebSocketError).failure], ["InvalidStateError", "send-buffer-full"]);
  assertEquals(conn.isClosed, true);
});

test("abort() throws away what waits, by either face", async () => {
  for (const [face, begin] of Object.entries(FACES)) {
    const { peer, socket } = attached(), got: Received[] = [], pause = Promise.withResolvers<void>();
    const loop = endOf(begin(socket, async (message) => {
      got.push(message);
      await pause.promise;
    }));
    peer.write(frames(["a", "b", "c"]));
    await settled();
    socket.abort();
    const aborted = await assertRejects(() => socket.closed, WebSocketError);
    if (face === "receive()") assertStrictEquals(await loop, aborted);
    pause.resolve();
    assertStrictEquals(await loop, aborted);
    if (face !== "pipeTo()") assertEquals(got, ["a"], face); // a pipe has taken what it could
  }
});

test("receive() without a handler throws messages away, and is told the end", async () => {
  const { peer, socket } = attached();
  peer.frame("server", "text", "before");
  await settled();
  const received: Promise<CloseInfo> = socket.receive();
  for (let i = 0; i < 100; i++) peer.frame("server", "binary", Array.from({ length: 5000 }, () => 0));
  peer.frame("server", "ping", "?");
  await settled();
  assertEquals(peer.frames("server"), [{ pong: "3f" }]);
  await assertRejects(() => socket.receive(() => {}), TypeError, "already being read");
  peer.frame("server", "close");
  peer.end();
  assertEquals((await received).closeCode, 1005);
});

test("receive() refuses an option that is wrong, and the messages can still be taken", async () => {
  const { peer, socket } = attached(), got: Received[] = [];
  for (const options of [null, true, { reuse: 1 }, { reuse: "false" }, { reuse: null }]) {
    await assertRejects(
      () => socket.receive(() => {}, options as unknown as ReceiveOptions),
      TypeError,
      "Cannot use the option",
    );
  }
  const received = socket.receive((message) => void got.push(message), { reuse: undefined });
  peer.frame("server", "text", "a");
  peer.frame("server", "close");
  peer.end();
  await received;
  assertEquals(got, ["a"]);
});

test("who only sends answers Pings and Closes, is told of losses, and keeps its deadlines", async () => {
  const { clock, peer, socket } = attached("server", { idleTimeout: 1000 });
  socket.send("an event");
  peer.frame("server", "ping", "?");
  await settled();
  assertEquals(peer.frames("server"), [{ text: "an event" }, { pong: "3f" }]);
  await clock.advance(1000);
  assertEquals((await assertRejects(() => socket.closed, WebSocketError)).failure, "ping-timeout");

  const other = attached();
  other.socket.send("an event");
  other.peer.frame("server", "close", closing(1001));
  await settled();
  assertEquals(other.peer.frames("server"), [{ text: "an event" }, { close: 1001, reason: "" }]);
});

test("more waiting to be written than maxBufferedAmount drops the peer; one message alone may be larger", async () => {
  const { clock, conn, socket } = attached("server", { highWaterMark: 1000, maxBufferedAmount: 10_000 }, {
    reads: false,
    highWaterMark: 1,
  });
  socket.send(new Uint8Array(50_000));
  assertEquals(socket.state, "open");
  assert(socket.bufferedAmount >= 50_000, `${socket.bufferedAmount}`);
  const room = socket.send(new Uint8Array(1)) as Promise<void>;
  const full = await assertRejects(() => socket.closed, WebSocketError, "maxBufferedAmount is 10000");
  assertEquals([full.failure, full.closeCode, conn.isClosed, clock.pending], ["send-buffer-full", 1006, true, 0]);
  assertStrictEquals(await room.catch((error) => error), full);
});

test("send() and ping() on a connection that is not open say how it ended", async () => {
  const { socket } = attached();
  socket.abort(new Error("enough"));
  const lost = await assertRejects(() => socket.closed, WebSocketError);
  const unsent = await assertRejects(async () => await socket.send("late"), DOMException, "Cannot send");
  assertEquals([unsent.name, (unsent as { cause?: unknown }).cause], ["InvalidStateError", lost]);
  const unasked = await assertRejects(() => socket.ping(), DOMException, "Cannot ping");
  assertStrictEquals((unasked as { cause?: unknown }).cause, lost);

  const { peer, socket: other } = attached();
  peer.frame("server", "close", closing(4001));
  peer.end();
  await other.closed;
  const late = await assertRejects(async () => await other.send("late"), DOMException);
  assertEquals(((late as { cause?: unknown }).cause as WebSocketError).closeCode, 4001);
});

/** More than what a frame is written into at a time: it comes in several chunks, and is gathered. */
const GATHERED = 100_000;

test("with reuse, the memory of a message that was gathered is used again behind its handler, and not without", async () => {
  for (const reuse of [true, false]) {
    const messages = await receiveTwos(connectionPair(), GATHERED, reuse, (message) => {
      return { message, first: message[0], last: message.at(-1), length: message.length };
    });
    assertEquals(
      messages.map(({ first, last, length }) => [first, last, length]),
      Array.from({ length: 100 }, (_, i) => [i, i, GATHERED]),
    );
    const kept = messages.filter(({ message, first }) => message[0] === first).length;
    assert(reuse ? kept < 10 : kept === 100, `${kept} of 100 are as they came, reuse: ${reuse}`);
  }
});

test("with reuse, a message that was gathered stays as it is while its handler's promise is pending", async () => {
  const same = await receiveTwos(connectionPair(), GATHERED, true, async (message) => {
    const before = message[0];
    for (let turn = 0; turn < 5; turn++) await settled();
    return message[0] === before && message.at(-1) === before;
  });
  assertEquals(same, Array.from({ length: 100 }, () => true));
});

test("with reuse, the memory of a message that was gathered is used again once its handler's promise is fulfilled", async () => {
  for (const reuse of [true, false]) {
    const messages = await receiveTwos(connectionPair(), GATHERED, reuse, async (message) => {
      const first = message[0];
      await settled();
      return { message, first, isSame: message[0] === first && message.at(-1) === first };
    });
    assert(messages.every(({ isSame }) => isSame), "none changes before");
    const kept = messages.filter(({ message, first }) => message[0] === first).length;
    assert(reuse ? kept < 10 : kept === 100, `${kept} of 100 are as they came, reuse: ${reuse}`);
  }
});

test("with reuse, a promise of somebody else's that is fulfilled at once, and twice, gives memory back once", async () => {
  const AGREED = { protocol: "", extensions: "" };
  const receiving = (handler: MessageHandler) => {
    const [a, b] = connectionPair(), socket = attach(b, { role: "server", ...AGREED });
    return { client: attach(a, { role: "client", ...AGREED }), end: socket.receive(handler, { reuse: true }) };
  };
  const twice = receiving(() => ({ then: (done: () => void) => (done(), done()) }));
  twice.client.send(new Uint8Array(GATHERED));
  await settled();
  const held: Uint8Array[] = [], never = Promise.withResolvers<void>();
  const others = [1, 2].map(() => receiving((message) => (held.push(message as Uint8Array), never.promise)));
  others.forEach(({ client }, i) => client.send(new Uint8Array(GATHERED).fill(i + 1)));
  await settled();
  assertEquals(held.map((message) => [message.length, message[0], message.at(-1)]), [
    [GATHERED, 1, 1],
    [GATHERED, 2, 2],
  ]);
  never.resolve();
  await Promise.all([twice, ...others].flatMap(({ client, end }) => [client.close(), end]));
});
