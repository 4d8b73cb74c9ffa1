// Runs every case against the echo server at a port of 127.0.0.1, whatever it is made of:
// `deno run --allow-net tests/conformance/run.ts 9001`. Prints a table of the failures, and exits with 1 if there are any.

import process from "node:process";
import { families, run, table } from "./suite.ts";

const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port <= 0) {
  console.error("Usage: deno run --allow-net run.ts <port>");
  process.exit(2);
}

let failed = 0;
for (const [name, cases] of Object.entries(families)) {
  const start = performance.now();
  const failures = await run(port, cases);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${name}: ${cases.length - failures.length} of ${cases.length} passed in ${seconds} s`);
  if (failures.length > 0) console.log(table(failures));
  failed += failures.length;
}
process.exit(failed > 0 ? 1 : 0);
