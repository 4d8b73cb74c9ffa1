// The end of rooms: what waits is stored or rejected, and no relay can make it fail.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { fakeClock } from "../../src/testing.ts";
import type { RoomsErrorContext } from "../../src/rooms/event.ts";
import { memoryRelay } from "../../src/rooms/memory_relay.ts";
import type { Relay } from "../../src/rooms/relay.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { House } from "./guests.ts";
import { ShakyRelay } from "./shaky_relay.ts";

test("close() has what waits stored, rejects what cannot be, and everything after it", async () => {
  const relay = new ShakyRelay(), rooms = new Rooms({ relay, onError() {} });
  const stored = rooms.publish("lobby", "in time");
  await rooms.close();
  assert(await stored > 0);
  for (const late of [() => rooms.publish("lobby", "late"), () => rooms.subscribe("lobby", () => {})]) {
    const error = await assertRejects(late, DOMException, "the rooms are closed");
    assertEquals(error.name, "InvalidStateError");
  }
  const down = new ShakyRelay(), broken = new Rooms({ relay: down, onError() {} });
  down.down();
  await using house = await new House().open();
  await using guest = await house.enter("hall"), other = await house.enter("hall");
  await Promise.all([guest.joined, other.joined]);
  const [staying, leaving] = house.sockets;
  const waiting = broken.publish("lobby", "in vain"), joining = broken.subscribe("lobby", () => {});
  const left = broken.join("lobby", leaving!), joined = broken.join("lobby", staying!);
  assert(broken.leave("lobby", leaving!));
  const closing = broken.close();
  for (const [late, action] of [[joining, "subscribe"], [joined, "join"]] as const) {
    const error = await assertRejects(() => late, DOMException, `Cannot ${action}: the rooms are closed`);
    assertEquals(error.name, "InvalidStateError");
  }
  assertEquals(await left, 0);
  await closing;
  await assertRejects(() => waiting, DOMException, "the rooms were closed first");

  const clock = fakeClock(), hanging = new ShakyRelay(), stuck = new Rooms({ relay: hanging, clock });
  hanging.hangs = true;
  const lost = stuck.publish("lobby", "x"), ending = stuck.close();
  await clock.advance(10_000);
  await ending;
  await assertRejects(() => lost, DOMException, "closed first");
});

test("close() and leave() do not fail whatever a relay does, of which is told", async () => {
  const relay: Relay = {
    ...memoryRelay(),
    unsubscribe: (room) => fail(`I keep ${room}`),
    close: () => fail("I stay"),
  };
  await using house = await new House().open();
  await using guest = await house.enter("hall");
  await guest.joined;
  const told: unknown[] = [], onError = (error: unknown, { room }: RoomsErrorContext) => told.push([`${error}`, room]);
  const rooms = new Rooms({ relay, onError });
  await rooms.join("attic", house.sockets[0]!);
  await rooms.subscribe("lobby", () => {});
  assert(rooms.leave("attic", house.sockets[0]!));
  await rooms.close();
  assertEquals(told, [["Error: I keep attic", "attic"], ["Error: I keep lobby", "lobby"], [
    "Error: I stay",
    undefined,
  ]]);
});

function fail(message: string): never {
  throw new Error(message);
}

test("what nobody waits for is no unhandled rejection", async () => {
  await handlingAll(async () => {
    const relay = new ShakyRelay(), rooms = new Rooms({ relay, onError() {}, maxQueuedMessages: 1 });
    relay.down();
    void rooms.publish("lobby", "rejected by close()");
    void rooms.publish("lobby", "one too many");
    await rooms.close();
    void rooms.publish("lobby", "late");
  });
});
