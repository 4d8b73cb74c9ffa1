import { assert, assertEquals, assertThrows } from "@std/assert";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import {
  accept,
  type Agreement,
  attach,
  type CompressionOptions,
  connect,
  type WebSocketConnection,
} from "../../mod.ts";
import { codecOf, Deflater, type DeflaterOptions, Inflater } from "../../src/protocol/deflate.ts";
import type { DeflateAgreement } from "../../src/protocol/compression_options.ts";
import { type Message, Protocol, type ProtocolOptions, type SendOptions } from "../../src/protocol/protocol.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { agreed, deflated, noise, stored } from "../cases/deflate.ts";
import { concat, hex, latin1, random, test, text } from "../kit/harness.ts";
import { held } from "../load/program.ts";
import { settled } from "../kit/raw_peer.ts";

const SETTINGS: DeflaterOptions = { windowBits: 15, level: 6, memLevel: 8, takesOver: true };
const TAIL = hex("00 00 ff ff");

const deflater = (settings: Partial<DeflaterOptions> = {}) => new Deflater({ ...SETTINGS, ...settings });

/** What comes out, or `undefined` for what can't be inflated; the payload is pushed in pieces of that size. */
function inflate(inflater: Inflater, payload: Uint8Array, size = Infinity): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  const sink = (bytes: Uint8Array) => pieces.push(bytes.slice()) > 0;
  for (let at = 0; at < payload.length; at += size) {
    if (!inflater.push(payload.slice(at, at + size), sink)) return undefined;
  }
  return inflater.end(sink) ? concat(...pieces) : undefined;
}

/** Like assertEquals(), for bytes that are many. */
function assertSame(actual: Uint8Array | undefined, expected: Uint8Array, what: string) {
  assert(actual?.length === expected.length, `${what}: ${actual?.length} bytes for ${expected.length}`);
  assert(actual.every((byte, i) => byte === expected[i]), what);
}

/** Messages that have something in common, at every distance up to 40,000: words, zeros, noise, nothing. */
function messages(): Uint8Array[] {
  const next = random(7), far = Uint8Array.from(noise(20_000));
  const words = () => latin1(Array.from({ length: 300 }, () => `"key${next() % 40}": ${next() % 1000}`).join(", "));
  return [
    words(),
    new Uint8Array(),
    far,
    words(),
    new Uint8Array(100_000),
    Uint8Array.of(1),
    far,
    words(),
    latin1("x".repeat(300) + text(far.subarray(0, 600)) + text(far.subarray(0, 600))),
    new Uint8Array(),
  ];
}

const WINDOWS = [9, 10, 11, 12, 13, 14, 15];

test("what a Deflater makes for a window is inflated with exactly that window, byte by byte (RFC 7692 §7.2.1)", () => {
  for (const windowBits of WINDOWS) {
    for (const takesOver of [true, false]) {
      const compressor = deflater({ windowBits, takesOver });
      const whole = new Inflater(windowBits, takesOver), bytewise = new Inflater(windowBits, takesOver);
      for (const [i, message] of messages().entries()) {
        const payload = compressor.compress(message, true).slice(), what = `${windowBits} ${takesOver} ${i}`;
        assertSame(inflate(whole, payload), message, what);
        // A call that gives a byte has no more than the window behind it
        assertSame(inflate(bytewise, payload, 1), message, what);
      }
    }
  }
});

test("an Inflater refuses a distance beyond its window, wherever the payload is cut (RFC 7692 §7.2.1)", () => {
  for (const windowBits of [8, ...WINDOWS.slice(0, -1)]) {
    const noises = noise(2 ** windowBits + 50), bytes = Uint8Array.from([...noises, ...noises]);
    const payload = Uint8Array.from(deflated([...bytes]));
    for (const size of [1, 100, 1000, Infinity]) {
      assertEquals(inflate(new Inflater(windowBits, true), payload, size), undefined, `${windowBits} ${size}`);
      assertSame(inflate(new Inflater(windowBits + 1, true), payload, size), bytes, `${windowBits} ${size}`);
    }
  }
});

test("an Inflater of 256 bytes inflates what has no more (RFC 7692 §7.1.2.2)", () => {
  for (const size of [1, Infinity]) {
    const inflater = new Inflater(8, true);
    const bytes = Uint8Array.from([...noise(200), ...noise(200)]), payload = Uint8Array.from(deflated([...bytes]));
    for (let i = 0; i < 3; i++) assertSame(inflate(inflater, payload, size), bytes, `${size}`);
  }
});

test("a Deflater's payloads are inflated by zlib, at each level and memory level (RFC 7692 §7.2.1)", () => {
  for (let level = 0; level <= 9; level++) {
    for (let memLevel = 1; memLevel <= 9; memLevel++) {
      const compressor = deflater({ level, memLevel, windowBits: 9 + level % 7 });
      const inflater = new Inflater(9 + level % 7, true);
      const pieces = [], sent = messages().slice(0, 5);
      for (const message of sent) {
        const payload = compressor.compress(message, true).slice();
        assertSame(inflate(inflater, payload), message, `${level} ${memLevel}`);
        pieces.push(payload, TAIL);
      }
      const stream = inflateRawSync(concat(...pieces), { finishFlush: constants.Z_SYNC_FLUSH });
      assertSame(stream, concat(...sent), `${level} ${memLevel}, by zlib`);
    }
  }
});

test("an Inflater takes what zlib makes, of every window and kind (RFC 7692 §7.2.2)", () => {
  for (const windowBits of WINDOWS) {
    for (
      const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_HUFFMAN_ONLY, constants.Z_RLE, constants.Z_FIXED]
    ) {
      for (const level of [0, 1, 9]) {
        const inflater = new Inflater(windowBits, false);
        for (const message of messages()) {
          const options = { windowBits, level, strategy, finishFlush: constants.Z_SYNC_FLUSH };
          const payload = new Uint8Array(deflateRawSync(message, options)).subarray(0, -4);
          assertSame(inflate(inflater, payload, 999), message, `${windowBits} ${strategy} ${level}`);
        }
      }
    }
  }
});

test("Deflater.compress() writes the examples of the RFC (RFC 7692 §7.2.3.1, §7.2.3.2, §7.2.3.6)", () => {
  const hello = latin1("Hello");
  for (const [takesOver, second] of [[true, "f2 00 11 00 00"], [false, "f2 48 cd c9 c9 07 00"]] as const) {
    const compressor = deflater({ takesOver });
    assertEquals(compressor.compress(hello, true).slice(), hex("f2 48 cd c9 c9 07 00"));
    assertEquals(compressor.compress(hello, true).slice(), hex(second));
    for (let i = 0; i < 3; i++) assertEquals(compressor.compress(new Uint8Array(), true).slice(), hex("00"));
    // A last fragment without bytes, and fragments of which the end is not cut off
    assertEquals(compressor.compress(hello, false).slice(-4), TAIL);
    assertEquals(compressor.compress(new Uint8Array(), true).slice(), hex("00"));
  }
});

test("Deflater.compress() takes a message in pieces, with empty ones among them (RFC 7692 §7.2.1)", () => {
  const next = random(3);
  for (const takesOver of [true, false]) {
    const compressor = deflater({ takesOver, windowBits: 11 }), inflater = new Inflater(11, takesOver);
    for (const message of [...messages(), ...messages()]) {
      const payloads = [];
      for (let at = 0; at < message.length;) {
        const size = next() % 4 === 0 ? 0 : 1 + next() % 9000;
        payloads.push(compressor.compress(message.subarray(at, at + size), false).slice());
        at += size;
      }
      payloads.push(compressor.compress(new Uint8Array(), true).slice());
      assertSame(inflate(inflater, concat(...payloads), 777), message, "in pieces");
    }
  }
});

test("Deflater.compress() gives payloads of every size up to 64 KiB and some beyond, around its room too", () => {
  const bytes = Uint8Array.from(noise(70_000)), compressor = deflater({ takesOver: false });
  const inflater = new Inflater(15, false);
  const around = [16384, 32768, 65536].flatMap((size) => Array.from({ length: 40 }, (_, i) => size - 35 + i));
  for (const size of [...around, 69_999]) {
    const message = bytes.subarray(0, size);
    assertSame(inflate(inflater, compressor.compress(message, true).slice()), message, `${size}`);
  }
  // More than is kept between two calls
  const large = Uint8Array.from({ length: 3 * 2 ** 20 }, random(9));
  assertSame(inflate(inflater, compressor.compress(large, true).slice()), large, "3 MiB");
  assertSame(inflate(inflater, compressor.compress(bytes, true).slice()), bytes, "behind 3 MiB");
});

test("an Inflater stops when the sink has enough, and gives no more (RFC 6455 §10.4)", () => {
  const payload = Uint8Array.from(deflated(new Array<number>(2 ** 20).fill(0)));
  let count = 0, calls = 0;
  const inflater = new Inflater(15, true);
  assert(inflater.push(payload, (bytes) => (calls++, count += bytes.length) < 100_000));
  assertEquals([count, calls], [131072, 2]);
  // The sink ends it by what is not sent, and frees it
  const other = new Inflater(15, true);
  assert(other.push(hex("00 04 00 fb ff"), () => false));
  assert(other.end(() => (other.free(), false)));
});

test("an Inflater tells what does not end where a block does (RFC 7692 §7.2.2)", () => {
  const hello = "f2 48 cd c9 c9 07 00";
  for (
    const [payload, isWhole] of [
      [hello, true],
      ["f3 48 cd c9 c9 07 00 00", true],
      ["00", true],
      ["f3 48 cd c9 c9 07 00", false],
      ["f2 48 cd", false],
      [`${hello} 00 00 ff ff`, false],
      ["00 06 00 f9 ff 48", false],
    ] as const
  ) {
    for (const takesOver of [true, false]) {
      assertEquals(inflate(new Inflater(15, takesOver), hex(payload)) !== undefined, isWhole, payload);
    }
  }
});

test("an Inflater takes a thousand streams in a row that are empty, and no more (RFC 7692 §7.2.1)", () => {
  const empty = (count: number) =>
    concat(...Array.from({ length: count }, (_, i) => hex(["03 00", "01 0000ffff"][i % 2]!)));
  const hello = hex("f3 48 cd c9 c9 07 00"), end = hex("00");
  for (const size of [1, 7, Infinity]) {
    for (const takesOver of [true, false]) {
      const inflater = new Inflater(15, takesOver);
      // Each message has as many, and so has what is around bytes that come out
      for (let i = 0; i < 2; i++) assertEquals(inflate(inflater, concat(empty(1000), end), size), new Uint8Array());
      const between = concat(empty(1000), hello, empty(1000), hello, empty(1000), end);
      assertEquals(inflate(inflater, between, size), latin1("HelloHello"));
      assertEquals(
        inflate(inflater, concat(empty(999), hex("01")), size),
        new Uint8Array(),
        "and the last one is sent",
      );
      assertEquals(inflate(inflater, concat(hello, empty(1001), end), size), undefined);
      assertEquals(inflate(new Inflater(15, takesOver), concat(empty(1000), hex("01")), size), undefined);
    }
  }
});

// ---- contexts

test("a context keeps nothing of a large message, with a connection nor without one", async () => {
  for (const takesOver of [true, false]) {
    const all = Array.from({ length: 4 }, () => deflater({ takesOver, level: 0 }));
    const before = await held();
    // All have begun before one ends, so that each has a context of its own
    for (const each of all) each.compress(latin1("Hello"), false);
    for (const each of all) each.compress(new Uint8Array(4 * 2 ** 20), true);
    const left = await held(before + 2 ** 21) - before;
    assert(left < 2 ** 22, `${left} bytes, ${takesOver ? "with" : "without"} takeover`);
    for (const each of all) assert(each.compress(latin1("Hello"), true).length > 5);
  }
});

test("contexts that are kept are freed with free(), and begin anew (RFC 7692 §7.1.1)", async () => {
  const before = await held();
  const codecs = Array.from({ length: 200 }, () => codecOf("server", agreed(), { serverMaxWindowBits: 15 }));
  const message = Uint8Array.from(noise(1000)), payload = Uint8Array.from(deflated(noise(1000)));
  for (const { deflater, inflater } of codecs) {
    deflater.compress(message, true);
    assert(inflate(inflater, payload));
  }
  const used = await held() - before;
  assert(used > 200 * 200_000, `${used} bytes for 200 connections`);
  for (const { deflater, inflater } of codecs) {
    deflater.free();
    inflater.free();
  }
  const left = await held(before + used / 10) - before;
  assert(left < used / 4, `${left} of ${used} bytes are left`);
  for (const { deflater, inflater } of codecs.slice(0, 2)) {
    const payload = deflater.compress(latin1("Hello"), true).slice();
    assertEquals(payload, hex("f2 48 cd c9 c9 07 00"));
    assertEquals(inflate(inflater, payload), latin1("Hello"));
  }
});

/** A client's frame, masked with zeros; RSV1 says that it is compressed. */
function masked(first: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat(Uint8Array.of(first, 0xfe, payload.length >> 8, payload.length & 255, 0, 0, 0, 0), payload);
}

/** The ends of a connection. */
const ENDS: readonly [name: string, end: (machine: Protocol) => void][] = [
  ["the peer's Close frame", (machine) => machine.receive(hex("88 80 00000000"))],
  ["our Close frame", (machine) => machine.close()],
  ["our Close frame inside a compressed message", (machine) => {
    machine.receive(masked(0x42, Uint8Array.from(deflated(noise(1000)))));
    machine.send("the beginning", { fin: false });
    machine.close();
  }],
  ["a failure", (machine) => machine.receive(hex("83 80 00000000"))],
];

for (const [name, end] of ENDS) {
  test(`contexts are freed with ${name}, by whoever keeps the machine`, async () => {
    const agreement: Agreement = { role: "server", protocol: "", extensions: "", deflate: agreed() };
    const ignore = { message() {}, close() {}, fail() {} };
    const before = await held();
    const machines = Array.from({ length: 200 }, () => {
      return new Protocol(agreement, ignore, { compression: { serverMaxWindowBits: 15 } });
    });
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

test("a machine refuses at once what it can't compress with (RFC 7692 §7.1.2)", () => {
  const ignore = { message() {}, close() {}, fail() {} };
  const make = (deflate: DeflateAgreement, compression?: CompressionOptions) => {
    return new Protocol({ role: "server", protocol: "", extensions: "", deflate }, ignore, { compression });
  };
  assertThrows(() => make(agreed({ serverMaxWindowBits: 8 })), RangeError, "agreement.deflate.serverMaxWindowBits");
  assertThrows(() => make(agreed({ clientMaxWindowBits: 7 })), RangeError, "agreement.deflate.clientMaxWindowBits");
  assertThrows(() => make(agreed(), { level: 99 }), RangeError, "compression.level");
  make(agreed({ clientMaxWindowBits: 8 }));
});

test("a distance of 32,768 bytes is within the window (RFC 7692 §7.2.2)", () => {
  const before = noise(2 ** 15);
  // A block with fixed codes (RFC 1951 §3.2.6): a length of 3, code 29 and its 13 bits for the distance, the end; and the
  // beginning of an empty block. zlib itself goes no further back than 32,506
  const bits = [0, 1, 0, ..."0000001", ..."11101", ..."1".repeat(13), ..."0000000", 0, 0, 0].map(Number);
  const block = Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) => {
    return bits.slice(8 * i, 8 * i + 8).reduce((byte, bit, at) => byte | bit << at, 0);
  });
  for (const size of [1, 1000, Infinity]) {
    const inflated = inflate(new Inflater(15, true), concat(Uint8Array.from(stored(before)), block), size);
    assertSame(inflated, Uint8Array.from([...before, ...before.slice(0, 3)]), `in pieces of ${size}`);
  }
});

test("without takeover nobody sees another's window, in the middle of a message either (RFC 7692 §7.1.1)", () => {
  const secret = latin1("the secret of somebody else, of which nothing is told"), hello = latin1("Hello");
  const fresh = () => deflater({ takesOver: false });
  const alone = fresh().compress(secret, true).slice();
  const [a, b, c] = [fresh(), fresh(), fresh()];
  for (let round = 0; round < 3; round++) {
    const first = a.compress(secret, false).slice();
    assertEquals(b.compress(secret, true).slice(), alone, "beside a message that has begun");
    const begun = b.compress(hello, false).slice();
    assertEquals(c.compress(secret, true).slice(), alone, "beside two");
    const last = a.compress(secret, true).slice();
    assertEquals(c.compress(secret, true).slice(), alone, "behind it");
    const end = b.compress(secret, true).slice();
    const reader = new Inflater(15, false);
    assertEquals(inflate(reader, concat(first, last)), concat(secret, secret));
    assertEquals(inflate(reader, concat(begun, end)), concat(hello, secret));
  }
});

test("without takeover no message can point to another's, in the middle of a message either (RFC 7692 §7.1.1)", () => {
  const hello = hex("f2 48 cd c9 c9 07 00"), back = hex("f2 00 11 00 00"), sink = () => true;
  const fresh = () => new Inflater(15, false);
  const [a, b, c] = [fresh(), fresh(), fresh()];
  for (let round = 0; round < 3; round++) {
    assert(a.push(concat(hello, TAIL), sink));
    assertEquals(inflate(fresh(), back), undefined, "beside a message that has begun");
    assertEquals(inflate(b, hello), latin1("Hello"));
    assertEquals(inflate(fresh(), back), undefined, "behind another's");
    assertEquals(inflate(a, back), latin1("Hello"), "its own beginning");
    // One that is cut off is nobody's afterwards
    assertEquals(inflate(fresh(), hello.slice(0, 3)), undefined);
    assertEquals(inflate(c, hello), latin1("Hello"));
  }
});

test("codecOf() has each side's window, takeover and settings (RFC 7692 §7.1)", () => {
  const bytes = Uint8Array.from([...noise(3000), ...noise(3000)]), far = Uint8Array.from(deflated([...bytes]));
  for (const role of ["server", "client"] as const) {
    const [ours, theirs] = role === "server" ? ["server", "client"] : ["client", "server"];
    for (const [window, bare] of [[11, true], [15, false]] as const) {
      const own = codecOf(role, agreed({ [`${ours}MaxWindowBits`]: window, [`${ours}NoContextTakeover`]: bare }), true);
      assertEquals([own.deflater.takesOver, own.threshold], [!bare, 256]);
      const payload = own.deflater.compress(bytes, true).slice();
      assertSame(inflate(new Inflater(Math.min(window, 12), true), payload, 1), bytes, `${role} ${window}`);
      assertSame(inflate(own.inflater, far), bytes, "the other window is the largest");

      const other = codecOf(
        role,
        agreed({ [`${theirs}MaxWindowBits`]: window, [`${theirs}NoContextTakeover`]: bare }),
        {},
      );
      assertEquals(other.deflater.takesOver, true);
      assertEquals(inflate(other.inflater, far) !== undefined, window === 15, `${role} ${window}`);
    }
    const set = codecOf(role, agreed(), { [`${ours}MaxWindowBits`]: 15, level: 9, threshold: 7 });
    assertEquals(set.threshold, 7);
    const payload = set.deflater.compress(bytes, true).slice();
    assert(payload.length < 4000, "a window that was set is used");
    assertEquals(inflate(new Inflater(11, true), payload), undefined);
  }
});

// ---- messages

/** A machine that compresses, and what it has written, as frames of RFC 6455 §5.2 without a mask. */
function machine(compression: boolean | CompressionOptions = true, deflate: DeflateAgreement = agreed()) {
  const received: (string | Uint8Array)[] = [];
  const protocol = new Protocol({ role: "server", protocol: "", extensions: "", deflate }, {
    message: (message) => void received.push(message),
    close: ({ closeCode }) => void received.push(`closed with ${closeCode}`),
    fail: ({ failure }) => void received.push(`failed with ${failure}`),
  }, { compression });
  const frames = () => {
    const found: [first: number, payload: Uint8Array][] = [];
    for (let bytes; (bytes = protocol.take());) {
      for (let at = 0; at < bytes.length;) {
        const short = bytes[at + 1]!, size = short < 126 ? 2 : short === 126 ? 4 : 10;
        const length = size === 2 ? short : bytes.slice(at + 2, at + size).reduce((sum, byte) => sum * 256 + byte, 0);
        found.push([bytes[at]!, bytes.slice(at + size, at + size + length)]);
        at += size + length;
      }
    }
    return found;
  };
  const sent = (message: Message, options?: SendOptions) => (protocol.send(message, options), frames());
  return { protocol, received, frames, sent };
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
    const { sent } = machine(compression);
    for (const [size, first] of Object.entries(sizes)) {
      assertEquals(sent(new Uint8Array(Number(size)))[0]![0], first, `${size} bytes of ${JSON.stringify(compression)}`);
    }
  }
  // Of text it is the bytes
  assertEquals(machine().sent("€".repeat(85))[0]![0], 0x81);
  assertEquals(machine().sent("€".repeat(86))[0]![0], 0xc1);
});

test("an empty message is one octet, where it is compressed (RFC 7692 §7.2.3.6)", () => {
  const { sent } = machine({ threshold: 0 });
  for (let i = 0; i < 3; i++) assertEquals(sent(""), [[0xc1, hex("00")]]);
  sent(LONG);
  assertEquals(sent(new Uint8Array()), [[0xc2, hex("00")]]);
});

test("send(…, { compress: false }) goes as it is, and does not touch the window (RFC 7692 §6.1, §7.2.3.2)", () => {
  const { sent } = machine({ threshold: 0 });
  const [[, first]] = sent("Hello") as [[number, Uint8Array]];
  assertEquals(first, hex("f2 48 cd c9 c9 07 00"));
  assertEquals(sent(LONG, { compress: false }), [[0x81, latin1(LONG)]]);
  assertEquals(sent("Hello", { compress: true }), [[0xc1, hex("f2 00 11 00 00")]]);
  assertEquals(sent(Uint8Array.of(1, 2), { compress: false, fin: true }), [[0x82, Uint8Array.of(1, 2)]]);
});

test("of a message in pieces the first one says whether it is compressed, and it alone has RSV1 (RFC 7692 §6.1)", () => {
  const { protocol, sent, frames } = machine();
  assertEquals(sent("a", { fin: false })[0]![0], 0x41, "no piece is below the threshold");
  protocol.ping();
  protocol.send("b", { fin: false, compress: false });
  protocol.send("", { fin: false });
  protocol.send("c", { compress: false });
  assertEquals(frames().map(([first]) => first), [0x89, 0x00, 0x00, 0x80]);

  assertEquals(sent(LONG, { fin: false, compress: false }), [[0x01, latin1(LONG)]]);
  assertEquals(sent(LONG, { compress: true }), [[0x80, latin1(LONG)]]);
  assertEquals(sent(LONG)[0]![0], 0xc1, "the next one is compressed again");
});

test("what does not become less goes as it is, where no window is kept (RFC 7692 §7.3)", () => {
  const bytes = Uint8Array.from(noise(1000));
  const bare = machine(true, agreed({ serverNoContextTakeover: true }));
  assertEquals(bare.sent(bytes), [[0x82, bytes]]);
  assertEquals(bare.sent(LONG)[0]![0], 0xc1);
  assertEquals(bare.sent(bytes, { fin: false })[0]![0], 0x42, "a piece is not known to be all");
  bare.protocol.send(bytes);
  // Where one is kept, the next message may point to it
  const { sent } = machine({ serverMaxWindowBits: 15 });
  const [[first, payload]] = sent(bytes) as [[number, Uint8Array]];
  assert(first === 0xc2 && payload.length > 1000);
  assert(sent(bytes)[0]![1].length < 100);
});

test("a machine inflates into messages of their own, which may be given away", () => {
  const { protocol, received } = machine();
  const frame = (payload: number[]) =>
    concat(Uint8Array.of(0xc2, 0x80 | payload.length, 0, 0, 0, 0), Uint8Array.from(payload));
  for (let i = 0; i < 3; i++) {
    protocol.receive(frame([...stored([1, 2, 3]), 0]));
    protocol.receive(frame([0]));
    for (const message of received.splice(0)) {
      const { buffer } = message as Uint8Array<ArrayBuffer>;
      structuredClone(buffer, { transfer: [buffer] });
    }
  }
  protocol.receive(frame([...stored([4]), 0]));
  assertEquals(received, [Uint8Array.of(4)]);
});

test("after our Close frame compressed messages are passed over, corrupt ones too (RFC 6455 §5.5.1)", () => {
  for (const before of ["", "42 80 00000000"]) {
    const { protocol, received, frames } = machine();
    protocol.receive(hex(before));
    protocol.close({ closeCode: 1000 });
    assertThrows(() => protocol.send(LONG), DOMException, "not open");
    const last = before === "" ? "c2" : "80";
    protocol.receive(hex(`${last} 81 00000000 06  c1 87 00000000 f248cdc9c90700  42 81 00000000 ff  80 80 00000000`));
    assertEquals(received, []);
    protocol.receive(hex("88 82 00000000 03e8"));
    assertEquals(received, ["closed with 1000"]);
    assertEquals(frames().map(([first]) => first), [0x88]);
  }
});

test("a corrupt stream is answered by a Close frame with 1007 and why (RFC 7692 §7.2.2)", () => {
  const { protocol, received, frames } = machine();
  protocol.receive(hex("c1 81 00000000 06"));
  assertEquals(received, ["failed with deflate-invalid"]);
  const [[first, payload]] = frames() as [[number, Uint8Array]];
  assertEquals([first, text(payload)], [0x88, "\x03\xefA compressed message can't be inflated"]);
  assertThrows(() => protocol.send(LONG), DOMException, "not open");
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
    const events = {
      message: (message: string | Uint8Array) => void received.push(message),
      close: () => assert(false),
      fail: ({ message }: Error) => assert(false, message),
    };
    const options: ProtocolOptions = { compression, maxMessageSize: 2 ** 20 };
    const [a, b] = (["client", "server"] as const).map((role) =>
      new Protocol({ role, protocol: "", extensions: "permessage-deflate", deflate }, events, options)
    ) as [Protocol, Protocol];
    const exchange = (from: Protocol, to: Protocol) => {
      const whole = [];
      for (let bytes; (bytes = from.take());) whole.push(bytes.slice());
      const wire = concat(...whole), cut = next() % (wire.length + 1);
      to.receive(wire.slice(0, cut));
      to.receive(wire.slice(cut));
    };
    for (let i = 0; i < 12; i++) {
      const [from, to] = pick([[a, b], [b, a]]), size = next() % pick([10, 1000, 30_000]);
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

// ---- faces and doors

test("connect() and accept() compress, with the same agreement on both, by either face (RFC 7692 §5)", async () => {
  const [conn, server] = connectionPair(), clock = fakeClock();
  const compression = { serverMaxWindowBits: 10, clientNoContextTakeover: true };
  const [client, accepted] = await Promise.all([
    connect("ws://localhost/", { conn, clock, compression: true }),
    accept(server, { clock, compression }),
  ]);
  const deflate = agreed(compression),
    extensions = "permessage-deflate; client_no_context_takeover; server_max_window_bits=10";
  for (const socket of [client, accepted]) assertEquals([socket.deflate, socket.extensions], [deflate, extensions]);
  const echoing = accepted.receive((message) => accepted.send(message));
  const reader = client.readable.getReader(), writer = client.writable.getWriter();
  for (let i = 0; i < 3; i++) {
    writer.write(LONG + i);
    assertEquals((await reader.read()).value, LONG + i);
  }
  client.close();
  await echoing;
  await client.closed;
});

test("a connection without compression has no agreement about it (RFC 7692 §5)", async () => {
  for (const [ours, theirs] of [[true, false], [false, true], [false, false]]) {
    const [conn, server] = connectionPair(), clock = fakeClock();
    const sockets = await Promise.all([
      connect("ws://localhost/", { conn, clock, compression: ours! }),
      accept(server, { clock, compression: theirs! }),
    ]);
    for (const socket of sockets) {
      assertEquals([socket.deflate, socket.extensions], [undefined, ""]);
      socket.abort();
    }
  }
});

test("attach() compresses by the agreement, with its own settings, and per message (RFC 7692 §5)", async () => {
  const agreement = (role: Agreement["role"]): Agreement => ({
    role,
    protocol: "",
    extensions: "permessage-deflate",
    deflate: agreed({ serverNoContextTakeover: true }),
  });
  const [here, far] = connectionPair(), clock = fakeClock();
  const server = attach(here, agreement("server"), { clock, compression: { threshold: 0 } });
  assertEquals(server.deflate, agreed({ serverNoContextTakeover: true }));
  for (let i = 0; i < 2; i++) server.send("Hello".repeat(3));
  server.send("Hello", { compress: false });
  await settled();
  const reader = far.readable.getReader();
  let wire = new Uint8Array();
  while (wire.length < 27) wire = concat(wire, (await reader.read()).value!);
  const payload = "f2 48 cd c9 c9 f7 40 a3 00 00";
  const once = wire.slice(0, 2 + wire[1]!), again = wire.slice(once.length, 2 * once.length);
  assertEquals([once[0], again], [0xc1, once], `like ${payload}: nothing is kept`);
  assertEquals(wire.slice(2 * once.length), hex("81 05 48 65 6c 6c 6f"));
  server.abort();

  const [conn, peer] = connectionPair(), got: unknown[] = [];
  const client: WebSocketConnection = attach(conn, agreement("client"), { clock, prefix: once });
  client.receive((message) => void got.push(message)).catch(() => {});
  const writer = peer.writable.getWriter();
  await writer.write(again);
  await settled();
  assertEquals(got, ["Hello".repeat(3), "Hello".repeat(3)]);
  await writer.write(hex("c1 01 06"));
  await settled();
  const failed = client.closed.catch((error) => error);
  await writer.close();
  const error = await failed;
  assertEquals([error.failure, error.closeCode], ["deflate-invalid", 1007]);
});
