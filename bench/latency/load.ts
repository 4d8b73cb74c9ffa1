// The load of latency: an open loop. Messages are due by a schedule, and the time of each is counted from when it was due,
// not from when it was sent: what waits because the server, or this load, is late counts as well.

import { EchoSockets, type EchoTraffic } from "../echo/sockets.ts";
import { sleep, within } from "../peers/tcp.ts";
import { dueAt, dueUntil, percentile, type Schedule, shares } from "./schedule.ts";

/** What to do to a server. */
export interface LatencyJob extends EchoTraffic {
  readonly kind: "latency";
  /** Messages a second, on all connections. */
  readonly rate: number;
  /** In seconds, as the next one: how long it runs before it is measured. */
  readonly warmUp: number;
  readonly seconds: number;
}

/** Microseconds: the time that so large shares of all messages did not exceed. */
export interface Latencies {
  readonly microseconds: readonly number[];
}

/** Which shares those are. */
export const SHARES = [0.5, 0.99, 0.999] as const;

/** How long the last echoes may take. */
const PATIENCE_MS = 10_000;

/** Runs it. */
export async function runLatency(job: LatencyJob): Promise<Latencies> {
  const load = new LatencyLoad(job);
  try {
    await load.open();
    await load.run(job.warmUp);
    const times = (await load.run(job.seconds)).sort();
    return { microseconds: SHARES.map((share) => percentile(times, share) * 1000) };
  } finally {
    load.close();
  }
}

class LatencyLoad {
  readonly #schedule: Schedule;
  readonly #sockets: EchoSockets;
  /** In milliseconds; and how many there are. */
  #times = new Float64Array();
  #count = 0;
  #start = 0;
  /** How many echoes each connection had before this run. */
  #before: number[] = [];

  constructor(job: LatencyJob) {
    this.#schedule = job;
    this.#sockets = new EchoSockets(job, ({ index, done }, count) => {
      const now = performance.now() - this.#start, before = this.#before[index]!;
      for (let message = done - count - before; message < done - before; message++) {
        this.#times[this.#count++] = now - dueAt(this.#schedule, index, message);
      }
    });
  }

  open(): Promise<void> {
    return this.#sockets.open();
  }

  /** Sends for some seconds what is due, waits for the last echo, and gives the time of each message in milliseconds. */
  async run(seconds: number): Promise<Float64Array> {
    const { connections } = this.#sockets, all = Math.round(seconds * this.#schedule.rate);
    this.#before = connections.map(({ done }) => done);
    this.#times = new Float64Array(all);
    this.#count = 0;
    this.#start = performance.now();
    let isFailing = false;
    this.#sockets.failed.catch(() => isFailing = true);
    for (let sent = 0; sent < all && !isFailing;) {
      const due = Math.min(all, dueUntil(this.#schedule, performance.now() - this.#start));
      for (const [index, count] of shares(this.#schedule, sent, due)) this.#sockets.send(connections[index]!, count);
      sent = Math.max(sent, due);
      await new Promise((resolve) => setImmediate(resolve)); // it never sleeps: a timer would be late by up to 1 ms
    }
    await within(PATIENCE_MS, "the last echoes", Promise.race([this.#drained(), this.#sockets.failed]));
    this.#sockets.check();
    return this.#times;
  }

  async #drained(): Promise<void> {
    while (this.#sockets.onWay > 0) await sleep(1);
  }

  close(): void {
    this.#sockets.close();
  }
}
