// A client that comes back: when it tries again, when it gives up, and what it is told. reconnect_end_test.ts has how it is
// ended, reconnect_messages_test.ts what is sent and received.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  accept,
  type Connected,
  HandshakeError,
  reconnect,
  type ReconnectAttempt,
  type ReconnectRetry,
  type Server,
  WebSocketError,
} from "../../mod.ts";
import { fakeClock, type PairedConnection } from "../../src/testing.ts";
import { allOf, inMemory, passing, URL } from "../kit/coming_back.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { serving } from "../kit/serving.ts";

/** A server that refuses, or that opens a WebSocket and ends it. */
const refusing = (status: number, headers = {}) => (conn: PairedConnection) =>
  accept(conn, { authorize: () => new Response("", { status, headers }) });
const closing = (closeCode?: number) => async (conn: PairedConnection) =>
  (await accept(conn)).close(closeCode === undefined ? {} : { closeCode });
const sending = (bytes: number[]) => async (conn: PairedConnection) => {
  await accept(conn, { pingInterval: 0, idleTimeout: 0 });
  await conn.writable.getWriter().write(Uint8Array.from(bytes));
};

/** What a server does, and what comes of it: another attempt, the error that ends the client, or its end without one. */
const ENDS: readonly (readonly [
  name: string,
  serve: (conn: PairedConnection) => unknown,
  expected: "retry" | "end" | Record<string, unknown>,
])[] = [
  ["ends before it answers", (conn) => conn.writable.close(), "retry"],
  ["resets before it answers", (conn) => conn.reset(), "retry"],
  ["does not answer in time", () => {}, "retry"],
  ...[408, 425, 429, 500, 502, 503, 504, 521].map((status) =>
    [`refuses with ${status}`, refusing(status), "retry"] as const
  ),
  ...[400, 401, 403, 404, 410, 426, 501, 505].map((status) =>
    [`refuses with ${status}`, refusing(status), { failure: "status-not-101", status }] as const
  ),
  ["redirects", refusing(302, { location: "/" }), { failure: "status-not-101", status: 302 }],
  ["drops the connection", async (conn) => (await accept(conn)).abort(), "retry"],
  ["closes without a code", closing(), "retry"],
  ...[1001, 1011, 1012, 1013, 1014, 3008].map((code) => [`closes with ${code}`, closing(code), "retry"] as const),
  ["closes with 1000", closing(1000), "end"],
  ...[1002, 1003, 1007, 1008, 1009, 1010, 3000, 4000, 4999].map((closeCode) =>
    [`closes with ${closeCode}`, closing(closeCode), { closeCode }] as const
  ),
];
for (const [name, serve, expected] of ENDS) {
  const outcome = expected === "retry" ? "tries again" : expected === "end" ? "ends" : "ends with an error";
  test(`reconnect() ${outcome} when the server ${name}`, () =>
    handlingAll(async () => {
      const { configure, conns, clock } = inMemory(serve), retries: ReconnectRetry[] = [];
      const client = reconnect(URL, {
        clock,
        configure,
        onRetry: (retry) => {
          retries.push(retry);
          client.close();
        },
      });
      const done = passing(clock, client.receive());
      if (typeof expected === "string") await done;
      else {
        const error = await assertRejects(() => done);
        assert(error instanceof HandshakeError || error instanceof WebSocketError, String(error));
        const { failure, status, closeCode } = error instanceof HandshakeError
          ? { failure: error.failure, status: error.response?.status, closeCode: undefined }
          : { failure: error.failure, status: undefined, closeCode: error.closeCode };
        assertEquals({ failure, status, closeCode }, {
          failure: undefined,
          status: undefined,
          closeCode: undefined,
          ...expected,
        });
        assertEquals(error.retryable, false);
      }
      assertEquals([retries.length, conns.length], [expected === "retry" ? 1 : 0, 1]);
      assertEquals([conns.every((conn) => conn.isClosed), clock.pending], [true, 0]);
    }));
}

test("reconnect() ends when the server breaks a rule", async () => {
  const { configure, clock } = inMemory(sending([0x83, 0])); // a reserved opcode
  const ended = passing(clock, reconnect(URL, { clock, configure }).receive());
  const error = await assertRejects(() => ended, WebSocketError);
  assertEquals([error.failure, error.retryable], ["opcode-reserved", false]);
});

test("reconnect() goes on, or ends, as shouldRetry says", async () => {
  const { configure, clock } = inMemory(refusing(401)), asked: unknown[] = [];
  const shouldRetry = (error: HandshakeError | WebSocketError, attempt: number) => {
    asked.push([error.retryable, attempt]);
    return attempt < 3;
  };
  const client = reconnect(URL, { clock, configure, shouldRetry });
  const error = await assertRejects(() => passing(clock, client.receive()), HandshakeError);
  assertEquals(error.response?.status, 401);
  assertEquals(asked, [[false, 1], [false, 2], [false, 3]]);
});

test("reconnect() goes on after 1000, too, if shouldRetry says so", async () => {
  const { configure, conns, clock } = inMemory(closing(1000));
  const shouldRetry = () => conns.length < 3;
  await passing(clock, reconnect(URL, { clock, configure, shouldRetry }).receive());
  assertEquals(conns.length, 3);
});

test("reconnect() tells each attempt which one it is, and what came before", async () => {
  const attempts: unknown[] = [], delays: number[] = [];
  const SERVED: readonly ((conn: PairedConnection) => unknown)[] = [
    (conn) => conn.writable.close(),
    async (conn) => (await accept(conn)).abort(),
    async (conn) => {
      const socket = await accept(conn, { clock });
      clock.setTimeout(() => socket.abort(), 10_000); // it has lasted
    },
    refusing(503),
    closing(1000),
  ];
  const { configure, conns, clock } = inMemory((conn) => SERVED[conns.length - 1]!(conn));
  const url = ({ attempt, connections, error }: ReconnectAttempt) => {
    attempts.push([attempt, connections, error?.failure]);
    return URL;
  };
  const onRetry = ({ attempt, delay, error }: ReconnectRetry) =>
    void delays.push(attempt, delay, Number(error.retryable));
  await passing(clock, reconnect(url, { clock, configure, onRetry, random: () => 0 }).receive());
  assertEquals(attempts, [
    [0, 0, undefined],
    [1, 0, "connection-closed"],
    [2, 1, "connection-lost"],
    [1, 2, "connection-lost"],
    [2, 2, "status-not-101"],
  ]);
  assertEquals(delays, [1, 0, 1, /**/ 2, 3000, 1, /**/ 1, 0, 1, /**/ 2, 3000, 1]);
});

test("reconnect() connects when the wait is over, and not before", async () => {
  const { configure, conns, clock } = inMemory(refusing(503, { "retry-after": "7" }));
  const client = reconnect(URL, { clock, configure, random: () => 0.5 });
  const ended = client.receive();
  await clock.advance(0);
  for (const [time, count] of [[8499, 1], [1, 2], [7000 + 2250 - 1, 2], [1, 3]] as const) {
    await clock.advance(time);
    assertEquals(conns.length, count);
  }
  await client.close();
  await ended;
});

test("reconnect() takes fresh options for each attempt, and those that stay", async () => {
  const seen: unknown[] = [];
  const { configure, clock } = inMemory(async (conn) => {
    const socket = await accept(conn, { protocols: "chat" });
    seen.push(socket.request.url, socket.request.headers.get("x-token"), socket.protocol);
    socket.close({ closeCode: seen.length < 6 ? 1001 : 1000 });
  });
  let token = 0;
  const client = reconnect(({ connections }) => Promise.resolve(`${URL}?after=${connections}`), {
    clock,
    protocols: "chat",
    headers: { "x-token": "not this one" },
    configure: (attempt) => Promise.resolve({ ...configure(attempt), headers: { "x-token": `${++token}` } }),
  });
  await passing(clock, client.receive());
  assertEquals(seen, ["http://localhost/chat?after=0", "1", "chat", "http://localhost/chat?after=1", "2", "chat"]);
});

const mine = new Error("mine");
const thrown = () => {
  throw mine;
};
const THROWING: readonly [name: string, url: string | (() => never), options: object][] = [
  ["the function for the URL", thrown, {}],
  ["configure", URL, { configure: thrown }],
  ["onOpen", URL, { onOpen: thrown }],
  ["onOpen, later", URL, { onOpen: () => Promise.reject(mine) }],
  ["onRetry", URL, { onRetry: thrown }],
  ["shouldRetry", URL, { shouldRetry: thrown }],
  ["random", URL, { random: thrown }],
];
for (const [name, url, options] of THROWING) {
  test(`reconnect() ends with what ${name} throws, and closes its connection`, () =>
    handlingAll(async () => {
      const { configure, conns, clock } = inMemory(closing(1001));
      const client = reconnect(url, { clock, configure, ...options });
      assertStrictEquals(await assertRejects(() => passing(clock, client.receive())), mine);
      assertEquals([conns.every((conn) => conn.isClosed), clock.pending], [true, 0]);
      assertThrows(() => client.send("late"), DOMException, "the client has ended");
    }));
}

test("reconnect() tries again after a HandshakeError of a function, if that is retryable", async () => {
  const { configure, clock } = inMemory(closing(1000));
  let count = 0;
  const client = reconnect(URL, {
    clock,
    configure(attempt) {
      if (++count < 3) throw new HandshakeError("dial-failed", "No token", { cause: mine });
      return configure(attempt);
    },
  });
  await passing(clock, client.receive());
  assertEquals(count, 3);
});

test("reconnect() tries again when the connection is lost while onOpen uses it, or waits", () =>
  handlingAll(async () => {
    const { configure, conns, clock } = inMemory(async (conn) => {
      const socket = await accept(conn, { pingInterval: 0, idleTimeout: 0 });
      if (conns.length < 3) socket.abort();
      else if (conns.length === 4) socket.close({ closeCode: 1000 });
    });
    const onOpen = [
      async (socket: Connected) => void await socket.closed, // rejects with the loss
      () => new Promise<void>(() => {}),
      (socket: Connected) => {
        socket.abort(); // as if it were lost just now
        socket.send("too late");
      },
      () => {},
    ];
    await passing(
      clock,
      reconnect(URL, { clock, configure, onOpen: (socket) => onOpen[conns.length - 1]!(socket) }).receive(),
    );
    assertEquals([conns.length, clock.pending], [4, 0]);
  }));

test("reconnect() can be used once", async () => {
  const { configure, clock } = inMemory(closing(1000)), client = reconnect(URL, { clock, configure });
  await passing(clock, client.receive());
  for (const again of [() => client.receive(), () => allOf(client), () => allOf(client.messages())]) {
    await assertRejects(again, TypeError, "Cannot use this client again: call reconnect() for another one");
  }
});

/** Starts a server on a port that another one has had. */
async function restart(port: number, messages: string[]): Promise<Server> {
  return await serving(async (socket) => {
    for (const message of messages) socket.send(message);
    await socket.receive();
  }, { port });
}

for (const isGraceful of [true, false]) {
  const how = isGraceful ? "stops with 1001" : "drops its connections";
  test(`reconnect() comes back to a server that ${how}, is away, and starts again on the same port`, () =>
    handlingAll(async () => {
      const clock = fakeClock(), first = await serving((socket) => socket.send("before"), {}), { port } = first;
      const failures: (string | undefined)[] = [];
      const waiting: ((delay: number) => void)[] = [];
      const client = reconnect(`ws://127.0.0.1:${port}/`, {
        clock,
        onRetry({ error, delay }) {
          failures.push(error.failure ?? String((error as WebSocketError).closeCode));
          waiting.shift()?.(delay);
        },
      });
      const retried = () => new Promise<number>((resolve) => void waiting.push(resolve));
      const messages = client.messages();
      assertEquals((await messages.next()).value, "before");
      const lost = retried(), next = messages.next();
      if (!isGraceful) { for (const socket of first.connections) socket.abort(); }
      await first.shutdown();
      const failed = retried();
      await clock.advance(await lost);
      const delay = await failed;
      const second = await restart(port, ["after"]);
      await clock.advance(delay);
      assertEquals(await next, { done: false, value: "after" });
      assertEquals(failures, [isGraceful ? "1001" : "connection-lost", "dial-failed"]);
      await messages.return!();
      assertEquals(clock.pending, 0);
      await second.shutdown();
    }));
}
