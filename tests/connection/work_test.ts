import { assert, assertEquals } from "@std/assert";
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
    const machine: Machine = new Machine(agreement, { ...events, onMessage, onWork }, { ...options, work });
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
