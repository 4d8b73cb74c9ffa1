// Many WebSockets at once, in a process that is all of their servers or all of their clients.

import { accept, type ByteConnection, connect, type WebSocketConnection } from "../../mod.ts";
import { listen, type Listener } from "../kit/tcp.ts";
import { answerCalls, descriptors, held, turn } from "./program.ts";

/** What a process has in use. */
export interface Usage {
  readonly descriptors: number;
  /** Bytes of the heap, and of what is held by it. */
  readonly held: number;
}

/** What has become of the connections of a server. */
export interface Counts {
  readonly open: number;
  readonly messages: number;
  readonly closed: number;
  /** What any of them has failed with. */
  readonly errors: readonly string[];
}

/** So long something is waited for that happens soon, or not at all. */
const TURNS = 1000;

/** The path of a client's URL says which face is at both ends. */
const FACES = ["/direct", "/streams"];

let open = 0, messages = 0, closed = 0;
const errors: string[] = [];

async function serve(listener: Listener<ByteConnection>): Promise<void> {
  for await (const conn of listener) echo(conn).catch((error) => errors.push(`${error}`));
}

async function echo(conn: ByteConnection): Promise<void> {
  const socket = await accept(conn);
  open++;
  if (socket.request.target === FACES[0]) {
    await socket.receive((message) => {
      messages++;
      return socket.send(message);
    });
  } else {
    const writer = socket.writable.getWriter();
    for await (const message of socket.readable) {
      messages++;
      await writer.write(message);
    }
  }
  const { closeCode } = await socket.closed;
  open--;
  if (closeCode === 1000) closed++;
  else errors.push(`A client has closed with ${closeCode}`);
}

/** So many are opened at a time: as many as wait in the queue of any listener. */
const AT_A_TIME = 100;

let sockets: WebSocketConnection[] = [];

/** Sends a message, and waits for it to come back. */
async function exchange(socket: WebSocketConnection, index: number): Promise<void> {
  const sent = `message ${index}`;
  const { promise: got, resolve } = Promise.withResolvers<unknown>();
  if (index % 2 === 0) {
    socket.receive(resolve).catch(() => {}); // `closed` is looked at
    socket.send(sent);
  } else {
    const reader = socket.readable.getReader(), writer = socket.writable.getWriter();
    writer.write(sent);
    resolve((await reader.read()).value);
    reader.releaseLock();
    writer.releaseLock();
  }
  if (await got !== sent) throw new Error(`Sent "${sent}", got "${await got}"`);
}

const calls = {
  async listen(): Promise<number> {
    const listener = await listen();
    serve(listener);
    return listener.port;
  },

  /** What has become of them, once so many are open, or after so many turns that there won't be. */
  async counts(expected: number): Promise<Counts> {
    for (let turns = 0; turns < TURNS && open !== expected; turns++) await turn();
    return { open, messages, closed, errors };
  },

  /** Opens so many connections, all of which stay open. */
  async open({ port, count }: { port: number; count: number }): Promise<number> {
    let next = 0;
    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
      while (next < count) {
        const index = next++;
        sockets[index] = await connect(`ws://127.0.0.1:${port}${FACES[index % 2]}`);
      }
    }));
    return sockets.length;
  },

  /** Sends a message on each, and waits for all echoes. */
  async exchange(): Promise<void> {
    await Promise.all(sockets.map(exchange));
  },

  /** Closes all, and says how many have been closed cleanly. */
  async close(): Promise<number> {
    const infos = await Promise.all(sockets.map((socket) => socket.close({ closeCode: 1000 })));
    sockets = [];
    return infos.filter(({ closeCode }) => closeCode === 1000).length;
  },

  /** What is in use, once it is no more than that, or after so many turns that it won't be. */
  async usage(expected: Usage = { descriptors: Infinity, held: Infinity }): Promise<Usage> {
    for (let turns = 0; turns < TURNS && descriptors() > expected.descriptors; turns++) await turn();
    return { held: await held(expected.held), descriptors: descriptors() };
  },
};

/** What this program can be asked. */
export type ManyCalls = typeof calls;

answerCalls(calls);
