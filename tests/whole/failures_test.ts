// That the tables of failures and the rows of cases fit each other: every failure is reached by a row, or here.

import { assert, assertEquals } from "@std/assert";
import { accept } from "../../src/server/accept.ts";
import type { Accepted } from "../../src/server/accepted.ts";
import { answer } from "../../src/handshake/answer.ts";
import { attach } from "../../src/server/attach.ts";
import { connect } from "../../src/client/connect.ts";
import { HandshakeError } from "../../src/errors/handshake_error.ts";
import { isCloseCode, WebSocketError } from "../../src/errors/websocket_error.ts";
import {
  type HandshakeFailure,
  handshakeFailures,
  type ProtocolFailure,
  protocolFailures,
} from "../../src/errors/failures.ts";
import { readRequest } from "../../src/server/read_request.ts";
import { serve, type Server } from "../../src/server/serve.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { connectResponses, connects } from "../cases/connects.ts";
import { dialogues } from "../cases/dialogues.ts";
import { frames } from "../cases/frames.ts";
import { requests } from "../cases/requests.ts";
import { responses } from "../cases/responses.ts";
import { latin1, test } from "../kit/harness.ts";
import { listenHttp2 } from "../kit/http2.ts";
import { startProxy } from "../kit/proxies.ts";
import { settled } from "../kit/raw_peer.ts";
import { HandClient, socketsSettled } from "../kit/serving.ts";
import { dialRaw, listen, listenRaw, portOf } from "../kit/tcp.ts";

/** What the rows say of handshakes, but for those that succeed. */
const handshakes = new Set<string>(
  [...requests, ...responses, ...connects, ...connectResponses].map(({ expect }) => expect).filter((expect) =>
    expect !== "upgrade" && expect !== "agreed"
  ),
);

/** What the rows say of connections. */
const connections = new Set<string>([
  ...frames.flatMap(({ expect }) => expect.flatMap((event) => "failure" in event ? [event.failure] : [])),
  ...dialogues.flatMap(({ steps }) =>
    steps.flatMap((step) => "expectClosed" in step && "error" in step.expectClosed ? [step.expectClosed.error] : [])
  ),
]);

const UPGRADE = [
  "GET / HTTP/1.1",
  "Host: h",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];

/** How readRequest() fails with these lines. */
async function reading(lines: readonly string[], body = "", maxBodySize?: number): Promise<unknown> {
  const [client, server] = connectionPair();
  await client.writable.getWriter().write(latin1([...lines, "", ""].join("\r\n") + body));
  return await readRequest(server, { maxBodySize }).catch((error) => error);
}

/** How a server that has a client tells of another one, once `change` was done to it; it comes on a connection that is there. */
async function turnedAway(options: ServeOptions, change?: (server: Server) => void): Promise<unknown> {
  const told: unknown[] = [], handlers = { socket: (socket: Accepted) => socket.receive() };
  const server = await serve({ port: 0, onError: (error) => told.push(error), ...options }, handlers);
  const first = await connect(server.url!);
  const conn = await dialRaw(portOf(server));
  const bytes = latin1([...UPGRADE, "", ""].join("\r\n"));
  await conn.write(bytes.subarray(0, 10));
  await socketsSettled();
  change?.(server);
  await conn.write(bytes.subarray(10));
  await new HandClient(conn).rest();
  conn.close();
  const finished = server.shutdown();
  await first.closed;
  await finished;
  return told[0];
}

/** What no row can hold: it is not in the bytes of an upgrade, or not in bytes at all. */
const others: Partial<Record<HandshakeFailure | ProtocolFailure, () => Promise<unknown>>> = {
  "method-unsupported": () => reading(["TRACE / HTTP/1.1", "Host: h"]),
  "body-malformed": () => reading(["POST / HTTP/1.1", "Host: h", "Transfer-Encoding: chunked"], "x\r\n"),
  "body-too-large": () => reading(["POST / HTTP/1.1", "Host: h", "Content-Length: 5"], "Hello", 4),
  async "unauthorized"() {
    const headers = UPGRADE.slice(1).map((line) => line.split(": ") as [string, string]);
    const request = new Request("http://h/", { headers });
    return (await answer(request, { authorize: () => new Response("", { status: 403 }) })).error;
  },
  "too-many-connections": () => turnedAway({ maxConnections: 1 }),
  "too-many-requests": () => turnedAway({ maxConnectionsPerMinute: 1 }),
  "server-stopping": () => turnedAway({}, (server) => void server.shutdown({ within: 0 })),
  async "handshake-timeout"() {
    const clock = fakeClock();
    const [client, server] = connectionPair();
    const failed = accept(server, { clock, handshakeTimeout: 1000, closeTimeout: 1000 }).catch((error) => error);
    await client.writable.getWriter().write(latin1("GET /"));
    await clock.advance(1000);
    await clock.advance(1000); // the refusal is written; nobody reads it
    return await failed;
  },
  async "dial-failed"() {
    return await connect("ws://localhost/", { unix: "/no/such/socket" }).catch((error) => error);
  },
  async "http2-unsupported"() {
    await using server = await listenHttp2(() => {}, { settings: { enableConnectProtocol: false } });
    return await connect(`ws://127.0.0.1:${server.port}/`, { http2: true }).catch((error) => error);
  },
  async "tls-failed"() {
    using listener = await listenRaw();
    const failed = connect(`wss://127.0.0.1:${listener.port}/`).catch((error) => error);
    (await listener.accept()).close();
    return await failed;
  },
  async "proxy-refused"() {
    await using proxy = await startProxy(undefined, { answer: "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" });
    const options = { proxy: `http://127.0.0.1:${proxy.port}` };
    return await connect("ws://localhost/", options).catch((error) => error);
  },
  async "redirect-refused"() {
    using listener = await listen();
    const failed = connect(`ws://127.0.0.1:${listener.port}/`, { followRedirects: 1 }).catch((error) => error);
    const headers = { location: "ftp://localhost/" };
    const authorize = () => new Response("", { status: 302, headers });
    await accept(await listener.accept(), { authorize }).catch(() => {});
    return await failed;
  },
  async "send-buffer-full"() {
    const [, server] = connectionPair({ highWaterMark: 1 });
    const agreement = { role: "server", protocol: "", extensions: "" } as const;
    const socket = attach(server, agreement, { clock: fakeClock(), maxBufferedAmount: 1000 });
    for (let count = 0; count < 2; count++) socket.send(new Uint8Array(900));
    return await socket.closed.catch((error) => error);
  },
  async "message-timeout"() {
    const clock = fakeClock();
    const [client, server] = connectionPair();
    const agreement = { role: "server", protocol: "", extensions: "" } as const;
    const socket = attach(server, agreement, { clock, messageTimeout: 1000, closeTimeout: 1000 });
    const failed = socket.receive(() => {}).catch((error) => error);
    await client.writable.getWriter().write(Uint8Array.of(0x01, 0x81, 0, 0, 0, 0, 0x61));
    await settled();
    await clock.advance(1000);
    await clock.advance(1000); // the Close frame is written; nobody answers
    return await failed;
  },
  async "ping-timeout"() {
    const clock = fakeClock();
    const [, server] = connectionPair();
    const agreement = { role: "server", protocol: "", extensions: "" } as const;
    const socket = attach(server, agreement, { clock, idleTimeout: 1000, closeTimeout: 1000 });
    const failed = socket.receive(() => {}).catch((error) => error);
    await clock.advance(1000);
    return await failed;
  },
};

test("every handshake failure is reached by a row of the cases, or below, and by one of them only", () => {
  const reached = [...handshakes, ...Object.keys(others).filter((failure) => failure in handshakeFailures)];
  assertEquals(reached.sort(), Object.keys(handshakeFailures).sort());
});

test("every protocol failure is reached by a row of the cases, or below, and by one of them only", () => {
  const reached = [...connections, ...Object.keys(others).filter((failure) => failure in protocolFailures)];
  assertEquals(reached.sort(), Object.keys(protocolFailures).sort());
});

/** What a client is turned away with before its request is read: nobody has a `Response` of it. */
const EARLY = ["too-many-connections", "too-many-requests"];

for (const [failure, reach] of Object.entries(others)) {
  test(`${failure}, which no row can hold, is reached`, async () => {
    const error = await reach();
    const known = error instanceof HandshakeError || error instanceof WebSocketError;
    assert(known, String(error));
    const row = { ...handshakeFailures, ...protocolFailures }[failure as HandshakeFailure | ProtocolFailure];
    assertEquals([error.failure, error.section], [failure as never, row.section]);
    if (error instanceof WebSocketError) assertEquals(error.closeCode, (row as { closeCode: number }).closeCode);
    else if ((row as { status: number }).status > 0 && !EARLY.includes(failure)) {
      assertEquals(error.response?.status, (row as { status: number }).status);
    }
  });
}

/** The sections that each specification has, by their first number. */
const SECTIONS: Readonly<Record<string, number>> = {
  "6455": 14,
  "6585": 9,
  "7692": 12,
  "8441": 10,
  "9110": 19,
  "9112": 13,
  "9113": 11,
  "9220": 8,
  "4648": 14,
};

test("every section that is cited has a number that its specification has", () => {
  const tables = [...Object.values(handshakeFailures), ...Object.values(protocolFailures)];
  const rows = [...requests, ...responses, ...connects, ...connectResponses, ...frames, ...dialogues];
  for (const { section } of [...tables, ...rows]) {
    if (section === "WHATWG WebSockets §2.1") continue;
    const [, rfc = "", first = ""] = /^RFC (\d{4}) §(\d+)(?:\.\d+){0,3}(?: \(\d+(?:\.\d+)?\))?$/.exec(section) ?? [];
    const last = SECTIONS[rfc];
    assert(last !== undefined && Number(first) >= 1 && Number(first) <= last, section);
  }
});

test("every row of the tables has a code that can be sent, and a sentence (RFC 9110 §15, RFC 6455 §7.4)", () => {
  const sentences: string[] = [];
  for (const [failure, { status, sentence }] of Object.entries(handshakeFailures)) {
    assert(status === 0 || status >= 400 && status <= 599, failure);
    sentences.push(sentence);
  }
  for (const [failure, { closeCode, sentence }] of Object.entries(protocolFailures)) {
    assert(closeCode === 1006 || isCloseCode(closeCode), failure);
    assert(new TextEncoder().encode(sentence).length <= 123, failure); // it is the reason of the Close frame
    sentences.push(sentence);
  }
  for (const sentence of sentences) assert(/^[A-Z][\x20-\x7e]*[^.]$/.test(sentence), sentence);
  assertEquals(new Set(sentences).size, sentences.length);
  for (const failure of [...Object.keys(handshakeFailures), ...Object.keys(protocolFailures)]) {
    assert(/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(failure), failure);
  }
});
