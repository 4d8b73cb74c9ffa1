// connect() without a connection: it dials by itself, on the runtime that runs this. The certificates in tests/kit/tls/ are
// described in tls_test.ts.

import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { accept, connect, type ConnectOptions, HandshakeError, serve } from "../../mod.ts";
import { fromSocket } from "../../src/node.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { NEEDS_NODE, withMtls } from "../kit/mtls.ts";
import { startProxy } from "../kit/proxies.ts";
import { listen, listenRaw, type RawConn } from "../kit/tcp.ts";
import { CA, everything, hello, pem, TLS } from "../kit/dialling.ts";

const CLIENT = { cert: pem("client"), key: pem("client.key") };

test("connect() dials, and Host has the port (RFC 6455 §4.1 (4))", async () => {
  using listener = await listen();
  const request = await hello(listener, `ws://127.0.0.1:${listener.port}/chat?a=b`);
  assertEquals(request.headers.get("host"), `127.0.0.1:${listener.port}`);
  assertEquals(request.target, "/chat?a=b");
});

test("connect() dials a name, and takes http: for ws:", async () => {
  using listener = await listen();
  const request = await hello(listener, `http://localhost:${listener.port}/`);
  assertEquals(request.headers.get("host"), `localhost:${listener.port}`);
});

const HAS_IPV6 = Object.values(networkInterfaces()).flat().some((address) => address?.address === "::1");
test("connect() dials an IPv6 address (RFC 3986 §3.2.2)", {
  lacks: HAS_IPV6 ? undefined : "needs the address ::1",
}, async () => {
  using listener = await listen({ hostname: "::1" });
  const request = await hello(listener, `ws://[::1]:${listener.port}/`);
  assertEquals(request.headers.get("host"), `[::1]:${listener.port}`);
});

test("user and password of the URL become Basic authentication and leave the URL (RFC 7617 §2)", async () => {
  using listener = await listen();
  const request = await hello(listener, `ws://ada:pa%3Ass@127.0.0.1:${listener.port}/`);
  assertEquals(request.headers.get("authorization"), "Basic " + btoa("ada:pa:ss"));
  assertEquals(request.url, `http://127.0.0.1:${listener.port}/`);
});

test("connect() dials a unix socket, accept() takes what came by one, and Host is the URL's", async () => {
  const directory = mkdtempSync(join(tmpdir(), "handfast-")), unix = join(directory, "socket");
  {
    using listener = await listen({ unix });
    const request = await hello(listener, "ws://api.example/x", { unix });
    assertEquals(request.url, "http://api.example/x");
  }
  rmSync(directory, { recursive: true });
});

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  using listener = await listenRaw();
  return listener.port;
}

const UNREACHABLE: Readonly<Record<string, () => Promise<[url: string, options: ConnectOptions]>>> = {
  "a port on which nobody listens": async () => [`ws://127.0.0.1:${await freePort()}/`, {}],
  "a port for TLS on which nobody listens": async () => [`wss://127.0.0.1:${await freePort()}/`, {}],
  "a unix socket that is not there": () => Promise.resolve(["ws://localhost/", { unix: "/no/such/socket" }]),
  "a proxy that is not there": async () => ["ws://localhost/", { proxy: `http://127.0.0.1:${await freePort()}` }],
};
for (const [name, where] of Object.entries(UNREACHABLE)) {
  test(`connect() to ${name} fails with dial-failed, and the network's error as its cause`, async () => {
    const [url, options] = await where();
    const error = await assertRejects(() => connect(url, options), HandshakeError);
    assertEquals([error.failure, error.section, error.response], ["dial-failed", "RFC 6455 §4.1 (4)", undefined]);
    assert(error.cause instanceof Error, `${error.cause}`);
    const place = options.unix ?? options.proxy ?? url;
    const port = /:(\d+)/.exec(String(place))?.[1];
    assertMatch(error.message, port ? RegExp(`127\\.0\\.0\\.1 port ${port}`) : /\/no\/such\/socket/);
  });
}

const RESERVED: Readonly<Record<string, (proxy: string) => [url: string, options: ConnectOptions]>> = {
  "ws:": () => ["ws://127.0.0.1:0/", {}],
  "wss:": () => ["wss://127.0.0.1:0/", {}],
  "an IPv6 address": () => ["ws://[::1]:0/", {}],
  "ws: through a proxy": (proxy) => ["ws://127.0.0.1:0/", { proxy }],
  "wss: through a proxy": (proxy) => ["wss://127.0.0.1:0/", { proxy }],
};
for (const [name, where] of Object.entries(RESERVED)) {
  test(`connect() to port 0 by ${name} is no other port's: dial-failed, and nobody is asked (RFC 6335 §6)`, async () => {
    await using proxy = await startProxy();
    const [url, options] = where(`http://127.0.0.1:${proxy.port}`);
    const error = await assertRejects(() => connect(url, options), HandshakeError, "port 0: the port is reserved");
    assertEquals([error.failure, error.retryable, proxy.heads], ["dial-failed", false, []]);
  });
}

test("port 0 of a URL is only a part of Host where no port is dialled", async () => {
  const directory = mkdtempSync(join(tmpdir(), "handfast-")), unix = join(directory, "socket");
  {
    using listener = await listen({ unix });
    const request = await hello(listener, "ws://api.example:0/x", { unix });
    assertEquals(request.headers.get("host"), "api.example:0");
  }
  rmSync(directory, { recursive: true });
});

test("connect() to wss: does TLS, by a CA that it was told of (RFC 6455 §4.1 (5))", async () => {
  using listener = await listen({ tls: TLS });
  const request = await hello(listener, `wss://localhost:${listener.port}/`, { caCerts: [CA] });
  assertEquals(request.headers.get("host"), `localhost:${listener.port}`);
});

for (const client of [{}, CLIENT]) {
  const who = "cert" in client ? "with a certificate of its own" : "without one";
  test(`connect() to wss: over a unix socket does TLS, ${who}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "handfast-")), unix = join(directory, "socket");
    const server = createTlsServer({ ...TLS, requestCert: true, rejectUnauthorized: false }, (socket) => {
      accept(fromSocket(socket)).then((accepted) => accepted.receive((message) => accepted.send(message)));
    });
    server.listen(unix);
    await once(server, "listening");
    const socket = await connect("wss://localhost/", { unix, caCerts: [CA], ...client });
    socket.send("Hello");
    assertEquals((await socket.readable.getReader().read()).value, "Hello");
    await socket.close();
    const closed = once(server, "close");
    server.close();
    await closed;
    rmSync(directory, { recursive: true });
  });
}

const JUNK = "-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n";
const UNUSABLE: readonly [name: string, options: ConnectOptions][] = [
  ["a certificate of its own that is none", { cert: JUNK, key: CLIENT.key }],
  ["a key that is not its certificate's", { cert: CLIENT.cert, key: TLS.key }],
];
for (const [name, options] of UNUSABLE) {
  for (const isTunnelled of [false, true]) {
    test(`connect() with ${name} fails with tls-failed ${isTunnelled ? "in a tunnel" : "directly"}, and closes`, async () => {
      using listener = await listenRaw();
      await using proxy = await startProxy(listener.port);
      const through = isTunnelled ? { proxy: `http://127.0.0.1:${proxy.port}` } : {};
      const ended = listener.accept().then(async (conn) => (await everything(conn), conn.close()), () => {});
      const url = `wss://localhost:${listener.port}/`;
      const error = await assertRejects(() => connect(url, { ...options, ...through }), HandshakeError);
      assertEquals([error.failure, error.retryable], ["tls-failed", false]);
      listener.close(); // Bun finds it out before it connects
      await ended;
    });
  }
}

test("connect() to wss: takes an IP address that the certificate has", async () => {
  using listener = await listen({ tls: TLS });
  await hello(listener, `wss://127.0.0.1:${listener.port}/`, { caCerts: [CA] });
});

test("a trailing dot of an absolute name stays in Host, and is none of the certificate's (RFC 6066 §3)", async () => {
  using listener = await listen({ tls: TLS });
  await using proxy = await startProxy(listener.port);
  const options = { caCerts: [CA], proxy: `http://127.0.0.1:${proxy.port}` };
  const request = await hello(listener, "wss://localhost.:81/", options);
  assertEquals(request.headers.get("host"), "localhost.:81");
  assertEquals(proxy.heads[0]?.split("\r\n"), ["CONNECT localhost.:81 HTTP/1.1", "Host: localhost.:81"]);
});

/** Rows: the host of a URL, and the name of the server in the ClientHello; an address is none. */
const NAMES: readonly [host: string, name: string | undefined][] = [
  ["localhost", "localhost"],
  ["LocalHost", "localhost"],
  ["localhost.", "localhost"],
  ["a.b.example.", "a.b.example"],
  ["b\u00fccher.example", "xn--bcher-kva.example"],
  ["b\u00fccher.example\u3002", "xn--bcher-kva.example"],
  ["127.0.0.1", undefined],
  ["127.1.", undefined],
];
/** Bun sends the address as a name, which RFC 6066 §3 does not allow, and servers ignore; nothing there can prevent it. */
const NAMED_ADDRESS = "Bun" in globalThis ? "127.0.0.1" : undefined;
for (const client of [{}, CLIENT]) {
  const who = "cert" in client ? "with a certificate of its own" : "without one";
  for (const [host, name] of NAMES) {
    const shown = name ?? "nothing, unless the runtime itself names addresses,";
    test(`a client ${who} names ${host} as ${shown} in TLS (RFC 6066 §3)`, async () => {
      using listener = await listenRaw();
      await using proxy = await startProxy(listener.port);
      // Names lead nowhere, but for the proxy
      const through = name ? { proxy: `http://127.0.0.1:${proxy.port}` } : {};
      const connecting = connect(`wss://${host}:${listener.port}/`, { ...client, ...through });
      connecting.catch(() => {});
      const conn = await listener.accept();
      assertEquals(await serverName(conn), name ?? NAMED_ADDRESS);
      conn.close();
      const { failure } = await assertRejects(() => connecting, HandshakeError);
      assert(["tls-failed", "dial-failed"].includes(failure), failure);
    });
  }
}

/** The name in the ClientHello that comes (RFC 8446 §4.1.2, RFC 6066 §3). */
async function serverName(conn: RawConn): Promise<string | undefined> {
  const bytes: number[] = [], buffer = new Uint8Array(4096);
  const u16 = (at: number) => bytes[at]! << 8 | bytes[at + 1]!;
  while (bytes.length < 5 || bytes.length < 5 + u16(3)) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("The connection ended inside the ClientHello");
    bytes.push(...buffer.subarray(0, count));
  }
  let at = 5 + 4 + 2 + 32; // record, handshake message, version, random
  at += 1 + bytes[at]!; // session
  at += 2 + u16(at); // cipher suites
  at += 1 + bytes[at]!; // compression methods
  const end = at + 2 + u16(at);
  for (at += 2; at < end; at += 4 + u16(at + 2)) {
    if (u16(at) === 0) return String.fromCharCode(...bytes.slice(at + 9, at + 9 + u16(at + 7)));
  }
  return undefined;
}

/** Signed by itself; for localhost, and valid. */
const SELF_SIGNED = { cert: pem("self-signed"), key: pem("self-signed.key") };

/** Rows: TLS that must not succeed; `via` is the name under which the server of localhost is called, by a proxy. */
const UNTRUSTED: readonly [name: string, via: string | undefined, options: ConnectOptions, tls?: typeof TLS][] = [
  ["a certificate that is signed by itself", undefined, {}, SELF_SIGNED],
  ["a certificate that is signed by itself, told of a CA", undefined, { caCerts: [CA] }, SELF_SIGNED],
  ["a certificate from an unknown CA", undefined, {}],
  ["a certificate from an unknown CA, told of another one", undefined, { caCerts: [pem("clients-ca")] }],
  ["a certificate of another name", "elsewhere.example", { caCerts: [CA] }],
  ["a certificate of another address", "127.0.0.2", { caCerts: [CA] }],
];
for (const [name, via, options, tls = TLS] of UNTRUSTED) {
  test(`connect() refuses ${name} with tls-failed, and sends no request (RFC 6455 §4.1 (5))`, async () => {
    using listener = await listen({ tls });
    const serving = listener.accept().then((conn) => accept(conn)).then(() => "opened", () => "not opened");
    await using proxy = await startProxy(listener.port);
    const url = `wss://${via ?? "localhost"}:${listener.port}/`;
    const through = via ? { proxy: `http://127.0.0.1:${proxy.port}` } : {};
    const error = await assertRejects(() => connect(url, { ...options, ...through }), HandshakeError);
    assertEquals([error.failure, error.section], ["tls-failed", "RFC 6455 §4.1 (5)"]);
    assertEquals(error.retryable, false);
    assert(error.cause instanceof Error, `${error.cause}`);
    listener.close();
    assertEquals(await serving, "not opened");
  });
}

for (const [how, isTunnelled] of [["close", false], ["reset", false], ["close", true]] as const) {
  const way = isTunnelled ? "through a proxy" : "directly";
  test(`a connection that ends in its TLS handshake by ${how}, ${way}, is worth another attempt`, async () => {
    using listener = await listenRaw();
    await using proxy = await startProxy(listener.port);
    const through = isTunnelled ? { proxy: `http://127.0.0.1:${proxy.port}` } : {};
    const connecting = connect(`wss://localhost:${listener.port}/`, through);
    connecting.catch(() => {});
    const conn = await listener.accept();
    await conn.read(new Uint8Array(1)); // the handshake has begun
    conn[how]();
    const error = await assertRejects(() => connecting, HandshakeError);
    assertEquals([error.failure, error.retryable], ["tls-failed", true], `${error.cause}`);
  });
}

test("connect() to wss: never falls back to what is not encrypted", async () => {
  using listener = await listenRaw();
  const serving = (async () => {
    const conn = await listener.accept();
    const reading = everything(conn);
    await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    const bytes = await reading;
    conn.close();
    return bytes;
  })();
  const error = await assertRejects(() => connect(`wss://localhost:${listener.port}/`), HandshakeError);
  assertEquals([error.failure, error.retryable], ["tls-failed", false]);
  assertMatch(error.message, /the server answers without TLS, try ws: \(/);
  const bytes = await serving;
  assertEquals(bytes[0], 22, "a TLS handshake record (RFC 8446 §5.1)");
  assert(!new TextDecoder("latin1").decode(bytes).includes("GET / HTTP"));
});

test("connect() by ws: to a port with TLS says so, whether the server answers in TLS or not at all", async () => {
  await using server = await serve({ port: 0, cert: pem("localhost"), key: pem("localhost.key") }, () => {});
  const error = await assertRejects(() => connect(server.url!.replace("https:", "ws:")), HandshakeError);
  assertMatch(error.message, /as in TLS: one end uses wss: and the other does not|if the server uses TLS, use wss:/);
});

for (const isTunnelled of [false, true]) {
  const way = isTunnelled ? "through a proxy" : "directly";
  test(
    `a client certificate arrives, ${way}, and so does the name (RFC 6066 §3)`,
    NEEDS_NODE,
    () =>
      withMtls(async (port) => {
        await using proxy = await startProxy(port);
        const through = isTunnelled ? { proxy: `http://127.0.0.1:${proxy.port}` } : {};
        const socket = await connect(`wss://localhost:${port}/`, { caCerts: [CA], ...CLIENT, ...through });
        const { value } = await socket.readable.getReader().read();
        assertEquals(JSON.parse(value as string), { client: "ada", name: "localhost" });
        await socket.close();
        assertEquals(proxy.heads.length, isTunnelled ? 1 : 0);
      }),
  );
}

test(
  "a server that wants a client certificate refuses a client without one",
  NEEDS_NODE,
  () =>
    withMtls(async (port) => {
      // In TLS 1.3 the client learns of it only when it reads (RFC 8446 §4.4.2.4)
      const error = await assertRejects(() => connect(`wss://localhost:${port}/`, { caCerts: [CA] }), HandshakeError);
      assert(["tls-failed", "connection-closed"].includes(error.failure), error.failure);
    }),
);

/** Rows: somebody who takes the connection and says nothing, at each step. */
const SILENT: readonly [
  step: string,
  url: (port: number) => string,
  options: (port: number) => ConnectOptions,
  closes?: boolean,
][] = [
  // Deno keeps the socket of a handshake that is under way, until the peer ends it
  ["the TLS handshake", (port) => `wss://localhost:${port}/`, () => ({}), !("Deno" in globalThis)],
  ["the proxy's answer", () => "ws://localhost/", (port) => ({ proxy: `http://127.0.0.1:${port}` })],
  ["the response", (port) => `ws://127.0.0.1:${port}/`, () => ({})],
];
for (const [step, url, options, closes = true] of SILENT) {
  test(`handshakeTimeout covers ${step}: the connection is closed`, async () => {
    using listener = await listenRaw();
    const { port } = listener, clock = fakeClock();
    const connecting = connect(url(port), { ...options(port), clock, handshakeTimeout: 1000 });
    connecting.catch(() => {});
    const conn = await listener.accept();
    await conn.read(new Uint8Array(1)); // its first byte says that this step has begun
    await clock.advance(1000);
    const error = await assertRejects(() => connecting, HandshakeError);
    assertEquals([error.failure, clock.pending], ["handshake-timeout", 0]);
    if (closes) await everything(conn);
    conn.close();
  });

  test(`the signal ends ${step}: connect() rejects with its reason, and the connection is closed`, async () => {
    using listener = await listenRaw();
    const { port } = listener, controller = new AbortController();
    const connecting = connect(url(port), { ...options(port), signal: controller.signal });
    connecting.catch(() => {});
    const conn = await listener.accept();
    await conn.read(new Uint8Array(1));
    const reason = new Error("The page is gone");
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => connecting), reason);
    if (closes) await everything(conn);
    conn.close();
  });
}

for (const when of ["before", "in the turn of"] as const) {
  test(`a signal that is aborted ${when} the call leaves no connection behind`, async () => {
    using listener = await listenRaw();
    const controller = new AbortController(), reason = new Error("Never mind");
    if (when === "before") controller.abort(reason);
    const connecting = connect(`ws://127.0.0.1:${listener.port}/`, { signal: controller.signal });
    connecting.catch(() => {});
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => connecting), reason);
    // One that is made is closed, and has brought nothing; then comes ours
    using last = await (await import("../kit/tcp.ts")).dialRaw(listener.port);
    await last.write(Uint8Array.of(42));
    await last.closeWrite();
    for (let isLast = false; !isLast;) {
      const conn = await listener.accept();
      const bytes = await everything(conn);
      isLast = bytes.length > 0;
      if (isLast) assertEquals(bytes, Uint8Array.of(42));
      conn.close();
    }
  });
}
