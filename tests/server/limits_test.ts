// Whom a server takes, over sockets: what is over a limit is told so whole, and what comes after it is gone is taken again.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { connect, HandshakeError, type ServeHandlers } from "../../mod.ts";
import type { Place } from "../../src/server/limits.ts";
import { checkServeOptions } from "../../src/server/serve_options.ts";
import { Serving } from "../../src/server/serving.ts";
import { fakeClock } from "../../src/testing.ts";
import { MemoryTransport } from "../../src/testing/memory_transport.ts";
import { latin1, test } from "../kit/harness.ts";
import { echo, HandClient, pem, type Reply, request, serving, socketsSettled, UPGRADE_FIELDS } from "../kit/serving.ts";
import { dialRaw, type RawConn } from "../kit/tcp.ts";

const page: ServeHandlers = { socket: echo, http: () => new Response("A page") };

/** Opens a WebSocket by hand, or gets why not. It stays connected. */
async function upgrade(port: number, fields: Record<string, string> = {}): Promise<[Reply, HandClient]> {
  const client = await HandClient.open(port);
  await client.write(request("/", { ...UPGRADE_FIELDS, ...fields }));
  return [await client.reply(), client];
}

/** Closes from outside, and waits until the server has seen it. */
async function leave(server: { readonly connections: { readonly size: number } }, client: HandClient): Promise<void> {
  const { size } = server.connections;
  client.conn.reset();
  while (server.connections.size === size) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** What was told: the failures, all of them of peers. */
function failures({ told }: Awaited<ReturnType<typeof serving>>): string[] {
  return told.map(({ error, context }) => {
    assertEquals(context.kind, "peer");
    return (error as HandshakeError).failure;
  });
}

for (const [kind, handlers] of [["with", page], ["without", echo]] as const) {
  test(`maxConnections ${kind} a handler http: one more gets a 503, and is let in once another has left`, async () => {
    const server = await serving(handlers, { maxConnections: 2, retryAfter: 12_345 });
    const [[, one], [, two]] = [await upgrade(server.port), await upgrade(server.port)];
    for (let i = 0; i < 3; i++) {
      const [{ status, headers, body }, refused] = await upgrade(server.port);
      assertEquals([status, headers.get("retry-after"), headers.get("connection")], [503, "13", "close"]);
      assertEquals([body, await refused.rest()], ["The server has as many connections as it takes\n", ""]);
      refused[Symbol.dispose]();
    }
    await leave(server, one);
    const [{ status }, three] = await upgrade(server.port);
    assertEquals([status, server.connections.size], [101, 2]);
    for (const client of [two, three]) client[Symbol.dispose]();
    await server.shutdown();
    assertEquals(
      failures(server).filter((failure) => failure !== "connection-lost"),
      Array(3).fill("too-many-connections"),
    );
    assertInstanceOf(server.told[0]?.error, HandshakeError);
    assertEquals(server.told[0]?.context.remoteAddr?.transport, "tcp");
  });
}

test("a full server still answers plain HTTP, also on the connection of a refused upgrade's client", async () => {
  await using server = await serving(page, { maxConnections: 1 });
  const [, member] = await upgrade(server.port);
  using client = await HandClient.open(server.port);
  await client.write(request("/"));
  assertEquals((await client.reply()).body, "A page");
  await client.write(request("/", UPGRADE_FIELDS));
  assertEquals((await client.reply()).status, 503);
  member[Symbol.dispose]();
  client[Symbol.dispose]();
});

test("maxConnections is exact, however many handshakes are under way, and one that is refused gives its place back", async () => {
  const asked: PromiseWithResolvers<Response | undefined>[] = [], all = Promise.withResolvers<void>();
  const server = await serving(echo, {
    maxConnections: 3,
    authorize: () => {
      const deciding = Promise.withResolvers<Response | undefined>();
      if (asked.push(deciding) === 3) all.resolve();
      return deciding.promise;
    },
  });
  const clients = Array.from({ length: 3 }, () => upgrade(server.port));
  await all.promise;
  const [{ status }, fourth] = await upgrade(server.port);
  assertEquals([status, asked.length, server.connections.size], [503, 3, 0]);
  asked[0]!.resolve(new Response("No", { status: 403 }));
  asked[1]!.reject(new Error("no policy"));
  asked[2]!.resolve(undefined);
  const results = await Promise.all(clients);
  assertEquals(results.map(([{ status }]) => status).sort(), [101, 403, 500]);
  for (let i = 3; i < 5; i++) {
    const opening = upgrade(server.port);
    while (asked.length === i) await new Promise((resolve) => setTimeout(resolve, 1));
    asked[i]!.resolve(undefined);
    results.push(await opening);
  }
  assertEquals(server.connections.size, 3);
  const [last, fifth] = await upgrade(server.port);
  assertEquals(last.status, 503);
  for (const client of [fourth, fifth, ...results.map(([, client]) => client)]) client[Symbol.dispose]();
  await server.shutdown();
});

test("maxPendingHandshakes counts what is no WebSocket: silent clients, plain HTTP, and those that are being judged", async () => {
  const asked = Promise.withResolvers<void>(), decided = Promise.withResolvers<undefined>();
  const server = await serving(page, {
    maxPendingHandshakes: 3,
    authorize: ({ url }) => url.endsWith("/slow") ? (asked.resolve(), decided.promise) : undefined,
  });
  const silent = await HandClient.open(server.port);
  const kept = await HandClient.open(server.port);
  await kept.write(request("/"));
  await kept.reply();
  const judged = await HandClient.open(server.port);
  await judged.write(request("/slow", UPGRADE_FIELDS));
  await asked.promise;
  const refused = await HandClient.open(server.port);
  await refused.write("G"); // it has not asked for anything yet
  const all = await refused.rest();
  assert(all.startsWith("HTTP/1.1 503 Service Unavailable\r\n"), all);
  assert(/^Retry-After: 5\r$/m.test(all) && /^Date: .* GMT\r$/m.test(all), all);
  decided.resolve(undefined);
  assertEquals((await judged.reply()).status, 101); // it counts no more
  const [{ status }, another] = await upgrade(server.port);
  assertEquals([status, server.connections.size], [101, 2]);
  for (const client of [silent, kept, judged, refused, another]) client[Symbol.dispose]();
  await server.shutdown();
  assertEquals(failures(server).filter((failure) => failure !== "connection-lost"), ["too-many-connections"]);
});

test("maxPendingHandshakes counts a client down once that is gone before its WebSocket is open", async () => {
  const checked = checkServeOptions({ port: 0, maxPendingHandshakes: 1, onError() {} }, echo);
  const serving = new Serving(checked);
  for (let i = 0; i < 3; i++) {
    const { here, there } = memoryPair();
    const gone = Promise.withResolvers<void>();
    here.start({
      onData: () => (here.reset(), gone.resolve()), // as it gets the 101
      onEnd() {},
      onDrained() {},
      onLost() {},
    });
    here.resume();
    serving.add(there);
    here.write(new TextEncoder().encode(request("/", UPGRADE_FIELDS)) as Uint8Array<ArrayBuffer>);
    await gone.promise;
    await socketsSettled();
  }
  const places = [place(), place()];
  const [first, second] = places.map((place) => serving.limits.enter(place, memoryPair().there)?.failure);
  assertEquals([first, second], [undefined, "too-many-connections"]);
  for (let i = 0; i < 2; i++) serving.limits.leave(places[0]!); // and once for all
  assertEquals(serving.limits.enter(places[1]!, memoryPair().there), undefined);
  assertEquals(serving.limits.enter(place(), memoryPair().there)?.failure, "too-many-connections");
});

/** Both ends of a connection in memory, one of which breaks off at will. */
function memoryPair() {
  const how = { chunkSize: Infinity, highWaterMark: 65_536, delay: 0, clock: undefined, fault: undefined };
  const here = new MemoryTransport(how), there = new MemoryTransport(how);
  here.join(there);
  return { here, there };
}

/** A connection that nothing is known of yet. */
function place(): Place {
  return { key: undefined, isReserved: false, isPending: false };
}

test("maxConnectionsPerAddress counts each address for itself, IPv4 in IPv6 as well, until its connections are closed", async () => {
  const server = await serving(page, { maxConnectionsPerAddress: 2, hostname: "::" });
  const urls = [`http://[::1]:${server.port}/`, `http://127.0.0.1:${server.port}/`];
  for (const url of urls) {
    const plain = await fetch(url, { headers: { connection: "close" } });
    assertEquals(await plain.text(), "A page");
    const one = await connectSoon(url), two = await connectSoon(url);
    const { response }: HandshakeError = await connect(url).catch((error) => error);
    assertEquals([response?.status, response?.headers.get("retry-after")], [429, "5"]);
    assertEquals(await response?.text(), "Too many connections come from this client\n");
    await one.close();
    await (await connectSoon(url)).close();
    await two.close();
  }
  await server.shutdown();
  assert(failures(server).every((failure) => failure === "too-many-requests"));
});

/** Connects; a connection that was closed a moment ago may still be counted. */
async function connectSoon(url: string) {
  for (;;) {
    try {
      return await connect(url);
    } catch (error) {
      if ((error as HandshakeError).response?.status !== 429) throw error;
    }
  }
}

test("maxConnectionsPerMinute lets an address open so many at once, and says when the next one may come", async () => {
  const clock = fakeClock();
  const server = await serving(echo, { maxConnectionsPerMinute: 3, clock });
  for (let i = 0; i < 3; i++) {
    const [{ status }, client] = await upgrade(server.port);
    assertEquals(status, 101);
    await leave(server, client);
  }
  for (const [wait, says] of [[0, "20"], [15_000, "5"]] as const) {
    await clock.advance(wait);
    const [{ status, headers, body }, client] = await upgrade(server.port);
    assertEquals([status, headers.get("retry-after")], [429, says]);
    assertEquals([body, await client.rest()], ["Too many connections come from this client\n", ""]);
    client[Symbol.dispose]();
  }
  await clock.advance(5000);
  const [{ status }, client] = await upgrade(server.port);
  assertEquals(status, 101);
  await leave(server, client);
  const finished = server.shutdown();
  await clock.advance(20_000);
  await finished;
});

test("limitBy counts by what the proxy says, WebSockets alone, and each once", async () => {
  const server = await serving(page, {
    maxConnectionsPerAddress: 1,
    keepAlive: true,
    limitBy: ({ headers }, { remoteAddr }) => {
      assertEquals(remoteAddr?.transport, "tcp");
      return headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
    },
    authorize: ({ headers }) => headers.get("x-no") ? new Response("No", { status: 403 }) : undefined,
  });
  const by = (address: string, more = {}) =>
    upgrade(server.port, { "X-Forwarded-For": `1.1.1.1, ${address}`, ...more });
  const [first, one] = await by("192.0.2.1");
  const [second, two] = await by("192.0.2.1");
  const [third, three] = await by("2001:db8::1");
  const [fourth, four] = await by("2001:db8::2");
  const [fifth, five] = await by("192.0.2.5", { "x-no": "1" });
  assertEquals([first, second, third, fourth, fifth].map(({ status }) => status), [101, 429, 101, 429, 403]);
  for (const withPort of ["192.0.2.1:4711", "[2001:db8::3]:4711"]) { // as some proxies tell it
    const [{ status }, client] = await by(withPort);
    assertEquals(status, 429);
    client[Symbol.dispose]();
  }
  assertEquals(second.headers.get("retry-after"), "5");
  await five.write(request("/", { ...UPGRADE_FIELDS, "X-Forwarded-For": "192.0.2.5" })); // the refused one is not counted
  assertEquals((await five.reply()).status, 101);
  for (let i = 0; i < 3; i++) {
    const [{ status }, client] = await upgrade(server.port); // without the field there is no limit
    assertEquals(status, 101);
    client[Symbol.dispose]();
  }
  await leave(server, one);
  const [again, six] = await by("192.0.2.1");
  assertEquals(again.status, 101);
  for (const client of [two, three, four, five, six]) client[Symbol.dispose]();
  await server.shutdown();
});

test("a WebSocket has the very request that limitBy has seen", async () => {
  const seen: unknown[] = [], requests: unknown[] = [];
  const server = await serving({ socket: (socket) => void requests.push(socket.request) }, {
    maxConnectionsPerAddress: 1,
    limitBy: (request) => void seen.push(request),
  });
  const [{ status }, client] = await upgrade(server.port);
  assertEquals([status, requests.length, requests[0] === seen[0]], [101, 1, true]);
  client[Symbol.dispose]();
  await server.shutdown();
});

test("a limitBy that fails, or gives no string, is told of as the server's, and the client gets a 500", async () => {
  for (const [limitBy, says] of [[() => 7, '"7"'], [() => JSON.parse("{"), "JSON"]] as const) {
    const server = await serving(echo, { maxConnectionsPerAddress: 1, limitBy: limitBy as () => string });
    const [{ status }, client] = await upgrade(server.port);
    assertEquals(status, 500);
    client[Symbol.dispose]();
    await server.shutdown();
    assertEquals(server.told.map(({ context }) => context.kind), ["handshake"]);
    assert((server.told[0]!.error as Error).message.includes(says), `${server.told[0]!.error}`);
  }
});

test("who is turned away gets the whole response, also when it sends much more than its request, and over TLS", async () => {
  const [cert, key, ca] = await Promise.all([pem("localhost"), pem("localhost.key"), pem("ca")]);
  const large = new TextEncoder().encode(request("/", { ...UPGRADE_FIELDS, Cookie: "a".repeat(1_000_000) }));
  for (const tls of [undefined, { cert, key }]) {
    const server = await serving(echo, { maxConnections: 1, clock: fakeClock(), ...tls }); // a slow machine is in time
    const dial = async () => new HandClient(await dialRaw(server.port, tls && { ca }));
    using member = await dial();
    await member.write(request("/", UPGRADE_FIELDS));
    assertEquals((await member.reply()).status, 101);
    for (let i = 0; i < 20; i++) {
      using client = await dial();
      const sending = client.write(large).catch(() => {});
      const { status } = await client.reply();
      assertEquals([status, await client.rest()], [503, ""]);
      await sending;
      await client.conn.closeWrite().catch(() => {});
    }
    member[Symbol.dispose]();
    await server.shutdown();
  }
});

test("in a flood some are told why, the others are disconnected, and the server goes on", async () => {
  const server = await serving(echo, { maxConnections: 1, clock: fakeClock() }); // so that nobody's time is over
  const [, member] = await upgrade(server.port);
  const flood: RawConn[] = [];
  while (flood.length < 1100) { // not more at a time than wait in the queue of any listener
    flood.push(...await Promise.all(Array.from({ length: 100 }, () => dialRaw(server.port))));
  }
  const ends = await Promise.all(flood.map(async (conn) => {
    try {
      await conn.write(latin1("GET"));
      return await new HandClient(conn).rest();
    } catch (error) {
      return error;
    }
  }));
  const told = ends.filter((end) => typeof end === "string" && end.startsWith("HTTP/1.1 503 "));
  assertEquals(told.length, 1024);
  for (const conn of flood) conn.close();
  await leave(server, member);
  for (;;) {
    const [{ status }, next] = await upgrade(server.port);
    next[Symbol.dispose]();
    if (status === 101) break;
  }
  await server.shutdown();
});

test("fetch() of the runtime gets every refusal, although it is decided before the request is read", async () => {
  await using server = await serving(page, { maxConnectionsPerMinute: 1 });
  const ask = async () => {
    const response = await fetch(server.url!, { headers: { connection: "close" } });
    return [response.status, await response.text()];
  };
  assertEquals(await ask(), [200, "A page"]);
  const refusals = await Promise.all(Array.from({ length: 40 }, ask));
  assertEquals(refusals, Array(40).fill([429, "Too many connections come from this client\n"]));
});

test("a client that is turned away and never sends is disconnected in time, without a word", async () => {
  const clock = fakeClock(), server = await serving(echo, { maxConnections: 1, clock });
  const [, member] = await upgrade(server.port);
  using silent = await HandClient.open(server.port);
  while (server.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const ended = silent.rest().catch(() => "");
  await clock.advance(1000);
  assertEquals(await ended, "");
  member[Symbol.dispose]();
  await server.shutdown();
});

test("authorize gets the address of each client on every runtime", async () => {
  const seen: unknown[] = [];
  await using server = await serving(echo, {
    authorize: (_, { remoteAddr }) => void seen.push(remoteAddr),
  });
  await using socket = await connect(server.url!);
  assertEquals(seen, [socket.localAddr]);
});
