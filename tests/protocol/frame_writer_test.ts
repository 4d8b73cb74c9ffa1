import { assert, assertEquals } from "@std/assert";
import { FIN, OPCODE } from "../../src/protocol/frame_header.ts";
import { FrameWriter } from "../../src/protocol/frame_writer.ts";
import { concat, hex, test } from "../kit/harness.ts";

const TEXT = FIN | OPCODE.text, BINARY = FIN | OPCODE.binary;

/** Everything that waits, in one array. */
function written(writer: FrameWriter): Uint8Array {
  const pieces = [];
  for (let bytes; (bytes = writer.take());) pieces.push(bytes);
  return concat(...pieces);
}

/** A frame put together by the letter of RFC 6455 §5.2. */
function frame(first: number, payload: Uint8Array, key?: readonly number[]): Uint8Array {
  const { length } = payload, bit = key ? 0x80 : 0;
  const long = (bytes: number) =>
    Array.from({ length: bytes }, (_, i) => Math.floor(length / 256 ** (bytes - 1 - i)) % 256);
  const size = length < 126 ? [bit | length] : length < 65536 ? [bit | 126, ...long(2)] : [bit | 127, ...long(8)];
  const masked = key ? payload.map((byte, i) => byte ^ key[i % 4]!) : payload;
  return concat(Uint8Array.of(first, ...size, ...key ?? []), masked);
}

test("FrameWriter writes the examples of the RFC (RFC 6455 §5.7)", () => {
  const server = new FrameWriter(undefined), client = new FrameWriter(() => 0x37fa213d);
  const hello = new TextEncoder().encode("Hello");
  client.text(TEXT, "Hello");
  assertEquals(written(client), hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
  server.text(OPCODE.text, "Hel");
  server.text(FIN | OPCODE.continuation, "lo");
  assertEquals(written(server), hex("01 03 48 65 6c 80 02 6c 6f"));
  server.frame(FIN | OPCODE.ping, hello);
  assertEquals(written(server), hex("89 05 48 65 6c 6c 6f"));
  client.frame(FIN | OPCODE.pong, hello);
  assertEquals(written(client), hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"));
});

/** Around each change of the length's form, the end of a slab, and where text is no longer encoded in place. */
const SIZES = [0, 1, 2, 41, 42, 43, 124, 125, 126, 127, 2034, 2044, 2048, 16383, 16384, 16385, 65521, 65526, 65535]
  .concat(65536, 65537, 100_000);

test("FrameWriter.frame() writes payloads of every size, masked or not (RFC 6455 §5.2, §5.3)", () => {
  for (const size of SIZES) {
    const payload = Uint8Array.from({ length: size }, (_, i) => i * 7);
    const server = new FrameWriter(undefined), client = new FrameWriter(() => 0x01020384);
    for (let times = 0; times < 3; times++) {
      server.frame(BINARY, payload);
      client.frame(BINARY, payload);
    }
    const plain = frame(BINARY, payload), masked = frame(BINARY, payload, [1, 2, 3, 0x84]);
    assertEquals(written(server), concat(plain, plain, plain), String(size));
    assertEquals(written(client), concat(masked, masked, masked), String(size));
    assertEquals(payload, Uint8Array.from({ length: size }, (_, i) => i * 7)); // the caller's own is not masked
  }
});

test("FrameWriter.text() writes text of every size in characters and bytes (RFC 6455 §5.2, §5.6)", () => {
  for (const size of SIZES) {
    for (const character of ["a", "ä", "€", "𝄞"]) {
      // As many characters, and as many bytes, as near as the character allows
      const bytes = new TextEncoder().encode(character).length;
      const filled = "a".repeat(size % bytes), many = character.repeat(size / bytes);
      for (const text of [character.repeat(size), many + filled, filled + many, "a".repeat(size) + character]) {
        const payload = new TextEncoder().encode(text);
        const server = new FrameWriter(undefined), client = new FrameWriter(() => 0x01020384);
        server.text(TEXT, text);
        server.text(TEXT, "b");
        client.text(TEXT, text);
        const name = `${size} of ${character}`;
        const expected = concat(frame(TEXT, payload), frame(TEXT, Uint8Array.of(98)));
        assert(isEqual(written(server), expected), name);
        assert(isEqual(written(client), frame(TEXT, payload, [1, 2, 3, 0x84])), name);
      }
    }
  }
});

/** As assertEquals() says it, but fast for many bytes. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

test("FrameWriter.text() writes U+FFFD for lone surrogates (RFC 6455 §5.6)", () => {
  for (const text of ["\ud800", "a\udc00b", "\ud800\ud800\udc00"]) {
    const writer = new FrameWriter(undefined);
    writer.text(TEXT, text);
    assertEquals(written(writer), frame(TEXT, new TextEncoder().encode(text.toWellFormed())));
  }
});

test("FrameWriter asks for one key a frame, also for an empty one (RFC 6455 §5.3)", () => {
  let keys = 0;
  const writer = new FrameWriter(() => ++keys);
  writer.frame(BINARY, new Uint8Array());
  writer.text(TEXT, "");
  writer.text(TEXT, "ä");
  assertEquals(keys, 3);
  assertEquals(written(writer), hex("82 80 00 00 00 01 81 80 00 00 00 02 81 82 00 00 00 03 c3 a4"));
});

test("FrameWriter.frame() writes the bytes that a payload has, whatever it says of itself", () => {
  const used = new FrameWriter(undefined);
  used.frame(BINARY, new Uint8Array(60_000).fill(0x53)); // a slab that another connection has written to
  const before = used.take()!;
  used.recycle(before);
  class Liar extends Uint8Array<ArrayBuffer> {
    override get length() {
      return 1000;
    }
    override subarray() {
      return new Uint8Array(1000);
    }
  }
  for (const size of [4, 100, 70_000]) {
    const told = { length: { value: 1000 }, subarray: { value: () => new Uint8Array(1000) } };
    for (const liar of [new Liar(new ArrayBuffer(size)), Object.defineProperties(new Uint8Array(size), told)]) {
      const plain = new FrameWriter(undefined), writer = new FrameWriter(undefined);
      writer.frame(BINARY, liar);
      plain.frame(BINARY, new Uint8Array(size));
      assertEquals(written(writer), written(plain));
    }
  }
});
