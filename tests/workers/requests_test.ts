// What workerd holds against code that is used to one event loop for all: a request can't read the socket of another, nor
// write to it, and no timer of a request comes once that is over. What the library puts off to the end of a turn, it has to
// put off for each request by itself.

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { connect, WebSocketError } from "../../mod.ts";
import { latin1, test } from "../kit/harness.ts";
import { readFrames } from "../kit/raw_peer.ts";
import { HandClient } from "../kit/serving.ts";
import { bundle, LACKS_WORKERD, Workerd } from "./workerd.ts";

const NEEDS = { lacks: LACKS_WORKERD }, programs = join(import.meta.dirname!, "programs");

/** How many connections there are at once, and how often. */
const MANY = 20, ROUNDS = 5;

/** A Ping of a client, masked with zeros (RFC 6455 §5.5.2). */
const PING = new Uint8Array([0x89, 0x81, 0, 0, 0, 0, 0x2a]);

/** The end of a Text frame of a server with a short payload. */
function frameOf(read: string): number | undefined {
  const end = 2 + read.charCodeAt(1); // NaN while it is not there
  return read.length >= end ? end : undefined;
}

test(
  "connections of a Worker that are made at once begin to read, and write, each in its own request",
  NEEDS,
  async () => {
    await using worker = await Workerd.start(bundle(join(programs, "requests.ts")));
    for (let round = 0; round < ROUNDS; round++) {
      const clients = await Promise.all(Array.from({ length: MANY }, () => HandClient.open(worker.ports.tcp)));
      try {
        await Promise.all(clients.map((client) => client.write("!")));
        const first = await Promise.all(clients.map((client) => client.until(frameOf)));
        assertEquals(new Set(first).size, 1);
        await Promise.all(clients.map((client) => client.write(PING)));
        const second = await Promise.all(clients.map((client) => client.until(frameOf)));
        for (const answer of second) assertEquals(readFrames(latin1(answer), "server"), [{ pong: "2a" }]);
      } finally {
        for (const client of clients) client.conn.close();
      }
    }
  },
);

test(
  "a broadcast to the WebSocket of another request of a Worker loses that one alone, with workerd's words",
  NEEDS,
  async () => {
    await using worker = await Workerd.start(bundle(join(programs, "others.ts")));
    const url = `ws://127.0.0.1:${worker.ports.tcp}/`, sender = await connect(url), other = await connect(url);
    const readers = [sender, other].map(({ readable }) => readable.getReader());
    for (const reader of readers) assertEquals((await reader.read()).value, "added");
    sender.send("Hello");
    assertEquals((await readers[0]!.read()).value, "Hello");
    assertEquals((await assertRejects(() => other.closed, WebSocketError)).closeCode, 1006);
    let told: string[] = [];
    while (told.length === 0) told = await (await worker.fetch("/")).json();
    assertMatch(told[0]!, /^WebSocketError: The connection was lost: Error: .* on behalf of a different request/);
    assertEquals((await sender.close({ closeCode: 1000 })).closeCode, 1000);
  },
);

test("a handler of a Worker that returns takes its WebSocket with it", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(join(programs, "others.ts")));
  const socket = await connect(`ws://127.0.0.1:${worker.ports.tcp}/leave`);
  assertEquals((await assertRejects(() => socket.closed, WebSocketError)).closeCode, 1006);
});
