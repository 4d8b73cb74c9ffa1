// connect() through an HTTP proxy.

import { assertEquals, assertRejects } from "@std/assert";
import process from "node:process";
import { connect, HandshakeError } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { startProxy } from "../kit/proxies.ts";
import { listen } from "../kit/tcp.ts";
import { CA, hello, TLS } from "../kit/dialling.ts";

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

const ESTABLISHED: readonly (readonly [head: string, ...fields: string[]])[] = [
  ["HTTP/1.1 200 OK", "Content-Length: 0"],
  ["HTTP/1.1 200 OK", "Content-Length: 5"],
  ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"],
  ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 0"],
  ["HTTP/1.0 200 OK", "Transfer-Encoding: chunked"],
  ["HTTP/1.1 200 OK", "Content-Length: 0", "Content-Length: 0"],
  ["HTTP/1.1 200 OK", "Content-Length: -1"],
  ["HTTP/1.1 299 Whatever", "Content-Length: 5"],
];
for (const lines of ESTABLISHED) {
  test(`a tunnel is opened by ${JSON.stringify(lines.join("; "))}, which has no body (RFC 9110 §9.3.6)`, async () => {
    using listener = await listen();
    await using proxy = await startProxy(listener.port, { head: lines.join("\r\n") });
    await hello(listener, "ws://localhost/", { proxy: `http://127.0.0.1:${proxy.port}` });
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
