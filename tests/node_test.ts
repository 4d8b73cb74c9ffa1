// fromSocket() and fromUpgrade(), over the sockets of node:net, node:tls and node:http, which all three runtimes have.

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect as connectTcp, createServer } from "node:net";
import { Duplex, PassThrough } from "node:stream";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { accept, answer, connect, HandshakeError } from "../mod.ts";
import { fromSocket, fromUpgrade } from "../src/node.ts";
import { upgrade } from "./cases/requests_base.ts";
import { runExamples } from "./kit/examples.ts";
import { concat, hex, latin1, random, test, text } from "./kit/harness.ts";
import { closed, listening, readAll } from "./kit/node_server.ts";
import { dialRaw } from "./kit/tcp.ts";

const pem = (name: string) => readFileSync(fileURLToPath(new URL(`kit/tls/${name}.pem`, import.meta.url).href), "utf8");
const CA = pem("ca"), TLS = { cert: pem("localhost"), key: pem("localhost.key") };

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

for (const isSecure of [false, true]) {
  const scheme = isSecure ? "wss" : "ws", module = isSecure ? "node:https" : "node:http";
  test(`fromUpgrade() takes what the upgrade event of ${module} gives`, async () => {
    const page = (_: unknown, response: { end(body: string): void }) => response.end("A page");
    const server = isSecure ? createHttpsServer(TLS, page) : createHttpServer(page);
    server.on("upgrade", async (req, socket, head) => {
      const [conn, upgrade] = fromUpgrade(req, socket, head);
      const accepted = await accept(conn, { ...upgrade, protocols: ["chat"], headers: { "x-own": "1" } });
      accepted.send(new URL(accepted.request.url).protocol + accepted.request.target);
      await accepted.receive((message) => accepted.send(message));
    });
    const port = await listening(server);
    const url = `${scheme}://localhost:${port}/a?b`;
    const socket = await connect(url, { caCerts: isSecure ? [CA] : [], protocols: "chat" });
    assertEquals([socket.protocol, socket.response.headers.get("x-own")], ["chat", "1"]);
    const reader = socket.readable.getReader();
    assertEquals((await reader.read()).value, isSecure ? "https:/a?b" : "http:/a?b");
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

runExamples(["src/node.ts"], "@handfast/websocket/node");
