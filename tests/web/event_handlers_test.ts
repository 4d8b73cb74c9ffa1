import { assertEquals, assertStrictEquals } from "@std/assert";
import { EventHandlers } from "../../src/web/event_handlers.ts";
import { test } from "../kit/harness.ts";

/** A target with handlers, what was called, and a way to call. */
function recorded() {
  const target = new EventTarget(), handlers = new EventHandlers(target), seen: string[] = [];
  const fire = (init?: EventInit) => target.dispatchEvent(new Event("x", init));
  return { target, handlers, seen, fire };
}

test("a handler stands where it was first set, until it is null", () => {
  const { target, handlers, seen, fire } = recorded();
  handlers.set("x", () => seen.push("first"));
  target.addEventListener("x", () => seen.push("listener"));
  handlers.set("x", () => seen.push("second"));
  fire();
  assertEquals(seen.splice(0), ["second", "listener"]);
  handlers.set("x", null);
  fire();
  assertEquals(seen.splice(0), ["listener"]);
  handlers.set("x", () => seen.push("third"));
  fire();
  assertEquals(seen, ["listener", "third"]);
});

test("what is no object becomes null, and an object that can't be called is kept", () => {
  const { handlers, seen, fire } = recorded(), object = { handleEvent: () => seen.push("never") };
  for (const wrong of [1, "f", true, undefined, Symbol("x"), null]) {
    handlers.set("x", () => seen.push("never"));
    handlers.set("x", wrong);
    assertEquals(handlers.get("x"), null);
  }
  handlers.set("x", object);
  assertStrictEquals(handlers.get("x"), object);
  fire();
  assertEquals([seen, handlers.get("y")], [[], null]);
});

test("a handler has the target for its this, and prevents the default by false", () => {
  const { target, handlers, fire } = recorded(), seen: unknown[] = [];
  handlers.set("x", function (this: unknown) {
    seen.push(this);
    return false;
  });
  assertEquals(fire({ cancelable: true }), false);
  assertStrictEquals(seen[0], target);
  handlers.set("x", () => undefined);
  assertEquals(fire({ cancelable: true }), true);
});
