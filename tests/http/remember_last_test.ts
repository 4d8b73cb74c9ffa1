import { assertEquals, assertThrows } from "@std/assert";
import { rememberLast } from "../../src/http/remember_last.ts";
import { test } from "../kit/harness.ts";

test("what is remembered is the result for the last string, and no error", () => {
  const asked: string[] = [];
  const length = rememberLast((text) => {
    asked.push(text);
    if (text === "bad") throw new RangeError(text);
    return text.length;
  });
  assertEquals([length("a"), length("a"), length("bc"), length("a")], [1, 1, 2, 1]);
  assertThrows(() => length("bad"), RangeError);
  assertEquals(length("a"), 1);
  assertThrows(() => length("bad"), RangeError);
  assertEquals(asked, ["a", "bc", "a", "bad", "bad"]);
});
