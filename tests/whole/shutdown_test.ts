// How a server stops: under load nothing is lost that was taken, what is idle goes at once, what is under way is finished,
// and what does not end is dropped.

import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type Accepted, connect, type HandshakeError, serve, WebSocketError } from "../../mod.ts";
import { nextTurn } from "../../src/base/clock.ts";
import { fakeClock } from "../../src/testing.ts";
import { handlingAll, hex, latin1, random, test } from "../kit/harness.ts";
import { echo, HandClient, request, serving, socketsSettled, UPGRADE_FIELDS } from "../kit/serving.ts";
import { dialRaw } from "../kit/tcp.ts";

const GOING_AWAY = { closeCode: 1001, reason: "The server stops" };
const http = () => new Response("A page");

test("shutdown() under load: every message that an echo took comes back, in order, before the Close frame", () =>
  handlingAll(async () => {
    const taken = new Map<string, number>(), CLIENTS = 8;
    const server = await serving(async (socket) => {
      await socket.receive((message) => {
        const room = socket.send(message); // throws once the socket closes: then the message was not taken
        taken.set(socket.request.target, Number(message));
        return room;
      });
    });
    const enough = Promise.withResolvers<void>();
    let received = 0;
    const clients = Array.from({ length: CLIENTS }, async (_, i) => {
      const socket = await connect(`${server.url}${i}`);
      let next = 1, last = 0;
      const sending = (async () => {
        try {
          for (;;) {
            for (let k = 0; k < 100; k++) await socket.send(String(next++));
            await new Promise((resolve) => setTimeout(resolve, 0));
          }
        } catch {
          // The server has closed
        }
      })();
      const closed = await socket.receive((message) => {
        assertEquals(Number(message), ++last);
        if (++received === 20_000) enough.resolve();
      });
      await sending;
      return { closed, last, taken: taken.get(`/${i}`) };
    });
    await enough.promise;
    await server.shutdown();
    for (const { closed, last, taken } of await Promise.all(clients)) assertEquals([closed, last], [GOING_AWAY, taken]);
    assertEquals(server.told.filter(({ context }) => context.kind !== "peer"), []);
  }));

test("shutdown() under load: every message that send() took arrives, in order, before the Close frame", () =>
  handlingAll(async () => {
    const sent: number[] = [], clients: Promise<void>[] = [], enough = Promise.withResolvers<void>();
    const server = await serving(async (socket) => {
      const i = Number(socket.request.target.slice(1));
      sent[i] = 0;
      while (socket.state === "open") {
        const room = socket.send(`${sent[i]! + 1} ${"x".repeat(1000)}`);
        sent[i]!++;
        if (sent[i] === 2000) enough.resolve();
        await room;
        if (sent[i]! % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      }
    });
    for (let i = 0; i < 8; i++) {
      clients.push((async () => {
        const socket = await connect(`${server.url}${i}`);
        let last = 0;
        const closed = await socket.receive((message) => {
          assertEquals(Number(String(message).split(" ")[0]), ++last);
        });
        assertEquals([closed, last], [GOING_AWAY, sent[i]]);
      })());
    }
    await enough.promise;
    await server.shutdown();
    await Promise.all(clients);
    assertEquals(server.told, []);
  }));

test("shutdown() closes at once what has nothing under way, and listens no more", async () => {
  const server = await serving({ socket: echo, http }, { handshakeTimeout: 0 }); // nothing else would close them
  using silent = await HandClient.open(server.port);
  using kept = await HandClient.open(server.port);
  await kept.write(request("/"));
  assertEquals((await kept.reply()).status, 200);
  const finished = server.shutdown({ within: 0 });
  assertEquals(await Promise.all([silent.rest(), kept.rest()]), ["", ""]);
  await Promise.all([finished, server.finished]);
  await assertRejects(() => dialRaw(server.port));
  assertEquals(server.told, []);
});

test("shutdown() lets a request that has begun be answered, and says that the connection closes", async () => {
  const asked = Promise.withResolvers<void>(), answer = Promise.withResolvers<Response>();
  const server = await serving({
    socket: echo,
    http: ({ url }) => {
      if (!url.endsWith("/slow")) return http();
      asked.resolve();
      return answer.promise;
    },
  });
  using slow = await HandClient.open(server.port);
  await slow.write(request("/slow") + request("/next"));
  using half = await HandClient.open(server.port);
  await half.write(request("/", { "Expect": "100-continue", "Content-Length": "4" }, "PUT"));
  assertEquals((await half.reply()).status, 100);
  await asked.promise;
  const finished = server.shutdown({ within: 0 });
  await assertRejects(() => dialRaw(server.port)); // it listens no more, though it is not finished
  await half.write("body");
  answer.resolve(new Response("at last"));
  for (const [client, body] of [[slow, "at last"], [half, "A page"]] as const) {
    const reply = await client.reply();
    assertEquals([reply.body, reply.headers.get("connection"), await client.rest()], [body, "close", ""]);
    client[Symbol.dispose]();
  }
  await finished;
});

test("a WebSocket that opens while the server stops is closed with 1001, and has no handler", async () => {
  const asked = Promise.withResolvers<void>(), decided = Promise.withResolvers<undefined>();
  const authorize = () => {
    asked.resolve();
    return decided.promise;
  };
  let handled = 0;
  const server = await serving(() => handled++, { authorize });
  const opening = connect(server.url!);
  await asked.promise;
  const finished = server.shutdown();
  decided.resolve(undefined);
  const socket = await opening;
  assertEquals([await socket.closed, handled], [GOING_AWAY, 0]);
  await finished;
});

test("shutdown() waits for a handler that has something to do after the close", async () => {
  const stored: string[] = [];
  const server = await serving(async (socket) => {
    await socket.receive();
    await new Promise((resolve) => setTimeout(resolve, 20));
    stored.push("saved");
  });
  const socket = await connect(server.url!);
  await server.shutdown();
  assertEquals([stored, (await socket.closed).closeCode], [["saved"], 1001]);
});

/** Rows: what does not end by itself. */
const ENDLESS: readonly [name: string, run: (server: Awaited<ReturnType<typeof serving>>) => Promise<HandClient>][] = [
  ["a peer that does not answer the Close frame", async (server) => {
    const client = await HandClient.open(server.port);
    await client.write(request("/", UPGRADE_FIELDS));
    await client.reply();
    return client;
  }],
  ["a handler socket that never ends", async (server) => {
    const client = await HandClient.open(server.port);
    await client.write(request("/endless", UPGRADE_FIELDS));
    await client.reply();
    await client.write(hex("88 82 00000000 03e8"));
    return client;
  }],
  ["a handler http that never answers", async (server) => {
    const client = await HandClient.open(server.port);
    await client.write(request("/"));
    return client;
  }],
  ["a request that never becomes whole", async (server) => {
    const client = await HandClient.open(server.port);
    await client.write("GET / HT");
    return client;
  }],
];

for (const [name, run] of ENDLESS) {
  test(`shutdown({ within }) drops ${name}`, () =>
    handlingAll(async () => {
      const began = Promise.withResolvers<void>();
      const server = await serving({
        socket: (socket) => socket.request.target === "/endless" ? new Promise(() => {}) : socket.receive(),
        http: () => {
          began.resolve();
          return new Promise(() => {});
        },
      }, { handshakeTimeout: 0, closeTimeout: 0 });
      using client = await run(server);
      if (name.startsWith("a handler http")) await began.promise;
      using marker = await HandClient.open(server.port); // the server has read the other one once it has answered this
      await marker.write(request("/", {}, "TRACE"));
      await marker.reply();
      marker[Symbol.dispose]();
      await server.shutdown({ within: 30 });
      assertEquals(server.connections.size, 0);
      await client.rest().catch(() => {}); // it ends, whether by a reset or not
    }));
}

test("a second shutdown() sets the time anew", async () => {
  const server = await serving(() => new Promise(() => {}));
  const socket = await connect(server.url!);
  const finished = server.shutdown({ within: 0 });
  assertEquals((await socket.closed).closeCode, 1001);
  assert(server.shutdown() === finished, "without a time it changes nothing");
  server.shutdown({ within: 1 });
  await finished;
});

test("what is dropped ends with the reason as its cause", async () => {
  const opened = Promise.withResolvers<Accepted>();
  const server = await serving(opened.resolve, { closeTimeout: 0 });
  using client = await HandClient.open(server.port);
  await client.write(request("/", UPGRADE_FIELDS));
  const socket = await opened.promise;
  await server.shutdown({ within: 1 });
  const error = await assertRejects(() => socket.closed, WebSocketError);
  assertEquals((error.cause as Error).message, "The server has stopped, and waits no longer than 1 ms");
});

test("shutdown() refuses what is no time, and goes on serving", async () => {
  await using server = await serving({ socket: echo, http });
  for (const within of [-1, NaN, "1"] as number[]) {
    await assertRejects(async () => await server.shutdown({ within }), RangeError, "within");
  }
  using client = await HandClient.open(server.port);
  await client.write(request("/"));
  assertEquals((await client.reply()).status, 200);
  client[Symbol.dispose]();
});

test("the signal of serve() shuts down", async () => {
  const stop = new AbortController();
  const server = await serving(echo, { signal: stop.signal });
  const socket = await connect(server.url!);
  stop.abort();
  assertEquals(await socket.closed, GOING_AWAY);
  await server.finished;
});

test("serve() with a signal that has aborted before rejects with its reason, and never listens", async () => {
  let listened = 0;
  const reason = new Error("not today"), options = { onListen: () => listened++, signal: AbortSignal.abort(reason) };
  await using taken = await serving(echo);
  assertStrictEquals(await serving(echo, { ...options, port: taken.port }).catch((error) => error), reason);
  assertEquals(listened, 0);
});

test("serve() with a signal that aborts while it begins to listen rejects with its reason, and its port is free", async () => {
  const stop = new AbortController(), reason = new Error("not today");
  const first = await serving(echo), { port } = first;
  await first.shutdown();
  const starting = serving(echo, { port, signal: stop.signal });
  stop.abort(reason);
  assertStrictEquals(await starting.catch((error) => error), reason);
  await (await serving(echo, { port })).shutdown();
});

test("await using ends a server with its connections", async () => {
  let socket;
  {
    await using server = await serve({ port: 0 }, echo);
    socket = await connect(server.url!);
  }
  assertEquals(await socket.closed, GOING_AWAY);
});

test("what was told that it may go on ends with the server: a refusal with keepAlive, and a body under way", async () => {
  for (const name of ["refusal", "body"]) {
    const stopping = Promise.withResolvers<void>();
    const server = await serving({
      socket: echo,
      http: () => {
        const pull = async (sink: ReadableStreamDefaultController) => {
          await stopping.promise;
          sink.enqueue(latin1("the end"));
          sink.close();
        };
        return new Response(new ReadableStream({ start: (sink) => sink.enqueue(latin1("a body, ")), pull }));
      },
    }, {
      keepAlive: true,
      handshakeTimeout: 0,
      authorize: async () => {
        await stopping.promise;
        return new Response("No", { status: 403 });
      },
    });
    using client = await HandClient.open(server.port);
    await client.write(request("/", name === "refusal" ? UPGRADE_FIELDS : {}));
    await socketsSettled();
    const finished = server.shutdown({ within: 0 });
    stopping.resolve();
    const rest = await client.rest();
    assert(rest.includes(name === "refusal" ? "403" : "the end"), rest);
    await finished;
  }
});

test("requests that have come before shutdown() are answered, although nobody has read them yet", async () => {
  const server = await serving({ socket: echo, http });
  const clients = await Promise.all(Array.from({ length: 20 }, () => HandClient.open(server.port)));
  for (const client of clients) {
    await client.write(request("/"));
    await client.reply();
  }
  const writing = clients.map((client) => client.write(request("/")));
  const finished = server.shutdown({ within: 0 });
  await Promise.all(writing);
  for (const client of clients) {
    using _ = client;
    assertEquals((await client.reply()).status, 200);
  }
  await finished;
});

test("clients that reset while a server that stops answers their upgrades hold nothing up", async () => {
  const next = random(7);
  for (let round = 0; round < 5; round++) {
    const turns = async (count: number) => {
      for (let i = 0; i < count; i++) await new Promise<void>((resolve) => nextTurn(resolve));
    };
    const server = await serving(echo, { authorize: () => turns(next() % 30).then(() => undefined) });
    const clients = await Promise.all(Array.from({ length: 60 }, () => dialRaw(server.port)));
    const leaving = clients.map(async (client) => {
      await client.write(latin1(request("/", UPGRADE_FIELDS)));
      await turns(next() % 40);
      client.close();
    });
    await turns(4);
    await server.shutdown({ within: 0 });
    await Promise.all(leaving);
  }
});

test("the address is free once shutdown() is done, and another shutdown() starts no timer", async () => {
  let port = 0;
  for (let i = 0; i < 4; i++) {
    const server = await serving(echo, { port });
    port = server.port;
    await server.shutdown();
    await server.shutdown({ within: 600_000 }); // it would be a leak
  }
});

test("an onListen that rejects makes serve() reject", async () => {
  const onListen = () => Promise.reject(new Error("no address book"));
  await assertRejects(() => serving(echo, { onListen }), Error, "no address book");
});

test("shutdown({ spread }) closes one after the other, evenly, from the oldest on; who comes meanwhile is closed at once", async () => {
  const clock = fakeClock(), ends: [index: number, time: number][] = [], COUNT = 10, SPREAD = 5000;
  const asked = Promise.withResolvers<void>(), decided = Promise.withResolvers<undefined>();
  const server = await serving(echo, {
    clock,
    authorize: ({ url }) => url.endsWith("/late") ? (asked.resolve(), decided.promise) : undefined,
  });
  const sockets = [], seen: Promise<void>[] = [];
  for (let i = 0; i < COUNT; i++) {
    const socket = await connect(server.url!);
    await socket.ping(); // it is a member before the next one comes
    sockets.push(socket);
    seen.push(socket.closed.then((info) => {
      assertEquals(info, { closeCode: 1012, reason: "back soon" });
      ends.push([i, clock.now()]);
    }));
  }
  const opening = connect(`${server.url}late`);
  await asked.promise;
  const finished = server.shutdown({ closeCode: 1012, reason: "back soon", spread: SPREAD });
  for (let i = 0; i < COUNT; i++) {
    await seen[i];
    if (i === 5) {
      decided.resolve(undefined);
      assertEquals(await (await opening).closed, { closeCode: 1012, reason: "back soon" });
    }
    assertEquals([ends.length, server.connections.size <= COUNT - i], [i + 1, true]);
    if (i < COUNT - 1) await clock.advance(SPREAD / COUNT);
  }
  assertEquals(ends, Array.from({ length: COUNT }, (_, i) => [i, i * SPREAD / COUNT]));
  await finished;
});

test("a second shutdown() with less time than is left of spread closes who has not had its turn, and drops nobody", async () => {
  const clock = fakeClock(), server = await serving(echo, { clock });
  const sockets = await Promise.all(Array.from({ length: 5 }, () => connect(server.url!)));
  await Promise.all(sockets.map((socket) => socket.ping()));
  const finished = server.shutdown({ closeCode: 1012, reason: "back soon", spread: 8000, within: 60_000 });
  server.shutdown({ within: 8000 }); // is enough
  server.shutdown({ spread: 1 }); // says nothing of the time
  await socketsSettled();
  assertEquals(server.connections.size, 4);
  assertStrictEquals(server.shutdown({ within: 500 }), finished);
  const ends = await Promise.all(sockets.map(({ closed }) => closed));
  assertEquals(ends, Array(5).fill({ closeCode: 1012, reason: "back soon" }));
  await finished;
  assertEquals([server.told, clock.now()], [[], 0]);
});

/** Rows: who asks for a WebSocket while the server stops. */
const LATE: readonly [name: string, ask: (client: HandClient) => Promise<() => Promise<void>>][] = [
  ["a connection that was kept alive", async (client) => {
    await client.write(request("/"));
    await client.reply();
    await client.write("G");
    return () => client.write(request("/", UPGRADE_FIELDS).slice(1));
  }],
  ["a request that had begun", async (client) => {
    await client.write(request("/", UPGRADE_FIELDS).slice(0, 30));
    return () => client.write(request("/", UPGRADE_FIELDS).slice(30));
  }],
];

for (const [name, ask] of LATE) {
  test(`while a server stops, ${name} gets a 503 with Retry-After, and is closed`, async () => {
    for (const [retryAfter, says] of [[undefined, "7"], [30_000, "30"]] as const) {
      const server = await serving({ socket: echo, http }, { retryAfter: 7000 });
      const member = await connect(server.url!); // holds the server up
      using client = await HandClient.open(server.port);
      const finish = await ask(client);
      await socketsSettled();
      const finished = server.shutdown({ within: 0, retryAfter });
      await finish();
      const { status, headers, body } = await client.reply();
      assertEquals([status, headers.get("retry-after"), headers.get("connection")], [503, says, "close"]);
      assertEquals([body, await client.rest()], ["The server is stopping\n", ""]);
      client[Symbol.dispose]();
      assertEquals(await member.closed, GOING_AWAY);
      await finished;
      const [{ error, context } = { error: undefined, context: undefined }] = server.told;
      assertEquals([(error as HandshakeError).failure, context?.kind], ["server-stopping", "peer"]);
    }
  });
}

test("shutdown() waits until those who were turned away have read why", async () => {
  const server = await serving(echo, { maxConnections: 1, clock: fakeClock() }); // no time of theirs is over
  const member = await connect(server.url!);
  using refused = await HandClient.open(server.port);
  await refused.write("GET");
  assertEquals((await refused.reply()).status, 503); // it does not end the connection
  const finished = server.shutdown({ within: 0 });
  assertEquals(await member.closed, GOING_AWAY);
  let isFinished = false;
  finished.then(() => isFinished = true);
  await socketsSettled();
  assertEquals(isFinished, false);
  refused.conn.close();
  await finished;
});

test("shutdown({ within }) drops who was turned away and reads on", async () => {
  const clock = fakeClock(), server = await serving(echo, { maxConnections: 1, clock });
  const member = await connect(server.url!);
  using refused = await HandClient.open(server.port);
  await refused.write("GET");
  assertEquals((await refused.reply()).status, 503);
  const finished = server.shutdown({ within: 5 });
  assertEquals(await member.closed, GOING_AWAY);
  await clock.advance(5);
  await finished;
  assertEquals(clock.pending, 0); // its connection is closed, and not only forgotten
});
