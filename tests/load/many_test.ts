// Five thousand WebSockets at once between two processes: none is lost, and nothing of them is left behind.
//
// A smaller round goes first, in which the runtime loads what it needs and the pools are filled. What is in use after the
// second full round is compared with what was after the first one.

import { existsSync, readFileSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { test } from "../kit/harness.ts";
import type { ManyCalls, Usage } from "./many.ts";
import { Program, RUNTIME } from "./program.ts";

const COUNT = 5000, WARM_UP = 1000;

/** The descriptors that a process needs beside those of its connections; this one passes its limit on. */
const OTHERS = 100;

/** How much may be left in use after all rounds: 100 bytes a connection, which has some thousands while it is open. */
const TOLERANCE = 2 ** 20;

const ENDS = ["client", "server"];

/** What is missing here. */
function lacks(): string | undefined {
  if (!existsSync("/proc/self/fd")) return "needs /proc/self/fd, which lists the descriptors of a process";
  const limit = Number(/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Infinity);
  return limit < COUNT + OTHERS ? `needs ${COUNT + OTHERS} descriptors, and ulimit -n allows ${limit}` : undefined;
}

const title = `${COUNT} connections at once are opened, used and closed, and leave nothing behind`;

test(title, { lacks: lacks() }, async () => {
  await using client = new Program<ManyCalls>("many.ts");
  await using server = new Program<ManyCalls>("many.ts");
  const port = await server.call("listen");
  const usage = async (expected: readonly Usage[] = []): Promise<Usage[]> =>
    await Promise.all([client, server].map((end, i) => end.call("usage", expected[i])));

  let total = 0;
  const round = async (count: number): Promise<Usage[]> => {
    assertEquals(await client.call("open", { port, count }), count);
    assertEquals((await server.call("counts", count)).open, count);
    await client.call("exchange");
    const open = await usage();
    assertEquals((await server.call("counts", count)).open, count); // nobody has left meanwhile
    assertEquals(await client.call("close"), count);
    total += count;
    assertEquals(await server.call("counts", 0), { open: 0, messages: total, closed: total, errors: [] });
    return open;
  };

  await round(WARM_UP);
  const idle = await usage();
  const expected = idle.map(({ descriptors, held }) => ({ descriptors, held: held + TOLERANCE }));
  for (const nth of ["first", "second"]) {
    const open = await round(COUNT), closed = await usage(expected);
    for (const [i, end] of ENDS.entries()) {
      const added = { descriptors: open[i]!.descriptors - idle[i]!.descriptors, held: open[i]!.held - idle[i]!.held };
      const left = {
        descriptors: closed[i]!.descriptors - idle[i]!.descriptors,
        held: closed[i]!.held - idle[i]!.held,
      };
      const kib = added.held / COUNT / 1024;
      console.log(
        `${RUNTIME}, ${nth} round: the ${end} has ${added.descriptors} descriptors open and ${kib.toFixed(1)} KiB a ` +
          `connection in use; once all are closed ${left.descriptors} and ${(left.held / 1024).toFixed(0)} KiB in all`,
      );
      assertEquals(added.descriptors, COUNT);
      assertEquals(left.descriptors, 0);
      assert(left.held < TOLERANCE, `${left.held} bytes are left in use`);
    }
  }
});
