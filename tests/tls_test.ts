// Ours over real TLS sockets: `Deno.TlsConn` at both ends, on 127.0.0.1.
//
// tests/tls/ has what they need, made for these tests and for nothing else:
//   ca.pem             the certificate of a CA of our own; its key was thrown away
//   localhost.pem      a certificate from it, for localhost and 127.0.0.1
//   localhost.key.pem  the key of that, which is no secret
// Both are valid from 2020 to 2120. They were made by OpenSSL, with P-256 keys:
//   openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=…" -keyout ….key.pem -out ….csr
//   openssl ca -batch -notext -config ca.cnf -startdate 20200101000000Z -enddate 21200101000000Z -in ….csr -out ….pem …
// the CA with -selfsign and the extensions basicConstraints=critical,CA:TRUE and keyUsage=critical,keyCertSign; the leaf
// with CA:FALSE, digitalSignature, extendedKeyUsage=serverAuth and subjectAltName=DNS:localhost,IP:127.0.0.1.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { accept, connect, HandshakeError, type WebSocketConnection, WebSocketError } from "../mod.ts";
import { upgrade } from "./cases/requests_base.ts";
import { concat, latin1, random, test, text } from "./harness.ts";

const KIB = 1024, MIB = 1024 * KIB;

const pem = (name: string) => Deno.readTextFileSync(new URL(`tls/${name}.pem`, import.meta.url));
const CA = pem("ca"), CERT = { cert: pem("localhost"), key: pem("localhost.key") };

/** Both ends of a TLS connection whose handshake is done, through `port` where something is in between. */
async function tls(
  listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...CERT }),
  port = listener.addr.port,
): Promise<[client: Deno.TlsConn, server: Deno.TlsConn]> {
  using _listener = listener;
  const accepted = listener.accept().then(async (conn) => (await conn.handshake(), conn));
  return await Promise.all([Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [CA] }), accepted]);
}

/** A WebSocket from end to end. */
async function opened(ends = tls()): Promise<[client: WebSocketConnection, server: WebSocketConnection]> {
  const [conn, far] = await ends;
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
    const [client, server] = await tls();
    const accepting = assertRejects(() => accept(server), HandshakeError);
    const writing = (async () => {
      const bytes = latin1(upgrade({ "X-Long": "x".repeat(100 * KIB) }));
      for (let at = 0; at < bytes.length; at += 4 * KIB) {
        const piece = bytes.subarray(at, at + 4 * KIB);
        for (let from = 0; from < piece.length;) from += await client.write(piece.subarray(from));
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
    assertEquals(body, await error.response!.text());
  });
}

/** What comes up to an end; a reset, or an end that TLS does not vouch for, makes it reject. */
async function readAll(conn: Deno.Conn): Promise<string> {
  const chunks: Uint8Array[] = [], buffer = new Uint8Array(64 * KIB);
  for (let count; (count = await conn.read(buffer)) !== null;) chunks.push(buffer.slice(0, count));
  return text(concat(...chunks));
}

for (const cut of [false, true]) {
  for (const [face, use] of Object.entries(ECHOES)) {
    const loss = cut ? "its TCP connection ends" : "the peer ends TLS";
    test(`over TLS a connection used by ${face} ends with 1006 when ${loss}`, async () => {
      const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...CERT });
      const relay = relayTo(listener.addr.port);
      const [client, server] = await tls(listener, relay.port);
      const [ours] = await Promise.all([accept(server), sendUpgrade(client)]);
      const used = use(ours);
      used.catch(() => {});
      if (cut) await relay.cut();
      else client.close();
      const error = await assertRejects(() => ours.closed, WebSocketError);
      assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
      assertEquals(error.cause !== undefined, cut, "TLS tells an end from a loss");
      await assertRejects(() => used, WebSocketError);
      if (cut) client.close();
      await relay.done;
    });
  }
}

/** Upgrades, and reads the answer. */
async function sendUpgrade(conn: Deno.Conn): Promise<void> {
  await conn.write(latin1(upgrade()));
  assert(await conn.read(new Uint8Array(KIB)) !== null);
}

/** Something in between that knows nothing of TLS, and can end both of its connections. */
function relayTo(port: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ends = (async () => {
    using _listener = listener;
    return await Promise.all([listener.accept(), Deno.connect({ hostname: "127.0.0.1", port })]);
  })();
  const cut = async () => {
    for (const end of await ends) {
      try {
        end.close();
      } catch {
        // It was cut before
      }
    }
  };
  const done = ends.then(async ([near, far]) => {
    await Promise.allSettled([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
    await cut();
  });
  return { port: listener.addr.port, cut, done };
}
