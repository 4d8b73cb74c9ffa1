import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { WebSocketError } from "../../mod.ts";
import { closing, latin1, times } from "../cases/frames_base.ts";
import { test } from "../kit/harness.ts";
import { attached, settled } from "../kit/raw_peer.ts";

const ROLES = ["server", "client"] as const;

const CODES: readonly [code: number, allowed: boolean][] = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
    .map((code) => [code, true] as [number, boolean]),
  ...[-1, 0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535, 65536 + 1000, 1000.5, NaN, Infinity]
    .map((code) => [code, false] as [number, boolean]),
];

for (const [code, allowed] of CODES) {
  test(`close() ${allowed ? "takes" : "refuses"} the code ${code}`, async () => {
    const { clock, peer, socket } = attached();
    if (allowed) socket.close({ closeCode: code });
    else assertEquals(assertThrows(() => socket.close({ closeCode: code }), DOMException).name, "InvalidAccessError");
    await settled();
    assertEquals(peer.frames("server"), allowed ? [{ close: code, reason: "" }] : []);
    if (!allowed) socket.send("still open");
    socket.abort();
    assertEquals(clock.pending, 0);
  });
}

const REASONS: readonly [name: string, info: { closeCode?: number; reason?: string }, frame: object | null][] = [
  ["nothing as an empty Close frame", {}, { close: 1005 }],
  ["an empty reason as nothing", { reason: "" }, { close: 1005 }],
  ["a reason alone as 1000", { reason: "bye" }, { close: 1000, reason: "bye" }],
  ["both", { closeCode: 4000, reason: "bye" }, { close: 4000, reason: "bye" }],
  ["123 bytes", { reason: "a".repeat(123) }, { close: 1000, reason: "a".repeat(123) }],
  ["123 bytes of UTF-8", { reason: "€".repeat(41) }, { close: 1000, reason: "€".repeat(41) }],
  ["a lone surrogate as U+FFFD", { reason: "\ud800" }, { close: 1000, reason: "\ufffd" }],
  ["124 bytes", { reason: "a".repeat(124) }, null],
  ["62 characters of 124 bytes", { closeCode: 1000, reason: "ä".repeat(62) }, null],
];

for (const [name, info, frame] of REASONS) {
  test(`close() ${frame ? "sends" : "refuses with a SyntaxError"} ${name}`, async () => {
    const { peer, socket } = attached("client");
    if (frame) socket.close(info);
    else assertEquals(assertThrows(() => socket.close(info), DOMException).name, "SyntaxError");
    await settled();
    assertEquals(peer.frames("client"), frame ? [frame] : []);
    socket.abort();
  });
}

for (const role of ROLES) {
  test(`close() before a face is taken completes, as ${role}`, async () => {
    const { clock, conn, peer, socket } = attached(role);
    peer.frame(role, "text", "never read");
    const closed = socket.close({ closeCode: 4001, reason: "ours" });
    assertStrictEquals(closed, socket.closed);
    assertStrictEquals(socket.close(), closed);
    await settled();
    assertEquals(peer.frames(role), [{ close: 4001, reason: "ours" }]);
    peer.frame(role, "close", closing(4002, latin1("theirs")));
    await settled();
    assertEquals(peer.hasEnded, role === "server", "§7.1.1: the server ends first");
    assertEquals(conn.isClosed, false);
    peer.end();
    assertEquals(await closed, { closeCode: 4002, reason: "theirs" });
    assertEquals([conn.isClosed, peer.conn.isClosed || role === "client", clock.pending], [true, true, 0]);
  });

  test(`no answer within closeTimeout is 1006, as ${role}`, async () => {
    const { clock, conn, peer, socket } = attached(role, { closeTimeout: 5000 });
    const closed = socket.close({ closeCode: 1000 });
    let over = false;
    closed.catch(() => {}).then(() => over = true);
    peer.frame(role, "text", "not a Close");
    await clock.advance(4999);
    assertEquals([over, conn.isClosed], [false, false]);
    await clock.advance(1);
    const error = await assertRejects(() => closed, WebSocketError);
    assertEquals([error.closeCode, error.failure, conn.isClosed], [1006, "connection-lost", true]);
    assertEquals(clock.pending, 0);
  });

  test(`a peer that never ends is cut off after closeTimeout, or two seconds, and the close stays clean, as ${role}`, async () => {
    const { clock, conn, peer, socket } = attached(role, { closeTimeout: 1500 });
    socket.receive(() => {}).catch(() => {});
    peer.frame(role, "close", closing(1000));
    await clock.advance(1499);
    assertEquals(conn.isClosed, false);
    await clock.advance(1);
    assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

test("closeTimeout 0 waits for the peer's Close as long as it takes, and lingers two seconds", async () => {
  const { clock, conn, peer, socket } = attached("server", { closeTimeout: 0 });
  const closed = socket.close();
  await clock.advance(1e9);
  assertEquals([conn.isClosed, clock.pending], [false, 0]);
  peer.frame("server", "close");
  await clock.advance(1999);
  assertEquals(conn.isClosed, false, "the peer may still be sending");
  await clock.advance(1);
  assertEquals(await closed, { closeCode: 1005, reason: "" });
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});

test("closed settles once, after the connection is released", async () => {
  const { conn, peer, socket } = attached();
  let count = 0;
  socket.closed.then(() => {
    count++;
    assert(conn.isClosed, "it is closed when closed settles");
  });
  socket.receive(() => {});
  peer.frame("server", "close", closing(1000));
  await settled();
  assertEquals(count, 0, "the peer has not ended");
  peer.end();
  await settled();
  socket.abort(new Error("too late"));
  assertEquals(await socket.closed, { closeCode: 1000, reason: "" });
  assertEquals(count, 1);
});

test("abort() rejects closed and receive() with 1006 and the reason as cause, at once", async () => {
  const { clock, conn, peer, socket } = attached();
  const reason = new Error("mine");
  const received = socket.receive(() => {});
  const ping = socket.ping();
  socket.send("lost");
  socket.abort(reason);
  const error = await assertRejects(() => socket.closed, WebSocketError);
  assertEquals([error.closeCode, error.failure, error.name], [1006, "connection-lost", "WebSocketError"]);
  assertStrictEquals(error.cause, reason);
  for (const promise of [received, ping, socket.close()]) assertStrictEquals(await assertRejects(() => promise), error);
  socket.abort(new Error("again"));
  assertStrictEquals(await assertRejects(() => socket.closed), error);
  await settled();
  assertEquals([conn.isClosed, clock.pending, peer.take()], [true, 0, ""]);
});

test("abort() while lingering closes at once and keeps the outcome", async () => {
  const { clock, conn, peer, socket } = attached();
  socket.receive(() => {});
  peer.frame("server", "close", closing(1001));
  await settled();
  socket.abort();
  assertEquals(await socket.closed, { closeCode: 1001, reason: "" });
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});

test("a reset is 1006 with the error of the network as cause", async () => {
  const { clock, peer, socket } = attached();
  const received = socket.receive(() => {});
  const reset = new Error("ECONNRESET");
  peer.conn.reset(reset);
  const error = await assertRejects(() => received, WebSocketError);
  assertEquals([error.closeCode, error.failure], [1006, "connection-lost"]);
  assertStrictEquals(error.cause, reset);
  assertEquals(clock.pending, 0);
});

test("what is unwritten at the peer's Close is written when it can be, and the close is clean", async () => {
  const { peer, socket } = attached("server", {}, { reads: false, highWaterMark: 100 });
  socket.receive(() => {});
  for (let i = 0; i < 5; i++) socket.send(new Uint8Array(70_000));
  await settled();
  peer.frame("server", "close", closing(4000));
  await settled();
  const read = peer.read();
  await read;
  peer.end();
  assertEquals(await socket.closed, { closeCode: 4000, reason: "" });
  assertEquals(peer.frames("server").length, 6);
});

for (const loss of ["the deadline", "a reset"] as const) {
  test(`what is unwritten at the peer's Close and lost by ${loss} makes it unclean, with the peer's code`, async () => {
    const { clock, conn, peer, socket } = attached("server", {}, { reads: false, highWaterMark: 100 });
    const received = socket.receive(() => {});
    socket.send(new Uint8Array(70_000));
    await settled();
    peer.frame("server", "close", closing(4000, latin1("enough")));
    await settled();
    if (loss === "a reset") peer.conn.reset();
    else await clock.advance(10_000);
    const error = await assertRejects(() => received, WebSocketError);
    assertEquals([error.closeCode, error.reason], [4000, "enough"]);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

for (const end of ["clean", "unclean"] as const) {
  test(`await using closes, and is not troubled by a ${end} end`, async () => {
    const { clock, peer, socket } = attached();
    const used = (async () => {
      await using mine = socket;
      mine.send("Hello");
    })();
    await settled();
    assertEquals(peer.frames("server"), [{ text: "Hello" }, { close: 1005 }]);
    if (end === "clean") peer.frame("server", "close");
    peer.end();
    await used;
    assertEquals(clock.pending, 0);
  });
}

test("closing while messages cannot be written is bounded by closeTimeout", async () => {
  const { clock, conn, socket } = attached("client", {}, { reads: false, highWaterMark: 100 });
  socket.send(Uint8Array.from(times(100_000)));
  const closed = socket.close();
  await clock.advance(10_000);
  assertEquals((await assertRejects(() => closed, WebSocketError)).closeCode, 1006);
  assertEquals([conn.isClosed, clock.pending], [true, 0]);
});
