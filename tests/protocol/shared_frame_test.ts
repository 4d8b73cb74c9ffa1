import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { SharedFrame } from "../../src/protocol/shared_frame.ts";
import { LARGE } from "../../src/protocol/slabs.ts";
import { concat, latin1, test, text } from "../kit/harness.ts";

const frame = (payload: string) => new SharedFrame(0x81, latin1(payload), payload.length);

for (const size of [0, 1, 125, 126, 65_535, 65_536, 200_000]) {
  test(`SharedFrame has the frame and the payload of ${size} bytes, by a copy`, () => {
    const payload = new Uint8Array(size).fill(7), shared = new SharedFrame(0x82, payload, size);
    payload.fill(9);
    const header = size < 126 ? 2 : size < 65536 ? 4 : 10;
    assertEquals([shared.first, shared.bytes[0], shared.bytes.length], [0x82, 0x82, header + size]);
    assert(shared.payload.length === size && shared.payload.every((byte) => byte === 7));
    assertStrictEquals(shared.payload.buffer, shared.bytes.buffer);
  });
}

test("SharedFrame.behind() joins frames once, whoever asks", () => {
  const [a, b, c] = ["a", "bb", "ccc"].map(frame) as [SharedFrame, SharedFrame, SharedFrame];
  const ab = b.behind(a)!, abc = c.behind(ab)!;
  assertEquals(text(abc.bytes), "\x81\x01a\x81\x02bb\x81\x03ccc");
  assertStrictEquals(b.behind(a), ab);
  assertStrictEquals(c.behind(ab), abc);
  assertStrictEquals(abc.bytes.buffer, ab.bytes.buffer, "a burst is copied once");
});

test("SharedFrame.behind() never changes what was joined before", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map(frame) as [SharedFrame, SharedFrame, SharedFrame, SharedFrame];
  const ab = b.behind(a)!, abc = c.behind(ab)!, abd = d.behind(ab)!;
  const abcd = d.behind(abc)!, abdc = c.behind(abd)!;
  assertEquals(
    [a, ab, abc, abd, abcd, abdc].map(({ bytes }) => text(bytes).replaceAll("\x81\x01", "")),
    ["a", "ab", "abc", "abd", "abcd", "abdc"],
  );
});

test("SharedFrame.behind() joins up to 64 KiB", () => {
  const half = frame("x".repeat(32_763)), rest = frame("y".repeat(32_760)), more = frame("z".repeat(32_761));
  assertEquals(rest.behind(half)!.bytes, concat(half.bytes, rest.bytes));
  assertEquals(rest.behind(half)!.bytes.length, 65_531);
  assertEquals(frame("").behind(rest.behind(half)!)!.bytes.length, 65_533);
  assertEquals(frame("12345").behind(more.behind(half)!), undefined);
});

test("SharedFrame has no buffer that could be taken for a slab", () => {
  const sizes = [0, 1, 1018, 1019, 2046, 2047, 2048, 65_540, 65_550].map((size) => frame("x".repeat(size)));
  const joined = sizes.slice(0, 6).map((shared) => frame("y".repeat(4)).behind(shared)!);
  for (const { bytes } of [...sizes, ...joined]) {
    assert(![2048, LARGE].includes(bytes.buffer.byteLength), `${bytes.length}`);
  }
});

test("SharedFrame.forget() lets go of what it was joined to, as do frames that were joined long ago", () => {
  const a = frame("a"), b = frame("b"), ab = b.behind(a);
  b.forget();
  assert(b.behind(a) !== ab);
  const again = b.behind(a);
  for (let i = 0; i < 10; i++) frame(`${i}`).behind(a);
  assert(b.behind(a) !== again, "only a few are kept");
});
