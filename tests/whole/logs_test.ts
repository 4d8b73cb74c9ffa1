// Nothing secret is in what console.log() prints of an error or of a WebSocket (CWE-532): no credential of a header field
// and no query of a URL, on either side, whoever has read the request.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { accept, answer, connect, type ConnectOptions, HandshakeError, offer, readRequest, serve } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { serving } from "../kit/serving.ts";
import { shown } from "../kit/shown.ts";

/** Not as it stands here: Bun shows the source of an error as well. */
const SECRET = "s3cret".toUpperCase();

const URL_WITH_SECRETS = `ws://ada:${SECRET}@localhost/chat?token=${SECRET}`;
const HEADERS = { cookie: `sid=${SECRET}`, "x-api-key": `${SECRET}`, "proxy-authorization": `Basic ${SECRET}` };

/** What must not be printed: the secret as it is, and as Basic authentication has it (RFC 7617 §2). */
const SECRETS = [SECRET, btoa(`ada:${SECRET}`)];

/** An error or a WebSocket as it is printed: alone, as a cause, and among others. */
function assertSilent(value: unknown): void {
  for (const logged of [value, new Error("above", { cause: value }), [{ value }]]) {
    const printed = shown(logged);
    assert(!SECRETS.some((secret) => printed.includes(secret)), printed);
  }
}

const failure = (error: unknown) => (assert(error instanceof HandshakeError, shown(error)), error);
const refuse = () => new Response(`${SECRET}`, { status: 403, headers: { "set-cookie": `sid=${SECRET}` } });

test("an error of either end of a refused handshake shows no credentials", async () => {
  const [conn, server] = connectionPair();
  const accepting = accept(server, { authorize: refuse }).catch(failure);
  const connecting = connect(URL_WITH_SECRETS, { conn, headers: HEADERS }).catch(failure);
  for (const error of await Promise.all([accepting, connecting]) as HandshakeError[]) {
    assertSilent(error);
    assertEquals([error.response?.status, error.request?.headers.get("cookie")], [403, `sid=${SECRET}`]);
    assert(shown(error).includes(error.failure), "the failure is shown");
  }
});

test("an error of a request that was read before, or is only judged, shows no credentials", async () => {
  const [conn, server] = connectionPair();
  const connecting = connect(URL_WITH_SECRETS, { conn, headers: HEADERS }).catch(failure);
  const { request, rest: prefix } = (await readRequest(server))!;
  assertSilent(await accept(server, { request, prefix, authorize: refuse }).catch(failure));
  assertSilent(await connecting);
  const offered = offer(URL_WITH_SECRETS, { headers: HEADERS }).request;
  assertSilent((await answer(offered, { authorize: refuse })).error);
});

test("what serve() tells of, and prints by itself, shows no credentials", async () => {
  const printed: unknown[] = [], { error } = console;
  const servers = [await serving({ socket: fail, http: fail }), await serve({ port: 0 }, { socket: fail, http: fail })];
  console.error = (...args) => void printed.push(...args);
  try {
    for (const server of servers) {
      const url = `${server.url}chat?token=${SECRET}`;
      await (await fetch(url, { headers: { ...HEADERS, connection: "close" } })).text();
      await assertRejects(
        () => connect(url, { headers: { ...HEADERS, origin: "http://evil.example" } }),
        HandshakeError,
      );
      await (await connect(url.replace("//", `//ada:${SECRET}@`), { headers: HEADERS })).closed;
      await server.shutdown();
    }
  } finally {
    console.error = error;
  }
  const [{ told }] = servers as [Awaited<ReturnType<typeof serving>>];
  assertEquals([told.map(({ context }) => context.kind), printed.length > 0], [["http", "peer", "socket"], true]);
  for (const { error } of told) assertSilent(error);
  for (const value of printed) assertSilent(value);
});

function fail(): never {
  throw new Error("A mistake of the application");
}

const UNUSABLE: readonly [url: string, options?: ConnectOptions][] = [
  [`ws://ada:${SECRET}@h/#x`],
  [`foo://ada:${SECRET}@h/`],
  [`ws://ada:${SECRET} h/`],
  [`ws://a:d:a:${SECRET}@`],
  [`ws://ada:${SECRET}@h:99999/`],
  [`ada:${SECRET}@h`],
  [`ws://h:99999/?token=${SECRET}`],
  ["ws://127.0.0.1:9/", { proxy: `ftp://ada:${SECRET}@h/` }],
  ["ws://127.0.0.1:9/", { proxy: `http://ada:${SECRET}@h/path` }],
  ["ws://127.0.0.1:9/", { proxy: `ada:${SECRET}@h:80` }],
  ["ws://127.0.0.1:9/", { proxy: `http://ada:${SECRET}%40h:99999` }],
  ["ws://127.0.0.1:9/", { proxy: `http://ada:${SECRET} h` }],
  ["ws://h/", { headers: { authorization: `Basic ${SECRET}\n\0` } }],
  [URL_WITH_SECRETS.replace("localhost", "127.0.0.1:1"), { headers: HEADERS }],
  ["ws://127.0.0.1:9/", { proxy: `http://ada:${SECRET}@127.0.0.1:1/` }],
];
for (const [url, options] of UNUSABLE) {
  test(`connect(${JSON.stringify(url)}) with ${JSON.stringify(options ?? {})} fails without showing it`, async () => {
    const error = await connect(url, options).catch((error: unknown) => error);
    assert(error instanceof Error || error instanceof DOMException, shown(error));
    assertSilent(error);
  });
}

test("a WebSocket shows how it is, and no credentials", async () => {
  const [conn, server] = connectionPair();
  const opening = connect(URL_WITH_SECRETS, { conn, headers: HEADERS, protocols: "chat" });
  const accepted = await accept(server, { protocols: "chat" }), socket = await opening;
  for (const end of [accepted, socket]) {
    assertSilent(end);
    const printed = shown(end);
    for (const part of ["open", "chat"]) assert(printed.includes(part), printed);
    end.abort();
  }
});
