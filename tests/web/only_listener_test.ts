import { assert, assertEquals } from "@std/assert";
import { OnlyListener } from "../../src/web/only_listener.ts";
import { test } from "../kit/harness.ts";

const FILE = "../../src/web/only_listener.ts";

/** A target and what tells its events, where there is something to be known of the runtime. */
function targetAndTeller(): { target: EventTarget; only: OnlyListener | undefined } {
  const target = new EventTarget();
  return { target, only: OnlyListener.of(target) };
}

test("only Deno shows its listeners: if it no longer does, or does more in a dispatch, this fails", () => {
  assertEquals(targetAndTeller().only !== undefined, "Deno" in globalThis);
});

/** What a listener sees of an event, what it may do in it, and what is left of that behind it. */
function seen(target: EventTarget, tell: (event: Event) => void): unknown[] {
  const event = new Event("probe", { cancelable: true }), all: unknown[] = [];
  const show = () => {
    const { eventPhase, cancelBubble, defaultPrevented } = event;
    const targets = [event.target, event.currentTarget, ...event.composedPath()].map((one) => one === target);
    all.push(targets, eventPhase, cancelBubble, defaultPrevented, event.currentTarget === null);
  };
  const listener = function (this: unknown, told: unknown) {
    all.push(this === target, told === event);
    show();
    for (const again of [target, new EventTarget()]) { // DOM §2.10: InvalidStateError while it is being dispatched
      again.addEventListener("probe", () => all.push("again"));
      try {
        again.dispatchEvent(event);
      } catch (error) {
        all.push((error as Error).name);
      }
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    show();
  };
  show();
  target.addEventListener("probe", listener);
  tell(event);
  show();
  target.removeEventListener("probe", listener);
  const other = new EventTarget();
  other.addEventListener("probe", ({ currentTarget }) => all.push(currentTarget === other));
  other.dispatchEvent(event); // it can be dispatched once more
  all.push(event.target === other);
  return all;
}

test("a listener sees what it would see in a dispatch, and the event is the same behind it (DOM §2.9)", () => {
  const { target, only } = targetAndTeller();
  if (!only) return;
  const other = new EventTarget();
  const dispatched = seen(other, (event) => void other.dispatchEvent(event));
  assertEquals(seen(target, (event) => assert(only.tell("probe", event))), dispatched);
  assert(dispatched.includes("InvalidStateError"));
});

const { addEventListener, removeEventListener } = EventTarget.prototype;

/** Listeners that only the runtime tells, or that are no more; and whether any was told by it. */
const OTHERS: Readonly<Record<string, (target: EventTarget, listener: () => void) => void>> = {
  "there is none": () => {},
  "there are two": (target, listener) => {
    target.addEventListener("probe", listener);
    addEventListener.call(target, "probe", () => {});
  },
  "it is told once": (target, listener) => target.addEventListener("probe", listener, { once: true }),
  "it is passive": (target, listener) => target.addEventListener("probe", listener, { passive: true }),
  "it is an object": (target, listener) => target.addEventListener("probe", { handleEvent: listener }),
  "it was removed": (target, listener) => {
    target.addEventListener("probe", listener);
    removeEventListener.call(target, "probe", listener);
  },
  "its signal has aborted": (target, listener) => {
    const aborting = new AbortController();
    target.addEventListener("probe", listener, { signal: aborting.signal });
    aborting.abort();
  },
  "it has been told once": (target, listener) => {
    target.addEventListener("probe", listener, { once: true });
    target.dispatchEvent(new Event("probe"));
  },
};
for (const [name, listen] of Object.entries(OTHERS)) {
  test(`it is left to the runtime where ${name}`, () => {
    const { target, only } = targetAndTeller();
    let count = 0;
    listen(target, () => void count++);
    const before = count, event = new Event("probe");
    assertEquals([only?.tell("probe", event) ?? false, count, event.target], [false, before, null]);
  });
}

test("where a dispatch changes an event in another way, the runtime dispatches", async () => {
  const { prototype } = EventTarget, { dispatchEvent } = prototype;
  prototype.dispatchEvent = function (event) {
    Object.assign(event, { [Symbol("more")]: 1 });
    return dispatchEvent.call(this, event);
  };
  try {
    const { OnlyListener } = await import(`${FILE}?another`) as typeof import("../../src/web/only_listener.ts");
    assertEquals(OnlyListener.of(new EventTarget()), undefined);
  } finally {
    prototype.dispatchEvent = dispatchEvent;
  }
});
