import { assert, assertEquals } from "@std/assert";
import { decodeText, encodeTo, Utf8Check, utf8Length, Utf8Pieces } from "../../src/base/utf8.ts";
import { concat, random, test } from "../kit/harness.ts";

/** What the platform says of bytes: the text, or `undefined`. */
function platform(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether bytes can be the beginning of text, by the platform. */
function isBeginning(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Compares both, with the bytes alone, behind a long text, and cut everywhere. */
function compare(bytes: Uint8Array): void {
  const expected = platform(bytes);
  const name = bytes.join(" ");
  assertEquals(decodeText(bytes), expected, name);
  const check = new Utf8Check();
  let right = true;
  for (let i = 0; i < bytes.length && right; i++) {
    right = check.push(bytes, i, i + 1);
    // The first byte that is wrong, and no later one, is refused
    assertEquals(right, isBeginning(bytes.subarray(0, i + 1)), `${name}, byte ${i}`);
  }
  if (right) assertEquals(check.end(), expected !== undefined, name);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assertEquals(inPieces([bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `${name}, cut at ${cut}`);
  }
  assertEquals(inPieces(Array.from(bytes, (byte) => Uint8Array.of(byte))), expected, `${name}, byte by byte`);
}

/** The text of bytes in parts, of which each gives whole characters. */
function inPieces(parts: readonly Uint8Array[]): string | undefined {
  const pieces = new Utf8Pieces(), found: string[] = [];
  for (const part of parts) {
    const text = pieces.push(part);
    if (text === undefined) return undefined;
    assert(text.isWellFormed());
    found.push(text);
  }
  return pieces.end() ? found.join("") : undefined;
}

/** Of each range of RFC 3629 §4 the first and the last byte, and their neighbours. */
const EDGES = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee]
  .concat(0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff);

test("decodeText() and Utf8Check judge all sequences of one and two bytes as the platform (RFC 3629 §4)", () => {
  for (let first = 0; first < 256; first++) {
    compare(Uint8Array.of(first));
    for (let second = 0; second < 256; second++) compare(Uint8Array.of(first, second));
  }
});

test("decodeText() and Utf8Check judge all boundaries of three and four bytes as the platform (RFC 3629 §4)", () => {
  for (const first of EDGES) {
    for (const second of EDGES) {
      for (const third of EDGES) {
        compare(Uint8Array.of(first, second, third));
        if (first >= 0xf0) { for (const fourth of EDGES) compare(Uint8Array.of(first, second, third, fourth)); }
      }
    }
  }
});

test("decodeText() and Utf8Check judge 100,000 random texts as the platform (RFC 3629 §4)", () => {
  const next = random(3);
  const check = new Utf8Check();
  for (let i = 0; i < 100_000; i++) {
    const points = Array.from({ length: next() % 24 }, () => next() % [0x80, 0x800, 0xd800, 0x110000][next() % 4]!);
    const bytes = new TextEncoder().encode(String.fromCodePoint(...points));
    // Half of them with a byte that is another, or is missing
    if (bytes.length > 0 && i % 2 === 1) bytes[next() % bytes.length] = next();
    const input = i % 8 === 5 ? bytes.subarray(0, -1) : bytes;
    const expected = platform(input);
    assertEquals(decodeText(input), expected);
    const cut = input.length === 0 ? 0 : next() % input.length;
    const pushed = check.push(input, 0, cut) && check.push(input, cut);
    const ended = check.end();
    assertEquals(pushed && ended, expected !== undefined);
  }
});

test("decodeText() and Utf8Check judge long texts as the platform, wherever they are cut (RFC 3629 §4)", () => {
  const next = random(5), check = new Utf8Check();
  for (let i = 0; i < 20_000; i++) {
    const most = [0x80, 0x100, 0x800, 0xd800, 0x110000][next() % 5]!;
    const points = Array.from({ length: 1 + next() % 400 }, () => next() % [0x80, most][next() % 2]!);
    if (i % 7 === 0) points[next() % points.length] = i % 2 === 0 ? 0xfffd : 0xfeff; // as it was sent
    const whole = new TextEncoder().encode(`${i % 5 === 0 ? "\ufeff" : ""}${String.fromCodePoint(...points)}`);
    const start = next() % 9, end = i % 4 === 3 ? whole.length - next() % 4 : whole.length;
    const bytes = concat(new Uint8Array(start).fill(0xff), whole, Uint8Array.of(0x80, 0xff));
    if (i % 3 === 1) bytes[start + next() % whole.length] = next();
    const stop = Math.max(start, start + end), expected = platform(bytes.subarray(start, stop));
    assertEquals(decodeText(bytes, start, stop), expected);
    const cuts = [start, stop, ...Array.from({ length: 3 }, () => start + next() % (stop - start + 1))];
    cuts.sort((a, b) => a - b);
    let right = true;
    for (let n = 1; n < cuts.length && right; n++) {
      right = check.push(bytes, cuts[n - 1], cuts[n]);
      assertEquals(right, isBeginning(bytes.subarray(start, cuts[n])));
    }
    const isWhole = check.end();
    assertEquals(right && isWhole, expected !== undefined);
  }
});

test("decodeText() decodes more bytes than a string may have characters, when their text has fewer (RFC 3629 §3)", () => {
  const length = 2 ** 29, bytes = new Uint8Array(length).fill(0xa9); // é, many times
  for (let at = 0; at < length; at += 2) bytes[at] = 0xc3;
  const text = decodeText(bytes);
  assertEquals([text?.length, text?.at(0), text?.at(-1)], [length / 2, "é", "é"]);
});

test("the library can be imported where another Buffer stands in for Node's, and lacks what is used of it", async () => {
  const place = globalThis as { Buffer?: unknown }, { Buffer } = place;
  try {
    for (const [i, other] of [{}, { prototype: {} }, () => {}, undefined].entries()) {
      place.Buffer = other;
      const { latin1Slice, utf8Slice, utf8Write } = await import(`../../src/base/tuning.ts?other=${i}`);
      assertEquals([latin1Slice, utf8Slice, utf8Write], [undefined, undefined, undefined]);
    }
  } finally {
    place.Buffer = Buffer;
  }
});

test("text is not encoded by the utf8Write() of Node 22.7, which comes to write Latin-1 (RFC 6455 §5.6)", async () => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "process")!;
  const isNode = !("Deno" in globalThis || "Bun" in globalThis);
  const { utf8Write: usual } = await import("../../src/base/tuning.ts");
  try {
    for (const node of ["22.7.0", "22.8.0", "22.17.0", "24.0.0"]) {
      Object.defineProperty(globalThis, "process", {
        value: { versions: { node } },
        configurable: true,
        writable: true,
      });
      const { utf8Write } = await import(`../../src/base/tuning.ts?node=${node}`);
      assertEquals(utf8Write, isNode && node === "22.7.0" ? undefined : usual, node);
    }
  } finally {
    Object.defineProperty(globalThis, "process", before);
  }
});

test("decodeText() keeps a byte order mark (RFC 6455 §8.1)", () => {
  assertEquals(decodeText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), "\ufeffa");
});

test("decodeText() judges texts of any length alike (RFC 6455 §8.1)", () => {
  for (let length = 0; length < 300; length++) {
    const ascii = Uint8Array.from({ length }, (_, i) => 1 + i % 127), expected = String.fromCharCode(...ascii);
    assertEquals(decodeText(ascii), expected);
    const amid = concat(Uint8Array.of(0x62, 0xff), ascii, Uint8Array.of(0xff, 0x62));
    assertEquals(decodeText(amid, 2, 2 + length), expected);
    assertEquals(decodeText(amid, 1, 2 + length), undefined);
    assertEquals(decodeText(amid, 2, 3 + length), undefined);
    assertEquals(decodeText(concat(ascii, Uint8Array.of(0xe2, 0x82, 0xac))), expected + "€");
    assertEquals(decodeText(concat(ascii, Uint8Array.of(0xe2, 0x82))), undefined);
    assertEquals(decodeText(concat(Uint8Array.of(0xff), ascii)), undefined);
  }
});

test("Utf8Check.end() begins anew, also inside a character (RFC 6455 §8.1)", () => {
  for (const lead of [0xe0, 0xed, 0xf0, 0xf4, 0xc2]) {
    const check = new Utf8Check();
    assertEquals(check.push(Uint8Array.of(lead)), true);
    assertEquals(check.end(), false);
    assertEquals(check.push(Uint8Array.of(0xc3, 0x80, 0xe1, 0x80, 0xbf)), true);
    assertEquals(check.end(), true);
  }
});

test("utf8Length() counts the bytes of text, short and long, lone surrogates as U+FFFD", () => {
  const units = [
    "",
    "a",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ud800",
    "\udbff",
    "\udc00",
    "\udfff",
    "\ue000",
    "\uffff",
  ];
  for (const a of units) {
    for (const b of units) {
      for (const c of units) {
        const text = a + b + c, length = new TextEncoder().encode(text).length;
        assertEquals(utf8Length(text), length, JSON.stringify(text));
        assertEquals(utf8Length("ü".repeat(100) + text), 200 + length, JSON.stringify(text));
      }
    }
  }
});

test("encodeTo() writes what a TextEncoder gives, at any place, and nothing beside it (RFC 3629 §3)", () => {
  const next = random(7);
  for (let i = 0; i < 20_000; i++) {
    const most = [0x80, 0x100, 0x800, 0x10000][i % 4]!; // lone surrogates among them
    const text = String.fromCharCode(...Array.from({ length: next() % 300 }, () => next() % [0x80, most][next() % 2]!));
    const expected = new TextEncoder().encode(text), start = next() % 9;
    const bytes = new Uint8Array(start + 3 * text.length + next() % 9).fill(0xff);
    assertEquals(encodeTo(bytes, start, text), expected.length);
    const around = [bytes.subarray(0, start), bytes.subarray(start + expected.length)];
    assertEquals(bytes.subarray(start, start + expected.length), expected);
    for (const beside of around) assert(beside.every((byte) => byte === 0xff));
  }
});
