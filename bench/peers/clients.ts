// The clients, as a table: ours and its peers, on each runtime that is there, each in a process of its own on the core that
// is the load's otherwise; and the rounds of their workloads. The server is ours, on Bun, on the other core.

import { fileURLToPath } from "node:url";
import type { Runtimes } from "../../tests/kit/runtimes.ts";
import type { ClientJob } from "../client/load.ts";
import type { Measured } from "../echo/load.ts";
import { startServer } from "../processes.ts";
import type { Failed } from "./jobs.ts";
import { startWorker, type Worker } from "./loader.ts";
import { turns } from "./rounds.ts";
import { type Kind, nameOf, type Runtime } from "./servers.ts";
import { isTarget } from "./targets.ts";

/** A row. */
export interface Client {
  readonly name: string;
  readonly runtime: Runtime;
  readonly kind: Kind;
  readonly command: readonly string[];
}

/** What each client has to do. */
export interface ClientWorkload extends Omit<ClientJob, "port" | "warmUp" | "seconds"> {
  readonly name: string;
}

export const CLIENT_WORKLOADS: readonly ClientWorkload[] = [
  { name: "client: 32 × 20 B × 16 text", connections: 32, size: 20, depth: 16, isText: true },
  { name: "client: 32 × 1 KiB × 1 binary", connections: 32, size: 1024, depth: 1, isText: false },
];

/** A kind, its argument of bench/client/load.ts, and the runtimes that it is measured on: all of them otherwise. */
const KINDS: readonly [kind: Kind, argument: string, on?: Runtime][] = [
  ["connect", "connect"],
  ["class", "class"],
  ["own", "own"],
  ["undici", "undici", "Node"],
  ["ws client", "ws", "Node"],
];

/** All that can run here. */
export function clients({ bun, deno, node }: Runtimes): Client[] {
  const path = fileURLToPath(new URL("../client/load.ts", import.meta.url).href);
  const commands: [Runtime, readonly string[] | undefined][] = [
    ["Bun", bun],
    ["Deno", deno && [...deno, "run", "-A", "--no-check"]],
    ["Node", node],
  ];
  return commands.flatMap(([runtime, command]) => {
    return command
      ? KINDS.filter(([, , on = runtime]) => on === runtime).map(([kind, argument]) => {
        return { name: nameOf(runtime, kind), runtime, kind, command: [...command, path, argument] };
      })
      : [];
  });
}

/** How often, and how long in seconds. */
interface Settings {
  readonly rounds: number;
  readonly first: number;
  readonly warmUp: number;
  readonly seconds: number;
}

/** Runs all of them, and tells what each round gave. */
export async function runClients(
  bun: readonly string[],
  clients: readonly Client[],
  workloads: readonly ClientWorkload[],
  { rounds, first, warmUp, seconds }: Settings,
  onResult: (client: Client, workload: ClientWorkload, result: Measured | Failed) => void,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const server = fileURLToPath(new URL("../servers/ours.ts", import.meta.url).href);
  const { port } = stack.use(await startServer("the server of the clients", [...bun, server]));
  const all = clients.map((client): [Client, Worker<ClientJob, Measured>] => {
    return [client, stack.use(startWorker(client.command))];
  });
  for (const { name: _, ...workload } of workloads) {
    for (const [, worker] of all) await worker.run({ ...workload, port, warmUp: 0, seconds: first });
  }
  for (const workload of workloads) {
    const { name: _, ...traffic } = workload;
    for (const [client, worker] of turns(all, rounds, ([client]) => isTarget(workload.name, client))) {
      onResult(client, workload, await worker.run({ ...traffic, port, warmUp, seconds }));
    }
  }
}
