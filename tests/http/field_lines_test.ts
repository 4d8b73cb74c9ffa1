import { assert, assertEquals } from "@std/assert";
import { checkField, latin1 as decode, MAX_FIELDS, readLines } from "../../src/http/field_lines.ts";
import { latin1, random, test } from "../kit/harness.ts";
import { fieldsOf } from "../kit/fields_of.ts";

test("Fields keeps lines in their order, and joins those of a name (RFC 9110 §5.2, §5.3)", () => {
  const fields = fieldsOf(["Set-Cookie", "a"], ["X", "1"], ["set-cookie", "b"], ["__proto__", "c"]);
  assertEquals([...fields], [["set-cookie", "a"], ["x", "1"], ["set-cookie", "b"], ["__proto__", "c"]]);
  assertEquals(fields.get("SET-COOKIE"), "a, b");
  assertEquals([fields.get("x"), fields.get("__proto__")], ["1", "c"]);
  assertEquals([fields.get("constructor"), fields.get("y")], [null, null]);
  assertEquals([fields.count("set-cookie"), fields.count("y"), fields.size], [2, 0, 4]);
});

test("Fields.dropPositions() lets go of the lines, which are read again", () => {
  const read = readLines(latin1("GET / HTTP/1.1\r\nA: 1\r\nB: \xe9\r\na: 2\r\n\r\n"));
  assert("fields" in read);
  const { fields } = read, lines = [["a", "1"], ["b", "\xe9"], ["a", "2"]];
  for (let round = 0; round < 2; round++) {
    fields.dropPositions();
    assertEquals(fields.size, 3);
    fields.dropPositions();
    assertEquals([fields.get("A"), fields.get("c")], ["1, 2", null]);
    fields.dropPositions();
    assertEquals(fields.count("a"), 2);
    fields.dropPositions();
    assertEquals([...fields], lines);
    assertEquals([...fields], lines);
  }
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

test("checkField() says what is wrong, and nothing of a value that may be a credential (RFC 9110 §5.5)", () => {
  for (const line of ["Authorization: Basic s3cret\0", "Cookie: s3cret\x7f", "Cookie s3cret", " s3cret"]) {
    const { detail } = checkField(line)!;
    assert(!detail.includes("s3cret"), detail);
  }
  assertEquals(
    checkField("Cookie: a\0")!.detail,
    'Cookie has "\\u0000" at position 1, which no field value may have (RFC 9110 §5.5)',
  );
});
