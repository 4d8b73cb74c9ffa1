// What a machine puts off when only so much may be compressed and inflated in a turn: it tells, does the same, and in order.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkCompression, type DeflateAgreement } from "../../src/protocol/compression_options.ts";
import type { SendOptions } from "../../src/protocol/contract.ts";
import type { Work } from "../../src/protocol/deflate.ts";
import { Machine } from "../../src/protocol/machine.ts";
import { prepare } from "../../src/protocol/prepared_message.ts";
import { agreed, deflated, noise } from "../cases/deflate.ts";
import { concat, everySplit, hex, random, test, text } from "../kit/harness.ts";

/** Work that may be done until the next turn. */
class Allowance implements Work {
  left: number;
  constructor(left = 0) {
    this.left = left;
  }
  allows(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }
  spend(bytes: number): void {
    this.left -= bytes;
  }
}

/** Nothing may be done, not even what takes no bytes. */
const nothing = () => new Allowance(-1);

interface Settings {
  readonly role?: "client" | "server";
  readonly deflate?: DeflateAgreement;
  readonly level?: number;
  readonly work?: Work | undefined;
  readonly maxMessageSize?: number;
}

/** A machine, and what it has told, a line each. */
function made({ role = "server", deflate = agreed(), level = 6, work, maxMessageSize = 2 ** 24 }: Settings = {}) {
  const told: string[] = [], received: (string | Uint8Array)[] = [];
  let asked = 0;
  const machine: Machine = new Machine({ role, protocol: "", extensions: "", deflate }, {
    messages: {
      onMessage(message) {
        received.push(message);
        told.push(`message ${message.length} ${typeof message === "string" ? "text" : message.at(-1)}`);
      },
    },
    onPong: (payload) => void told.push(`pong ${text(payload)}`),
    onPeerClose: ({ closeCode }) => void told.push(`close ${closeCode}`),
    onFailure: ({ failure, reason }) => void told.push(`failure ${failure} ${reason}`),
    onWork: () => void asked++,
  }, {
    maxMessageSize,
    highWaterMark: 2 ** 16,
    compression: checkCompression({ level }, role),
    maskKey: () => 0,
    work,
  });
  const taken = () => {
    const pieces = [];
    for (let bytes; (bytes = machine.take());) pieces.push(bytes.slice());
    return concat(...pieces);
  };
  const finish = () => {
    let turns = 0;
    do turns++; while (machine.work());
    return turns;
  };
  return { machine, told, received, taken, finish, asked: () => asked };
}

const KIB = 1024;

/** What a client writes that does this. */
function wire(run: (machine: Machine) => void): Uint8Array<ArrayBuffer> {
  const { machine, taken } = made({ role: "client" });
  run(machine);
  return taken();
}

const LONG = wire((machine) => {
  machine.send("before");
  machine.send(new Uint8Array(700 * KIB));
  machine.ping(Uint8Array.of(0x70));
  machine.send("x".repeat(1000), { fin: false });
  machine.send("y".repeat(1000));
  machine.send(Uint8Array.from(noise(300)));
  machine.close({ closeCode: 1000 });
});

test("what is received beyond the allowance waits for work(), and comes in order, at every split", async () => {
  const expected = made();
  expected.machine.receive(LONG.slice());
  assertEquals(expected.told.length, 5);
  await everySplit(LONG, (chunks) => {
    for (const work of [nothing(), new Allowance(0), new Allowance(20_000)]) {
      const { machine, told, taken, finish, asked } = made({ work });
      for (const chunk of chunks) machine.receive(chunk);
      assert(machine.isBehind && told.length <= 1 && asked() === 1, told.join());
      finish();
      assertEquals(told, expected.told);
      assert(!machine.isBehind);
      assertEquals(taken(), hex("8a 01 70"));
    }
  });
});

test("receive() keeps the memory of a chunk while something of it waits", () => {
  const { machine, finish } = made({ work: nothing() });
  const whole = wire((machine) => machine.send(new Uint8Array(5000)));
  assert(!machine.receive(whole));
  assert(!machine.receive(hex("8a 80 00000000")));
  finish();
  assert(machine.receive(hex("8a 80 00000000")));
});

test("within the allowance nothing is put off, and nobody is asked", () => {
  const { machine, told, taken, asked } = made({ work: new Allowance(2 ** 20) });
  machine.receive(LONG.slice());
  assertEquals(told.length, 5);
  machine.answerClose();
  assert(taken().length > 0);
  assertEquals([asked(), machine.work()], [0, false]);
});

test("input from which nothing comes is counted too: it takes as long (RFC 7692 §7.2.1)", () => {
  const empty = concat(...Array.from({ length: 20_000 }, () => hex("00 00 00 ff ff")));
  const work = new Allowance(2 ** 17), { machine } = made({ work });
  const head = concat(
    hex("42 ff"),
    new Uint8Array(5),
    Uint8Array.of(empty.length >> 16, empty.length >> 8, empty.length),
  );
  machine.receive(concat(head, new Uint8Array(4), empty));
  assert(machine.isBehind && work.left < 0, `${work.left} are left`);
});

/** Messages that fail, and what is before them. */
const FAILING: readonly [name: string, bytes: Uint8Array<ArrayBuffer>, failure: string][] = [
  ["a block type that is none", concat(hex("c2 fe 0801 00000000"), zeros(2048, 0x06)), "deflate-invalid"],
  ["more than the limit", wire((machine) => machine.send(new Uint8Array(900_001))), "message-too-big"],
  ["no UTF-8", withText(wire((machine) => machine.send(new Uint8Array(200_000).fill(0xff)))), "text-not-utf8"],
];

/** The payload of 2 MiB of zeros is cut off, and a byte put behind it. */
function zeros(size: number, last: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(size + 1).fill(0);
  payload.set(Uint8Array.from(deflated(Array<number>(600_000).fill(0))).subarray(0, 100));
  payload[100] = last;
  payload.fill(0xff, 101);
  return payload;
}

function withText(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  bytes[0]! ^= 3; // binary becomes text
  return bytes;
}

for (const [name, bytes, failure] of FAILING) {
  test(`a compressed message with ${name} fails by work() as it does at once, at every split`, async () => {
    const expected = made({ maxMessageSize: 900_000 });
    expected.machine.receive(concat(bytes, hex("81 80 00000000")));
    assert(expected.told[0]?.includes(failure), expected.told.join());
    await everySplit(bytes, (chunks) => {
      const { machine, told, taken, finish } = made({ maxMessageSize: 900_000, work: nothing() });
      for (const chunk of chunks) machine.receive(chunk);
      finish();
      assertEquals(told, expected.told);
      assertEquals([taken()[0], machine.state, machine.isBehind], [0x88, "closed", false]);
    });
  });
}

test("pause() holds what waits, resume() asks for work again", () => {
  const { machine, told, finish, asked } = made({ work: nothing() });
  machine.receive(LONG.slice());
  machine.pause();
  assertEquals([machine.work(), told.length, asked()], [false, 1, 1]);
  machine.resume();
  assertEquals([told.length, asked()], [1, 2]);
  finish();
  assertEquals(told.length, 5);
});

test("close() passes over what waits to be inflated, and finds the peer's Close frame (RFC 6455 §7.1.2)", () => {
  for (const cut of [20, 100, 300, LONG.length - 10, LONG.length]) {
    const { machine, told, finish } = made({ work: nothing() });
    machine.receive(LONG.slice(0, cut));
    machine.close({ closeCode: 1000 });
    finish();
    machine.receive(LONG.slice(cut));
    finish();
    assertEquals(told.slice(-1), ["close 1000"], `cut at ${cut}`);
    assertEquals(told.length, 2);
  }
});

test("drop() lets go of what waits, in both directions", () => {
  const { machine, told, finish } = made({ work: nothing() });
  machine.send(new Uint8Array(5000));
  machine.receive(LONG.slice());
  machine.drop();
  assertEquals([machine.buffered, machine.isBehind, finish(), machine.take()], [0, false, 1, undefined]);
  assertEquals(told.length, 1);
});

const WORDS = "the quick brown fox jumps over the lazy dog ".repeat(8000);

/** What is sent, in order. */
function sendAll(machine: Machine): void {
  const sends: [string | Uint8Array<ArrayBuffer>, SendOptions?][] = [
    [WORDS],
    ["short"],
    [Uint8Array.from(noise(1000))],
    [new Uint8Array(300_000)],
    ["as it is ".repeat(100), { compress: false }],
    [WORDS.slice(0, 100_000), { fin: false }],
    ["", { fin: false }],
    [WORDS.slice(1, 70_000)],
    [Uint8Array.from(noise(70_000))],
    ["", {}],
  ];
  for (const [message, options] of sends) machine.send(message, options);
}

test("what is put off becomes the messages that it would be at once, whatever was agreed (RFC 7692 §7.2.1)", () => {
  for (const serverNoContextTakeover of [false, true]) {
    for (const serverMaxWindowBits of [9, 15]) {
      const deflate = agreed({ serverNoContextTakeover, serverMaxWindowBits });
      for (let level = 0; level <= 9; level++) {
        const expected = made({ deflate, level }), late = made({ deflate, level, work: nothing() });
        for (const { machine } of [expected, late]) {
          sendAll(machine);
          machine.close({ closeCode: 1000 });
        }
        assertEquals([late.taken().length, late.asked()], [0, 1]);
        assert(late.machine.buffered > 890_000);
        assert(late.finish() > 5);
        const [atOnce, putOff] = [expected, late].map(({ taken }) => {
          const peer = made({ role: "client", deflate });
          peer.machine.receive(taken());
          return peer;
        });
        assertEquals(putOff!.told.length, 9);
        assertEquals(putOff!.received, atOnce!.received);
        assertEquals([late.machine.buffered, late.machine.state], [0, "closing"]);
      }
    }
  }
});

test("a machine at random allowances sends what one without them does", () => {
  const next = random(3);
  for (let round = 0; round < 40; round++) {
    const work = new Allowance(), late = made({ work }), peer = made({ role: "client" });
    const sent: string[] = [];
    for (let i = 0; i < 10; i++) {
      work.left = next() % 100_000 - 1000;
      const message = WORDS.slice(next() % 1000, 1000 + next() % 200_000);
      sent.push(message);
      late.machine.send(message, { compress: i % 3 > 0 });
      if (next() % 2) late.machine.work();
      peer.machine.receive(late.taken());
    }
    late.finish();
    peer.machine.receive(late.taken());
    assertEquals(peer.received, sent, `round ${round}`);
  }
});

test("a message that is put off is a copy of its own, and its properties are not trusted", () => {
  const { machine, taken, finish } = made({ work: nothing() }), peer = made({ role: "client" });
  const bytes = new Uint8Array(5000).fill(1), sent = [bytes, bytes.subarray(10, 400)];
  for (const message of sent) machine.send(message);
  machine.send(Object.defineProperty(new Uint8Array(400).fill(1), "length", { value: 1000 }));
  machine.send(Object.defineProperty(new Uint8Array(4).fill(1), "length", { value: 1000 }), { compress: false });
  bytes.fill(2);
  finish();
  peer.machine.receive(taken());
  assertEquals(peer.told, ["message 5000 1", "message 390 1", "message 400 1", "message 4 1"]);
  assert(peer.received.every((message) => new Set<unknown>(message as Uint8Array).size === 1));
});

test("a large message is joined a part at a time, and close() passes over one that is being joined", () => {
  const whole = wire((machine) => machine.send(new Uint8Array(8 * 2 ** 20).fill(7)));
  const turnsOf = (closesAt: number) => {
    const { machine, told, taken } = made({ work: nothing() });
    machine.receive(whole.slice());
    let turns = 0;
    do if (++turns === closesAt) machine.close({ closeCode: 1000 }); while (machine.work());
    machine.receive(hex("88 82 00000000 03e8"));
    return { turns, told, taken };
  };
  const { turns, told } = turnsOf(-1);
  assertEquals(told, ["message 8388608 7", "close 1000"]);
  assert(turns > 16, `${turns} turns`); // inflating alone takes fewer
  for (let closesAt = 1; closesAt <= turns; closesAt++) {
    assertEquals(turnsOf(closesAt).told, ["close 1000"], `closed in turn ${closesAt} of ${turns}`);
  }
});

test("what is sent to many is copied once, and what the caller changes in between is not shared", () => {
  const bytes = new Uint8Array(200_000).fill(1), text = "the same ".repeat(5000);
  const all = Array.from({ length: 3 }, () => made({ work: nothing() }));
  for (const { machine } of all.slice(0, 2)) {
    machine.send(bytes);
    machine.send(text);
  }
  bytes.fill(2);
  for (const { machine } of all) {
    machine.send(bytes);
    machine.send(text + text);
  }
  for (const [i, { finish, taken }] of all.entries()) {
    const peer = made({ role: "client" });
    finish();
    peer.machine.receive(taken());
    const after = [`message 200000 2`, `message ${2 * text.length} text`];
    assertEquals(peer.told, i < 2 ? ["message 200000 1", `message ${text.length} text`, ...after] : after);
  }
});

test("pings, and answers to pings, pass what waits to be compressed (RFC 6455 §5.4)", () => {
  const { machine, taken } = made({ work: nothing() }), peer = made({ role: "client" });
  machine.send(WORDS);
  machine.ping(Uint8Array.of(1));
  machine.receive(hex("89 81 00000000 02"));
  assertEquals(taken(), hex("89 01 01 8a 01 02"));
  while (machine.work()) {
    machine.receive(hex("89 81 00000000 02")); // between the frames of the message, too
    peer.machine.receive(taken());
  }
  peer.machine.receive(taken());
  assertEquals(peer.told, [...Array.from({ length: 5 }, () => "pong \x02"), `message ${WORDS.length} text`]);
});

test("the answer to the peer's Close frame is behind what waits, and nothing is behind it (RFC 6455 §5.5.1)", () => {
  const { machine, taken, finish, told } = made({ work: nothing() }), peer = made({ role: "client" });
  machine.send(WORDS);
  machine.receive(hex("88 82 00000000 03e8"));
  machine.answerClose();
  assertEquals([machine.state, taken().length, told], ["closed", 0, ["close 1000"]]);
  assertThrows(() => machine.send("more"), DOMException, "not open");
  finish();
  peer.machine.receive(taken());
  assertEquals(peer.told, [`message ${WORDS.length} text`, "close 1000"]);
  assertEquals(machine.buffered, 0);
});

test("the peer's Close frame takes nothing away that waits, behind our own (RFC 6455 §5.5.1)", () => {
  const { machine, taken, finish } = made({ work: nothing() }), peer = made({ role: "client" });
  machine.send(WORDS);
  machine.close({ closeCode: 1001 });
  machine.receive(hex("88 82 00000000 03e8"));
  assertEquals([machine.state, taken().length], ["closed", 0]);
  finish();
  peer.machine.receive(taken());
  assertEquals(peer.told, [`message ${WORDS.length} text`, "close 1001"]);
});

test("a failure's Close frame goes at once, and what waits is dropped, before and behind our own (RFC 6455 §7.1.7)", () => {
  for (const closes of [false, true]) {
    const { machine, taken, finish } = made({ work: nothing() });
    machine.send(WORDS);
    if (closes) machine.close({ closeCode: 1000 });
    machine.receive(hex("83 80 00000000"));
    const wire = taken();
    assertEquals([...wire.subarray(0, 1), ...wire.subarray(2, 4)], [0x88, 0x03, 0xea]);
    assertEquals([machine.buffered, finish(), taken().length, machine.state], [0, 1, 0, "closed"]);
  }
});

test("what is received by work() may be answered at once, and keeps its place", () => {
  const echo: Machine = new Machine({ role: "server", protocol: "", extensions: "", deflate: agreed() }, {
    messages: { onMessage: (message) => echo.send(message) },
    onPong() {},
    onPeerClose: () => echo.answerClose(),
    onFailure: ({ message }) => assert(false, message),
    onWork() {},
  }, { maxMessageSize: 2 ** 24, highWaterMark: 2 ** 16, work: nothing() });
  const { machine, told, taken } = made({ role: "client" });
  sendAll(machine);
  echo.receive(taken());
  echo.receive(hex("88 82 00000000 03e8"));
  assert(echo.isBehind);
  while (echo.work());
  for (let bytes; (bytes = echo.take());) machine.receive(bytes);
  assertEquals(told.map((line) => line.split(" ")[1]), [
    `${WORDS.length}`,
    "5",
    "1000",
    "300000",
    "900",
    "169999",
    "70000",
    "0",
    "1000",
  ]);
});

test("a prepared message goes behind what waits to be compressed, and the window is right on both sides of it", () => {
  for (const role of ["server", "client"] as const) {
    const { machine, taken, finish } = made({ role, work: nothing() });
    const other = made({ role: role === "server" ? "client" : "server" });
    const [a, b, c] = ["a", "b", "c"].map((letter) => `${letter}: ${"all the same words again ".repeat(400)}`) as [
      string,
      string,
      string,
    ];
    machine.send(a);
    machine.send(prepare(b));
    machine.send(c);
    machine.send(prepare("short"));
    machine.send(a);
    assertEquals(taken().length, 0, "all of it waits");
    assert(machine.buffered > 30_000 - b.length);
    finish();
    other.machine.receive(taken());
    assertEquals(other.received, [a, b, c, "short", a]);
  }
});

test("compressing a prepared message is charged to the turn", () => {
  const work = new Allowance(100_000), { machine } = made({ work });
  const prepared = prepare("x".repeat(60_000));
  machine.send(prepared);
  assertEquals(work.left, 40_000);
  machine.send(prepared);
  assertEquals(work.left, 40_000, "once");
});
