import { assertEquals, assertRejects } from "@std/assert";
import { WebSocketError } from "../../mod.ts";
import { Pings } from "../../src/connection/pings.ts";
import { closing, times, unhex } from "../cases/frames_base.ts";
import { test } from "../kit/harness.ts";
import { attached, settled } from "../kit/raw_peer.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

for (const role of ["server", "client"] as const) {
  test(`ping() resolves to the round trip in milliseconds, as ${role}`, async () => {
    const { clock, peer, socket } = attached(role);
    socket.receive(() => {}).catch(() => {});
    const ping = socket.ping(bytes(1, 2));
    await clock.advance(40);
    assertEquals(peer.frames(role), [{ ping: "01 02" }]);
    peer.frame(role, "pong", [1, 2]);
    assertEquals(await ping, 40);
    socket.abort();
  });
}

test("ping() has copied its payload when it returns, and takes a view of a part", async () => {
  const { peer, socket } = attached();
  socket.receive(() => {}).catch(() => {});
  const payload = bytes(1, 2, 3, 4);
  const ping = socket.ping(payload.subarray(1, 3));
  payload.fill(9);
  await settled();
  assertEquals(peer.frames("server"), [{ ping: "02 03" }]);
  peer.frame("server", "pong", [2, 3]);
  assertEquals(await ping, 0);
  socket.abort();
});

test("a pong settles its ping and the earlier ones, and no later one", async () => {
  const { clock, peer, socket } = attached();
  socket.receive(() => {}).catch(() => {});
  const pings: Promise<number>[] = [];
  for (let i = 0; i < 4; i++) {
    pings.push(socket.ping());
    await clock.advance(10);
  }
  const sent = peer.frames("server").map(({ ping }) => ping!);
  assertEquals(new Set(sent).size, 4, "each has a payload of its own");
  peer.frame("server", "pong", "nobody has asked for this");
  peer.frame("server", "pong", unhex(sent[2]!));
  assertEquals(await Promise.all(pings.slice(0, 3)), [40, 30, 20]);
  socket.abort();
  await assertRejects(() => pings[3]!, WebSocketError);
});

test("ping() takes 125 bytes; 126 are a RangeError, and nothing is sent", async () => {
  const { peer, socket } = attached();
  await assertRejects(() => socket.ping(new Uint8Array(126)), RangeError);
  socket.ping(bytes(...times(125)));
  await settled();
  assertEquals(peer.frames("server").map(({ ping }) => ping!.length), [125 * 3 - 1]);
  socket.abort();
});

test("ping() rejects when the connection closes first, and nobody has to await it", async () => {
  const { peer, socket } = attached();
  socket.receive(() => {}).catch(() => {});
  const ping = socket.ping();
  peer.frame("server", "close", closing(1000));
  peer.end();
  await socket.closed;
  assertEquals((await assertRejects(() => ping, DOMException)).name, "InvalidStateError");
});

const NOT_OPEN: readonly [name: string, end: (socket: ReturnType<typeof attached>["socket"]) => void][] = [
  ["close()", (socket) => void socket.close()],
  ["abort()", (socket) => socket.abort()],
];
for (const [name, end] of NOT_OPEN) {
  test(`ping() rejects with an InvalidStateError after ${name}`, async () => {
    const { socket } = attached();
    end(socket);
    const error = await assertRejects(() => socket.ping(), DOMException);
    assertEquals(error.name, "InvalidStateError");
    socket.abort();
  });
}

test("Pings settles a ping with an empty payload by an empty pong", async () => {
  const pings = new Pings();
  const ping = pings.add(bytes(), 100);
  pings.onPong(bytes(0), 150);
  pings.onPong(bytes(), 170);
  assertEquals(await ping, 70);
});

test("Pings settles the older of two with the same payload first", async () => {
  const pings = new Pings();
  const first = pings.add(bytes(1), 0), second = pings.add(bytes(1), 10);
  pings.onPong(bytes(1), 20);
  pings.onPong(bytes(1), 50);
  assertEquals([await first, await second], [20, 40]);
});
