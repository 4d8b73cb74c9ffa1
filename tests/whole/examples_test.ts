// The demonstration over real sockets: requests as bytes, so that what is on one connection is known exactly.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { serveDemonstration } from "../../docs/examples/one_port.ts";
import { connect, HandshakeError, type Server } from "../../mod.ts";
import { concat, hex, latin1, test, text } from "../kit/harness.ts";
import { dial, dialRaw, portOf, type RawConn } from "../kit/tcp.ts";

/** What a test has opened; closed at its end, and after so long that nothing can come any more. */
const clients = new Set<Client>();
const PATIENCE = 20_000;

async function withServer(run: (server: Server, stop: () => void) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const server = await serveDemonstration({ port: 0, signal: stop.signal });
  const closeClients = () => clients.forEach((client) => client.close());
  const deadline = setTimeout(closeClients, PATIENCE);
  try {
    await run(server, () => stop.abort());
  } finally {
    clearTimeout(deadline);
    closeClients();
    stop.abort();
    await server.finished;
  }
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A connection to the server, and what was read from it and not yet used. */
class Client {
  readonly conn: RawConn;
  unread = new Uint8Array();

  constructor(conn: RawConn) {
    this.conn = conn;
  }

  static async open(server: Server): Promise<Client> {
    const client = new Client(await dialRaw(portOf(server)));
    clients.add(client);
    return client;
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    await this.conn.write(typeof bytes === "string" ? latin1(bytes) : bytes);
  }

  /** Bytes up to where `end` says; `undefined` is not yet. */
  async until(end: (read: string) => number | undefined): Promise<string> {
    for (;;) {
      const read = text(this.unread), at = end(read);
      if (at !== undefined) {
        this.unread = this.unread.slice(at);
        return read.slice(0, at);
      }
      const chunk = new Uint8Array(65536);
      const count = await this.conn.read(chunk);
      if (count === null) throw new Error(`The server has ended after ${JSON.stringify(read)}`);
      this.unread = concat(this.unread, chunk.subarray(0, count));
    }
  }

  async reply(method = "GET"): Promise<Reply> {
    const head = await this.until((read) => {
      const at = read.indexOf("\r\n\r\n");
      return at < 0 ? undefined : at + 4;
    });
    const [start = "", ...lines] = head.trimEnd().split("\r\n");
    const headers = new Headers(lines.map((line): [string, string] => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }));
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1]);
    const length = method === "HEAD" || status === 101 ? 0 : Number(headers.get("content-length"));
    const body = await this.until((read) => read.length < length ? undefined : length);
    return { status, headers, body };
  }

  /** Whether the server has ended, with nothing in front of it. */
  async ended(): Promise<boolean> {
    return this.unread.length === 0 && await this.conn.read(new Uint8Array(1)) === null;
  }

  close(): void {
    clients.delete(this);
    this.conn.close();
  }
}

function request(target: string, { method = "GET", ...fields }: Record<string, string> = {}): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${lines.join("")}\r\n`;
}

const UPGRADE = {
  "Upgrade": "websocket",
  "Connection": "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

/** One request on a connection of its own. */
async function ask(server: Server, target: string, fields: Record<string, string> = {}): Promise<Reply> {
  const client = await Client.open(server);
  try {
    await client.write(request(target, fields));
    return await client.reply(fields.method);
  } finally {
    client.close();
  }
}

/** Runs with a silent `console.error`, and gives what it was called with. */
async function errorsOf(run: () => Promise<void>): Promise<unknown[]> {
  const { error } = console, errors: unknown[] = [];
  console.error = (...given) => void errors.push(...given);
  try {
    await run();
  } finally {
    console.error = error;
  }
  return errors;
}

test("serve() gives the address it listens on", () =>
  withServer(async (server) => {
    assertEquals(server.addr, { transport: "tcp", hostname: "127.0.0.1", port: portOf(server) });
    assert(portOf(server) > 0);
    assertEquals(server.url, `http://127.0.0.1:${portOf(server)}/`);
    assertEquals((await ask(server, "/healthz")).status, 200);
  }));

test("GET / gives the page", () =>
  withServer(async (server) => {
    const { status, headers, body } = await ask(server, "/");
    assertEquals(status, 200);
    assertEquals(headers.get("content-type"), "text/html; charset=utf-8");
    assertStringIncludes(body, "<title>Handfast: one port</title>");
    assert(body.endsWith("</html>\n"));
  }));

test("GET /healthz is fine", () =>
  withServer(async (server) => {
    const { status, headers, body } = await ask(server, "/healthz");
    assertEquals([status, body], [200, "fine\n"]);
    assertEquals(headers.get("content-type"), "text/plain; charset=utf-8");
  }));

test("/private asks who comes without credentials, and who comes with wrong ones", () =>
  withServer(async (server) => {
    for (const given of [undefined, "demo:", "demo:wrong", "other:handfast", ":"]) {
      const fields = given === undefined ? undefined : { Authorization: `Basic ${btoa(given)}` };
      const { status, headers, body } = await ask(server, "/private", fields);
      assertEquals(status, 401, given);
      assertEquals(headers.get("www-authenticate"), 'Basic realm="the demonstration", charset="UTF-8"');
      assert(!body.includes("You know"));
    }
  }));

test("/private lets in who knows the password", () =>
  withServer(async (server) => {
    const { status, body } = await ask(server, "/private", { Authorization: `Basic ${btoa("demo:handfast")}` });
    assertEquals([status, body], [200, "You know the password.\n"]);
  }));

test("an unknown path is a 404", () =>
  withServer(async (server) => {
    for (const target of ["/nothing", "/healthz/", "//", "/constructor", "/__proto__"]) {
      assertEquals((await ask(server, target)).status, 404, target);
    }
  }));

test("a method that a path has not got is a 405 that names those it has", () =>
  withServer(async (server) => {
    const { status, headers } = await ask(server, "/healthz", { method: "DELETE" });
    assertEquals([status, headers.get("allow")], [405, "GET, HEAD"]);
  }));

test("a plain GET of /echo is a 426 that says what to upgrade to, and the connection goes on", () =>
  withServer(async (server) => {
    const client = await Client.open(server);
    await client.write(request("/echo"));
    const { status, headers, body } = await client.reply();
    assertEquals(status, 426);
    assertEquals([headers.get("upgrade"), headers.get("connection")], ["websocket", "Upgrade"]);
    assertEquals(body, "The Upgrade field must contain websocket\n");
    await client.write(request("/healthz"));
    assertEquals((await client.reply()).status, 200);
    client.close();
  }));

test("HEAD gives the fields of a GET and no body", () =>
  withServer(async (server) => {
    const client = await Client.open(server);
    for (const target of ["/", "/healthz"]) {
      await client.write(request(target));
      const got = await client.reply();
      await client.write(request(target, { method: "HEAD" }));
      const { status, headers } = await client.reply("HEAD");
      assertEquals(status, 200);
      for (const name of ["content-length", "content-type", "connection"]) {
        assertEquals(headers.get(name), got.headers.get(name), `${name} of ${target}`);
      }
    }
    assertEquals(client.unread.length, 0);
    client.close();
  }));

test("two requests in one write are answered in their order, on one connection", () =>
  withServer(async (server) => {
    const client = await Client.open(server);
    await client.write(request("/healthz") + request("/nothing"));
    assertEquals([(await client.reply()).status, (await client.reply()).status], [200, 404]);
    client.close();
  }));

test("a request with Connection: close is the last one", () =>
  withServer(async (server) => {
    const client = await Client.open(server);
    await client.write(request("/healthz", { Connection: "close" }));
    assertEquals((await client.reply()).headers.get("connection"), "close");
    assert(await client.ended());
    client.close();
  }));

test("the second request of a connection may become a WebSocket", () =>
  withServer(async (server) => {
    const conn = await dial(portOf(server)), writer = conn.writable.getWriter(), reading = conn.readable.getReader();
    await writer.write(latin1(request("/healthz")));
    let reply = "";
    while (!reply.endsWith("\r\n\r\nfine\n")) reply += text((await reading.read()).value!);
    for (const lock of [writer, reading]) lock.releaseLock();
    const url = `ws://127.0.0.1:${portOf(server)}/echo?x=1`;
    const socket = await connect(url, { conn, protocols: ["other", "echo"] });
    assertEquals(socket.protocol, "echo");
    const reader = socket.readable.getReader();
    const heads = JSON.parse((await reader.read()).value as string);
    assertEquals(heads.request[0], "GET /echo?x=1 HTTP/1.1");
    assert(heads.request.includes(`host: 127.0.0.1:${portOf(server)}`), heads.request);
    assertEquals(heads.response[0], "HTTP/1.1 101 Switching Protocols");
    assert(heads.response.includes(`sec-websocket-accept: ${socket.response.headers.get("sec-websocket-accept")}`));
    for (const message of ["text", "", new Uint8Array([0, 255]), new Uint8Array()]) {
      socket.send(message);
      assertEquals((await reader.read()).value, message);
    }
    assertEquals(await socket.close({ closeCode: 4321, reason: "enough" }), { closeCode: 4321, reason: "" });
  }));

test("bytes behind an upgrade, itself behind a request, are its first frame", () =>
  withServer(async (server) => {
    const client = await Client.open(server);
    // A masked text frame «hi», with a mask of zeros
    const frame = hex("82 82 00000000 6869");
    await client.write(concat(latin1(request("/healthz") + request("/echo", UPGRADE)), frame));
    assertEquals((await client.reply()).status, 200);
    const { status, headers } = await client.reply();
    assertEquals([status, headers.get("sec-websocket-accept")], [101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]);
    const echoed = text(hex("82 02 6869"));
    const frames = await client.until((read) => read.endsWith(echoed) ? read.length : undefined);
    assertEquals(frames.slice(0, 2), text(hex("81 7e")), "the heads come first");
    client.close();
  }));

test("the heads keep credentials and cookies to themselves", () =>
  withServer(async (server) => {
    const conn = await dial(portOf(server));
    const url = `ws://ada:secret@127.0.0.1:${portOf(server)}/echo`;
    const socket = await connect(url, { conn, headers: { cookie: "session=precious" } });
    const { request } = JSON.parse((await socket.readable.getReader().read()).value as string);
    assert(request.includes("authorization: (not shown)"), request);
    assert(request.includes("cookie: (not shown)"), request);
    await socket.close();
  }));

test("/echo refuses a page of another origin", () =>
  withServer(async (server) => {
    const { status } = await ask(server, "/echo", { ...UPGRADE, Origin: "https://evil.example" });
    assertEquals(status, 403);
    const own = await ask(server, "/echo", { ...UPGRADE, Origin: "http://localhost" });
    assertEquals(own.status, 101);
  }));

test("an upgrade where none is served is answered as a GET, and nothing is read behind it", () =>
  withServer(async (server) => {
    const client = await Client.open(server);
    await client.write(request("/healthz", UPGRADE) + request("/private"));
    const { status, headers } = await client.reply();
    assertEquals([status, headers.get("connection")], [200, "close"]);
    assert(await client.ended());
    client.close();
  }));

test("a malformed request is a 400 on its own connection only", () =>
  withServer(async (server) => {
    const other = await Client.open(server);
    await other.write("GET /health");
    for (const bytes of ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n"]) {
      const client = await Client.open(server);
      await client.write(bytes);
      const { status, headers } = await client.reply();
      assertEquals([status, headers.get("connection")], [400, "close"], bytes);
      assert(await client.ended());
      client.close();
    }
    await other.write("z HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assertEquals((await other.reply()).status, 200);
    other.close();
  }));

test("clients that leave at any point are not an error, and the server lives on", () =>
  withServer(async (server) => {
    const errors = await errorsOf(async () => {
      const whole = latin1(request("/echo", UPGRADE));
      for (const length of [0, 1, 20, whole.length - 1, whole.length]) {
        const client = await Client.open(server);
        await client.write(whole.subarray(0, length));
        client.close();
      }
      const client = await Client.open(server);
      await client.write(concat(whole, hex("81 fe 7fff")));
      await client.reply();
      client.close();
      assertEquals((await ask(server, "/healthz")).status, 200);
    });
    assertEquals(errors, []);
  }));

test("a WebSocket that breaks the protocol is closed, which is not an error of the server's", () =>
  withServer(async (server) => {
    const errors = await errorsOf(async () => {
      const client = await Client.open(server);
      await client.write(concat(latin1(request("/echo", UPGRADE)), hex("81 01 61"))); // not masked
      await client.reply();
      const close = text(hex("88 24 03ea")) + "A frame of a client must be masked";
      await client.until((read) => read.endsWith(close) ? read.length : undefined);
      assert(await client.ended());
      client.close();
    });
    assertEquals(errors, []);
  }));

test("serve() rejects when the port is taken", () =>
  withServer(async (server) => {
    const error = await assertRejects(() => serveDemonstration({ port: portOf(server) }));
    assertEquals((error as { code?: unknown }).code, "EADDRINUSE");
  }));

test("stopping closes WebSockets with 1001, and connections that wait for a request", () =>
  withServer(async (server, stop) => {
    const idle = await Client.open(server);
    await idle.write(request("/healthz"));
    await idle.reply();
    const conn = await dial(portOf(server));
    const socket = await connect(`ws://127.0.0.1:${portOf(server)}/echo`, { conn });
    const closed = socket.receive(() => {});
    const before = performance.now();
    stop();
    assertEquals(await closed, { closeCode: 1001, reason: "The server stops" });
    assert(await idle.ended());
    assert(performance.now() - before < 5000, "that is when a connection without a request is closed anyway");
    idle.close();
    await server.finished;
    await assertRejects(() => dialRaw(portOf(server)));
  }));

test("stopping before anything has come ends at once", async () => {
  const stop = new AbortController();
  const server = await serveDemonstration({ port: 0, signal: stop.signal });
  stop.abort();
  await server.finished;
});

test("connect() to a path that is no WebSocket is refused with the server's response", () =>
  withServer(async (server) => {
    const conn = await dial(portOf(server));
    const error = await assertRejects(
      () => connect(`ws://127.0.0.1:${portOf(server)}/nothing`, { conn }),
      HandshakeError,
    );
    assertEquals(error.failure, "status-not-101");
    assertEquals(error.response?.status, 404);
  }));
