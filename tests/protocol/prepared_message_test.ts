import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { prepare, Protocol, type SendOptions } from "../../src/protocol.ts";
import { Prepared, type PreparedMessage } from "../../src/protocol/prepared_message.ts";
import type { CompressionOptions, DeflateAgreement } from "../../src/protocol/compression_options.ts";
import type { Message } from "../../src/protocol/contract.ts";
import { Deflater } from "../../src/protocol/deflate.ts";
import { agreed, noise } from "../cases/deflate.ts";
import { concat, random, test, text } from "../kit/harness.ts";

const PLAIN = { protocol: "", extensions: "" };

/** Two machines, the second of which keeps what it gets. */
function pair(role: "client" | "server", deflate?: DeflateAgreement, compression?: CompressionOptions) {
  const received: (string | Uint8Array)[] = [], failures: string[] = [], wire: number[] = [];
  const none = { message() {}, close() {}, fail: ({ failure }: { failure?: string }) => void failures.push(failure!) };
  const here = new Protocol({ role, ...PLAIN, ...deflate && { deflate } }, none, { compression });
  const there = new Protocol(
    { role: role === "server" ? "client" : "server", ...PLAIN, ...deflate && { deflate } },
    { ...none, message: (message) => received.push(typeof message === "string" ? message : message.slice()) },
    {},
  );
  return {
    here,
    received,
    failures,
    wire,
    send(message: Message | PreparedMessage, options?: SendOptions) {
      here.send(message, options);
      for (let bytes; (bytes = here.take());) {
        wire.push(bytes[0]!);
        there.receive(bytes.slice());
        here.recycle(bytes);
      }
    },
  };
}

/** Ordinary messages that refer to those before them, wherever a window allows it. */
const words = (seed: number) => {
  const next = random(seed);
  return Array.from({ length: 120 }, () => `"key${next() % 20}": ${next() % 50}`).join(", ");
};

const MESSAGES: readonly [name: string, message: Message, isText: boolean, size: number][] = [
  ["text", "Grüß Gott 👋", true, 16],
  ["empty text", "", true, 0],
  ["a lone surrogate", "\udc00", true, 3],
  ["bytes", Uint8Array.of(1, 2, 3), false, 3],
  ["an ArrayBuffer", new ArrayBuffer(2), false, 2],
  ["a view of elements of four bytes", Float32Array.of(1, 2), false, 8],
  ["200,000 bytes", Uint8Array.from(noise(200_000)), false, 200_000],
];

for (const [name, message, isText, size] of MESSAGES) {
  for (const role of ["server", "client"] as const) {
    test(`prepare() of ${name}: sent by a ${role}, any number of times`, () => {
      const prepared = prepare(message), { send, received } = pair(role);
      assertEquals([prepared.isText, prepared.size, prepared.compress], [isText, size, true]);
      for (let i = 0; i < 3; i++) send(prepared);
      const whole = pair(role);
      whole.send(message);
      assertEquals(received, [whole.received[0]!, whole.received[0]!, whole.received[0]!]);
    });
  }
}

test("prepare() copies the message", () => {
  const bytes = Uint8Array.of(1, 2), prepared = prepare(bytes), { send, received } = pair("server");
  bytes.fill(9);
  send(prepared);
  assertEquals(received, [Uint8Array.of(1, 2)]);
});

for (const wrong of [5, null, undefined, {}, [1], new SharedArrayBuffer(2)]) {
  test(`prepare() refuses ${Object.prototype.toString.call(wrong)}`, () => {
    assertThrows(() => prepare(wrong as Message), TypeError, "Cannot send: a message must be a string, an ArrayBuffer");
  });
}

test("prepare() refuses a compress that is no boolean: it may keep a secret apart", () => {
  for (const compress of ["no", 0, null]) {
    assertThrows(
      () => prepare("a", { compress: compress as unknown as boolean }),
      TypeError,
      "Cannot use the option compress",
    );
  }
});

test("send() refuses what only looks like a prepared message", () => {
  const { send } = pair("server");
  const like = { isText: true, size: 1, compress: true };
  assertThrows(() => send(like), TypeError, "Cannot send: a message must be a string");
});

test("a prepared message is whole: no piece, and not between pieces", () => {
  const { send, here, received } = pair("server"), prepared = prepare("x");
  const message = "Cannot send: a prepared message is a whole one";
  assertThrows(() => send(prepared, { fin: false }), TypeError, message);
  here.send("a", { fin: false });
  assertThrows(() => send(prepared), TypeError, message);
  send("b");
  send(prepared);
  assertEquals(received, ["ab", "x"]);
});

const NO_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true };
const COMBINATIONS: readonly (readonly [name: string, deflate: Partial<DeflateAgreement>, CompressionOptions])[] = [
  ["windows that go on", {}, {}],
  ["no context takeover", NO_TAKEOVER, {}],
  ["windows of 512 bytes", { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }, {}],
  ["level 1", {}, { level: 1 }],
  ["level 0", {}, { level: 0 }],
  ["large windows", {}, { serverMaxWindowBits: 15, clientMaxWindowBits: 15 }],
];

for (const [name, deflate, compression] of COMBINATIONS) {
  for (const role of ["server", "client"] as const) {
    test(`a prepared message among others with ${name}, sent by a ${role} (RFC 7692 §7.2.3)`, () => {
      const { send, received, failures, wire } = pair(role, agreed(deflate), { ...compression, threshold: 8 });
      const prepared = [words(1), words(2), "short", "", Uint8Array.from(noise(500)), words(1).repeat(20)];
      const sent: (string | Uint8Array)[] = [], next = random(5);
      for (let i = 0; i < 200; i++) {
        const isPrepared = next() % 3 === 0,
          message = isPrepared ? prepared[next() % prepared.length]! : words(next() % 9);
        sent.push(message);
        if (next() % 7 === 0) { // in pieces, which are one stream
          send(String(words(i)).slice(0, 90), { fin: false });
          send(String(words(i)).slice(90));
          sent.splice(-1, 0, words(i));
        }
        send(isPrepared ? prepare(message) : message);
      }
      assertEquals(failures, []);
      assertEquals(received, sent);
      assert(wire.includes(0xc1), "there are compressed ones");
    });
  }
}

test("a prepared message is compressed once for each set of parameters, by itself", () => {
  const message = new Prepared(words(1), true), compressed: string[] = [];
  const by = (windowBits: number, takesOver: boolean, level = 6) =>
    message.compressedBy(
      new Deflater({ windowBits, level, memLevel: 5, takesOver }),
      () => compressed.push(`${windowBits} ${level}`),
    );
  const first = by(12, true);
  assertStrictEquals(by(12, true), first);
  assertStrictEquals(by(12, false), first, "context takeover makes no difference");
  assert(by(9, true) !== first && by(12, true, 1) !== first);
  assertStrictEquals(by(12, true), first);
  assertEquals(compressed, ["12 6", "9 6", "12 1"]);
  assert(first.payload.length < message.size && first.first === 0xc1);
});

test("a prepared message goes as it is where it does not get smaller, is short, or may not be compressed", () => {
  const { send, wire } = pair("server", agreed(), { threshold: 100 });
  send(prepare(Uint8Array.from(noise(3000))));
  send(prepare("x".repeat(99)));
  send(prepare("x".repeat(100)));
  send(prepare("x".repeat(100), { compress: false }));
  send(prepare("x".repeat(100)), { compress: false });
  assertEquals(wire, [0x82, 0x81, 0xc1, 0x81, 0x81]);
});

test("a prepared message leaves the window as it is where it goes as it is (RFC 7692 §6)", () => {
  const sizeOf = (between: () => void, { here }: ReturnType<typeof pair>) => {
    here.send(words(1));
    between();
    while (here.take());
    here.send(words(1));
    return here.take()!.length;
  };
  const one = pair("server", agreed()), two = pair("server", agreed()), three = pair("server", agreed());
  const alone = sizeOf(() => {}, one);
  assertEquals(sizeOf(() => two.here.send(prepare("x".repeat(500), { compress: false })), two), alone);
  assert(sizeOf(() => three.here.send(prepare("x".repeat(500))), three) > 5 * alone, "the window is empty again");
});

test("a prepared message is masked by a client, each time with another key (RFC 6455 §5.3)", () => {
  const keys = [0x01020304, 0x05060708],
    machine = new Protocol(
      { role: "client", ...PLAIN },
      { message() {}, close() {}, fail() {} },
      { maskKey: () => keys.shift()! },
    );
  const prepared = prepare("ab");
  machine.send(prepared);
  machine.send(prepared);
  assertEquals(text(concat(machine.take()!)), "\x81\x82\x01\x02\x03\x04``\x81\x82\x05\x06\x07\x08dd");
});
