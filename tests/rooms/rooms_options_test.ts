// Wrong options and arguments, and what is said of them.

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { memoryRelay } from "../../src/rooms/memory_relay.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import type { RoomsOptions } from "../../src/rooms/rooms_options.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { House } from "./guests.ts";
import { ShakyRelay } from "./shaky_relay.ts";

const OPTIONS: readonly [options: unknown, error: typeof TypeError | typeof RangeError, message: string][] = [
  [null, TypeError, "the options: they are null, and must be an object"],
  [{ relay: memoryRelay }, TypeError, "option relay: it is a function. Call it, as in relay: memoryRelay()"],
  [{ relay: {} }, TypeError, "option relay: it has no start()"],
  [{ relay: { ...memoryRelay(), read: 1 } }, TypeError, "option relay: it has no read()"],
  [{ encode: "json" }, TypeError, "option encode: it must be a function"],
  [{ onError: 1 }, TypeError, "option onError: it must be a function"],
  [{ onRecovery: {} }, TypeError, "option onRecovery: it must be a function"],
  [{ maxQueuedMessages: 0 }, RangeError, "option maxQueuedMessages: it is 0, and must be an integer of at least 1"],
  [{ maxQueuedBytes: "1" }, RangeError, 'option maxQueuedBytes: it is the string "1"'],
  [{ publishTimeout: -1 }, RangeError, "option publishTimeout: it is -1, and must be from 0"],
  [{ closeTimeout: NaN }, RangeError, "option closeTimeout: it is NaN"],
  [{ clock: {} }, TypeError, "it has no now()"],
];

test("Rooms says what is wrong with its options", () => {
  for (const [options, error, message] of OPTIONS) {
    assertThrows(() => new Rooms(options as RoomsOptions), error, message);
  }
});

test("what onError and onRecovery throw is printed, and breaks no room", async () => {
  const { error } = console, printed: string[] = [], seen: unknown[] = [];
  console.error = (...args: unknown[]) => void printed.push(args.map(String).join(" "));
  const broken = (name: string) => () => {
    throw new Error(`${name} is broken`);
  };
  try {
    await handlingAll(async () => {
      for (const onError of [broken("onError"), async () => await Promise.reject(new Error("onError is broken"))]) {
        const relay = new ShakyRelay();
        await using rooms = new Rooms({ relay, onError, onRecovery: broken("onRecovery") });
        await rooms.subscribe("lobby", broken("the handler"));
        await rooms.subscribe("lobby", ({ message }) => seen.push(message));
        for (const message of ["a", "b"]) await rooms.publish("lobby", message);
        relay.down();
        relay.up();
      }
    });
  } finally {
    console.error = error;
  }
  assertEquals(seen, ["a", "b", "a", "b"]);
  const failed = Array(3).fill("Rooms: onError() has failed: Error: onError is broken");
  const all = [...failed, "Rooms: onRecovery() has failed: Error: onRecovery is broken"];
  assertEquals(printed.toSorted(), [...all, ...all].toSorted());
});

const MEMORY: readonly [options: object, message: string][] = [
  [{ messages: -1 }, "option messages: it is -1, and must be an integer of at least 0"],
  [{ bytes: 0.5 }, "option bytes: it is 0.5"],
  [{ totalBytes: "1" }, "option totalBytes: it is the string"],
];

test("memoryRelay() says what is wrong with its options", () => {
  for (const [options, message] of MEMORY) assertThrows(() => memoryRelay(options), RangeError, message);
  assertThrows(() => memoryRelay(1000 as never), TypeError, "the options: they are 1000, and must be an object");
});

const NAMES: readonly [name: unknown, message: string][] = [
  ["", 'the room: it is "", and must be a string of 1 to 256 characters'],
  ["x".repeat(257), "the room: it is"],
  ["\ud800", "without lone surrogates"],
  [7, "the room: it is 7"],
  [undefined, "the room: it is undefined"],
];

test("join(), publish() and subscribe() say what is wrong with their arguments", async () => {
  await using house = await new House().open();
  await using guest = await house.enter("lobby");
  await guest.joined;
  const { rooms, sockets: [socket] } = house;
  for (const [name, message] of NAMES) {
    await assertRejects(() => rooms.join(name as string, socket!), TypeError, message);
    await assertRejects(() => rooms.subscribe(name as string, () => {}), TypeError, message);
    assertThrows(() => void rooms.publish(name as string, ""), TypeError, message);
  }
  for (const after of [-1, NaN, 0.5, 2 ** 53, "1", null]) {
    const options = { after: after as number }, message = "Cannot use the option after: it is ";
    const error = await assertRejects(() => rooms.join("attic", socket!, options), RangeError, message);
    assertStringIncludes(error.message, `${after}`);
    await assertRejects(() => rooms.subscribe("attic", () => {}, options), RangeError, message);
  }
  await assertRejects(() => rooms.join("attic", {} as never), TypeError, "must be a WebSocketConnection");
  await assertRejects(() => rooms.join("attic", undefined as never), TypeError, "must be a WebSocketConnection");
  await assertRejects(() => rooms.subscribe("attic", {} as never), TypeError, "the handler must be a function");
  for (const options of [5, "5", null] as never[]) {
    const message = "and must be an object";
    await assertRejects(() => rooms.join("attic", socket!, options), TypeError, message);
    await assertRejects(() => rooms.subscribe("attic", () => {}, options), TypeError, message);
    assertThrows(() => void rooms.publish("attic", "", options), TypeError, message);
  }
  const options = { onCaughtUp: 1 as never };
  await assertRejects(() => rooms.join("attic", socket!, options), TypeError, "onCaughtUp: it must be a function");
  for (const id of ["", "x".repeat(129), 7, "\udc00"]) {
    assertThrows(() => void rooms.publish("attic", "", { id: id as string }), TypeError, "Cannot use the id: it is ");
  }
  for (const message of [7, null, undefined, {}, new SharedArrayBuffer(1)]) {
    assertThrows(() => void rooms.publish("attic", message as never), TypeError, "must be a string, an ArrayBuffer");
  }
  assertEquals([rooms.members("attic"), house.told], [[], []]);
});

test("publish() refuses at once what the engine cannot take", async () => {
  const relay = { ...memoryRelay(), maxMessageSize: 10 };
  await using rooms = new Rooms({ relay });
  await rooms.publish("lobby", "0123456789");
  for (const message of ["01234567890", "ääääää", new Uint8Array(11)]) {
    assertThrows(() => void rooms.publish("lobby", message), RangeError, "takes at most 10");
  }
});
