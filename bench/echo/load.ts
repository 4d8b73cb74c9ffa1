// The load of the echo workloads: connections that keep so many messages on their way. The first echo of each message of
// each connection is compared byte by byte; after that, bytes are counted, by what the first ones took.

import { Buffer } from "node:buffer";
import { type BunHandlers, type BunSocket, connect, sleep, within } from "../peers/tcp.ts";
import { chromeRequest, clientFrame, concat, endOfHead, parse, payload } from "../peers/wire.ts";
import { cpuMeter } from "../usage.ts";

/** What to do to a server. */
export interface EchoJob {
  readonly kind: "echo";
  readonly port: number;
  readonly pid: number;
  readonly connections: number;
  /** Bytes of a message's payload. */
  readonly size: number;
  /** How many messages of a connection are on their way at once. */
  readonly depth: number;
  readonly isText: boolean;
  /** The server echoes bytes, and no handshake is wanted. */
  readonly isRaw: boolean;
  /** In seconds, as the next one: how long it runs before it is measured. */
  readonly warmUp: number;
  readonly seconds: number;
}

/** What was measured: how often the thing was done, and the CPU time it took the server. */
export interface Measured {
  readonly count: number;
  readonly cpu: number;
  /** Wall-clock seconds. */
  readonly wall: number;
}

/** How long the parts that are not timed may take. */
const PATIENCE_MS = 10_000;
/** How long a server is given to finish what it does behind its answers, until its CPU time is read. */
const QUIET_MS = 8;

/** A connection of the load. */
interface Client {
  /** Takes what comes until the first echoes were compared. */
  first: ((chunk: Uint8Array) => void) | undefined;
  bytes: number;
  sent: number;
  done: number;
  /** What the kernel did not take yet, and how many messages wait behind it. */
  rest: Uint8Array | undefined;
  owed: number;
}

/** Runs it. */
export async function runEcho(job: EchoJob): Promise<Measured> {
  const { port, pid, connections, warmUp, seconds } = job, load = new EchoLoad(job);
  try {
    const opening = Promise.all(Array.from({ length: connections }, () => load.open(port)));
    await within(PATIENCE_MS, "the first echoes", Promise.race([opening, load.failed]));
    await load.run(warmUp);
    const cpu = cpuMeter(pid), before = cpu(), start = performance.now(), count = await load.run(seconds);
    return { count, cpu: cpu() - before, wall: (performance.now() - start) / 1000 };
  } finally {
    load.close();
  }
}

class EchoLoad {
  /** Rejects when a connection is lost, or a server errs. */
  readonly failed: Promise<never>;
  readonly #job: EchoJob;
  readonly #frames: readonly Uint8Array[];
  readonly #payloads: readonly Uint8Array[];
  /** One, two, … frames in one. */
  readonly #batches: readonly Uint8Array[];
  readonly #sockets: BunSocket<Client>[] = [];
  readonly #handlers: BunHandlers<Client>;
  #fail: (error: Error) => void;
  /** How many bytes an echo has: a server may fragment it, but always in the same way. */
  #echo = 0;
  #isRunning = false;
  #isClosed = false;
  #onWay = 0;
  #count = 0;
  #drained = () => {};

  constructor(job: EchoJob) {
    const { size, depth, isText } = job;
    this.#job = job;
    this.#payloads = Array.from({ length: depth }, (_, i) => payload(isText, size, i));
    this.#frames = this.#payloads.map((payload) => clientFrame(isText, payload));
    const all = concat(this.#frames), frame = all.length / depth;
    this.#batches = Array.from({ length: depth + 1 }, (_, i) => all.subarray(0, i * frame));
    const failed = Promise.withResolvers<never>();
    this.failed = failed.promise;
    this.failed.catch(() => {});
    this.#fail = failed.reject;
    const lost = (_: unknown, error?: Error) => {
      if (!this.#isClosed) failed.reject(error ?? new Error("A connection was lost"));
    };
    this.#handlers = {
      open() {},
      data: (socket, chunk) => this.#read(socket, chunk),
      drain: (socket) => this.#drain(socket),
      close: (socket) => lost(socket),
      error: lost,
      connectError: lost,
    };
  }

  /** Connects, and has the first echoes compared. */
  async open(port: number): Promise<void> {
    const client: Client = { first: undefined, bytes: 0, sent: 0, done: 0, rest: undefined, owed: 0 };
    const { request, accept } = await chromeRequest(port), compared = Promise.withResolvers<void>();
    let came: Uint8Array = new Uint8Array(), isOpen = this.#job.isRaw;
    client.first = (chunk) => {
      came = concat([came, chunk]);
      if (!isOpen) {
        const end = endOfHead(came, accept);
        if (end < 0) return;
        [came, isOpen] = [came.subarray(end), true];
        return this.#send(socket, this.#job.depth);
      }
      if (!this.#compare(came)) return;
      client.first = undefined;
      client.done = this.#job.depth;
      this.#echo = came.length / this.#job.depth;
      compared.resolve();
    };
    const socket = await connect(port, client, this.#handlers);
    this.#sockets.push(socket);
    if (isOpen) this.#send(socket, this.#job.depth);
    else this.#write(socket, request);
    await compared.promise;
    client.bytes = 0;
    client.sent = client.done = 0;
    this.#onWay -= this.#job.depth;
  }

  /** Whether these are all the echoes; throws when they differ from what was sent. */
  #compare(came: Uint8Array): boolean {
    const { isRaw, isText, depth } = this.#job;
    const expected = isRaw ? this.#batches[depth]! : concat(this.#payloads);
    const parsed = isRaw ? undefined : parse(came);
    const bytes = parsed ? concat(parsed.messages.map(({ payload }) => payload)) : came;
    if (bytes.length < expected.length) return false;
    const isSame = bytes.length === expected.length && Buffer.compare(bytes, expected) === 0 &&
      (!parsed || parsed.end === came.length && parsed.messages.length === depth &&
          parsed.messages.every((message) => message.isText === isText));
    if (!isSame) throw new Error("An echo differs from what was sent");
    return true;
  }

  /** Sends for some seconds, waits for the last echo, and tells how many there were. */
  async run(seconds: number): Promise<number> {
    await sleep(QUIET_MS);
    this.#count = 0;
    this.#isRunning = true;
    for (const socket of this.#sockets) this.#send(socket, this.#job.depth);
    await Promise.race([sleep(seconds * 1000), this.failed]);
    const drained = new Promise<void>((resolve) => this.#drained = resolve);
    this.#isRunning = false;
    await within(PATIENCE_MS, "the last echoes", Promise.race([drained, this.failed]));
    await sleep(QUIET_MS);
    for (const { data } of this.#sockets) {
      if (data.bytes !== data.sent * this.#echo) throw new Error("More came back than was sent");
    }
    return this.#count;
  }

  /** Leaves all connections. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.terminate();
  }

  #read(socket: BunSocket<Client>, chunk: Uint8Array): void {
    const client = socket.data;
    if (client.first) {
      try {
        return client.first(chunk);
      } catch (error) {
        return this.#fail(error as Error);
      }
    }
    client.bytes += chunk.length;
    const done = Math.floor(client.bytes / this.#echo), due = done - client.done;
    if (due === 0) return;
    client.done = done;
    this.#count += due;
    this.#onWay -= due;
    if (this.#isRunning) this.#send(socket, due);
    else if (this.#onWay === 0) this.#drained();
  }

  /** One write for all that is due. */
  #send(socket: BunSocket<Client>, due: number): void {
    const client = socket.data;
    if (client.rest) return void (client.owed += due);
    client.sent += due;
    this.#onWay += due;
    this.#write(socket, this.#batches[due]!);
  }

  #write(socket: BunSocket<Client>, bytes: Uint8Array): void {
    const written = socket.write(bytes);
    if (written < bytes.length) socket.data.rest = bytes.subarray(Math.max(0, written));
  }

  #drain(socket: BunSocket<Client>): void {
    const client = socket.data, { rest, owed } = client;
    if (!rest) return;
    client.rest = undefined;
    this.#write(socket, rest);
    if (client.rest || owed === 0) return;
    client.owed = 0;
    if (this.#isRunning) this.#send(socket, owed);
  }
}
