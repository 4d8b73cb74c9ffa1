import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { HeadReader } from "../../src/http/head_reader.ts";
import { concat, everySplit, latin1, test, text } from "../kit/harness.ts";

const HEAD = "GET / HTTP/1.1\r\nHost: localhost\r\nx: a\r\n\r\n";

/** What comes of chunks: the head and what is behind it, a failure with its status, or nothing yet. */
function read(chunks: readonly Uint8Array[], limit = 16384, emptyLines: 0 | 1 = 1) {
  const reader = new HeadReader(limit, emptyLines);
  for (const [i, chunk] of chunks.entries()) {
    const found = reader.push(chunk);
    if (!found) continue;
    if ("failure" in found) return { failure: found.failure, status: found.status };
    return { head: text(found.head), rest: text(concat(found.rest, ...chunks.slice(i + 1))) };
  }
  return undefined;
}

test("HeadReader.push() finds the end of a head at any cut, and gives back what follows (RFC 9112 §2.1)", async () => {
  for (const rest of ["", "\r\n\r\n", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", HEAD]) {
    await everySplit(latin1(HEAD + rest), (chunks) => assertEquals(read(chunks), { head: HEAD, rest }));
    await everySplit(latin1("\r\n" + HEAD + rest), (chunks) => assertEquals(read(chunks), { head: HEAD, rest }));
  }
});

test("HeadReader.push() says nothing before the head is whole", async () => {
  for (let length = 0; length < HEAD.length; length++) {
    const bytes = latin1(HEAD.slice(0, length));
    assertEquals(read([bytes]), undefined);
    assertEquals(read(Array.from(bytes, (byte) => Uint8Array.of(byte))), undefined);
  }
  await everySplit(latin1("\r\n"), (chunks) => assertEquals(read(chunks), undefined));
});

test("HeadReader.push() takes chunks without bytes", () => {
  const none = new Uint8Array();
  const chunks = [none, latin1(HEAD.slice(0, 5)), none, latin1(HEAD.slice(5)), none];
  assertEquals(read(chunks), { head: HEAD, rest: "" });
});

test("HeadReader.push() does not copy a head that comes in one chunk", () => {
  const chunk = latin1(HEAD + "rest");
  const found = new HeadReader(100, 1).push(chunk);
  assert(found && "head" in found);
  assertStrictEquals(found.head.buffer, chunk.buffer);
  assertStrictEquals(found.rest.buffer, chunk.buffer);
});

test("HeadReader.started tells whether a byte came", () => {
  const reader = new HeadReader(100, 1);
  assertEquals(reader.started, false);
  reader.push(new Uint8Array());
  assertEquals(reader.started, false);
  reader.push(latin1("G"));
  assertEquals(reader.started, true);
});

test("HeadReader.push() refuses empty lines in front, but for one before a request (RFC 9112 §2.2)", async () => {
  const malformed = { failure: "head-malformed", status: undefined } as const;
  await everySplit(latin1("\r\n\r\n" + HEAD), (chunks) => assertEquals(read(chunks), malformed));
  await everySplit(latin1("\r\n" + HEAD), (chunks) => assertEquals(read(chunks, 16384, 0), malformed));
});

test("HeadReader.push() refuses a first byte that no head begins with, at once (RFC 9112 §3)", () => {
  for (let byte = 0; byte < 256; byte++) {
    const found = read([Uint8Array.of(byte)]);
    const begins = byte === 13 || /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(byte));
    assertEquals(found?.failure, begins ? undefined : "head-malformed", `0x${byte.toString(16)}`);
    const problem = new HeadReader(1000, 1).push(Uint8Array.of(byte));
    const isTls = problem !== undefined && "detail" in problem && problem.detail.includes("TLS");
    assertEquals(isTls, byte === 0x15 || byte === 0x16); // RFC 8446 §5.1
  }
});

test("HeadReader.push() refuses a bare LF as soon as it comes (RFC 9112 §2.2)", () => {
  for (const start of ["G\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nx: a\n", "GET / HTTP/1.1\r\n\n"]) {
    assertEquals(read([latin1(start)])?.failure, "head-malformed", JSON.stringify(start));
    const bytes = Array.from(latin1(start), (byte) => Uint8Array.of(byte));
    assertEquals(read(bytes)?.failure, "head-malformed", JSON.stringify(start));
  }
});

test("HeadReader.push() lets a head of exactly the limit pass, with anything behind it (RFC 6585 §5)", async () => {
  const bytes = latin1(HEAD + "rest");
  await everySplit(bytes, (chunks) => assertEquals(read(chunks, HEAD.length), { head: HEAD, rest: "rest" }));
  const tooLarge = { failure: "head-too-large", status: undefined } as const;
  await everySplit(bytes, (chunks) => assertEquals(read(chunks, HEAD.length - 1), tooLarge));
});

test("HeadReader.push() tells a first line without an end from other heads too large (RFC 9110 §15.5.15)", async () => {
  const line = HEAD.indexOf("\r\n") + 2;
  for (let limit = 1; limit < HEAD.length; limit++) {
    const status = limit < line ? 414 : undefined;
    await everySplit(
      latin1(HEAD),
      (chunks) => assertEquals(read(chunks, limit), { failure: "head-too-large", status }),
    );
  }
  // The empty line in front is not the first line
  assertEquals(read([latin1("\r\nGET /")], 7), { failure: "head-too-large", status: 414 });
});

/** How many bytes are searched and copied. */
function work(run: () => void): number {
  const { indexOf, set } = Uint8Array.prototype;
  let count = 0;
  Object.assign(Uint8Array.prototype, {
    indexOf(this: Uint8Array, byte: number, from = 0) {
      count += this.length - from;
      return indexOf.call(this, byte, from);
    },
    set(this: Uint8Array, from: ArrayLike<number>, at?: number) {
      count += from.length;
      return set.call(this, from, at);
    },
  });
  try {
    run();
  } finally {
    // These were inherited from the prototype of all typed arrays, and are again
    Reflect.deleteProperty(Uint8Array.prototype, "indexOf");
    Reflect.deleteProperty(Uint8Array.prototype, "set");
  }
  return count;
}

test("HeadReader.push() looks at each byte once, however small the chunks (RFC 9112 §2.2)", () => {
  const shapes: [name: string, byte: (i: number) => number][] = [
    ["one endless field", (i) => HEAD.charCodeAt(i) < 32 || i >= 20 ? 97 : HEAD.charCodeAt(i)],
    ["many short fields", (i) => latin1("x:1\r\n")[i % 5]!],
  ];
  for (const [name, byte] of shapes) {
    const feed = (size: number) =>
      work(() => {
        const reader = new HeadReader(size, 1);
        for (let i = 0; i < size - 1; i++) assertEquals(reader.push(Uint8Array.of(byte(i))), undefined);
        const last = reader.push(Uint8Array.of(97));
        assert(last && "failure" in last && last.failure === "head-too-large");
      });
    const once = feed(16384), twice = feed(32768);
    assert(once < 6 * 16384, `${name}: ${once} bytes`);
    assert(twice < 2.1 * once, `${name}: ${once} bytes, doubled ${twice}`);
  }
});
