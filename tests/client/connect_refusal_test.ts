// How a client lets go of a connection whose handshake has failed: at once when the answer is whole, and otherwise with
// patience that has its bounds.

import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { connect, type ConnectOptions, HandshakeError } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { head } from "../cases/responses_base.ts";
import { test } from "../kit/harness.ts";
import { countedSignal, RawPeer, settled } from "../kit/raw_peer.ts";

/** A connect under way, with a server by hand that never ends. */
async function connecting(options: Partial<ConnectOptions> = {}) {
  const [conn, far] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
  const { controller, signal, listeners } = countedSignal();
  const opening = connect("ws://localhost/chat", { conn, clock, signal, ...options });
  opening.catch(() => {});
  await peer.until("\r\n\r\n");
  return {
    conn,
    peer,
    clock,
    controller,
    /** Its failure, once nothing is left of it. */
    async failure() {
      const error = await assertRejects(() => opening, HandshakeError);
      assertEquals([conn.isClosed, clock.pending, listeners()], [true, 0, 0]);
      return error;
    },
  };
}

const WHOLE: readonly [name: string, answer: string][] = [
  ["a Content-Length", head("HTTP/1.1 403 No", { "Content-Length": "2" }) + "no"],
  ["a Content-Length of 0", head("HTTP/1.1 403 No", { "Content-Length": "0" })],
  ["chunks", head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "2\r\nno\r\n0\r\n\r\n"],
  ["a 204", head("HTTP/1.1 204 No")],
  ["a 101 that is wrong", head("HTTP/1.1 101 Yes", { Upgrade: "websocket" })],
];
for (const [name, answer] of WHOLE) {
  test(`connect() closes at once after a refusal that is whole: ${name}`, async () => {
    const { peer, clock, failure } = await connecting();
    peer.write(answer);
    assertEquals([(await failure()).truncated, clock.now()], [false, 0]);
  });
}

const NOT_WHOLE: readonly [name: string, answer: string][] = [
  ["a malformed head", "HTTP/1.1 403 No\n"],
  ["a body above maxBodySize", head("HTTP/1.1 403 No", { "Content-Length": "9" }) + "no, never"],
  ["a malformed chunk", head("HTTP/1.1 403 No", { "Transfer-Encoding": "chunked" }) + "x\r\n"],
];
for (const [name, answer] of NOT_WHOLE) {
  const options = { maxBodySize: 2, handshakeTimeout: 3000, closeTimeout: 60_000 };

  test(`connect() has patience after ${name}, within handshakeTimeout`, async () => {
    const { conn, peer, clock, failure } = await connecting(options);
    await clock.advance(1000);
    peer.write(answer);
    await clock.advance(1999);
    assertEquals([conn.isClosed, peer.hasEnded], [false, true]);
    await clock.advance(1);
    assertEquals([(await failure()).reusable, clock.now()], [false, 3000]);
  });

  test(`connect() has patience after ${name}, within closeTimeout without another`, async () => {
    const { conn, peer, clock, failure } = await connecting({ ...options, handshakeTimeout: 0 });
    peer.write(answer);
    await clock.advance(59_999);
    assertEquals(conn.isClosed, false);
    await clock.advance(1);
    await failure();
  });

  test(`connect() has patience after ${name}, until its signal is aborted`, async () => {
    const { conn, peer, clock, controller, failure } = await connecting(options);
    peer.write(answer);
    await settled();
    assertEquals([conn.isClosed, peer.hasEnded], [false, true]);
    controller.abort(new Error("mine"));
    await failure();
    assertEquals(clock.now(), 0);
  });
}

const MOMENTS: readonly [name: string, answered: string][] = [
  ["before an answer", ""],
  ["inside the head", "HTTP/1.1 101"],
  ["inside a refusal's body", head("HTTP/1.1 403 No", { "Content-Length": "9" }) + "no"],
];
for (const [name, answered] of MOMENTS) {
  test(`connect() closes when its signal is aborted ${name} with a HandshakeError as reason`, async () => {
    const mine = new HandshakeError("unauthorized", "mine");
    const { peer, controller, failure } = await connecting();
    peer.write(answered);
    await settled();
    controller.abort(mine);
    assertStrictEquals(await failure(), mine);
  });
}
