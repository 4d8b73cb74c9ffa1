// What a client does with a request that the server has not answered: again, over HTTP/1.1, or not at all.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { accept, connect, HandshakeError } from "../../mod.ts";
import { fromUpgrade } from "../../src/node.ts";
import { concat } from "../kit/bytes.ts";
import { test } from "../kit/harness.ts";
import { listenHttp2 } from "../kit/http2.ts";
import { FRAME, frame, uint32 } from "../kit/raw_http2.ts";
import { pem } from "../kit/serving.ts";

const CA = await pem("ca"), TLS = { cert: await pem("localhost"), key: await pem("localhost.key") };
const H2 = { http2: true } as const;
const H2_TLS = { http2: true, caCerts: [CA] } as const;

/** The SETTINGS of a server by hand: it takes an extended CONNECT (RFC 8441 §3). */
const SETTINGS = frame(FRAME.SETTINGS, 0, 0, Uint8Array.of(0, 8, 0, 0, 0, 1));

/** Whether what a client has sent has the head of a request, behind the preface of 24 bytes (RFC 9113 §3.4). */
function hasHead(sent: Uint8Array): boolean {
  for (let at = 24; at + 9 <= sent.length; at += 9 + (sent[at]! << 16 | sent[at + 1]! << 8 | sent[at + 2]!)) {
    if (sent[at + 3] === FRAME.HEADERS) return true;
  }
  return false;
}

test("connect() does not send again what the server has looked at before GOAWAY (RFC 9113 §8.7)", async () => {
  let sessions = 0;
  const goaway = frame(FRAME.GOAWAY, 0, 0, concat(uint32(1), uint32(0)));
  const server = createServer((socket) => {
    sessions++;
    let sent: Uint8Array = new Uint8Array(), isAnswered = false;
    socket.on("error", () => {}).write(SETTINGS);
    socket.on("data", (chunk: Uint8Array) => {
      sent = concat(sent, chunk);
      if (isAnswered || !hasHead(sent)) return;
      isAnswered = true;
      socket.write(concat(goaway, frame(FRAME.RST_STREAM, 0, 1, uint32(2))));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const error = await assertRejects(() => connect(`ws://127.0.0.1:${port}/`, H2), HandshakeError);
  const closing = once(server, "close");
  server.close();
  await closing;
  assertEquals([error.failure, sessions], ["connection-closed", 1]);
  assert(error.message.includes("INTERNAL_ERROR"), error.message);
});

test("connect() sends a refused request again, three times in all (RFC 9113 §8.7)", async () => {
  let streams = 0;
  await using server = await listenHttp2(() => {});
  server.server.on("stream", (stream: ServerHttp2Stream) => {
    streams++;
    stream.on("error", () => {}).close(7);
  });
  const error = await assertRejects(() => connect(`ws://127.0.0.1:${server.port}/`, H2), HandshakeError);
  assertEquals([error.failure, error.retryable, streams], ["connection-closed", true, 3], error.message);
});

test("connect() dials a server that lets each session go at once three times (RFC 9113 §6.8)", async () => {
  let sessions = 0;
  const server = createServer((socket) => {
    sessions++;
    socket.on("error", () => {}).resume();
    socket.write(concat(SETTINGS, frame(FRAME.GOAWAY, 0, 0, concat(uint32(0), uint32(0)))));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const opening = () => connect(`ws://127.0.0.1:${port}/`, { ...H2, handshakeTimeout: 3000 });
  const error = await assertRejects(opening, HandshakeError);
  const closing = once(server, "close");
  server.close();
  await closing;
  assertEquals([error.failure, error.retryable, sessions], ["connection-closed", true, 3], error.message);
});

test("connect() with http2: auto uses HTTP/1.1 where the server asks for it (RFC 9113 §7, HTTP_1_1_REQUIRED)", async () => {
  await using server = await listenHttp2(() => {}, { ...TLS, allowHTTP1: true });
  server.server.on("stream", (stream: ServerHttp2Stream) => stream.on("error", () => {}).close(13));
  server.server.on("upgrade", (...event: Parameters<typeof fromUpgrade>) => {
    accept(...fromUpgrade(...event)).catch(() => {});
  });
  const url = `wss://localhost:${server.port}/`;
  const error = await assertRejects(() => connect(url, H2_TLS), HandshakeError, "HTTP_1_1_REQUIRED");
  assertEquals([error.failure, error.retryable], ["http2-unsupported", false]);
  const socket = await connect(url, { http2: "auto", caCerts: [CA] });
  assertEquals(socket.response.status, 101);
  await socket.close();
});
