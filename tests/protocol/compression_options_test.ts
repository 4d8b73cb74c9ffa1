import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  checkCompression,
  checkDeflate,
  type CompressionOptions,
  DEFAULT_COMPRESSION,
  type DeflateAgreement,
  offerOf,
} from "../../src/protocol/compression_options.ts";
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
    level: 6,
    memLevel: 5,
    threshold: 256,
  };
  for (const role of ROLES) {
    for (const none of [undefined, false]) assertEquals(checkCompression(none, role), undefined);
    assertEquals(checkCompression(true, role), bare);
    assertEquals(checkCompression({}, role), bare);
    const asked = { serverMaxWindowBits: 10, clientMaxWindowBits: 11, serverNoContextTakeover: true };
    assertEquals(checkCompression({ ...asked, level: 1 }, role), { ...bare, ...asked, level: 1, memLevel: 8 });
    assertEquals(checkCompression({ clientNoContextTakeover: true }, role), { ...bare, clientNoContextTakeover: true });
    for (const wrong of [null, 1, 0, "", "permessage-deflate", () => {}, Symbol.iterator]) {
      assertThrows(() => checkCompression(wrong as unknown as boolean, role), TypeError, "compression");
    }
  }
});

test("checkCompression() gives more memory to a side whose own window was set, unless it is told how much", () => {
  for (const [name, role] of [["serverMaxWindowBits", "server"], ["clientMaxWindowBits", "client"]] as const) {
    for (const other of ROLES) {
      assertEquals(checkCompression({ [name]: 10 }, other)?.memLevel, other === role ? 8 : 5, `${name} ${other}`);
    }
    assertEquals(checkCompression({ [name]: 10, memLevel: 2 }, role)?.memLevel, 2);
  }
});

test("checkCompression() freezes what it gives, shares what is equal, and takes it as the option", () => {
  assertStrictEquals(checkCompression(true, "server"), DEFAULT_COMPRESSION);
  const settings = { serverMaxWindowBits: 10, level: 3 }, checked = checkCompression(settings, "server")!;
  assert(Object.isFrozen(checked) && Object.isFrozen(DEFAULT_COMPRESSION));
  settings.level = 4;
  assertEquals(checked.level, 3);
  assertStrictEquals(checkCompression({ level: 3, serverMaxWindowBits: 10 }, "server"), checked);
  assertStrictEquals(checkCompression(checked, "server"), checked);
});

test("offerOf() leaves out what only concerns our own compressing (RFC 7692 §7.1)", () => {
  const asked = { serverMaxWindowBits: 10, clientMaxWindowBits: 11, serverNoContextTakeover: true };
  const checked = checkCompression({ ...asked, level: 1, memLevel: 2, threshold: 3 }, "client")!;
  assertEquals(offerOf(checked), { ...asked, clientNoContextTakeover: false });
});

test("checkDeflate() names the window that can't be used, its value and its range", () => {
  for (const role of ROLES) checkDeflate(agreed(), role);
  assertThrows(
    () => checkDeflate(agreed({ clientMaxWindowBits: 16 }), "server"),
    RangeError,
    "agreement.deflate.clientMaxWindowBits: it is 16, and must be an integer from 8 to 15",
  );
  assertThrows(
    () => checkDeflate({} as DeflateAgreement, "client"),
    RangeError,
    "it is undefined, and must be an integer from 8",
  );
});
