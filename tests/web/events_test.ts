import { assert, assertEquals, assertInstanceOf, assertStrictEquals, assertThrows } from "@std/assert";
import { CloseEvent, ErrorEvent, MessageEvent } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";

const CLASSES = { MessageEvent, CloseEvent, ErrorEvent };

for (const [name, Class] of Object.entries(CLASSES)) {
  test(`${name} is an event that can be dispatched, and has its name`, () => {
    const target = new EventTarget(), event = new Class("x", { cancelable: true }), seen: unknown[] = [];
    target.addEventListener("x", (event) => {
      event.preventDefault();
      seen.push(event);
    });
    assertEquals(target.dispatchEvent(event), false);
    assertStrictEquals(seen[0], event);
    assertInstanceOf(event, Event);
    assertEquals([event.type, event.bubbles, event.defaultPrevented, `${event}`], [
      "x",
      false,
      true,
      `[object ${name}]`,
    ]);
  });

  test(`on Deno and Bun ${name} is also the runtime's own`, () => {
    if (!("Deno" in globalThis) && !("Bun" in globalThis)) return;
    const Theirs = (globalThis as unknown as Record<string, new () => Event>)[name]!;
    assertInstanceOf(new Class("x"), Theirs);
  });
}

test("events have defaults", () => {
  const message = new MessageEvent("message"), close = new CloseEvent("close"), error = new ErrorEvent("error");
  const { data, origin, lastEventId, source, ports } = message;
  assertEquals([data, origin, lastEventId, source, ports], [null, "", "", null, []]);
  assertEquals([close.wasClean, close.code, close.reason], [false, 0, ""]);
  assertEquals([error.message, error.error, error.filename, error.lineno, error.colno], ["", undefined, "", 0, 0]);
});

test("events take what they are made with, converted", () => {
  const port = {}, init = { data: 0, origin: "ws://a", lastEventId: "1", source: port, ports: [port] };
  const { data, origin, lastEventId, source, ports } = new MessageEvent("message", init);
  assertEquals([data, origin, lastEventId], [0, "ws://a", "1"]);
  assert(source === port && ports[0] === port && Object.isFrozen(ports));
  const { code, reason, wasClean } = new CloseEvent("close", { code: 65536 + 1000, reason: "\ud800", wasClean: true });
  assertEquals([code, reason, wasClean], [1000, "\ufffd", true]);
});

test("their attributes can't be written, and belong to events alone", () => {
  const event = new MessageEvent("message", { data: "a" });
  assertThrows(() => (event as { data: string }).data = "b", TypeError);
  assertThrows(() => MessageEvent.prototype.data, TypeError);
});

for (const [name, Class] of Object.entries(CLASSES)) {
  test(`${name} needs a type, and takes null for no fields`, () => {
    const Loose = Class as unknown as new (...args: unknown[]) => Event;
    assertThrows(() => new Loose(), TypeError, "type is missing");
    for (const wrong of ["x", 1, true]) assertThrows(() => new Loose("x", wrong), TypeError, "must be an object");
    for (const none of [null, undefined, {}]) assertEquals(new Loose("x", none).cancelable, false);
  });
}

test("what events are made with is converted as Web IDL says", () => {
  for (const code of [1n, Symbol("x")]) {
    assertThrows(() => new CloseEvent("close", { code: code as unknown as number }), TypeError);
  }
  const none = null as unknown as string;
  assertEquals(new CloseEvent("close", { reason: none }).reason, "null");
  assertEquals(new ErrorEvent("error", { message: none }).message, "null");
  assertEquals(new MessageEvent("message", { origin: none }).origin, "null");
});
