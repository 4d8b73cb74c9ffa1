// A Deno.Conn as it is, on Deno.

import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { attach } from "../../mod.ts";
import { isDenoConn } from "../../src/runtime/deno_conn.ts";
import { fromSocket } from "../../src/node.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { receiveTwos } from "../kit/receiving.ts";
import { given } from "../whole/sockets/doors.ts";
import { testConnection } from "../whole/sockets/suite.ts";

/** Both ends of a connection. */
async function denoPair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  return await Promise.all([Deno.connect({ hostname: "127.0.0.1", port }), listener.accept()]);
}

/** Whether two messages have the same bytes. */
function equal(a: Uint8Array, b: string | Uint8Array | undefined): boolean {
  return typeof b === "object" && a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A promise of the next time this owner is told something. */
function next(transport: Transport): Promise<string> {
  return new Promise((resolve) => {
    transport.start({
      onData(chunk) {
        transport.pause();
        resolve(text(chunk));
      },
      onEnd: () => resolve("end"),
      onDrained: () => resolve("drained"),
      onLost: (error) => resolve(`failed: ${(error as Error).name}`),
    });
  });
}

test("a Deno.Conn is read and written by its own methods, its streams untouched", async () => {
  const [a, b] = await denoPair();
  assert(isDenoConn(a) && !isDenoConn({ readable: a.readable, writable: a.writable }));
  const here = transportOf(a), there = transportOf(b);
  const drained = next(here), data = next(there);
  there.resume();
  assertEquals(here.write(latin1("Hello")), false);
  assertEquals([await drained, await data], ["drained", "Hello"]);
  const ended = next(there);
  here.end();
  there.resume();
  assertEquals(await ended, "end");
  assertEquals([a.readable.locked, b.readable.locked], [false, false]);
  here.abort();
  there.abort();
});

test("a read of a Deno.Conn that is under way is the next owner's", async () => {
  const [a, b] = await denoPair();
  const first = transportOf(b);
  next(first);
  first.resume();
  first.pause();
  first.release();
  const second = transportOf(b);
  assertStrictEquals(second, first);
  const data = next(second);
  second.resume();
  await a.write(latin1("Hello"));
  assertEquals(await data, "Hello");
  a.close();
  second.abort();
});

test("chunks of a Deno.Conn are never written again, however many come", async () => {
  const [a, b] = await denoPair();
  const transport = transportOf(b), sent = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7 + (i >> 8));
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve) => {
    transport.start({
      onData: (chunk) => void chunks.push(chunk),
      onEnd: resolve,
      onDrained() {},
      onLost: () => resolve(),
    });
  });
  transport.resume();
  for (let at = 0; at < sent.length;) at += await a.write(sent.subarray(at, at + 10_000));
  a.close();
  await ended;
  transport.abort();
  const came = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  assert(came.length === sent.length && came.every((byte, i) => byte === sent[i]), `${came.length} bytes came`);
});

test("a Deno.Conn reads into the memory of a chunk that nobody needs, and of no other", async () => {
  const [a, b] = await denoPair();
  const transport = transportOf(b), places: number[] = [];
  for (const isNeeded of [false, false, true, false]) {
    const came = new Promise<void>((resolve, reject) => {
      transport.start({
        onData(chunk) {
          places.push(chunk.byteOffset);
          transport.pause();
          resolve();
          return !isNeeded;
        },
        onEnd() {},
        onDrained() {},
        onLost: reject,
      });
    });
    transport.resume();
    await a.write(latin1("Hello"));
    await came;
  }
  assertEquals(places, [0, 0, 0, 5]);
  transport.abort();
  a.close();
});

test("a Deno.Conn is read in large chunks once much comes, also where something small is kept before it", async () => {
  const [a, b] = await denoPair();
  const transport = transportOf(b), sizes: number[] = [];
  let came = 0, look = () => {};
  const whole = (count: number) => new Promise<void>((resolve) => look = () => came < count || resolve());
  transport.start({
    onData(chunk) {
      sizes.push(chunk.length);
      came += chunk.length;
      look();
      return came > 600;
    },
    onEnd() {},
    onDrained() {},
    onLost() {},
  });
  const head = whole(600);
  transport.resume();
  await a.write(new Uint8Array(600));
  await head;
  const all = whole(600 + 2 ** 20), much = new Uint8Array(2 ** 20);
  for (let at = 0; at < much.length;) at += await a.write(much.subarray(at));
  await all;
  assert(Math.max(...sizes) >= 16384, `the largest chunk has ${Math.max(...sizes)} bytes`);
  transport.abort();
  a.close();
});

test("a message that fills the read buffer of a Deno.Conn exactly is not read into again", async () => {
  // What the connection reads, cut where it is read: each header by itself
  const frame = (fill: number): Uint8Array[] => {
    const header = Uint8Array.of(0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0);
    return [header, new Uint8Array(65536).fill(fill)];
  };
  const pieces = [1, 2, 3, 4, 5].flatMap(frame);
  const conn = {
    readable: new ReadableStream<Uint8Array>(),
    writable: new WritableStream<Uint8Array>(),
    read(bytes: Uint8Array): Promise<number | null> {
      const piece = pieces.shift();
      if (!piece) return new Promise(() => {});
      const count = Math.min(bytes.length, piece.length);
      bytes.set(piece.subarray(0, count));
      if (count < piece.length) pieces.unshift(piece.subarray(count));
      return Promise.resolve(count);
    },
    write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
    closeWrite: () => Promise.resolve(),
    close() {},
  };
  const socket = attach(conn, { role: "client", protocol: "", extensions: "" }, { highWaterMark: 2 ** 20 });
  const reader = socket.readable.getReader(), messages: Uint8Array[] = [];
  while (messages.length < 5) messages.push((await reader.read()).value as Uint8Array);
  assertEquals(
    messages.map((message) => [message.length, message[0], message.at(-1)]),
    [1, 2, 3, 4, 5].map((fill) => [65536, fill, fill]),
  );
  socket.abort();
});

for (const face of ["receive()", "its streams"] as const) {
  test(`messages that ${face} gave stay as they are, whatever comes after them`, async () => {
    const [a, b] = await denoPair();
    const client = attach(a, { role: "client", protocol: "", extensions: "" });
    const server = attach(b, { role: "server", protocol: "", extensions: "" });
    const sent = Array.from({ length: 3000 }, (_, i) => {
      return i % 5 === 0 ? `text ${i}` : new Uint8Array(1 + i * 7 % (i % 100 === 1 ? 70_000 : 200)).fill(i);
    });
    const came: (string | Uint8Array)[] = [];
    const received = face === "receive()"
      ? server.receive((message) => void came.push(message))
      : server.readable.pipeTo(new WritableStream({ write: (message) => void came.push(message) }));
    for (const message of sent) {
      await client.send(message);
      if (came.length % 3 === 0) await new Promise((resolve) => setTimeout(resolve)); // cut here and there
    }
    await client.close();
    await received;
    assertEquals(came.length, sent.length);
    assert(came.every((message, i) => typeof message === "string" ? message === sent[i] : equal(message, sent[i])));
  });
}

test("with reuse, the memory of a message is read into again once its handler has returned, and not without", async () => {
  for (const reuse of [true, false]) {
    const messages = await receiveTwos(
      await denoPair(),
      1024,
      reuse,
      (message) => ({ message, first: message[0], last: message.at(-1) }),
    );
    assertEquals(messages.map(({ first, last }) => [first, last]), Array.from({ length: 100 }, (_, i) => [i, i]));
    const kept = messages.filter(({ message, first }) => message[0] === first).length;
    assert(reuse ? kept < 10 : kept === 100, `${kept} of 100 are as they came, reuse: ${reuse}`);
  }
});

test("with reuse, the memory of a message stays as it is while its handler's promise is pending", async () => {
  const same = await receiveTwos(await denoPair(), 1024, true, async (message) => {
    const before = message.slice();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve)); // others come meanwhile
    return equal(before, message);
  });
  assertEquals(same, Array.from({ length: 100 }, () => true));
});

test("transportOf() of a Deno.Conn that a door has is a TypeError, until it is given back", async () => {
  const [a, b] = await denoPair();
  const transport = transportOf(b);
  transport.start({ onData() {}, onEnd() {}, onDrained() {}, onLost() {} });
  assertThrows(() => transportOf(b), TypeError, "already in use");
  transport.release();
  assertStrictEquals(transportOf(b), transport);
  a.close();
  b.close();
});

test("a Deno.Conn that was closed has failed", async () => {
  const [a, b] = await denoPair();
  a.close();
  b.close();
  const transport = transportOf(b);
  const failed = next(transport);
  transport.resume();
  assertEquals(await failed, "failed: BadResource");
});

// Closing this writable closes the connection as a whole: there is no half-close, and no patience at the end
testConnection(given("the streams of a Deno.Conn", ({ readable, writable }) => ({ readable, writable })));

test("a socket of node:tls, which can't be paused, is lost when too much of it waits", async () => {
  const pem = (name: string) => Deno.readTextFileSync(new URL(`../kit/tls/${name}.pem`, import.meta.url));
  const server = createTlsServer({ cert: pem("localhost"), key: pem("localhost.key") });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const [[socket], peer] = await Promise.all([
    once(server, "secureConnection"),
    Deno.connectTls({ hostname: "127.0.0.1", port: (server.address() as AddressInfo).port, caCerts: [pem("ca")] }),
  ]);
  using _ = peer;
  const transport = transportOf(fromSocket(socket)), lost = Promise.withResolvers<never>(), told: number[] = [];
  transport.start({ // and stays paused
    onData: (chunk) => void told.push(chunk.length),
    onEnd() {},
    onDrained() {},
    onLost: lost.reject,
  });
  const chunk = new Uint8Array(2 ** 16);
  const sending = (async () => {
    for (let count = 0; count < 2 ** 28; count += chunk.length) await peer.write(chunk); // until it is refused
  })();
  const refused = sending.catch(() => lost.promise);
  const error = await assertRejects(() => Promise.race([lost.promise, refused]), Error);
  assertMatch(error.message, /node:tls can't be paused on Deno/);
  await assertRejects(() => refused);
  assertEquals(told, [], "what is too much is not handed over");
  const closed = once(server, "close");
  server.close();
  await closed;
});
