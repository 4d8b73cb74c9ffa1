import { assertEquals, assertStrictEquals } from "@std/assert";
import { initOf } from "../../src/web/websocket_init.ts";
import { test } from "../kit/harness.ts";

test("a string or a list is the subprotocols, null is nothing, and an object is everything", () => {
  const list = ["a", "b"], init = { protocols: "a", headers: { x: "1" } };
  assertEquals(initOf("a"), { protocols: "a" });
  assertStrictEquals(initOf(list).protocols, list);
  assertEquals(initOf(7 as unknown as string), { protocols: "7" });
  assertEquals(initOf(null), {});
  assertStrictEquals(initOf(init), init);
});
