// The load of memory: connections that are opened and then say nothing.

import { type BunHandlers, type BunSocket, connect, sleep, within } from "../peers/tcp.ts";
import { chromeRequest, concat, endOfHead } from "../peers/wire.ts";
import { residentMemory } from "../usage.ts";

/** What to do to a server. */
export interface MemoryJob {
  readonly kind: "memory";
  readonly port: number;
  readonly pid: number;
  readonly connections: number;
}

/** By how many bytes the server has grown. */
export interface Grown {
  readonly bytes: number;
}

/** What is allocated once is allocated with these. */
const WARM_UP = 50;
/** How many are opened at once. */
const TOGETHER = 100;
const SETTLED_MS = 3000, PATIENCE_MS = 10_000;

type State = { take(chunk: Uint8Array): void; open(socket: BunSocket<State>): void; fail(error: Error): void };

const HANDLERS: BunHandlers<State> = {
  open: (socket) => socket.data.open(socket),
  data: (socket, chunk) => socket.data.take(chunk),
  drain() {},
  close: (socket) => socket.data.fail(new Error("An idle connection was lost")),
  error: (socket, error) => socket.data.fail(error),
  connectError: (socket, error) => socket.data.fail(error),
};

/** Runs it. */
export async function runMemory({ port, pid, connections }: MemoryJob): Promise<Grown> {
  const sockets: BunSocket<State>[] = [], lost = Promise.withResolvers<never>();
  lost.promise.catch(() => {});
  const open = async (count: number) => {
    const opened = Array.from({ length: count }, () => openIdle(port, sockets, lost.reject));
    await within(PATIENCE_MS, "idle connections", Promise.race([Promise.all(opened), lost.promise]));
  };
  try {
    await open(WARM_UP);
    await sleep(1000);
    const before = residentMemory(pid);
    for (let left = connections; left > 0; left -= TOGETHER) await open(Math.min(TOGETHER, left));
    await Promise.race([sleep(SETTLED_MS), lost.promise]);
    return { bytes: residentMemory(pid) - before };
  } finally {
    for (const socket of sockets) {
      socket.data.fail = () => {};
      socket.terminate();
    }
  }
}

/** One that is open once the 101 has come. */
async function openIdle(
  port: number,
  sockets: BunSocket<State>[],
  lost: (error: Error) => void,
): Promise<void> {
  const { request, accept } = await chromeRequest(port), opened = Promise.withResolvers<void>();
  let came: Uint8Array = new Uint8Array();
  const fail = (error: Error) => {
    opened.reject(error);
    lost(error);
  };
  const take = (chunk: Uint8Array) => {
    came = concat([came, chunk]);
    try {
      if (endOfHead(came, accept) >= 0) opened.resolve();
    } catch (error) {
      fail(error as Error);
    }
  };
  sockets.push(await connect(port, { take, fail, open: (socket) => void socket.write(request) }, HANDLERS));
  await opened.promise;
}
