import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { accept, type AcceptOptions, connect, WebSocketError } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { nextTurn, systemClock } from "../../src/base/clock.ts";
import { work, type WorkHost, workLater } from "../../src/connection/work.ts";
import { Machine } from "../../src/protocol/machine.ts";
import { agreed } from "../cases/deflate.ts";
import { random, test } from "../kit/harness.ts";
import { assertSame } from "../kit/assert_same.ts";

const turn = () => new Promise<void>((resolve) => nextTurn(resolve));

/** Runs with a clock on which each look takes so many milliseconds. */
async function lookingFor(milliseconds: number, run: () => Promise<void>): Promise<void> {
  const now = systemClock.now;
  let time = 0;
  systemClock.now = () => time += milliseconds;
  try {
    await run();
  } finally {
    systemClock.now = now;
    for (let i = 0; i < 3; i++) await turn();
  }
}

/** A host that has so many slices to do, and writes down when it did them. */
const host = (name: string, slices: number, log: string[]): WorkHost => ({
  work() {
    log.push(name);
    return --slices > 0;
  },
  onLost: (error) => void log.push(`${error}`),
});

test("workLater() goes round those who wait, until the time of a turn is used up", async () => {
  await lookingFor(4, async () => {
    const log: string[] = [];
    workLater(host("a", 3, log));
    workLater(host("b", 1, log));
    workLater(host("c", 2, log));
    const turns: string[] = [];
    for (let i = 0; i < 4; i++) {
      await turn();
      turns.push(log.splice(0).join(""));
    }
    assertEquals(turns, ["ab", "ca", "ca", ""]);
  });
});

test("workLater() does a slice in each turn, however long it takes", async () => {
  await lookingFor(1000, async () => {
    const log: string[] = [];
    workLater(host("a", 2, log));
    await turn();
    assertEquals(log.length, 1);
    await turn();
    assertEquals(log.length, 2);
  });
});

test("workLater() tells a host that has thrown, which is out, and goes on with the others", async () => {
  const log: string[] = [];
  const thrower: WorkHost = {
    work() {
      throw new RangeError("no memory");
    },
    onLost: (error) => void log.push(`${error}`),
  };
  workLater(host("a", 2, log));
  workLater(thrower);
  workLater(host("b", 1, log));
  await turn();
  await turn();
  assertEquals(log, ["a", "RangeError: no memory", "b", "a"]);
});

test("work allows so much in a turn, and is renewed in the next", async () => {
  await turn();
  await turn();
  assert(work.allows(100_000));
  assert(!work.allows(100_000));
  assert(work.allows(31_072));
  assertEquals([work.allows(1), work.allows(0)], [false, true]);
  work.spend(1);
  assert(!work.allows(0));
  await turn();
  assert(work.allows(131_072));
  await turn();
});

test("work never allows at once what is more than a turn's", () => {
  assert(!work.allows(131_073));
  assert(!work.allows(Infinity));
});

/** A server's machine that sends back what it gets, driven as a connection drives it, and a client's that does not wait. */
function echoing() {
  const received: (string | Uint8Array)[] = [];
  const events = { onPong() {}, onPeerClose() {}, onFailure: ({ message }: Error) => assert(false, message) };
  const options = { maxMessageSize: 2 ** 24, highWaterMark: 2 ** 16 };
  const make = (role: "client" | "server", onMessage: (message: string | Uint8Array<ArrayBuffer>) => void) => {
    const agreement = { role, protocol: "", extensions: "", deflate: agreed() };
    const onWork = () => workLater({ work: () => machine.work(), onLost: (error) => assert(false, `${error}`) });
    const machine: Machine = new Machine(agreement, { ...events, messages: { onMessage }, onWork }, {
      ...options,
      work,
    });
    return machine;
  };
  const client = make("client", (message) => void received.push(message));
  const server = make("server", (message) => server.send(message));
  const pump = () => {
    for (const [from, to] of [[client, server], [server, client]] as const) {
      for (let bytes; !to.isBehind && (bytes = from.take());) {
        to.receive(bytes);
      }
    }
  };
  return { client, received, pump };
}

const WORDS = "the quick brown fox jumps over the lazy dog".split(" ");

const LARGE: readonly [name: string, make: () => Uint8Array<ArrayBuffer>][] = [
  ["zeros", () => new Uint8Array(2 ** 24)],
  ["words", () => {
    const next = random(1), encoder = new TextEncoder(), bytes = new Uint8Array(2 ** 24);
    for (let at = 0; at < bytes.length;) {
      at += encoder.encodeInto(WORDS[next() % 9]! + " ", bytes.subarray(at)).written || 9;
    }
    return bytes;
  }],
  ["random bytes", () => new Uint8Array(Uint32Array.from({ length: 2 ** 22 }, random(2)).buffer)],
];

for (const [name, make] of LARGE) {
  test(`an echo of 16 MiB of ${name} lets others have their turns, and keeps order`, async () => {
    await lookingFor(4, async () => {
      const { client, received, pump } = echoing(), other = echoing(), bytes = make();
      client.send("first");
      client.send(bytes);
      client.send("last");
      let turns = 0, echoes = 0;
      while (received.length < 3) {
        other.client.send("short");
        pump();
        other.pump();
        await turn();
        pump();
        other.pump();
        turns++;
        echoes = other.received.length;
      }
      assertEquals([received[0], received[2]], ["first", "last"]);
      assertSame(received[1] as Uint8Array, bytes, name);
      // two slices of 64 KiB a turn to compress it twice, and two of 512 KiB to inflate it
      assert(turns > 256, `${turns} turns`);
      assert(echoes >= turns - 1, `${echoes} echoes in ${turns} turns`);
    });
  });
}

test("a hundred connections that send much in one turn take turns, and each message arrives", async () => {
  await lookingFor(4, async () => {
    const all = Array.from({ length: 100 }, echoing), message = "a message for all ".repeat(11_000);
    for (const { client } of all) client.send(message);
    let turns = 0;
    while (all.some(({ received }) => received.length < 1)) {
      await turn();
      for (const { pump } of all) pump();
      turns++;
    }
    assert(turns > 100, `${turns}`);
    assert(all.every(({ received }) => received[0] === message));
  });
});

/** Both ends of a connection that compresses, in memory. */
async function compressing(options: AcceptOptions = {}) {
  const [near, far] = connectionPair({ highWaterMark: Infinity });
  const [client, server] = await Promise.all([
    connect("ws://localhost/", { conn: near, compression: true }),
    accept(far, { compression: true, ...options }),
  ]);
  return { client, server, near, far };
}

for (const [size, code] of [[2 ** 20, undefined], [2 ** 20, 1000], [2 ** 20 + 1, undefined]] as const) {
  test(`a Close ${code ?? "without a code"} leaves behind ${size} bytes that are compressed later (RFC 6455 §5.5.1)`, async () => {
    const { client, server } = await compressing();
    const received = client.receive(),
      served = server.receive(() => {
        server.send(new Uint8Array(size));
      });
    client.send("now");
    client.close(code === undefined ? {} : { closeCode: code });
    const expected = { closeCode: code ?? 1005, reason: "" };
    assertEquals(await Promise.all([received, served]), [expected, expected]);
  });
}

test("our own Close leaves behind what is compressed later, and the peer gets all of it", async () => {
  const { client, server } = await compressing();
  const sizes: number[] = [], received = client.receive((message) => void sizes.push(message.length));
  for (let i = 0; i < 3; i++) server.send(new Uint8Array(2 ** 20));
  await server.close({ closeCode: 1001 });
  assertEquals([(await received).closeCode, sizes], [1001, Array.from({ length: 3 }, () => 2 ** 20)]);
});

test("what waits to be compressed counts, headers included, so that maxBufferedAmount bounds it", async () => {
  const { client, server } = await compressing({ maxBufferedAmount: 4 * 2 ** 20 });
  server.send(new Uint8Array(2 ** 20));
  const before = server.bufferedAmount;
  assert(before > 2 ** 20, `${before}`);
  server.send("");
  assert(server.bufferedAmount > before);
  const full = assertRejects(() => server.closed, WebSocketError);
  assertThrows(() => {
    for (let i = 0; i < 2 ** 20; i++) server.send("");
  }, DOMException);
  assertEquals((await full).failure, "send-buffer-full");
  client.abort();
});

for (const how of ["a loss", "abort()"]) {
  test(`${how} while messages are being inflated settles everything`, async () => {
    const { client, server, near } = await compressing();
    let got = 0;
    const received = server.receive(() => void got++);
    received.catch(() => {});
    for (let i = 0; i < 4; i++) client.send(new Uint8Array(8 * 2 ** 20));
    while (client.bufferedAmount > 0) await new Promise<void>((resolve) => nextTurn(resolve));
    near.reset();
    if (how === "abort()") {
      await new Promise<void>((resolve) => nextTurn(resolve));
      server.abort();
    }
    const lost = await assertRejects(() => server.closed, WebSocketError);
    assertStrictEquals(await received.catch((error) => error), lost);
    if (how === "a loss") assertEquals(got, 4, "what had come is inflated first");
  });
}

test("a loss takes in what was held up to maxMessageSize more, however much the rest would become", async () => {
  const { client, server, near } = await compressing({ maxMessageSize: 2 ** 20 });
  let got = 0;
  const pause = Promise.withResolvers<void>();
  const received = server.receive(() => {
    got++;
    return pause.promise;
  });
  received.catch(() => {});
  for (let i = 0; i < 50; i++) client.send(new Uint8Array(2 ** 20));
  while (client.bufferedAmount > 0) await new Promise<void>((resolve) => nextTurn(resolve));
  near.reset();
  await assertRejects(() => server.closed, WebSocketError);
  pause.resolve();
  await assertRejects(() => received, WebSocketError);
  assert(got >= 2 && got < 6, `${got} messages of a mebibyte`);
});
