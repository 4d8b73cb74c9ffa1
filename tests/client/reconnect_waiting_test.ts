// What waits for a client that comes back, when its connection takes messages slower than they come: each arrives, in order,
// or waits for the next connection.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { accept, type Connected, reconnect, type ReconnectOptions } from "../../mod.ts";
import type { FakeClock, PairedConnection } from "../../src/testing.ts";
import { inMemory, passing, URL } from "../kit/coming_back.ts";
import { handlingAll, test } from "../kit/harness.ts";

const opening = (conn: PairedConnection) => accept(conn, { pingInterval: 0, idleTimeout: 0, highWaterMark: 1000 });

const SIZE = 20_000;
const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `${from + index}`.padEnd(SIZE, "."));
const numbers = (messages: readonly unknown[]) => messages.map((message) => parseInt(String(message)));
const upTo = (count: number, from = 0) => numbers(numbered(count, from));

/** Lets the connections work until something is so; fails when that takes too long. */
async function until(clock: FakeClock, isSo: () => boolean, step = 0): Promise<void> {
  for (let steps = 0; !isSo(); steps++) {
    assert(steps < 1000, `${isSo} does not come true`);
    await clock.advance(step);
  }
}

/** A server that keeps what each connection sends, one message at a time once `reading` has resolved. */
function keeping(reading: Promise<void> = Promise.resolve()) {
  const received: number[][] = [], drop: (() => void)[] = [], closed: unknown[] = [];
  const memory = inMemory(async (conn) => {
    const socket = await opening(conn), messages: number[] = [];
    received.push(messages);
    drop.push(() => socket.abort());
    const info = await socket.receive(async (message) => {
      await reading;
      messages.push(...numbers([message]));
    });
    closed.push(info.closeCode);
  });
  return { ...memory, received, drop, closed };
}

const LIMITS: readonly Pick<ReconnectOptions, "highWaterMark" | "maxBufferedAmount">[] = [
  {},
  { maxBufferedAmount: 256 * 1024 },
  { highWaterMark: 0 },
  { highWaterMark: 1000, maxBufferedAmount: 30_000 },
  { highWaterMark: Infinity, maxBufferedAmount: 50_000 },
  { maxBufferedAmount: 0 },
];
for (const limits of LIMITS) {
  const name = JSON.stringify(limits, (_, value) => value === Infinity ? "Infinity" : value);
  test(`what waits arrives in order by one connection, however much it is, with ${name}`, () =>
    handlingAll(async () => {
      const { configure, conns, clock, received, closed } = keeping();
      const client = reconnect(URL, { clock, configure, ...limits });
      const messages = numbered(45);
      for (const message of messages) client.send(message);
      const ended = client.receive();
      await until(clock, () => received[0]?.length === 45 || conns.length > 1);
      await client.close();
      await ended;
      assertEquals([received, closed, client.bufferedAmount, clock.pending], [[upTo(45)], [1005], 0, 0]);
    }));
}

test("what a connection has not taken when it is lost goes to the next one", () =>
  handlingAll(async () => {
    const reading = Promise.withResolvers<void>();
    const { configure, clock, received, drop } = keeping(reading.promise);
    const client = reconnect(URL, { clock, configure, random: () => 0 });
    for (const message of numbered(40)) client.send(message);
    const ended = client.receive();
    await clock.advance(0);
    const room = client.send(numbered(1, 40)[0]!);
    assert(room instanceof Promise);
    const left = (client.bufferedAmount - client.socket!.bufferedAmount) / (SIZE + 64);
    assert(left > 20, `${left} wait`);
    drop[0]!();
    await room; // it is not lost
    const after = client.send(numbered(1, 41)[0]!);
    assertEquals(after, undefined);
    reading.resolve();
    await clock.advance(1);
    await until(clock, () => received[1]!.length === left + 1);
    assertEquals(received[1], upTo(left + 1, 41 - left));
    await client.close();
    await ended;
  }));

test("send() goes behind what waits, in onOpen and in a handler", () =>
  handlingAll(async () => {
    const received: number[] = [];
    const { configure, conns, clock } = inMemory(async (conn) => {
      const socket = await opening(conn);
      await socket.receive((message) => {
        received.push(...numbers([message]));
        if (received.length === 3) socket.send("now");
      });
    });
    const [inOnOpen, ...inHandler] = numbered(3, 40), rooms: unknown[] = [];
    const client = reconnect(URL, {
      clock,
      configure,
      maxBufferedAmount: 100_000,
      onOpen(socket) {
        socket.send("-1");
        rooms.push(client.send(inOnOpen!));
      },
    });
    for (const message of numbered(40)) client.send(message);
    const ended = client.receive(() => rooms.push(...inHandler.map((message) => client.send(message))));
    await until(clock, () => received.length === 44 || conns.length > 1);
    assertEquals(received, [-1, ...upTo(43)]);
    assertEquals(rooms.map((room) => room instanceof Promise), [false, true, true]);
    await Promise.all(rooms);
    await client.close();
    await ended;
  }));

test("close() sends what waits behind an open connection before it closes, as far as it has room", () =>
  handlingAll(async () => {
    for (const [maxBufferedAmount, isAll] of [[undefined, true], [200_000, false]] as const) {
      const reading = Promise.withResolvers<void>();
      const { configure, conns, clock, received, closed } = keeping(reading.promise);
      const client = reconnect(URL, { clock, configure, maxBufferedAmount });
      for (const message of numbered(40)) client.send(message);
      const ended = client.receive();
      await clock.advance(0);
      const room = client.send(numbered(1, 40)[0]!), done = client.close();
      assertThrows(() => client.send("late"), DOMException, "the client has ended");
      reading.resolve();
      await passing(clock, Promise.all([done, ended, room]), 0);
      const { length } = received[0]!;
      assertEquals([length === 41, received[0]], [isAll, upTo(length)]);
      assertEquals([closed, conns.length, client.bufferedAmount, clock.pending], [[1005], 1, 0, 0]);
    }
  }));

for (const [closeCode, isKept] of [[1001, true], [1012, true], [1000, false]] as const) {
  const where = isKept ? "for the next connection" : "by the last connection";
  test(`send() in a handler, after the server has closed with ${closeCode}, sends ${where}`, async () => {
    const received: unknown[][] = [], kept: number[] = [];
    const { configure, clock } = inMemory(async (conn) => {
      const socket = await opening(conn), messages: unknown[] = [], isFirst = received.push(messages) === 1;
      if (isFirst) socket.send("a");
      if (isFirst) socket.close({ closeCode });
      await socket.receive((message) => {
        messages.push(message);
        socket.close({ closeCode: 1000 });
      });
    });
    const client = reconnect(URL, { clock, configure });
    const ended = client.receive(async () => {
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 1)); // the Close has come
      client.send("reply");
      kept.push(client.bufferedAmount - client.socket!.bufferedAmount);
    });
    await passing(clock, ended);
    // The server of the first connection reads no more, as most
    assertEquals([received, kept], isKept ? [[[], ["reply"]], [69]] : [[[]], [0]]);
  });
}

test("a message that can't go between the pieces of another one waits for the next connection", () =>
  handlingAll(async () => {
    const { configure, conns, clock, received } = keeping();
    const onOpen = (socket: Connected) => {
      if (conns.length === 1) socket.send(new Uint8Array(1), { fin: false });
    };
    const errors: unknown[] = [];
    const client = reconnect(URL, { clock, configure, onOpen, onRetry: ({ error }) => errors.push(error.cause) });
    client.send("1");
    const ended = client.receive();
    await until(clock, () => received[1]?.length === 1, 1000);
    assertEquals([received, errors.map(String)], [[[], [1]], [
      "TypeError: Cannot send: the pieces of a message must be all strings or all buffers",
    ]]);
    await client.close();
    await ended;
  }));
