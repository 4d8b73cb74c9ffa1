// What the tests of a client that comes back share: a server in memory that gets each attempt, and a clock that runs.

import type { ReconnectAttempt } from "../../mod.ts";
import { connectionPair, type FakeClock, fakeClock, type PairedConnection } from "../../src/testing.ts";

export const URL = "ws://localhost/chat";

/** A server in memory for the option `configure`, and the clients' ends of its connections. */
export function inMemory(serve: (conn: PairedConnection, attempt: ReconnectAttempt) => unknown) {
  const conns: PairedConnection[] = [];
  const configure = (attempt: ReconnectAttempt) => {
    const [conn, far] = connectionPair();
    conns.push(conn);
    (async () => await serve(far, attempt))().catch(() => {}); // how the server fares is for the client to see
    return { conn };
  };
  return { configure, conns, clock: fakeClock() };
}

/** Lets time go by until a promise settles, and fails when that takes too long. */
export async function passing<Value>(clock: FakeClock, promise: Promise<Value>, step = 1000): Promise<Value> {
  let isSettled = false;
  const settle = () => void (isSettled = true);
  promise.then(settle, settle);
  for (let steps = 0; !isSettled; steps++) {
    if (steps === 500) throw new Error(`Nothing has come of it after ${steps * step} ms`);
    await clock.advance(step);
  }
  return await promise;
}

/** Everything that an iterable has. */
export async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A signal that counts who listens. */
export function counted(): { readonly controller: AbortController; readonly signal: AbortSignal; listeners: number } {
  const controller = new AbortController(), { signal } = controller;
  const counting = { controller, signal, listeners: 0 };
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    counting.listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    counting.listeners--;
    removeEventListener.apply(signal, args);
  };
  return counting;
}
