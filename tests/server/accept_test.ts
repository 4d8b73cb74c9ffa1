import { assert, assertEquals, assertInstanceOf, assertRejects, assertStrictEquals } from "@std/assert";
import { accept, type AcceptOptions, offer } from "../../mod.ts";
import { fakeClock, type PairedConnection } from "../../src/testing.ts";
import { upgrade } from "../cases/requests_base.ts";
import { failureOf, pair } from "../kit/accepting.ts";
import { latin1, test } from "../kit/harness.ts";
import { countedSignal, settled } from "../kit/raw_peer.ts";

const text = (reply: string) => reply.split("\r\n\r\n")[1];
const statusOf = (reply: string) => Number(reply.slice(9, 12));

for (const conn of [undefined, null, {}, { readable: new ReadableStream() }, "connection"]) {
  test(`accept() of ${JSON.stringify(conn)} is a TypeError`, async () => {
    await assertRejects(() => accept(conn as unknown as PairedConnection), TypeError, "pair");
  });
}

test("accept() of a locked connection is a TypeError", async () => {
  const { conn } = pair();
  conn.readable.getReader();
  await assertRejects(() => accept(conn), TypeError, "locked");
});

test("accept() gives the request with its target, and the response that was sent", async () => {
  const { conn, peer } = pair();
  peer.write(upgrade({ "X-Who": "me", "Sec-WebSocket-Protocol": "a, b" }, "GET /chat?x=1 HTTP/1.1"));
  const seen: unknown[] = [];
  const accepted = await accept(conn, {
    protocols: (offered) => {
      seen.push(...offered);
      return "b";
    },
    headers: { "Set-Cookie": "c=d", "X-Ours": "1" },
  });
  const { request, response } = accepted;
  assertEquals([request.method, request.target, request.headers.get("x-who")], ["GET", "/chat?x=1", "me"]);
  assertEquals([response.status, response.headers.get("x-ours"), accepted.protocol], [101, "1", "b"]);
  assertEquals(seen, ["a", "b"]);
  await settled();
  const reply = peer.take();
  assert(/^Set-Cookie: c=d\r$/m.test(reply) && /^x-ours: 1\r$/mi.test(reply), reply);
  accepted.abort();
});

test("accept() gives both heads as they were sent, although it keeps only the text of the request's (RFC 6455 §4.2)", async () => {
  const { conn, peer } = pair();
  const offered = { "X-Who": "\xe9", "Sec-WebSocket-Protocol": "b", "Sec-WebSocket-Extensions": "permessage-deflate" };
  peer.write(upgrade(offered, "GET /chat?x=1 HTTP/1.1"));
  const accepted = await accept(conn, { protocols: "b", compression: true });
  await settled();
  const { request, response } = accepted, sent = peer.take().split("\r\n").slice(1, -2).map((line) => line.split(": "));
  assertEquals([request.target, request.url, request.headers.get("x-who")], [
    "/chat?x=1",
    "http://server.example.com/chat?x=1",
    "\xe9",
  ]);
  assertEquals(response.status, 101);
  assertEquals([...response.headers], sent.map(([name, value]) => [name!.toLowerCase(), value!]).sort());
  assertStrictEquals(accepted.request, request);
  assertStrictEquals(accepted.response, response);
  accepted.abort();
});

test("accept() gives the very request that authorize() has seen", async () => {
  const { conn, peer } = pair(), users = new WeakMap<object, string>();
  peer.write(upgrade());
  const accepted = await accept(conn, { authorize: (request) => void users.set(request, "ada") });
  assertEquals(users.get(accepted.request), "ada");
  accepted.abort();
});

test("accept() gives the very request that the function headers has seen", async () => {
  const { conn, peer } = pair(), seen: unknown[] = [];
  peer.write(upgrade());
  const accepted = await accept(conn, {
    headers: ({ headers }, request) => {
      headers.set("x-count", `${seen.push(request)}`);
    },
  });
  assertStrictEquals(accepted.request, seen[0]);
  assertEquals([accepted.response.headers.get("x-count"), accepted.response.headers.get("x-count")], ["1", "1"]);
  accepted.abort();
});

test("accept() of a Request gives the target of its url", async () => {
  const { conn, peer } = pair();
  const headers = Object.fromEntries(upgrade().split("\r\n").slice(1, -2).map((line) => line.split(": ", 2)));
  const request = new Request("http://server.example.com/a?b", { headers });
  const accepted = await accept(conn, { request });
  assertEquals(accepted.request.target, "/a?b");
  await settled();
  assertEquals(statusOf(peer.take()), 101);
  accepted.abort();
});

test("accept() with a signal that is already aborted closes the connection and reads nothing", async () => {
  const { conn, peer } = pair();
  peer.write(upgrade());
  const reason = new Error("mine");
  assertStrictEquals(await assertRejects(() => accept(conn, { signal: AbortSignal.abort(reason) })), reason);
  await settled();
  assertEquals([conn.isClosed, peer.take()], [true, ""]);
});

test("accept() of a request with a signal that is already aborted asks no policy, which would wait for the signal", async () => {
  const { conn, peer } = pair();
  const reason = new Error("mine"), { request } = offer("ws://localhost/");
  const authorize: AcceptOptions["authorize"] = (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const accepting = accept(conn, { request, authorize, signal: AbortSignal.abort(reason) });
  assertStrictEquals(await assertRejects(() => accepting), reason);
  await settled();
  assertEquals([conn.isClosed, peer.take()], [true, ""]);
});

const MOMENTS: readonly [name: string, written: string, options: AcceptOptions][] = [
  ["before a byte", "", {}],
  ["inside the head", "GET / HTTP/1.1\r\n", {}],
  ["inside authorize", upgrade(), { authorize: () => new Promise(() => {}) }],
];
for (const [name, written, options] of MOMENTS) {
  test(`accept() is given up by its signal ${name}`, async () => {
    const { conn, peer } = pair(), clock = fakeClock(), controller = new AbortController();
    peer.write(written);
    const accepting = accept(conn, { ...options, clock, signal: controller.signal });
    accepting.catch(() => {});
    await settled();
    const reason = new Error("mine");
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => accepting), reason);
    await settled();
    assertEquals([conn.isClosed, clock.pending, peer.take()], [true, 0, ""]);
  });
}

for (const [outcome, written] of [["success", upgrade()], ["a refusal", upgrade({ Upgrade: null })]] as const) {
  test(`accept() leaves no listener on its signal and no timer after ${outcome}`, async () => {
    const { conn, peer } = pair(), clock = fakeClock(), { signal, listeners } = countedSignal();
    peer.write(written);
    const result = await accept(conn, { signal, clock }).catch(() => undefined);
    assertEquals([listeners(), clock.pending, result !== undefined], [0, 0, outcome === "success"]);
    result?.abort();
  });
}

test("accept(): a signal that is aborted later does not touch the WebSocket", async () => {
  const { conn, peer } = pair(), controller = new AbortController();
  peer.write(upgrade());
  const accepted = await accept(conn, { signal: controller.signal });
  controller.abort();
  await settled();
  assertEquals(conn.isClosed, false);
  accepted.abort();
});

test("handshakeTimeout before a byte closes in silence", async () => {
  const { conn, peer } = pair(), clock = fakeClock();
  const failed = failureOf(accept(conn, { clock, handshakeTimeout: 5000 }));
  await clock.advance(4999);
  assertEquals(conn.isClosed, false);
  await clock.advance(1);
  const error = await failed;
  assertEquals([error.failure, error.response, peer.take()], ["handshake-timeout", undefined, ""]);
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});

test("handshakeTimeout counts from the call, not from each byte, and is answered with 408", async () => {
  const { conn, peer } = pair(), clock = fakeClock();
  const failed = failureOf(accept(conn, { clock }));
  for (const byte of upgrade().slice(0, 10)) {
    peer.write(byte);
    await clock.advance(1000);
  }
  const error = await failed;
  await settled();
  const reply = peer.take();
  assertEquals([error.failure, error.response?.status, statusOf(reply)], ["handshake-timeout", 408, 408]);
  assertEquals([clock.now(), conn.isClosed, clock.pending], [10_000, true, 0]);
  assertEquals([text(reply), error.response!.bodyUsed], ["The handshake did not finish in time\n", true]);
});

test("handshakeTimeout 0 waits as long as it takes", async () => {
  const { conn, peer } = pair(), clock = fakeClock();
  const accepting = accept(conn, { clock, handshakeTimeout: 0 });
  peer.write(upgrade().slice(0, 20));
  await clock.advance(1e9);
  peer.write(upgrade().slice(20));
  (await accepting).abort();
  assertEquals(clock.pending, 0);
});

test("Expect: 100-continue gets its 100 in front of the 101, and not in front of a refusal", async () => {
  for (const [changes, replies] of [[{}, [100, 101]], [{ "Sec-WebSocket-Key": "x" }, [400]]] as const) {
    const { conn, peer } = pair();
    peer.write(upgrade({ Expect: "100-continue", ...changes }));
    const accepted = await accept(conn).catch(() => undefined);
    await settled();
    const statuses = peer.take().match(/HTTP\/1\.1 \d+/g)!.map((start) => Number(start.slice(9)));
    assertEquals(statuses, [...replies]);
    accepted?.abort();
  }
});

test("accept() of a connection that was closed fails at once", async () => {
  const { conn, peer } = pair();
  peer.write(upgrade({ Upgrade: null }));
  await failureOf(accept(conn));
  const clock = fakeClock();
  const error = await failureOf(accept(conn, { clock, prefix: latin1("GET") }));
  assertEquals([error.failure, clock.pending], ["connection-closed", 0]);
  assertInstanceOf(error.cause, Error);
});
