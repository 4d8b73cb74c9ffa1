// connect() without a connection: it dials by itself, on the runtime that runs this. What is in tests/kit/tls/ is told of in
// tls_test.ts.

import { assert, assertEquals, assertMatch, assertRejects, assertStrictEquals } from "@std/assert";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createServer as createTlsServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { accept, type Accepted, connect, type ConnectOptions, HandshakeError } from "../../mod.ts";
import { fromSocket } from "../../src/node.ts";
import { fakeClock } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { NEEDS_NODE, withMtls } from "../kit/mtls.ts";
import { startProxy } from "../kit/proxies.ts";
import { listen, type Listener, listenRaw, type RawConn } from "../kit/tcp.ts";

const pemPath = (name: string) => fileURLToPath(new URL(`../kit/tls/${name}.pem`, import.meta.url).href);
const pem = (name: string) => readFileSync(pemPath(name), "utf8");
const CA = pem("ca"), TLS = { cert: pem("localhost"), key: pem("localhost.key") };
const CLIENT = { cert: pem("client"), key: pem("client.key") };

/** Dials, says hello to an echo, and closes; gives what the server saw. */
async function hello(
  listener: Listener<Parameters<typeof accept>[0]>,
  url: string,
  options: ConnectOptions = {},
): Promise<Accepted["request"]> {
  const serving = (async () => {
    const accepted = await accept(await listener.accept());
    await accepted.receive((message) => accepted.send(message));
    return accepted.request;
  })();
  const socket = await connect(url, options);
  assertEquals([socket.response.status, socket.protocol], [101, ""]);
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
  assertEquals(await socket.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
  return await serving;
}

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

// ---- what can't be dialled

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

const PEM = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
const BAD_OPTIONS: readonly [name: string, options: object, rule: RegExp][] = [
  ["a prefix", { prefix: new Uint8Array(1) }, /prefix: there is no conn/],
  ["keepAlive", { keepAlive: true }, /keepAlive: only a conn/],
  ["an empty unix path", { unix: "" }, /unix: it must be the path/],
  ["unix and a proxy", { unix: "/a", proxy: "http://127.0.0.1" }, /proxy: it does not go together/],
  ["caCerts that are no list", { caCerts: PEM }, /caCerts: it must be a list/],
  ["caCerts that are not in PEM", { caCerts: ["MIIB"] }, /caCerts: it must be a list of certificates in PEM/],
  ["a certificate without its key", { cert: PEM }, /cert: a certificate and its key/],
  ["a key without its certificate", { key: PEM }, /cert: a certificate and its key/],
  ["a certificate that is not in PEM", { cert: "MIIB", key: PEM }, /cert: certificate and key must be in PEM/],
  ["a proxy that is no URL", { proxy: "127.0.0.1:3128" }, /the proxy "127\.0\.0\.1:3128"/],
  ["an https: proxy", { proxy: "https://127.0.0.1" }, /its scheme is "https:", only http: is spoken/],
  ["a proxy of SOCKS", { proxy: "socks5://127.0.0.1" }, /its scheme is "socks5:"/],
  ["a proxy with a path", { proxy: "http://127.0.0.1/x" }, /more than a host and a port/],
  ["a signal that is none", { signal: {} }, /signal/],
];
for (const [name, options, rule] of BAD_OPTIONS) {
  test(`connect() with ${name} is a TypeError before anything is dialled`, async () => {
    using listener = await listenRaw();
    const dialled = listener.accept().then(() => "dialled", () => "not dialled");
    const error = await assertRejects(() => connect(`ws://127.0.0.1:${listener.port}/`, options), TypeError);
    assertMatch(error.message, rule);
    listener.close();
    assertEquals(await dialled, "not dialled");
  });
}

test("a URL or a proxy that can't be used is named without its password", async () => {
  const calls: [url: string, options: ConnectOptions][] = [
    ...["https://ada:secret@proxy.example/", "ada:secret@proxy.example:3128", "http://ada:s/ecret@proxy.example"].map(
      (proxy): [string, ConnectOptions] => ["ws://localhost/", { proxy }],
    ),
    ["ws://ada:secret@localhost/#x", {}],
  ];
  for (const [url, options] of calls) {
    const error = await assertRejects(() => connect(url, options));
    assertEquals(String(error).includes("ecret"), false, String(error));
  }
});

test("connect() with followRedirects out of its range is a RangeError", async () => {
  for (const followRedirects of [-1, 0.5, NaN]) {
    await assertRejects(() => connect("ws://localhost/", { followRedirects }), RangeError, "followRedirects");
  }
});

for (const name of ["unix", "proxy", "caCerts", "cert", "key", "followRedirects"] as const) {
  test(`connect() over a connection of the caller's own refuses ${name}, and leaves it untouched`, async () => {
    using listener = await listen();
    using raw = await (await import("../kit/tcp.ts")).dialRaw(listener.port);
    const conn = await listener.accept();
    const value = { unix: "/a", proxy: "http://a", caCerts: [], cert: PEM, key: PEM, followRedirects: 1 }[name];
    await assertRejects(() => connect("ws://localhost/", { conn, [name]: value }), TypeError, name);
    assertEquals(conn.readable.locked, false);
    const socket = connect("ws://localhost/", { conn });
    assertEquals(await raw.read(new Uint8Array(3)), 3);
    raw.close();
    await assertRejects(() => socket, HandshakeError);
  });
}

// ---- TLS

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
      assertEquals(error.failure, "tls-failed");
      listener.close(); // Bun finds it out before it connects
      await ended;
    });
  }
}

test("connect() to wss: takes an IP address that the certificate has", async () => {
  using listener = await listen({ tls: TLS });
  await hello(listener, `wss://127.0.0.1:${listener.port}/`, { caCerts: [CA] });
});

/** What a server reads that knows nothing of TLS and never answers, up to the end. */
async function everything(conn: RawConn): Promise<Uint8Array> {
  const bytes: number[] = [], buffer = new Uint8Array(1024);
  try {
    for (let count; (count = await conn.read(buffer)) !== null;) bytes.push(...buffer.subarray(0, count));
  } catch {
    // A reset ends it as well
  }
  return Uint8Array.from(bytes);
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
    assert(error.cause instanceof Error, `${error.cause}`);
    listener.close();
    assertEquals(await serving, "not opened");
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
  assertEquals(error.failure, "tls-failed");
  const bytes = await serving;
  assertEquals(bytes[0], 22, "a TLS handshake record (RFC 8446 §5.1)");
  assert(!new TextDecoder("latin1").decode(bytes).includes("GET / HTTP"));
});

// ---- our own certificate

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

// ---- a proxy

const CREDENTIALS: readonly [userinfo: string, fields: readonly string[]][] = [
  ["", []],
  ["ada:pa%3Ass@", [`Proxy-Authorization: Basic ${btoa("ada:pa:ss")}`]],
];
for (const [userinfo, fields] of CREDENTIALS) {
  for (const scheme of ["ws", "wss"] as const) {
    const who = userinfo ? "with a password" : "without one";
    test(`connect() to ${scheme}: through a proxy ${who} asks for a tunnel (RFC 9110 §9.3.6)`, async () => {
      using listener = await listen(scheme === "wss" ? { tls: TLS } : {});
      await using proxy = await startProxy(listener.port);
      const options = { proxy: `http://${userinfo}127.0.0.1:${proxy.port}`, caCerts: [CA] };
      const request = await hello(listener, `${scheme}://localhost:81/`, options);
      assertEquals(request.headers.get("host"), "localhost:81");
      assertEquals(request.headers.get("proxy-authorization"), null);
      const lines = ["CONNECT localhost:81 HTTP/1.1", "Host: localhost:81", ...fields];
      assertEquals(proxy.heads.map((head) => head.split("\r\n")), [lines]);
    });
  }
}

test("a proxy is used only when connect() is told of it, whatever the environment says", async () => {
  using listener = await listen();
  await using proxy = await startProxy(listener.port);
  const names = ["http_proxy", "https_proxy", "all_proxy"].flatMap((name) => [name, name.toUpperCase()]);
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`;
  try {
    await hello(listener, `ws://127.0.0.1:${listener.port}/`);
  } finally {
    for (const [i, name] of names.entries()) {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    }
  }
  assertEquals(proxy.heads, []);
});

test("an IPv6 address stands in brackets in what a proxy is asked (RFC 3986 §3.2.2)", async () => {
  using listener = await listen();
  await using proxy = await startProxy(listener.port);
  await hello(listener, "ws://[2001:db8::1]/", { proxy: new URL(`http://127.0.0.1:${proxy.port}`) });
  assertEquals(proxy.heads, ["CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80"]);
});

const REFUSALS: readonly [name: string, answer: string, status: number | undefined][] = [
  ["407", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", 407],
  ["502 with a body", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno!", 502],
  ["101", "HTTP/1.1 101 Switching Protocols\r\n\r\n", undefined],
  ["what is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", undefined],
];
for (const [name, answer, status] of REFUSALS) {
  test(`a proxy that answers with ${name} fails with proxy-refused (RFC 6455 §4.1 (4))`, async () => {
    await using proxy = await startProxy(undefined, { answer });
    const options = { proxy: `http://127.0.0.1:${proxy.port}` };
    const error = await assertRejects(() => connect("wss://localhost/", options), HandshakeError);
    assertEquals([error.failure, error.response?.status], ["proxy-refused", status]);
    if (status === 407) assertEquals(error.response?.headers.get("proxy-authenticate"), "Basic");
  });
}

test("a proxy that ends without an answer is a connection that was closed", async () => {
  await using proxy = await startProxy(undefined, { answer: "" });
  const options = { proxy: `http://127.0.0.1:${proxy.port}` };
  const error = await assertRejects(() => connect("ws://localhost/", options), HandshakeError);
  assertEquals(error.failure, "connection-closed");
});

test("what comes behind a proxy's answer is the beginning of the server's", async () => {
  using listener = await listen();
  await using proxy = await startProxy(listener.port, { behind: "HTTP/1.1 103 Early Hints\r\n\r\n" });
  await hello(listener, "ws://localhost/", { proxy: `http://127.0.0.1:${proxy.port}` });
});

test("a proxy that speaks in the tunnel before TLS is refused", async () => {
  using listener = await listen({ tls: TLS });
  await using proxy = await startProxy(listener.port, { behind: "HTTP/1.1 103 Early Hints\r\n\r\n" });
  const options = { proxy: `http://127.0.0.1:${proxy.port}`, caCerts: [CA] };
  const error = await assertRejects(() => connect("wss://localhost/", options), HandshakeError);
  assertEquals(error.failure, "proxy-refused");
});

// ---- patience

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
