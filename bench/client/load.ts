// One kind of client, in a process of its own: connections that keep so many messages on their way, and send one for each
// that comes back. Its argument says which: see CLIENTS. It does jobs as the load of the servers does.

import process from "node:process";
import type { EventEmitter } from "node:events";
import type { Measured } from "../echo/load.ts";
import { answerJobs } from "../peers/jobs.ts";

/** What to do. */
export interface ClientJob {
  readonly port: number;
  readonly connections: number;
  /** Bytes of a message's payload. */
  readonly size: number;
  /** How many messages of a connection are on their way at once. */
  readonly depth: number;
  readonly isText: boolean;
  /** In seconds, as the next one: how long it runs before it is measured. */
  readonly warmUp: number;
  readonly seconds: number;
}

type Message = string | Uint8Array<ArrayBuffer>;

/** A connection that is open. */
interface Client {
  send(message: Message): unknown;
  close(): Promise<unknown>;
}

/** Opens a connection, whose messages go to a function by their sizes. */
type Opener = (url: string, onMessage: (size: number, client: Client) => void) => Promise<Client>;

/** What the classes have in common. */
interface WebSocketLike {
  binaryType: string;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: { data: string | ArrayBuffer }) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  send(message: Message): void;
  close(): void;
}

interface WsSocket extends EventEmitter {
  send(message: Message): void;
  close(): void;
}

/** Where each kind of client comes from. */
const CLIENTS: Readonly<Record<string, () => Promise<Opener>>> = {
  async connect() {
    const { connect } = await import("../../mod.ts");
    return async (url, onMessage) => {
      const socket = await connect(url);
      const client: Client = {
        send: (message) => socket.send(message),
        close: () => socket.close(),
      };
      socket.receive((message) => onMessage(message.length, client)).catch(() => {});
      return client;
    };
  },
  class: async () => ofClass((await import("../../src/websocket.ts")).WebSocket),
  own: () => Promise.resolve(ofClass(globalThis.WebSocket)),
  // By its path, as the next one: under Bun the name stands for something of its own
  undici: async () => ofClass((await import("../../node_modules/undici/index.js")).default.WebSocket),
  async ws() {
    const path = new URL("../../node_modules/ws/lib/websocket.js", import.meta.url).href;
    const { default: WebSocket } = await import(path) as { default: new (url: string, options: object) => WsSocket };
    return async (url, onMessage) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      const client: Client = {
        send: (message) => socket.send(message),
        close: () => new Promise((resolve) => socket.once("close", resolve).close()),
      };
      // Text is given to an application as a string
      socket.on("message", (data: Uint8Array, isBinary: boolean) => {
        onMessage((isBinary ? data : data.toString()).length, client);
      });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      return client;
    };
  },
};

/** The same by the API of browsers. */
function ofClass(found: unknown): Opener {
  const WebSocket = found as new (url: string) => WebSocketLike;
  return async (url, onMessage) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const client: Client = {
      send: (message) => socket.send(message),
      close: () =>
        new Promise((resolve) => {
          socket.onclose = resolve;
          socket.close();
        }),
    };
    socket.onmessage = ({ data }) => onMessage(typeof data === "string" ? data.length : data.byteLength, client);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("It does not open"));
    });
    return client;
  };
}

const open = await CLIENTS[process.argv[2]!]!();

const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Echoes in some seconds, and the CPU time of this process meanwhile. */
async function run(job: ClientJob): Promise<Measured> {
  const { port, connections, size, depth, isText, warmUp, seconds } = job, failed = Promise.withResolvers<never>();
  const message = isText ? "a".repeat(size) : new Uint8Array(size).fill(97);
  failed.promise.catch(() => {});
  let count = 0, isRunning = true;
  const onMessage = (came: number, client: Client) => {
    if (came !== size) failed.reject(new Error("Another message came back"));
    count++;
    if (isRunning) client.send(message);
  };
  const opening = Array.from({ length: connections }, () => open(`ws://127.0.0.1:${port}/`, onMessage));
  const clients = await Promise.all(opening);
  for (const client of clients) for (let i = 0; i < depth; i++) client.send(message);
  await Promise.race([wait(warmUp), failed.promise]);
  const cpu = process.cpuUsage(), start = performance.now(), before = count;
  await Promise.race([wait(seconds), failed.promise]);
  const { user, system } = process.cpuUsage(cpu), wall = (performance.now() - start) / 1000, echoes = count - before;
  isRunning = false;
  await Promise.all(clients.map((client) => client.close()));
  if (echoes === 0) throw new Error("Nothing came back");
  return { count: echoes, cpu: (user + system) / 1e6, wall };
}

await answerJobs(run);
