// `for await` takes messages past the queue of the stream. Whatever happens, it must not be told from the iterator of the
// runtime, which does not: each test runs with both (Streams Standard §4.2.5, Web IDL §3.7.10.2).

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { type Message, WebSocketError } from "../../mod.ts";
import { MessageIterator } from "../../src/connection/message_iterator.ts";
import { closing } from "../cases/frames_base.ts";
import { test } from "../kit/harness.ts";
import { type Attached, attached, settled } from "../kit/raw_peer.ts";

type Iterator = AsyncIterableIterator<Message>;
type Options = { preventCancel?: boolean };

const ITERATORS: Readonly<Record<string, (stream: ReadableStream<Message>, options?: Options) => Iterator>> = {
  "ours": (stream, options) => stream.values(options),
  "the runtime's": (stream, options) => ReadableStream.prototype.values.call(stream, options),
};

interface Iterated extends Pick<Attached, "peer" | "socket"> {
  readonly iterate: (options?: Options) => Iterator;
}

function both(name: string, run: (iterated: Iterated) => Promise<void>, highWaterMark = 65536): void {
  for (const [which, values] of Object.entries(ITERATORS)) {
    test(`${which}: ${name}`, async () => {
      const { peer, socket } = attached("server", { highWaterMark }, { highWaterMark: 1000 });
      await run({ peer, socket, iterate: (options) => values(socket.readable, options) });
      socket.abort();
      await socket.closed.catch(() => {});
    });
  }
}

const DONE = { done: true, value: undefined } as const;
const message = (value: Message) => ({ done: false, value } as const);

/** What each promise has come to: a result, an error's name, or `"pending"`. */
async function states(promises: readonly Promise<unknown>[]): Promise<unknown[]> {
  const all: unknown[] = promises.map(() => "pending");
  for (const [i, promise] of promises.entries()) {
    promise.then((result) => all[i] = result, (error) => all[i] = error instanceof Error ? error.name : error);
  }
  await settled();
  return all;
}

test("an iterator of a stream of ours takes messages past the queue", () => {
  const { socket } = attached();
  const iterator = socket.readable[Symbol.asyncIterator]();
  assert(iterator instanceof MessageIterator);
  assertStrictEquals(iterator[Symbol.asyncIterator](), iterator);
  socket.abort();
});

both("messages come in their order, those that waited too", async ({ peer, iterate }) => {
  peer.frame("server", "text", "a");
  await settled();
  const iterator = iterate();
  peer.frame("server", "text", "b");
  peer.frame("server", "binary", [1, 2]);
  assertEquals(await iterator.next(), message("a"));
  peer.frame("server", "text", "c");
  for (const value of ["b", Uint8Array.of(1, 2), "c"]) assertEquals(await iterator.next(), message(value));
  await iterator.return!();
});

both("reads that nobody has waited for get one message each", async ({ peer, iterate }) => {
  const iterator = iterate(), reads = [iterator.next(), iterator.next(), iterator.next()];
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  assertEquals(await states(reads), [message("a"), message("b"), "pending"]);
  peer.frame("server", "text", "c");
  assertEquals(await reads[2], message("c"));
  await iterator.return!();
});

both("bytes of one chunk share no memory", async ({ peer, iterate }) => {
  const iterator = iterate(), frame = [0x82, 0x82, 0, 0, 0, 0, 1, 2];
  peer.write(Uint8Array.from([...frame, ...frame, ...frame]));
  const values: Uint8Array[] = [];
  for (let i = 0; i < 3; i++) values.push((await iterator.next()).value as Uint8Array);
  assertEquals(values.map(({ buffer }) => buffer.byteLength), [2, 2, 2]);
  assertEquals(new Set(values.map(({ buffer }) => buffer)).size, 3);
  await iterator.return!();
});

both("it locks the stream until it is done with", async ({ peer, socket, iterate }) => {
  const iterator = iterate();
  assert(socket.readable.locked);
  assertThrows(() => iterate(), TypeError);
  assertThrows(() => socket.readable.getReader(), TypeError);
  await assertRejects(() => socket.receive(), TypeError);
  assertEquals(await iterator.return!("given"), { done: true, value: "given" } as never);
  assert(!socket.readable.locked);
  assertEquals(await states([iterator.next(), iterator.return!("again")]), [DONE, { done: true, value: "again" }]);
  assertEquals(peer.frames("server"), [{ close: 1005 }]);
});

both("return() closes with the reason that it is given", async ({ peer, iterate }) => {
  const iterator = iterate();
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  assertEquals(await iterator.next(), message("a"));
  await iterator.return!(new WebSocketError("enough", { closeCode: 3000, reason: "enough" }));
  await settled();
  assertEquals(peer.frames("server"), [{ close: 3000, reason: "enough" }]);
});

both("return() comes behind a read that waits", async ({ peer, iterate }) => {
  const iterator = iterate(), read = iterator.next(), returned = iterator.return!("given");
  assertEquals(await states([read, returned]), ["pending", "pending"]);
  peer.frame("server", "text", "a");
  assertEquals(await states([read, returned]), [message("a"), { done: true, value: "given" }]);
});

for (const preventCancel of [false, true]) {
  both(`behind return() nothing comes, with preventCancel ${preventCancel}`, async ({ peer, iterate }) => {
    const iterator = iterate({ preventCancel });
    for (const value of ["a", "b", "c"]) peer.frame("server", "text", value);
    assertEquals(await iterator.next(), message("a"));
    const all = [iterator.return!("given"), iterator.next(), iterator.return!("again"), iterator.next()];
    assertEquals(await states(all), [{ done: true, value: "given" }, DONE, { done: true, value: "again" }, DONE]);
    assertEquals(await iterator.next(), DONE);
  });
}

both("a read behind return() ends, while one before it waits", async ({ peer, iterate }) => {
  const iterator = iterate(), all = [iterator.next(), iterator.return!("given"), iterator.next()];
  assertEquals(await states(all), ["pending", "pending", "pending"]);
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  assertEquals(await states(all), [message("a"), { done: true, value: "given" }, DONE]);
});

both("an option that throws locks nothing", async ({ socket, iterate }) => {
  const options = {
    get preventCancel(): boolean {
      throw new RangeError("No");
    },
  };
  assertThrows(() => iterate(options), RangeError);
  assert(!socket.readable.locked);
  await settled();
});

both("with preventCancel the next reader goes on where it has left", async ({ peer, socket, iterate }) => {
  for (const value of ["a", "b", "c"]) peer.frame("server", "text", value);
  const iterator = iterate({ preventCancel: true });
  assertEquals(await iterator.next(), message("a"));
  await iterator.return!();
  peer.frame("server", "text", "d");
  const next = iterate(), values = [];
  for (let i = 0; i < 3; i++) values.push((await next.next()).value);
  assertEquals([values, socket.readable.locked, peer.frames("server")], [["b", "c", "d"], true, []]);
  await next.return!();
});

both("with preventCancel the end is behind what it has left", async ({ peer, socket, iterate }) => {
  const iterator = iterate({ preventCancel: true }), first = iterator.next();
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  peer.frame("server", "close", closing(1000));
  peer.end();
  assertEquals(await first, message("a"));
  await settled();
  await iterator.return!();
  const values = [];
  for await (const value of socket.readable) values.push(value);
  assertEquals(values, ["b"]);
});

both("a clean end comes behind the messages, and once", async ({ peer, socket, iterate }) => {
  const iterator = iterate(), first = iterator.next();
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  await settled();
  peer.frame("server", "close", closing(1000));
  peer.end();
  await settled();
  const reads = [first, iterator.next(), iterator.next(), iterator.next()];
  assertEquals(await states(reads), [message("a"), message("b"), DONE, DONE]);
  assert(!socket.readable.locked);
});

both("a loss comes behind the messages, and is told once", async ({ peer, socket, iterate }) => {
  const iterator = iterate(), first = iterator.next();
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  await settled();
  peer.conn.reset();
  await settled();
  const reads = [first, iterator.next(), iterator.next(), iterator.next()];
  assertEquals(await states(reads), [message("a"), message("b"), "WebSocketError", DONE]);
  assertEquals(await states([iterator.return!("given")]), [{ done: true, value: "given" }]);
  assert(!socket.readable.locked);
});

both("a loss rejects the read that waits", async ({ peer, iterate }) => {
  const iterator = iterate(), reads = [iterator.next(), iterator.next()];
  await settled();
  peer.conn.reset();
  assertEquals(await states(reads), ["WebSocketError", DONE]);
});

both("abort() throws away what waits", async ({ peer, socket, iterate }) => {
  const iterator = iterate(), first = iterator.next(), reason = new Error("enough");
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  assertEquals(await first, message("a"));
  socket.abort(reason);
  const error = await assertRejects(() => iterator.next(), WebSocketError);
  assertStrictEquals(error.cause, reason);
  assertEquals(await iterator.next(), DONE);
});

for (const preventCancel of [false, true]) {
  both(
    `return() of a stream that has failed, with preventCancel ${preventCancel}`,
    async ({ peer, socket, iterate }) => {
      const iterator = iterate({ preventCancel });
      peer.conn.reset();
      await socket.closed.catch(() => {});
      await settled();
      const [outcome] = await states([iterator.return!("given")]);
      assertEquals(outcome, preventCancel ? { done: true, value: "given" } : "WebSocketError");
      assert(!socket.readable.locked);
    },
  );
}

both("back-pressure: what nobody takes is not read, and comes once it is", async ({ peer, iterate }) => {
  const iterator = iterate(), count = 200, seen: Message[] = [];
  const first = iterator.next();
  for (let i = 0; i < count; i++) peer.frame("server", "text", `${i % 10}`.repeat(1000));
  await settled();
  assert(peer.conn.bytesWritten < count * 1000 / 2);
  seen.push((await first).value);
  while (seen.length < count) seen.push((await iterator.next()).value);
  assertEquals(seen.map((value) => +(value as string)[0]!), Array.from({ length: count }, (_, i) => i % 10));
  await iterator.return!();
}, 2000);

both("a for await ends, and fails, as the connection does", async ({ peer, iterate }) => {
  const seen: Message[] = [];
  const loop = (async () => {
    for await (const value of iterate()) seen.push(value);
  })();
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  await settled();
  peer.conn.reset();
  await assertRejects(() => loop, WebSocketError);
  assertEquals(seen, ["a", "b"]);
});

both("a break in a for await closes", async ({ peer, iterate }) => {
  for (const value of ["a", "b"]) peer.frame("server", "text", value);
  for await (const value of iterate()) {
    assertEquals(value, "a");
    break;
  }
  await settled();
  assertEquals(peer.frames("server"), [{ close: 1005 }]);
});

both("it can be disposed of, where the runtime's can", async ({ iterate }) => {
  const [ours, runtimes] = [iterate(), (async function* () {})()], { asyncDispose } = Symbol;
  assertEquals(asyncDispose in ours, asyncDispose in runtimes);
  await ours.return!();
});
