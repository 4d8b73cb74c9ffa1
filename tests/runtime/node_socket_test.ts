// The sockets of Node's modules as connections, which all three runtimes have.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Socket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { accept, attach, connect, HandshakeError, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { fromSocket, fromUpgrade } from "../../src/node.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { NodeSocketConnection } from "../../src/runtime/node_socket.ts";
import { upgrade } from "../cases/requests_base.ts";
import { latin1, random, test, text } from "../kit/harness.ts";
import { closed, listening, readAll } from "../kit/node_server.ts";
import { settled } from "../kit/raw_peer.ts";
import { dialRaw, type RawConn } from "../kit/tcp.ts";

const SERVER = { role: "server", protocol: "", extensions: "" } as const;
const CLIENT = { role: "client", protocol: "", extensions: "" } as const;

/** Both ends of a connection: one by hand, and a socket. */
async function socketPair(): Promise<[raw: RawConn, socket: Socket]> {
  const server = createServer();
  const port = await listening(server);
  const [raw, [socket]] = await Promise.all([dialRaw(port), once(server, "connection")]);
  server.close();
  return [raw, socket];
}

function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed);
  return Uint8Array.from({ length: size }, next);
}

test("a socket that somebody has paused is read", async () => {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    accept(fromSocket(socket)).then((accepted) => accepted.receive((message) => accepted.send(message)));
  });
  const port = await listening(server);
  const socket = await connect(`ws://127.0.0.1:${port}/`);
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
  await socket.close();
  await closed(server);
});

test("a refusal is whole at a client that is still sending (RFC 9112 §9.6)", async () => {
  const [raw, socket] = await socketPair();
  const accepting = assertRejects(() => accept(fromSocket(socket)), HandshakeError);
  await raw.write(latin1(upgrade({ "X-Long": "x".repeat(100_000) })));
  const [head = "", body] = text(await readAll(raw)).split("\r\n\r\n");
  assert(head.startsWith("HTTP/1.1 431 "), head);
  assertEquals(body, handshakeFailures["head-too-large"].sentence + "\n");
  raw.close();
  assertEquals((await accepting).failure, "head-too-large");
});

test("a peer that has half-closed still gets what is written (RFC 9112 §9.6)", async () => {
  const [raw, socket] = await socketPair();
  const accepting = assertRejects(() => accept(fromSocket(socket)), HandshakeError);
  await raw.write(latin1("POST / HTTP/1.1\r\nHost: h\r\n\r\n"));
  await raw.closeWrite();
  assert(text(await readAll(raw)).startsWith("HTTP/1.1 405 "));
  assertEquals((await accepting).failure, "method-not-get");
  raw.close();
});

const LOSSES: Readonly<Record<string, (raw: RawConn) => unknown>> = {
  "half-closes": (raw) => raw.closeWrite(),
  "closes": (raw) => raw.close(),
  "resets": (raw) => raw.reset(),
};
for (const [name, lose] of Object.entries(LOSSES)) {
  test(`a connection over a socket ends with 1006 when the peer ${name} (RFC 6455 §7.1.5)`, async () => {
    const [raw, socket] = await socketPair();
    const ours = attach(fromSocket(socket), SERVER);
    const received = assertRejects(() => ours.receive(() => {}), WebSocketError);
    await lose(raw);
    assertEquals((await assertRejects(() => ours.closed, WebSocketError)).closeCode, 1006);
    await received;
    if (name === "half-closes") raw.close();
  });
}

test("a socket that was destroyed before is a connection that was closed", async () => {
  const [raw, socket] = await socketPair();
  socket.destroy();
  const error = await assertRejects(() => accept(fromSocket(socket)), HandshakeError);
  assertEquals(error.failure, "connection-closed");
  raw.close();
});

test("a socket tells that a write has waited for the peer where it can know", async () => {
  const [raw, socket] = await socketPair();
  const transport = transportOf(fromSocket(socket)), drained = Promise.withResolvers<boolean>();
  transport.start({ onData() {}, onEnd() {}, onDrained: drained.resolve, onLost: drained.reject });
  const bytes = new Uint8Array(2 ** 20), buffer = new Uint8Array(2 ** 20);
  while (transport.write(bytes));
  let isDrained = false;
  const waits = drained.promise.finally(() => isDrained = true);
  while (!isDrained) await raw.read(buffer);
  transport.abort();
  raw.close();
  assertEquals(await waits, !("Deno" in globalThis || "Bun" in globalThis));
});

/** What has been read by a socket whose owner says of each chunk whether nobody has it any more. */
async function readBy(
  socket: Socket,
  raw: RawConn,
  isFree: (chunk: Uint8Array) => boolean,
  sent: number,
): Promise<Uint8Array> {
  const transport = transportOf(fromSocket(socket)), parts: Uint8Array[] = [], all = Promise.withResolvers<void>();
  let got = 0;
  const onData = (chunk: Uint8Array) => {
    parts.push(chunk.slice());
    if ((got += chunk.length) === sent) all.resolve();
    return isFree(chunk);
  };
  transport.start({ onData, onEnd() {}, onDrained() {}, onLost: all.reject });
  transport.resume();
  await all.promise;
  await new Promise((resolve) => setTimeout(resolve)); // the last chunk is given back behind its handler
  transport.abort();
  raw.close();
  return new Uint8Array(Buffer.concat(parts));
}

const isNode = !("Deno" in globalThis || "Bun" in globalThis), LARGE = 30_000;

test("what a socket has read is freed on Node once nobody has it: large chunks, and no others", async () => {
  for (const isFree of [true, false]) {
    const [raw, socket] = await socketPair(), chunks: [chunk: Uint8Array, length: number][] = [];
    const { push } = socket;
    socket.push = (chunk: Uint8Array | null, ...rest) => {
      if (chunk) chunks.push([chunk, chunk.length]);
      return push.call(socket, chunk, ...rest);
    };
    const bytes = noise(LARGE, 1), reading = readBy(socket, raw, () => isFree, LARGE + 10);
    socket.on("timeout", () => {}); // who listens for something else has no chunk
    await raw.write(bytes);
    await raw.write(new Uint8Array(10));
    assertEquals((await reading).subarray(0, LARGE), bytes);
    assert(chunks.some(([, was]) => was >= 4096), `${chunks.map(([, was]) => was)}`);
    const mayGo = isFree && isNode;
    assertEquals(chunks.map(([{ length }]) => length), chunks.map(([, was]) => mayGo && was >= 4096 ? 0 : was));
  }
});

test("what a socket has read may be transferred by who is done with it", async () => {
  const [raw, socket] = await socketPair();
  const reading = readBy(socket, raw, ({ buffer }) => (buffer as ArrayBuffer).transfer().byteLength > 0, LARGE);
  await raw.write(noise(LARGE, 1));
  assertEquals(await reading, noise(LARGE, 1));
});

/** Somebody else who has what a socket reads: begins to keep it, before or after the socket is ours. */
const KEEPERS: Readonly<Record<string, (socket: Socket, keep: (chunk: Uint8Array) => void) => void>> = {
  "a listener of its own": (socket, keep) => socket.on("data", keep),
  "a listener that is called first": (socket, keep) => socket.prependListener("data", keep),
  "a listener that is called first, and once": function first(socket, keep) {
    socket.prependOnceListener("data", (chunk: Uint8Array) => {
      keep(chunk);
      queueMicrotask(() => first(socket, keep)); // for the next chunk, when ours has seen this one
    });
  },
  "a listener that is called once": function once(socket, keep) {
    socket.once("data", (chunk: Uint8Array) => {
      keep(chunk);
      queueMicrotask(() => once(socket, keep)); // for the next chunk, when ours has seen this one
    });
  },
  "a reader of its own": (socket, keep) => {
    socket.on("readable", () => {
      for (let chunk; (chunk = socket.read() as Uint8Array | null) !== null;) keep(chunk);
    });
  },
};
for (const [who, begin] of Object.entries(KEEPERS)) {
  for (const when of ["before", "after"]) {
    test(`${who}, ${when} ours, keeps what a socket has read`, async () => {
      const [raw, socket] = await socketPair(), kept: Uint8Array[] = [], bytes = noise(LARGE, 1);
      const keep = (chunk: Uint8Array) => void kept.push(chunk);
      socket.pause();
      if (when === "before") begin(socket, keep);
      const reading = readBy(socket, raw, () => true, LARGE);
      if (when === "after") begin(socket, keep);
      await raw.write(bytes);
      assertEquals(await reading, bytes);
      assertEquals(new Uint8Array(Buffer.concat(kept)), bytes);
    });
  }
}

test("a socket that is given back has no listener of ours", async () => {
  const [raw, socket] = await socketPair();
  const listeners = () => ["data", "end", "error", "close", "newListener"].map((name) => socket.listenerCount(name));
  const before = listeners();
  new NodeSocketConnection(socket).detach();
  assertEquals(listeners(), before);
  socket.destroy();
  raw.close();
});

test("what somebody has given back to a socket stays theirs", async () => {
  const [raw, socket] = await socketPair(), given = noise(LARGE, 2);
  socket.pause();
  socket.unshift(given);
  const reading = readBy(socket, raw, () => true, 2 * LARGE);
  await raw.write(noise(LARGE, 1));
  assertEquals(await reading, new Uint8Array(Buffer.concat([noise(LARGE, 2), noise(LARGE, 1)])));
  assertEquals(given, noise(LARGE, 2));
});

test("it does with as many bytes behind it that the socket has read", async () => {
  const [raw, socket] = await socketPair(), given = noise(LARGE, 2), first = Promise.withResolvers<void>();
  let got = 0;
  const isFree = ({ length }: Uint8Array) => {
    if ((got += length) === LARGE) first.resolve();
    return true;
  };
  const reading = readBy(socket, raw, isFree, 3 * LARGE);
  await raw.write(noise(LARGE, 1));
  await first.promise;
  socket.pause();
  socket.unshift(given);
  await raw.write(noise(LARGE, 3));
  // Only Node reads on meanwhile
  while (isNode && socket.bytesRead < 2 * LARGE) await new Promise((resolve) => setTimeout(resolve));
  socket.resume();
  const wanted = [noise(LARGE, 1), noise(LARGE, 2), noise(LARGE, 3)];
  assertEquals(await reading, new Uint8Array(Buffer.concat(wanted)));
  assertEquals(given, noise(LARGE, 2));
});

test("a part of something larger is left alone", async () => {
  const [raw, socket] = await socketPair(), larger: Uint8Array[] = [], { push } = socket;
  socket.push = (chunk: Uint8Array | null, ...rest) => {
    if (!chunk) return push.call(socket, chunk, ...rest);
    const one = Buffer.alloc(chunk.length + 1);
    larger.push(one);
    one.set(chunk);
    return push.call(socket, one.subarray(0, -1), ...rest);
  };
  const reading = readBy(socket, raw, () => true, LARGE);
  await raw.write(noise(LARGE, 1));
  assertEquals(await reading, noise(LARGE, 1));
  assertEquals(new Uint8Array(Buffer.concat(larger.map((one) => one.subarray(0, -1)))), noise(LARGE, 1));
});

/** Those who get messages, and keep what they get. */
const TAKERS: Readonly<
  Record<string, (socket: WebSocketConnection, keep: (part: Uint8Array) => void) => Promise<unknown>>
> = {
  "receive()": (socket, keep) => socket.receive((message) => keep(message as Uint8Array)),
  "receive() with a promise": (socket, keep) => {
    return socket.receive(async (message) => {
      await settled();
      keep(message as Uint8Array);
    });
  },
  "receive() that comes late": async (socket, keep) => {
    await settled();
    await socket.receive((message) => keep(message as Uint8Array));
  },
  "for await": async (socket, keep) => {
    for await (const message of socket.readable) keep(message as Uint8Array);
  },
  "a reader": async (socket, keep) => {
    const reader = socket.readable.getReader();
    for (let next; !(next = await reader.read()).done;) keep(next.value as Uint8Array);
  },
  "a pipe": (socket, keep) => {
    return socket.readable.pipeTo(new WritableStream({ write: (message) => keep(message as Uint8Array) }));
  },
};

/** Sends three messages that fill a chunk each, as far as the kernel lets them, and a Close frame. */
async function sendChunks(raw: RawConn, size: number): Promise<void> {
  const pong = new Uint8Array(2);
  for (const fill of [1, 2, 3]) {
    // A Ping and the header: once the Pong has come, all of it is read
    await raw.write(Uint8Array.of(0x89, 0x80, 0, 0, 0, 0, 0x82, 0x80 | 126, size >> 8, size & 255, 0, 0, 0, 0));
    await raw.read(pong);
    await raw.write(new Uint8Array(size).fill(fill));
  }
  await raw.write(Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8));
}

for (const [who, take] of Object.entries(TAKERS)) {
  test(`messages that fill a chunk stay as they came, by ${who}`, async () => {
    const [raw, socket] = await socketPair(), kept: Uint8Array[] = [];
    const taking = take(attach(fromSocket(socket), SERVER), (message) => kept.push(message));
    await sendChunks(raw, LARGE);
    await taking;
    const seen = kept.map((message) => [message.length, ...new Set(message)]);
    assertEquals(seen, [[LARGE, 1], [LARGE, 2], [LARGE, 3]]);
    raw.close();
  });
}

test("messages in pieces stay as they came where they fill a chunk", async () => {
  const [raw, socket] = await socketPair(), kept: Uint8Array[] = [];
  const ours = attach(fromSocket(socket), SERVER, { streamAbove: 0 });
  const taking = ours.receive(async (message) => {
    for await (const piece of message as AsyncIterable<Uint8Array>) kept.push(piece);
  });
  await sendChunks(raw, LARGE);
  await taking;
  const wanted = [1, 2, 3].map((fill) => new Uint8Array(LARGE).fill(fill));
  assertEquals(Buffer.compare(Buffer.concat(kept), Buffer.concat(wanted)), 0);
  raw.close();
});

/** Two ends that hand over the very chunks that they are given, a turn later. */
function duplexPair(): [Duplex, Duplex] {
  const [a, b] = [0, 1].map(() => new Duplex({ read() {}, allowHalfOpen: true }));
  for (const [from, to] of [[a!, b!], [b!, a!]] as const) {
    from._write = (chunk, _, done) => {
      queueMicrotask(() => to.push(chunk));
      done();
    };
    from._final = (done) => {
      queueMicrotask(() => to.push(null));
      done();
    };
  }
  return [a!, b!];
}

test("over any other duplex nothing that somebody may keep is changed", async () => {
  const [here, there] = duplexPair();
  const kept: Uint8Array[] = [], copies: Uint8Array[] = [];
  const { _write } = here;
  here._write = (chunk, encoding, done) => {
    kept.push(chunk);
    copies.push(chunk.slice());
    _write.call(here, chunk, encoding, done);
  };
  const client = attach(fromSocket(here), CLIENT), server = attach(fromSocket(there), SERVER);
  const echoing = server.receive((message) => server.send(message));
  const messages = [noise(10, 1), noise(70_000, 2), noise(300, 3)];
  const reader = client.readable.getReader();
  for (const message of messages) {
    client.send(message);
    assertEquals((await reader.read()).value, message);
  }
  assertEquals(kept.map((chunk) => Buffer.compare(chunk, copies[kept.indexOf(chunk)]!)), kept.map(() => 0));
  assertEquals(await client.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
  await echoing;
});

test("a duplex whose other end takes nothing holds the sender back", async () => {
  const [here] = duplexPair();
  here._write = () => {}; // never done
  const client = attach(fromSocket(here), CLIENT, { highWaterMark: 1000 });
  client.send(new Uint8Array(100_000));
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert(client.send(new Uint8Array(2000)) instanceof Promise);
  client.abort();
});

test("a socket that drops what is written to it, as some releases of Bun gave, is found out", async () => {
  const socket = Object.assign(new PassThrough(), { bytesWritten: 0 });
  socket._write = (_chunk, _encoding, done) => done();
  const rawHeaders = upgrade().split("\r\n").slice(1, -2).flatMap((line) => line.split(": "));
  const req = { method: "GET", url: "/", httpVersion: "1.1", rawHeaders } as unknown as IncomingMessage;
  const [conn, given] = fromUpgrade(req, socket, new Uint8Array());
  const accepted = await accept(conn, given).catch((error) => error);
  const error = accepted instanceof Error ? accepted : await assertRejects(() => accepted.closed, WebSocketError);
  assertMatch((error.cause as Error).message, /drops what is written to it/);
});
