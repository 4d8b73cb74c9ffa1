// The load of the echo workloads: connections that keep so many messages on their way, and answer a read with one write of
// all that is due.

import { sleep, within } from "../peers/tcp.ts";
import { cpuMeter, openSockets } from "../usage.ts";
import { EchoSockets, type EchoTraffic } from "./sockets.ts";

/** What to do to a server. */
export interface EchoJob extends EchoTraffic {
  readonly kind: "echo";
  /** The processes of the server. */
  readonly pids: readonly number[];
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
  /** How many of the connections the process has that has most of them, where there are several. */
  readonly most?: number;
}

/** How long the last echoes may take. */
const PATIENCE_MS = 10_000;
/** How long a server is given to finish what it does behind its answers, until its CPU time is read. */
const QUIET_MS = 8;

/** Runs it. */
export async function runEcho(job: EchoJob): Promise<Measured> {
  const load = new EchoLoad(job);
  try {
    const sockets = () => job.pids.map(openSockets), none = sockets();
    await load.open();
    const most = Math.max(...sockets().map((count, i) => count - none[i]!));
    await load.run(job.warmUp);
    const meters = job.pids.map(cpuMeter), cpu = () => meters.reduce((sum, meter) => sum + meter(), 0);
    const before = cpu(), start = performance.now(), count = await load.run(job.seconds);
    return { count, cpu: cpu() - before, wall: (performance.now() - start) / 1000, most };
  } finally {
    load.close();
  }
}

class EchoLoad {
  readonly #depth: number;
  readonly #sockets: EchoSockets;
  #isRunning = false;
  #count = 0;
  #drained = () => {};

  constructor(job: EchoJob) {
    this.#depth = job.depth;
    this.#sockets = new EchoSockets(job, (connection, count) => {
      this.#count += count;
      if (this.#isRunning) this.#sockets.send(connection, count);
      else if (this.#sockets.onWay === 0) this.#drained();
    });
  }

  open(): Promise<void> {
    return this.#sockets.open();
  }

  /** Sends for some seconds, waits for the last echo, and tells how many there were. */
  async run(seconds: number): Promise<number> {
    const { connections, failed } = this.#sockets;
    await sleep(QUIET_MS);
    this.#count = 0;
    this.#isRunning = true;
    for (const connection of connections) this.#sockets.send(connection, this.#depth);
    await Promise.race([sleep(seconds * 1000), failed]);
    const drained = new Promise<void>((resolve) => this.#drained = resolve);
    this.#isRunning = false;
    await within(PATIENCE_MS, "the last echoes", Promise.race([drained, failed]));
    await sleep(QUIET_MS);
    this.#sockets.check();
    return this.#count;
  }

  close(): void {
    this.#sockets.close();
  }
}
