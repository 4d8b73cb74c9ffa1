import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import {
  type Accepted,
  connect,
  HandshakeError,
  type ServeHandlers,
  type ServeOptions,
  type Server,
  WebSocketError,
} from "../../mod.ts";
import { checkServeOptions } from "../../src/server/serve_options.ts";
import { connectFields, type H2Fields } from "../cases/connects.ts";
import { test } from "../kit/harness.ts";
import { bodyOn, headOn, Http2Client } from "../kit/http2.ts";
import { RawHttp2 } from "../kit/raw_http2.ts";
import { echo, HandClient, pem, request, serving, UPGRADE_FIELDS } from "../kit/serving.ts";
import { dialRaw } from "../kit/tcp.ts";

const CA = await pem("ca"), TLS = { cert: await pem("localhost"), key: await pem("localhost.key") };

/** Fields of a plain request. */
function get(path: string, method = "GET", more: Record<string, string> = {}): H2Fields {
  const fields = { ":method": method, ":scheme": "http", ":authority": "localhost", ":path": path, ...more };
  return Object.entries(fields);
}

const PAGES: ServeHandlers = {
  socket: echo,
  async http(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/boom") throw new Error("Boom");
    if (pathname === "/large") return new Response("x".repeat(2 ** 20));
    const seen = [request.method, pathname, request.headers.get("cookie"), await request.text()];
    return new Response(JSON.stringify(seen), { headers: [["set-cookie", "a"], ["set-cookie", "b"], ["x-a", "1"]] });
  },
};

/** A server with HTTP/2, and a client of it. */
async function over(options: ServeOptions, handlers: ServeHandlers | ServeHandlers["socket"] = echo) {
  const server = await serving(handlers, { http2: true, closeTimeout: 200, ...options });
  const client = await Http2Client.open(server.port, options.cert && CA);
  return { server, client };
}

async function ask(client: Http2Client, fields: H2Fields, body?: string) {
  const stream = client.request(fields, body === undefined ? { endStream: true } : {});
  if (body !== undefined) stream.end(body);
  const { status, headers } = await headOn(stream);
  return { status, headers, body: await bodyOn(stream) };
}

/** Its session is closed, with or without an error. */
function closeOf({ session }: Http2Client): Promise<void> {
  return new Promise((resolve) => void session.once("close", resolve));
}

/** What was written is sent. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setTimeout(() => resolve(), 0));
}

async function stop(server: Server, client: Http2Client): Promise<void> {
  client[Symbol.dispose]();
  await server.shutdown();
}

for (const [name, options] of [["h2c", {}], ["TLS", TLS]] as const) {
  test(`serve() takes WebSockets and plain requests over HTTP/2 over ${name} (RFC 8441 §5)`, async () => {
    const { server, client } = await over(options, PAGES);
    const { status, headers, body } = await ask(client, [...get("/page"), ["cookie", "a=1"], ["cookie", "b=2"]]);
    assertEquals([status, headers["x-a"], headers["set-cookie"]], [200, "1", ["a", "b"]]);
    assertEquals(JSON.parse(body), ["GET", "/page", "a=1; b=2", ""]);
    assertEquals(JSON.parse((await ask(client, get("/form", "POST"), "Hello")).body), ["POST", "/form", null, "Hello"]);
    assertEquals((await ask(client, get("/large"))).body.length, 2 ** 20);
    const head = await ask(client, get("/large", "HEAD"));
    assertEquals([head.status, head.body], [200, ""]);
    const url = `${options === TLS ? "wss" : "ws"}://localhost:${server.port}/`;
    const socket = await connect(url, { http2: true, ...(options === TLS && { caCerts: [CA] }) });
    assertEquals([socket.response.status, server.connections.size], [200, 1]);
    socket.send("Hello");
    assertEquals((await socket.readable.getReader().read()).value, "Hello");
    assertEquals((await socket.close({ closeCode: 3000 })).closeCode, 3000);
    await stop(server, client);
    assertEquals(server.told, []);
  });
}

test("serve() with TLS takes HTTP/1.1 on the same port, by ALPN (RFC 9113 §3.2)", async () => {
  const { server, client } = await over(TLS, PAGES);
  const url = `wss://localhost:${server.port}/`;
  const [first, second] = await Promise.all([
    connect(url, { caCerts: [CA] }),
    connect(url, { caCerts: [CA], http2: "auto" }),
  ]);
  assertEquals([first.response.status, second.response.status], [101, 200]);
  const plain = new HandClient(await dialRaw(server.port, { ca: CA }));
  await plain.write(request("/page"));
  assertEquals((await plain.reply()).status, 200);
  plain[Symbol.dispose]();
  await Promise.all([first.close(), second.close()]);
  await stop(server, client);
});

test("serve() without http2 takes HTTP/1.1 alone", async () => {
  const server = await serving(echo, TLS);
  const error = await assertRejects(
    () => connect(`wss://localhost:${server.port}/`, { http2: true, caCerts: [CA] }),
    HandshakeError,
  );
  assertEquals(error.failure, "http2-unsupported");
  await server.shutdown();
});

/** Requests that are refused: the status, and the failure that is told. */
const REFUSED: readonly (readonly [
  name: string,
  fields: H2Fields,
  status: number,
  failure: string,
  options?: ServeOptions,
  body?: string,
])[] = [
  ["a CONNECT to another host", [[":method", "CONNECT"], [":authority", "h:443"]], 405, "method-unsupported"],
  ["TRACE", get("/", "TRACE"), 405, "method-unsupported"],
  ["a body that is too large", get("/", "POST"), 413, "body-too-large", { maxBodySize: 4 }, "Hello"],
  ["a head that is too large", get("/", "GET", { x: "a".repeat(500) }), 431, "head-too-large", { maxHeadSize: 400 }],
  ["another version", connectFields({ "sec-websocket-version": "8" }), 400, "version-unsupported"],
  ["a foreign origin", connectFields({ origin: "http://evil.example" }), 403, "origin-refused"],
];
for (const [name, fields, status, failure, options = {}, body] of REFUSED) {
  test(`serve() over HTTP/2 refuses ${name} with ${status}`, async () => {
    const { server, client } = await over(options, PAGES);
    const stream = client.request(fields);
    stream.end(body);
    assertEquals((await headOn(stream)).status, status);
    await bodyOn(stream);
    await stop(server, client);
    assertEquals(server.told.map(({ error, context }) => [(error as HandshakeError).failure, context.kind]), [
      [failure, "peer"],
    ]);
  });
}

test("serve() over HTTP/2 refuses a GET where there is no handler for it (RFC 8441 §5)", async () => {
  const { server, client } = await over({});
  const { status, headers } = await ask(client, get("/"));
  assertEquals([status, headers["allow"]], [405, "CONNECT"]);
  await stop(server, client);
});

test("serve() over HTTP/2 answers 500 for a handler that throws, and goes on", async () => {
  const { server, client } = await over({}, PAGES);
  assertEquals((await ask(client, get("/boom"))).status, 500);
  assertEquals((await ask(client, get("/page"))).status, 200);
  await stop(server, client);
  assertEquals(server.told.map(({ context }) => context.kind), ["http"]);
});

test("serve() over HTTP/2 answers HEAD with the length that a GET would have (RFC 9110 §8.6)", async () => {
  const http = () => new Response("Hello", { headers: { "content-length": "5" } });
  const { server, client } = await over({}, { socket: echo, http });
  const { status, headers, body } = await ask(client, get("/", "HEAD"));
  assertEquals([status, headers["content-length"], body], [200, "5", ""]);
  assertEquals((await ask(client, get("/"))).body, "Hello");
  await stop(server, client);
});

test("serve() over HTTP/2 tells a handler that its client is gone, and cancels the body", async () => {
  const asked = Promise.withResolvers<AbortSignal>(), cancelled = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const http: ServeHandlers["http"] = (request, { signal }) => {
    if (new URL(request.url).pathname === "/wait") {
      signal.addEventListener("abort", () => aborted.resolve());
      asked.resolve(signal);
      return new Promise(() => {});
    }
    const chunk = new Uint8Array(65536);
    return new Response(new ReadableStream({ pull: (c) => c.enqueue(chunk), cancel: () => cancelled.resolve() }));
  };
  const { server, client } = await over({}, { socket: echo, http });
  const waiting = client.request(get("/wait"), { endStream: true });
  await asked.promise;
  waiting.close(8);
  await aborted.promise;
  const endless = client.request(get("/endless"), { endStream: true });
  await headOn(endless);
  endless.close(8);
  await cancelled.promise;
  await stop(server, client);
});

test("serve() loses the WebSockets of a session whose client has ended the connection (RFC 9113 §9.1)", async () => {
  const opened = Promise.withResolvers<Accepted>();
  const { server, client } = await over({}, (socket) => opened.resolve(socket));
  using raw = await RawHttp2.open(server.port);
  await raw.request(1, connectFields());
  const { closed } = await opened.promise;
  await raw.conn.closeWrite();
  assertEquals((await assertRejects(() => closed, WebSocketError)).failure, "connection-lost");
  await stop(server, client);
});

test("serve() counts streams for its limits (RFC 9110 §15.6.4)", async () => {
  const { server, client } = await over({ maxConnections: 1 });
  const url = `ws://localhost:${server.port}/`;
  const first = await connect(url, { http2: true });
  const error = await assertRejects(() => connect(url, { http2: true }), HandshakeError);
  assertEquals([error.response?.status, error.response?.headers.has("retry-after")], [503, true]);
  await first.close();
  await stop(server, client);
});

test("shutdown() closes the WebSockets of a session with 1001, and the session by GOAWAY (RFC 9113 §6.8)", async () => {
  const { server, client } = await over({});
  const goaway = once(client.session, "goaway"), closed = closeOf(client);
  const socket = await connect(`ws://localhost:${server.port}/`, { http2: true });
  const finished = server.shutdown();
  assertEquals((await socket.closed).closeCode, 1001);
  await finished;
  await goaway;
  await closed;
});

test("serve() closes a session that stays without a stream", async () => {
  const { server, client } = await over({ handshakeTimeout: 50 });
  await closeOf(client);
  await stop(server, client);
});

test("serve() ends a session of a client that floods it with PINGs (RFC 9113 §10.5)", async () => {
  const { server, client } = await over({});
  const closed = closeOf(client);
  for (let i = 0; i < 20_000 && !client.session.destroyed; i++) {
    if (!client.session.ping(() => {})) await turn();
  }
  await closed;
  const other = await connect(`ws://localhost:${server.port}/`, { http2: true }); // others are served
  await other.close();
  await stop(server, client);
});

test("serve() ends a session whose client opens streams and resets them (RFC 9113 §10.5)", async () => {
  let handled = 0;
  const { server, client } = await over({}, (socket) => {
    handled++;
    return socket.receive();
  });
  const closed = closeOf(client);
  for (let i = 0; i < 5000 && !client.session.destroyed; i++) {
    client.request(connectFields()).close(8);
    if (i % 100 === 0) await turn();
  }
  await closed;
  assert(handled < 3000, `${handled}`);
  await stop(server, client);
});

test("serve() does not speak HTTP/1.1 on a port of HTTP/2 without TLS", async () => {
  const { server, client } = await over({});
  const plain = await HandClient.open(server.port);
  await plain.write(request("/", UPGRADE_FIELDS));
  const said = await plain.rest().catch(() => "");
  assert(!said.startsWith("HTTP/1.1 101"), said);
  plain[Symbol.dispose]();
  await stop(server, client);
});

test("checkServeOptions() refuses an http2 that is no boolean", async () => {
  for (const http2 of ["yes", 1, null]) {
    await assertRejects(
      async () => await checkServeOptions({ http2: http2 as never }, echo),
      TypeError,
      "option http2",
    );
  }
});
