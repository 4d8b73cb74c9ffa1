// serve() as its users see it: what each request gets, which errors are told of and how, where it listens, whom it survives.

import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  type Accepted,
  connect,
  HandshakeError,
  type NetworkAddress,
  serve,
  type ServeHandlers,
  type ServeOptions,
  WebSocketError,
} from "../../mod.ts";
import { handlingAll, hex, test } from "../kit/harness.ts";
import { dialRaw, portOf } from "../kit/tcp.ts";
import { echo, HandClient, pem, request, serving, UPGRADE_FIELDS } from "../kit/serving.ts";

const page: ServeHandlers = { socket: echo, http: () => new Response("A page") };
const only: ServeHandlers = { socket: echo };

/** Rows: a request, and the status and the Connection field of its response, with a handler `http` and without. */
const ROUTES: readonly [name: string, request: string, withHttp: [number, string?], without: [number, string?]][] = [
  ["an upgrade", request("/", UPGRADE_FIELDS), [101, "Upgrade"], [101, "Upgrade"]],
  ["a GET", request("/"), [200], [426, "Upgrade, close"]],
  ["a HEAD", request("/", {}, "HEAD"), [200], [405, "close"]],
  ["a POST", request("/", { "Content-Length": "2" }, "POST", "ab"), [200], [405, "close"]],
  ["a request that closes", request("/", { Connection: "close" }), [200, "close"], [426, "Upgrade, close"]],
  ["HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", [200, "close"], [426, "Upgrade, close"]],
  ["an upgrade without a key", request("/", { Upgrade: "websocket", Connection: "Upgrade" }), [400, "close"], [
    400,
    "close",
  ]],
  [
    "another version",
    request("/", { ...UPGRADE_FIELDS, "Sec-WebSocket-Version": "8" }),
    [426, "Upgrade, close"],
    [426, "Upgrade, close"],
  ],
  ["another origin", request("/", { ...UPGRADE_FIELDS, Origin: "https://evil.example" }), [403, "close"], [
    403,
    "close",
  ]],
  ["no HTTP", "nonsense\r\n\r\n", [400, "close"], [400, "close"]],
  ["a TRACE", request("/", {}, "TRACE"), [405, "close"], [405, "close"]],
  ["a body that is too large", request("/", { "Content-Length": "2000" }, "POST"), [413, "close"], [405, "close"]],
  ["a head that is too large", request("/", { Cookie: "a".repeat(20_000) }), [431, "close"], [431, "close"]],
];

for (const [kind, handlers] of [["with", page], ["without", only]] as const) {
  test(`serve() ${kind} a handler http answers each request as the table says`, async () => {
    await using server = await serving(handlers, { maxBodySize: 1999 });
    for (const [name, bytes, withHttp, without] of ROUTES) {
      using client = await HandClient.open(server.port);
      await client.write(bytes);
      const head = await client.until((read) => {
        const at = read.indexOf("\r\n\r\n");
        return at < 0 ? undefined : at;
      });
      const status = Number(head.slice(9, 12)), connection = /^Connection: (.*)$/m.exec(head)?.[1];
      assertEquals([status, connection], [...(handlers === page ? withHttp : without), undefined].slice(0, 2), name);
    }
  });
}

test("serve() gives the handler http the whole request, and both addresses", async () => {
  await using server = await serving({
    socket: echo,
    http: async (request, { remoteAddr, localAddr, signal }) => {
      assertEquals([localAddr, signal.aborted], [server.addr, false]);
      assert(remoteAddr?.transport === "tcp" && remoteAddr.hostname === "127.0.0.1");
      return new Response(`${request.method} ${request.url} ${await request.text()}`);
    },
  });
  using client = await HandClient.open(server.port);
  await client.write(request("/a?b", { "Content-Length": "5" }, "POST", "Hello"));
  assertEquals((await client.reply()).body, "POST http://localhost/a?b Hello");
  assertEquals(server.told, []);
});

/** Rows: what fails, and how it is told of. */
const FAILURES: readonly {
  readonly name: string;
  readonly handlers: ServeHandlers;
  readonly bytes: string | Uint8Array;
  readonly options?: ServeOptions;
  readonly kind: string;
  readonly says: string;
  readonly status: number;
}[] = [
  {
    name: "a handler http that throws",
    handlers: { socket: echo, http: () => fail("no page") },
    bytes: request("/"),
    kind: "http",
    says: "no page",
    status: 500,
  },
  {
    name: "a handler http whose promise rejects",
    handlers: { socket: echo, http: () => Promise.reject(new Error("no page")) },
    bytes: request("/"),
    kind: "http",
    says: "no page",
    status: 500,
  },
  {
    name: "a handler http without a response",
    handlers: { socket: echo, http: (() => "A page") as unknown as () => Response },
    bytes: request("/"),
    kind: "http",
    says: "must return a Response",
    status: 500,
  },
  {
    name: "a response that can't be sent",
    handlers: { socket: echo, http: () => new Response("A page", { headers: { "content-length": "six" } }) },
    bytes: request("/"),
    kind: "http",
    says: "Content-Length",
    status: 500,
  },
  {
    name: "a body that fails at once",
    handlers: {
      socket: echo,
      http: () => new Response(new ReadableStream({ pull: (body) => body.error(new Error("no page")) })),
    },
    bytes: request("/"),
    kind: "http",
    says: "no page",
    status: 500,
  },
  {
    name: "authorize that throws",
    handlers: page,
    bytes: request("/", UPGRADE_FIELDS),
    options: { authorize: () => fail("no policy") },
    kind: "handshake",
    says: "no policy",
    status: 500,
  },
  {
    name: "a choice of subprotocols that throws",
    handlers: page,
    bytes: request("/", { ...UPGRADE_FIELDS, "Sec-WebSocket-Protocol": "chat" }),
    options: { protocols: () => fail("no choice") },
    kind: "handshake",
    says: "no choice",
    status: 500,
  },
  {
    name: "a decorator that throws",
    handlers: page,
    bytes: request("/", UPGRADE_FIELDS),
    options: { headers: () => fail("no fields") },
    kind: "handshake",
    says: "no fields",
    status: 500,
  },
  {
    name: "a decorator that throws for a refusal",
    handlers: page,
    bytes: request("/", UPGRADE_FIELDS),
    options: { headers: () => fail("no fields"), authorize: () => new Response(null, { status: 403 }) },
    kind: "handshake",
    says: "no fields",
    status: 500,
  },
  {
    name: "a bad upgrade",
    handlers: page,
    bytes: request("/", { ...UPGRADE_FIELDS, "Sec-WebSocket-Key": "short" }),
    kind: "peer",
    says: "Sec-WebSocket-Key",
    status: 400,
  },
  {
    name: "a handler socket that throws",
    handlers: { socket: () => fail("no chat") },
    bytes: request("/", UPGRADE_FIELDS),
    kind: "socket",
    says: "no chat",
    status: 101,
  },
  {
    name: "a handler socket whose promise rejects",
    handlers: { socket: () => Promise.reject(new Error("no chat")) },
    bytes: request("/", UPGRADE_FIELDS),
    kind: "socket",
    says: "no chat",
    status: 101,
  },
];

function fail(message: string): never {
  throw new Error(message);
}

for (const { name, handlers, bytes, options, kind, says, status } of FAILURES) {
  test(`serve() tells of ${name} as "${kind}", and serves others`, () =>
    handlingAll(async () => {
      const server = await serving(handlers, options);
      using client = await HandClient.open(server.port);
      await client.write(bytes);
      const reply = await client.reply();
      assertEquals(reply.status, status);
      if (kind !== "peer") assert(!reply.body.includes(says), reply.body);
      if (status === 101) {
        assertEquals((await client.until((read) => read.length < 4 ? undefined : 4)).slice(2), "\x03\xf3"); // 1011
      }
      client[Symbol.dispose]();
      using other = await HandClient.open(server.port);
      await other.write(request("/", { Upgrade: "h2c" }, "TRACE"));
      await other.reply();
      other[Symbol.dispose]();
      await server.shutdown();
      const [first] = server.told;
      assertEquals(first?.context.kind, kind);
      assertInstanceOf(first?.error, Error);
      assertStringIncludes(first.error.message, says);
      assertEquals(first.context.remoteAddr?.transport, "tcp");
      assertEquals(first.context.request?.url, "http://localhost/");
    }));
}

/** Runs with a `console.error` that keeps what it is called with. */
async function printed(run: () => Promise<void>): Promise<string[]> {
  const { error } = console, lines: string[] = [];
  console.error = (...args: unknown[]) => void lines.push(args.map(String).join(" "));
  try {
    await run();
  } finally {
    console.error = error;
  }
  return lines;
}

test("serve() without onError prints what handlers fail with, and nothing about clients", async () => {
  const lines = await printed(async () => {
    const server = await serve({ port: 0 }, { socket: () => fail("no chat"), http: () => fail("no page") });
    for (const bytes of [request("/", UPGRADE_FIELDS), request("/"), "nonsense\r\n\r\n"]) {
      using client = await HandClient.open(Number(new URL(server.url!).port));
      await client.write(bytes);
      await client.reply();
    }
    await server.shutdown();
  });
  assertEquals(lines.sort(), [
    "A server of WebSockets: an error of the handler http: Error: no page",
    "A server of WebSockets: an error of the handler socket: Error: no chat",
  ]);
});

test("an onError that fails itself is printed, and ends nothing", async () => {
  const lines = await printed(async () => {
    const onError = () => Promise.reject(new Error("no log")) as unknown as void;
    await using server = await serving({ socket: echo, http: () => fail("no page") }, { onError });
    for (let i = 0; i < 2; i++) {
      using client = await HandClient.open(server.port);
      await client.write(request("/"));
      assertEquals((await client.reply()).status, 500);
    }
  });
  assertEquals(lines, ["Error: no log", "Error: no log"]);
});

test("a peer that breaks the protocol, or is lost, is told of as such, and only to who asks", async () => {
  const server = await serving(echo);
  using bad = await HandClient.open(server.port);
  await bad.write(request("/", UPGRADE_FIELDS));
  await bad.reply();
  await bad.write(hex("81 01 61")); // not masked
  assertStringIncludes(await bad.rest(), "A frame of a client must be masked");
  bad[Symbol.dispose]();
  using lost = await HandClient.open(server.port);
  await lost.write(request("/", UPGRADE_FIELDS));
  await lost.reply();
  lost.conn.reset();
  await server.shutdown();
  assertEquals(server.told.map(({ context }) => context.kind), ["peer", "peer"]);
  assertEquals(server.told.map(({ error }) => (error as WebSocketError).failure), ["mask-missing", "connection-lost"]);
});

test("an InvalidStateError that is not of a connection is the handler's mistake, also once its client has gone", async () => {
  const own = new DOMException("mine", "InvalidStateError"), seen: unknown[] = [];
  const server = await serving(async (socket) => {
    await socket.receive();
    if (socket.request.target === "/own") throw own;
    try {
      socket.send("too late");
    } catch (error) {
      seen.push(error);
      throw error;
    }
  });
  for (const target of ["own", "late"]) {
    const socket = await connect(server.url! + target);
    await socket.close();
  }
  await server.shutdown();
  const told = server.told.map(({ error, context }) => [context.kind, error === own || error === seen[0]]);
  assertEquals([told, seen.length], [[["socket", true], ["peer", true]], 1]);
});

test("the loss of another connection is the handler's error, and closes with 1011", async () => {
  const server = await serving((socket) => {
    socket.receive();
    throw new WebSocketError("upstream is gone");
  });
  const socket = await connect(server.url!);
  assertEquals((await socket.closed).closeCode, 1011);
  await server.shutdown();
  assertEquals(server.told.map(({ context }) => context.kind), ["socket"]);
});

test("a WebSocket stays open when its handler returns, and its messages wait", async () => {
  const opened = Promise.withResolvers<Accepted>();
  await using server = await serving((socket) => opened.resolve(socket));
  const client = await connect(server.url!);
  client.send("waits");
  const socket = await opened.promise, messages: unknown[] = [];
  assertEquals([server.connections.size, [...server.connections]], [1, [socket]]);
  client.close({ closeCode: 4000 });
  assertEquals((await socket.receive((message) => messages.push(message))).closeCode, 4000);
  await client.closed;
  assertEquals(messages, ["waits"]);
});

test("connections are those that are open", async () => {
  const server = await serving(echo), clients = [];
  for (let i = 1; i <= 3; i++) {
    clients.push(await connect(server.url!));
    clients.at(-1)!.send(".");
    await clients.at(-1)!.readable.getReader().read();
    assertEquals(server.connections.size, i);
  }
  const [first] = server.connections, gone = first!.closed;
  await clients[0]!.close();
  await gone;
  assertEquals([server.connections.size, [...server.connections].includes(first!)], [2, false]);
  await server.shutdown();
  assertEquals(server.connections.size, 0);
});

test("serve() survives clients that leave at any point", async () => {
  const count = Number(process.env.SERVE_CLIENTS ?? 300), whole = request("/", UPGRADE_FIELDS);
  const server = await serving(page);
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, async (_, k) => {
      const conn = await dialRaw(server.port);
      if (k % 3 > 0) await conn.write(new TextEncoder().encode(whole.slice(0, k % 3 === 1 ? 10 + k : undefined)));
      if (k % 2 === 0) conn.reset();
      else conn.close();
    }));
  }
  const socket = await connect(server.url!);
  socket.send("alive");
  assertEquals((await socket.readable.getReader().read()).value, "alive");
  await server.shutdown();
  await socket.closed;
  for (const { error, context } of server.told) assertEquals([context.kind, `${error}`], ["peer", `${error}`]);
});

test("serve() over TLS serves WebSockets and plain HTTP, and survives clients that fail its handshake", async () => {
  const [cert, key, ca] = await Promise.all([pem("localhost"), pem("localhost.key"), pem("ca")]);
  const secure: boolean[] = [];
  await using server = await serving(
    { socket: echo, http: ({ url }) => new Response(String(secure.push(url.startsWith("https://localhost")))) },
    { cert, key },
  );
  for (const bytes of ["", "\x16\x03\x01", request("/")]) {
    using client = await HandClient.open(server.port);
    await client.write(bytes);
  }
  assertEquals(new URL(server.url!).protocol, "https:");
  using plain = new HandClient(await dialRaw(server.port, { ca }));
  await plain.write(request("/"));
  assertEquals([(await plain.reply()).body, secure], ["1", [true]]);
  await using socket = await connect(`wss://localhost:${server.port}/`, { caCerts: [ca] });
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
});

test("serve() on a Unix socket", async () => {
  const directory = await mkdtemp(join(tmpdir(), "serve-")), unix = join(directory, "socket");
  const server = await serving(echo, { unix });
  assertEquals([server.addr, server.url], [{ transport: "unix", path: unix }, undefined]);
  const socket = await connect("ws://localhost/", { unix });
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
  await Promise.all([socket.close(), server.shutdown()]);
  await rm(directory, { recursive: true });
});

for (const [hostname, shown] of [["::1", "[::1]"], ["0.0.0.0", "127.0.0.1"], ["::", "[::1]"]] as const) {
  test(`serve() on ${hostname} has a URL that connects to it`, async () => {
    const listened: unknown[] = [];
    await using server = await serving(page, { hostname, onListen: (addr) => listened.push(addr) });
    assertEquals([server.url, listened], [`http://${shown}:${server.port}/`, [server.addr]]);
    assertEquals(await (await fetch(server.url!, { headers: { connection: "close" } })).text(), "A page");
    await using socket = await connect(server.url!);
    assertEquals(socket.state, "open");
  });
}

test("serve() rejects when the port is taken, and names it", async () => {
  await using server = await serving(echo);
  const error = await assertRejects(() => serve({ port: server.port }, echo), Error, `127.0.0.1 port ${server.port}`);
  assertEquals((error as { code?: unknown }).code, "EADDRINUSE");
});

test("an onListen that throws makes serve() reject, and leaves nothing listening", async () => {
  let port = 0;
  const onListen = (addr: NetworkAddress) => {
    port = portOf({ addr });
    throw new Error("no log");
  };
  await assertRejects(() => serve({ port: 0, onListen }, echo), Error, "no log");
  await assertRejects(() => dialRaw(port));
});

test("clients are checked with all options of accept()", async () => {
  const seen: unknown[] = [];
  await using server = await serving(echo, {
    protocols: ["b", "a"],
    compression: true,
    headers: { "x-served": "yes" },
    authorize: ({ url }, { remoteAddr }) => {
      seen.push(remoteAddr?.transport);
      return new URL(url).pathname === "/" ? undefined : new Response("not here", { status: 404 });
    },
  });
  const socket = await connect(server.url!, { protocols: ["a", "b"], compression: true });
  assertEquals([socket.protocol, socket.deflate !== undefined, socket.response.headers.get("x-served")], [
    "b",
    true,
    "yes",
  ]);
  await socket.close();
  const error = await assertRejects(() => connect(`${server.url}other`), HandshakeError);
  assertEquals([error.response?.status, await error.response?.text(), seen], [404, "not here", ["tcp", "tcp"]]);
});
