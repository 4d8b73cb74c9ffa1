// The page that this library began with, statement by statement: what it says of Beast is shown here to work, in our
// words. The outline holds all its lines from the first heading to the last example; the last tests check that no line
// is left out and that no statement is without its test.

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import {
  accept,
  answer,
  attach,
  basicAuth,
  type ByteConnection,
  connect,
  HandshakeError,
  isUpgrade,
  offer,
  readRequest,
  writeResponse,
} from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { concat, everySplit, hex, latin1, test, text } from "../kit/harness.ts";
import { dial, listen, oursPair, rawPair } from "../kit/tcp.ts";

/** First line, last line, and what stands there; a line may end one entry and begin the next. */
type Entry = readonly [from: number, to: number, kind: "statement" | "heading" | "markup", what: string];

const OUTLINE: readonly Entry[] = [
  [9, 9, "heading", "client"],
  [10, 16, "statement", "how a session begins"],
  [16, 20, "statement", "Host and target are required"],
  [21, 34, "statement", "the request on the wire"],
  [35, 35, "markup", "next column"],
  [36, 37, "statement", "where host and target go"],
  [37, 38, "statement", "where the key comes from"],
  [38, 40, "statement", "the decorator"],
  [41, 41, "markup", "end of the table"],
  [42, 47, "statement", "the call that sends it"],
  [47, 50, "statement", "lookup, connection, handshake: an example"],
  [51, 54, "statement", "validating the response"],
  [54, 59, "statement", "getting the response: an example"],
  [60, 60, "markup", "rule"],
  [61, 61, "heading", "server"],
  [62, 64, "statement", "reading and replying by itself"],
  [64, 67, "statement", "success is a 101"],
  [67, 70, "statement", "refusal is an error status"],
  [70, 71, "statement", "keep-alive after a refusal"],
  [71, 83, "statement", "the response on the wire"],
  [84, 84, "markup", "next column"],
  [85, 88, "statement", "where the accept value comes from"],
  [89, 89, "markup", "end of the table"],
  [90, 98, "statement", "the call that accepts: an example"],
  [99, 99, "heading", "buffering"],
  [100, 102, "statement", "reading first, deciding later"],
  [102, 105, "statement", "the call that takes a buffer"],
  [106, 109, "statement", "a head in a growing buffer: an example"],
  [110, 110, "heading", "inspecting"],
  [111, 112, "statement", "a server reads HTTP"],
  [112, 114, "statement", "telling an upgrade"],
  [115, 120, "statement", "the call that takes a request"],
  [120, 121, "statement", "requests and upgrades side by side"],
  [121, 123, "statement", "policies such as Basic authentication"],
  [123, 126, "statement", "a request read first: an example"],
];

/** What was registered, by its lines. */
const shown: string[] = [];

const linesOf = (from: number, to: number) => from === to ? `L${from}` : `L${from}–L${to}`;

/** A test of one statement. */
function seed(from: number, to: number, criterion: string, fn: () => void | Promise<void>): void {
  shown.push(linesOf(from, to));
  test(`seed ${linesOf(from, to)}: ${criterion}`, fn);
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==", ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** An upgrade request as bytes; a field that is `undefined` is left out. */
function upgrade(
  changes: Record<string, string | undefined> = {},
  start = "GET /chat HTTP/1.1",
): Uint8Array<ArrayBuffer> {
  const fields: Record<string, string | undefined> = {
    "Host": "www.example.com",
    "Upgrade": "websocket",
    "Connection": "upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
    ...changes,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) => value === undefined ? [] : `${name}: ${value}\r\n`);
  return latin1(`${start}\r\n${lines.join("")}\r\n`);
}

/** A masked text frame with «Hello» (RFC 6455 §5.7). */
const HELLO = hex("81 85 37fa213d 7f9f4d5158");

async function write(conn: ByteConnection, ...chunks: Uint8Array[]): Promise<void> {
  const writer = conn.writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  writer.releaseLock();
}

/** Reads up to the end of a head, with what came behind it. */
async function readHead(conn: ByteConnection): Promise<string> {
  const reader = conn.readable.getReader();
  try {
    for (let head = "";;) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`Ended after ${JSON.stringify(head)}`);
      head += text(value);
      if (head.includes("\r\n\r\n")) return head;
    }
  } finally {
    reader.releaseLock();
  }
}

/** The first message that comes. */
async function firstMessage({ readable }: { readable: ReadableStream<unknown> }): Promise<unknown> {
  const reader = readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return value;
}

seed(
  10,
  16,
  "a session begins with an upgrade request on an established connection, and a response that accepts it",
  async () => {
    const [conn, server] = await oursPair();
    const [socket, accepted] = await Promise.all([connect("ws://www.example.com/", { conn }), accept(server)]);
    assertEquals(accepted.request.method, "GET");
    assertEquals(accepted.request.headers.get("upgrade"), "websocket");
    assertEquals(socket.response.status, 101);
    assertEquals(socket.response.headers.get("upgrade"), "websocket");
    socket.send("there");
    accepted.send("and back");
    assertEquals([await firstMessage(accepted), await firstMessage(socket)], ["there", "and back"]);
    const closing = socket.close();
    await Promise.all([closing, accepted.closed]);
  },
);

seed(16, 20, "the request has the Host field and the target, and is refused without Host", async () => {
  const [conn, server] = connectionPair();
  const opening = connect("ws://www.example.com:8080/chat?room=1", { conn });
  const accepted = await accept(server);
  assertEquals(accepted.request.headers.get("host"), "www.example.com:8080");
  assertEquals(accepted.request.target, "/chat?room=1");
  assertEquals(accepted.request.url, "http://www.example.com:8080/chat?room=1");
  (await opening).abort();

  const [client, other] = connectionPair();
  await write(client, upgrade({ Host: undefined }));
  const refused = assertRejects(() => accept(other), HandshakeError);
  assert((await readHead(client)).startsWith("HTTP/1.1 400 Bad Request\r\n"));
  await client.writable.close();
  assertEquals((await refused).failure, "host-missing");
});

seed(21, 34, "the request on the wire has these lines, and a User-Agent where it is asked for", async () => {
  for (const headers of [undefined, { "User-Agent": "Handfast" }]) {
    const [conn, server] = connectionPair();
    const opening = connect("ws://www.example.com/", { conn, headers }).catch(() => {});
    const head = await readHead(server);
    assertEquals(
      head.replace(/^(Sec-WebSocket-Key): .{24}\r$/m, "$1: …\r"),
      "GET / HTTP/1.1\r\n" +
        "Host: www.example.com\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        "Sec-WebSocket-Key: …\r\n" +
        "Sec-WebSocket-Version: 13\r\n" +
        (headers ? "User-Agent: Handfast\r\n" : "") +
        "\r\n",
    );
    conn.reset();
    await opening;
  }
});

seed(36, 37, "host and target of the URL become the Host field and the request target", async () => {
  const rows = [
    ["ws://example.com", "example.com", "/"],
    ["ws://example.com:80/a%20b?c=d&e", "example.com", "/a%20b?c=d&e"],
    ["ws://[::1]:9001/x", "[::1]:9001", "/x"],
    ["wss://example.com:443/", "example.com", "/"],
    ["https://example.com:8443/y", "example.com:8443", "/y"],
  ] as const;
  for (const [url, host, target] of rows) {
    const [conn, server] = connectionPair();
    const opening = connect(url, { conn });
    const { request } = await accept(server);
    assertEquals([request.headers.get("host"), request.target], [host, target], url);
    (await opening).abort();
  }
});

seed(37, 38, "the key is generated: 16 bytes, others each time, and not for the caller to set", () => {
  const keys = Array.from({ length: 100 }, () => offer("ws://localhost/").key);
  assertEquals(new Set(keys).size, keys.length);
  for (const key of keys) assertEquals(atob(key).length, 16);
  assertThrows(() => offer("ws://localhost/", { headers: { "Sec-WebSocket-Key": KEY } }), TypeError);
});

seed(38, 40, "the headers option adds, changes and inspects fields of the request", async () => {
  const [conn, server] = connectionPair();
  let inspected: string | null | undefined;
  const opening = connect("ws://localhost/", {
    conn,
    headers: ({ method, url, headers }) => {
      assertEquals([method, url], ["GET", "http://localhost/"]);
      inspected = headers.get("sec-websocket-key");
      headers.set("host", "www.example.com");
      headers.append("x-trace", "1");
    },
  });
  const { request } = await accept(server);
  assertEquals(request.headers.get("sec-websocket-key"), inspected);
  assertEquals(request.headers.get("host"), "www.example.com");
  assertEquals(request.headers.get("x-trace"), "1");
  (await opening).abort();
});

seed(42, 47, "connect() sends the request with host and target, and resolves when it was accepted", async () => {
  const [conn, server] = connectionPair();
  let isOpen = false;
  const opening = connect("ws://www.example.com/chat", { conn });
  opening.then(() => isOpen = true);
  const head = await readHead(server);
  assert(head.startsWith("GET /chat HTTP/1.1\r\nHost: www.example.com\r\n"));
  assert(!isOpen);
  await accept(server, { prefix: latin1(head) });
  (await opening).abort();
});

seed(47, 50, "a host name is looked up and connected to, then the handshake is made over that connection", async () => {
  using listener = await listen({ hostname: "localhost" });
  const serving = (async () => {
    const socket = await accept(await listener.accept());
    await socket.readable.pipeTo(socket.writable);
    return socket.request.headers.get("host");
  })();

  const { port } = listener;
  const conn = await dial(port, { hostname: "localhost" });
  const socket = await connect(`ws://localhost:${port}/`, { conn });
  socket.send("Hello");
  assertEquals(await firstMessage(socket), "Hello");
  await socket.close();

  assertEquals(await serving, `localhost:${port}`);
});

seed(51, 54, "the response can be validated further, such as the one to a challenge for credentials", async () => {
  const authorize = basicAuth({ realm: "the engine room", users: { ada: "secret" } });
  const serve = (server: ByteConnection) =>
    accept(server, {
      authorize,
      headers: (head, request) => {
        if (head.status === 101) head.headers.set("x-user", atob(request!.headers.get("authorization")!.slice(6)));
      },
    });
  const [conn, server] = await oursPair();
  const refused = assertRejects(() => serve(server), HandshakeError);
  const error = await assertRejects(() => connect("ws://localhost/", { conn }), HandshakeError);
  assertEquals((await refused).failure, "unauthorized");
  assertEquals(error.response?.status, 401);
  assertMatch(error.response?.headers.get("www-authenticate") ?? "", /^Basic realm="the engine room"/);

  const [again, other] = await oursPair();
  const [socket, accepted] = await Promise.all([connect("ws://ada:secret@localhost/", { conn: again }), serve(other)]);
  assertEquals(socket.response.headers.get("x-user"), "ada:secret");
  // A response that does not satisfy the caller: the connection is its own to drop
  socket.abort(new Error("The response is not what it should be"));
  await assertRejects(() => accepted.receive(() => {}));
});

seed(54, 59, "the response is at hand, on success and with its body on refusal", async () => {
  const [conn, server] = connectionPair();
  accept(server, { headers: { "x-server": "7" } });
  const socket = await connect("ws://localhost/", { conn });
  assertEquals([socket.response.status, socket.response.headers.get("x-server")], [101, "7"]);
  socket.abort();

  const [client, other] = connectionPair();
  const authorize = () => Response.json({ why: "full" }, { status: 503, headers: { "retry-after": "7" } });
  accept(other, { authorize }).catch(() => {});
  const { response } = await assertRejects(() => connect("ws://localhost/", { conn: client }), HandshakeError);
  assertEquals([response?.status, response?.headers.get("retry-after")], [503, "7"]);
  assertEquals(await response?.json(), { why: "full" });
});

seed(62, 64, "accept() reads the request and replies by itself", async () => {
  for (const [request, status] of [[upgrade(), 101], [upgrade({ Upgrade: "h2c" }), 426]] as const) {
    const [client, server] = connectionPair();
    const accepting = accept(server).catch((error) => error);
    await write(client, request);
    assertEquals(Number((await readHead(client)).split(" ")[1]), status);
    client.reset();
    await accepting;
  }
});

seed(64, 67, "a handshake that meets the requirements is answered with 101 Switching Protocols", async () => {
  const [client, server] = connectionPair();
  await write(client, upgrade());
  const { response, closed } = await accept(server);
  assertEquals([response.status, response.statusText], [101, "Switching Protocols"]);
  assert((await readHead(client)).startsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  client.reset();
  closed.catch(() => {});
});

seed(
  67,
  70,
  "a handshake that misses a requirement, or what the options allow, is answered with an error status",
  async () => {
    const rows = [
      [upgrade({}, "POST / HTTP/1.1"), {}, 405, "method-not-get"],
      [upgrade({ Host: undefined }), {}, 400, "host-missing"],
      [upgrade({ Upgrade: undefined }), {}, 426, "upgrade-missing"],
      [upgrade({ Connection: "close" }), {}, 426, "connection-missing"],
      [upgrade({ "Sec-WebSocket-Key": "short" }), {}, 400, "key-invalid"],
      [upgrade({ "Sec-WebSocket-Version": "8" }), {}, 426, "version-unsupported"],
      [upgrade({ Origin: "https://evil.example" }), {}, 403, "origin-refused"],
      [upgrade({ Origin: "http://www.example.com" }), { origins: ["https://www.example.com"] }, 403, "origin-refused"],
      [upgrade({ "X-Long": "x".repeat(100) }), { maxHeadSize: 200 }, 431, "head-too-large"],
      [upgrade(), { authorize: () => new Response("no", { status: 402 }) }, 402, "unauthorized"],
    ] as const;
    for (const [request, options, status, failure] of rows) {
      const [client, server] = connectionPair();
      const refused = assertRejects(() => accept(server, options), HandshakeError);
      await write(client, request);
      await client.writable.close();
      assertEquals(Number((await readHead(client)).split(" ")[1]), status, failure);
      const error = await refused;
      assertEquals([error.failure, error.response?.status], [failure, status]);
    }
  },
);

seed(
  70,
  71,
  "keepAlive leaves the connection open for another handshake, and without it the connection ends",
  async () => {
    const [conn, server] = await oursPair();
    const options = { protocols: ["chat"], authorize: basicAuth({ realm: "here", users: { ada: "secret" } }) };
    const serving = (async () => {
      const error = await assertRejects(() => accept(server, { ...options, keepAlive: true }), HandshakeError);
      assert(error.reusable);
      return await accept(server, { ...options, prefix: error.rest });
    })();
    const error = await assertRejects(() => connect("ws://localhost/", { conn, keepAlive: true }), HandshakeError);
    assert(error.reusable);
    const socket = await connect("ws://ada:secret@localhost/", { conn, prefix: error.rest, protocols: "chat" });
    assertEquals(socket.protocol, "chat");
    (await serving).receive(() => {});
    await socket.close();

    const [client, other] = await oursPair();
    const refused = assertRejects(() => accept(other, options), HandshakeError);
    const last = await assertRejects(
      () => connect("ws://localhost/", { conn: client, keepAlive: true }),
      HandshakeError,
    );
    assertEquals([last.reusable, last.response?.headers.get("connection")], [false, "close"]);
    assert(!(await refused).reusable);
  },
);

seed(71, 83, "the response on the wire has these lines, and a Server field where it is asked for", async () => {
  for (const headers of [undefined, { Server: "Handfast" }]) {
    const [client, server] = connectionPair();
    await write(client, upgrade());
    const accepted = await accept(server, { headers });
    assertEquals(
      (await readHead(client)).replace(/^server:/m, "Server:"),
      "HTTP/1.1 101 Switching Protocols\r\n" +
        "Upgrade: websocket\r\n" +
        "Connection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${ACCEPT}\r\n` +
        (headers ? "Server: Handfast\r\n" : "") +
        "\r\n",
    );
    accepted.abort();
  }
});

seed(85, 88, "the accept value is made of the request's key: base64 of SHA-1 of it and the GUID", async () => {
  const accepts = new Set<string>();
  for (const key of [KEY, ...Array.from({ length: 20 }, () => offer("ws://localhost/").key)]) {
    const { response } = await answer((await requestOf(upgrade({ "Sec-WebSocket-Key": key })))!);
    const made = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    assertEquals(response.headers.get("sec-websocket-accept"), made);
    accepts.add(made);
  }
  assertEquals(accepts.size, 21);
  assert(accepts.has(ACCEPT));
});

async function requestOf(bytes: Uint8Array): Promise<Request | undefined> {
  const [, server] = connectionPair();
  return (await readRequest(server, { prefix: bytes }))?.request;
}

seed(90, 98, "accept() reads the request from a connection that a listener gave, and sends the response", async () => {
  using listener = await listen();
  // Somebody else's client, so that it is not ours on both ends
  const client = new WebSocket(`ws://127.0.0.1:${listener.port}/`);
  const opened = new Promise((resolve) => client.onopen = resolve);
  const conn = await listener.accept();
  const socket = await accept(conn);
  await opened;
  const received = new Promise((resolve) => client.onmessage = ({ data }) => resolve(data));
  socket.send("Hello");
  assertEquals(await received, "Hello");
  const closed = new Promise((resolve) => client.onclose = resolve);
  assertEquals(await socket.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
  await closed;
});

seed(100, 102, "a server reads first, and decides later that what it read is an upgrade request", async () => {
  const decide = async (conn: ByteConnection) => {
    const reader = conn.readable.getReader();
    const { value: prefix } = await reader.read();
    reader.releaseLock();
    if (!text(prefix!).startsWith("GET ")) return text(prefix!);
    return await accept(conn, { prefix: prefix! });
  };
  const [stranger, first] = connectionPair();
  await write(stranger, latin1("PING\n"));
  assertEquals(await decide(first), "PING\n");

  const [client, second] = connectionPair();
  await write(client, upgrade());
  const socket = await decide(second);
  assert(typeof socket !== "string");
  assertEquals(socket.response.headers.get("sec-websocket-accept"), ACCEPT);
  socket.abort();
});

seed(
  102,
  105,
  "accept() takes what was read as prefix, wherever it was cut and whatever is behind the request",
  async () => {
    await everySplit(concat(upgrade(), HELLO), async ([prefix, ...later]) => {
      const [client, server] = connectionPair();
      const accepting = accept(server, { prefix });
      await write(client, ...later);
      const socket = await accepting;
      assertEquals(await firstMessage(socket), "Hello");
      socket.abort();
    });
  },
);

seed(106, 109, "a head is read into a growing buffer, which is then used for the handshake", async () => {
  const [client, conn] = await rawPair();
  const { key, request } = offer("ws://127.0.0.1/later", { headers: { "x-long": "x".repeat(5000) } });
  const lines = [...request.headers].map(([name, value]) => `${name}: ${value}\r\n`);
  await client.write(concat(latin1(`GET /later HTTP/1.1\r\n${lines.join("")}\r\n`), HELLO));

  let buffer = new Uint8Array();
  const reader = conn.readable.getReader();
  while (!text(buffer).includes("\r\n\r\n")) buffer = concat(buffer, (await reader.read()).value!);
  reader.releaseLock();

  const socket = await accept(conn, { prefix: buffer });
  assertEquals(socket.request.target, "/later");
  assertEquals(socket.request.headers.get("sec-websocket-key"), key);
  assertEquals(await firstMessage(socket), "Hello");
  socket.abort();
  client.close();
});

seed(111, 112, "a server reads HTTP requests from its client, with their bodies", async () => {
  const [client, server] = connectionPair();
  await write(client, latin1("POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\na=b&cGET"));
  const { request, rest, keepAlive } = (await readRequest(server))!;
  assertEquals([request.method, new URL(request.url).pathname, await request.text()], ["POST", "/form", "a=b&c"]);
  assertEquals([text(rest), keepAlive], ["GET", true]);
});

seed(112, 114, "isUpgrade() tells an upgrade request from any other", async () => {
  const rows = [
    [upgrade(), true],
    [upgrade({ Upgrade: "h2c, WebSocket", Connection: "keep-alive, Upgrade" }), true],
    // Whether the handshake is correct is for accept() to say
    [upgrade({ "Sec-WebSocket-Key": undefined }), true],
    [upgrade({ Upgrade: "h2c" }), false],
    [upgrade({ Connection: "keep-alive" }), false],
    [upgrade({}, "POST /chat HTTP/1.1"), false],
    [upgrade({}, "GET /chat HTTP/1.0"), false],
  ] as const;
  for (const [bytes, expected] of rows) {
    assertEquals(isUpgrade((await requestOf(bytes))!), expected, text(bytes));
  }
  assert(isUpgrade(offer("ws://localhost/").request));
});

seed(115, 120, "accept() takes a whole request as an object, and answer() with attach() any server's", async () => {
  const request = new Request("http://www.example.com/chat", {
    headers: {
      "host": "www.example.com",
      "upgrade": "websocket",
      "connection": "upgrade",
      "sec-websocket-key": KEY,
      "sec-websocket-version": "13",
    },
  });
  const [client, server] = connectionPair();
  const socket = await accept(server, { request, prefix: HELLO });
  assert((await readHead(client)).includes(`\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n`));
  assertEquals(await firstMessage(socket), "Hello");
  assertEquals(socket.request.target, "/chat");
  socket.abort();

  const { response, agreement } = await answer(request);
  assertEquals([response.status, response.headers.get("sec-websocket-accept")], [101, ACCEPT]);
  const [, other] = connectionPair();
  const attached = attach(other, agreement!, { prefix: HELLO });
  assertEquals(await firstMessage(attached), "Hello");
  attached.abort();
});

/** The loop of one port: requests are answered until one is an upgrade. */
async function serveOnePort(conn: ByteConnection, respond: (request: Request) => Response): Promise<string[]> {
  const paths: string[] = [];
  for (let prefix: Uint8Array = new Uint8Array();;) {
    const read = await readRequest(conn, { prefix });
    if (!read) return paths;
    const { request, rest, keepAlive } = read;
    paths.push(new URL(request.url).pathname);
    if (isUpgrade(request)) {
      const socket = await accept(conn, { request, prefix: rest });
      await socket.readable.pipeTo(socket.writable);
      return paths;
    }
    if (!await writeResponse(conn, respond(request), { request, keepAlive })) return paths;
    prefix = rest;
  }
}

seed(120, 121, "a program that reads requests itself handles HTTP and upgrades, on one connection", async () => {
  const [conn, server] = await oursPair();
  const serving = serveOnePort(server, (request) => new Response(`You asked for ${request.url}`));
  const heads: string[] = [];
  for (const path of ["/one", "/two"]) {
    await write(conn, latin1(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`));
    heads.push(await readHead(conn));
  }
  assert(heads[0]!.endsWith("\r\n\r\nYou asked for http://localhost/one"), heads[0]);
  assert(heads[1]!.endsWith("\r\n\r\nYou asked for http://localhost/two"), heads[1]);

  const socket = await connect("ws://localhost/three", { conn });
  socket.send("Hello");
  assertEquals(await firstMessage(socket), "Hello");
  await socket.close();
  assertEquals(await serving, ["/one", "/two", "/three"]);
});

seed(
  121,
  123,
  "a policy that looks at fields, such as Basic authentication, holds for requests and for upgrades",
  async () => {
    const policy = basicAuth({ realm: "here", users: { ada: "secret" } });
    const credentials = { Authorization: `Basic ${btoa("ada:secret")}` };
    for (const [fields, status] of [[{}, 401], [credentials, undefined]] as const) {
      const request = (await requestOf(upgrade({ ...fields, Upgrade: undefined })))!;
      assertEquals((await policy(request))?.status, status);
    }
    for (const [fields, status] of [[{}, 401], [credentials, 101]] as const) {
      const request = (await requestOf(upgrade(fields)))!;
      const { response, error } = await answer(request, { authorize: policy });
      assertEquals(response.status, status);
      assertEquals(error?.failure, status === 401 ? "unauthorized" : undefined);
    }
  },
);

seed(123, 126, "a request is read first, and then given to a new WebSocket", async () => {
  const [conn, server] = await oursPair();
  const opening = connect("ws://www.example.com/chat", { conn, protocols: ["v2", "v1"] });
  const { request, rest } = (await readRequest(server))!;
  assert(isUpgrade(request));
  assertNotEquals(request.headers.get("sec-websocket-key"), null);

  const socket = await accept(server, { request, prefix: rest, protocols: ["v1"] });
  const client = await opening;
  assertEquals([socket.protocol, client.protocol], ["v1", "v1"]);
  client.send("Hello");
  assertEquals(await firstMessage(socket), "Hello");
  const closed = socket.close({ closeCode: 1000, reason: "read" });
  assertEquals(await client.receive(() => {}), { closeCode: 1000, reason: "read" });
  await closed;
});

test("the outline of the seed page has every line from L9 to L126, in order", () => {
  let next = 9;
  for (const [from, to, , what] of OUTLINE) {
    assert(from === next || from === next - 1, `before «${what}» is a gap or an overlap: L${from} after L${next - 1}`);
    assert(to >= from, what);
    next = to + 1;
  }
  assertEquals(next, 127);
});

test("every statement of the seed page has exactly one test, and every test of it a statement", () => {
  const statements = OUTLINE.filter(([, , kind]) => kind === "statement").map(([from, to]) => linesOf(from, to));
  assertEquals(shown, statements);
});
