// The chat of docs/examples/rooms.ts over real sockets, in this process: what its pages are told, and what it refuses.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { serveRooms } from "../../docs/examples/rooms.ts";
import { connect, HandshakeError, type Server, type WebSocketConnection } from "../../mod.ts";
import { Rooms } from "../../src/rooms.ts";
import { test } from "../kit/harness.ts";

async function withRooms(run: (server: Server, rooms: Rooms) => Promise<void>): Promise<void> {
  const rooms = new Rooms();
  const server = await serveRooms(rooms, { port: 0 });
  try {
    await run(server, rooms);
  } finally {
    await server.shutdown();
    await rooms.close();
  }
}

/** The id of a page, or of a message. */
const idOf = (number: number) => number.toString(16).padStart(32, "0");

const ADA = { room: "lobby", name: "Ada", page: idOf(1) }, BOB = { room: "lobby", name: "Bob", page: idOf(2) };

/** What a server has to say. */
interface Told {
  readonly number?: number;
  readonly message?: string;
  readonly gap?: unknown;
  readonly who?: { readonly count: number; readonly people: readonly { readonly name: string }[] };
}

/** A page, as far as the server sees one. */
class Visitor {
  readonly #socket: WebSocketConnection;
  readonly #told: ReadableStreamDefaultReader<Told>;
  /** How the server has closed it, or it the server. */
  readonly closed: Promise<unknown>;

  constructor(socket: WebSocketConnection) {
    this.#socket = socket;
    const { readable, writable } = new TransformStream<Told, Told>(undefined, undefined, { highWaterMark: 1000 });
    const told = writable.getWriter();
    this.closed = socket.receive((message) => told.write(JSON.parse(message as string))).finally(() => told.close());
    this.#told = readable.getReader();
  }

  static async enter(server: Server, query: Readonly<Record<string, string>>): Promise<Visitor> {
    return new Visitor(await connect(`${server.url}socket?${new URLSearchParams(query)}`));
  }

  /** The next thing told that is wanted; what comes before is passed over. */
  async until<Wanted>(wanted: (told: Told) => Wanted | undefined): Promise<Wanted> {
    for (;;) {
      const { value, done } = await this.#told.read();
      if (done) throw new Error("The server has closed");
      const found = wanted(value);
      if (found !== undefined) return found;
    }
  }

  /** The next message: its number, and what it says. */
  message(): Promise<readonly [number, Record<string, unknown>]> {
    return this.until(({ number, message }) => number === undefined ? undefined : [number, JSON.parse(message!)]);
  }

  /** Waits until these are there. */
  people(...names: string[]): Promise<true> {
    const expected = JSON.stringify(names);
    return this.until(({ who }) =>
      who?.count === names.length && JSON.stringify(who.people.map(({ name }) => name)) === expected || undefined
    );
  }

  say(id: number, text: string): void {
    this.#socket.send(JSON.stringify({ id: idOf(id), text }));
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    void this.#socket.send(message);
  }

  close(): Promise<unknown> {
    return this.#socket.close();
  }
}

test("the page may run its own script and style, and nothing else", () =>
  withRooms(async (server) => {
    const { headers, ...response } = await get(server, "");
    const policy = headers.get("content-security-policy") ?? "";
    for (const tag of ["script", "style"]) {
      const [, inner = ""] = new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`).exec(response.body)!;
      assertStringIncludes(policy, `${tag}-src 'sha256-${createHash("sha256").update(inner).digest("base64")}'`);
    }
    assertStringIncludes(policy, "default-src 'none'");
    assert(!response.body.includes("innerHTML"));
  }));

test("what is not there, or is asked for in a wrong way, is refused", () =>
  withRooms(async (server) => {
    assertEquals((await get(server, "healthz")).body, "fine\n");
    assertEquals((await get(server, "elsewhere")).status, 404);
    assertEquals((await get(server, "socket")).status, 426);
    assertEquals((await get(server, "", "DELETE")).status, 405);
    const wrong = [
      {},
      { ...ADA, room: "" },
      { ...ADA, room: "people:lobby" },
      { ...ADA, room: "x".repeat(41) },
      { ...ADA, name: " " },
      { ...ADA, name: "a\u202eb" },
      { ...ADA, page: "1" },
      { ...ADA, after: "-1" },
      { ...ADA, after: "x" },
      { ...ADA, after: "1e99" },
    ];
    for (const query of wrong) {
      const { response } = await assertRejects(() => Visitor.enter(server, query), HandshakeError);
      assertEquals(response?.status, 400, JSON.stringify(query));
    }
  }));

test("what is said goes to everybody in the room, and to nobody else", () =>
  withRooms(async (server) => {
    const [ada, bob] = [await Visitor.enter(server, ADA), await Visitor.enter(server, BOB)];
    const eve = await Visitor.enter(server, { room: "cellar", name: "Eve", page: idOf(3) });
    ada.say(1, "Hello <b>");
    const before = Date.now(), [number, message] = await bob.message();
    assertEquals(await ada.message(), [number, message]);
    const { at, ...said } = message;
    assertEquals(said, { id: idOf(1), name: "Ada", text: "Hello <b>" });
    assert(Math.abs(Number(at) - before) < 60_000, `${at}`);
    eve.say(2, "Nobody?");
    assertEquals((await eve.message())[1].text, "Nobody?");
    bob.say(3, "Hello yourself");
    assertEquals((await ada.message())[1].text, "Hello yourself");
  }));

test("who comes gets the history, and who comes back gets what was missed", () =>
  withRooms(async (server) => {
    const ada = await Visitor.enter(server, ADA);
    for (const i of [1, 2, 3]) ada.say(i, `${i}`);
    const numbers: number[] = [];
    for (const i of [1, 2, 3]) {
      const [number, { text }] = await ada.message();
      assertEquals(text, `${i}`);
      numbers.push(number);
    }
    const reloaded = await Visitor.enter(server, { ...ADA, page: idOf(9) });
    for (const number of numbers) assertEquals((await reloaded.message())[0], number);
    const back = await Visitor.enter(server, { ...BOB, after: `${numbers[1]}` });
    assertEquals((await back.message())[0], numbers[2]);
  }));

test("what a page sends again is not said again", () =>
  withRooms(async (server) => {
    const ada = await Visitor.enter(server, ADA);
    ada.say(1, "once");
    assertEquals((await ada.message())[1].text, "once");
    const again = await Visitor.enter(server, ADA);
    again.say(1, "once");
    again.say(2, "then");
    assertEquals([(await again.message())[1].text, (await again.message())[1].text], ["once", "then"]);
    assertEquals((await ada.message())[1].text, "then");
  }));

test("everybody is told who is there, as they come and go; a page that is connected twice counts once", () =>
  withRooms(async (server) => {
    const ada = await Visitor.enter(server, ADA);
    await ada.people("Ada");
    const bob = await Visitor.enter(server, BOB);
    await Promise.all([ada.people("Ada", "Bob"), bob.people("Ada", "Bob")]);
    const twice = await Visitor.enter(server, BOB),
      eve = await Visitor.enter(server, { ...ADA, name: "Eve", page: idOf(3) });
    await twice.people("Ada", "Bob", "Eve");
    await Promise.all([twice.close(), eve.close()]);
    await ada.people("Ada", "Bob");
    await bob.close();
    await ada.people("Ada");
  }));

test("a page that hears nothing asks, and gets an answer", () =>
  withRooms(async (server) => {
    const ada = await Visitor.enter(server, ADA);
    await ada.people("Ada");
    ada.send("");
    assertEquals(await ada.until((told) => told), {});
  }));

for (
  const [what, message] of [
    ["no JSON", "Hello"],
    ["nothing", "null"],
    ["binary", Uint8Array.of(1)],
    ["an id that pages don't make", JSON.stringify({ id: "1", text: "Hello" })],
    ["no text", JSON.stringify({ id: idOf(1), text: "" })],
    ["text that is none", JSON.stringify({ id: idOf(1), text: ["Hello"] })],
    ["too much text", JSON.stringify({ id: idOf(1), text: "x".repeat(2001) })],
  ] as const
) {
  test(`a message with ${what} closes the connection, and is not published`, () =>
    withRooms(async (server, rooms) => {
      const bad = await Visitor.enter(server, ADA);
      bad.send(message);
      assertEquals(await bad.closed, { closeCode: 1008, reason: "That is no message" });
      await rooms.publish("lobby", JSON.stringify({ text: "only this" }));
      const bob = await Visitor.enter(server, BOB);
      assertEquals((await bob.message())[1].text, "only this");
    }));
}

test("a message that can't be stored closes the connection, so that the page sends it again", async () => {
  const rooms = new Rooms();
  const server = await serveRooms(rooms, { port: 0 });
  try {
    const ada = await Visitor.enter(server, ADA);
    await ada.people("Ada");
    await rooms.close();
    ada.say(1, "too late");
    assertEquals(await ada.closed, { closeCode: 1013, reason: "Messages can't be stored now" });
  } finally {
    await server.shutdown();
  }
});

async function get(server: Server, path: string, method = "GET") {
  const response = await fetch(`${server.url}${path}`, { method, headers: { connection: "close" } });
  return { status: response.status, headers: response.headers, body: await response.text() };
}
