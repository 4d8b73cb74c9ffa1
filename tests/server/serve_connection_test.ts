// One connection of a server: request by request, until an upgrade; what follows what; and how long a client may take.

import { assert, assertEquals } from "@std/assert";
import type { HttpContext, ServeHandlers } from "../../mod.ts";
import { fakeClock } from "../../src/testing.ts";
import { hex, latin1, test, text } from "../kit/harness.ts";
import { echo, HandClient, request, serving, socketsSettled, UPGRADE_FIELDS } from "../kit/serving.ts";

const http = ({ url, method }: Request) => new Response(`${method} ${new URL(url).pathname}`);

/** A masked text frame, with a mask of zeros (RFC 6455 §5.3). */
const frame = (message: string) => `\x81${String.fromCharCode(0x80 + message.length)}\0\0\0\0${message}`;

test("a connection is kept alive for the next request, and for an upgrade", async () => {
  await using server = await serving({ socket: echo, http });
  using client = await HandClient.open(server.port);
  for (const target of ["/a", "/b"]) {
    await client.write(request(target));
    const { status, headers, body } = await client.reply();
    assertEquals([status, headers.get("connection"), body], [200, null, `GET ${target}`]);
  }
  await client.write(request("/c", { "Content-Length": "3" }, "POST", "abc"));
  assertEquals((await client.reply()).body, "POST /c");
  await client.write(request("/chat", UPGRADE_FIELDS) + frame("Hello"));
  assertEquals((await client.reply()).status, 101);
  assertEquals(await client.until((read) => read.length < 7 ? undefined : 7), "\x81\x05Hello");
  client[Symbol.dispose]();
});

test("requests that come in one chunk are answered in order, the upgrade at their end as well", async () => {
  await using server = await serving({ socket: echo, http });
  using client = await HandClient.open(server.port);
  const post = request("/b", { "Transfer-Encoding": "chunked" }, "POST", "3\r\nabc\r\n0\r\n\r\n");
  await client.write(request("/a") + post + request("/chat", UPGRADE_FIELDS) + frame("!"));
  assertEquals([(await client.reply()).body, (await client.reply()).body], ["GET /a", "POST /b"]);
  assertEquals((await client.reply()).status, 101);
  assertEquals(await client.until((read) => read.length < 3 ? undefined : 3), "\x81\x01!");
  client[Symbol.dispose]();
});

test("a request behind a refused upgrade is not answered, unless keepAlive asks for it", async () => {
  const bytes = request("/", { ...UPGRADE_FIELDS, "Sec-WebSocket-Version": "8" }) + request("/internal");
  for (const keepAlive of [false, true]) {
    await using server = await serving({ socket: echo, http }, { keepAlive });
    using client = await HandClient.open(server.port);
    await client.write(bytes);
    const { status, headers } = await client.reply();
    assertEquals([status, headers.get("connection")], [426, keepAlive ? "Upgrade" : "Upgrade, close"]);
    if (keepAlive) assertEquals((await client.reply()).body, "GET /internal");
    else assertEquals(await client.rest(), "");
    client[Symbol.dispose]();
  }
});

test("credentials may follow a 401 on the same connection with keepAlive", async () => {
  await using server = await serving(echo, {
    keepAlive: true,
    authorize: ({ headers }) =>
      headers.get("authorization") ? undefined : new Response("who?", { status: 401, headers: { "x-a": "b" } }),
  });
  using client = await HandClient.open(server.port);
  await client.write(request("/", UPGRADE_FIELDS));
  assertEquals((await client.reply()).status, 401);
  await client.write(request("/", { ...UPGRADE_FIELDS, Authorization: "Basic YTpi" }));
  assertEquals((await client.reply()).status, 101);
  client[Symbol.dispose]();
});

test("a response that closes, and a request that does, end the connection", async () => {
  const handler = () => new Response("bye", { headers: { connection: "close" } });
  await using server = await serving({ socket: echo, http: (req) => req.url.endsWith("/bye") ? handler() : http(req) });
  for (const [target, fields] of [["/bye", {}], ["/", { Connection: "close" }]] as const) {
    using client = await HandClient.open(server.port);
    await client.write(request(target, fields) + request("/next"));
    const { status, headers } = await client.reply();
    assertEquals([status, headers.get("connection")], [200, "close"]);
    assertEquals(await client.rest(), "");
    client[Symbol.dispose]();
  }
});

test("a client that expects a 100 gets it before its body is read", async () => {
  await using server = await serving({ socket: echo, http: async (request) => new Response(await request.text()) });
  using client = await HandClient.open(server.port);
  await client.write(request("/", { Expect: "100-continue", "Content-Length": "4" }, "PUT"));
  assertEquals((await client.reply()).status, 100);
  await client.write("body");
  assertEquals((await client.reply()).body, "body");
});

test("a body that does not come in time is a 408, a client that asks for nothing is closed in silence", async () => {
  await using server = await serving({ socket: echo, http }, { handshakeTimeout: 50 });
  using silent = await HandClient.open(server.port);
  assertEquals(await silent.rest(), "");
  using slow = await HandClient.open(server.port);
  await slow.write(request("/", { "Content-Length": "4" }, "PUT", "bo"));
  const { status, headers } = await slow.reply();
  assertEquals([status, headers.get("connection"), await slow.rest()], [408, "close", ""]);
  using idle = await HandClient.open(server.port);
  await idle.write(request("/"));
  assertEquals([(await idle.reply()).status, await idle.rest()], [200, ""]);
  for (const client of [silent, slow, idle]) client[Symbol.dispose]();
  await server.shutdown();
  assertEquals(server.told.map(({ context, error }) => [context.kind, (error as { failure?: string }).failure]), [
    ["peer", "handshake-timeout"],
  ]);
});

test("the handler http may take longer than a request", async () => {
  await using server = await serving({
    socket: echo,
    http: async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return new Response("at last");
    },
  }, { handshakeTimeout: 30 });
  using client = await HandClient.open(server.port);
  await client.write(request("/", { Connection: "close" }));
  assertEquals((await client.reply()).body, "at last");
});

test("the signal of the handler http aborts when its client leaves, and what it then fails with is the client's", async () => {
  const asked = Promise.withResolvers<void>(), aborted = Promise.withResolvers<void>();
  const server = await serving({
    socket: echo,
    http: (_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          reject(signal.reason);
          aborted.resolve();
        });
        asked.resolve();
      }),
  });
  using client = await HandClient.open(server.port);
  await client.write(request("/"));
  await asked.promise;
  client.conn.reset();
  await aborted.promise;
  await server.shutdown();
  assert(server.told.length > 0);
  assertEquals([...new Set(server.told.map(({ context }) => context.kind))], ["peer"]);
});

test("a response that comes too late for its client is let go", async () => {
  const asked = Promise.withResolvers<void>(), answer = Promise.withResolvers<Response>();
  const cancelled = Promise.withResolvers<unknown>();
  const server = await serving({
    socket: echo,
    http: () => {
      asked.resolve();
      return answer.promise;
    },
  });
  using client = await HandClient.open(server.port);
  await client.write(request("/"));
  await asked.promise;
  client.conn.reset();
  await server.shutdown();
  answer.resolve(new Response(new ReadableStream({ cancel: cancelled.resolve })));
  await cancelled.promise;
});

test("a large body that comes in pieces goes out in chunks, and one that breaks off ends the connection", async () => {
  const pieces = (isWhole: boolean) => {
    let count = 0;
    return new Response(
      new ReadableStream({
        async pull(body) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          if (++count < 4) body.enqueue(new Uint8Array(40_000).fill(97));
          else if (isWhole) body.close();
          else body.error(new Error("no more"));
        },
      }),
    );
  };
  const server = await serving({ socket: echo, http: ({ url }) => pieces(url.endsWith("/whole")) });
  using client = await HandClient.open(server.port);
  await client.write(request("/whole", { Connection: "close" }));
  const all = await client.rest();
  assert(all.endsWith("\r\n0\r\n\r\n") && all.split("a".repeat(40_000)).length === 4);
  using other = await HandClient.open(server.port);
  await other.write(request("/broken"));
  assert(!(await other.rest().catch(() => "")).endsWith("0\r\n\r\n"));
  await server.shutdown();
  assertEquals(server.told.map(({ context, error }) => [context.kind, (error as Error).message]), [[
    "http",
    "no more",
  ]]);
});

test("frames behind the request of an upgrade are received, however they are cut", async () => {
  await using server = await serving({ socket: echo, http });
  const bytes = request("/", UPGRADE_FIELDS) + frame("one") + frame("two") + text(hex("88 80 00000000"));
  for (const size of [1, 50, 173, bytes.length]) {
    using client = await HandClient.open(server.port);
    for (let at = 0; at < bytes.length; at += size) await client.write(bytes.slice(at, at + size));
    assertEquals((await client.reply()).status, 101);
    assertEquals(await client.rest(), "\x81\x03one\x81\x03two\x88\x00");
    client[Symbol.dispose]();
  }
});

test("a response of another server is passed on without the fields of its own connection (RFC 9110 §7.6.1)", async () => {
  const upstream = await serving({
    socket: echo,
    http: () => new Response(new ReadableStream({ pull: (sink) => (sink.enqueue(latin1("in pieces")), sink.close()) })),
  });
  const fields = { "Keep-Alive": "timeout=5", "Transfer-Encoding": "chunked", "X-Own": "kept" };
  const server = await serving({
    socket: echo,
    async http({ url }) {
      const response = await fetch(upstream.url!), { body, status } = response;
      return new URL(url).pathname === "/" ? response : new Response(body, { status, headers: fields });
    },
  });
  for (const [path, own] of [["", null], ["fields", "kept"]] as const) {
    const response = await fetch(server.url! + path);
    assertEquals([response.status, await response.text()], [200, "in pieces"]);
    assertEquals([response.headers.get("keep-alive"), response.headers.get("x-own")], [null, own]);
  }
  await server.shutdown();
  await upstream.shutdown();
});

/** A response whose body begins with `a`, and goes on as the test says; and how its client was lost. */
function endless() {
  const cancelled = Promise.withResolvers<unknown>();
  let sink: ReadableStreamDefaultController<Uint8Array>, signal: AbortSignal | undefined;
  const http = (_: Request, context: HttpContext) => {
    ({ signal } = context);
    return new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          sink = controller;
          sink.enqueue(latin1("a"));
        },
        cancel: cancelled.resolve,
      }),
    );
  };
  return { http, cancelled: cancelled.promise, signalOf: () => signal!, sinkOf: () => sink };
}

/** Up to this text, which it takes. */
const through = (client: HandClient, end: string) =>
  client.until((read) => read.includes(end) ? read.indexOf(end) + end.length : undefined);

test("a client that is lost while a body is waited for cancels the body at once, and the signal aborts", async () => {
  const { http, cancelled, signalOf } = endless();
  const server = await serving({ socket: echo, http }, { handshakeTimeout: 0 });
  using client = await HandClient.open(server.port);
  await client.write(request("/"));
  await through(client, "\r\na\r\n");
  assertEquals(signalOf().aborted, false);
  const aborted = new Promise((resolve) => signalOf().addEventListener("abort", resolve));
  client.conn.reset();
  assertEquals((await cancelled as Error).message, "the connection was lost");
  await aborted;
  await server.shutdown({ within: 0 });
  assertEquals(server.told, []);
});

test("a client that has half-closed gets a body for as long as each piece comes within a second", async () => {
  const { http, cancelled, signalOf, sinkOf } = endless(), clock = fakeClock();
  const server = await serving({ socket: echo, http }, { clock });
  using client = await HandClient.open(server.port);
  await client.write(request("/"));
  await through(client, "\r\na\r\n");
  await client.conn.closeWrite();
  for (let i = 0; i < 3; i++) {
    await socketsSettled();
    await clock.advance(999);
    assertEquals(signalOf().aborted, false);
    sinkOf().enqueue(latin1(`b${i}`));
    await through(client, `b${i}\r\n`);
  }
  const aborted = new Promise((resolve) => signalOf().addEventListener("abort", resolve));
  await socketsSettled();
  await clock.advance(1000);
  assertEquals((await cancelled as Error).message, "the peer has ended the connection");
  await aborted;
  await server.shutdown({ within: 0 });
});

test("what a client sends while a body is sent to it is its next request", async () => {
  const { http: body, sinkOf, signalOf } = endless();
  const handler: ServeHandlers["http"] = (req, context) => req.url.endsWith("/body") ? body(req, context) : http(req);
  await using server = await serving({ socket: echo, http: handler });
  using client = await HandClient.open(server.port);
  const next = request("/next"), upgrade = request("/", UPGRADE_FIELDS) + frame("Hello");
  await client.write(request("/body") + next.slice(0, 7));
  await through(client, "\r\na\r\n");
  await client.write(next.slice(7) + upgrade);
  await socketsSettled(); // it is read by now
  sinkOf().close();
  await through(client, "0\r\n\r\n");
  assertEquals([(await client.reply()).body, (await client.reply()).status], ["GET /next", 101]);
  assertEquals(await client.until((read) => read.length < 7 ? undefined : 7), "\x81\x05Hello");
  assertEquals(signalOf().aborted, false);
  client[Symbol.dispose]();
});
