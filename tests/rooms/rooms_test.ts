// Rooms as their members see them, over real sockets: nothing twice, nothing lost, in order, and what is missing is told.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect, serve } from "../../mod.ts";
import { fakeClock } from "../../src/testing.ts";
import { memoryRelay } from "../../src/rooms/memory_relay.ts";
import { Rooms } from "../../src/rooms/rooms.ts";
import { handlingAll, random, test } from "../kit/harness.ts";
import { socketsSettled } from "../kit/serving.ts";
import { Guest, House } from "./guests.ts";
import { ShakyRelay } from "./shaky_relay.ts";

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `message ${from + i}`);

async function publishAll(rooms: Rooms, room: string, messages: readonly string[]): Promise<number[]> {
  return await Promise.all(messages.map((message) => rooms.publish(room, message)));
}

test("publish() gives members of the room what is published, in order, under numbers that grow", async () => {
  await using house = await new House().open();
  await using ann = await house.enter("lobby");
  await using ben = await house.enter("lobby");
  await using eve = await house.enter("another");
  await Promise.all([ann.joined, ben.joined, eve.joined]);
  const numbers = await publishAll(house.rooms, "lobby", texts(300));
  for (const guest of [ann, ben]) {
    await guest.until(300);
    assertEquals(guest.events, texts(300).map((message, i) => ({ room: "lobby", number: numbers[i]!, message })));
  }
  assert(numbers.every((number, i) => Number.isSafeInteger(number) && number > (numbers[i - 1] ?? 0)));
  assertEquals(eve.events, []);
});

test("join() gives who comes back what was missed and then what is new, and who is new only that", async () => {
  await using house = await new House().open();
  const numbers = await publishAll(house.rooms, "lobby", texts(200));
  await using fresh = await house.enter("lobby");
  await using back = await house.enter("lobby", numbers[49]);
  await using everything = await house.enter("lobby", 0);
  await using current = await house.enter("lobby", numbers[199]);
  await Promise.all([fresh, back, everything, current].map(({ joined }) => joined));
  numbers.push(...await publishAll(house.rooms, "lobby", texts(100, 200)));
  for (const [guest, from] of [[fresh, 200], [back, 50], [everything, 0], [current, 200]] as const) {
    await guest.until(300 - from);
    assertEquals(guest.numbers, numbers.slice(from));
    assertEquals(guest.messages, texts(300 - from, from));
  }
});

test("join() and leave() at random lose nothing and give nothing twice", async () => {
  await using house = await new House({ relay: memoryRelay({ messages: 5000, bytes: 100_000_000 }) }).open();
  const published: number[] = [], count = 3000, next = random(17);
  const members = Array.from({ length: 12 }, async () => {
    const numbers: number[] = [];
    while (numbers.length < count) {
      await using guest = await house.enter("lobby", numbers.at(-1) ?? 0);
      await guest.until(Math.min(1 + next() % 200, count - numbers.length));
      if (next() % 2 > 0) await guest.socket.close();
      else guest.socket.abort();
      await guest.gone;
      numbers.push(...guest.numbers);
    }
    return numbers;
  });
  while (published.length < count) {
    const size = Math.min(1 + next() % 20, count - published.length);
    published.push(...await publishAll(house.rooms, "lobby", texts(size, published.length)));
    if (next() % 4 === 0) await socketsSettled();
  }
  for (const numbers of await Promise.all(members)) assertEquals(numbers, published);
  assertEquals(house.told, []);
});

test("join() tells of a gap where messages are no longer kept", async () => {
  await using house = await new House({ relay: memoryRelay({ messages: 3 }) }).open();
  const numbers = await publishAll(house.rooms, "lobby", texts(10));
  for (
    const [after, first] of [[numbers[1]!, 7], [0, 7], [numbers[6]!, undefined], [numbers[7]!, undefined]] as const
  ) {
    await using guest = await house.enter("lobby", after);
    const kept = numbers.slice(Math.max(7, numbers.indexOf(after) + 1));
    await guest.until(kept.length + Number(first !== undefined));
    const gap = first === undefined ? [] : [{ room: "lobby", gap: { after, next: numbers[first]! } }];
    const expected = kept.map((number) => ({ room: "lobby", number, message: `message ${numbers.indexOf(number)}` }));
    assertEquals(guest.events, [...gap, ...expected]);
  }
});

test("subscribe() tells a handler that takes its time of a gap, and goes on behind it", async () => {
  await using rooms = new Rooms({ relay: memoryRelay({ messages: 3 }) });
  await publishAll(rooms, "lobby", texts(10));
  const seen: unknown[] = [], done = Promise.withResolvers<void>();
  await rooms.subscribe("lobby", async ({ message, gap }) => {
    seen.push(gap ? "gap" : message);
    await socketsSettled();
    if (seen.push("done") === 10) done.resolve();
  }, { after: 0 });
  await rooms.publish("lobby", "message 10");
  await done.promise;
  assertEquals(seen, ["gap", ...texts(4, 7)].flatMap((event) => [event, "done"]));
});

test("join() tells who was in a room before its process was started again of a gap, and goes on", async () => {
  await using before = await new House().open();
  const [old] = await publishAll(before.rooms, "lobby", ["from before"]);
  for (const isFirst of [true, false]) {
    await using house = await new House().open();
    if (!isFirst) await house.rooms.publish("lobby", "meanwhile");
    await using guest = await house.enter("lobby", old);
    await guest.joined;
    const number = await house.rooms.publish("lobby", "new");
    await guest.until(isFirst ? 2 : 3);
    assertEquals(guest.events[0]!.gap!.after, old);
    assertEquals(guest.messages.slice(1), isFirst ? ["new"] : ["meanwhile", "new"]);
    assert(number > old!, `${number} after ${old}`);
  }
});

test("a member that does not read delays no other, is sent no more than its mark, and misses nothing", async () => {
  await using house = await new House({ relay: memoryRelay({ bytes: Infinity }) }).open();
  const reading = Promise.withResolvers<void>(), body = "x".repeat(50_000), count = 400;
  const { url } = house;
  const seen: number[] = [];
  await using slow = await connect(`${url}lobby?after=0`, { highWaterMark: 1 });
  const received = slow.receive(async (message) => {
    await reading.promise;
    if (message !== "joined") seen.push(JSON.parse(message as string).number);
    if (seen.length === count) slow.abort();
  }).catch(() => {});
  await using fast = await house.enter("lobby", 0);
  await fast.joined;
  const numbers: number[] = [];
  while (numbers.length < count) numbers.push(await house.rooms.publish("lobby", body));
  await fast.until(count);
  assertEquals(fast.numbers, numbers);
  const most = Math.max(...house.sockets.map(({ bufferedAmount }) => bufferedAmount));
  assert(most > 0 && most < 65536 + 2 * body.length, `${most} bytes wait`);
  reading.resolve();
  await received;
  assertEquals(seen, numbers);
});

test("a member that has fallen behind what is kept is told of the gap", async () => {
  await using house = await new House({ relay: memoryRelay({ messages: 5, bytes: Infinity }) }).open();
  const { url } = house, reading = Promise.withResolvers<void>(), body = "x".repeat(50_000);
  const events: { number?: number; gap?: { after: number; next: number } }[] = [];
  await using slow = await connect(`${url}lobby`, { highWaterMark: 1 });
  const joined = Promise.withResolvers<void>();
  const received = slow.receive(async (message) => {
    if (message === "joined") return joined.resolve();
    await reading.promise;
    events.push(JSON.parse(message as string));
    if (events.at(-1)!.number === numbers.at(-1)) slow.abort();
  }).catch(() => {});
  await joined.promise;
  const numbers: number[] = [];
  while (numbers.length < 400) numbers.push(await house.rooms.publish("lobby", body));
  reading.resolve();
  await received;
  const at = events.findIndex(({ gap }) => gap), { after, next } = events[at]!.gap!;
  assertEquals(events.slice(0, at).map(({ number }) => number), numbers.slice(0, at));
  assertEquals([after, next], [numbers[at - 1], numbers[395]]);
  assertEquals(events.slice(at + 1).map(({ number }) => number), numbers.slice(395));
});

test("members() are those in this process; leave() and a close end it, and the room is given up with the last", async () => {
  const relay = new ShakyRelay();
  await using house = await new House({ relay }).open();
  const { rooms, sockets } = house;
  await using ann = await house.enter("lobby");
  await ann.joined;
  await using ben = await house.enter("lobby");
  await ben.joined;
  await rooms.join("attic", sockets[0]!);
  assertEquals([rooms.members("lobby"), rooms.members("attic"), rooms.members("cellar")], [sockets, [sockets[0]!], []]);
  assertEquals([...relay.subscribed], ["lobby", "attic"]);
  await assertRejects(() => rooms.join("attic", sockets[0]!), TypeError, "already a member");
  assertEquals([
    rooms.leave("lobby", sockets[1]!),
    rooms.leave("lobby", sockets[1]!),
    rooms.leave("cellar", sockets[1]!),
  ], [
    true,
    false,
    false,
  ]);
  await rooms.publish("lobby", "for Ann");
  await rooms.join("lobby", sockets[1]!);
  await rooms.publish("lobby", "for both");
  await ann.until(2);
  await ben.until(1);
  assertEquals([ann.messages, ben.messages], [["for Ann", "for both"], ["for both"]]);
  ann.socket.abort();
  await ben.socket.close();
  await Promise.all(sockets.map(({ closed }) => closed.catch(() => {})));
  await socketsSettled();
  assertEquals([rooms.members("lobby"), rooms.members("attic")], [[], []]);
  assertEquals([...relay.subscribed], []);
  await rooms.join("lobby", sockets[0]!); // it is closed: nothing happens
  assertEquals([rooms.members("lobby"), [...relay.subscribed]], [[], []]);
});

test("bytes come as base64, and encode() is asked once for a message", async () => {
  await using house = await new House().open();
  await using guest = await house.enter("lobby");
  await guest.joined;
  const bytes = Uint8Array.of(0, 255, 128), number = await house.rooms.publish("lobby", bytes.buffer);
  bytes[0] = 7;
  await guest.until(1);
  assertEquals(guest.events as unknown, [{ room: "lobby", number, base64: "AP+A" }]);

  const asked: unknown[] = [];
  await using other = await new House({
    encode(event) {
      asked.push(event.message);
      if (event.message === "bad") throw new Error("I can't");
      if (event.message === "worse") return 7 as unknown as string;
      return JSON.stringify({ message: `<${event.message}>` });
    },
  }).open();
  await using ann = await other.enter("lobby");
  await using ben = await other.enter("lobby");
  await Promise.all([ann.joined, ben.joined]);
  await publishAll(other.rooms, "lobby", ["a", "bad", "worse", "b"]);
  for (const guest of [ann, ben]) assertEquals((await guest.until(2)).messages, ["<a>", "<b>"]);
  assertEquals(asked, ["a", "bad", "worse", "b"]);
  assertEquals(other.told, [
    { message: "I can't", kind: "encode", room: "lobby" },
    {
      message: "Cannot send: a message must be a string, an ArrayBuffer or a view of one",
      kind: "encode",
      room: "lobby",
    },
  ]);
});

test("subscribe() has a handler called with each event in order, one at a time, whatever it throws", async () => {
  await using house = await new House().open();
  const { rooms } = house, log: unknown[] = [], done = Promise.withResolvers<void>();
  let running = 0;
  const subscription = await rooms.subscribe("lobby", async ({ message }) => {
    log.push(message, ++running);
    await undefined;
    running--;
    if (message === "message 3") throw new Error("I do not like it");
    if (message === "message 9") done.resolve();
  });
  await publishAll(rooms, "lobby", texts(10));
  await done.promise;
  assertEquals(log, texts(10).flatMap((message) => [message, 1]));
  assertEquals(house.told, [{ message: "I do not like it", kind: "subscriber", room: "lobby" }]);
  assertEquals(rooms.members("lobby"), []);
  subscription.unsubscribe();
  await rooms.publish("lobby", "nobody hears it");
  assertEquals(log.length, 20);
});

test("a handler that publishes in its own room changes nobody's order", async () => {
  await using house = await new House().open();
  const { rooms } = house, seen: unknown[][] = [[], [], []], done = Promise.withResolvers<void>();
  for (const [i, messages] of seen.entries()) {
    await rooms.subscribe("lobby", async ({ message }) => {
      messages.push(message);
      if (i === 0 && messages.length < 50) void rooms.publish("lobby", `answer to ${message}`.slice(0, 40));
      if (i === 2 && messages.length === 50) done.resolve();
      await undefined;
    });
  }
  await rooms.publish("lobby", "begin");
  await done.promise;
  assertEquals(seen.map(({ length }) => length), [50, 50, 50]);
  assertEquals([seen[1], seen[2]], [seen[0], seen[0]]);
});

test("a handler that has its relay tell the next message at once changes nobody's order", async () => {
  const relay = memoryRelay();
  await using rooms = new Rooms({ relay });
  const seen: unknown[][] = [[], [], []];
  for (const messages of seen) {
    await rooms.subscribe("lobby", ({ message }) => {
      if (messages.push(message) < 20 && messages === seen[1]) {
        void relay.publish("lobby", [{ id: `${messages.length}`, data: `${messages.length}` }]);
      }
    });
  }
  await rooms.publish("lobby", "0");
  assertEquals(seen[0], Array.from({ length: 20 }, (_, i) => `${i}`));
  assertEquals([seen[1], seen[2]], [seen[0], seen[0]]);
});

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
  const waiting = broken.publish("lobby", "in vain"), joining = broken.subscribe("lobby", () => {});
  await broken.close();
  await joining;
  await assertRejects(() => waiting, DOMException, "the rooms were closed first");

  const clock = fakeClock(), hanging = new ShakyRelay(), stuck = new Rooms({ relay: hanging, clock });
  hanging.hangs = true;
  const lost = stuck.publish("lobby", "x"), closing = stuck.close();
  await clock.advance(10_000);
  await closing;
  await assertRejects(() => lost, DOMException, "closed first");
});

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

test("a server's handler may join and publish without waiting, and a lost client is no error", async () => {
  await using rooms = new Rooms();
  const errors: unknown[] = [];
  await using server = await serve({ port: 0, onError: (error) => void errors.push(error) }, (socket) => {
    void rooms.join("lobby", socket);
    return socket.receive((message) => rooms.publish("lobby", message));
  });
  const guests = await Promise.all(Array.from({ length: 20 }, async () => new Guest(await connect(server.url!))));
  for (const { socket } of guests) await socket.ping();
  guests[0]!.socket.send("Hello");
  await Promise.all(guests.map((guest) => guest.until(1)));
  for (const guest of guests) await guest[Symbol.asyncDispose]();
  assertEquals(errors.filter((error) => (error as { failure?: string }).failure !== "connection-lost"), []);
});
