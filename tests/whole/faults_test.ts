// The n-th read or write of either end fails, n = 1, 2, … until the whole scenario no longer comes to the fault. Whenever
// it comes: nothing hangs, nothing leaks, and every end that fails says so with the fault as cause.

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { inspect } from "node:util";
import {
  accept,
  type ByteConnection,
  connect,
  HandshakeError,
  type MessagePieces,
  type ReceivedOrPieces,
  type WebSocketConnection,
  WebSocketError,
} from "../../mod.ts";
import { connectionPair, fakeClock, type Fault } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";

const MESSAGES = ["Hello", "x".repeat(300), "", "last"];

/** What each end does with an open connection; a call that comes too late may throw. */
interface Scenario {
  client(socket: Socket): Promise<unknown>;
  server(socket: Socket): Promise<unknown>;
  /** From which size on messages come in pieces. */
  readonly streamAbove?: number;
}

type Socket = WebSocketConnection<ReceivedOrPieces>;

/** A message in pieces; it counts how many sources were begun and are not over. */
async function* pieces(open: Set<symbol>): AsyncGenerator<string> {
  const mine = Symbol();
  open.add(mine);
  try {
    for (let i = 0; i < 60; i++) yield await Promise.resolve(`piece ${i}, `);
  } finally {
    open.delete(mine);
  }
}

const openSources = new Set<symbol>();

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "the direct face": {
    async client(socket) {
      let count = 0;
      const received = socket.receive(() => {
        if (++count < MESSAGES.length) return;
        // Not returned: while a handler waits no pong is read
        socket.ping().then(() => socket.close({ closeCode: 1000, reason: "done" })).catch(() => {});
      });
      for (const message of MESSAGES) socket.send(message);
      await received;
    },
    server: (socket) => socket.receive((message) => socket.send(message)),
  },
  "the streams face": {
    async client(socket) {
      const writer = socket.writable.getWriter(), reader = socket.readable.getReader();
      writer.closed.catch(() => {});
      reader.closed.catch(() => {});
      await Promise.all([
        (async () => {
          for (const message of MESSAGES) await writer.write(message);
        })(),
        (async () => {
          for (const message of MESSAGES) assertEquals((await reader.read()).value, message);
        })(),
      ]);
      await socket.ping().catch((error) => error instanceof WebSocketError || Promise.reject(error));
      await writer.close();
    },
    server: (socket) => socket.readable.pipeTo(socket.writable),
  },
  "messages in pieces": {
    streamAbove: 10,
    async client(socket) {
      const sent = [socket.send(pieces(openSources)), socket.send("short"), socket.send(pieces(openSources))];
      const settling = Promise.allSettled(sent);
      let count = 0;
      const received = socket.receive(async (message) => {
        if (typeof message === "string") return void assertEquals(message, "short");
        for await (const _ of message as MessagePieces);
        if (++count === 2) socket.close({ closeCode: 1000 });
      });
      await Promise.allSettled([received, settling]);
    },
    server: (socket) => socket.receive((message) => socket.send(message)),
  },
  "messages in pieces through a pipe": {
    streamAbove: 0,
    async client(socket) {
      const writer = socket.writable.getWriter(), reader = socket.readable.getReader();
      writer.closed.catch(() => {});
      reader.closed.catch(() => {});
      const written = writer.write(pieces(openSources));
      written.catch(() => {});
      const { value } = await reader.read();
      for await (const _ of value as MessagePieces);
      await written;
      await writer.close();
    },
    server: (socket) => socket.readable.pipeTo(socket.writable),
  },
};

/** How an end came out: it closed cleanly, or with this error. */
type Outcome = "clean" | Error;

async function outcomeOf(opening: Promise<Socket>, use: Scenario["client"]): Promise<Outcome> {
  let socket;
  try {
    socket = await opening;
  } catch (error) {
    assertInstanceOf(error, HandshakeError);
    return error;
  }
  // What the calls of the scenario come to is up to the streams; but all of them come to an end
  await use(socket).catch(() => {});
  try {
    await socket.closed;
    return "clean";
  } catch (error) {
    assertInstanceOf(error, WebSocketError);
    return error;
  }
}

function hasCause(error: unknown, wanted: Error): boolean {
  return error === wanted || error instanceof Error && error.cause !== undefined && hasCause(error.cause, wanted);
}

/** Waits for a promise as long as anything goes on: everything is in memory, but for SHA-1. */
async function finish<T>(promise: Promise<T>): Promise<T | "it hangs"> {
  let result: T | "it hangs" = "it hangs";
  promise.then((value) => result = value);
  for (let round = 0; round < 100 && result === "it hangs"; round++) {
    await crypto.subtle.digest("SHA-1", new Uint8Array());
    await settled();
  }
  return result;
}

/** Runs a scenario with one fault, and checks how it ends; gives whether the fault was reached. */
async function run(scenario: Scenario, isPlain: boolean, fault: Pick<Fault, "end" | "operation" | "nth">) {
  const error = new Error("The fault"), clock = fakeClock();
  let reached = false;
  const [a, b] = connectionPair({
    chunkSize: 50,
    fault: {
      ...fault,
      get error() {
        reached = true;
        return error;
      },
    },
  });
  const { streamAbove = Infinity } = scenario;
  const of = ({ readable, writable }: ByteConnection) => ({ readable, writable });
  const outcomes = await finish(Promise.all([
    outcomeOf(connect("ws://localhost/", { conn: isPlain ? of(a) : a, clock, streamAbove }), scenario.client),
    outcomeOf(accept(isPlain ? of(b) : b, { clock, streamAbove }), scenario.server),
  ]));
  assert(outcomes !== "it hangs", "it hangs");
  assertEquals([a.isClosed, b.isClosed, clock.pending, clock.now()], [true, true, 0, 0]);
  await settled();
  assertEquals(openSources.size, 0, "a source was not told that nobody reads it");
  for (const outcome of outcomes) {
    if (outcome !== "clean") assert(hasCause(outcome, error), inspect(outcome));
  }
  if (!reached) assertEquals(outcomes, ["clean", "clean"]);
  return reached;
}

for (const [face, scenario] of Object.entries(SCENARIOS)) {
  for (const isPlain of [false, true]) {
    for (const end of [0, 1] as const) {
      for (const operation of ["read", "write"] as const) {
        const where = `${operation} of the ${end === 0 ? "client" : "server"}${isPlain ? " over plain streams" : ""}`;
        test(`${face}: each ${where} fails once`, async () => {
          let nth = 1;
          try {
            while (await run(scenario, isPlain, { end, operation, nth })) nth++;
          } catch (cause) {
            throw new Error(`The ${operation} ${nth}: ${cause}`, { cause });
          }
          assert(nth > (operation === "read" ? 10 : 3), `there were only ${nth} operations`);
        });
      }
    }
  }
}
