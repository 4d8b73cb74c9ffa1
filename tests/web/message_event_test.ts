import { assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { MessageEvent, tell } from "../../src/web/message_event.ts";
import { test } from "../kit/harness.ts";

/** What a listener sees of its event. */
function seenOf(event: MessageEvent, target: EventTarget): unknown[] {
  const { target: aim, currentTarget, eventPhase, defaultPrevented, type, data } = event;
  return [
    aim === target,
    currentTarget === target,
    eventPhase,
    event.composedPath().length,
    defaultPrevented,
    type,
    data,
  ];
}

test("a message is told to the one listener as it would be dispatched", () => {
  const target = new EventTarget(), seen: unknown[][] = [], make = () => new MessageEvent("message", { data: "a" });
  const handler = (event: MessageEvent) => {
    event.preventDefault();
    seen.push(seenOf(event, target));
  };
  target.addEventListener("message", handler as (event: unknown) => void);
  const dispatched = make(), told = make();
  target.dispatchEvent(dispatched);
  tell(told, target, handler);
  assertEquals(seen[1], [true, true, 2, 1, false, "message", "a"]);
  assertEquals(seen[1], seen[0]);
  for (const event of [dispatched, told]) {
    assertEquals(seenOf(event, target), [true, false, 0, 0, false, "message", "a"]);
  }
});

test("a message that was told can be dispatched, and then has that target", () => {
  const target = new EventTarget(),
    other = new EventTarget(),
    event = new MessageEvent("message"),
    seen: unknown[] = [];
  assertEquals([event.target, event.currentTarget, event.eventPhase], [null, null, 0]);
  tell(event, target, () => {});
  other.addEventListener("message", ({ target }) => seen.push(target));
  assertEquals(other.dispatchEvent(event), true);
  assertStrictEquals(seen[0], other);
  assertInstanceOf(event, Event);
});

test("the listener has the target for its this", () => {
  const target = new EventTarget(), seen: unknown[] = [];
  tell(new MessageEvent("message"), target, function (this: unknown) {
    seen.push(this);
  });
  assertStrictEquals(seen[0], target);
});
