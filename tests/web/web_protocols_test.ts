import { assertEquals, assertThrows } from "@std/assert";
import { webProtocols } from "../../src/web/web_protocols.ts";
import { assertDomError } from "../kit/assert_dom_error.ts";
import { test } from "../kit/harness.ts";

test("subprotocols are whatever can be iterated over, and become strings", () => {
  assertEquals(webProtocols(new Set(["b", "a"])), ["b", "a"]);
  assertEquals(webProtocols([1] as unknown as string[]), ["1"]);
  assertEquals(webProtocols([]), []);
});

test("a string is no list of subprotocols, nor is what can't be iterated over", () => {
  for (const wrong of ["a", 1, null, {}]) {
    assertThrows(() => webProtocols(wrong as string[]), TypeError, "must be a list of strings");
  }
});

test("subprotocols are tokens that differ in more than case", () => {
  for (const wrong of [[""], ["a b"], ["a,b"], ["ä"], ["a\n"], ["a", "a"], ["a", "A"]]) {
    assertDomError(() => webProtocols(wrong), "SyntaxError");
  }
});
