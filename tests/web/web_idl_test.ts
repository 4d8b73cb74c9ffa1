import { assertEquals, assertThrows } from "@std/assert";
import { clampShort, defineConstants, makeEnumerable, toNumber } from "../../src/web/web_idl.ts";
import { test } from "../kit/harness.ts";

test("clampShort() clamps, rounds to even, and takes NaN for 0", () => {
  const rows = [[1000, 1000], [-1, 0], [65536 + 1000, 65535], [Infinity, 65535], [-Infinity, 0], [NaN, 0], ["x", 0]];
  for (const [given, wanted] of [...rows, [1000.5, 1000], [1001.5, 1002], [1000.6, 1001], ["3000", 3000], [null, 0]]) {
    assertEquals(clampShort(given), wanted, `${given}`);
  }
});

test("constants are on the class and on what it makes, and can't be written", () => {
  class Some {}
  defineConstants(Some, { ONE: 1 });
  for (const target of [Some, Some.prototype]) {
    const wanted = { value: 1, writable: false, enumerable: true, configurable: false };
    assertEquals(Object.getOwnPropertyDescriptor(target, "ONE"), wanted);
  }
});

test("attributes and methods can be enumerated, the constructor can't", () => {
  class Some {
    get attribute() {
      return 1;
    }
    method() {}
  }
  makeEnumerable(Some.prototype);
  const names: string[] = [];
  for (const name in new Some()) names.push(name);
  assertEquals(names, ["attribute", "method"]);
});

test("a BigInt and a symbol are no numbers", () => {
  for (const wrong of [1000n, Symbol("x")]) {
    for (const convert of [toNumber, clampShort]) assertThrows(() => convert(wrong), TypeError);
  }
});
