// Our ends of WebSockets whose peers go, in a process that keeps what nobody in it has handled.

import process from "node:process";
import { accept, connect, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { listen } from "../kit/tcp.ts";
import { answerCalls, descriptors, turn } from "./program.ts";

/** How a connection has ended. */
export interface Outcome {
  /** What it says of its end. */
  readonly failure: string | undefined;
  readonly closeCode: number | null;
  readonly cause: string | undefined;
  /** What has rejected with that very error. */
  readonly rejected: readonly string[];
  /** How many messages were received. */
  readonly messages: number;
}

const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(`a rejection with ${reason}`));
process.on("uncaughtException", (error) => unhandled.push(`an exception: ${error}`));

const outcomes = new Map<number, PromiseWithResolvers<Outcome>>();

function outcomeOf(id: number): PromiseWithResolvers<Outcome> {
  let outcome = outcomes.get(id);
  if (!outcome) outcomes.set(id, outcome = Promise.withResolvers());
  return outcome;
}

/** A connection that gives no sign of life for so long is given up, with another failure than a lost one. */
const OPTIONS = { idleTimeout: 30_000 };

/**
 * Uses a connection until it is lost. The path says by which face, whether it writes or only reads, and where the loss is
 * waited for; what else rejects is left alone at first, as an application may leave it.
 */
async function use(socket: WebSocketConnection, path: string): Promise<void> {
  const [, id, face, task, watched] = path.split("/");
  const outcome = outcomeOf(Number(id));
  try {
    const { promises, count } = (face === "direct" ? useDirect : useStreams)(socket, task === "echo");
    const all: Record<string, Promise<unknown>> = { closed: socket.closed, ...promises, ping: socket.ping() };
    const error = await rejection(all[watched!]!);
    if (!(error instanceof WebSocketError)) throw new Error(`It has ended with ${error}`);
    for (let turns = 0; turns < 3; turns++) await turn(); // what nobody has handled by now is told
    const rejected: string[] = [];
    for (const [name, promise] of Object.entries(all)) if (await rejection(promise) === error) rejected.push(name);
    const { failure, closeCode, cause } = error;
    outcome.resolve({
      failure,
      closeCode,
      cause: cause === undefined ? undefined : `${cause}`,
      rejected,
      messages: count(),
    });
  } catch (error) {
    outcome.reject(error);
  }
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => undefined, (error) => error);
}

interface Use {
  /** What waits for the end. */
  readonly promises: Readonly<Record<string, Promise<unknown>>>;
  /** How many messages were received. */
  count(): number;
}

function useDirect(socket: WebSocketConnection, echoes: boolean): Use {
  let messages = 0;
  const receive = socket.receive((message) => {
    messages++;
    return echoes ? socket.send(message) : undefined;
  });
  if (echoes) chat((message) => socket.send(message));
  return { promises: { receive }, count: () => messages };
}

function useStreams(socket: WebSocketConnection, echoes: boolean): Use {
  let messages = 0;
  const writer = socket.writable.getWriter();
  const readable = (async () => {
    for await (const message of socket.readable) {
      messages++;
      if (echoes) await writer.write(message);
    }
  })();
  readable.catch(() => {}); // this promise is the application's
  if (echoes) chat((message) => writer.write(message));
  return { promises: { readable, writable: writer.closed }, count: () => messages };
}

/** Says something each turn, for a while. */
async function chat(send: (message: string) => void | Promise<void>): Promise<void> {
  try {
    for (let i = 0; i < 50; i++) {
      await send("x".repeat(20 * i));
      await turn();
    }
  } catch {
    // The connection is no longer open
  }
}

const calls = {
  /** Listens for clients. */
  async listen(): Promise<number> {
    const listener = await listen();
    (async () => {
      for await (const conn of listener) {
        accept(conn, OPTIONS).then(
          (socket) => use(socket, socket.request.target),
          (error) => unhandled.push(`${error}`),
        );
      }
    })();
    return listener.port;
  },

  /** Connects to a server. */
  async connect({ port, path }: { port: number; path: string }): Promise<void> {
    const socket = await connect(`ws://127.0.0.1:${port}${path}`, OPTIONS);
    use(socket, path);
  },

  /** Waits until a connection has ended. */
  outcome: async (id: number): Promise<Outcome> => await outcomeOf(id).promise,

  /** How many descriptors are open, once there are no more than that, or after so many turns that there won't be. */
  async descriptors(expected = Infinity): Promise<number> {
    for (let turns = 0; turns < 1000 && descriptors() > expected; turns++) await turn();
    return descriptors();
  },

  /** What nobody has handled; it is told at the end of a turn. */
  async unhandled(): Promise<string[]> {
    for (let turns = 0; turns < 10; turns++) await turn();
    return unhandled;
  },

  /** Leaves a rejection and an exception to nobody. */
  neglect(): void {
    Promise.reject(new Error("rejected"));
    setTimeout(() => {
      throw new Error("thrown");
    }, 0);
  },
};

/** What this program can be asked. */
export type KilledCalls = typeof calls;

answerCalls(calls);
