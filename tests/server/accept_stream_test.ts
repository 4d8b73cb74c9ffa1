import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { accept, type AcceptOptions, attach, HandshakeError } from "../../mod.ts";
import { fakeClock } from "../../src/testing.ts";
import { handshakeFailures } from "../../src/errors/failures.ts";
import { connectFields, connects } from "../cases/connects.ts";
import { test } from "../kit/harness.ts";
import { acceptingHttp2, bodyOn, connectionOf, headOn, Http2Client, listenHttp2 } from "../kit/http2.ts";

const pem = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../kit/tls/${name}.pem`, import.meta.url).href), "utf8");
const CA = pem("ca"), TLS = { cert: pem("localhost"), key: pem("localhost.key") };

const accepting = (options?: Options, tls?: typeof TLS) => acceptingHttp2(options, tls && { ...tls, ca: CA });

type Options = AcceptOptions;

for (const row of connects) {
  if (!row.isSendable) continue;
  test(`accept() on a stream ${row.name}`, async () => {
    await using at = await accepting({ closeTimeout: 100 });
    const stream = at.client.request(row.fields);
    const { status, headers } = await headOn(stream);
    assertEquals(status, row.status);
    for (const [name, value] of Object.entries(row.answered ?? {})) {
      assertEquals(headers[name.toLowerCase()] ?? null, value, name);
    }
    if (row.expect === "upgrade") {
      const accepted = await at.outcome();
      if ((accepted as unknown) instanceof Error) throw accepted;
      assertEquals(accepted.response.status, 200);
      if (row.url !== undefined) assertEquals(accepted.request.url, row.url);
      return accepted.abort();
    }
    stream.end();
    assertEquals(await bodyOn(stream), handshakeFailures[row.expect].sentence + "\n");
    const error = await at.outcome();
    assertEquals([error.failure, error.response?.status], [row.expect, row.status]);
  });
}

for (const [name, tls] of [["h2c", undefined], ["TLS", TLS]] as const) {
  test(`accept() opens a WebSocket on a stream over ${name} (RFC 8441 §5)`, async () => {
    const options = { protocols: ["chat"], compression: true, headers: { "set-cookie": "a=1", server: "me" } };
    await using at = await accepting(options, tls);
    const stream = at.client.request(connectFields({
      "sec-websocket-protocol": "chat",
      "sec-websocket-extensions": "permessage-deflate",
      ":authority": "localhost",
    }));
    const { status, headers } = await headOn(stream);
    assertEquals(status, 200);
    assertEquals([headers["sec-websocket-protocol"], headers["server"]], ["chat", "me"]);
    assertEquals(headers["set-cookie"], ["a=1"]);
    const accepted = await at.outcome();
    assertEquals([accepted.protocol, accepted.extensions], ["chat", "permessage-deflate"]);
    assertEquals([accepted.request.method, accepted.request.target], ["CONNECT", "/chat"]);
    assertEquals(accepted.remoteAddr?.transport, "tcp");
    const { protocol, extensions, deflate } = accepted;
    const client = attach(connectionOf(stream), { role: "client", protocol, extensions, deflate: deflate! });
    accepted.receive((message) => accepted.send(message)).catch(() => {});
    const reader = client.readable.getReader();
    for (const message of ["Hello", Uint8Array.of(1, 2, 3), "x".repeat(2 ** 20)]) {
      client.send(message);
      assertEquals((await reader.read()).value, message);
    }
    assertEquals((await client.close({ closeCode: 3000, reason: "done" })).closeCode, 3000);
    assertEquals(await accepted.closed, { closeCode: 3000, reason: "done" });
  });
}

test("accept() on a stream asks the policy, and sends its response with its body", async () => {
  const seen: unknown[] = [];
  const body = "Who are you? ".repeat(20_000);
  const authorize: NonNullable<Options>["authorize"] = (request, { remoteAddr, signal }) => {
    seen.push(request.method, request.protocol, remoteAddr?.transport, signal.aborted);
    const headers = { "www-authenticate": "Basic", connection: "close", "keep-alive": "5" };
    return new Response(body, { status: 401, headers });
  };
  await using at = await accepting({ authorize });
  const stream = at.client.request(connectFields());
  const { status, headers } = await headOn(stream);
  stream.end();
  assertEquals([status, headers["www-authenticate"], headers["connection"]], [401, "Basic", undefined]);
  assertEquals(await bodyOn(stream), body);
  assertEquals((await at.outcome()).failure, "unauthorized");
  assertEquals(seen, ["CONNECT", "websocket", "tcp", false]);
});

test("accept() on a stream leaves out fields of another connection (RFC 9113 §8.2.2)", async () => {
  const given = { te: "gzip", "http2-settings": "x", "keep-alive": "5", "x-a": "b" };
  await using at = await accepting({ headers: given });
  const { status, headers } = await headOn(at.client.request(connectFields()));
  assertEquals([status, headers["x-a"], Object.keys(given).filter((name) => name in headers)], [200, "b", ["x-a"]]);
  (await at.outcome()).abort();
});

test("accept() on a stream answers 500 for a policy that throws, and rejects with its error", async () => {
  const error = new Error("The database is away");
  await using at = await accepting({ authorize: () => Promise.reject(error) });
  const stream = at.client.request(connectFields());
  assertEquals((await headOn(stream)).status, 500);
  stream.end();
  stream.resume();
  assertStrictEquals(await at.outcome(), error as never);
});

test("accept() on a stream answers 408 when a policy takes too long (RFC 9110 §15.5.9)", async () => {
  const clock = fakeClock(), asked = Promise.withResolvers<AbortSignal>();
  const authorize: NonNullable<Options>["authorize"] = (_, { signal }) => {
    asked.resolve(signal);
    return new Promise(() => {});
  };
  await using at = await accepting({ authorize, clock, handshakeTimeout: 1000 });
  const stream = at.client.request(connectFields());
  const signal = await asked.promise;
  await clock.advance(1000);
  assertEquals([(await headOn(stream)).status, signal.aborted], [408, true]);
  stream.end();
  stream.resume();
  assertEquals((await at.outcome()).failure, "handshake-timeout");
});

test("accept() on a stream rejects when it is reset while a policy decides, and tells the policy", async () => {
  const asked = Promise.withResolvers<AbortSignal>(), gone = Promise.withResolvers<void>();
  const authorize: NonNullable<Options>["authorize"] = async (_, { signal }) => {
    signal.addEventListener("abort", () => gone.resolve());
    asked.resolve(signal);
    await gone.promise;
    return undefined;
  };
  await using at = await accepting({ authorize });
  const stream = at.client.request(connectFields());
  await asked.promise;
  stream.close(8);
  const error = await at.outcome();
  assertEquals([error instanceof HandshakeError, error.failure], [true, "connection-closed"]);
  await gone.promise;
});

test("accept() on a stream stops when its signal aborts, and resets it (RFC 8441 §5)", async () => {
  const leaving = new AbortController(), asked = Promise.withResolvers<void>();
  const authorize = () => {
    asked.resolve();
    return new Promise<undefined>(() => {});
  };
  await using at = await accepting({ authorize, signal: leaving.signal });
  const stream = at.client.request(connectFields());
  const closed = new Promise((resolve) => stream.on("close", () => resolve(stream.rstCode)));
  stream.resume();
  await asked.promise;
  const reason = new Error("We go");
  leaving.abort(reason);
  assertStrictEquals(await at.outcome(), reason as never);
  assertEquals(await closed, 8);
});

test("accept() on a stream refuses a head that is too large (RFC 6585 §5)", async () => {
  await using at = await accepting({ maxHeadSize: 500 });
  const stream = at.client.request(connectFields({ x: "a".repeat(500) }));
  assertEquals((await headOn(stream)).status, 431);
  stream.end();
  stream.resume();
  assertEquals((await at.outcome()).failure, "head-too-large");
});

test("accept() on a stream keeps what came while a policy decided", async () => {
  const go = Promise.withResolvers<undefined>();
  await using at = await accepting({ authorize: () => go.promise });
  const stream = at.client.request(connectFields());
  await new Promise<void>((resolve) =>
    void stream.write(Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x48, 0x69), () => resolve())
  );
  await new Promise<void>((resolve) => at.client.session.ping(() => resolve())); // the server has read it
  go.resolve(undefined);
  const accepted = await at.outcome();
  assertEquals((await accepted.readable.getReader().read()).value, "Hi");
  accepted.abort();
});

test("accept() on a stream takes neither a prefix nor a request", async () => {
  for (const options of [{ prefix: new Uint8Array() }, { request: new Request("http://h/") }]) {
    const server = await listenHttp2(async (conn) => {
      done.resolve(await assertRejects(() => accept(conn, options), TypeError, "Cannot use the option"));
      await accept(conn).catch(() => {}); // it was left untouched
    });
    const done = Promise.withResolvers<unknown>();
    const client = await Http2Client.open(server.port);
    const stream = client.request(connectFields());
    await done.promise;
    assertEquals((await headOn(stream)).status, 200);
    client[Symbol.dispose]();
    await server[Symbol.asyncDispose]();
  }
});
