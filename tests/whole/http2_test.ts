// WebSockets over HTTP/2 by what else there is: client certificates, Unix sockets, a client that comes back, and the web's
// two classes.

import { assertEquals, assertRejects } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectOptions, HandshakeError, reconnect, type ServeOptions } from "../../mod.ts";
import { WebSocketStream } from "../../src/stream.ts";
import { WebSocket } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";
import { NEEDS_NODE, withMtls } from "../kit/mtls.ts";
import { echo, pem, serving } from "../kit/serving.ts";

const CA = await pem("ca"), TLS = { cert: await pem("localhost"), key: await pem("localhost.key") };
const CLIENT = { cert: await pem("client"), key: await pem("client.key") };

const H2 = { http2: true } as const;

for (const http2 of [true, "auto"] as const) {
  test(
    `connect() with http2: ${http2} shows a certificate to a server that demands one`,
    NEEDS_NODE,
    () =>
      withMtls(async (port) => {
        const options = { http2, caCerts: [CA] } as const;
        const socket = await connect(`wss://localhost:${port}/`, { ...options, ...CLIENT });
        assertEquals(socket.response.status, 200);
        const { value } = await socket.readable.getReader().read();
        assertEquals(JSON.parse(String(value)), { client: "ada", name: "localhost" });
        await socket.close();
        // Who has none is another client, and does not share the session of one that has
        const shared = await connect(`wss://localhost:${port}/`, { ...options, ...CLIENT });
        await assertRejects(() => connect(`wss://localhost:${port}/`, options), HandshakeError);
        await shared.close();
      }, "--http2"),
  );
}

const OVER: readonly (readonly [name: string, scheme: string, server: ServeOptions, client: ConnectOptions])[] = [
  ["h2c", "ws", {}, {}],
  ["TLS", "wss", TLS, { caCerts: [CA] }],
];
for (const [name, scheme, tls, client] of OVER) {
  test(`serve() and connect() over HTTP/2 over ${name} use a Unix socket, and share a session by its path`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "handfast-"));
    const paths = ["a", "b"].map((name) => join(directory, name));
    const seen: unknown[] = [];
    const servers = await Promise.all(paths.map((unix) =>
      serving((socket) => {
        seen.push([socket.request.url, socket.remoteAddr]);
        return socket.receive((message) => socket.send(`${unix} ${message}`));
      }, { unix, http2: true, ...tls })
    ));
    try {
      for (const unix of [...paths, ...paths]) {
        const socket = await connect(`${scheme}://localhost/chat`, { ...H2, ...client, unix });
        assertEquals(socket.response.status, 200);
        socket.send("Hello");
        assertEquals((await socket.readable.getReader().read()).value, `${unix} Hello`);
        await socket.close();
      }
      const url = `${scheme === "ws" ? "http" : "https"}://localhost/chat`;
      assertEquals(seen, [...paths, ...paths].map((path) => [url, { transport: "unix", path }]));
    } finally {
      for (const server of servers) await server.shutdown();
      await rm(directory, { recursive: true });
    }
  });
}

test("reconnect() over HTTP/2 comes back, in a new session where the old one is lost", async () => {
  const first = await serving(echo, H2), { port } = first, url = `ws://127.0.0.1:${port}/`;
  const client = reconnect(url, { ...H2, firstDelay: 1, maxDelay: 1, restartSpread: 1 });
  const messages = client.messages();
  client.send("one");
  assertEquals((await messages.next()).value, "one");
  await first.shutdown();
  const second = await serving(echo, { ...H2, port });
  client.send("two");
  assertEquals((await messages.next()).value, "two");
  await client.close();
  await second.shutdown();
});

for (const [name, scheme, tls, client] of OVER) {
  test(`WebSocket over HTTP/2 over ${name} opens, echoes and closes (RFC 8441 §5)`, async () => {
    const methods: string[] = [];
    const server = await serving((socket) => {
      methods.push(socket.request.method);
      return echo(socket);
    }, { ...H2, ...tls, protocols: ["chat"] });
    const socket = new WebSocket(`${scheme}://localhost:${server.port}/`, ["chat"], { ...H2, ...client });
    const closed = new Promise<CloseEvent>((resolve) => void socket.addEventListener("close", resolve as never));
    socket.onopen = () => socket.send("Hello");
    const seen: unknown[] = [];
    socket.onmessage = ({ data }) => {
      seen.push(data);
      socket.close(3000);
    };
    const { code, wasClean } = await closed;
    assertEquals([code, wasClean, socket.protocol, seen, methods], [3000, true, "chat", ["Hello"], ["CONNECT"]]);
    await server.shutdown();
  });

  test(`WebSocketStream over HTTP/2 over ${name} opens, echoes and closes (RFC 8441 §5)`, async () => {
    const methods: string[] = [];
    const server = await serving((socket) => {
      methods.push(socket.request.method);
      return echo(socket);
    }, { ...H2, ...tls, protocols: ["chat"] });
    const url = `${scheme}://localhost:${server.port}/`;
    const stream = new WebSocketStream(url, { protocols: ["chat"] }, { ...H2, ...client });
    const { readable, writable, protocol } = await stream.opened;
    await writable.getWriter().write("Hello");
    assertEquals([(await readable.getReader().read()).value, protocol, methods], ["Hello", "chat", ["CONNECT"]]);
    stream.close({ closeCode: 3000 });
    assertEquals((await stream.closed).closeCode, 3000);
    await server.shutdown();
  });
}
