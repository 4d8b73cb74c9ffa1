// Messages that are received in pieces: on a connection in memory, with the peer by hand, by both faces.

import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import {
  attach,
  type MessagePieces,
  type ReceivedOrPieces,
  type WebSocketConnection,
  WebSocketError,
} from "../../mod.ts";
import type { AttachOptions, ConnectionOptions } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { type Attached, attached, settled } from "../kit/raw_peer.ts";

type Socket = WebSocketConnection<ReceivedOrPieces>;
type At = Omit<Attached, "socket"> & { readonly socket: Socket };

/** A server's end that gets every message in pieces, unless the options say otherwise. */
function streaming(options: AttachOptions & { streamAbove?: number; maxStreamedSize?: number } = {}): At {
  const streamed: ConnectionOptions & { streamAbove: number } = { streamAbove: 0, ...options };
  return attached("server", streamed) as At;
}

const OPEN = { fin: false };

/** Each face, as a loop that takes one message after another. */
const FACES: Readonly<
  Record<string, (socket: Socket, take: (message: ReceivedOrPieces) => unknown) => Promise<unknown>>
> = {
  "receive()": (socket, take) => socket.receive(take),
  "for await": async (socket, take) => {
    for await (const message of socket.readable) await take(message);
  },
};

const endOf = (loop: Promise<unknown>) => loop.then(() => "end", (error) => error);

const asPieces = (message: ReceivedOrPieces) => message as MessagePieces;

/** Reads to the end; the pieces that were there before it failed are kept. */
async function readAll(message: ReceivedOrPieces, into: unknown[]): Promise<void> {
  for await (const piece of asPieces(message)) into.push(typeof piece === "string" ? piece : [...piece]);
}

for (const [face, begin] of Object.entries(FACES)) {
  test(`${face} gets a message as soon as it begins, and its pieces as they come (RFC 6455 §5.4)`, async () => {
    const { socket, peer } = streaming(), got: unknown[] = [];
    const loop = endOf(begin(socket, async (message) => {
      got.push(asPieces(message).type);
      await readAll(message, got);
      got.push("end");
    }));
    const steps: readonly (readonly [() => void, readonly unknown[]])[] = [
      [() => peer.frame("server", "text", "", OPEN), ["text"]],
      [() => peer.frame("server", "continuation", "one", OPEN), ["one"]],
      [() => peer.frame("server", "ping", "p"), []],
      [() => peer.frame("server", "continuation", [0xc3], OPEN), []],
      [() => peer.frame("server", "continuation", [0xa9]), ["é", "end"]],
      [() => peer.frame("server", "binary", [1, 2]), ["binary", [1, 2], "end"]],
      [() => peer.frame("server", "binary"), ["binary", "end"]],
    ];
    for (const [step, expected] of steps) {
      step();
      await settled();
      assertEquals(got.splice(0), expected);
    }
    peer.frame("server", "close", [0x03, 0xe8]);
    peer.end();
    assertEquals(await loop, "end");
  });

  test(`${face} gets messages and those in pieces in order, each behind the end of the one before`, async () => {
    const { socket, peer } = streaming({ streamAbove: 3 }), got: unknown[] = [];
    const loop = endOf(begin(socket, async (message) => {
      if (typeof message === "string") return void got.push(message);
      await settled();
      await readAll(message, got);
      got.push("end");
    }));
    for (const word of ["one", "long1", "two", "long2", "long3", "six"]) peer.frame("server", "text", word);
    peer.frame("server", "close", [0x03, 0xe8]);
    for (let i = 0; i < 10; i++) await settled();
    assertEquals(got, ["one", "long1", "end", "two", "long2", "end", "long3", "end", "six"]);
    peer.end();
    assertEquals(await loop, "end");
    assertEquals(peer.frames("server"), [{ close: 1000, reason: "" }]);
  });

  test(`${face}: cancel() throws away the rest of that message alone`, async () => {
    for (const whole of [false, true]) {
      const { socket, peer } = streaming(), got: unknown[] = [];
      const loop = endOf(begin(socket, async (message) => {
        if (got.length > 0) return await readAll(message, got);
        got.push("cancelled");
        await asPieces(message).cancel(new Error("Enough"));
      }));
      peer.frame("server", "text", "one", OPEN);
      if (!whole) await settled();
      peer.frame("server", "continuation", "not wanted");
      peer.frame("server", "text", "two");
      await settled();
      assertEquals(got, ["cancelled", "two"]);
      socket.abort();
      assertInstanceOf(await loop, WebSocketError);
    }
  });

  const ENDS: Readonly<Record<string, (at: At) => unknown>> = {
    "a reset": ({ peer }) => peer.conn.reset(),
    "the peer's end": ({ peer }) => peer.end(),
    "a rule that the peer breaks": ({ peer }) => peer.write("\xff\xff"),
    "text that is not UTF-8": ({ peer }) => peer.frame("server", "continuation", [0xff]),
    "a Close frame of the peer's": ({ peer }) => peer.frame("server", "close", [0x03, 0xe8]),
    "our close()": ({ socket }) => void socket.close(),
  };
  for (const [how, end] of Object.entries(ENDS)) {
    test(`${face}: ${how} inside a message fails its pieces, behind those that came (RFC 6455 §7.1.7)`, async () => {
      await handlingAll(async () => {
        const at = streaming(), { socket, peer } = at, got: unknown[] = [], gate = Promise.withResolvers<void>();
        let error: unknown;
        const loop = endOf(begin(socket, async (message) => {
          await gate.promise;
          await readAll(message, got).catch((reason) => error = reason);
        }));
        peer.frame("server", "text", "one", OPEN);
        peer.frame("server", "continuation", "two", OPEN);
        await settled();
        end(at);
        await settled();
        gate.resolve();
        await settled();
        assertEquals(got, ["one", "two"]);
        assertInstanceOf(error, DOMException);
        if (how === "our close()") peer.frame("server", "close");
        peer.end();
        const outcome = await endOf(socket.closed);
        if (outcome instanceof WebSocketError) assertStrictEquals(error, outcome);
        const ended = await loop;
        assert(ended === "end" || ended instanceof DOMException, `${ended}`);
        assertEquals(at.clock.pending, 0);
      });
    });
  }

  test(`${face}: abort() fails the pieces at once`, async () => {
    await handlingAll(async () => {
      const { socket, peer, clock } = streaming(), got: unknown[] = [], gate = Promise.withResolvers<void>();
      let error: unknown;
      const loop = endOf(begin(socket, async (message) => {
        await gate.promise;
        await readAll(message, got).catch((reason) => error = reason);
      }));
      peer.frame("server", "text", "one", OPEN);
      await settled();
      socket.abort();
      gate.resolve();
      assertInstanceOf(await loop, WebSocketError);
      await settled();
      assertEquals([got, clock.pending], [[], 0]);
      assertInstanceOf(error, WebSocketError);
    });
  });

  test(`${face}: a slow reader of pieces stops the sender, and Pings are still answered (RFC 6455 §5.5.2)`, async () => {
    const [here, there] = connectionPair({ highWaterMark: 1000 }), limits = { highWaterMark: 1000 };
    const sender = attach(here, { role: "client", protocol: "", extensions: "" }, limits);
    const socket = attach(there, { role: "server", protocol: "", extensions: "" }, { ...limits, streamAbove: 0 });
    let given = 0, taken = 0;
    async function* endless() {
      for (;; given++) yield await Promise.resolve(new Uint8Array(500));
    }
    const reads = Promise.withResolvers<ReadableStreamDefaultReader<unknown>>();
    const loop = endOf(begin(socket, async (message) => {
      const reader = asPieces(message).getReader();
      reads.resolve(reader);
      await reader.closed;
    }));
    const sent = endOf(Promise.resolve(sender.send(endless())));
    const reader = await reads.promise, most = 16;
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 50; i++) await settled();
      assert(given - taken <= most && given > taken, `${given} were given, ${taken} taken`);
      for (const until = taken + 20; taken < until;) {
        const { value } = await reader.read() as { value: Uint8Array };
        taken += value.length / 500;
      }
    }
    await reader.cancel();
    for (let i = 0; i < 50; i++) await settled();
    assert(given > taken + 2 * most, "what is thrown away holds nobody back");
    for (const end of [sender, socket]) end.abort();
    for (const end of [loop, sent]) assertInstanceOf(await end, WebSocketError);
  });
}

test("receive() throws away what its handler has not taken when it is done", async () => {
  const { socket, peer } = streaming(), got: unknown[] = [], kept: MessagePieces[] = [];
  socket.receive((message) => {
    kept.push(asPieces(message));
    if (kept.length === 2) return Promise.resolve();
    if (kept.length === 3) readAll(message, got);
    return undefined;
  }).catch(() => {});
  peer.frame("server", "text", "one", OPEN);
  peer.frame("server", "continuation", "more");
  peer.frame("server", "text", "two");
  peer.frame("server", "text", "three", OPEN);
  await settled();
  assertEquals([kept.length, got], [3, ["three"]]);
  for (const pieces of kept.slice(0, 2)) {
    const error = await assertRejects(() => readAll(pieces, []), DOMException, "the handler has not taken it");
    assertEquals(error.name, "AbortError");
  }
  peer.frame("server", "continuation", "end");
  await settled();
  assertEquals(got, ["three", "end"]);
  socket.abort();
});

test("receive() hands over the next message when the handler and the reader of the pieces are done", async () => {
  const { socket, peer } = streaming({ streamAbove: 3 }), log: string[] = [], gate = Promise.withResolvers<void>();
  socket.receive(async (message) => {
    if (typeof message === "string") return void log.push(message);
    log.push("begin");
    readAll(message, []).then(() => log.push("read"));
    await gate.promise;
    log.push("handled");
  }).catch(() => {});
  peer.frame("server", "text", "long message");
  peer.frame("server", "text", "two");
  await settled();
  assertEquals(log, ["begin", "read"]);
  gate.resolve();
  await settled();
  assertEquals(log, ["begin", "read", "handled", "two"]);
  socket.abort();
});

test("receive() closes with 1011 for a handler that fails with a message in pieces in its hands", async () => {
  await handlingAll(async () => {
    for (const isAsync of [false, true]) {
      const { socket, peer } = streaming(), wrong = new Error("Wrong");
      let kept: MessagePieces | undefined;
      const received = endOf(socket.receive((message) => {
        kept = asPieces(message);
        if (isAsync) return Promise.reject(wrong);
        throw wrong;
      }));
      peer.frame("server", "text", "one", OPEN);
      await settled();
      assertStrictEquals(await received, wrong);
      assertEquals(peer.frames("server"), [{ close: 1011, reason: "" }]);
      await assertRejects(() => readAll(kept!, []), DOMException);
      socket.abort();
    }
  });
});

test("receive() without a handler throws messages in pieces away, too", async () => {
  const { socket, peer } = streaming();
  const received = socket.receive();
  for (let i = 0; i < 5; i++) peer.frame("server", "binary", Array(1000).fill(1), i % 2 === 0 ? {} : {});
  peer.frame("server", "ping", "p");
  await settled();
  assertEquals(peer.frames("server"), [{ pong: "70" }]);
  peer.frame("server", "close");
  peer.end();
  assertEquals((await received).closeCode, 1005);
});

test("messages in pieces that nobody has asked for wait in order, and are bounded by highWaterMark", async () => {
  const { socket, peer } = streaming({ highWaterMark: 500 }), got: unknown[] = [];
  for (let i = 0; i < 20; i++) peer.frame("server", "text", `${i}`);
  peer.frame("server", "close", [0x03, 0xe8]);
  await settled();
  const loop = endOf(socket.receive((message) => readAll(message, got)));
  for (let i = 0; i < 30; i++) await settled();
  assertEquals(got, Array.from({ length: 20 }, (_, i) => `${i}`));
  peer.end();
  assertEquals(await loop, "end");
});

test("what came before a loss is still handed over, then the loss is told", async () => {
  for (const end of [(at: At) => at.peer.end(), (at: At) => at.peer.conn.reset()]) {
    const at = streaming(), got: unknown[] = [];
    at.peer.frame("server", "text", "whole");
    at.peer.frame("server", "text", "a part", OPEN);
    await settled();
    end(at);
    const lost = await assertRejects(() => at.socket.closed, WebSocketError);
    const loop = await endOf(at.socket.receive((message) => readAll(message, got)));
    assertStrictEquals(loop, lost);
    assertEquals(got, ["whole", "a part"]);
  }
});

test("a pipe from a connection into another, or back, passes messages in pieces on as such", async () => {
  const from = streaming(), to = attached("server");
  const piping = from.socket.readable.pipeTo(to.socket.writable);
  from.peer.frame("server", "text", "one", OPEN);
  await settled();
  from.peer.frame("server", "continuation", "two");
  from.peer.frame("server", "binary", [1]);
  from.peer.frame("server", "text", "");
  for (let i = 0; i < 5; i++) await settled();
  assertEquals(to.peer.frames("server"), [
    { text: "one", fin: false },
    { continuation: "74 77 6f", fin: false },
    { continuation: "" },
    { binary: "01", fin: false },
    { continuation: "" },
    { text: "" },
  ]);
  from.peer.frame("server", "close");
  from.peer.end();
  await settled();
  assertEquals(to.peer.frames("server"), [{ close: 1005 }]);
  to.peer.frame("server", "close");
  to.peer.end();
  await piping;
});

test("a message that breaks off on its way through closes the other connection with 1011", async () => {
  await handlingAll(async () => {
    const from = streaming(), to = attached("server");
    const received = endOf(from.socket.receive((message) => to.socket.send(message)));
    from.peer.frame("server", "text", "one", OPEN);
    await settled();
    from.peer.conn.reset();
    assertInstanceOf(await received, WebSocketError);
    await settled();
    assertEquals(to.peer.frames("server"), [{ text: "one", fin: false }, { close: 1011, reason: "" }]);
    to.socket.abort();
  });
});

test("who sends back what it gets answers a Close that comes meanwhile with its code (RFC 6455 §5.5.1)", async () => {
  for (const [begun, answer] of [[false, []], [true, [{ text: "one", fin: false }]]] as const) {
    const { socket, peer } = streaming(), gate = Promise.withResolvers<void>();
    const received = endOf(
      socket.receive(async (message) => {
        if (!begun) await gate.promise;
        await socket.send(message);
      }),
    );
    peer.frame("server", "text", "one", OPEN);
    await settled();
    gate.resolve();
    peer.frame("server", "close", [0x03, 0xe8]);
    await settled();
    assertEquals(peer.frames("server"), [...answer, { close: 1000, reason: "" }]);
    peer.end();
    assertEquals(await received, "end");
    assertEquals((await socket.closed).closeCode, 1000);
  }
});

const BACK: Readonly<Record<string, (socket: Socket) => Promise<unknown>>> = {
  "a pipe": ({ readable, writable }) => readable.pipeTo(writable),
  "a handler": (socket) => socket.receive((message) => socket.send(message)),
  "a handler that does not wait": (socket) => socket.receive((message) => void socket.send(message)),
  "a loop": async (socket) => {
    for await (const message of socket.readable) await socket.send(message);
  },
  "a loop with a writer": async (socket) => {
    const writer = socket.writable.getWriter();
    for await (const message of socket.readable) await writer.write(message);
  },
};
for (const [how, begin] of Object.entries(BACK)) {
  test(`${how} sends back what came before the peer's Close, which is answered behind it (RFC 6455 §5.5.1)`, async () => {
    for (const count of [1, 2, 3]) {
      const { socket, peer } = streaming(), loop = endOf(begin(socket)), back: unknown[] = [];
      await settled();
      for (let i = 0; i < count; i++) {
        peer.frame("server", "text", `${i}`);
        back.push({ text: `${i}`, fin: false }, { continuation: "" });
      }
      peer.frame("server", "close", [0x0f, 0xa0]);
      for (let i = 0; i < 5; i++) await settled();
      assertEquals(peer.frames("server"), [...back, { close: 4000, reason: "" }]);
      peer.end();
      assertEquals([await loop, (await socket.closed).closeCode], ["end", 4000]);
    }
  });
}

test("who closes and does not take what is sent back is waited for no longer than closeTimeout (RFC 6455 §7.1.1)", async () => {
  await handlingAll(async () => {
    const options = { streamAbove: 0, highWaterMark: 500_000, closeTimeout: 3000 };
    const { socket, peer, clock } = attached("server", options, { reads: false, highWaterMark: 1000 }) as At;
    const received = endOf(socket.receive((message) => socket.send(message)));
    peer.frame("server", "binary", Array(400_000).fill(1));
    peer.frame("server", "close", [0x0f, 0xa0]);
    await settled();
    await clock.advance(4000);
    const error = await endOf(socket.closed) as WebSocketError;
    assertEquals([error.closeCode, error.message], [4000, "The peer closed before everything was written"]);
    assertStrictEquals(await received, error);
    assertEquals(clock.pending, 0);
  });
});

test("streamAbove and maxStreamedSize are options of a connection (RFC 6455 §7.4.1)", async () => {
  const { socket, peer } = streaming({ streamAbove: 4, maxStreamedSize: 6 }), got: unknown[] = [];
  const received = endOf(
    socket.receive((message) => typeof message === "string" ? got.push(message) : readAll(message, got)),
  );
  peer.frame("server", "text", "four");
  peer.frame("server", "text", "sixsix");
  peer.frame("server", "text", "seven77");
  await settled();
  assertEquals([got, peer.frames("server")], [["four", "sixsix"], [{
    close: 1009,
    reason: "The message has more than 6 bytes",
  }]]);
  peer.end();
  assertEquals((await received as WebSocketError).failure, "message-too-big");
});

test("messageTimeout closes with 1008 what does not end, from its first frame on (RFC 6455 §7.4.1)", async () => {
  for (const streamAbove of [0, Infinity]) {
    const { socket, peer, clock } = streaming({ streamAbove, messageTimeout: 5000, pingInterval: 0, idleTimeout: 0 });
    const got: unknown[] = [];
    const received = endOf(socket.receive((message) => readAll(message, got).catch(() => {})));
    await settled();
    await clock.advance(60_000); // between messages there is no deadline
    peer.frame("server", "text", "a", OPEN);
    await settled();
    await clock.advance(3000);
    peer.frame("server", "continuation", "b");
    peer.frame("server", "text", "c", OPEN);
    await settled();
    await clock.advance(4000);
    peer.frame("server", "continuation", "d", OPEN);
    await settled();
    assertEquals([socket.state, peer.frames("server")], ["open", []]);
    await clock.advance(1000);
    await settled();
    assertEquals(peer.frames("server"), [{ close: 1008, reason: "The message has not ended within 5000 ms" }]);
    peer.end();
    assertEquals((await received as WebSocketError).failure, "message-timeout");
    assertEquals(clock.pending, 0);
  }
});

test("messageTimeout also limits a frame that does not end, and not what came in time", async () => {
  const { socket, peer, clock } = streaming({
    messageTimeout: 5000,
    streamAbove: Infinity,
    pingInterval: 0,
    idleTimeout: 0,
  });
  const closed = endOf(socket.closed);
  peer.write("\x82\xfe\x01\x00"); // half a header: the message has not begun
  await settled();
  await clock.advance(4000);
  peer.write("\0\0\0\0a");
  await settled();
  await clock.advance(4999);
  assertEquals(socket.state, "open");
  await clock.advance(1);
  peer.end();
  assertEquals((await closed as WebSocketError).failure, "message-timeout");
});

test("messageTimeout begins anew with each message, also where every chunk ends behind a header", async () => {
  const { socket, peer, clock } = streaming({ messageTimeout: 5000, streamAbove: Infinity, idleTimeout: 0 });
  const got: unknown[] = [], header = "\x81\x81\0\0\0\0";
  const received = endOf(socket.receive((message) => got.push(message)));
  peer.write(header);
  for (let i = 0; i < 3; i++) {
    await settled();
    await clock.advance(4000);
    peer.write(`a${header}`);
  }
  await settled();
  assertEquals([got, socket.state], [["a", "a", "a"], "open"]);
  await clock.advance(5000);
  peer.end();
  assertEquals((await received as WebSocketError).failure, "message-timeout");
});

test("messageTimeout stands while we hold the peer back, and ends with the connection", async () => {
  const { socket, peer, clock } = streaming({
    messageTimeout: 5000,
    highWaterMark: 100,
    pingInterval: 0,
    idleTimeout: 0,
  });
  const gate = Promise.withResolvers<void>(), got: unknown[] = [];
  const received = endOf(socket.receive(async (message) => {
    await gate.promise;
    await readAll(message, got);
  }));
  peer.frame("server", "binary", Array(200).fill(1), OPEN);
  await settled();
  await clock.advance(60_000);
  assertEquals(socket.state, "open");
  gate.resolve();
  await settled();
  await clock.advance(4999);
  assertEquals([socket.state, clock.pending > 0], ["open", true]);
  peer.frame("server", "close", [0x03, 0xe8]);
  await settled();
  peer.end();
  await received;
  assertEquals([(await socket.closed).closeCode, clock.pending], [1000, 0]);
});

test("the types follow from streamAbove: without it nothing comes in pieces", () => {
  const agreement = { role: "server", protocol: "", extensions: "" } as const, options = { streamAbove: 0 };
  const whole: WebSocketConnection = attach(connectionPair()[0], agreement, { maxMessageSize: 5 });
  const inPieces: Socket = attach(connectionPair()[0], agreement, options);
  // @ts-expect-error A message may be one in pieces
  const wrong: WebSocketConnection = attach(connectionPair()[0], agreement, options);
  for (const socket of [whole, inPieces, wrong]) socket.abort();
});
