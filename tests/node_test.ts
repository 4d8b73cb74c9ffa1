// fromSocket() and fromUpgrade(), over the sockets of node:net, node:tls and node:http, which all three runtimes have.

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { accept, answer, attach, connect, HandshakeError, WebSocketError } from "../mod.ts";
import { handshakeFailures } from "../src/errors/failures.ts";
import { fromSocket, fromUpgrade } from "../src/node.ts";
import { transportOf } from "../src/runtime/choose.ts";
import { upgrade } from "./cases/requests_base.ts";
import { runExamples } from "./kit/examples.ts";
import { concat, hex, latin1, random, test, text } from "./kit/harness.ts";
import { dialRaw, type RawConn } from "./kit/tcp.ts";

const pem = (name: string) => readFileSync(fileURLToPath(new URL(`kit/tls/${name}.pem`, import.meta.url).href), "utf8");
const CA = pem("ca"), TLS = { cert: pem("localhost"), key: pem("localhost.key") };
const SERVER = { role: "server", protocol: "", extensions: "" } as const;
const CLIENT = { role: "client", protocol: "", extensions: "" } as const;

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function closed(server: Server): Promise<void> {
  const closing = once(server, "close");
  server.close();
  await closing;
}

/** Both ends of a connection: one by hand, and a socket. */
async function socketPair(): Promise<[raw: RawConn, socket: Socket]> {
  const server = createServer();
  const port = await listening(server);
  const [raw, [socket]] = await Promise.all([dialRaw(port), once(server, "connection")]);
  server.close();
  return [raw, socket];
}

async function readAll(raw: RawConn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [], buffer = new Uint8Array(65536);
  for (let count; (count = await raw.read(buffer)) !== null;) chunks.push(buffer.slice(0, count));
  return concat(...chunks);
}

// ---- what is no socket

const BAD_SOCKETS: readonly [name: string, socket: () => unknown, rule: RegExp][] = [
  ["nothing", () => undefined, /no duplex stream/],
  ["a pair of Web Streams", () => new TransformStream(), /no duplex stream/],
  ["a duplex in object mode", () => new PassThrough({ objectMode: true }), /object mode/],
  ["a duplex with an encoding", () => new PassThrough({ encoding: "utf8" }), /encoding/],
];
for (const [name, socket, rule] of BAD_SOCKETS) {
  test(`fromSocket() and fromUpgrade() of ${name} are a TypeError`, () => {
    const given = socket() as Duplex;
    assertMatch(assertThrows(() => fromSocket(given), TypeError).message, rule);
    const req = { method: "GET", url: "/", httpVersion: "1.1", rawHeaders: [] } as unknown as IncomingMessage;
    assertMatch(assertThrows(() => fromUpgrade(req, given, new Uint8Array()), TypeError).message, rule);
  });
}

test("a door that is given a socket of Node's names fromSocket()", async () => {
  const socket = new Duplex();
  const error = await assertRejects(() => accept(socket as never), TypeError);
  assertMatch(error.message, /fromSocket\(\) of @handfast\/websocket\/node/);
  assertEquals(socket.destroyed, false);
});

// ---- sockets

test("a WebSocket over sockets of node:net, both ends, by both faces", async () => {
  const server = createServer(async (socket) => {
    const accepted = await accept(fromSocket(socket));
    await accepted.readable.pipeTo(accepted.writable);
  });
  const port = await listening(server);
  const conn = fromSocket(connectTcp(port, "127.0.0.1"));
  const socket = await connect(`ws://127.0.0.1:${port}/`, { conn });
  const got: unknown[] = [];
  const received = socket.receive((message) => {
    if (got.push(message) === 2) socket.close({ closeCode: 1000 });
  });
  socket.send("Hello");
  socket.send(Uint8Array.of(1, 2, 3));
  assertEquals(await received, { closeCode: 1000, reason: "" });
  assertEquals(got, ["Hello", Uint8Array.of(1, 2, 3)]);
  assert(!(got[1] instanceof Buffer), "a plain Uint8Array");
  await closed(server);
});

test("a WebSocket over sockets of node:tls", async () => {
  const server = createTlsServer(TLS, async (socket) => {
    const accepted = await accept(fromSocket(socket));
    await accepted.receive((message) => accepted.send(message));
  });
  const port = await listening(server);
  const tls = connectTls({ host: "127.0.0.1", port, ca: [CA] });
  await once(tls, "secureConnect");
  const socket = await connect(`wss://127.0.0.1:${port}/`, { conn: fromSocket(tls) });
  const message = noise(2 ** 20, 1);
  socket.send(message);
  assertEquals((await socket.readable.getReader().read()).value, message);
  assertEquals(await socket.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
  await closed(server);
});

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

// ---- other duplexes

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

// ---- upgrades

for (const isSecure of [false, true]) {
  const scheme = isSecure ? "wss" : "ws", module = isSecure ? "node:https" : "node:http";
  test(`fromUpgrade() takes what the upgrade event of ${module} gives`, async () => {
    const page = (_: unknown, response: { end(body: string): void }) => response.end("A page");
    const server = isSecure ? createHttpsServer(TLS, page) : createHttpServer(page);
    server.on("upgrade", async (req, socket, head) => {
      const [conn, upgrade] = fromUpgrade(req, socket, head);
      const accepted = await accept(conn, { ...upgrade, protocols: ["chat"], headers: { "x-own": "1" } });
      accepted.send(accepted.request.target);
      await accepted.receive((message) => accepted.send(message));
    });
    const port = await listening(server);
    const url = `${scheme}://localhost:${port}/a?b`;
    const socket = await connect(url, { caCerts: isSecure ? [CA] : [], protocols: "chat" });
    assertEquals([socket.protocol, socket.response.headers.get("x-own")], ["chat", "1"]);
    const reader = socket.readable.getReader();
    assertEquals((await reader.read()).value, "/a?b");
    const message = noise(2 ** 20, 1);
    socket.send(message);
    assertEquals((await reader.read()).value, message);
    assertEquals(await socket.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
    await closed(server);
  });
}

/** Sends bytes to an HTTP server whose upgrades go to accept(), and gives the answer, and what became of it. */
async function upgradeWith(request: Uint8Array): Promise<{ answer: string; outcome: unknown }> {
  const server = createHttpServer();
  const outcome = new Promise<unknown>((resolve) => {
    server.on("upgrade", (req, socket, head) => {
      const [conn, upgrade] = fromUpgrade(req, socket, head);
      accept(conn, upgrade).then(async (socket) => {
        const messages: unknown[] = [];
        await socket.receive((message) => void messages.push(message)).catch(() => {});
        resolve(messages);
      }, resolve);
    });
  });
  const raw = await dialRaw(await listening(server));
  await raw.write(request);
  await raw.closeWrite();
  const answer = text(await readAll(raw));
  raw.close();
  await closed(server);
  return { answer, outcome: await outcome };
}

test("frames that came with the request are the first ones", async () => {
  const hello = hex("81 85 00000000 48656c6c6f");
  const { answer, outcome } = await upgradeWith(concat(latin1(upgrade()), hello, hello));
  assert(answer.startsWith("HTTP/1.1 101 "), answer);
  assertEquals(outcome, ["Hello", "Hello"]);
});

/** Rows: what only the lines of a request show, and its refusal. */
const JUDGED: readonly [name: string, fields: Record<string, string | string[]>, failure: string, status: number][] = [
  [
    "a key that came twice",
    { "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="] },
    "key-invalid",
    400,
  ],
  ["an origin that came twice", { Origin: ["http://h", "http://h"] }, "head-malformed", 400],
  ["another version", { "Sec-WebSocket-Version": "8" }, "version-unsupported", 426],
  ["a body", { "Content-Length": "5" }, "body-present", 400],
  ["a foreign origin", { Origin: "http://elsewhere.example" }, "origin-refused", 403],
];
for (const [name, fields, failure, status] of JUDGED) {
  test(`accept() of an upgrade refuses ${name} as for a head of its own reading`, async () => {
    const { answer, outcome } = await upgradeWith(latin1(upgrade(fields)));
    assert(outcome instanceof HandshakeError, String(outcome));
    assertEquals([outcome.failure, outcome.response?.status], [failure, status]);
    assert(answer.startsWith(`HTTP/1.1 ${status} `), answer);
  });
}

for (const value of ["a\u010d\u010aX-User: root", "a\r\nX-User: root", "\u4e2d"]) {
  test(`accept() of an upgrade refuses a field that would become other bytes, as ${JSON.stringify(value)}`, async () => {
    const rawHeaders = [...upgrade().split("\r\n").slice(1, -2).flatMap((line) => line.split(": ")), "X-Own", value];
    const req = { method: "GET", url: "/", httpVersion: "1.1", rawHeaders } as unknown as IncomingMessage;
    const [, { request }] = fromUpgrade(req, new PassThrough(), new Uint8Array());
    const { error } = await answer(request);
    assertEquals([error?.failure, error?.response?.status], ["head-malformed", 400]);
  });
}

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

runExamples("src/node.ts", "@handfast/websocket/node");
