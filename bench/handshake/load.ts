// The load of handshakes: connect, an upgrade request as a browser sends it, the 101, a Close frame, the server's Close
// frame, and the server's end. The server ends first (RFC 6455 §7.1.1), so that no port of the client's stays taken.

import type { Measured } from "../echo/load.ts";
import { type BunHandlers, type BunSocket, connect, sleep, within } from "../peers/tcp.ts";
import { chromeRequest, concat, endOfHead } from "../peers/wire.ts";
import { cpuMeter } from "../usage.ts";

/** What to do to a server. */
export interface HandshakeJob {
  readonly kind: "handshake";
  readonly port: number;
  readonly pid: number;
  /** How many are on their way at once. */
  readonly connections: number;
  /** In seconds, as the next one. */
  readonly warmUp: number;
  readonly seconds: number;
}

const PATIENCE_MS = 10_000, QUIET_MS = 8;
/** How many requests there are, each with a key of its own. */
const REQUESTS = 64;
/** A Close frame with 1000, masked with zeros: sixteen bits hide nothing. */
const CLOSE = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8), CLOSED = Uint8Array.of(0x88, 0x02, 0x03, 0xe8);

type Request = Awaited<ReturnType<typeof chromeRequest>>;

/** A connection of the load. */
interface Client {
  readonly request: Request;
  came: Uint8Array;
  isOpen: boolean;
}

/** Runs it. */
export async function runHandshakes({ port, pid, connections, warmUp, seconds }: HandshakeJob): Promise<Measured> {
  const requests = await Promise.all(Array.from({ length: REQUESTS }, () => chromeRequest(port)));
  await new HandshakeLoad(port, requests).run(warmUp, connections);
  const load = new HandshakeLoad(port, requests);
  const cpu = cpuMeter(pid), before = cpu(), start = performance.now(), count = await load.run(seconds, connections);
  return { count, cpu: cpu() - before, wall: (performance.now() - start) / 1000 };
}

class HandshakeLoad {
  readonly #port: number;
  readonly #requests: readonly Request[];
  readonly #handlers: BunHandlers<Client>;
  readonly #finished = Promise.withResolvers<void>();
  #isRunning = true;
  #count = 0;
  #onWay = 0;

  constructor(port: number, requests: readonly Request[]) {
    this.#port = port;
    this.#requests = requests;
    const fail = (_: unknown, error: Error) => this.#finished.reject(error);
    this.#handlers = {
      open: (socket) => void socket.write(socket.data.request.request),
      data: (socket, chunk) => this.#read(socket, chunk),
      drain() {},
      close: (socket) => this.#ended(socket),
      error: fail,
      connectError: fail,
    };
  }

  /** Does so many at once for some seconds, and tells how many there were. */
  async run(seconds: number, connections: number): Promise<number> {
    await sleep(QUIET_MS);
    for (let i = 0; i < connections; i++) this.#next();
    setTimeout(() => this.#isRunning = false, seconds * 1000);
    await within(seconds * 1000 + PATIENCE_MS, "the last handshakes", this.#finished.promise);
    await sleep(QUIET_MS);
    return this.#count;
  }

  #next(): void {
    const request = this.#requests[(this.#count + this.#onWay++) % this.#requests.length]!;
    const client: Client = { request, came: new Uint8Array(), isOpen: false };
    connect(this.#port, client, this.#handlers).catch(this.#finished.reject);
  }

  #read(socket: BunSocket<Client>, chunk: Uint8Array): void {
    const client = socket.data;
    client.came = client.came.length === 0 ? chunk : concat([client.came, chunk]);
    if (client.isOpen) return;
    try {
      const end = endOfHead(client.came, client.request.accept);
      if (end < 0) return;
      client.came = client.came.subarray(end);
      client.isOpen = true;
      socket.write(CLOSE);
    } catch (error) {
      this.#finished.reject(error as Error);
    }
  }

  /** The server has ended, and so have we: Bun does that by itself. */
  #ended({ data: { came } }: BunSocket<Client>): void {
    const isClosed = came.length === CLOSED.length && CLOSED.every((byte, i) => byte === came[i]);
    if (!isClosed) return this.#finished.reject(new Error(`Not the Close frame that was expected: ${came}`));
    this.#count++;
    this.#onWay--;
    if (this.#isRunning) this.#next();
    else if (this.#onWay === 0) this.#finished.resolve();
  }
}
