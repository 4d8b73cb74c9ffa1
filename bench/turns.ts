// How long large compressed messages keep the event loop: the longest time between two of its turns while a server echoes
// one over a connection in memory, and how long the echo takes. Both ends run in this process. By hand:
// deno run -A bench/turns.ts, bun bench/turns.ts, node bench/turns.ts.

import { accept, connect } from "../mod.ts";
import { connectionPair } from "../src/testing.ts";
import { random } from "../tests/kit/harness.ts";

const SIZE = 16 * 2 ** 20, FAN_OUT = 1000, FAN_OUT_SIZE = 200_000;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The longest time between two turns while something runs, and the time of all of it, in milliseconds. */
async function longest(run: () => Promise<unknown>): Promise<[longest: number, total: number]> {
  let isRunning = true, most = 0;
  const start = performance.now();
  const watching = (async () => {
    for (let last = performance.now(); isRunning;) {
      await turn();
      const now = performance.now();
      most = Math.max(most, now - last);
      last = now;
    }
  })();
  await turn();
  await run();
  isRunning = false;
  await watching;
  return [most, performance.now() - start];
}

async function open() {
  const [conn, server] = connectionPair(), options = { compression: true };
  const [client, accepted] = await Promise.all([
    connect("ws://localhost/", { conn, ...options }),
    accept(server, options),
  ]);
  return { client, accepted };
}

function words(size: number): Uint8Array<ArrayBuffer> {
  const list = "the quick brown fox jumps over the lazy dog".split(" "), next = random(1);
  const bytes = new Uint8Array(size), encoder = new TextEncoder();
  for (let at = 0; at < size;) at += encoder.encodeInto(list[next() % 9]! + " ", bytes.subarray(at)).written || size;
  return bytes;
}

const print = (name: string, [most, total]: [number, number]) =>
  console.log(`${name}: the longest turn ${most.toFixed(1)} ms, ${total.toFixed(0)} ms in all`);

const messages = {
  zeros: new Uint8Array(SIZE),
  words: words(SIZE),
  "random bytes": new Uint8Array(Uint32Array.from({ length: SIZE / 4 }, random(2)).buffer),
};

for (const [name, message] of Object.entries(messages)) {
  for (const round of ["first", "again"]) {
    const { client, accepted } = await open();
    accepted.receive((message) => void accepted.send(message)).catch(() => {});
    const [most, total] = await longest(() =>
      new Promise<void>((resolve) => {
        client.receive(() => resolve()).catch(() => {});
        client.send(message);
      })
    );
    print(`16 MiB of ${name}, echoed, ${round}`, [most, total]);
    client.abort();
    accepted.abort();
  }
}

const all = await Promise.all(Array.from({ length: FAN_OUT }, open));
const news = words(FAN_OUT_SIZE);
print(
  `${FAN_OUT} connections are sent ${FAN_OUT_SIZE} bytes of words in one turn`,
  await longest(() => {
    const received = all.map(({ client }) =>
      new Promise<void>((resolve) => void client.receive(() => resolve()).catch(() => {}))
    );
    for (const { accepted } of all) accepted.send(news);
    return Promise.all(received);
  }),
);
for (const { client, accepted } of all) {
  client.abort();
  accepted.abort();
}
