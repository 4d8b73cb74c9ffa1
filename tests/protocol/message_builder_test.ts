import { assert, assertEquals, assertThrows } from "@std/assert";
import { MessageBuilder } from "../../src/protocol/message_builder.ts";
import { hex, latin1, test } from "../kit/harness.ts";

test("MessageBuilder builds text and bytes, one message after the other", () => {
  const builder = new MessageBuilder(100);
  for (const isText of [true, false, true]) {
    builder.isText = isText;
    assertEquals(builder.addPiece(latin1("xHi"), 1, 3, 4), undefined);
    assertEquals(builder.addInflated(latin1(" you")), undefined);
    assertEquals(builder.finish(), isText ? "Hi you" : latin1("Hi you"));
    assertEquals(builder.finish(), isText ? "" : new Uint8Array());
  }
});

test("MessageBuilder fails text at its first wrong byte, and at an end inside a character (RFC 6455 §8.1)", () => {
  const builder = new MessageBuilder(100);
  builder.isText = true;
  assertEquals(builder.addPiece(hex("e2 82"), 0, 2, Infinity), undefined);
  assertEquals(builder.addInflated(hex("28")), "text-not-utf8");
  const cut = new MessageBuilder(100);
  cut.isText = true;
  assertEquals(cut.addPiece(hex("e2 82"), 0, 2, Infinity), undefined);
  assertEquals([cut.finish(), cut.failure], [undefined, "text-not-utf8"]);
});

test("MessageBuilder takes exactly the limit, and judges the bytes within it first (RFC 6455 §7.4.1)", () => {
  const builder = new MessageBuilder(4);
  assertEquals(builder.addInflated(new Uint8Array(4)), undefined);
  assertEquals([builder.addInflated(new Uint8Array(1)), builder.detail], [
    "message-too-big",
    "The message has more than 4 bytes",
  ]);
  for (const [bytes, failure] of [["61 ff 61", "text-not-utf8"], ["61 61 ff", "message-too-big"]] as const) {
    const text = new MessageBuilder(2);
    text.isText = true;
    assertEquals(text.addInflated(hex(bytes)), failure);
  }
});

/** Runs something while no array of more than so many bytes can be had. */
function withMemory(most: number, run: () => void): void {
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, parameters: unknown[]) {
      if (Number(parameters[0]) > most) throw new RangeError("Array buffer allocation failed");
      return Reflect.construct(target, parameters);
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = original;
  }
}

test("MessageBuilder fails the message, and throws nothing, where there is no memory for it", () => {
  const piece = new Uint8Array(2 ** 18);
  withMemory(2 ** 20, () => {
    const declared = new MessageBuilder(Infinity), inflated = new MessageBuilder(Infinity);
    let failure;
    for (let i = 0; i < 8 && !failure; i++) failure = declared.addPiece(piece, 0, piece.length, 2 ** 21);
    assertEquals(failure, "message-too-big");
    assert(declared.detail?.startsWith("There is no memory for more than "), declared.detail);
    for (let i = 0; i < 8; i++) assertEquals(inflated.addInflated(piece), undefined);
    assertEquals([inflated.finish(), inflated.failure], [undefined, "message-too-big"]);
  });
});

test("MessageBuilder lets through what is no failure of an allocation", () => {
  const builder = new MessageBuilder(10);
  builder.add = () => {
    throw new TypeError("something else");
  };
  assertThrows(() => builder.addPiece(new Uint8Array(1), 0, 1, 1), TypeError);
});
