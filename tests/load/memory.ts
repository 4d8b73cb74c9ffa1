// One end of a WebSocket that a lot passes through, in a process of its own that watches its memory.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { accept, connect, type Message, type WebSocketConnection } from "../../mod.ts";
import { listen } from "../kit/tcp.ts";
import { answerCalls, held, turn } from "./program.ts";

/** How messages come or go. */
export type Face = "direct" | "streams";

/** What is sent: messages of these sizes, again and again, up to that many bytes. */
export interface Sending {
  readonly face: Face;
  readonly warmUp: number;
  readonly sizes: readonly number[];
  readonly total: number;
}

/** How it is received: who has taken the messages with these numbers stops, at the first one until it is told to go on. */
export interface Receiving {
  readonly face: Face;
  readonly warmUp: number;
  readonly stops: readonly number[];
}

/** What has passed, and the resident memory: before anything was done, at the start, and at most. */
export interface Figures {
  readonly bytes: number;
  readonly messages: number;
  readonly digest: string;
  readonly fresh: number;
  readonly start: number;
  readonly peak: number;
}

const FRESH = process.memoryUsage.rss();

/** Counts and digests what passes, and looks at the memory at each message. */
class Passing {
  readonly done: Promise<void>;
  bytes = 0;
  messages = 0;
  readonly #warmUp: number;
  readonly #hash = createHash("sha1");
  readonly #length = new DataView(new ArrayBuffer(4));
  #start = rehearsed;
  #peak = rehearsed;

  /**
   * @param warmUp So many bytes pass before it is judged how much memory that takes.
   * @param run Lets all pass.
   */
  constructor(warmUp: number, run: (passing: Passing) => Promise<void>) {
    this.#warmUp = warmUp;
    this.look();
    this.done = run(this);
    this.done.catch(() => {}); // whoever asks is told
  }

  add(message: Uint8Array): void {
    this.#length.setUint32(0, message.length); // the digest is one of messages, not only of bytes
    this.#hash.update(new Uint8Array(this.#length.buffer)).update(message);
    this.bytes += message.length;
    this.messages++;
    this.look();
  }

  look(): void {
    const memory = process.memoryUsage.rss();
    if (memory > this.#peak) this.#peak = memory;
    if (this.bytes <= this.#warmUp) this.#start = this.#peak;
  }

  figures(): Figures {
    const digest = this.#hash.copy().digest("hex");
    return {
      bytes: this.bytes,
      messages: this.messages,
      digest,
      fresh: FRESH,
      start: this.#start,
      peak: this.#peak,
    };
  }
}

/** What the process takes without any connection. */
let rehearsed = 0;

let socket: Promise<WebSocketConnection>;
let passing: Passing;
let goOn: () => void;

const pem = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../kit/tls/${name}.pem`, import.meta.url).href), "utf8");

/** Sends by either face, and waits for room. */
function senderOf(ours: WebSocketConnection, face: Face): (message: Message) => void | Promise<void> {
  if (face === "direct") return (message) => ours.send(message);
  const writer = ours.writable.getWriter();
  return async (message) => {
    await writer.ready;
    writer.write(message).catch(() => {}); // `closed` rejects as well
  };
}

/** Receives by either face, and waits for what `take` returns. */
async function receiveAll(
  ours: WebSocketConnection,
  face: Face,
  take: (message: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  const taken = (message: string | Uint8Array) => {
    if (typeof message === "string") throw new TypeError("A message came as text; none was sent as such");
    return take(message);
  };
  if (face === "direct") await ours.receive(taken);
  else for await (const message of ours.readable) await taken(message);
  const { closeCode } = await ours.closed;
  if (closeCode !== 1000) throw new Error(`The connection was closed with ${closeCode}`);
}

const calls = {
  /** Listens for one connection, and tells the port. */
  async listen(secure: boolean): Promise<number> {
    const listener = await listen(secure ? { tls: { cert: pem("localhost"), key: pem("localhost.key") } } : {});
    socket = listener.accept().then((conn) => {
      listener.close();
      return accept(conn);
    });
    socket.catch(() => {}); // whoever awaits it is told
    return listener.port;
  },

  async connect({ port, secure }: { port: number; secure: boolean }): Promise<void> {
    const [scheme, options] = secure ? ["wss", { caCerts: [pem("ca")] }] : ["ws", {}];
    socket = connect(`${scheme}://127.0.0.1:${port}/`, options);
    await socket;
  },

  /**
   * Makes messages of these sizes, up to that many bytes, and keeps none: what a runtime takes for that is its own, and
   * belongs to the start.
   */
  async rehearse({ sizes, total }: Pick<Sending, "sizes" | "total">): Promise<void> {
    for (let bytes = 0, count = 0; bytes < total; count++) {
      bytes += new Uint8Array(sizes[count % sizes.length]!).fill(1).length;
      rehearsed = Math.max(rehearsed, process.memoryUsage.rss());
      if (count % 100 === 0) await turn();
    }
  },

  /** Begins to send. */
  async send({ face, warmUp, sizes, total }: Sending): Promise<void> {
    const ours = await socket;
    const send = senderOf(ours, face);
    // Each message begins elsewhere in it
    const noise = new Uint8Array(65536 + Math.max(...sizes));
    for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
    passing = new Passing(warmUp, async (passing) => {
      while (passing.bytes < total) {
        const size = Math.min(sizes[passing.messages % sizes.length]!, total - passing.bytes);
        const start = passing.messages * 97 % 65536;
        const message = noise.subarray(start, start + size);
        await send(message);
        passing.add(message);
      }
      await ours.close({ closeCode: 1000 });
    });
  },

  /** Begins to receive. */
  async receive({ face, warmUp, stops }: Receiving): Promise<void> {
    const ours = await socket;
    const going = new Promise<void>((resolve) => goOn = resolve);
    let stopped = 0;
    const rest = async (passing: Passing) => {
      if (stopped++ === 0) await going;
      for (let turns = 0; turns < 4; turns++) await turn();
      passing.look();
    };
    passing = new Passing(warmUp, async (passing) => {
      await receiveAll(ours, face, (message) => {
        passing.add(message);
        return passing.messages === stops[stopped] ? rest(passing) : undefined;
      });
      if (stopped < stops.length) throw new Error(`There were only ${stopped} stops`);
    });
  },

  /**
   * Waits until nothing passes any more. It is believed after so many turns, in each of which the runtime looks at all
   * sockets, that only something that is truly stuck can have stood; were it not, the test would be weaker, and not fail.
   */
  async standstill(): Promise<Figures> {
    let last = passing.bytes;
    for (let turns = 0; turns < 200; turns++) {
      await turn();
      passing.look();
      if (passing.bytes === last) continue;
      last = passing.bytes;
      turns = 0;
    }
    return passing.figures();
  },

  held,

  goOn(): void {
    goOn();
  },

  /** Waits until all has passed. */
  async done(): Promise<Figures> {
    await passing.done;
    return passing.figures();
  },
};

/** What this program can be asked. */
export type MemoryCalls = typeof calls;

answerCalls(calls);
