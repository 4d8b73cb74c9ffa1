// What a second process on the same port brings, from the cells of a run.

import { figure, short, table } from "./results.ts";
import type { Cell } from "./results.ts";
import { type Kind, nameOf, type Runtime } from "./servers.ts";
import { BUSIER, ONE_PORT, PER_CPU_SECOND, PER_SECOND } from "./workloads.ts";

/** How many times as many messages a second two processes echo as one: with two cores at most twice as many. */
export function gain(cells: readonly Cell[], runtime: Runtime, kind: Kind): number | undefined {
  const [one, two] = [1, 2].map((count) => part(cells, count, PER_SECOND, runtime, kind));
  return one === undefined || two === undefined ? undefined : two / one;
}

/** The table of all servers; nothing where it was not measured. */
export function scaling(cells: readonly Cell[]): string {
  const servers = cells.filter(({ workload }) => workload === `${ONE_PORT[2]}: ${PER_SECOND}`);
  const rows = servers.flatMap(({ runtime, kind }) => {
    const gained = gain(cells, runtime, kind);
    if (gained === undefined) return [];
    const found = [[1, PER_SECOND], [2, PER_SECOND], [1, PER_CPU_SECOND], [2, PER_CPU_SECOND]] as const;
    const [one, two, cpuOfOne, cpuOfTwo] = found.map(([count, what]) => part(cells, count, what, runtime, kind) ?? NaN);
    const busier = part(cells, 2, BUSIER, runtime, kind)!;
    const texts = [short(one!), short(two!), gained.toFixed(2), (cpuOfTwo! / cpuOfOne!).toFixed(2), busier.toFixed(0)];
    return [[nameOf(runtime, kind), ...texts]];
  });
  const head = ["server", "one process", "two processes", "÷ one", "per CPU second, ÷ one", "busier has, of 32"];
  return rows.length > 0 ? table(head, rows) : "";
}

function part(
  cells: readonly Cell[],
  processes: number,
  what: string,
  runtime: Runtime,
  kind: Kind,
): number | undefined {
  return figure(cells, `${ONE_PORT[processes]}: ${what}`, runtime, kind);
}
