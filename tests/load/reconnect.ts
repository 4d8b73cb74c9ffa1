// Clients that come back to a server that is killed and, after a while, started again on the same port. Not a test: it
// prints how evenly they return. On any runtime, with how many and for how long if that is not to be 1000 and 5 seconds:
//
//   node tests/load/reconnect.ts 1000 5

import process from "node:process";
import { reconnect } from "../../mod.ts";
import type { ComebackCalls } from "./comebacks.ts";
import { Program, RUNTIME } from "./program.ts";

const [count = 1000, away = 5] = process.argv.slice(2).map(Number);

let server = new Program<ComebackCalls>("comebacks.ts");
const port = await server.call("listen", 0);

let open = 0, failures = 0, allOpen = Promise.withResolvers<void>();
const clients = Array.from({ length: count }, () =>
  reconnect(`ws://127.0.0.1:${port}/`, {
    onOpen() {
      if (++open === count) allOpen.resolve();
    },
    onRetry: () => void failures++,
  }));
const ended = Promise.all(clients.map((client) => client.receive()));
await Promise.race([allOpen.promise, ended]);

open = failures = 0;
allOpen = Promise.withResolvers();
await server.kill();
await new Promise((resolve) => setTimeout(resolve, away * 1000));
const start = performance.now();
server = new Program("comebacks.ts");
await server.call("listen", port);
const started = performance.now() - start;
await Promise.race([allOpen.promise, ended]);

const times = (await server.call("arrivals")).toSorted((a, b) => a - b);
const seconds = (times.at(-1)! - times[0]!) / 1000;
let busiest = 0;
for (let first = 0, last = 0; last < times.length; last++) {
  while (times[last]! - times[first]! >= 1000) first++;
  busiest = Math.max(busiest, last - first + 1);
}
const mean = times.length / Math.max(1, seconds);
console.log(
  `${RUNTIME}: ${times.length} clients are back ${
    seconds.toFixed(1)
  } s after the first one of them, to a server that was ` +
    `away for ${(away + started / 1000).toFixed(1)} s; ${busiest} in the busiest second, ${
      mean.toFixed(0)
    } in the mean one: ` +
    `${(busiest / mean).toFixed(2)} times as many; ${failures} attempts have failed`,
);
await Promise.all(clients.map((client) => client.close()));
await ended;
await server[Symbol.asyncDispose]();
