// A chat of rooms, on one process or as many as you like: who comes back gets what was said meanwhile. PORT and HOST
// choose the address, Ctrl-C ends. With REDIS_URL, such as redis://127.0.0.1, or NATS_URL, such as nats://127.0.0.1, all
// processes have the same rooms; with REUSE_PORT=1 they can have the same port. It runs on Deno, Bun and Node.
// In a clone, run `npm install` first for Node, and for the clients of Redis and NATS.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Accepted, type RequestHead, serve, type ServeOptions, type Server } from "../../mod.ts";
import { memoryRelay, natsRelay, redisRelay, type Relay, type RoomEvent, Rooms } from "../../src/rooms.ts";

/** Limits that suit a chat; what they refuse, the page does not send. */
const LIMITS: ServeOptions = {
  maxMessageSize: 16 * 1024,
  maxConnections: 10_000,
  maxPendingHandshakes: 1000,
  maxBodySize: 0,
};
const MAX_TEXT = 2000, ROOM = /^[\p{L}\p{M}\p{N} _-]{1,40}$/u, NAME = /^[^\p{C}]{1,40}$/u, ID = /^[0-9a-f]{32}$/;

/** How many messages of a room are kept. */
const HISTORY = 500;

/** How long a message takes a member at least, in milliseconds: nobody can flood a room. */
const PACE = 20;

/** Who somebody is, and where. */
interface Visitor extends Person {
  readonly room: string;
  /** The number of the last message that the page has. */
  readonly after: number;
}

/** Serves the page and its rooms. */
export async function serveRooms(rooms: Rooms, options: ServeOptions = {}): Promise<Server> {
  const http = router(await readFile(fileURLToPath(import.meta.resolve("./rooms.html")), "utf8"));
  const authorize = (request: RequestHead) => {
    if (new URL(request.url).pathname !== "/socket") return http(request);
    return visitorOf(request) ? undefined : content("That is no name, or no room.\n", {}, 400);
  };
  const people = new People(rooms);

  async function socket(socket: Accepted): Promise<void> {
    const visitor = visitorOf(socket.request)!, { room, after } = visitor;
    let saying: unknown;
    const onMessage = (message: unknown) =>
      saying = message === "" ? socket.send("{}") : said(rooms, visitor, socket, message);
    people.enter(visitor, socket);
    try {
      await Promise.all([rooms.join(room, socket, { after }), socket.receive(onMessage)]);
    } finally {
      people.leave(visitor, socket);
      await saying;
    }
  }
  return await serve({ port: 8080, ...LIMITS, authorize, ...options }, { socket, http });
}

/** Publishes what somebody has said. The page sends it again, by the same id, until it has come back as a message. */
async function said(rooms: Rooms, { room, name }: Visitor, socket: Accepted, message: unknown): Promise<void> {
  const draft = draftOf(message);
  if (!draft) return void socket.close({ closeCode: 1008, reason: "That is no message" });
  const { id, text } = draft, pace = new Promise((resolve) => setTimeout(resolve, PACE));
  try {
    await rooms.publish(room, JSON.stringify({ id, name, text, at: Date.now() }), { id });
  } catch { // it has waited for too long, or too much waits: onError of the rooms knows why
    socket.close({ closeCode: 1013, reason: "Messages can't be stored now" });
  }
  await pace;
}

function draftOf(message: unknown): { id: string; text: string } | undefined {
  try {
    const { id, text } = JSON.parse(String(message));
    const isGood = typeof text === "string" && text !== "" && text.length <= MAX_TEXT && ID.test(id);
    return isGood ? { id, text } : undefined;
  } catch {
    return undefined;
  }
}

function visitorOf({ url }: RequestHead): Visitor | undefined {
  const query = new URL(url).searchParams;
  const [room = "", name = "", id = ""] = ["room", "name", "page"].map((key) => query.get(key)?.trim().normalize());
  const after = Number(query.get("after") || 0);
  const isGood = ROOM.test(room) && NAME.test(name) && ID.test(id) && Number.isSafeInteger(after) && after >= 0;
  return isGood ? { room, name, id, after } : undefined;
}

// ---- who is there

interface Person {
  /** A page that is open. */
  readonly id: string;
  readonly name: string;
}

/** Who is in a room at one of the servers. */
interface Report {
  readonly server: string;
  readonly count: number;
  /** Of many only the first. */
  readonly people: readonly Person[];
}

/** How often a server says who is there, after how long of silence it is taken for dead, and what is said at once. */
const BEAT = 4000, SILENCE = 3 * BEAT, MOMENT = 100, MOST_NAMED = 100;

/** This process. */
const SERVER = crypto.randomUUID();

/** Who is in which room, whatever server they are connected to. */
class People {
  readonly #rooms: Rooms;
  readonly #crowds = new Map<string, Crowd>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  enter({ room, id, name }: Visitor, socket: Accepted): void {
    const known = this.#crowds.get(room), crowd = known ?? new Crowd(this.#rooms, `people:${room}`);
    if (!known) this.#crowds.set(room, crowd);
    crowd.add(socket, { id, name });
  }

  leave({ room }: Visitor, socket: Accepted): void {
    if (this.#crowds.get(room)?.remove(socket) === 0) this.#crowds.delete(room);
  }
}

/** The people of one room. The servers tell each other of theirs in a room beside it, which no page can enter. */
class Crowd {
  readonly #rooms: Rooms;
  readonly #channel: string;
  readonly #here = new Map<Accepted, Person>();
  /** What other servers have said, and when. */
  readonly #elsewhere = new Map<string, Report & { readonly heard: number }>();
  /** What each page was told last. */
  readonly #told = new Map<Accepted, string>();
  readonly #over = new AbortController();
  readonly #beats = setInterval(() => this.#tell(), BEAT);
  #soon: ReturnType<typeof setTimeout> | undefined;
  #isPublishing = false;

  constructor(rooms: Rooms, channel: string) {
    this.#rooms = rooms;
    this.#channel = channel;
    this.#listen().catch(() => {}); // the rooms are closed
  }

  async #listen(): Promise<void> {
    const subscription = await this.#rooms.subscribe(this.#channel, (event) => this.#onReport(event));
    if (this.#over.signal.aborted) subscription.unsubscribe();
    else this.#over.signal.addEventListener("abort", () => subscription.unsubscribe());
  }

  add(socket: Accepted, person: Person): void {
    this.#here.set(socket, person);
    this.#tellSoon();
  }

  /** Gives how many are left. */
  remove(socket: Accepted): number {
    this.#here.delete(socket);
    this.#told.delete(socket);
    if (this.#here.size > 0) this.#tellSoon();
    else this.#end();
    return this.#here.size;
  }

  #end(): void {
    clearInterval(this.#beats);
    clearTimeout(this.#soon);
    this.#over.abort();
    void this.#rooms.publish(this.#channel, JSON.stringify(this.#report()));
  }

  #report(): Report {
    const people = [...this.#here.values()].slice(0, MOST_NAMED);
    return { server: SERVER, count: this.#here.size, people };
  }

  #onReport({ message }: RoomEvent): void {
    if (message === undefined) return; // a gap: the next reports say all that counts
    const report: Report = JSON.parse(String(message)), { server } = report;
    if (server === SERVER) return;
    const isNew = !this.#elsewhere.has(server);
    if (report.count === 0) this.#elsewhere.delete(server);
    else this.#elsewhere.set(server, { ...report, heard: performance.now() });
    if (isNew && report.count > 0) this.#tellSoon(); // it does not know of the people here yet
    else this.#show();
  }

  /** Once for all who come and go within a moment. */
  #tellSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      if (this.#isPublishing) this.#tellSoon();
      else this.#tell();
    }, MOMENT);
  }

  #tell(): void {
    this.#show();
    if (this.#isPublishing) return; // the engine of the rooms can't be used: one report that waits will do
    this.#isPublishing = true;
    const told = () => void (this.#isPublishing = false);
    this.#rooms.publish(this.#channel, JSON.stringify(this.#report())).then(told, told);
  }

  /** Tells the pages of this process, those that don't read later. */
  #show(): void {
    const now = performance.now();
    for (const [server, { heard }] of this.#elsewhere) if (now - heard > SILENCE) this.#elsewhere.delete(server);
    const reports = [this.#report(), ...this.#elsewhere.values()];
    const named = reports.flatMap((report) => report.people);
    // Who has just come back from a server that is dead is still among its people: a page counts once
    const people = [...new Map(named.map((person) => [person.id, person])).values()];
    const count = reports.reduce((sum, report) => sum + report.count, people.length - named.length);
    const who = JSON.stringify({ who: { people, count } });
    for (const socket of this.#here.keys()) {
      if (this.#told.get(socket) === who || socket.state !== "open" || socket.bufferedAmount > 0) continue;
      this.#told.set(socket, who);
      void socket.send(who);
    }
  }
}

// ---- the page

function router(page: string): (request: RequestHead) => Response {
  const html = { "content-type": "text/html; charset=utf-8", "content-security-policy": policyOf(page) };
  const routes: Readonly<Record<string, () => Response>> = {
    "/": () => content(page, html),
    "/healthz": () => content("fine\n"),
    "/socket": () => content("This is for WebSockets.\n", { upgrade: "websocket" }, 426),
  };
  return (request) => {
    const route = routes[new URL(request.url).pathname];
    if (!route) return content("There is nothing here.\n", {}, 404);
    if (request.method === "GET" || request.method === "HEAD") return route();
    return content("GET and HEAD are for this.\n", { allow: "GET, HEAD" }, 405);
  };
}

/** Lets the page run its own script and style, and connect to this server: nothing else. */
function policyOf(page: string): string {
  const [script, style] = ["script", "style"].map((tag) => {
    const [, inner = ""] = new RegExp(`<${tag}\\b[^>]*>([^]*?)</${tag}>`).exec(page) ?? [];
    return `'sha256-${createHash("sha256").update(inner).digest("base64")}'`;
  });
  return `default-src 'none'; script-src ${script}; style-src ${style}; img-src data:; connect-src 'self'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

function content(body: string, fields: Record<string, string> = {}, status = 200): Response {
  const bytes = new TextEncoder().encode(body);
  const own = { "content-type": "text/plain; charset=utf-8", "content-length": String(bytes.length) };
  const always = { "cache-control": "no-cache", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff" };
  return new Response(bytes, { status, headers: { ...own, ...always, ...fields } });
}

// ---- the engine that processes share

/** What carries the rooms, and how it is given back. */
interface Engine {
  readonly relay: Relay;
  close(): unknown;
}

/** The engine that the environment names; without one the rooms are this process's own. */
async function findEngine({ REDIS_URL, NATS_URL }: NodeJS.ProcessEnv): Promise<Engine> {
  if (REDIS_URL) {
    const { createClient } = await installed("redis", () => import("redis"));
    const relay = redisRelay(createClient({ url: REDIS_URL }), { prefix: "chat", messages: HISTORY });
    return { relay, close() {} };
  }
  if (NATS_URL) {
    const { connect } = await installed("@nats-io/transport-node", () => import("@nats-io/transport-node"));
    const { jetstreamManager } = await installed("@nats-io/jetstream", () => import("@nats-io/jetstream"));
    const connection = await connect({ servers: NATS_URL, maxReconnectAttempts: -1 });
    try {
      const relay = natsRelay(connection, await jetstreamManager(connection), { stream: "chat", messages: HISTORY });
      return { relay, close: () => connection.close() };
    } catch (error) { // it has no JetStream
      await connection.close();
      throw error;
    }
  }
  return { relay: memoryRelay({ messages: HISTORY }), close() {} };
}

/** A package that only one of the engines needs. */
async function installed<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new Error(`Cannot load the package ${name}: run "npm install", not with --omit=dev`, { cause });
  }
}

/** Serves until it is told to stop. */
async function main(): Promise<void> {
  const { HOST, PORT, REUSE_PORT } = process.env;
  const engine = await findEngine(process.env);
  const rooms = new Rooms({
    relay: engine.relay,
    onError: (error, { kind }) => console.error(kind === "relay" ? "Messages wait:" : kind, error),
    onRecovery: () => console.error("Messages go on"),
  });
  try {
    const server = await serveRooms(rooms, {
      hostname: HOST || "127.0.0.1",
      port: Number(PORT || 8080),
      reusePort: REUSE_PORT === "1",
    });
    // The pages come back by themselves, to another process or to the next one, and not all in the same moment
    const stop = () => server.shutdown({ spread: 1000, within: 5000 });
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, stop);
    console.log(`Serving ${server.url} (Ctrl-C ends)`);
    await server.finished;
  } finally {
    await rooms.close(); // what was said is stored
    await engine.close();
  }
}

// Node has import.meta.main from 24.2 on
if (import.meta.main ?? process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    const { message, cause } = error as Error;
    console.error(cause === undefined ? `${message} (HOST, PORT, REDIS_URL and NATS_URL set where)` : message);
    process.exitCode = 1;
  }
}
