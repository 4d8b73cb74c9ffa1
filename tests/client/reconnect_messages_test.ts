// What a client that comes back sends and receives: messages of all its connections, and those that wait for the next one.

import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { accept, reconnect } from "../../mod.ts";
import type { PairedConnection } from "../../src/testing.ts";
import { allOf, inMemory, passing, URL } from "../kit/coming_back.ts";
import { test } from "../kit/harness.ts";

const opening = (conn: PairedConnection) => accept(conn, { pingInterval: 0, idleTimeout: 0 });

/** A server that sends the name of each connection and drops it, and closes the third one with 1000. */
function naming() {
  const memory = inMemory(async (conn) => {
    const name = `${memory.conns.length}`, socket = await opening(conn);
    socket.send(name);
    socket.send(new Uint8Array(1).fill(Number(name)));
    await socket.ping(); // both have arrived
    if (name === "3") await socket.close({ closeCode: 1000 });
    else socket.abort();
  });
  return memory;
}

const EXPECTED = ["1", Uint8Array.of(1), "2", Uint8Array.of(2), "3", Uint8Array.of(3)];

test("messages() has those of all connections, in order", async () => {
  const { configure, clock } = naming();
  assertEquals(await passing(clock, allOf(reconnect(URL, { clock, configure }).messages())), EXPECTED);
  assertEquals(clock.pending, 0);
});

test("receive() hands over those of all connections, in order", async () => {
  const { configure, clock } = naming(), received: unknown[] = [];
  const handler = (message: unknown) => void received.push(message instanceof Uint8Array ? message.slice() : message);
  await passing(clock, reconnect(URL, { clock, configure }).receive(handler));
  assertEquals(received, EXPECTED);
  assertEquals(clock.pending, 0);
});

test("receive() ends with what its handler throws, and closes with 1011", async () => {
  const mine = new Error("mine"), codes: number[] = [];
  const { configure, conns, clock } = inMemory(async (conn) => {
    const socket = await opening(conn);
    socket.send("Hello");
    codes.push((await socket.receive()).closeCode);
  });
  const client = reconnect(URL, { clock, configure });
  const ended = client.receive(() => {
    throw mine;
  });
  assertStrictEquals(await assertRejects(() => passing(clock, ended)), mine);
  assertEquals([codes, conns.length, conns[0]!.isClosed, clock.pending], [[1011], 1, true, 0]);
});

test("receive() refuses what is wrong before it dials, and the client can still be used", async () => {
  const { configure, conns, clock } = naming(), client = reconnect(URL, { clock, configure });
  await assertRejects(() => client.receive("echo" as unknown as () => void), TypeError, "not a function");
  await assertRejects(() => client.receive(() => {}, { reuse: 0 as unknown as boolean }), TypeError, "reuse: it is 0");
  assertEquals(conns.length, 0);
  assertEquals(await passing(clock, allOf(client.messages())), EXPECTED);
});

test("send() keeps messages for the next connection, behind what onOpen sends", async () => {
  const received: string[][] = [], drop: (() => void)[] = [];
  const { configure, clock } = inMemory(async (conn) => {
    const socket = await opening(conn), messages: string[] = [];
    received.push(messages);
    drop.push(() => socket.abort());
    await socket.receive((message) => void messages.push(String(message)));
  });
  const client = reconnect(URL, {
    clock,
    configure,
    onOpen(socket) {
      socket.send("log in");
      client.send("in onOpen");
    },
  });
  client.send("first");
  const ended = client.receive();
  await clock.advance(0);
  client.send("open");
  await clock.advance(0);
  drop[0]!();
  await clock.advance(0);
  client.send("away");
  assertEquals(client.bufferedAmount, 68);
  await clock.advance(3000);
  assertEquals(received, [["log in", "first", "in onOpen", "open"], ["log in", "away", "in onOpen"]]);
  assertEquals(client.bufferedAmount, 0);
  await client.close();
  await ended;
});

test("send() refuses what is more than maxWaiting, and what comes after the end", async () => {
  const { configure, clock } = inMemory(opening);
  const client = reconnect(URL, { clock, configure, maxWaiting: 100 });
  client.send("x".repeat(36));
  const error = assertThrows(() => client.send(""), DOMException, "164 bytes would wait for a connection");
  assertEquals([error.name, client.bufferedAmount], ["InvalidStateError", 100]);
  assertThrows(() => client.send(1 as unknown as string), TypeError);
  const ended = client.receive();
  await clock.advance(0);
  for (let count = 0; count < 10; count++) client.send("x".repeat(1000)); // they do not wait
  await client.close();
  await ended;
  const late = assertThrows(() => client.send("late"), DOMException, "Cannot send: the client has ended");
  assertEquals([late.name, client.bufferedAmount], ["InvalidStateError", 0]);
});

test("close() throws away what waits", async () => {
  const client = reconnect(URL);
  client.send("Hello");
  await client.close();
  assertEquals(client.bufferedAmount, 0);
});

test("send() with a maxWaiting of 0 keeps nothing", () => {
  const client = reconnect(URL, { maxWaiting: 0 });
  assertThrows(() => client.send(""), DOMException, "(maxWaiting is 0)");
});

test("send() gives the promise of the connection's back-pressure", async () => {
  const { configure, clock } = inMemory(async (conn) => (await opening(conn)).receive());
  const client = reconnect(URL, { clock, configure, highWaterMark: 1000 }), ended = client.receive();
  await clock.advance(0);
  const room = client.send(new Uint8Array(1_000_000));
  assertEquals(room instanceof Promise, true);
  await room;
  await client.close();
  await ended;
});
