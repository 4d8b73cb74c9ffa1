// Back-pressure in a Worker, both ways, over its own sockets: who does not read holds the other end back, wherever the
// Worker is.

import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { connect, type WebSocketConnection } from "../../mod.ts";
import { assertSame } from "../kit/assert_same.ts";
import { test } from "../kit/harness.ts";
import { serving } from "../kit/serving.ts";
import { chunkOf, COUNT, SIZE } from "./chunks.ts";
import { bundle, LACKS_WORKERD, Workerd } from "./workerd.ts";

const NEEDS = { lacks: LACKS_WORKERD }, PROGRAM = join(import.meta.dirname!, "programs/pressure.ts");

/** What a Worker and the two kernels' buffers hold at most; a quarter of what there is to send. */
const MOST = 2 ** 24;

/** The default of `highWaterMark`. */
const MARK = 65_536;

/** So often the Worker has answered a request and nothing has moved meanwhile: it stands. */
const ROUNDS = 100;

/** Waits until a count does not change any more while the Worker answers requests. */
async function standing(worker: Workerd, count: () => number): Promise<number> {
  for (let seen = count(), rounds = 0;; rounds++) {
    await (await worker.fetch("/")).text();
    if (count() !== seen) [seen, rounds] = [count(), -1];
    else if (rounds === ROUNDS) return seen;
  }
}

/** A server to which a Worker tells how far it is. */
async function told() {
  const came = Promise.withResolvers<WebSocketConnection>(), lines: string[] = [];
  const first = Promise.withResolvers<void>(), ended = Promise.withResolvers<void>();
  const server = await serving(async (socket) => {
    came.resolve(socket);
    try {
      await socket.receive((line) => {
        lines.push(String(line));
        first.resolve();
      });
    } finally {
      first.resolve();
      ended.resolve();
    }
  });
  return { server, lines, came: came.promise, first: first.promise, ended: ended.promise };
}

test("a Worker that does not read holds a client back, and then gets all of it in order", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(PROGRAM));
  const { server, lines, came, first, ended } = await told();
  await using _ = server;
  const socket = await connect(`ws://127.0.0.1:${worker.ports.tcp}/take?port=${server.port}`);
  let sent = 0, most = 0;
  const sending = (async () => {
    for (let i = 0; i < COUNT; i++) {
      await socket.send(chunkOf(i));
      most = Math.max(most, socket.bufferedAmount);
      sent++;
    }
  })();
  await first;
  const gone = await standing(worker, () => sent) * SIZE;
  console.log(`A Worker that does not read takes ${gone} bytes of ${COUNT * SIZE}`);
  assert(gone <= MOST, `${gone} bytes`);
  assertEquals(lines, ["stands"]);
  assert(most <= MARK, `${most}`);

  (await came).send("on");
  await sending;
  await socket.close();
  await ended;
  assertEquals(lines.slice(1).map((line) => JSON.parse(line)), [{ count: COUNT, wrong: 0 }]);
  assertEquals(server.told, []);
});

test("send() in a Worker waits for a client that does not read, and goes on when it does", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(PROGRAM));
  const { server, lines, first, ended } = await told();
  await using _ = server;
  const socket = await connect(`ws://127.0.0.1:${worker.ports.tcp}/give?port=${server.port}`);
  await first;
  const gone = await standing(worker, () => lines.length) * SIZE;
  console.log(`A Worker whose client does not read sends ${gone} bytes of ${COUNT * SIZE}`);
  assert(gone <= MOST, `${gone} bytes`);
  const { waits, bufferedAmount } = JSON.parse(lines.at(-1)!);
  assertEquals(waits, true);
  assert(bufferedAmount > MARK, `${bufferedAmount}`);

  let count = 0;
  for await (const message of socket.readable) assertSame(message as Uint8Array, chunkOf(count), `message ${count++}`);
  assertEquals(count, COUNT);
  await ended;
  const reports = lines.map((line) => JSON.parse(line));
  assertEquals(reports.map(({ sent }) => sent), Array.from({ length: COUNT }, (_, i) => i + 1));
  // What was there when it went on, and one message with its header (RFC 6455 §5.2)
  const most = Math.max(...reports.map(({ bufferedAmount }) => bufferedAmount));
  assert(most <= MARK + SIZE + 10, `${most}`);
  assertEquals(server.told, []);
});
