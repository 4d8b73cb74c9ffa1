// What connect() refuses to dial with, and that nothing is dialled then.

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect, type ConnectOptions, HandshakeError } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { listen, listenRaw } from "../kit/tcp.ts";

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
  ["a proxy without a scheme", { proxy: "127.0.0.1:3128" }, /did you mean "http:\/\/127\.0\.0\.1:3128"\?/],
  ["a proxy of a name and a port", { proxy: "localhost:3128" }, /did you mean "http:\/\/localhost:3128"\?/],
  ["a proxy at port 0", { proxy: "http://127.0.0.1:0" }, /the proxy "http:\/\/127\.0\.0\.1:0": its port is 0/],
  [
    "a proxy's user name with a colon",
    { proxy: "http://a%3Ab:c@127.0.0.1" },
    /the proxy .*: its user name has a colon/,
  ],
  ["an https: proxy", { proxy: "https://127.0.0.1" }, /its scheme is "https:", only http: proxies are supported/],
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

test("a URL or a proxy that can't be used is named without its user and its password (RFC 9110 §4.2.4)", async () => {
  const proxies = [
    "https://ada:secret@h/",
    "ada:secret@h:3128",
    "http://ada:s/secret@h",
    "http://ada:secret%40h:99999",
    "http://ada:secret h",
    "http://ada:secret@h:0",
    "http://ada%3A:secret@h",
  ];
  const urls = ["ws://ada:secret@h/#x", "ws://ada:secret h/", "ada:secret@h", "ada:secret", "ws://ada%3A:secret@h/"];
  const calls = [
    ...proxies.map((proxy): [string, ConnectOptions] => ["ws://localhost/", { proxy }]),
    ...urls.map((url): [string, ConnectOptions] => [url, {}]),
  ];
  for (const [url, options] of calls) {
    const error = await assertRejects(() => connect(url, options)) as Error;
    assertEquals([error.name, /secret|ada/.test(String(error))], [options.proxy ? "TypeError" : "SyntaxError", false]);
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
