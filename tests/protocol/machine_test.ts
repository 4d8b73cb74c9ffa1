import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkCompression,
  type CompressionOptions,
  type DeflateAgreement,
} from "../../src/protocol/compression_options.ts";
import type { Message, SendOptions } from "../../src/protocol/contract.ts";
import { Machine } from "../../src/protocol/machine.ts";
import type { MachineEvents, MachineOptions } from "../../src/protocol/machine_contract.ts";
import { agreed, deflated, noise, stored } from "../cases/deflate.ts";
import { concat, hex, latin1, random, test, text } from "../kit/harness.ts";
import { held } from "../load/program.ts";
import { assertSame } from "../kit/assert_same.ts";

const IGNORED: MachineEvents = { messages: { onMessage() {} }, onPong() {}, onPeerClose() {}, onFailure() {} };

/** A machine with compression, where an agreement about it is given. */
function made(
  role: "client" | "server",
  deflate: DeflateAgreement | undefined,
  compression: boolean | CompressionOptions,
  { onMessage, ...events }: Partial<MachineEvents & MachineEvents["messages"]> = {},
): Machine {
  const agreement = { role, protocol: "", extensions: "", ...(deflate && { deflate }) };
  const checked = checkCompression(compression, role);
  const options: MachineOptions = { maxMessageSize: 2 ** 24, highWaterMark: 2 ** 16, compression: checked };
  return new Machine(agreement, { ...IGNORED, ...events, ...(onMessage && { messages: { onMessage } }) }, options);
}

test("Machine tells each thing once, by what it is", () => {
  const told: unknown[] = [];
  const machine = made("client", undefined, false, {
    onMessage: (message) => void told.push(message),
    onPong: (payload) => void told.push(["pong", ...payload]),
    onPeerClose: ({ closeCode, reason }) => void told.push([closeCode, reason]),
    onFailure: ({ failure }) => void told.push(failure),
  });
  machine.receive(hex("81 02 48 69  89 01 07  8a 01 09  82 01 05  88 05 03 e8 62 79 65  81 01 61"));
  assertEquals(told, ["Hi", ["pong", 9], Uint8Array.of(5), [1000, "bye"]]);

  const failing = made("server", undefined, false, { onFailure: ({ failure }) => void told.push(failure) });
  failing.receive(hex("81 00"));
  assertEquals([told.at(-1), failing.state], ["mask-missing", "closed"]);
});

test("Machine loses nothing when it rests, wherever that is between two bytes (RFC 6455 §5.4)", () => {
  const told: unknown[] = [];
  const machine = made("client", undefined, false, {
    onMessage: (message) => void told.push(message),
    onPong: (payload) => void told.push(["pong", ...payload]),
    onFailure: ({ failure }) => void told.push(failure),
  });
  for (const byte of hex("8a 01 09  01 02 48 69  8a 01 08  80 01 21  82 7e 0080").values()) {
    machine.receive(Uint8Array.of(byte));
    machine.rest();
  }
  machine.receive(new Uint8Array(0x80).fill(7));
  machine.pause();
  machine.receive(hex("81 01 61"));
  machine.rest();
  machine.resume();
  machine.close({});
  machine.rest();
  machine.receive(hex("81 01 62  8a 01 07"));
  machine.rest();
  machine.receive(hex("80 01 62"));
  assertEquals(told, [
    ["pong", 9],
    ["pong", 8],
    "Hi!",
    new Uint8Array(0x80).fill(7),
    "a",
    ["pong", 7],
    "continuation-unexpected",
  ]);
  machine.receive(hex("8a 01 06"));
  machine.drop();
  machine.receive(hex("8a 01 05"));
  assertEquals(told.length, 7);
});

test("Machine that was dropped before a byte came reads nothing", () => {
  const told: unknown[] = [], machine = made("client", undefined, false, { onPong: () => void told.push("pong") });
  machine.drop();
  machine.receive(hex("8a 01 05"));
  assertEquals([told, machine.take()], [[], undefined]);
});

test("Machine owes the answer to the peer's Close frame until it is asked for (RFC 6455 §5.5.1)", () => {
  for (const [sent, answer] of [["88 80 00000000", "88 00"], ["88 83 00000000 03e9 78", "88 02 03e9"]] as const) {
    const told: unknown[] = [];
    const machine = made("server", undefined, false, { onPeerClose: (info) => void told.push(info.closeCode) });
    const bytes = hex(sent), isEmpty = answer === "88 00";
    machine.receive(concat(bytes, hex("81 81 00000000 61")));
    bytes.fill(0);
    assertEquals([told, machine.take(), machine.state], [[isEmpty ? 1005 : 1001], undefined, "open"]);
    machine.send("last words");
    machine.answerClose();
    assertEquals(machine.take(), concat(hex("81 0a"), latin1("last words"), hex(answer)));
    assertEquals(machine.state, "closed");
    machine.answerClose();
    machine.close({ closeCode: 1000 });
    machine.receive(hex("89 80 00000000"));
    assertEquals(machine.take(), undefined);
    assertEquals(told.length, 1);
  }
});

test("Machine.close() answers the peer's Close frame with a code of its own, and is then closed (RFC 6455 §5.5.1)", () => {
  const machine = made("server", undefined, false);
  machine.receive(hex("88 82 00000000 03e8"));
  machine.close({ closeCode: 1011 });
  assertEquals([machine.take(), machine.state], [hex("88 02 03f3"), "closed"]);
  machine.answerClose();
  assertEquals(machine.take(), undefined);
});

test("Machine.answerClose() does nothing where no Close frame has come, or ours was sent before", () => {
  const machine = made("server", undefined, false);
  machine.answerClose();
  assertEquals([machine.take(), machine.state], [undefined, "open"]);
  machine.close({ closeCode: 1000 });
  assertEquals(machine.take(), hex("88 02 03e8"));
  machine.receive(hex("88 82 00000000 03e8"));
  assertEquals(machine.state, "closed");
  machine.answerClose();
  assertEquals(machine.take(), undefined);
});

test("Machine answers no Ping that came above the mark once the peer has closed (RFC 6455 §5.5.3)", () => {
  const machine = made("server", undefined, false);
  machine.send(new Uint8Array(2 ** 16 + 1), { compress: false });
  machine.receive(hex("89 80 00000000 88 80 00000000"));
  for (let bytes; (bytes = machine.take());) assert(bytes.at(-1) === 0 && bytes.at(-2) !== 0x8a);
});

test("Machine compresses by the defaults where nothing was set, by what was set otherwise (RFC 7692 §7.1)", () => {
  for (const [compression, first] of [[false, 0x82], [true, 0x82], [{ threshold: 100 }, 0xc2]] as const) {
    const machine = made("server", agreed(), compression);
    machine.send(new Uint8Array(255));
    assertEquals(machine.take()![0], first);
    machine.send(new Uint8Array(256));
    assertEquals(machine.take()![0], 0xc2);
  }
});

/** A client's frame, masked with zeros; RSV1 says that it is compressed. */
function masked(first: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(first, 0xfe, payload.length >> 8, payload.length & 255, 0, 0, 0, 0), payload);
}

/** The ends of a connection. */
const ENDS: readonly [name: string, end: (machine: Machine) => void][] = [
  ["the peer's Close frame, answered", (machine) => {
    machine.receive(hex("88 80 00000000"));
    machine.answerClose();
  }],
  ["the peer's Close frame, answered by our own", (machine) => {
    machine.receive(hex("88 80 00000000"));
    machine.close({ closeCode: 1001 });
  }],
  ["drop()", (machine) => machine.drop()],
  ["our Close frame", (machine) => machine.close({})],
  ["our Close frame inside a compressed message", (machine) => {
    machine.receive(masked(0x42, Uint8Array.from(deflated(noise(1000)))));
    machine.send("the beginning", { fin: false });
    machine.close({});
  }],
  ["a failure", (machine) => machine.receive(hex("83 80 00000000"))],
];

for (const [name, end] of ENDS) {
  test(`contexts are freed with ${name}, by whoever keeps the machine`, async () => {
    const before = await held();
    const machines = Array.from({ length: 200 }, () => made("server", agreed(), { serverMaxWindowBits: 15 }));
    const message = Uint8Array.from(noise(1000)), frame = masked(0xc2, Uint8Array.from(deflated(noise(1000))));
    for (const machine of machines) {
      machine.send(message);
      machine.take();
      machine.receive(frame.slice());
    }
    const used = await held() - before;
    assert(used > 200 * 200_000, `${used} bytes for 200 connections`);
    for (const machine of machines) end(machine);
    const left = await held(before + used / 10) - before;
    assert(left < used / 12, `${left} of ${used} bytes are left`);
    assert(machines.every(({ state }) => state !== "open"));
  });
}

/** A server's machine that compresses, and what it has written, as frames of RFC 6455 §5.2 without a mask. */
function compressing(compression: boolean | CompressionOptions = true, deflate: DeflateAgreement = agreed()) {
  const received: (string | Uint8Array)[] = [];
  const machine = made("server", deflate, compression, {
    onMessage: (message) => void received.push(message),
    onPeerClose: ({ closeCode }) => void received.push(`closed with ${closeCode}`),
    onFailure: ({ failure }) => void received.push(`failed with ${failure}`),
  });
  const frames = () => {
    const found: [first: number, payload: Uint8Array][] = [];
    for (let bytes; (bytes = machine.take());) {
      for (let at = 0; at < bytes.length;) {
        const short = bytes[at + 1]!, size = short < 126 ? 2 : short === 126 ? 4 : 10;
        const length = size === 2 ? short : bytes.slice(at + 2, at + size).reduce((sum, byte) => sum * 256 + byte, 0);
        found.push([bytes[at]!, bytes.slice(at + size, at + size + length)]);
        at += size + length;
      }
    }
    return found;
  };
  const sent = (message: Message, options?: SendOptions) => (machine.send(message, options), frames());
  return { machine, received, frames, sent };
}

const LONG = "Handfast ".repeat(100);

test("messages below the threshold go as they are, which is 256 bytes by default (RFC 7692 §6)", () => {
  for (
    const [compression, sizes] of [
      [true, { 0: 0x82, 255: 0x82, 256: 0xc2, 1000: 0xc2 }],
      [{ threshold: 0 }, { 0: 0xc2, 1: 0xc2 }],
      [{ threshold: 10 }, { 9: 0x82, 10: 0xc2 }],
      [{ threshold: Infinity }, { 1000: 0x82, 100_000: 0x82 }],
    ] as const
  ) {
    const { sent } = compressing(compression);
    for (const [size, first] of Object.entries(sizes)) {
      assertEquals(sent(new Uint8Array(Number(size)))[0]![0], first, `${size} bytes of ${JSON.stringify(compression)}`);
    }
  }
  // Of text it is the bytes
  assertEquals(compressing().sent("€".repeat(85))[0]![0], 0x81);
  assertEquals(compressing().sent("€".repeat(86))[0]![0], 0xc1);
});

test("an empty message is one octet, where it is compressed (RFC 7692 §7.2.3.6)", () => {
  const { sent } = compressing({ threshold: 0 });
  for (let i = 0; i < 3; i++) assertEquals(sent(""), [[0xc1, hex("00")]]);
  sent(LONG);
  assertEquals(sent(new Uint8Array()), [[0xc2, hex("00")]]);
});

test("send(…, { compress: false }) goes as it is, and does not touch the window (RFC 7692 §6.1, §7.2.3.2)", () => {
  const { sent } = compressing({ threshold: 0 });
  const [[, first]] = sent("Hello") as [[number, Uint8Array]];
  assertEquals(first, hex("f2 48 cd c9 c9 07 00"));
  assertEquals(sent(LONG, { compress: false }), [[0x81, latin1(LONG)]]);
  assertEquals(sent("Hello", { compress: true }), [[0xc1, hex("f2 00 11 00 00")]]);
  assertEquals(sent(Uint8Array.of(1, 2), { compress: false, fin: true }), [[0x82, Uint8Array.of(1, 2)]]);
});

test("of a message in pieces the first one says whether it is compressed, and it alone has RSV1 (RFC 7692 §6.1)", () => {
  const { machine, sent, frames } = compressing();
  assertEquals(sent("a", { fin: false })[0]![0], 0x41, "no piece is below the threshold");
  machine.ping();
  machine.send("b", { fin: false, compress: false });
  machine.send("", { fin: false });
  machine.send("c", { compress: false });
  assertEquals(frames().map(([first]) => first), [0x89, 0x00, 0x00, 0x80]);

  assertEquals(sent(LONG, { fin: false, compress: false }), [[0x01, latin1(LONG)]]);
  assertEquals(sent(LONG, { compress: true }), [[0x80, latin1(LONG)]]);
  assertEquals(sent(LONG)[0]![0], 0xc1, "the next one is compressed again");
});

test("what does not become less goes as it is, where no window is kept (RFC 7692 §7.3)", () => {
  const bytes = Uint8Array.from(noise(1000));
  const bare = compressing(true, agreed({ serverNoContextTakeover: true }));
  assertEquals(bare.sent(bytes), [[0x82, bytes]]);
  assertEquals(bare.sent(LONG)[0]![0], 0xc1);
  assertEquals(bare.sent(bytes, { fin: false })[0]![0], 0x42, "a piece is not known to be all");
  bare.machine.send(bytes);
  // Where one is kept, the next message may point to it
  const { sent } = compressing({ serverMaxWindowBits: 15 });
  const [[first, payload]] = sent(bytes) as [[number, Uint8Array]];
  assert(first === 0xc2 && payload.length > 1000);
  assert(sent(bytes)[0]![1].length < 100);
});

test("a machine inflates into messages of their own, which may be given away", () => {
  const { machine, received } = compressing();
  const frame = (payload: number[]) =>
    concat(Uint8Array.of(0xc2, 0x80 | payload.length, 0, 0, 0, 0), Uint8Array.from(payload));
  for (let i = 0; i < 3; i++) {
    machine.receive(frame([...stored([1, 2, 3]), 0]));
    machine.receive(frame([0]));
    for (const message of received.splice(0)) {
      const { buffer } = message as Uint8Array<ArrayBuffer>;
      structuredClone(buffer, { transfer: [buffer] });
    }
  }
  machine.receive(frame([...stored([4]), 0]));
  assertEquals(received, [Uint8Array.of(4)]);
});

test("after our Close frame compressed messages are passed over, corrupt ones too (RFC 6455 §5.5.1)", () => {
  for (const before of ["", "42 80 00000000"]) {
    const { machine, received, frames } = compressing();
    machine.receive(hex(before));
    machine.close({ closeCode: 1000 });
    assertThrows(() => machine.send(LONG), DOMException, "not open");
    const last = before === "" ? "c2" : "80";
    machine.receive(hex(`${last} 81 00000000 06  c1 87 00000000 f248cdc9c90700  42 81 00000000 ff  80 80 00000000`));
    assertEquals(received, []);
    machine.receive(hex("88 82 00000000 03e8"));
    assertEquals(received, ["closed with 1000"]);
    assertEquals(frames().map(([first]) => first), [0x88]);
  }
});

test("a corrupt stream is answered by a Close frame with 1007 and why (RFC 7692 §7.2.2)", () => {
  const { machine, received, frames } = compressing();
  machine.receive(hex("c1 81 00000000 06"));
  assertEquals(received, ["failed with deflate-invalid"]);
  const [[first, payload]] = frames() as [[number, Uint8Array]];
  assertEquals([first, text(payload)], [0x88, "\x03\xefA compressed message can't be inflated"]);
  assertThrows(() => machine.send(LONG), DOMException, "not open");
});

test("two machines understand each other, whatever was agreed and set, in messages and in pieces (RFC 7692 §5)", () => {
  const next = random(11), pick = <T>(list: readonly T[]) => list[next() % list.length]!;
  for (let round = 0; round < 150; round++) {
    const deflate: DeflateAgreement = {
      serverMaxWindowBits: 9 + next() % 7,
      clientMaxWindowBits: 9 + next() % 7,
      serverNoContextTakeover: next() % 2 === 0,
      clientNoContextTakeover: next() % 2 === 0,
    };
    const compression = { level: next() % 10, memLevel: 1 + next() % 9, threshold: pick([0, 100, 256]) };
    const sent: (string | Uint8Array<ArrayBuffer>)[] = [], received: (string | Uint8Array)[] = [];
    const events: Partial<MachineEvents & MachineEvents["messages"]> = {
      onMessage: (message) => void received.push(message),
      onPeerClose: () => assert(false),
      onFailure: ({ message }) => assert(false, message),
    };
    const [a, b] = [made("client", deflate, compression, events), made("server", deflate, compression, events)];
    const exchange = (from: Machine, to: Machine) => {
      const whole = [];
      for (let bytes; (bytes = from.take());) whole.push(bytes.slice());
      const wire = concat(...whole), cut = next() % (wire.length + 1);
      to.receive(wire.slice(0, cut));
      to.receive(wire.slice(cut));
    };
    for (let i = 0; i < 12; i++) {
      const [from, to] = pick<[Machine, Machine]>([[a, b], [b, a]]), size = next() % pick([10, 1000, 30_000]);
      const message = pick<() => string | Uint8Array<ArrayBuffer>>([
        () => "äöü€𝄞 and more ".repeat(size / 20),
        () => Uint8Array.from(noise(size)),
        () => new Uint8Array(size),
      ])();
      sent.push(message);
      if (next() % 3 > 0) from.send(message, { compress: next() % 4 > 0 });
      else {
        const middle = 20 * Math.floor(message.length / 40); // not inside a character
        from.send(message.slice(0, middle), { fin: false });
        from.ping();
        from.send(message.slice(middle));
      }
      exchange(from, to);
      exchange(to, from);
    }
    assertEquals(received.length, sent.length);
    for (const [i, message] of sent.entries()) {
      if (typeof message === "string") assert(received[i] === message, `text ${i} of ${JSON.stringify(deflate)}`);
      else assertSame(received[i] as Uint8Array, message, `bytes ${i} of ${JSON.stringify(deflate)}`);
    }
  }
});
