// The load of the fan-out workloads: one publisher that keeps so many bursts on their way, and members that count what
// comes. The first burst is compared at each member; where messages are compressed, its frames must say so.

import { type BunHandlers, type BunSocket, connect, sleep, within } from "../peers/tcp.ts";
import { FrameCounter } from "../peers/frame_counter.ts";
import { chromeRequest, clientFrame, concat, endOfHead, parse } from "../peers/wire.ts";
import type { Measured } from "../echo/load.ts";
import { cpuMeter } from "../usage.ts";

/** What to do to a server. */
export interface FanOutJob {
  readonly kind: "fan-out";
  readonly port: number;
  readonly pid: number;
  readonly members: number;
  /** Bytes of a message. */
  readonly size: number;
  /** How many messages leave at once, and how many such bursts are on their way. */
  readonly burst: number;
  readonly depth: number;
  /** Whether the messages are JSON, and the members offer compression. */
  readonly isCompressed: boolean;
  /** How many more members there are that never read, and what the server does about them. */
  readonly deaf?: number;
  readonly slow?: string;
  /** In seconds, as the next one: how long it runs before it is measured. */
  readonly warmUp: number;
  readonly seconds: number;
}

/** How long the parts that are not timed may take. */
const PATIENCE_MS = 30_000;
/** How long a server is given to finish what it does behind the last delivery, until its CPU time is read. */
const QUIET_MS = 8;
/** How many members connect at once. */
const TOGETHER = 50;
/** How many different bursts there are: compressors that keep a window would have little to do with one. */
const VARIETY = 61;

/** A member of the load. */
interface Member {
  take(chunk: Uint8Array): void;
  readonly counter: FrameCounter;
  rest: Uint8Array | undefined;
}

/** Runs it; `onOpen` is called when all are connected and it has run for a while. */
export async function runFanOut(job: FanOutJob, onOpen = () => {}): Promise<Measured> {
  const load = new FanOut(job);
  try {
    await within(PATIENCE_MS, "the first deliveries", Promise.race([load.open(), load.failed]));
    await load.run(job.warmUp);
    onOpen();
    const cpu = cpuMeter(job.pid), before = cpu(), start = performance.now(), count = await load.run(job.seconds);
    return { count, cpu: cpu() - before, wall: (performance.now() - start) / 1000 };
  } finally {
    load.close();
  }
}

class FanOut {
  /** Rejects when a connection is lost, or a server errs. */
  readonly failed: Promise<never>;
  readonly #job: FanOutJob;
  readonly #bursts: readonly Uint8Array[];
  readonly #payloads: readonly Uint8Array[];
  readonly #sockets: BunSocket<Member>[] = [];
  readonly #handlers: BunHandlers<Member>;
  readonly #deaf: BunSocket<Member>[] = [];
  #publisher: BunSocket<Member> | undefined;
  #fail: (error: Error) => void;
  #isClosed = false;
  #isRunning = false;
  /** How many messages the publisher has sent, and how many members have got one. */
  #sent = 0;
  #delivered = 0;
  #drained = () => {};

  constructor(job: FanOutJob) {
    this.#job = job;
    const payloads = Array.from({ length: VARIETY * job.burst }, (_, i) => messageOf(job, i));
    const frames = payloads.map((payload) => clientFrame(job.isCompressed, payload));
    this.#payloads = payloads.slice(0, job.burst);
    this.#bursts = Array.from({ length: VARIETY }, (_, i) => concat(frames.slice(i * job.burst, (i + 1) * job.burst)));
    const failed = Promise.withResolvers<never>();
    this.failed = failed.promise;
    this.failed.catch(() => {});
    this.#fail = failed.reject;
    const lost = (_: unknown, error?: Error) => {
      if (!this.#isClosed) failed.reject(error ?? new Error("A connection was lost"));
    };
    this.#handlers = {
      open() {},
      data: ({ data }, chunk) => {
        try {
          data.take(chunk);
        } catch (error) {
          this.#fail(error as Error);
        }
      },
      drain: (socket) => this.#write(socket, socket.data.rest),
      close: (socket) => lost(socket),
      error: lost,
      connectError: lost,
    };
  }

  /** Connects all of them, and has the first burst compared. */
  async open(): Promise<void> {
    const { members, isCompressed, burst, deaf = 0, slow = "wait" } = this.#job;
    this.#publisher = await this.#open(`/publisher?slow=${slow}`, isCompressed);
    for (let i = 0; i < deaf; i++) {
      this.#deaf.push(await this.#open("/", isCompressed));
      this.#deaf.at(-1)!.pause();
    }
    for (let left = members; left > 0; left -= TOGETHER) {
      const opening = Array.from({ length: Math.min(left, TOGETHER) }, () => this.#open("/", isCompressed));
      this.#sockets.push(...await Promise.all(opening));
    }
    await sleep(100); // a server may call its handler for an open socket later
    const compared = this.#sockets.map((socket) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      let came: Uint8Array = new Uint8Array();
      socket.data.take = (chunk) => {
        came = concat([came, chunk]);
        if (!this.#compare(came)) return;
        socket.data.take = (chunk) => this.#count(socket.data, chunk);
        resolve();
      };
      return promise;
    });
    this.#write(this.#publisher, this.#bursts[0]);
    await Promise.all(compared);
    this.#sent = burst;
    this.#delivered = burst * members;
  }

  async #open(path: string, isCompressed: boolean): Promise<BunSocket<Member>> {
    const { request, accept } = await chromeRequest(this.#job.port, path, isCompressed);
    const opened = Promise.withResolvers<void>();
    let came: Uint8Array = new Uint8Array();
    const member: Member = {
      take(chunk) {
        came = concat([came, chunk]);
        if (endOfHead(came, accept, isCompressed) >= 0) opened.resolve();
      },
      counter: new FrameCounter(),
      rest: undefined,
    };
    const socket = await connect(this.#job.port, member, this.#handlers);
    this.#write(socket, request);
    await opened.promise;
    return socket;
  }

  /** Whether this is the whole first burst; throws when it is something else. */
  #compare(came: Uint8Array): boolean {
    const { burst, isCompressed } = this.#job;
    if (isCompressed) {
      const counter = new FrameCounter();
      if (came[0] !== 0xc1) throw new Error(`Not compressed: ${came[0]}`);
      return counter.count(came) === burst && counter.isBetween;
    }
    const { messages } = parse(came);
    if (messages.length < burst) return false;
    const isSame = messages.every(({ payload }, i) => payload.every((byte, at) => byte === this.#payloads[i]![at]));
    if (!isSame || messages.length > burst) throw new Error("A message differs from what was published");
    return true;
  }

  #count(member: Member, chunk: Uint8Array): void {
    const { burst, depth, members } = this.#job;
    this.#delivered += member.counter.count(chunk);
    while (this.#isRunning && this.#delivered >= (this.#sent - (depth - 1) * burst) * members) this.#publish();
    if (!this.#isRunning && this.#delivered === this.#sent * members) this.#drained();
    if (this.#delivered > this.#sent * members) throw new Error("More has come than was published");
  }

  #publish(): void {
    this.#write(this.#publisher!, this.#bursts[this.#sent / this.#job.burst % VARIETY]);
    this.#sent += this.#job.burst;
  }

  /** Publishes for some seconds, waits for the last delivery, and tells how many there were. */
  async run(seconds: number): Promise<number> {
    await sleep(QUIET_MS);
    const before = this.#delivered;
    this.#isRunning = true;
    for (let i = 0; i < this.#job.depth; i++) this.#publish();
    await Promise.race([sleep(seconds * 1000), this.failed]);
    const drained = new Promise<void>((resolve) => this.#drained = resolve);
    this.#isRunning = false;
    await within(PATIENCE_MS, "the last deliveries", Promise.race([drained, this.failed]));
    await sleep(QUIET_MS);
    return this.#delivered - before;
  }

  /** Leaves all connections. */
  close(): void {
    this.#isClosed = true;
    for (const socket of [...this.#sockets, ...this.#deaf]) socket.terminate();
    this.#publisher?.terminate();
  }

  #write(socket: BunSocket<Member>, bytes: Uint8Array | undefined): void {
    if (!bytes) return;
    const { rest } = socket.data;
    if (rest && bytes !== rest) return void (socket.data.rest = concat([rest, bytes]));
    const written = Math.max(0, socket.write(bytes));
    socket.data.rest = written < bytes.length ? bytes.subarray(written) : undefined;
  }
}

/** A message that differs from the others: bytes, or JSON as a service has it. */
function messageOf({ size, isCompressed }: FanOutJob, index: number): Uint8Array {
  if (!isCompressed) return Uint8Array.from({ length: size }, (_, i) => (i * 31 + index * 17) & 255);
  const items: object[] = [];
  let text = "";
  for (let i = 0; text.length < size; i++) {
    const seed = index * 7919 + i * 104729;
    items.push({
      id: seed % 100_003,
      user: `user-${seed % 977}`,
      price: seed % 9973 / 100,
      tags: ["new", "sale"][i & 1],
    });
    text = JSON.stringify({ kind: "offers", at: 1_764_000_000_000 + index, items });
  }
  return new TextEncoder().encode(text.slice(0, size));
}
