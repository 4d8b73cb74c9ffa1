import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { afterIO } from "../../src/base/clock.ts";
import {
  attach,
  type BroadcastOptions,
  type BroadcastReport,
  Connections,
  prepare,
  type SlowMembers,
  type WebSocketConnection,
  WebSocketError,
} from "../../mod.ts";
import { Connection } from "../../src/connection/connection.ts";
import { checkConnectionOptions } from "../../src/connection/connection_options.ts";
import { connectionPair } from "../../src/testing.ts";
import { MemoryTransport } from "../../src/testing/memory_transport.ts";
import { test } from "../kit/harness.ts";
import { Members } from "../kit/members.ts";

const ROLES = {
  server: { role: "server", protocol: "", extensions: "" },
  client: { role: "client", protocol: "", extensions: "" },
} as const;

/** The next message of a socket. */
async function next(socket: WebSocketConnection): Promise<unknown> {
  const reader = socket.readable.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return value;
}

/** Both ends of a WebSocket in memory, of which the peer takes nothing until it is told to. */
function deafPair(options: { highWaterMark?: number; maxBufferedAmount?: number; closeTimeout?: number } = {}) {
  const [here, there] = connectionPair({ highWaterMark: 1 });
  const socket = attach(here, ROLES.server, options), peer = attach(there, ROLES.client, { highWaterMark: 0 });
  const drop = () => {
    socket.abort();
    peer.abort();
  };
  return { socket, peer, [Symbol.dispose]: drop };
}

/** Everything that a peer has got by its end. */
async function all(peer: WebSocketConnection): Promise<string[]> {
  const messages: string[] = [];
  await peer.receive((message) => void messages.push(String(message))).catch(() => {});
  return messages;
}

const aTurn = () => new Promise<void>((resolve) => afterIO(3, resolve));

test("broadcast() sends text, bytes and prepared messages to everybody, of either role", async () => {
  await using members = await Members.open(3);
  const server = new Connections(), clients = new Connections();
  for (const socket of members.accepted) server.add(socket);
  for (const socket of members.clients) clients.add(socket);
  for (const [group, others] of [[server, members.clients], [clients, members.accepted]] as const) {
    for (const message of ["Grüße", Uint8Array.of(1, 2), prepare("ready"), new ArrayBuffer(1)]) {
      assertEquals(group.broadcast(message), { sent: 3, skipped: 0, closed: 0 });
    }
    for (const other of others) {
      const got = [await next(other), await next(other), await next(other), await next(other)];
      assertEquals(got, ["Grüße", Uint8Array.of(1, 2), "ready", new Uint8Array(1)]);
    }
  }
});

test("broadcast() reaches members of every agreement, with the same message", async () => {
  const serving = { compression: { threshold: 0 } };
  const agreements = [
    {},
    { compression: true },
    { compression: { serverNoContextTakeover: true } },
    { compression: { serverMaxWindowBits: 9 } },
    { compression: { serverMaxWindowBits: 10, clientNoContextTakeover: true } },
    { compression: true },
  ];
  await using members = await Members.open(agreements.length, serving, (i) => agreements[i]!);
  const server = new Connections(), clients = new Connections(), message = prepare("the same words ".repeat(40));
  for (const socket of members.accepted) server.add(socket);
  for (const socket of members.clients) clients.add(socket);
  for (let i = 0; i < 3; i++) {
    server.broadcast(message);
    clients.broadcast(message);
    for (const socket of [...members.clients, ...members.accepted]) socket.send("the same words, by themselves");
  }
  for (const socket of [...members.clients, ...members.accepted]) {
    for (let i = 0; i < 3; i++) {
      assertEquals(await next(socket), "the same words ".repeat(40));
      assertEquals(await next(socket), "the same words, by themselves");
    }
  }
});

test("broadcast() keeps the order with what is sent to one member, and its messages of a turn leave together", async () => {
  await using members = await Members.open(3);
  const group = new Connections(), expected: string[][] = [[], [], []];
  for (const socket of members.accepted) group.add(socket);
  for (let i = 0; i < 300; i++) {
    const text = `${i} ${"x".repeat(i * 7 % 400)}`;
    group.broadcast(i % 2 === 0 ? text : prepare(text));
    for (const messages of expected) messages.push(text);
    if (i % 3 === 0) {
      members.accepted[i % 9 / 3]!.send(`${i} alone`);
      expected[i % 9 / 3]!.push(`${i} alone`);
    }
    if (i % 50 === 0) await aTurn();
  }
  const got = members.clients.map((client) => all(client));
  await group.close();
  assertEquals(await Promise.all(got), expected);
});

test("broadcast() leaves out who is excepted: a socket, a set, a group, or by a function", async () => {
  await using members = await Members.open(4);
  const group = new Connections<number>(), some = new Connections(), sockets = members.accepted;
  sockets.forEach((socket, i) => group.add(socket, i));
  some.add(sockets[3]!);
  const EXCEPT: readonly [except: BroadcastOptions<number>["except"], message: string][] = [
    [sockets[0], "not 0"],
    [new Set([sockets[1]!, sockets[2]!]), "not 1, 2"],
    [some, "not 3"],
    [(value, socket) => value === 2 && socket === sockets[2], "not 2"],
    [undefined, "end"],
  ];
  const reports = EXCEPT.map(([except, message]) => group.broadcast(message, { except }).sent);
  assertEquals(reports, [3, 2, 3, 3, 4]);
  const got = members.clients.map((client) => all(client));
  await group.close();
  assertEquals(await Promise.all(got), [
    ["not 1, 2", "not 3", "not 2", "end"],
    ["not 0", "not 3", "not 2", "end"],
    ["not 0", "not 3", "end"],
    ["not 0", "not 1, 2", "not 2", "end"],
  ]);
});

test("broadcast() passes over who is closing, and who is in the middle of a message in pieces", async () => {
  using closing = deafPair(), piecewise = deafPair(), other = deafPair();
  const group = new Connections();
  for (const { socket } of [closing, piecewise, other]) group.add(socket);
  closing.socket.close();
  piecewise.socket.send("a", { fin: false });
  assertEquals(group.broadcast("news"), { sent: 1, skipped: 2, closed: 0 });
  piecewise.socket.send("b");
  assertEquals(group.broadcast("more"), { sent: 2, skipped: 1, closed: 0 });
  const got = [piecewise, other].map(({ peer }) => all(peer));
  await group.close();
  assertEquals(await Promise.all(got), [["ab", "more"], ["news", "more"]]);
});

test("slow members are judged by their highWaterMark, or by slowAbove", () => {
  using one = deafPair({ highWaterMark: 100 }), other = deafPair({ highWaterMark: 300 });
  const group = new Connections().add(one.socket).add(other.socket);
  const reports = (options: BroadcastOptions) =>
    Array.from({ length: 4 }, () => group.broadcast("x".repeat(146), options).sent);
  assertEquals(reports({ slow: "skip" }), [2, 1, 1, 0]); // 150, 300, 450 bytes wait
  assertEquals(reports({ slow: "skip", slowAbove: 450 }), [2, 1, 1, 0]); // 300 to 600, and 600
});

test("slow: skip – the slow member misses messages, and gets them again when it reads", async () => {
  using pair = deafPair({ highWaterMark: 100 });
  const { socket, peer } = pair, group = new Connections().add(socket);
  const report = (text: string) => group.broadcast(text.padEnd(48), { slow: "skip" });
  const reports = ["a", "b", "c", "d", "e"].map(report);
  assertEquals(reports.map(({ sent, skipped }) => `${sent}${skipped}`), ["10", "10", "10", "01", "01"]);
  const got = all(peer);
  while (socket.bufferedAmount > 0) await aTurn();
  assertEquals(report("f").sent, 1);
  await group.close();
  assertEquals((await got).map((text) => text.trim()), ["a", "b", "c", "f"]);
});

test("slow: drop-oldest – the slow member gets the newest, in order with what is sent to it alone", async () => {
  using pair = deafPair({ highWaterMark: 100 });
  const { socket, peer } = pair, group = new Connections().add(socket);
  const options = { slow: "drop-oldest", slowAbove: 250 } as const, reports: BroadcastReport[] = [];
  const send = (text: string) => reports.push(group.broadcast(text.padEnd(98), options));
  for (const text of ["a", "b", "c", "d", "e", "f"]) send(text);
  assertEquals(reports.map(({ sent, skipped, closed }) => `${sent}${skipped}${closed}`), [
    "100", // 100 bytes wait
    "100",
    "100", // 300: the next ones are held, at most 250 bytes, of which each takes 162
    "100",
    "110",
    "110",
  ]);
  assert(socket.bufferedAmount <= 300 + 250, `${socket.bufferedAmount}`);
  socket.send("alone");
  send("g");
  send("h");
  const got = all(peer);
  await group.close();
  assertEquals((await got).map((text) => text.trim()), ["a", "b", "c", "f", "alone", "h"]);
});

test("slow: close – the slow member is closed with 1013, the others are not", async () => {
  using slow = deafPair({ highWaterMark: 100 }), quick = deafPair();
  const group = new Connections().add(slow.socket).add(quick.socket);
  const reports = Array.from({ length: 4 }, () => group.broadcast("x".repeat(98), { slow: "close" }));
  assertEquals(reports.map(({ sent, skipped, closed }) => `${sent}${skipped}${closed}`), ["200", "200", "101", "110"]);
  assertEquals([slow.socket.state, quick.socket.state], ["closing", "open"]);
  assertEquals((await all(slow.peer)).length, 2, "it gets what was sent before");
  assertEquals(await slow.peer.closed, { closeCode: 1013, reason: "Too slow" });
  await slow.socket.closed;
  assertEquals([...group], [quick.socket]);
});

test("slow: wait – the message waits, and past maxBufferedAmount the member is dropped", async () => {
  using slow = deafPair({ highWaterMark: 100, maxBufferedAmount: 350 }), quick = deafPair();
  const group = new Connections().add(slow.socket).add(quick.socket);
  const reports = Array.from({ length: 5 }, () => group.broadcast("x".repeat(98)));
  assertEquals(reports.map(({ sent, skipped, closed }) => `${sent}${skipped}${closed}`), [
    "200",
    "200",
    "200",
    "101",
    "100",
  ]);
  const error = await assertRejects(() => slow.socket.closed, WebSocketError);
  assertEquals([error.failure, group.size], ["send-buffer-full", 1]);
  assertEquals(quick.socket.bufferedAmount, 500);
});

test("a member that is dropped by maxBufferedAmount counts as closed, also where it is not slow", () => {
  using pair = deafPair({ maxBufferedAmount: 350 });
  const group = new Connections().add(pair.socket);
  const reports = Array.from({ length: 4 }, () => group.broadcast("x".repeat(98), { slowAbove: 1e9 }));
  assertEquals(reports.map(({ sent, skipped, closed }) => `${sent}${skipped}${closed}`), ["100", "100", "100", "001"]);
});

for (const slow of ["wait", "skip", "drop-oldest", "close"] satisfies SlowMembers[]) {
  test(`slow: ${slow} – a member that is lost as it is judged is closed, and the others get the message`, () => {
    const transport = halfClosed(), [whole] = connectionPair();
    const lost = new Connection(transport, ROLES.server, checkConnectionOptions({}, undefined), new Uint8Array());
    const other = attach(whole, ROLES.server);
    const group = new Connections().add(lost).add(other), options = { slow, slowAbove: 50 };
    assertEquals(group.broadcast("x".repeat(98), options), { sent: 2, skipped: 0, closed: 0 });
    assertEquals(group.broadcast("x", options), { sent: 1, skipped: 0, closed: 1 }); // which writes what waits
    assertEquals([lost.state, other.state, group.size], ["closed", "open", 1]);
    other.abort();
  });
}

/** A transport that throws when something is written. */
function halfClosed(): MemoryTransport {
  const how = { chunkSize: Infinity, highWaterMark: 65_536, delay: 0, clock: undefined, fault: undefined };
  const transport = new MemoryTransport(how);
  transport.join(new MemoryTransport(how));
  transport.end();
  return transport;
}

test("a member that takes what it gets is not slow inside of its own handler", async () => {
  const [here, there] = connectionPair();
  const socket = attach(here, ROLES.server), peer = attach(there, ROLES.client), group = new Connections().add(socket);
  const handled = Promise.withResolvers<BroadcastReport[]>();
  socket.receive(() => {
    const options = { slow: "close", slowAbove: 1000 } as const;
    handled.resolve(Array.from({ length: 5 }, () => group.broadcast("x".repeat(1500), options)));
  });
  peer.send("go");
  assertEquals(await handled.promise, Array(5).fill({ sent: 1, skipped: 0, closed: 0 }));
  const got = all(peer);
  await group.close();
  assertEquals((await got).length, 5);
  for (const end of [socket, peer]) end.abort();
});

/** How many messages of 60,000 bytes fill what a kernel has for a connection, and more. */
const MANY = 400, LARGE = "x".repeat(60_000);

for (const slow of ["wait", "skip", "drop-oldest", "close"] satisfies SlowMembers[]) {
  test(`slow: ${slow} – over sockets, members that read get everything while others do not read`, async () => {
    await using members = await Members.open(4, { closeTimeout: 0 }, (i) => i % 2 === 0 ? { highWaterMark: 0 } : {});
    const group = new Connections<number>(), quick = [members.clients[1]!, members.clients[3]!];
    const deaf = [members.clients[0]!, members.clients[2]!];
    members.accepted.forEach((socket, i) => group.add(socket, i));
    const got: string[][] = [[], []], numberOf = (message: unknown) => String(message).slice(0, 3);
    let wake = () => {};
    quick.forEach((client, i) =>
      client.receive((message) => {
        got[i]!.push(numberOf(message));
        wake();
      }).catch(() => {})
    );
    const expected: string[] = [], sum = { sent: 0, skipped: 0, closed: 0 };
    let most = 0;
    for (let i = 0; i < MANY; i++) {
      expected.push(String(i).padStart(3, "0"));
      const report = group.broadcast(expected[i] + LARGE, { slow });
      for (const key of ["sent", "skipped", "closed"] as const) sum[key] += report[key];
      while (got.some(({ length }) => length <= i)) await new Promise<void>((resolve) => wake = resolve);
      most = Math.max(most, ...members.accepted.map(({ bufferedAmount }) => bufferedAmount));
    }
    assertEquals(got, [expected, expected]);
    assertEquals(sum.sent + sum.skipped + sum.closed >= 4 * MANY, true);
    if (slow !== "wait") assert(most <= 65_536 + 2 * 60_013 + 65_536, `at most ${most} bytes wait for a member`);
    else assert(most > 2 ** 20, "everything waits");
    const heard = await Promise.all(
      deaf.map(async (client) => {
        const messages = all(client).then((messages) => messages.map(numberOf));
        if (slow !== "close") await aTurn();
        return messages;
      }).concat(group.close().then(() => [])),
    );
    const [first, second] = heard as [string[], string[], string[]];
    for (const messages of [first, second]) assertEquals(messages, [...messages].sort(), "in order");
    const missed = 2 * MANY - first.length - second.length;
    if (slow === "close") assertEquals([sum.closed, missed], [2, sum.skipped + 2]);
    else assertEquals([sum.closed, missed], [0, sum.skipped]);
    assertEquals(missed > 0, slow !== "wait");
    if (slow === "drop-oldest") assertEquals([first.at(-1), second.at(-1)], [expected.at(-1), expected.at(-1)]);
  });
}

const WRONG: readonly [options: Record<string, unknown>, error: string][] = [
  [
    { slow: "drop" },
    'Cannot use the option slow: it is "drop", and must be one of "wait", "skip", "drop-oldest", "close"',
  ],
  [{ slow: "toString" }, 'Cannot use the option slow: it is "toString", and must be one of'],
  [{ slowAbove: -1 }, "Cannot use the option slowAbove: it is -1, and must be an integer of at least 0, or Infinity"],
  [{ slowAbove: "5" }, 'Cannot use the option slowAbove: it is the string "5"'],
  [
    { except: "ada" },
    "Cannot use the option except: it must be a socket, have a method has(), such as a Set, or be a function",
  ],
  [{ except: null }, "Cannot use the option except"],
  [{ except: [1] }, "Cannot use the option except"],
  [{ compress: "no" }, 'Cannot use the option compress: it is the string "no", and must be true or false'],
];

for (const [options, message] of WRONG) {
  test(`broadcast() refuses ${JSON.stringify(options)}, and sends nothing`, () => {
    using pair = deafPair();
    const group = new Connections().add(pair.socket);
    assertThrows(() => group.broadcast("x", options as BroadcastOptions), Error, message);
    assertEquals(pair.socket.bufferedAmount, 0);
  });
}

test("broadcast() refuses what is no message, also without members", () => {
  const message = "Cannot send: a message must be a string, an ArrayBuffer or a view of one";
  assertThrows(() => new Connections().broadcast(5 as never), TypeError, message);
});
