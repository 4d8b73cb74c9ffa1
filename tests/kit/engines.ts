// Engines that rooms go through, each a process of its own on 127.0.0.1, with a folder that outlives it: what they have
// acknowledged is there again after a restart, however they have ended.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { program } from "./harness.ts";
import { closed } from "./node_server.ts";

/** How one is started, and known again by what it says. */
interface Kind {
  readonly program: string;
  args(port: number, directory: string, token: string): string[];
  /** What it is sent as soon as it is connected to. */
  readonly question: string;
  /** Whether that is what it says once it is ready, and no other process at its port. */
  isReady(answer: string, token: string, pid: number): boolean;
  url(port: number): string;
}

const KINDS = {
  redis: {
    program: "redis-server",
    args: (port, dir) =>
      Object.entries({ port, bind: "127.0.0.1", dir, appendonly: "yes", appendfsync: "always", save: "" })
        .flatMap(([name, value]) => [`--${name}`, `${value}`]),
    question: "INFO server\r\nPING\r\nQUIT\r\n",
    // It answers that it is loading until it has read its file
    isReady: (answer, _, pid) => answer.includes(`process_id:${pid}\r\n`) && answer.includes("+PONG\r\n"),
    url: (port) => `redis://127.0.0.1:${port}`,
  },
  nats: {
    program: "nats-server",
    args: (port, dir, token) => ["-js", "-a", "127.0.0.1", "-p", `${port}`, "-sd", dir, "-n", token],
    question: "PING\r\n",
    isReady: (answer, token) => answer.includes(`"server_name":"${token}"`) && answer.includes(`"jetstream":true`),
    url: (port) => `nats://127.0.0.1:${port}`,
  },
} as const satisfies Record<string, Kind>;

/** The engines there are. */
export type EngineName = keyof typeof KINDS;

/** The path of its program: not everybody's PATH has the directories for servers. */
function find(name: EngineName): string | undefined {
  return program(KINDS[name].program, [process.env.PATH ?? "", "/usr/sbin", "/usr/local/sbin"].join(delimiter));
}

/** What a test of an engine lacks, if it is not here. */
export function lacksEngine(name: EngineName): string | undefined {
  return find(name) ? undefined : `needs ${KINDS[name].program}`;
}

/** How an engine is ended: at once, as by a loss of power to it alone, or as by its owner. */
export type Ending = "SIGKILL" | "SIGTERM";

/** An engine that was started. */
export class Engine implements AsyncDisposable {
  readonly #name: EngineName;
  readonly #directory: string;
  readonly #token = crypto.randomUUID();
  #port = 0;
  #child: ChildProcess | undefined;
  #said = "";

  private constructor(name: EngineName, directory: string) {
    this.#name = name;
    this.#directory = directory;
  }

  /** Starts one, and waits until it answers. */
  static async start(name: EngineName): Promise<Engine> {
    const engine = new Engine(name, await mkdtemp(join(tmpdir(), `${name}-`)));
    for (let attempt = 1;; attempt++) {
      engine.#port = await freePort();
      try {
        await engine.start();
        return engine;
      } catch (error) {
        // That a port was free says nothing of now
        if (attempt < ATTEMPTS) continue;
        await engine[Symbol.asyncDispose]();
        throw error;
      }
    }
  }

  /** Where its clients find it, before and after a restart. */
  get url(): string {
    return KINDS[this.#name].url(this.#port);
  }

  get port(): number {
    return this.#port;
  }

  /** Starts it again, with what it has kept, at the port that it had. */
  async start(): Promise<void> {
    const { args } = KINDS[this.#name];
    const child = this.#child = spawn(find(this.#name)!, args(this.#port, this.#directory, this.#token), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => this.#said = (this.#said + text).slice(-4096));
    }
    while (!await this.#isReady(child)) {
      if (hasEnded(child)) throw new Error(`${this.#name} has ended with ${child.exitCode}, and said:\n${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20)); // it does not listen yet
    }
  }

  async #isReady({ pid }: ChildProcess): Promise<boolean> {
    const { question, isReady } = KINDS[this.#name];
    const socket = connect(this.#port, "127.0.0.1", () => socket.write(question));
    const deadline = setTimeout(() => socket.destroy(), 1000);
    let answer = "";
    socket.setEncoding("latin1").on("error", () => {}).on("data", (text: string) => {
      answer += text;
      if (isReady(answer, this.#token, pid!)) socket.destroy();
    });
    await new Promise((resolve) => socket.once("close", resolve));
    clearTimeout(deadline);
    return isReady(answer, this.#token, pid!);
  }

  /** Ends it, and leaves its folder for `start()`. */
  async stop(ending: Ending = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || hasEnded(child)) return;
    const ended = once(child, "close");
    child.kill(ending);
    await ended;
  }

  /** Ends it, and starts it again with what it has kept. */
  async restart(ending: Ending = "SIGKILL"): Promise<void> {
    await this.stop(ending);
    await this.start();
  }

  /** Ends it for good, and removes what it has kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await rm(this.#directory, { recursive: true });
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

/** What must not outlive a test process that ends in the middle. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** How often a port is looked for. */
const ATTEMPTS = 5;

/**
 * A port that nobody listens at, below those that the kernel gives to connections: while an engine is down, a client that
 * tries again and again must not get its port, or connect to itself.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000), server = createServer();
    server.listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue; // somebody listens there
    }
    await closed(server);
    return port;
  }
}
