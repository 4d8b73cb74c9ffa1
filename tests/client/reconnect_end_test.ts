// How a client that comes back is ended: by its signal, by close(), by leaving the loop, at any moment. It ends without an
// error, and nothing is left: no connection, no timer, no listener.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { accept, type Connected, reconnect, type Reconnecting, type ReconnectOptions } from "../../mod.ts";
import type { PairedConnection } from "../../src/testing.ts";
import { allOf, counted, inMemory, passing, URL } from "../kit/coming_back.ts";
import { handlingAll, test } from "../kit/harness.ts";

/** Opens a WebSocket for good; the fake clock of the client's is the server's, too. */
const opening = (conn: PairedConnection) => accept(conn, { pingInterval: 0, idleTimeout: 0 });
const never = () => new Promise<never>(() => {});

/** Where a client is when it is ended: what stops it there, and whether a connection was made. */
const MOMENTS: readonly (readonly [
  name: string,
  serve: (conn: PairedConnection) => unknown,
  options: Pick<ReconnectOptions, "onOpen"> & { url?: () => Promise<never>; isConfiguring?: boolean },
  count: number,
])[] = [
  ["while the function for the URL works", opening, { url: never }, 0],
  ["while configure works", opening, { isConfiguring: true }, 1],
  ["while it connects", () => {}, {}, 1],
  ["while onOpen works", opening, { onOpen: never }, 1],
  ["while a connection is open", opening, {}, 1],
  ["while it waits", (conn) => conn.reset(), {}, 1],
];

/** The ways to use a client. */
const FACES: readonly (readonly [name: string, use: (client: Reconnecting) => Promise<unknown>])[] = [
  ["receive()", (client) => client.receive()],
  ["messages()", (client) => allOf(client.messages())],
  ["its connections", (client) => allOf(client)],
];

const ENDINGS:
  readonly (readonly [name: string, end: (client: Reconnecting, controller: AbortController) => unknown])[] = [
    ["its signal", (_, controller) => controller.abort(new Error("mine"))],
    ["close()", (client) => client.close()],
  ];

for (const [moment, serve, { url, isConfiguring, onOpen }, count] of MOMENTS) {
  for (const [ending, end] of ENDINGS) {
    for (const [face, use] of FACES) {
      test(`a client that comes back is ended by ${ending} ${moment}, used by ${face}`, () =>
        handlingAll(async () => {
          const { configure, conns, clock } = inMemory(serve), counting = counted();
          const configured = Promise.withResolvers<void>();
          const client = reconnect(url ?? URL, {
            clock,
            signal: counting.signal,
            onOpen,
            async configure(attempt) {
              if (isConfiguring) await configured.promise;
              return configure(attempt);
            },
          });
          const using = use(client);
          await clock.advance(0);
          end(client, counting.controller);
          configured.resolve(); // too late: its connection is closed
          await passing(clock, using, 10);
          await clock.advance(0);
          assertEquals([conns.length, conns.every((conn) => conn.isClosed)], [count, true]);
          assertEquals([clock.pending, counting.listeners, client.socket], [0, 0, undefined]);
        }));
    }
  }
}

for (const [face, use] of FACES) {
  test(`a client that is ended before it is used, by ${face}, does not connect`, async () => {
    for (const end of ["signal", "close"]) {
      const { configure, conns, clock } = inMemory(opening);
      const client = reconnect(URL, { clock, configure, signal: end === "signal" ? AbortSignal.abort() : undefined });
      if (end === "close") await client.close();
      await use(client);
      assertEquals([conns.length, clock.pending], [0, 0]);
    }
  });
}

test("leaving the loop closes the connection, and waits for that", async () => {
  const accepted: Promise<unknown>[] = [], counting = counted();
  const { configure, conns, clock } = inMemory(async (conn) => {
    const socket = await opening(conn);
    socket.send("Hello");
    accepted.push(socket.receive());
  });
  const options = { clock, configure, signal: counting.signal };
  for await (const socket of reconnect(URL, options)) {
    assertEquals(socket.state, "open");
    break;
  }
  for await (const message of reconnect(URL, options).messages()) {
    assertEquals(message, "Hello");
    break;
  }
  const mine = new Error("mine");
  const thrown = await assertRejects(async () => {
    for await (const _ of reconnect(URL, options)) throw mine;
  });
  assertStrictEquals(thrown, mine);
  assertEquals([conns.map(({ isClosed }) => isClosed), clock.pending, counting.listeners], [[true, true, true], 0, 0]);
  assertEquals(await Promise.all(accepted), Array.from({ length: 3 }, () => ({ closeCode: 1005, reason: "" })));
});

test("return() of an iterator ends the client although next() waits", async () => {
  const { configure, conns, clock } = inMemory((conn) => conn.reset());
  for (const items of [reconnect(URL, { clock, configure }), reconnect(URL, { clock, configure }).messages()]) {
    const iterator = items[Symbol.asyncIterator](), next = iterator.next();
    await clock.advance(0);
    assertEquals(await iterator.return!(), { done: true, value: undefined });
    assertEquals([await next, await iterator.next()].map(({ done }) => done), [true, true]);
  }
  assertEquals([conns.length, clock.pending], [2, 0]);
});

test("close() tells the server a code and a reason, and await using ends the client, too", async () => {
  const told: unknown[] = [];
  const { configure, clock } = inMemory(async (conn) => told.push(await (await opening(conn)).receive()));
  const client = reconnect(URL, { clock, configure });
  await assertRejects(() => client.close({ closeCode: 1006 }), DOMException, "the code is 1006");
  const using = client.receive();
  await clock.advance(0);
  await assertRejects(() => client.close({ reason: "x".repeat(124) }), DOMException, "124 bytes");
  assertEquals(client.socket?.state, "open");
  await client.close({ closeCode: 4001, reason: "moved" });
  await using;
  {
    await using other = reconnect(URL, { clock, configure });
    void other.receive();
    await clock.advance(0);
  }
  assertEquals(told, [{ closeCode: 4001, reason: "moved" }, { closeCode: 1005, reason: "" }]);
  assertEquals(clock.pending, 0);
});

const CLOSED_BY_US: readonly (readonly [name: string, close: (socket: Connected) => unknown])[] = [
  ["close()", (socket) => socket.close()],
  ["close() with 1000", (socket) => socket.close({ closeCode: 1000 })],
  ["close() with 4000", (socket) => socket.close({ closeCode: 4000 })],
  ["abort()", (socket) => socket.abort()],
  ["cancel() of its readable", (socket) => socket.readable.cancel()],
];
for (const [name, close] of CLOSED_BY_US) {
  test(`a loop that closes its connection by ${name} and goes on gets another one`, async () => {
    const { configure, conns, clock } = inMemory(async (conn) => (await opening(conn)).receive());
    const client = reconnect(URL, { clock, configure });
    let count = 0;
    await passing(
      clock,
      (async () => {
        for await (const socket of client) {
          if (++count === 3) break;
          close(socket);
        }
      })(),
    );
    assertEquals([conns.length, conns.every((conn) => conn.isClosed), clock.pending], [3, true, 0]);
  });
}

test("a loop waits for the end of a connection that it is done with", async () => {
  const ends: (() => void)[] = [];
  const { configure, conns, clock } = inMemory(async (conn) => {
    const socket = await opening(conn);
    ends.push(() => socket.abort());
  });
  const loop = (async () => {
    for await (const _ of reconnect(URL, { clock, configure })) if (conns.length === 2) break;
  })();
  await clock.advance(60_000);
  assertEquals(conns.length, 1);
  ends[0]!();
  await passing(clock, loop);
  assertEquals(conns.length, 2);
});

test("a signal that aborts between any two steps of an attempt ends the client, and closes the connection", async () => {
  let steps = 0, total = Infinity;
  for (let nth = 1; nth <= total; nth++) {
    const { configure, conns, clock } = inMemory(opening), controller = new AbortController();
    steps = 0;
    // The clock is asked in the middle of things, such as when a connection is opened
    const now = () => {
      if (++steps === nth) controller.abort();
      return clock.now();
    };
    const client = reconnect(URL, { clock: { ...clock, now }, configure, signal: controller.signal });
    const using = client.receive();
    await clock.advance(0);
    if (controller.signal.aborted) await using;
    else {
      total = nth; // it has opened before
      await client.close();
      await using;
    }
    assertEquals([conns.map(({ isClosed }) => isClosed), clock.pending], [[true], 0], `step ${nth}`);
  }
  assertEquals(total > 2, true);
});
