// What every relay does, whatever carries it: a table of cases, and each relay runs all of them.

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Relay, RelayedMessage } from "../../src/rooms/relay.ts";
import { test } from "../kit/harness.ts";
import { type Carrier, RELAYS } from "./relays.ts";

/** What a listener was told. */
class Told {
  readonly messages: (RelayedMessage & { readonly room: string; readonly previous: number })[] = [];
  readonly events: string[] = [];
  #wakers: (() => void)[] = [];

  onMessage(room: string, message: RelayedMessage, previous: number): void {
    this.messages.push({ room, ...message, previous });
    this.#wake();
  }

  onDown(): void {
    this.events.push("down");
    this.#wake();
  }

  onUp(): void {
    this.events.push("up");
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /** Waits until something is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#wakers.push(resolve));
  }
}

/** What is kept of a room, page by page. */
async function readAll(relay: Relay, room: string, limit = 100): Promise<RelayedMessage[]> {
  const all: RelayedMessage[] = [];
  for (;;) {
    const { messages } = await relay.read(room, all.at(-1)?.number ?? 0, limit);
    if (messages.length === 0) return all;
    all.push(...messages);
  }
}

/** Publishes one message. */
async function publish(
  relay: Relay,
  room: string,
  id: string,
  data: string | Uint8Array<ArrayBuffer>,
): Promise<number> {
  return (await relay.publish(room, [{ id, data }]))[0]!;
}

const texts = (messages: readonly RelayedMessage[]) => messages.map(({ data }) => data);

/** Names of rooms that a separator, a pattern, an encoding or a protocol might make something of. */
const NAMES = [".", "..", "*", ">", "a", "A", "a.b", "a b", "a\r\nb", "a:b", "a/b", "{a}", "%2E", "%", "ä", "😀"]
  .concat("\0", "$JS", "x".repeat(256), "猫".repeat(256));

/** An id that must not break a protocol either. */
const ID = "the id\r\n: ü";

/** Messages that a payload might not survive. */
const PAYLOADS: readonly (string | Uint8Array<ArrayBuffer>)[] = [
  "",
  "\ufeffBOM",
  "nul \0",
  "ä 😀",
  "x".repeat(100_000),
];
const BYTES = [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, i) => i), new Uint8Array(100_000).fill(0xff)];

/** What every relay does. */
const CASES: Readonly<Record<string, (carrier: Carrier) => Promise<void>>> = {
  async "numbers messages, each higher than those before it, and keeps them under these numbers"({ open }) {
    await using relay = await open();
    const numbers: number[] = [];
    for (let i = 0; i < 5; i++) numbers.push(await publish(relay, "room", `${i}`, `message ${i}`));
    const isHigher = (number: number, i: number) => Number.isSafeInteger(number) && number > (numbers[i - 1] ?? 0);
    assert(numbers.every(isHigher), `${numbers}`);
    const { messages, isTrimmed } = await relay.read("room", 0, 100);
    assertEquals(messages, numbers.map((number, i) => ({ number, data: `message ${i}` })));
    assertEquals(isTrimmed, false);
  },

  async "reads what is behind a number, in pages"({ open }) {
    await using relay = await open();
    for (let i = 0; i < 7; i++) await publish(relay, "room", `${i}`, `${i}`);
    const first = await relay.read("room", 0, 3);
    assertEquals(texts(first.messages), ["0", "1", "2"]);
    const second = await relay.read("room", first.messages.at(-1)!.number, 3);
    assertEquals([texts(second.messages), second.isTrimmed], [["3", "4", "5"], false]);
    const third = await relay.read("room", second.messages.at(-1)!.number, 3);
    assertEquals(texts(third.messages), ["6"]);
    assertEquals(await relay.read("room", third.messages.at(-1)!.number, 3), { messages: [], isTrimmed: false });
    const beyond = third.messages.at(-1)!.number + 1_000_000;
    assertEquals(await relay.read("room", beyond, 3), { messages: [], isTrimmed: true }, "a number it never had");
    assertEquals((await relay.read("nobody's", 0, 3)).messages, []);
  },

  async "carries text as text and bytes as bytes, whatever is in them"({ open }) {
    const told = new Told(), all = [...PAYLOADS, ...BYTES];
    await using relay = await open(told);
    await relay.subscribe("room");
    for (const [i, payload] of all.entries()) await publish(relay, "room", `${i}`, payload);
    await told.until(() => told.messages.length === all.length);
    for (const messages of [await readAll(relay, "room"), told.messages]) {
      for (const [i, { data }] of messages.entries()) {
        // Not a Buffer, whose slice() is a view
        if (typeof data !== "string") assertEquals(Object.getPrototypeOf(data), Uint8Array.prototype);
        assertEquals(data, all[i]);
      }
    }
  },

  async "stores a message once, however often it is published under its id"({ open }) {
    await using relay = await open();
    const drafts = [{ id: ID, data: "once" }, { id: "next", data: "next" }];
    const numbers = await relay.publish("room", drafts);
    assertEquals(await relay.publish("room", drafts), numbers);
    assertEquals(await publish(relay, "room", "next", "next"), numbers[1]);
    await publish(relay, "another room", ID, "there");
    assertEquals(texts(await readAll(relay, "room")), ["once", "next"]);
    assertEquals(texts(await readAll(relay, "another room")), ["there"]);
  },

  async "keeps rooms apart, whatever their names"({ open }) {
    const told = new Told();
    await using relay = await open(told);
    for (const room of NAMES) await relay.subscribe(room);
    for (const room of NAMES) await publish(relay, room, "id", `for ${room}`);
    await told.until(() => told.messages.length >= NAMES.length);
    assertEquals(told.messages.map(({ room, data }) => [room, data]), NAMES.map((room) => [room, `for ${room}`]));
    for (const room of NAMES) assertEquals(texts(await readAll(relay, room)), [`for ${room}`]);
  },

  async "tells nothing more of a room that was unsubscribed from, or while that was under way"({ open }) {
    const told = new Told();
    await using relay = await open(told);
    for (const room of ["left", "kept"]) await relay.subscribe(room);
    relay.unsubscribe("left");
    const subscribing = relay.subscribe("left at once").catch(() => {});
    relay.unsubscribe("left at once");
    await subscribing;
    for (const room of ["left", "left at once", "kept"]) await publish(relay, room, "id", room);
    await told.until(() => told.messages.length > 0);
    assertEquals(told.messages.map(({ room }) => room), ["kept"]);
  },

  async "keeps so many messages of a room, or some more, and says when some are gone"({ open }) {
    await using relay = await open(undefined, 100);
    const numbers: number[] = [];
    for (let i = 0; i < 1000; i += 50) {
      const batch = Array.from({ length: 50 }, (_, j) => ({ id: `${i + j}`, data: `${i + j}` }));
      numbers.push(...await relay.publish("room", batch));
      await relay.publish("another room", batch.slice(0, 3));
    }
    const kept = await readAll(relay, "room");
    assert(kept.length >= 100 && kept.length < 300, `${kept.length} are kept`);
    const last = Array.from({ length: kept.length }, (_, i) => `${1000 - kept.length + i}`);
    assertEquals(texts(kept), last);
    for (const after of [0, numbers[0]!, numbers[500]!]) {
      const { messages, isTrimmed } = await relay.read("room", after, 10);
      assertEquals([messages, isTrimmed], [kept.slice(0, 10), true]);
    }
    for (const from of [0, 1, 50]) {
      const { messages, isTrimmed } = await relay.read("room", kept[from]!.number, 10);
      assertEquals([messages, isTrimmed], [kept.slice(from + 1, from + 11), false]);
    }
    assertEquals(await relay.read("room", numbers.at(-1)!, 10), { messages: [], isTrimmed: false });
  },

  async "is closed for good, and whoever waits is told"({ open }) {
    await using relay = await open();
    await relay.subscribe("room");
    const waiting = publish(relay, "room", "id", "x").then(() => "stored", () => "rejected");
    await relay.close();
    assert(["stored", "rejected"].includes(await waiting));
    for (
      const call of [
        () => publish(relay, "room", "2", "x"),
        () => relay.read("room", 0, 1),
        () => relay.subscribe("room"),
      ]
    ) {
      await assertRejects(call, DOMException, "the relay: it is closed");
    }
    await relay.close();
  },
};

/** What those do that processes share. */
const SHARED: typeof CASES = {
  async "stores a message once, whatever process publishes it under its id"({ open }) {
    await using relay = await open();
    await using other = await open();
    const number = await publish(relay, "room", ID, "once");
    assertEquals(await publish(other, "room", ID, "once"), number);
    assertEquals(texts(await readAll(relay, "room")), ["once"]);
  },

  async "tells subscribers of other processes each message, in order, and which one was before it"({ open }) {
    const told = new Told(), quiet = new Told();
    await using relay = await open(quiet);
    await using other = await open(told);
    const before = await publish(relay, "room", "before", "before");
    assertEquals(await other.subscribe("room"), before);
    assertEquals(await other.subscribe("empty"), 0);
    const numbers: number[] = [before];
    for (let i = 0; i < 20; i++) {
      await publish(relay, "not subscribed to", `${i}`, "x");
      numbers.push(await publish(relay, "room", `${i}`, `${i}`));
    }
    await told.until(() => told.messages.length === 20);
    assertEquals(
      told.messages,
      Array.from({ length: 20 }, (_, i) => {
        return { room: "room", number: numbers[i + 1]!, data: `${i}`, previous: numbers[i]! };
      }),
    );
    assertEquals(quiet.messages, []);
  },

  async "puts what several processes publish at once into one order, and keeps that of each"({ open }) {
    const told = [new Told(), new Told()];
    await using one = await open(told[0]);
    await using two = await open(told[1]);
    const relays = [one, two];
    for (const relay of relays) await relay.subscribe("room");
    const published: RelayedMessage[] = [];
    await Promise.all(relays.map(async (relay, i) => {
      for (let first = 0; first < 50; first += 5) {
        const batch = Array.from({ length: 5 }, (_, j) => ({ id: `${i} ${first + j}`, data: `${i} ${first + j}` }));
        const numbers = await relay.publish("room", batch);
        published.push(...batch.map(({ data }, j) => ({ number: numbers[j]!, data })));
      }
    }));
    const expected = published.toSorted((a, b) => a.number - b.number);
    for (const i of [0, 1]) {
      const own = texts(expected).filter((data) => `${data}`.startsWith(`${i} `));
      assertEquals(own, Array.from({ length: 50 }, (_, j) => `${i} ${j}`));
    }
    for (const one of told) {
      await one.until(() => one.messages.length === 100);
      // One may be told behind a later one, which says by its number before it that one is missing
      const messages = one.messages.toSorted((a, b) => a.number - b.number);
      const previous = [0, ...expected.map(({ number }) => number)];
      assertEquals(messages, expected.map((message, i) => ({ room: "room", ...message, previous: previous[i]! })));
    }
    assertEquals(await readAll(one, "room", 30), expected);
  },

  async "stores batches that are tried again once and in order, while its engine is restarted"({ engine, open }) {
    const told = new Told(), numbers: number[] = [];
    await using relay = await open(told);
    await relay.subscribe("room");
    const endings = ["SIGKILL", "SIGTERM"] as const, count = 400;
    let restarting: Promise<void> | undefined, restarts = 0;
    while (numbers.length < count) {
      if (numbers.length >= 100 * (restarts + 1) && restarts < endings.length && !restarting) {
        restarting = engine!.restart(endings[restarts++]).then(() => restarting = undefined);
      }
      const size = Math.min(1 + numbers.length % 7, count - numbers.length);
      const batch = Array.from({ length: size }, (_, i) => `${numbers.length + i}`).map((id) => ({ id, data: id }));
      try {
        numbers.push(...await relay.publish("room", batch));
      } catch {
        await told.until(() => told.events.length % 2 === 0);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    await restarting;
    await told.until(() => told.events.length === 2 * restarts);
    assertEquals(told.events, endings.flatMap(() => ["down", "up"]));
    assertEquals(await readAll(relay, "room"), numbers.map((number, i) => ({ number, data: `${i}` })));
  },

  async "goes on with messages of others once its engine is back"({ engine, open }) {
    const told = new Told(), others = new Told();
    await using relay = await open(others);
    await using other = await open(told);
    await other.subscribe("room");
    const before = await publish(relay, "room", "before", "before");
    await told.until(() => told.messages.length === 1);
    await engine!.restart();
    for (const one of [told, others]) await one.until(() => one.events.length === 2);
    const after = await publish(relay, "room", "after", "after");
    await told.until(() => told.messages.length === 2);
    assertEquals(told.messages[1], { room: "room", number: after, data: "after", previous: before });
    assertEquals(await publish(relay, "room", "before", "before"), before);
  },
};

for (const { name, isShared, lacks, start } of RELAYS) {
  for (const [what, run] of Object.entries({ ...CASES, ...isShared && SHARED })) {
    test(`${name} ${what}`, { lacks }, async () => {
      await using carrier = await start();
      await run(carrier);
    });
  }
}
