// Ours over real TLS sockets, on 127.0.0.1.
//
// tests/kit/tls/ has what they need, made for these tests and for nothing else:
//   ca.pem             the certificate of a CA of our own; its key was thrown away
//   localhost.pem      a certificate from it, for localhost and 127.0.0.1
//   localhost.key.pem  the key of that, which is no secret
// Both are valid from 2020 to 2120. They were made by OpenSSL, with P-256 keys:
//   openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=…" -keyout ….key.pem -out ….csr
//   openssl ca -batch -notext -config ca.cnf -startdate 20200101000000Z -enddate 21200101000000Z -in ….csr -out ….pem …
// the CA with -selfsign and the extensions basicConstraints=critical,CA:TRUE and keyUsage=critical,keyCertSign; the leaf
// with CA:FALSE, digitalSignature, extendedKeyUsage=serverAuth and subjectAltName=DNS:localhost,IP:127.0.0.1.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { accept, connect, HandshakeError, readRequest, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { upgrade } from "../cases/requests_base.ts";
import { concat, latin1, random, test, text } from "../kit/harness.ts";
import { dial, dialRaw, listen, type Listener, listenRaw, type RawConn } from "../kit/tcp.ts";

const KIB = 1024, MIB = 1024 * KIB;

const pem = (name: string) => readFileSync(join(import.meta.dirname!, `../kit/tls/${name}.pem`), "utf8");
const CA = pem("ca"), CERT = { cert: pem("localhost"), key: pem("localhost.key") };

/** A WebSocket from end to end. */
async function opened(): Promise<[client: WebSocketConnection, server: WebSocketConnection]> {
  using listener = await listen({ tls: CERT });
  const [conn, far] = await Promise.all([dial(listener.port, { tls: { ca: CA } }), listener.accept()]);
  return await Promise.all([connect("wss://127.0.0.1/chat", { conn }), accept(far)]);
}

/** Random bytes: what TLS does to them shows. */
function noise(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const next = random(seed), words = new Uint32Array(size / 4);
  for (let i = 0; i < words.length; i++) words[i] = next();
  return new Uint8Array(words.buffer);
}

const MESSAGES = ["Hello", "", "smörgås 🥪".repeat(1000), noise(MIB, 1), noise(64, 2)];

type Face = (socket: WebSocketConnection) => Promise<unknown>;

/** An echo by each face. */
const ECHOES: Readonly<Record<string, Face>> = {
  "receive()": (socket) => socket.receive((message) => socket.send(message)),
  "the streams": (socket) => socket.readable.pipeTo(socket.writable),
};

/** Sends all and closes once all have come back, by each face. */
const CALLS: Readonly<Record<string, Face>> = {
  "receive()": async (socket) => {
    const got: unknown[] = [];
    const received = socket.receive((message) => {
      if (got.push(message) === MESSAGES.length) socket.close({ closeCode: 4000, reason: "enough" });
    });
    for (const message of MESSAGES) await socket.send(message);
    await received;
    return got;
  },
  "the streams": async (socket) => {
    const reader = socket.readable.getReader(), writer = socket.writable.getWriter(), got: unknown[] = [];
    const writing = Promise.all(MESSAGES.map((message) => writer.write(message)));
    while (got.length < MESSAGES.length) got.push((await reader.read()).value);
    await writing;
    socket.close({ closeCode: 4000, reason: "enough" });
    return got;
  },
};

for (const [face, echo] of Object.entries(ECHOES)) {
  for (const [other, call] of Object.entries(CALLS)) {
    for (const turned of [false, true]) {
      const roles = turned ? "a client to a server" : "a server to a client";
      test(`over TLS ${roles} echoes by ${face} what is sent by ${other}, and both close`, async () => {
        const [client, server] = await opened();
        const [echoing, calling] = turned ? [client, server] : [server, client];
        const done = echo(echoing), got = await call(calling);
        assertEquals(got, MESSAGES);
        assertEquals(await echoing.closed, { closeCode: 4000, reason: "enough" });
        assertEquals(await calling.closed, { closeCode: 4000, reason: "" }, "the code comes back");
        await done;
      });
    }
  }
}

for (const reads of ["meanwhile", "afterwards"] as const) {
  test(`over TLS a refusal is whole at a client that keeps sending and reads ${reads}`, async () => {
    using listener = await listen({ tls: CERT });
    const [client, server] = await Promise.all([dialRaw(listener.port, { ca: CA }), listener.accept()]);
    const accepting = assertRejects(() => accept(server), HandshakeError);
    const writing = (async () => {
      const bytes = latin1(upgrade({ "X-Long": "x".repeat(100 * KIB) }));
      for (let at = 0; at < bytes.length; at += 4 * KIB) {
        await client.write(bytes.subarray(at, at + 4 * KIB));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    })();
    if (reads === "afterwards") await writing;
    const [reply] = await Promise.all([readAll(client), writing]);
    client.close();
    const error = await accepting;
    assertEquals([error.failure, error.response?.status], ["head-too-large", 431]);
    const [head = "", body] = reply.split("\r\n\r\n");
    assert(head.startsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"), head);
    assertEquals(body, "The head is too large\n");
  });
}

/** What comes up to an end; a reset, or an end that TLS does not vouch for, makes it reject. */
async function readAll(conn: RawConn): Promise<string> {
  const chunks: Uint8Array[] = [], buffer = new Uint8Array(64 * KIB);
  for (let count; (count = await conn.read(buffer)) !== null;) chunks.push(buffer.slice(0, count));
  return text(concat(...chunks));
}

interface Loss {
  readonly name: string;
  lose(client: RawConn, relay: Relay): void | Promise<void>;
  /** Whether the runtime's TLS knows it from an end. */
  readonly isLoss: boolean;
}

const LOSSES: readonly Loss[] = [
  { name: "the peer ends TLS", lose: (client) => client.closeWrite(), isLoss: false },
  // The TLS of Node and Bun takes the end of the TCP connection for its own
  {
    name: "its TCP connection ends",
    lose: (_, relay) => relay.cut((end) => end.close()),
    isLoss: "Deno" in globalThis,
  },
  { name: "its TCP connection is reset", lose: (_, relay) => relay.cut((end) => end.reset()), isLoss: true },
];

for (const { name, lose, isLoss } of LOSSES) {
  for (const [face, use] of Object.entries(ECHOES)) {
    test(`over TLS a connection used by ${face} ends with 1006 when ${name}`, async () => {
      using listener = await listen({ tls: CERT });
      using relay = await Relay.to(listener.port);
      const [client, server] = await Promise.all([dialRaw(relay.port, { ca: CA }), listener.accept()]);
      using _client = client;
      const [ours] = await Promise.all([accept(server), sendUpgrade(client)]);
      const used = use(ours);
      used.catch(() => {});
      await lose(client, relay);
      const error = await assertRejects(() => ours.closed, WebSocketError);
      assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
      assertEquals(error.cause !== undefined, isLoss, `${error.cause}`);
      await assertRejects(() => used, WebSocketError);
    });
  }
}

/** Upgrades, and reads the answer. */
async function sendUpgrade(conn: RawConn): Promise<void> {
  await conn.write(latin1(upgrade()));
  assert(await conn.read(new Uint8Array(KIB)) !== null);
}

/** Something in between that knows nothing of TLS, and can end both of its connections. */
class Relay implements Disposable {
  readonly port: number;
  readonly #ends: Promise<RawConn[]>;

  private constructor(listener: Listener<RawConn>, port: number) {
    this.port = listener.port;
    this.#ends = (async () => {
      using _listener = listener;
      const [near, far] = await Promise.all([listener.accept(), dialRaw(port)]);
      copy(near, far).catch(() => {});
      copy(far, near).catch(() => {});
      return [near, far];
    })();
  }

  static async to(port: number): Promise<Relay> {
    return new Relay(await listenRaw(), port);
  }

  async cut(how: (end: RawConn) => void): Promise<void> {
    for (const end of await this.#ends) how(end);
  }

  [Symbol.dispose](): void {
    this.cut((end) => end.close());
  }
}

async function copy(from: RawConn, to: RawConn): Promise<void> {
  const buffer = new Uint8Array(64 * KIB);
  for (let count; (count = await from.read(buffer)) !== null;) await to.write(buffer.subarray(0, count));
  await to.closeWrite();
}

for (const first of ["accept()", "readRequest()"]) {
  test(`over TLS the URL of a request that ${first} reads has the scheme https (RFC 9112 §3.3)`, async () => {
    using listener = await listen({ tls: CERT });
    const [client, server] = await Promise.all([dialRaw(listener.port, { ca: CA }), listener.accept()]);
    await client.write(latin1(upgrade()));
    const read = first === "accept()" ? undefined : (await readRequest(server))!;
    const accepted = await accept(server, { request: read?.request, prefix: read?.rest });
    assertEquals(accepted.request.url, "https://server.example.com/chat");
    accepted.abort();
    client.close();
  });
}
