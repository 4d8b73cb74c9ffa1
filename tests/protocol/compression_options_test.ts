import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Agreement, answer, attach, type CompressionOptions, connect, offer } from "../../mod.ts";
import { checkCompression, checkDeflate, type DeflateAgreement } from "../../src/protocol/compression_options.ts";
import { connectionPair } from "../../src/testing.ts";
import { agreed } from "../cases/deflate.ts";
import { test } from "../kit/harness.ts";

const ROLES = ["client", "server"] as const;

/** The range of each number, and of those that depend on the role. */
const RANGES:
  readonly (readonly [name: keyof CompressionOptions, role: typeof ROLES[number], from: number, to: number])[] = [
    ["serverMaxWindowBits", "client", 8, 15],
    ["serverMaxWindowBits", "server", 9, 15],
    ["clientMaxWindowBits", "client", 9, 15],
    ["clientMaxWindowBits", "server", 8, 15],
    ...ROLES.flatMap((role) => [["level", role, 0, 9], ["memLevel", role, 1, 9]] as const),
  ];

test("checkCompression() takes every number of its range, and none beside it (RFC 7692 §7.1.2)", () => {
  for (const [name, role, from, to] of RANGES) {
    for (let value = from; value <= to; value++) checkCompression({ [name]: value }, role);
    for (const value of [from - 1, to + 1, from + 0.5, -1, NaN, Infinity, -Infinity, "10", null, true, 10n, {}]) {
      if (value as number >= from && value as number <= to && Number.isInteger(value)) continue;
      const wrong = { [name]: value } as CompressionOptions;
      assertThrows(() => checkCompression(wrong, role), RangeError, `compression.${name}`, `${role} ${String(value)}`);
    }
  }
});

test("checkCompression() takes every threshold from 0 on, Infinity too", () => {
  for (const role of ROLES) {
    for (const threshold of [0, 1, 2 ** 40, Infinity]) checkCompression({ threshold }, role);
    for (const threshold of [-1, 0.5, NaN, "1"] as number[]) {
      assertThrows(() => checkCompression({ threshold }, role), RangeError, "compression.threshold");
    }
  }
});

test("checkCompression() takes true, false and options, and nothing else", () => {
  const bare = {
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
  };
  for (const role of ROLES) {
    for (const none of [undefined, false]) assertEquals(checkCompression(none, role), undefined);
    assertEquals(checkCompression(true, role), bare);
    assertEquals(checkCompression({}, role), bare);
    const asked = { serverMaxWindowBits: 10, clientMaxWindowBits: 11, serverNoContextTakeover: true };
    assertEquals(checkCompression({ ...asked, level: 1 }, role), { ...bare, ...asked });
    assertEquals(checkCompression({ clientNoContextTakeover: true }, role), { ...bare, clientNoContextTakeover: true });
    for (const wrong of [null, 1, 0, "", "permessage-deflate", () => {}, Symbol.iterator]) {
      assertThrows(() => checkCompression(wrong as unknown as boolean, role), TypeError, "compression");
    }
  }
});

test("checkDeflate() names the window that can't be used, its value and its range", () => {
  for (const role of ROLES) checkDeflate(agreed(), role);
  assertThrows(
    () => checkDeflate(agreed({ clientMaxWindowBits: 16 }), "server"),
    RangeError,
    "agreement.deflate.clientMaxWindowBits: it is 16, an integer from 8 to 15 is allowed",
  );
  assertThrows(() => checkDeflate({} as DeflateAgreement, "client"), RangeError, "it is undefined, an integer from 8");
});

test("offer(), answer(), connect() and attach() check the option compression, and touch no connection", async () => {
  const [conn] = connectionPair(), { request } = offer("ws://h/");
  const server: Agreement = { role: "server", protocol: "", extensions: "" };
  for (const [wrong, Kind] of [[{ level: 10 }, RangeError], ["yes", TypeError]] as const) {
    const options = { compression: wrong as CompressionOptions };
    assertThrows(() => offer("ws://h/", options), Kind, "compression");
    await assertRejects(() => answer(request, options), Kind, "compression");
    await assertRejects(() => connect("ws://h/", { conn, ...options }), Kind, "compression");
    assertThrows(() => attach(conn, server, options), Kind, "compression");
  }
  assertThrows(() => offer("ws://h/", { compression: { clientMaxWindowBits: 8 } }), RangeError);
  await assertRejects(() => answer(request, { compression: { serverMaxWindowBits: 8 } }), RangeError);
  assertEquals([conn.readable.locked, conn.writable.locked, conn.isClosed], [false, false, false]);
});

test("attach() refuses an agreement with a window that is none, or that we can't keep to (RFC 7692 §7.1.2)", () => {
  const [conn] = connectionPair();
  const made = (role: "client" | "server", deflate: Agreement["deflate"]): Agreement => ({
    role,
    protocol: "",
    extensions: "permessage-deflate",
    ...(deflate && { deflate }),
  });
  for (const bits of [7, 16, 9.5, NaN, "10" as unknown as number, null as unknown as number]) {
    for (const role of ROLES) {
      for (const name of ["serverMaxWindowBits", "clientMaxWindowBits"]) {
        assertThrows(() => attach(conn, made(role, agreed({ [name]: bits }))), RangeError, `agreement.deflate.${name}`);
      }
    }
  }
  assertThrows(() => attach(conn, made("server", agreed({ serverMaxWindowBits: 8 }))), RangeError);
  assertThrows(() => attach(conn, made("client", agreed({ clientMaxWindowBits: 8 }))), RangeError);
  assertThrows(() => attach(conn, made("client", undefined)), TypeError, "is not known");
  for (const [role, name] of [["server", "clientMaxWindowBits"], ["client", "serverMaxWindowBits"]] as const) {
    const [ours] = connectionPair();
    const socket = attach(ours, made(role, agreed({ [name]: 8 })));
    assertEquals(socket.deflate, agreed({ [name]: 8 }));
    socket.abort();
  }
});
