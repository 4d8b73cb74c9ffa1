// Messages that are sent in pieces: on a connection in memory, with the peer by hand.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { Connections, type Pieces, prepare, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { type Attached, attached, settled } from "../kit/raw_peer.ts";

type Piece = string | Uint8Array<ArrayBuffer>;

/** A source by hand: what is given goes out; it counts how often it was asked and cancelled. */
class Source {
  readonly reasons: unknown[] = [];
  asked = 0;
  readonly #given: (() => Promise<IteratorResult<Piece>>)[] = [];
  #wake = Promise.withResolvers<void>();

  give(...pieces: Piece[]): this {
    for (const value of pieces) this.#put(() => Promise.resolve({ done: false, value }));
    return this;
  }

  end(): this {
    return this.#put(() => Promise.resolve({ done: true, value: undefined }));
  }

  fail(error: unknown): this {
    return this.#put(() => Promise.reject(error));
  }

  #put(result: () => Promise<IteratorResult<Piece>>): this {
    this.#given.push(result);
    this.#wake.resolve();
    return this;
  }

  async #next(): Promise<IteratorResult<Piece>> {
    this.asked++;
    while (this.#given.length === 0) {
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
    return await this.#given.shift()!();
  }

  /** As an asynchronous iterable, or as a stream. */
  as(kind: Kind): Pieces {
    if (kind === "iterable") {
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => this.#next(),
          return: (value?: unknown) => {
            this.reasons.push("return");
            return Promise.resolve({ done: true as const, value });
          },
        }),
      };
    }
    return new ReadableStream<Piece>({
      pull: async (controller) => {
        const { done, value } = await this.#next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => void this.reasons.push(reason),
    }, { highWaterMark: 0 });
  }
}

const KINDS = ["iterable", "stream"] as const;
type Kind = typeof KINDS[number];

/** Both ways to send. */
const FACES: Readonly<Record<string, (socket: WebSocketConnection, pieces: Pieces) => Promise<unknown>>> = {
  "send()": async (socket, pieces) => await socket.send(pieces),
  "writable": (socket, pieces) => {
    const writer = socket.writable.getWriter();
    writer.closed.catch(() => {});
    return writer.write(pieces).finally(() => writer.releaseLock());
  },
};

const outcomeOf = (sent: Promise<unknown>) => sent.then(() => "sent", (error) => error);

for (const kind of KINDS) {
  for (const [face, send] of Object.entries(FACES)) {
    test(`${face} sends the pieces of one message as they come, from an ${kind} (RFC 6455 §5.4)`, async () => {
      const { socket, peer } = attached(), source = new Source().give("one", "two");
      const sent = outcomeOf(send(socket, source.as(kind)));
      await settled();
      assertEquals(peer.frames("server"), [{ text: "one", fin: false }, { continuation: "74 77 6f", fin: false }]);
      socket.ping();
      source.give("", "3");
      await settled();
      assertEquals(peer.frames("server"), [{ ping: "00 00 00 01" }, { continuation: "33", fin: false }]);
      source.end();
      assertEquals(await sent, "sent");
      await settled();
      assertEquals([peer.frames("server"), source.reasons], [[{ continuation: "" }], []]);
      socket.abort();
    });

    test(`${face} rejects with what an ${kind} fails with, and closes with 1011 what was begun (RFC 6455 §7.4.1)`, async () => {
      await handlingAll(async () => {
        const { socket, peer } = attached(), source = new Source().give(Uint8Array.of(1)), wrong = new Error("Disk");
        const sent = outcomeOf(send(socket, source.as(kind)));
        await settled();
        source.fail(wrong);
        assertStrictEquals(await sent, wrong);
        await settled();
        assertEquals(peer.frames("server"), [{ binary: "01", fin: false }, { close: 1011, reason: "" }]);
        assertEquals([socket.state, source.reasons], ["closing", []]);
        socket.abort();
      });
    });
  }

  test(`a message that was not begun when its ${kind} fails leaves the connection as it is`, async () => {
    const { socket, peer } = attached(), source = new Source().give("").fail(new Error("Disk"));
    const sent = outcomeOf(Promise.resolve(socket.send(source.as(kind))));
    socket.send("next");
    assertEquals((await sent as Error).message, "Disk");
    await settled();
    assertEquals([peer.frames("server"), socket.state], [[{ text: "next" }], "open"]);
    socket.abort();
  });

  test(`a message of which the ${kind} mixes text and bytes can't be ended`, async () => {
    for (const other of [Uint8Array.of(1), 5 as unknown as string]) {
      const { socket, peer } = attached(), source = new Source().give("a", other);
      const error = await outcomeOf(Promise.resolve(socket.send(source.as(kind))));
      assert(error instanceof TypeError, String(error));
      await settled();
      assertEquals(peer.frames("server"), [{ text: "a", fin: false }, { close: 1011, reason: "" }]);
      assertEquals(source.reasons, [kind === "stream" ? error : "return"]);
      socket.abort();
    }
  });

  /** How a connection ends under a message, and what has become of it then. */
  const ENDS: Readonly<Record<string, (at: Attached) => unknown>> = {
    "abort()": ({ socket }) => socket.abort(),
    "a Close frame of the peer's": ({ peer }) => peer.frame("server", "close", [0x03, 0xe8]),
    "a rule that the peer breaks": ({ peer }) => peer.write("\xff\xff"),
    "a reset": ({ peer }) => peer.conn.reset(),
    "the peer's end": ({ peer }) => peer.end(),
    "an abort of the writable": ({ socket }) => void socket.writable.abort(new Error("Enough")).catch(() => {}),
  };
  for (const [how, end] of Object.entries(ENDS)) {
    for (const begun of [false, true]) {
      test(`${how} cancels the ${kind} of a message once, ${begun ? "when" : "before"} it has begun`, async () => {
        await handlingAll(async () => {
          const at = attached(), { socket } = at, first = new Source(), second = new Source();
          const sent = [first, second].map((source) => outcomeOf(Promise.resolve(socket.send(source.as(kind)))));
          const behind = outcomeOf(Promise.resolve(socket.send(new Uint8Array(100_000))));
          if (begun) first.give("begun");
          await settled();
          end(at);
          for (const outcome of [...sent, behind]) assert(await outcome instanceof DOMException, String(await outcome));
          await settled();
          assertEquals([first.reasons.length, second.reasons.length], [1, 1]);
          first.give("late");
          await settled();
          assertEquals([socket.bufferedAmount === 0 || socket.state !== "open", second.asked], [true, 0]);
          socket.abort();
          await socket.closed.catch(() => {});
          assertEquals([first.reasons.length, at.clock.pending], [1, 0]);
        });
      });
    }
  }

  test(`the ${kind} is asked only while less than the high-water mark waits to be written`, async () => {
    const { socket, peer } = attached("server", { highWaterMark: 1000 }, { reads: false, highWaterMark: 100 });
    const source = new Source();
    for (let i = 0; i < 20; i++) source.give(new Uint8Array(400));
    const sent = outcomeOf(Promise.resolve(socket.send(source.end().as(kind))));
    await settled();
    const { asked } = source;
    assert(asked >= 3 && asked <= 5, `${asked}`);
    await settled();
    assertEquals(source.asked, asked, "the peer has taken nothing");
    const reading = peer.read();
    assertEquals(await sent, "sent");
    assertEquals(source.asked, 21);
    socket.abort();
    await reading.catch(() => {});
  });
}

test("what is sent while a message in pieces is under way waits behind it, in order (RFC 6455 §5.4)", async () => {
  const { socket, peer } = attached(), sources = [new Source(), new Source()];
  const sent: unknown[] = [], note = (name: string) => () => sent.push(name);
  Promise.resolve(socket.send(sources[0]!.as("stream"))).then(note("first"));
  const bytes = Uint8Array.of(1, 2);
  socket.send("a");
  socket.send(bytes);
  bytes.fill(0);
  socket.send(prepare("b"));
  socket.send("c", { fin: false });
  socket.send("d", { fin: true });
  Promise.resolve(socket.send(sources[1]!.as("iterable"))).then(note("second"));
  socket.send("e");
  assertEquals(socket.bufferedAmount, 64 * 6 + 1 + 2 + 1 + 1 + 1 + 1);
  sources[1]!.give(Uint8Array.of(9)).end();
  await settled();
  assertEquals([peer.frames("server"), sources[1]!.asked], [[], 0]);
  sources[0]!.give("0").end();
  await settled();
  assertEquals(peer.frames("server"), [
    { text: "0", fin: false },
    { continuation: "" },
    { text: "a" },
    { binary: "01 02" },
    { text: "b" },
    { text: "c", fin: false },
    { continuation: "64" },
    { binary: "09", fin: false },
    { continuation: "" },
    { text: "e" },
  ]);
  assertEquals([sent, socket.bufferedAmount], [["first", "second"], 0]);
  socket.send("directly");
  await settled();
  assertEquals(peer.frames("server"), [{ text: "directly" }]);
  socket.abort();
});

test("what waits behind a message in pieces is sent with the options that were given (RFC 6455 §5.4)", async () => {
  const { socket, peer } = attached(), source = new Source(), options = { fin: false };
  const sent = socket.send(source.as("iterable"));
  socket.send("one", options);
  options.fin = true; // the caller's object is the caller's again
  socket.send("two", options);
  source.end();
  await sent;
  await settled();
  assertEquals(peer.frames("server"), [{ binary: "" }, { text: "one", fin: false }, { continuation: "74 77 6f" }]);
  socket.abort();
});

test("what waits behind a message in pieces counts for highWaterMark and maxBufferedAmount", async () => {
  const { socket } = attached("server", { highWaterMark: 200, maxBufferedAmount: 1000 }), source = new Source();
  const sent = outcomeOf(Promise.resolve(socket.send(source.as("stream"))));
  assertEquals(socket.send("x".repeat(100)), undefined);
  const waiting = socket.send("x");
  assert(waiting instanceof Promise);
  socket.send(new Uint8Array(1000));
  const lost = await assertRejects(() => socket.closed, WebSocketError);
  assertEquals([lost.failure, source.reasons.length], ["send-buffer-full", 1]);
  for (const promise of [sent, outcomeOf(Promise.resolve(waiting))]) assert(await promise instanceof WebSocketError);
});

test("close() goes behind what was sent before it, and nothing can be sent behind it (RFC 6455 §5.5.1)", async () => {
  const { socket, peer } = attached(), source = new Source().give("a");
  const sent = outcomeOf(Promise.resolve(socket.send(source.as("stream"))));
  socket.send("b");
  const closed = socket.close({ closeCode: 4000, reason: "done" });
  assertEquals(socket.state, "closing");
  assertThrows(() => socket.send("late"), DOMException, "Cannot send");
  peer.frame("server", "text", "for nobody");
  source.give("c").end();
  assertEquals(await sent, "sent");
  await settled();
  assertEquals(peer.frames("server"), [
    { text: "a", fin: false },
    { continuation: "63", fin: false },
    { continuation: "" },
    { text: "b" },
    { close: 4000, reason: "done" },
  ]);
  peer.frame("server", "close", [0x0f, 0xa0]);
  await settled();
  peer.end();
  assertEquals((await closed).closeCode, 4000);
});

test("close() waits for a message that does not end no longer than closeTimeout", async () => {
  const { socket, clock } = attached("server", { closeTimeout: 5000 }), source = new Source().give("a");
  const sent = outcomeOf(Promise.resolve(socket.send(source.as("iterable"))));
  const closed = outcomeOf(socket.close());
  await settled();
  await clock.advance(5000);
  assertEquals((await closed as WebSocketError).closeCode, 1006);
  assert(await sent instanceof WebSocketError);
  assertEquals([source.reasons, clock.pending], [["return"], 0]);
});

test("a message that breaks off under close() is followed by 1011 (RFC 6455 §7.4.1)", async () => {
  const { socket, peer } = attached(), source = new Source().give("a");
  const sent = outcomeOf(Promise.resolve(socket.send(source.as("iterable"))));
  socket.close({ closeCode: 1000 });
  await settled();
  source.fail(new Error("Disk"));
  assertEquals((await sent as Error).message, "Disk");
  await settled();
  assertEquals(peer.frames("server"), [{ text: "a", fin: false }, { close: 1011, reason: "" }]);
  socket.abort();
});

test("the peer's Close is answered at once when it cuts a message (RFC 6455 §5.5.1)", async () => {
  const { socket, peer } = attached(), source = new Source().give("a");
  const sent = outcomeOf(Promise.resolve(socket.send(source.as("stream"))));
  await settled();
  peer.frame("server", "text", "not taken");
  peer.frame("server", "close", [0x03, 0xe9]);
  await settled();
  assertEquals(peer.frames("server"), [{ text: "a", fin: false }, { close: 1001, reason: "" }]);
  peer.end();
  assertEquals((await socket.closed).closeCode, 1001);
  const error = await sent as WebSocketError;
  assertEquals([error.closeCode, source.reasons], [1001, [error]]);
});

test("what a source sends when it is cancelled does not go on with the message that was cut (RFC 6455 §5.4)", async () => {
  const ENDS: Readonly<Record<string, (at: Attached, source: Source) => unknown>> = {
    "the source before it fails": (_, source) => source.fail(new Error("Disk")),
    "the peer's Close": ({ peer }) => peer.frame("server", "close", [0x03, 0xe8]),
    "writable.abort()": ({ socket }) => socket.writable.abort(),
    "a rule that the peer breaks": ({ peer }) => peer.write("\xff\xff"),
  };
  for (const [how, end] of Object.entries(ENDS)) {
    const at = attached(), { socket, peer } = at, source = new Source().give("a"), late: unknown[] = [];
    const cancel = () => void late.push(assertThrows(() => socket.send("late"), DOMException).name);
    const sent = [source.as("stream"), new ReadableStream<string>({ cancel })].map((pieces) =>
      outcomeOf(Promise.resolve(socket.send(pieces)))
    );
    await settled();
    end(at, source);
    await settled();
    const [first, second, ...more] = peer.frames("server");
    assertEquals([late, first, second?.close !== undefined, more], [
      ["InvalidStateError"],
      { text: "a", fin: false },
      true,
      [],
    ], how);
    await Promise.all(sent);
    socket.abort();
  }
});

test("an empty source sends an empty message: of the kind that the source says, or else binary", async () => {
  const { socket, peer } = attached();
  await socket.send(new Source().end().as("iterable"));
  await socket.send(new Source().give("").end().as("iterable"));
  await socket.send(new Source().give(new Uint8Array()).end().as("stream"));
  await socket.send(Object.assign(new Source().end().as("stream"), { type: "text" }));
  await settled();
  assertEquals(peer.frames("server"), [{ binary: "" }, { text: "" }, { binary: "" }, { text: "" }]);
  socket.abort();
});

test("any buffer is a piece, and one of more than 64 KiB leaves in several frames", async () => {
  const { socket, peer } = attached();
  const large = Uint8Array.from({ length: 150_000 }, (_, i) => i % 251);
  async function* pieces() {
    yield Uint16Array.of(0x0201);
    yield Uint8Array.of(3).buffer;
    yield await Promise.resolve(large);
  }
  await socket.send(pieces());
  await settled();
  const frames = peer.frames("server");
  const hex = frames.map(({ binary, continuation }) => binary ?? continuation!).filter((digits) => digits !== "");
  assertEquals(hex.slice(0, 2), ["01 02", "03"]);
  const digits = hex.slice(2).map((digits) => digits.split(" "));
  assertEquals(digits.map(({ length }) => length), [65536, 65536, 18928]);
  assertEquals(Uint8Array.from(digits.flat(), (pair) => parseInt(pair, 16)), large);
  async function* text() {
    yield await Promise.resolve("\u{1f600}".repeat(40_000).slice(1, -1));
  }
  const got = attached("client");
  await got.socket.send(text(), { compress: false });
  await settled();
  const decoded = got.peer.frames("client").map((frame) => frame.continuation ?? "").join(" ");
  assert(decoded.endsWith(" ef bf bd"), "half a character at the end");
  for (const end of [socket, got.socket]) end.abort();
});

test("what can't be sent in pieces is told at once, and changes nothing", async () => {
  const { socket, peer } = attached(), locked = new ReadableStream<string>();
  locked.getReader();
  assertThrows(() => socket.send(locked), TypeError, "Cannot send: the stream is locked");
  assertThrows(() => socket.send(new Source().as("stream"), { fin: false }), TypeError, "can't be a piece");
  socket.send("a", { fin: false });
  assertThrows(() => socket.send(new Source().as("stream")), TypeError, "between pieces");
  socket.send("b");
  const source = new Source(), sent = socket.send(source.as("iterable"));
  socket.send("c", { fin: false });
  assertThrows(() => socket.send(Uint8Array.of(1)), TypeError, "all strings or all buffers");
  assertThrows(() => socket.send(prepare("d")), TypeError, "between pieces");
  assertThrows(() => socket.send(new Source().as("iterable")), TypeError, "between pieces");
  assertThrows(() => socket.send(5 as unknown as string), TypeError);
  assertThrows(() => socket.send({} as unknown as string), TypeError);
  assertThrows(() => socket.send("d", { fin: 1 as unknown as boolean }), TypeError, "fin: it is 1");
  assertThrows(() => socket.send("d", { compress: null as unknown as boolean }), TypeError, "compress: it is null");
  socket.send("e");
  source.end();
  await sent;
  await settled();
  assertEquals(peer.frames("server"), [
    { text: "a", fin: false },
    { continuation: "62" },
    { binary: "" },
    { text: "c", fin: false },
    { continuation: "65" },
  ]);
  socket.abort();
});

test("a broadcast passes over a member that is sent a message in pieces", async () => {
  const { socket, peer } = attached(), group = new Connections().add(socket), source = new Source();
  const sent = socket.send(source.as("stream"));
  assertEquals(group.broadcast("now"), { sent: 0, skipped: 1, closed: 0 });
  source.end();
  await sent;
  assertEquals(group.broadcast("then"), { sent: 1, skipped: 0, closed: 0 });
  await settled();
  assertEquals(peer.frames("server"), [{ binary: "" }, { text: "then" }]);
  socket.abort();
});
