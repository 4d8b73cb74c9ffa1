// Ours against raw sockets over TCP: what only a kernel in between can show. Refusals and Close frames that reach a peer
// which keeps sending, loss in all its forms, back-pressure, many connections, and clients that take their time.

import { assertEquals, assertRejects } from "@std/assert";
import { accept, connect, HandshakeError, type WebSocketConnection } from "../../../mod.ts";
import { fakeClock } from "../../../src/testing.ts";
import { test } from "../../kit/harness.ts";
import { testBackPressure } from "./back_pressure.ts";
import { type Form, readAll } from "./common.ts";
import { testLoss } from "./loss.ts";
import { dial, listen, rawPair } from "../../kit/tcp.ts";

/** An echo by each face. */
const echoes: readonly ((socket: WebSocketConnection) => Promise<unknown>)[] = [
  (socket) => socket.readable.pipeTo(socket.writable),
  (socket) => socket.receive((message) => socket.send(message)),
];

/** Registers what holds for a connection in every form that it may be given in. */
export function testConnection(form: string, given: Form): void {
  testLoss(form, given);
  testBackPressure(form, given);

  test(`a hundred connections at once, each on ${form}, echo without mixing`, async () => {
    using listener = await listen();
    const { port } = listener;
    const serving = (async () => {
      const echoing: Promise<unknown>[] = [];
      for (let i = 0; i < 100; i++) {
        const conn = await listener.accept();
        echoing.push(accept(given(conn)).then(echoes[i % 2]!));
      }
      await Promise.all(echoing);
    })();
    await Promise.all(Array.from({ length: 100 }, async (_, id) => {
      const conn = given(await dial(port));
      const socket = await connect(`ws://127.0.0.1:${port}/${id}`, { conn });
      const messages = Array.from({ length: 20 }, (_, i) => `message ${i} of ${id} `.repeat(1 + i * id));
      for (const message of messages) socket.send(message);
      const received: unknown[] = [];
      await socket.receive((message) => {
        received.push(message);
        if (received.length === messages.length) socket.close({ closeCode: 1000 });
      });
      assertEquals(received, messages);
    }));
    await serving;
  });

  test(`accept() on ${form} closes a silent client at its deadline in silence`, async () => {
    const clock = fakeClock();
    const [peer, conn] = await rawPair();
    const accepting = assertRejects(() => accept(given(conn), { clock }), HandshakeError);
    await clock.advance(9999);
    assertEquals(clock.pending, 1);
    await clock.advance(1);
    assertEquals((await readAll(peer)).length, 0);
    assertEquals((await accepting).failure, "handshake-timeout");
    assertEquals(clock.pending, 0);
    peer.close();
  });
}
