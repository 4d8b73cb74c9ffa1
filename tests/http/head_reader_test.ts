import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { checkField, type Fields, latin1 as decode, MAX_FIELDS, readLines } from "../../src/http/field_lines.ts";
import { HeadReader } from "../../src/http/head_reader.ts";
import { readBodyLength } from "../../src/http/body_length.ts";
import { writeHead } from "../../src/http/write_head.ts";
import { concat, everySplit, latin1, random, test, text } from "../kit/harness.ts";

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

/** The fields of a head with these. */
function fieldsOf(...lines: (readonly [name: string, value: string])[]): Fields {
  const read = readLines(latin1(`a\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`));
  assert("fields" in read);
  return read.fields;
}

test("Fields keeps lines in their order, and joins those of a name (RFC 9110 §5.2, §5.3)", () => {
  const fields = fieldsOf(["Set-Cookie", "a"], ["X", "1"], ["set-cookie", "b"], ["__proto__", "c"]);
  assertEquals([...fields], [["set-cookie", "a"], ["x", "1"], ["set-cookie", "b"], ["__proto__", "c"]]);
  assertEquals(fields.get("SET-COOKIE"), "a, b");
  assertEquals([fields.get("x"), fields.get("__proto__")], ["1", "c"]);
  assertEquals([fields.get("constructor"), fields.get("y")], [null, null]);
  assertEquals([fields.count("set-cookie"), fields.count("y"), fields.size], [2, 0, 4]);
});

test("latin1() gives a character for each byte (RFC 9110 §5.5)", () => {
  const all = Uint8Array.from({ length: 10_000 }, (_, i) => i);
  assertEquals(latin1(decode(all)), all);
});

test("readLines() takes start line and fields apart (RFC 9112 §5)", () => {
  const lines = readLines(latin1("a b c\r\nX:1\r\ny: \t a:b \t\r\nz:\r\n\r\n"));
  assert("fields" in lines);
  assertEquals(lines.start, "a b c");
  assertEquals([...lines.fields], [["x", "1"], ["y", "a:b"], ["z", ""]]);
  const bare = readLines(latin1("a\r\n\r\n"));
  assert("fields" in bare);
  assertEquals([bare.start, bare.fields.size], ["a", 0]);
});

test("readLines() refuses lines that are no fields (RFC 9112 §5, §5.1, §5.2)", () => {
  for (
    const line of [" x: a", "\tx: a", "x", ":a", "x : a", "x\t: a", "x y: a", "x: \0", "x: a\rb", "x: \x7f", "\xfc: a"]
  ) {
    const read = readLines(latin1(`a\r\n${line}\r\n\r\n`));
    assertEquals("failure" in read && read.failure, "head-malformed", JSON.stringify(line));
  }
});

test("readLines() and checkField() refuse the same lines, for the same reason (RFC 9112 §5)", () => {
  const next = random(3), chars = ["a", "X", "-", ":", ":", " ", "\t", "\r", "\0", "\x7f", "\xe9", '"', "1"];
  for (let i = 0; i < 20_000; i++) {
    const line = Array.from({ length: 1 + next() % 6 }, () => chars[next() % chars.length]).join("");
    const read = readLines(latin1(`a\r\nb:c\r\n${line}\r\nd:e\r\n\r\n`)), problem = checkField(line);
    assertEquals("failure" in read ? read : undefined, problem, JSON.stringify(line));
    if ("fields" in read) assertEquals(read.fields.size, 3);
  }
});

test("readLines() takes 128 fields and no more (RFC 6585 §5)", () => {
  const many = (count: number) => readLines(latin1(`a\r\n${"x:1\r\n".repeat(count)}\r\n`));
  const most = many(MAX_FIELDS), more = many(MAX_FIELDS + 1);
  assert("fields" in most);
  assertEquals([most.fields.size, MAX_FIELDS], [128, 128]);
  assertEquals("failure" in more && more.failure, "head-too-large");
});

test("readBodyLength() knows how long a body is, or that nobody can know (RFC 9112 §6.1, §6.3)", () => {
  const length = (version: string, ...lines: [string, string][]) => {
    const found = readBodyLength(fieldsOf(...lines), version);
    return typeof found === "object" ? found.failure : found;
  };
  assertEquals(length("1.1"), 0);
  assertEquals(length("1.1", ["Content-Length", "0"]), 0);
  assertEquals(length("1.0", ["Content-Length", "0012"]), 12);
  assertEquals(length("1.1", ["Content-Length", "18446744073709551617"]), 2 ** 64); // RFC 9110 §8.6: no overflow
  assertEquals(length("1.1", ["Transfer-Encoding", "Chunked"]), "chunked");
  for (const coding of ["identity", "gzip, chunked", "chunked, chunked", "chunked;a", "", "xchunked"]) {
    assertEquals(length("1.1", ["Transfer-Encoding", coding]), "unknown", coding);
  }
  for (const value of ["", "-1", "+1", "0x5", "1e3", "1 0", "five", "5, 5", "1.0", "\xb2"]) {
    assertEquals(length("1.1", ["Content-Length", value]), "head-malformed", value);
  }
  assertEquals(length("1.1", ["Content-Length", "5"], ["Content-Length", "5"]), "head-malformed");
  assertEquals(length("1.1", ["Content-Length", "0"], ["Transfer-Encoding", "chunked"]), "head-malformed");
  assertEquals(length("1.0", ["Transfer-Encoding", "chunked"]), "head-malformed");
});

test("writeHead() writes names as they are usually written, others as they are (RFC 9112 §5)", () => {
  const fields = [["sec-websocket-key", "k"], ["HOST", "h"], ["set-cookie", "a=b"], ["set-cookie", "c=d"], [
    "xY",
    "\xe4",
  ]];
  const bytes = writeHead("GET / HTTP/1.1", fields as [string, string][]);
  const lines = ["Sec-WebSocket-Key: k", "Host: h", "Set-Cookie: a=b", "Set-Cookie: c=d", "xY: \xe4"];
  assertEquals(text(bytes), ["GET / HTTP/1.1", ...lines, "", ""].join("\r\n"));
  assertEquals(text(writeHead("a", [])), "a\r\n\r\n");
});

test("writeHead() refuses what would be read as something else (RFC 9110 §5.5)", () => {
  for (const bad of ["a\r\nb", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x01", "a\u0141"]) {
    assertThrows(() => writeHead(bad, []), TypeError, "first line", JSON.stringify(bad));
    assertThrows(() => writeHead("a", [["x", bad]]), TypeError, "x is", JSON.stringify(bad));
    assertThrows(() => writeHead("a", [[bad, "x"]]), TypeError, "field name", JSON.stringify(bad));
  }
  for (const name of ["", "a b", "a:", " a", "a "]) assertThrows(() => writeHead("a", [[name, "x"]]), TypeError);
});

test("Fields.fold() lets go of the lines, which are read again", () => {
  const read = readLines(latin1("GET / HTTP/1.1\r\nA: 1\r\nB: \xe9\r\na: 2\r\n\r\n"));
  assert("fields" in read);
  const { fields } = read, lines = [["a", "1"], ["b", "\xe9"], ["a", "2"]];
  for (let round = 0; round < 2; round++) {
    fields.fold();
    assertEquals(fields.size, 3);
    fields.fold();
    assertEquals([fields.get("A"), fields.get("c")], ["1, 2", null]);
    fields.fold();
    assertEquals(fields.count("a"), 2);
    fields.fold();
    assertEquals([...fields], lines);
    assertEquals([...fields], lines);
  }
});
