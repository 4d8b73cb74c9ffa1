// What a client does with a request that the server has not answered: again, over HTTP/1.1, or not at all.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { accept, connect, HandshakeError, WebSocketError } from "../../mod.ts";
import { fromSocket, fromUpgrade } from "../../src/node.ts";
import { concat } from "../kit/bytes.ts";
import { test } from "../kit/harness.ts";
import { listenHttp2 } from "../kit/http2.ts";
import { END_HEADERS, FRAME, frame, uint32 } from "../kit/raw_http2.ts";
import { pem } from "../kit/serving.ts";

const CA = await pem("ca"), TLS = { cert: await pem("localhost"), key: await pem("localhost.key") };
const H2 = { http2: true } as const;
const H2_TLS = { http2: true, caCerts: [CA] } as const;
const AUTO_TLS = { http2: "auto", caCerts: [CA] } as const;

/** The SETTINGS of a server by hand: it takes an extended CONNECT (RFC 8441 §3), and in one case no stream. */
const SETTINGS = frame(FRAME.SETTINGS, 0, 0, Uint8Array.of(0, 8, 0, 0, 0, 1));
const NO_STREAMS = frame(FRAME.SETTINGS, 0, 0, Uint8Array.of(0, 8, 0, 0, 0, 1, 0, 3, 0, 0, 0, 0));

/** The head of a response with the status 200, from the static table (RFC 7541 §6.1). */
const OK = frame(FRAME.HEADERS, END_HEADERS, 1, Uint8Array.of(0x88));

const goaway = (lastStreamId: number, code: number) =>
  frame(FRAME.GOAWAY, 0, 0, concat(uint32(lastStreamId), uint32(code)));
const reset = (id: number, code: number) => frame(FRAME.RST_STREAM, 0, id, uint32(code));

/** How many heads of requests there are in what a client has sent, behind the preface of 24 bytes (RFC 9113 §3.4). */
function headsIn(sent: Uint8Array): number {
  let heads = 0;
  for (let at = 24; at + 9 <= sent.length; at += 9 + (sent[at]! << 16 | sent[at + 1]! << 8 | sent[at + 2]!)) {
    if (sent[at + 3] === FRAME.HEADERS) heads++;
  }
  return heads;
}

/** A server that speaks HTTP/2 by hand, and takes WebSockets over HTTP/1.1 where a client chooses that by ALPN. */
interface ByHand extends AsyncDisposable {
  readonly port: number;
  /** How many connections there were of each. */
  readonly counts: { h2: number; http1: number };
  /** Resolves when all of them are closed. */
  closed(): Promise<void>;
}

/**
 * Listens, over TLS or without.
 *
 * @param begin What each session begins with.
 * @param answers What is sent behind the first request of a session, the second, and so on.
 */
async function byHand(scheme: "ws" | "wss", begin: () => Uint8Array, ...answers: Uint8Array[]): Promise<ByHand> {
  const counts = { h2: 0, http1: 0 }, sockets = new Set<Socket>();
  const speak = (socket: Socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
    if (scheme === "wss" && (socket as TLSSocket).alpnProtocol !== "h2") {
      counts.http1++;
      accept(fromSocket(socket)).then((accepted) => accepted.receive(() => {})).catch(() => {});
      return;
    }
    counts.h2++;
    let sent: Uint8Array = new Uint8Array(), answered = 0;
    socket.write(begin());
    socket.on("data", (chunk: Uint8Array) => {
      sent = concat(sent, chunk);
      for (const heads = Math.min(headsIn(sent), answers.length); answered < heads;) socket.write(answers[answered++]!);
    });
  };
  const server = scheme === "ws"
    ? createServer(speak)
    : createTlsServer({ ...TLS, ALPNProtocols: ["h2", "http/1.1"] }, speak);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    counts,
    async closed() {
      for (const socket of sockets) await new Promise<unknown>((resolve) => socket.once("close", resolve));
    },
    async [Symbol.asyncDispose]() {
      const closing = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closing;
    },
  };
}

test("connect() does not send again what the server has looked at before GOAWAY (RFC 9113 §8.7)", async () => {
  await using server = await byHand("ws", () => SETTINGS, concat(goaway(1, 0), reset(1, 2)));
  const error = await assertRejects(() => connect(`ws://127.0.0.1:${server.port}/`, H2), HandshakeError);
  assertEquals([error.failure, server.counts.h2], ["connection-closed", 1]);
  assert(error.message.includes("INTERNAL_ERROR"), error.message);
  await server.closed();
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
  await using server = await byHand("ws", () => concat(SETTINGS, goaway(0, 0)));
  const opening = () => connect(`ws://127.0.0.1:${server.port}/`, { ...H2, handshakeTimeout: 3000 });
  const error = await assertRejects(opening, HandshakeError);
  assertEquals([error.failure, error.retryable, server.counts.h2], ["connection-closed", true, 3], error.message);
  await server.closed();
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

/** What makes "auto" use HTTP/1.1 once, and is an error for `true`. */
const instead: [what: string, begin: Uint8Array, answers: Uint8Array[], failure: string, message: string][] = [
  [
    "SETTINGS_MAX_CONCURRENT_STREAMS is 0 (RFC 9113 §5.1.2)",
    NO_STREAMS,
    [],
    "connection-closed",
    "the server lets no stream be open",
  ],
  [
    "RST_STREAM has HTTP_1_1_REQUIRED (RFC 9113 §7)",
    SETTINGS,
    [reset(1, 13)],
    "http2-unsupported",
    "the server has reset the stream with HTTP_1_1_REQUIRED",
  ],
  [
    "GOAWAY has HTTP_1_1_REQUIRED, and leaves the request out (RFC 9113 §6.8, §7)",
    SETTINGS,
    [goaway(0, 13)],
    "http2-unsupported",
    "the server has ended the session with HTTP_1_1_REQUIRED",
  ],
  [
    "GOAWAY has HTTP_1_1_REQUIRED, and includes the request (RFC 9113 §6.8, §7)",
    SETTINGS,
    [goaway(1, 13)],
    "http2-unsupported",
    "the server has ended the session with HTTP_1_1_REQUIRED",
  ],
  [
    "GOAWAY has HTTP_1_1_REQUIRED, and comes with SETTINGS (RFC 9113 §6.8, §7)",
    concat(SETTINGS, goaway(0, 13)),
    [],
    "http2-unsupported",
    "the server has ended the session with HTTP_1_1_REQUIRED",
  ],
];

for (const [what, begin, answers, failure, message] of instead) {
  test(`connect() with http2: auto uses HTTP/1.1 once where ${what}`, async () => {
    await using server = await byHand("wss", () => begin, ...answers);
    const url = `wss://localhost:${server.port}/`;
    const error = await assertRejects(() => connect(url, H2_TLS), HandshakeError, message);
    assertEquals([error.failure, error.retryable], [failure, failure === "connection-closed"]);
    assertEquals(server.counts, { h2: 1, http1: 0 });
    for (const asked of [1, 2]) {
      const socket = await connect(url, AUTO_TLS);
      assertEquals(socket.response.status, 101);
      assertEquals(server.counts, { h2: 1 + asked, http1: asked });
      await socket.close();
    }
    await server.closed();
  });
}

test("connect() with http2: auto uses HTTP/2 as soon as the server lets streams be open (RFC 9113 §5.1.2)", async () => {
  let isBusy = true;
  await using server = await byHand("wss", () => isBusy ? NO_STREAMS : SETTINGS, OK);
  const url = `wss://localhost:${server.port}/`, before = await connect(url, AUTO_TLS);
  isBusy = false;
  const socket = await connect(url, AUTO_TLS);
  assertEquals([before.response.status, socket.response.status, server.counts], [101, 200, { h2: 2, http1: 1 }]);
  socket.abort();
  await before.close();
  await server.closed();
});

test("GOAWAY with HTTP_1_1_REQUIRED is a loss for what was answered before, and only for that (RFC 9113 §6.8)", async () => {
  await using server = await byHand("wss", () => SETTINGS, OK, goaway(1, 13));
  const url = `wss://localhost:${server.port}/`, first = await connect(url, AUTO_TLS);
  const second = await connect(url, AUTO_TLS);
  const error = await assertRejects(() => first.closed, WebSocketError);
  assertEquals([first.response.status, error.failure, second.response.status], [200, "connection-lost", 101]);
  assertEquals(server.counts, { h2: 1, http1: 1 });
  await second.close();
  await server.closed();
});
