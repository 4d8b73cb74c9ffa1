import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { checkDecorator, decorate, type Decorator } from "../../src/handshake/decorator.ts";
import type { FieldList } from "../../src/http/write_head.ts";
import { test } from "../kit/harness.ts";

type Draft = { readonly headers: Headers };

const FIELDS: FieldList = [
  ["Host", "h"],
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Version", "13"],
  ["Date", "now"],
];

/** The same with names as decorate() gives them; only writeHead() writes them as usual again. */
const LOWER: FieldList = FIELDS.map(([name, value]) => [name.toLowerCase(), value]);

const apply = (decorator: Decorator<Draft> | undefined, role: "client" | "server" = "client", fields = FIELDS) =>
  decorate<Draft>(fields, decorator, role, (headers) => ({ headers }));

test("decorate() leaves everything alone without a decorator", () => {
  assertStrictEquals(apply(undefined), FIELDS);
});

test("decorate() adds fields behind the ones that are there, in every form of HeadersInit", () => {
  for (const decorator of [{ "X-A": "1" }, [["X-A", "1"]] as [string, string][], new Headers({ "X-A": "1" })]) {
    assertEquals(apply(decorator), [...LOWER, ["x-a", "1"]]);
  }
});

test("decorate() changes and deletes a default field, where it stands", () => {
  assertEquals(apply({ date: "later" }), [...LOWER.slice(0, 4), ["date", "later"]]);
  assertEquals(apply(({ headers }) => headers.set("Date", "later")), [...LOWER.slice(0, 4), ["date", "later"]]);
  assertEquals(apply(({ headers }) => headers.delete("Date")), LOWER.slice(0, 4));
});

test("decorate() shows all fields to a function that only looks", () => {
  const seen: [string, string][] = [];
  const request = new Request("http://h/");
  const decorated = decorate<Draft>(
    FIELDS,
    (head, of) => {
      seen.push(...head.headers);
      assertStrictEquals(of, request);
    },
    "server",
    (headers) => ({ headers }),
    request,
  );
  assertEquals(new Map(seen), new Map(LOWER));
  assertEquals(decorated, LOWER);
});

test("decorate() keeps every Set-Cookie as a line of its own (RFC 9110 §5.3)", () => {
  const fields: FieldList = [["Set-Cookie", "a=1"], ["X", "y"], ["Set-Cookie", "b=2, c"]];
  const cookies = (decorated: FieldList) =>
    decorated.filter(([name]) => name === "set-cookie").map(([, value]) => value);
  assertEquals(cookies(apply({}, "server", fields)), ["a=1", "b=2, c"]);
  assertEquals(cookies(apply({ "set-cookie": "d=3" }, "server", fields)), ["a=1", "b=2, c", "d=3"]);
  const two: [string, string][] = [["Set-Cookie", "d=3"], ["Set-Cookie", "e=4"]];
  assertEquals(cookies(apply(two, "server", fields)), ["a=1", "b=2, c", "d=3", "e=4"]);
  assertEquals(cookies(apply(({ headers }) => headers.delete("set-cookie"), "server", fields)), []);
});

const PROTECTED = [
  "Upgrade",
  "Connection",
  "Content-Length",
  "Transfer-Encoding",
  "Sec-WebSocket-Key",
  "Sec-WebSocket-Accept",
  "Sec-WebSocket-Version",
  "sec-websocket-protocol",
  "SEC-WEBSOCKET-EXTENSIONS",
  "Sec-WebSocket-Anything",
];

test("decorate() refuses to add, change or delete a field of the handshake (RFC 6455 §4.1, §4.2.2)", () => {
  for (const name of PROTECTED) {
    for (const role of ["client", "server"] as const) {
      const error = assertThrows(() => apply({ [name]: "x" }, role), TypeError, "belongs to the handshake");
      assert(error.message.toLowerCase().includes(name.toLowerCase()));
      assertThrows(() => apply(({ headers }) => headers.set(name, "x"), role), TypeError);
      assertThrows(() => apply(({ headers }) => headers.append(name, "x"), role), TypeError);
      assertThrows(() => checkDecorator({ [name]: "x" }, role), TypeError);
    }
  }
  for (const name of ["Upgrade", "Connection", "Sec-WebSocket-Version"]) {
    assertThrows(() => apply(({ headers }) => headers.delete(name)), TypeError);
  }
  // Saying the same again changes nothing
  assertEquals(apply(({ headers }) => headers.set("upgrade", "websocket")).length, FIELDS.length);
});

test("decorate() lets a client name another Host, a server none (RFC 9110 §7.2)", () => {
  assertEquals(apply({ Host: "other" })[0], ["host", "other"]);
  checkDecorator({ Host: "other" }, "client");
  assertThrows(() => apply({ Host: "other" }, "server"), TypeError, "the field Host");
  assertThrows(() => checkDecorator({ Host: "other" }, "server"), TypeError, "the field host");
  assertThrows(() => apply(({ headers }) => headers.set("Host", "x"), "server", []), TypeError, "the field host");
});

test("decorate() refuses names and values that would end their line (RFC 9110 §5.5)", () => {
  for (const value of ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "a\u0141"]) {
    assertThrows(() => checkDecorator({ x: value }, "server"), TypeError);
    assertThrows(() => apply({ x: value }), TypeError);
    assertThrows(() => apply(({ headers }) => headers.set("x", value)), TypeError);
  }
  for (const name of ["a\r\nb", "a b", "a:", "", "ä"]) {
    assertThrows(() => checkDecorator({ [name]: "x" }, "server"), TypeError);
    assertThrows(() => apply(({ headers }) => headers.set(name, "x")), TypeError);
  }
});

test("decorate() refuses a function that is not synchronous, also one that fails later", async () => {
  assertThrows(() => apply(async () => await undefined), TypeError, "synchronous");
  assertThrows(() => apply(() => Promise.reject(new Error("later"))), TypeError, "synchronous");
  await Promise.resolve();
});

test("decorate() hands on what a function throws", () => {
  const error = new Error("mine");
  const thrown = assertThrows(() =>
    apply(() => {
      throw error;
    })
  );
  assertStrictEquals(thrown, error);
});

test("checkDecorator() says which field is not valid, and does not quote its value (RFC 9110 §5.5)", () => {
  const wrong: [init: unknown, message: string][] = [
    [{ authorization: "s3cret\0" }, 'authorization has "\\u0000" at position 6'],
    [[["a", "b"], ["x-token", "s3cret\r\nx: y"]], 'x-token has "\\r" at position 6'],
    [[["a b", "s3cret"]], 'the name "a b" is not a token'],
    [[["a"]], "what new Headers() takes"],
    [[["a", "s3cret", "c"]], "what new Headers() takes"],
  ];
  for (const [init, message] of wrong) {
    const error = assertThrows(() => checkDecorator(init as HeadersInit, "client"), TypeError, message);
    assertEquals(error.message.includes("s3cret"), false, error.message);
  }
});
