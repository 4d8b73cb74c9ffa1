// One message for all members of a room: how often it is framed and compressed.

import { assert, assertEquals } from "@std/assert";
import { accept, connect } from "../../mod.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import { connectionPair } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";

const TEXT = Array.from({ length: 60 }, (_, i) => i.toString(36) + i * 7919).join();

/** Publishes the same twice in a room of so many; gives how many bytes each member was sent of either. */
async function sentTwice(count: number): Promise<[once: number, again: number][]> {
  await using rooms = new Rooms({ encode: ({ message }) => message! }); // without numbers, which compress differently
  const members = await Promise.all(Array.from({ length: count }, async () => {
    const [conn, serving] = connectionPair(), compression = { threshold: 0 };
    const [client, socket] = await Promise.all([
      connect("ws://localhost/", { conn, compression: true }),
      accept(serving, { compression }),
    ]);
    await rooms.join("lobby", socket);
    return { conn: serving, client, reader: client.readable.getReader(), socket };
  }));
  const sizes = members.map(({ conn }) => [conn.bytesWritten]);
  for (let turn = 0; turn < 2; turn++) {
    await rooms.publish("lobby", TEXT);
    for (const [i, { reader, conn }] of members.entries()) {
      assertEquals((await reader.read()).value, TEXT);
      sizes[i]!.push(conn.bytesWritten);
    }
  }
  for (const { client } of members) await client.close();
  return sizes.map(([before, once, again]) => [once! - before!, again! - once!]);
}

test("who is alone in a room is sent less the second time, since that refers to what came before", async () => {
  const [[once, again]] = await sentTwice(1) as [[number, number]];
  assert(again < once / 2, `${again} after ${once}`);
});

test("members of a room share a message that is framed and compressed once, for all but the first", async () => {
  const sizes = await sentTwice(4), isSmaller = ([once, again]: [number, number]) => again < once / 2;
  assertEquals(sizes.filter(isSmaller).length, 1, String(sizes)); // who has joined first
  const others = sizes.filter((its) => !isSmaller(its));
  for (const its of others) assertEquals(its, [others[0]![0], others[0]![0]]);
});
