// The entry for Bun, on Bun: listen(), dial(), handlers().

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SocketHandler, TLSOptions } from "bun";
import { accept, attach, connect, type HandshakeError, WebSocketError } from "../mod.ts";
import {
  type BunConnection,
  type BunHandlers,
  type BunTlsOptions,
  dial,
  handlers,
  listen,
  type ListenOptions,
} from "../src/bun.ts";
import { type BunTcp, bunTcp } from "../src/runtime/bun_api.ts";
import { transportOf } from "../src/runtime/choose.ts";
import { runExamples } from "./kit/examples.ts";
import { latin1, random, test, text } from "./kit/harness.ts";
import { countedSignal } from "./kit/raw_peer.ts";
import { dialRaw } from "./kit/tcp.ts";

const pem = (name: string) => readFileSync(fileURLToPath(new URL(`kit/tls/${name}.pem`, import.meta.url).href), "utf8");
const CA = pem("ca"), TLS = { cert: pem("localhost"), key: pem("localhost.key") };
const HOST = { hostname: "127.0.0.1" };
const AGREED = { protocol: "", extensions: "" };

// Our types are Bun's, as the type check sees: its options can be given to us, we name no other, and it takes our handlers
type Extends<A extends B, B> = A;
export type Agreed = [
  Extends<TLSOptions, BunTlsOptions>,
  Extends<keyof BunTlsOptions, keyof TLSOptions>,
  Extends<BunHandlers, SocketHandler<unknown, "uint8array">>,
];

/** Both ends of a connection. */
async function pair(options: ListenOptions = {}, tls?: Parameters<typeof dial>[0]["tls"]) {
  const listener = listen({ ...HOST, ...options });
  const { addr } = listener;
  const to = addr.transport === "tcp" ? { ...HOST, port: addr.port } : { unix: addr.path };
  const ends = await Promise.all([dial({ ...to, tls }), listener.accept()]);
  listener.close();
  return ends;
}

/** A message there and back, and a clean end. */
async function talk(here: BunConnection, there: BunConnection): Promise<void> {
  const client = attach(here, { role: "client", ...AGREED }), server = attach(there, { role: "server", ...AGREED });
  const serving = server.receive((message) => server.send(message));
  const message = noise(3 * 2 ** 20, 1);
  client.send(message);
  assertEquals((await client.readable.getReader().read()).value, message);
  assertEquals(await client.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
  await serving;
}

function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed);
  return Uint8Array.from({ length: size }, next);
}

test("listen() and dial() make connections over TCP, which know their addresses", async () => {
  const [here, there] = await pair();
  assertEquals([here.localAddr, here.remoteAddr], [there.remoteAddr, there.localAddr]);
  assert(here.remoteAddr?.transport === "tcp" && here.remoteAddr.port > 0);
  assertEquals(here.remoteAddr.hostname, "127.0.0.1");
  await talk(here, there);
});

test("listen() and dial() make connections over a unix socket", async () => {
  const directory = mkdtempSync(join(tmpdir(), "handfast-")), unix = join(directory, "socket");
  const [here, there] = await pair({ unix });
  const addr = { transport: "unix", path: unix } as const;
  assertEquals([here.localAddr, here.remoteAddr, there.localAddr, there.remoteAddr], [addr, addr, addr, addr]);
  await talk(here, there);
  rmSync(directory, { recursive: true });
});

test("listen() and dial() make connections over TLS", async () => {
  await talk(...await pair({ tls: TLS }, { ca: CA }));
  await talk(...await pair({ tls: TLS }, { ca: CA, serverName: "localhost" }));
});

const UNTRUSTED: readonly [name: string, tls: NonNullable<Parameters<typeof dial>[0]["tls"]>][] = [
  ["no CA", true],
  ["no option", {}],
  ["another name", { ca: CA, serverName: "elsewhere.example" }],
  ["another CA", { ca: pem("clients-ca") }],
];
for (const [name, tls] of UNTRUSTED) {
  test(`dial() with TLS and ${name} does not trust the server (RFC 6455 §4.1 (5))`, async () => {
    using listener = listen({ ...HOST, tls: TLS });
    const { port } = listener.addr as { port: number };
    await assertRejects(() => dial({ ...HOST, port, tls }), Error, "certificate");
  });
}

test("dial() without a port is a TypeError, and to nobody an Error", async () => {
  await assertRejects(() => dial(HOST), TypeError, "no port");
  const listener = listen(HOST), { port } = listener.addr as { port: number };
  listener.close();
  await assertRejects(() => dial({ ...HOST, port }), Error);
});

test("dial() is given up by its signal", async () => {
  const reason = new Error("Never mind");
  await assertRejects(() => dial({ ...HOST, port: 9, signal: AbortSignal.abort(reason) }), Error, "Never mind");
});

test("dial() leaves nothing on its signal when its options can't be used", async () => {
  const { signal, listeners } = countedSignal();
  for (const tls of [{ ca: "junk" }, { cert: "junk", key: "junk" }]) {
    await assertRejects(() => dial({ ...HOST, port: 9, tls, signal }));
  }
  assertEquals(listeners(), 0);
});

/** Listens as those do who call Bun.listen themselves. */
function ownListen(allowHalfOpen: boolean | undefined, opened: (conn: BunConnection) => void) {
  return bunTcp().listen({ ...HOST, port: 0, allowHalfOpen, socket: handlers(opened) });
}

/** What becomes of the chunks of 200,000 bytes whose owner is done with each at once, or isn't. */
async function chunksOf(
  conn: BunConnection,
  from: BunConnection,
  isDone: boolean,
): Promise<(readonly [was: number, is: number])[]> {
  const transport = transportOf(conn), sender = transportOf(from), bytes = noise(200_000, 1);
  const chunks: Uint8Array[] = [], copies: Uint8Array[] = [], all = Promise.withResolvers<void>();
  const onData = (chunk: Uint8Array) => {
    chunks.push(chunk);
    copies.push(chunk.slice());
    if (copies.reduce((sum, { length }) => sum + length, 0) === bytes.length) all.resolve();
    return isDone;
  };
  transport.start({ onData, onEnd() {}, onDrained() {}, onLost: all.reject });
  sender.start({ onData() {}, onEnd() {}, onDrained() {}, onLost: all.reject });
  transport.resume();
  sender.write(bytes);
  await all.promise;
  await new Promise((resolve) => setTimeout(resolve)); // the last chunk is given back behind its handler
  for (const end of [transport, sender]) end.abort();
  assertEquals(new Uint8Array(await new Blob(copies as BlobPart[]).arrayBuffer()), bytes);
  return copies.map(({ length }, i) => [length, chunks[i]!.length]);
}

test("large chunks are freed once nobody has them, where they are of a socket of ours", async () => {
  for (const isDone of [true, false]) {
    const [here, there] = await pair();
    const chunks = await chunksOf(there, here, isDone);
    assertEquals(chunks.map(([, is]) => is), chunks.map(([was]) => isDone && was >= 32768 ? 0 : was));
    assert(chunks.some(([was]) => was >= 32768), `${chunks.map(([was]) => was)}`);
  }
});

test("whoever calls handlers() may keep a chunk", async () => {
  const opened = Promise.withResolvers<BunConnection>(), server = ownListen(true, opened.resolve);
  const here = await dial({ ...HOST, port: server.port! }), chunks = await chunksOf(await opened.promise, here, true);
  assertEquals(chunks.map(([, is]) => is), chunks.map(([was]) => was));
  server.stop();
});

test("handlers() serve a Bun.listen of one's own", async () => {
  const server = ownListen(true, (conn) => {
    accept(conn).then((socket) => socket.readable.pipeTo(socket.writable));
  });
  const socket = await connect(`ws://127.0.0.1:${server.port}/`);
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
  assertEquals(await socket.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
  server.stop();
});

for (const allowHalfOpen of [true, undefined]) {
  const outcome = allowHalfOpen ? "its answer" : "an error that says what is missing";
  test(`a peer that half-closes gets ${outcome} with allowHalfOpen: ${allowHalfOpen}`, async () => {
    const failed = Promise.withResolvers<HandshakeError>();
    const server = ownListen(allowHalfOpen, (conn) => {
      // A policy that takes a turn: the end comes meanwhile
      const authorize = async () => {
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
        return new Response("no!", { status: 403 });
      };
      accept(conn, { authorize }).catch(failed.resolve);
    });
    using raw = await dialRaw(server.port!);
    const lines = ["GET / HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade"];
    lines.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "");
    await raw.write(latin1(lines.join("\r\n")));
    await raw.closeWrite();
    const buffer = new Uint8Array(1024), count = await raw.read(buffer);
    const { failure, cause } = await failed.promise;
    if (allowHalfOpen) {
      assertMatch(text(buffer.subarray(0, count ?? 0)), /^HTTP\/1\.1 403 /);
      assertEquals(failure, "unauthorized");
    } else {
      assertEquals([count, failure], [null, "connection-closed"]);
      assertMatch((cause as Error).message, /allowHalfOpen: true/);
    }
    server.stop();
  });
}

test("a connection that is closed by its owner ends with 1006", async () => {
  const [here, there] = await pair();
  const lost = attach(there, { role: "server", ...AGREED }).receive(() => {});
  here[Symbol.dispose]();
  assertEquals((await assertRejects(() => lost, WebSocketError)).closeCode, 1006);
});

test("a door that is given a socket of Bun's names handlers()", async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  using listener = listen(HOST);
  const options = { ...HOST, port: (listener.addr as { port: number }).port };
  await (bunTcp() as BunTcp).connect({ ...options, socket: { open: resolve, data() {} } });
  const error = await assertRejects(async () => await accept(await promise as never), TypeError);
  assertMatch(error.message, /handlers\(\) of @handfast\/websocket\/bun/);
  (await promise as { terminate(): void }).terminate();
});

runExamples(["src/bun.ts", "src/runtime/bun_listener.ts", "src/runtime/bun_socket.ts"], "@handfast/websocket/bun");
