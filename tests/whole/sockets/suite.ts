// Ours against raw sockets over TCP: what only a kernel in between can show. Refusals and Close frames that reach a peer
// which keeps sending, loss in all its forms, back-pressure, many connections, and clients that take their time.

import { assertEquals } from "@std/assert";
import type { WebSocketConnection } from "../../../mod.ts";
import { fakeClock } from "../../../src/testing.ts";
import { test } from "../../kit/harness.ts";
import { dialRaw } from "../../kit/tcp.ts";
import { testBackPressure } from "./back_pressure.ts";
import { nobody, readAll, turn } from "./common.ts";
import type { Door } from "./doors.ts";
import { testLoss } from "./loss.ts";

/** An echo by each face. */
const echoes: readonly ((socket: WebSocketConnection) => Promise<unknown>)[] = [
  (socket) => socket.readable.pipeTo(socket.writable),
  (socket) => socket.receive((message) => socket.send(message)),
];

/** Registers what holds for a connection, whatever way it comes. */
export function testConnection(door: Door): void {
  testLoss(door);
  testBackPressure(door);

  test(`a hundred connections at once, each on ${door.name}, echo without mixing`, async () => {
    let count = 0;
    await using server = await door.serve({}, (socket) => echoes[count++ % 2]!(socket));
    await Promise.all(Array.from({ length: 100 }, async (_, id) => {
      const socket = await door.connect(`ws://127.0.0.1:${server.port}/${id}`);
      const messages = Array.from({ length: 20 }, (_, i) => `message ${i} of ${id} `.repeat(1 + i * id));
      for (const message of messages) socket.send(message);
      const received: unknown[] = [];
      await socket.receive((message) => {
        received.push(message);
        if (received.length === messages.length) socket.close({ closeCode: 1000 });
      });
      assertEquals(received, messages);
    }));
    assertEquals([count, server.failures], [100, []]);
  });

  test(`a server on ${door.name} closes a silent client at its deadline in silence`, async () => {
    const clock = fakeClock(), server = await door.serve({ clock }, nobody), peer = await dialRaw(server.port);
    while (clock.pending === 0) await turn();
    await clock.advance(9999);
    assertEquals(clock.pending, 1);
    await clock.advance(1);
    assertEquals((await readAll(peer)).length, 0);
    await server[Symbol.asyncDispose]();
    assertEquals(server.failures.map(({ failure }) => failure), door.silent);
    assertEquals(clock.pending, 0);
    peer.close();
  });
}
