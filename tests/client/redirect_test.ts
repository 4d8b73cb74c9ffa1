// Redirects (RFC 9110 §15.4): where they lead by the rows, and what is sent there over sockets.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accept, type AcceptOptions, connect, type ConnectOptions, HandshakeError } from "../../mod.ts";
import { isRedirect, redirected } from "../../src/client/redirect.ts";
import { acceptValue } from "../../src/handshake/accept_value.ts";
import { fakeClock } from "../../src/testing.ts";
import { head } from "../cases/responses_base.ts";
import { latin1, test } from "../kit/harness.ts";
import { NEEDS_NODE, withMtls } from "../kit/mtls.ts";
import { startProxy } from "../kit/proxies.ts";
import { listen, type Listener, listenRaw, type RawConn } from "../kit/tcp.ts";
import { CA, everything, pem, TLS } from "../kit/dialling.ts";

const FROM = "https://ada:secret@here.example/a/b?c";
/** Rows: Location, and the URL to go to, or why not. */
const ROWS: readonly [location: string, to: string | RegExp, from?: string][] = [
  ["https://here.example/x?y", "https://ada:secret@here.example/x?y"],
  ["wss://here.example/x", "https://ada:secret@here.example/x"],
  ["/x", "https://ada:secret@here.example/x"],
  ["../x", "https://ada:secret@here.example/x"],
  ["?x", "https://ada:secret@here.example/a/b?x"],
  ["//there.example/x", "https://there.example/x"],
  ["https://here.example:443/", "https://ada:secret@here.example/"],
  ["https://here.example:444/", "https://here.example:444/"],
  ["https://HERE.example/", "https://ada:secret@here.example/"],
  ["https://here.example.evil/", "https://here.example.evil/"],
  ["/x#y", "https://ada:secret@here.example/x"],
  ["http://here.example/x", /it leads from wss: to ws:/],
  ["ws://here.example/x", /it leads from wss: to ws:/],
  ["https://there.example/", "https://there.example/", "http://here.example/"],
  ["http://there.example/", "http://there.example/", "http://here.example/"],
  ["https://eve:x@here.example/", /user information/],
  ["https://eve@there.example/", /user information/],
  ["ftp://here.example/", /not the URL of a WebSocket/],
  ["javascript:alert(1)", /not the URL of a WebSocket/],
  ["http://[::1/", /not the URL of a WebSocket/],
  ["", "https://ada:secret@here.example/a/b?c"],
  // Bytes that are UTF-8 stay the same bytes, percent-encoded; a character here is a byte
  ["/caf\xc3\xa9?\xc3\xbc", "https://ada:secret@here.example/caf%C3%A9?%C3%BC"],
  ["https://b\xc3\xbccher.example/", "https://xn--bcher-kva.example/"],
  ["/\xef\xbb\xbfx", "https://ada:secret@here.example/%EF%BB%BFx"],
  ["/caf\xe9", /"\/caf\xe9": its bytes are neither ASCII nor UTF-8/],
  ["/\xc0\xaf", /neither ASCII nor UTF-8/],
  ["/\xed\xa0\x80", /neither ASCII nor UTF-8/],
];
for (const [location, to, from = FROM] of ROWS) {
  test(`a redirect from ${new URL(from).protocol} with Location ${JSON.stringify(location)} is resolved`, () => {
    const next = redirected(new URL(from), { status: 302, headers: new Headers({ location }) });
    if (typeof to === "string") return assertEquals(next instanceof URL && next.href, to);
    assert("failure" in next);
    assertEquals(next.failure, "redirect-refused");
    assertMatch(next.detail, to);
    return;
  });
}

test("a redirect is a status of RFC 9110 §15.4 that has a Location", () => {
  const located = new Headers({ location: "/" });
  const found = [200, 300, 301, 302, 303, 304, 305, 307, 308, 401].filter((status) =>
    isRedirect({ status, headers: located })
  );
  assertEquals(found, [301, 302, 303, 307, 308]);
  assertEquals(isRedirect({ status: 302, headers: new Headers() }), false);
});

/** What a server was asked. */
interface Asked {
  readonly target: string;
  readonly fields: Readonly<Record<string, string | null>>;
}

/** The fields that are for one origin alone. */
const LOOKED_AT = ["host", "authorization", "cookie", "proxy-authorization", "x-own"];

/** Serves one connection after the other, as told by the path: `/to` leads to `location()`, any other is accepted. */
async function serve(listener: Listener<Parameters<typeof accept>[0]>, location: () => string): Promise<Asked[]> {
  const asked: Asked[] = [];
  const authorize: AcceptOptions["authorize"] = ({ url, headers }) => {
    const { pathname, search } = new URL(url);
    const fields = Object.fromEntries(LOOKED_AT.map((name) => [name, headers.get(name)]));
    asked.push({ target: pathname + search, fields });
    return pathname === "/to"
      ? new Response("Elsewhere", { status: 307, headers: { location: location() } })
      : undefined;
  };
  for await (const conn of listener) {
    const accepted = await accept(conn, { authorize }).catch((error) => error);
    if (accepted instanceof HandshakeError) continue;
    await accepted.receive(() => {});
    break;
  }
  return asked;
}

const HEADERS = {
  authorization: "Bearer 1",
  cookie: "a=b",
  "proxy-authorization": "Basic x",
  host: "own.example",
  "x-own": "1",
};
const KEPT = {
  authorization: "Bearer 1",
  cookie: "a=b",
  "proxy-authorization": "Basic x",
  host: "own.example",
  "x-own": "1",
};
const DECORATORS: readonly [name: string, headers: ConnectOptions["headers"]][] = [
  ["given as fields", HEADERS],
  ["set by a function", ({ headers }) => {
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  }],
];
for (const [name, headers] of DECORATORS) {
  test(`a redirect within an origin keeps what was ${name}`, async () => {
    using listener = await listen();
    const serving = serve(listener, () => "/there?x");
    const socket = await connect(`ws://127.0.0.1:${listener.port}/to`, { headers, followRedirects: 1 });
    assertEquals(socket.response.status, 101);
    await socket.close();
    const fields = KEPT;
    assertEquals(await serving, [{ target: "/to", fields }, { target: "/there?x", fields }]);
  });

  test(`a redirect to another origin gets no credentials and no Host that was ${name}, nor does the way back`, async () => {
    using first = await listen();
    using second = await listen();
    const isBack = { value: false };
    const one = serve(first, () => `ws://127.0.0.1:${second.port}/to`);
    const two = serve(second, () => (isBack.value = true, `ws://127.0.0.1:${first.port}/back`));
    const socket = await connect(`ws://127.0.0.1:${first.port}/to`, { headers, followRedirects: 2 });
    await socket.close();
    second.close();
    const own = typeof headers === "function" ? "1" : null; // a function was told where the request goes
    const stripped = { authorization: null, cookie: null, "proxy-authorization": null, "x-own": own };
    assertEquals(isBack.value, true);
    assertEquals(await two, [{ target: "/to", fields: { ...stripped, host: `127.0.0.1:${second.port}` } }]);
    assertEquals(await one, [
      { target: "/to", fields: KEPT },
      { target: "/back", fields: { ...stripped, host: `127.0.0.1:${first.port}` } },
    ]);
  });
}

for (const isCrossOrigin of [false, true]) {
  test(`user and password of the URL ${isCrossOrigin ? "stay behind at a redirect to another origin" : "are kept within the origin"}`, async () => {
    using first = await listen();
    using second = await listen();
    const target = isCrossOrigin ? second : first;
    const one = serve(first, () => `ws://127.0.0.1:${target.port}/there`), two = serve(second, () => "/");
    const socket = await connect(`ws://ada:pw@127.0.0.1:${first.port}/to`, { followRedirects: 1 });
    await socket.close();
    first.close();
    second.close();
    const all = [...await one, ...await two].map(({ target, fields }) => [target, fields.authorization]);
    assertEquals(all, [["/to", "Basic " + btoa("ada:pw")], [
      "/there",
      isCrossOrigin ? null : "Basic " + btoa("ada:pw"),
    ]]);
  });
}

test("a redirect to another origin gets subprotocols, and of given fields what a page may send to all (RFC 9110 §15.4)", async () => {
  using first = await listen();
  const origin = `http://127.0.0.1:${first.port}`;
  const headers = { "x-api-key": "secret", origin, "user-agent": "me", accept: "a/b" };
  const looked = [...Object.keys(headers), "sec-websocket-protocol"];
  using second = await listen();
  const serving = serve(first, () => `ws://127.0.0.1:${second.port}/`);
  const accepting = second.accept().then((conn) => accept(conn, { protocols: ["chat"] }));
  const url = `ws://127.0.0.1:${first.port}/to`;
  const socket = await connect(url, { headers, protocols: "chat", followRedirects: 1 });
  const accepted = await accepting;
  assertEquals(looked.map((name) => accepted.request.headers.get(name)), [null, null, "me", "a/b", "chat"]);
  socket.abort();
  accepted.abort();
  first.close();
  await serving;
});

/** Answers each connection with the next of some bytes, and leaves it open; gives what was asked, once all have ended. */
async function answerEach(
  listener: Listener<RawConn>,
  answers: readonly (string | ((request: string) => Promise<string>))[],
) {
  const asked: string[] = [], ending: Promise<unknown>[] = [];
  for (const answer of answers) {
    const conn = await listener.accept();
    const request = await readRequestHead(conn);
    asked.push(request.slice(0, request.indexOf(" HTTP")));
    const text = typeof answer === "string" ? answer : await answer(request);
    if (text !== "") await conn.write(latin1(text));
    ending.push(everything(conn).then(() => conn.close()));
  }
  await Promise.all(ending);
  return asked;
}

async function readRequestHead(conn: RawConn): Promise<string> {
  let head = "";
  const buffer = new Uint8Array(1024);
  for (let count; !head.includes("\r\n\r\n") && (count = await conn.read(buffer)) !== null;) {
    head += String.fromCharCode(...buffer.subarray(0, count));
  }
  return head;
}

/** A right answer to a request. */
async function upgraded(request: string): Promise<string> {
  const accept = await acceptValue(/Sec-WebSocket-Key: (\S+)/.exec(request)![1]!);
  return head("HTTP/1.1 101 x", { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": accept });
}

const BODIES: readonly [name: string, fields: Record<string, string>, body: string][] = [
  ["without a length", {}, "Else"],
  ["of chunks", { "Transfer-Encoding": "chunked" }, "4\r\nElse\r\n"],
  ["with a Content-Length", { "Content-Length": "9" }, "Else"],
  ["that is malformed", { "Transfer-Encoding": "chunked" }, "x\r\n"],
];
for (const [name, fields, body] of BODIES) {
  test(`a redirect is followed by its head, whatever its body is: one ${name} (RFC 9110 §15.4)`, async () => {
    using listener = await listenRaw();
    const answering = answerEach(listener, [
      head("HTTP/1.1 302 Found", { ...fields, Location: "/b" }) + body,
      upgraded,
    ]);
    const clock = fakeClock(); // which stands still: nothing waits for a time to be over
    const socket = await connect(`ws://127.0.0.1:${listener.port}/a`, { clock, followRedirects: 1 });
    socket.abort();
    assertEquals(await answering, ["GET /a", "GET /b"]);
  });

  test(`a redirect that is not followed is told like any refusal: with a body ${name}`, async () => {
    using listener = await listenRaw();
    const answering = answerEach(listener, [head("HTTP/1.1 302 Found", { ...fields, Location: "/b" }) + body]);
    const clock = fakeClock(), options = { clock, handshakeTimeout: 0, followRedirects: 0 };
    let isOver = false;
    const connecting = connect(`ws://127.0.0.1:${listener.port}/a`, options).finally(() => isOver = true);
    connecting.catch(() => {});
    while (!isOver) await clock.advance(1000);
    const error = await assertRejects(() => connecting, HandshakeError, 'Location is "/b", and followRedirects is 0');
    assertEquals([error.failure, error.response?.status, error.truncated], ["redirect-refused", 302, true]);
    assertEquals(await answering, ["GET /a"]);
  });
}

test("Location alone is read as UTF-8, and the path is asked for in the same bytes (RFC 9110 §10.2.2)", async () => {
  using listener = await listenRaw();
  const fields = { Location: "/caf\xc3\xa9", "X-Own": "caf\xc3\xa9", "Content-Length": "0" };
  const answering = answerEach(listener, [head("HTTP/1.1 302 Found", fields), head("HTTP/1.1 403 No", fields)]);
  const url = `ws://127.0.0.1:${listener.port}/a`;
  const { response } = await assertRejects(() => connect(url, { followRedirects: 1 }), HandshakeError);
  assertEquals(["location", "x-own"].map((name) => response!.headers.get(name)), ["/caf\xc3\xa9", "caf\xc3\xa9"]);
  assertEquals(await answering, ["GET /a", "GET /caf%C3%A9"]);
});

test("a failure behind a redirect has the redirect as its response", async () => {
  using closed = await listenRaw();
  const { port } = closed;
  closed.close();
  for (const [where, failure] of [[`ws://127.0.0.1:${port}/`, "dial-failed"], ["/b", "handshake-timeout"]] as const) {
    using listener = await listenRaw();
    const clock = fakeClock(), redirect = head("HTTP/1.1 302 Found", { Location: where, "Content-Length": "9" });
    const never = () => clock.advance(10_000).then(() => "");
    const answering = answerEach(listener, failure === "dial-failed" ? [redirect] : [redirect, never]);
    const connecting = connect(`ws://127.0.0.1:${listener.port}/a`, { clock, followRedirects: 1 });
    const error = await assertRejects(() => connecting, HandshakeError, "after a redirect to http://127.0.0.1:");
    assertEquals([error.failure, error.response?.status, error.truncated], [failure, 302, true]);
    await answering;
  }
});

test("redirects are not followed unless that was asked for, and then at most so many", async () => {
  for (
    const [followRedirects, failure, count] of [[undefined, "status-not-101", 1], [0, "redirect-refused", 1], [
      2,
      "redirect-refused",
      3,
    ]] as const
  ) {
    using listener = await listen();
    const serving = serve(listener, () => "/to");
    const url = `ws://127.0.0.1:${listener.port}/to`;
    const error = await assertRejects(() => connect(url, { followRedirects }), HandshakeError);
    assertEquals([error.failure, error.response?.status], [failure, 307]);
    assertEquals(error.response?.headers.get("location"), "/to");
    assertEquals(await error.response?.text(), "Elsewhere");
    listener.close();
    assertEquals((await serving).length, count);
  }
});

test("a redirect from wss: to ws: is refused, and nobody is asked there", async () => {
  using secure = await listen({ tls: TLS });
  using plain = await listen();
  const one = serve(secure, () => `ws://localhost:${plain.port}/`), two = serve(plain, () => "/");
  const options = { caCerts: [CA], followRedirects: 3 };
  const error = await assertRejects(() => connect(`wss://localhost:${secure.port}/to`, options), HandshakeError);
  assertEquals([error.failure, error.section], ["redirect-refused", "RFC 9110 §15.4"]);
  secure.close();
  plain.close();
  assertEquals([(await one).length, (await two).length], [1, 0]);
});

test("a redirect to another origin does not get the client's certificate", NEEDS_NODE, () =>
  withMtls(async (port) => {
    using listener = await listen({ tls: TLS });
    const serving = serve(listener, () => `wss://localhost:${port}/`);
    const options = { caCerts: [CA], cert: pem("client"), key: pem("client.key") };
    const url = `wss://localhost:${listener.port}/to`;
    const error = await assertRejects(() => connect(url, { ...options, followRedirects: 1 }), HandshakeError);
    assert(["tls-failed", "connection-closed"].includes(error.failure), error.failure);
    listener.close();
    assertEquals((await serving).length, 1);
    const socket = await connect(`wss://localhost:${port}/`, options);
    await socket.close();
  }));

test("a redirect from a unix socket is followed within its origin alone", async () => {
  for (const [location, opens] of [["/there", true], ["ws://elsewhere.example/", false]] as const) {
    const directory = mkdtempSync(join(tmpdir(), "handfast-")), unix = join(directory, "socket");
    using listener = await listen({ unix });
    const serving = serve(listener, () => location);
    const outcome = await connect("ws://here.example/to", { unix, followRedirects: 1 }).catch((error) => error);
    if (opens) await outcome.close();
    else assertEquals([outcome.failure, outcome.response?.status], ["redirect-refused", 307]);
    listener.close();
    assertEquals((await serving).length, opens ? 2 : 1);
    rmSync(directory, { recursive: true });
  }
});

test("a redirect is followed through the same proxy", async () => {
  using listener = await listen();
  const serving = serve(listener, () => "ws://elsewhere.example/there");
  await using proxy = await startProxy(listener.port);
  const options = { proxy: `http://127.0.0.1:${proxy.port}`, followRedirects: 1 };
  const socket = await connect("ws://here.example/to", options);
  await socket.close();
  assertEquals(proxy.heads.map((head) => head.split(" ")[1]), ["here.example:80", "elsewhere.example:80"]);
  assertEquals((await serving).length, 2);
});
