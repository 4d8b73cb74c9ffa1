// Many clients of one server that restarts, by the fake clock: they come back evenly. back_off_test.ts has ten thousand, for
// every time that it may be away, of the waits alone; tests/load/reconnect.ts is for real sockets.

import { assert, assertEquals } from "@std/assert";
import { accept, reconnect } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { URL } from "../kit/coming_back.ts";
import { random, test } from "../kit/harness.ts";

const COUNT = 1000;

/** Places in a window: a fake clock stops at each of them, and not at each client's. */
const PLACES = 40;

/** How long the server is away, in milliseconds. */
const AWAY = 4000;

test(`${COUNT} clients come back to a server that restarts, with at most twice the mean in the busiest second`, async () => {
  const clock = fakeClock(), next = random(17), arrivals: number[] = [];
  const options = { clock, pingInterval: 0, idleTimeout: 0 };
  let lost = () => {}, restarts = Infinity;
  const killed = new Promise<void>((resolve) => lost = resolve);
  const configure = () => {
    const [conn, far] = connectionPair();
    const isFirst = restarts === Infinity;
    if (!isFirst && clock.now() < restarts) far.reset();
    else {
      accept(far, options).then((socket) => {
        if (isFirst) killed.then(() => socket.abort());
        else arrivals.push(clock.now());
      }, () => {});
    }
    return { conn };
  };
  const place = () => next() % PLACES / PLACES;
  const clients = Array.from(
    { length: COUNT },
    () => reconnect(URL, { ...options, configure, random: place }),
  );
  const ended = clients.map((client) => client.receive());
  await clock.advance(1000);
  restarts = clock.now() + AWAY;
  lost();
  await clock.advance(60_000);

  assertEquals(arrivals.length, COUNT);
  const first = arrivals[0]!, seconds = (arrivals.at(-1)! - first) / 1000;
  const within = (time: number) => arrivals.filter((other) => other >= time && other < time + 1000).length;
  const busiest = Math.max(...[...new Set(arrivals)].map(within));
  const ratio = busiest / (COUNT / seconds);
  assert(ratio < 2, `${busiest} in the busiest second of ${seconds}: ${ratio.toFixed(2)} times the mean`);
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(ended);
  assertEquals(clock.pending, 0);
});
