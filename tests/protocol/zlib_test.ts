import { assert, assertEquals, assertThrows } from "@std/assert";
import { type DeflateSettings, DeflateStream, InflateStream } from "../../src/protocol/zlib.ts";
import { deflated, noise } from "../cases/deflate.ts";
import { concat, hex, latin1, test } from "../kit/harness.ts";
import { assertSame } from "../kit/assert_same.ts";

const SETTINGS: DeflateSettings = { windowBits: 15, level: 6, memLevel: 8 };

/** All that comes of these bytes, and how it ended. */
function inflate(stream: InflateStream, bytes: Uint8Array<ArrayBuffer>): [bytes: Uint8Array, status: string] {
  const pieces: Uint8Array[] = [];
  let status;
  stream.feed(bytes);
  do {
    status = stream.step();
    assertEquals(stream.count, stream.bytes.length);
    pieces.push(stream.bytes.slice());
  } while (status === "ok" && stream.hasMore);
  return [concat(...pieces), status];
}

test("DeflateStream.compress() flushes to the end of a byte, and leaves off as many bytes as it is told", () => {
  const stream = new DeflateStream(SETTINGS), other = new DeflateStream(SETTINGS);
  assertEquals(stream.compress(latin1("Hello"), 0).slice(), hex("f2 48 cd c9 c9 07 00 00 00 ff ff"));
  assertEquals(stream.compress(new Uint8Array(), 0).length, 0, "a flush directly after another");
  assertEquals(stream.compress(new Uint8Array(), 4).length, 0);
  assertEquals(other.compress(latin1("Hello"), 4).slice(), hex("f2 48 cd c9 c9 07 00"));
});

test("DeflateStream.reset() makes a stream as good as new, at every level", () => {
  const words = latin1("the quick brown fox ".repeat(100)), bytes = concat(Uint8Array.from(noise(3000)), words);
  for (let level = 0; level <= 9; level++) {
    for (const memLevel of [1, 5, 9]) {
      const settings = { windowBits: 9 + level % 7, level, memLevel };
      const fresh = new DeflateStream(settings).compress(bytes, 0).slice(), used = new DeflateStream(settings);
      for (let round = 0; round < 3; round++) {
        assertSame(used.compress(bytes, 0).slice(), fresh, `level ${level}, memory level ${memLevel}, round ${round}`);
        used.reset();
      }
    }
  }
});

test("DeflateStream and InflateStream refuse settings that zlib does not have", () => {
  assertThrows(() => new DeflateStream({ ...SETTINGS, memLevel: 10 }), Error, "zlib refuses its settings with -2");
  assertThrows(() => new InflateStream(16), Error, "zlib refuses its settings with -2");
});

test("InflateStream.step() gives more than its buffer holds in several steps", () => {
  const bytes = new Uint8Array(200_000).fill(7), payload = Uint8Array.from(deflated([...bytes]));
  const stream = new InflateStream(15);
  stream.feed(payload);
  const counts = [];
  do {
    assertEquals(stream.step(), "ok");
    counts.push(stream.count);
  } while (stream.hasMore);
  assertEquals(counts, [65536, 65536, 65536, 200_000 - 3 * 65536]);
});

test("InflateStream.step() says whether it can go on", () => {
  const hello = "f2 48 cd c9 c9 07 00";
  for (
    const [bytes, text, status] of [
      [hello, "Hello", "ok"],
      ["", "", "idle"],
      ["f3 48 cd c9 c9 07 00", "Hello", "end"],
      ["06", "", "invalid"],
    ] as const
  ) assertEquals(inflate(new InflateStream(15), hex(bytes)), [latin1(text), status], bytes);
});

test("InflateStream.isBetweenBlocks is true where a block and a byte end", () => {
  const stream = new InflateStream(15);
  inflate(stream, hex("f2 48 cd c9 c9 07 00"));
  assert(!stream.isBetweenBlocks);
  inflate(stream, hex("00 00 ff ff"));
  assert(stream.isBetweenBlocks);
});

test("InflateStream.startNextStream() keeps the window, reset() does not (RFC 7692 §7.2.1)", () => {
  const back = hex("f2 00 11 00 00"); // «Hello» by its distance alone
  for (const keeps of [true, false]) {
    const stream = new InflateStream(15);
    assertEquals(inflate(stream, hex("f3 48 cd c9 c9 07 00")), [latin1("Hello"), "end"]);
    if (keeps) stream.startNextStream();
    else stream.reset();
    assertEquals(inflate(stream, back), keeps ? [latin1("Hello"), "ok"] : [latin1("H"), "invalid"]);
  }
});
