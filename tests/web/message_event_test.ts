import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { MessageEvent, type WebSocket } from "../../src/websocket.ts";
import { assertDomError } from "../kit/assert_dom_error.ts";
import { test } from "../kit/harness.ts";
import { cleanly, HandPeer, type ServeOne, testSocket } from "./peers.ts";
import { OPCODE, toward, unhex, utf8 } from "../cases/frames_base.ts";

/** Sends one message, and closes back. */
const once: ServeOne = async (conn) => {
  const peer = await HandPeer.opened(conn);
  await peer.write(Uint8Array.from(unhex(toward("client")(OPCODE.text, utf8("a")))));
  await peer.closeBack();
};

/** What a listener sees of its event. */
function seenOf(event: MessageEvent, socket: WebSocket): unknown[] {
  const { target, currentTarget, eventPhase, defaultPrevented, type, data } = event, path = event.composedPath();
  return [target === socket, currentTarget === socket, eventPhase, path.length, defaultPrevented, type, data];
}

/** The name of what is thrown, if anything is. */
function nameOfThrown(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return (error as Error).name;
  }
  return undefined;
}

/** What the runtime's own target throws where an event is dispatched in its listener, and what its `srcElement` is. */
function ofRuntime(): [thrown: string | undefined, srcElement: unknown] {
  const target = new EventTarget(), made = new Event("x"), seen: [string | undefined, unknown] = [undefined, undefined];
  target.addEventListener("x", () => {
    seen[0] = nameOfThrown(() => target.dispatchEvent(made));
    seen[1] = made.srcElement === target ? "target" : made.srcElement;
  });
  target.dispatchEvent(made);
  return seen;
}

/** Every way to be told of messages. */
const WAYS: Readonly<Record<string, (socket: WebSocket, listener: (event: MessageEvent) => unknown) => void>> = {
  "a handler": (socket, listener) => socket.onmessage = listener,
  "a listener": (socket, listener) => socket.addEventListener("message", listener),
  "a listener that is an object": (socket, handleEvent) => socket.addEventListener("message", { handleEvent }),
  "a listener before a handler": (socket, listener) => { // behind the first, Node's events forget it
    socket.addEventListener("message", listener);
    socket.onmessage = () => {};
  },
};
for (const [name, listen] of Object.entries(WAYS)) {
  testSocket(`${name} sees an event that is being dispatched (DOM §2.9)`, once, async (open) => {
    const socket = open(), events: MessageEvent[] = [], seen: unknown[] = [], other = new EventTarget();
    other.addEventListener("message", () => {});
    listen(socket, (event) => {
      event.preventDefault();
      events.push(event);
      seen.push(seenOf(event, socket), nameOfThrown(() => socket.dispatchEvent(event)));
      seen.push(nameOfThrown(() => other.dispatchEvent(event)), event.srcElement);
      socket.close();
    });
    await cleanly(socket);
    const [theirs, srcElement] = ofRuntime(), [event] = events;
    assertEquals(seen.slice(0, 3), [[true, true, 2, 1, false, "message", "a"], theirs, theirs]);
    assertStrictEquals(seen[3], srcElement === "target" ? socket : srcElement);
    assertEquals([events.length, ...seenOf(event!, socket)], [1, true, false, 0, 0, false, "message", "a"]);
    other.addEventListener("message", ({ target }) => seen.push(target));
    assert(other.dispatchEvent(event!));
    assertStrictEquals(seen[4], other);
  });
}

test("what an event is made with is read once", () => {
  let reads = 0;
  const init = {
    get origin() {
      return `${++reads}`;
    },
    ports: [{}],
  };
  const event = new MessageEvent("message", init);
  init.ports.push({});
  assertEquals([event.origin, event.origin, reads, event.ports.length], ["1", "1", 1, 1]);
  assertStrictEquals(event.ports, event.ports);
});

test("initMessageEvent() makes it another event, but not while it is dispatched (HTML §9.1)", () => {
  const event = new MessageEvent("message", { data: "a" }), target = new EventTarget(), port = {};
  if (!("initEvent" in Event.prototype)) {
    assertDomError(() => event.initMessageEvent("other"), "NotSupportedError");
    return assertEquals([event.type, event.data], ["message", "a"]);
  }
  target.addEventListener("message", () => event.initMessageEvent("other", true, true, "b"));
  target.dispatchEvent(event);
  assertEquals([event.type, event.data], ["message", "a"]);
  event.initMessageEvent("other", true, true, "b", "ws://a", "1", port, [port]);
  assertEquals([event.type, event.bubbles, event.cancelable], ["other", true, true]);
  assertEquals([event.data, event.origin, event.lastEventId, event.source, event.ports], [
    "b",
    "ws://a",
    "1",
    port,
    [port],
  ]);
  event.initMessageEvent("more");
  assertEquals([event.type, event.data, event.origin, event.source, event.ports], ["more", null, "", null, []]);
  assertThrows(() => (event.initMessageEvent as () => void)(), TypeError, "type is missing");
});
