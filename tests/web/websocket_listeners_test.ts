// Who is told of a message: those that the EventTarget has, however they came to it, and nobody else.

import { assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { connectionPair } from "../../src/testing.ts";
import { type MessageEvent, WebSocket } from "../../src/websocket.ts";
import { test } from "../kit/harness.ts";
import { cleanly, next, type ServeOne, testSocket } from "./peers.ts";
import { accept } from "../../mod.ts";

/** Sends two messages, and closes. */
const two: ServeOne = async (conn) => {
  const socket = await accept(conn);
  for (const message of ["a", "b"]) socket.send(message);
  await socket.close({ closeCode: 3000 });
};

const { addEventListener, removeEventListener } = EventTarget.prototype as unknown as {
  addEventListener(this: EventTarget, type: string, listener: () => void, options?: unknown): void;
  removeEventListener(this: EventTarget, type: string, listener: () => void): void;
};

/** What is done before the first message, and who is then called with each. */
const ROWS: readonly [
  name: string,
  set: (socket: WebSocket, one: () => void, two: () => void) => void,
  told: string,
][] = [
  ...[false, undefined, null, {}, { capture: false }, { passive: true }, { once: true }].map((
    options,
  ): typeof ROWS[number] => [
    `one that is removed with ${JSON.stringify(options)}, of which only capture counts (DOM §2.7)`,
    (socket, one) => {
      socket.addEventListener("message", one);
      socket.removeEventListener("message", one, options as EventListenerOptions);
    },
    "",
  ]),
  ["one that was added with capture, and is removed without", (socket, one) => {
    socket.addEventListener("message", one, { capture: true });
    socket.removeEventListener("message", one);
  }, "11"],
  ["one that is added by EventTarget's own method beside another", (socket, one, two) => {
    socket.addEventListener("message", one);
    addEventListener.call(socket, "message", two);
  }, "1212"],
  ["one that is added by EventTarget's own method beside a handler", (socket, one, two) => {
    socket.onmessage = one;
    addEventListener.call(socket, "message", two);
  }, "1212"],
  ["one that is added so for one message", (socket, one, two) => {
    socket.onmessage = one;
    addEventListener.call(socket, "message", two, { once: true });
  }, "121"],
  ["one that is removed by EventTarget's own method", (socket, one, two) => {
    socket.addEventListener("message", one);
    removeEventListener.call(socket, "message", one);
    socket.onmessage = two;
  }, "22"],
  ["a handler that an instance only has as a property", (socket, one, two) => {
    socket.onmessage = one;
    Object.defineProperty(socket, "onmessage", { value: two });
  }, "11"],
];
for (const [name, set, told] of ROWS) {
  testSocket(`${name}: ${told || "nobody"} is told`, two, async (open) => {
    const socket = open(), seen: string[] = [];
    set(socket, () => void seen.push("1"), () => void seen.push("2"));
    await cleanly(socket);
    assertEquals(seen.join(""), told);
  });
}

/** Subclasses that have `onmessage` themselves, and what becomes of a handler and of messages. */
const SUBCLASSES: Readonly<Record<string, (seen: string[]) => typeof WebSocket>> = {
  "a field": (seen) =>
    class extends WebSocket {
      override onmessage = () => void seen.push("never");
    },
  "a method": (seen) =>
    class extends WebSocket {
      // @ts-expect-error it is an attribute
      override onmessage() {
        seen.push("never");
      }
    },
  "a getter that throws": () =>
    class extends WebSocket {
      // @ts-expect-error it is no accessor to the compiler
      override get onmessage(): null {
        throw new Error("not to be asked");
      }
    },
};
for (const [name, extend] of Object.entries(SUBCLASSES)) {
  test(`${name} of a subclass is no handler, and is not asked`, async () => {
    const [conn, far] = connectionPair(), seen: string[] = [], serving = two(far);
    const socket = new (extend(seen))("ws://localhost/", [], { conn });
    const closed = cleanly(socket);
    await Promise.all([closed, serving]);
    assertEquals(seen, []);
  });
}

test("a subclass can wrap the attribute", async () => {
  const attribute = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage")!, seen: string[] = [];
  class Wrapped extends WebSocket {
    // @ts-expect-error it is no accessor to the compiler
    override set onmessage(handler: (event: MessageEvent) => unknown) {
      attribute.set!.call(this, (event: MessageEvent) => {
        seen.push("wrapped");
        return handler(event);
      });
    }
  }
  const [conn, far] = connectionPair(), serving = two(far), socket = new Wrapped("ws://localhost/", [], { conn });
  socket.onmessage = ({ data }: MessageEvent) => seen.push(data);
  await Promise.all([cleanly(socket), serving]);
  assertEquals(seen, ["wrapped", "a", "wrapped", "b"]);
});

test("without a listener it can't be added or removed, and options are not required", async () => {
  const socket = new WebSocket("ws://localhost/", [], { conn: connectionPair()[0] });
  const loose = socket as unknown as Record<"addEventListener" | "removeEventListener", (...args: unknown[]) => void>;
  for (const name of ["addEventListener", "removeEventListener"] as const) {
    for (const args of [[], ["message"]]) assertThrows(() => loose[name](...args), TypeError);
    assertEquals(socket[name].length, 2);
  }
  socket.close();
  await next(socket, "close");
});

/** What comes between a runtime and the path of a program. */
const ARGUMENTS = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];

test("a promise of a listener or a handler that rejects is reported as the runtime does", async () => {
  const child = spawn(process.execPath, [...ARGUMENTS, join(import.meta.dirname!, "rejecting_listener.ts")]);
  let said = "";
  child.stdout.on("data", (chunk) => said += chunk);
  child.stderr.resume();
  await once(child, "close");
  const [theirs, ...ours] = said.trim().split("\n");
  assertEquals([ours.length, ...ours], [3, theirs, theirs, theirs]);
});
