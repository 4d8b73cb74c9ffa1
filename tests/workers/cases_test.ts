// The core's tests, run again inside a Worker: requests, responses, frames and dialogues come out there as anywhere.

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { dialogues } from "../cases/dialogues.ts";
import { frames } from "../cases/frames.ts";
import { requests } from "../cases/requests.ts";
import { responses } from "../cases/responses.ts";
import { test } from "../kit/harness.ts";
import type { CaseOutcome } from "./programs/cases.ts";
import { bundle, LACKS_WORKERD, Workerd } from "./workerd.ts";

/** What a test of it begins with, in one of the ways that there are. */
const WAYS = [
  "accept()",
  "accept() of a Request",
  "answer()",
  "connect()",
  "readRequest(), then accept()",
  "the machine:",
  "the direct face:",
  "the direct face, byte by byte:",
  "the streams face:",
];

test("every row of the core's cases comes out in a Worker as it must", { lacks: LACKS_WORKERD }, async () => {
  const options = { isTest: true, flags: ["nodejs_compat"] };
  await using worker = await Workerd.start(bundle(join(import.meta.dirname!, "programs/cases.ts"), options), options);
  const outcomes: CaseOutcome[] = await (await worker.fetch("/")).json();
  assertEquals(outcomes.filter(([, wrong]) => wrong !== undefined), []);

  const names = new Set(outcomes.map(([name]) => name));
  const counts = Object.entries({ requests, responses, dialogues }).map(([kind, rows]) => {
    const shown = rows.filter((row) => WAYS.some((way) => names.has(`${way} ${row.name}`)));
    assertEquals(shown.length, rows.length, kind);
    return `${shown.length} ${kind}`;
  });
  assert([...names].some((name) => name.startsWith("Protocol.receive() makes of every row of the frames")));
  counts.splice(2, 0, `${frames.length} frames`);
  console.log(`In workerd ${outcomes.length} tests pass, over ${counts.join(", ")}`);
});
