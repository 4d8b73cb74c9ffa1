// The doors inside a Worker, over its own sockets, with our client and our server at the other ends. Many at once: a request
// of a Worker can't write to the socket of another.

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { connect, HandshakeError } from "../../mod.ts";
import { assertSame } from "../kit/assert_same.ts";
import { test } from "../kit/harness.ts";
import { echo, HandClient, request, serving, UPGRADE_FIELDS } from "../kit/serving.ts";
import { bundle, LACKS_WORKERD, Workerd } from "./workerd.ts";

const NEEDS = { lacks: LACKS_WORKERD }, PROGRAM = join(import.meta.dirname!, "programs/doors.ts"), MANY = 20;

/** Minified, both doors, with what compresses: a little above what it is. */
const MOST = { size: 187_000, zipped: 61_500 };

test("a bundle for Workers has nothing of Node's, and stays small", NEEDS, () => {
  const { imports, size, zipped } = bundle(PROGRAM);
  console.log(`A Worker with accept(), connect() and serve(): ${size} bytes, ${zipped} with gzip`);
  assertEquals(imports, ["cloudflare:sockets"]);
  assert(size <= MOST.size && zipped <= MOST.zipped, `${size} and ${zipped} bytes`);
});

test("accept() in the connect() handler of a Worker serves many at once: text, 1 MiB, close codes", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(PROGRAM));
  await Promise.all(Array.from({ length: MANY }, async (_, id) => {
    const socket = await connect(`ws://127.0.0.1:${worker.ports.tcp}/`, { compression: id % 2 === 0 });
    const reader = socket.readable.getReader(), big = new Uint8Array(2 ** 20).fill(id);
    for (let i = 0; i < 5; i++) {
      socket.send(`${id} ${i}`);
      assertEquals((await reader.read()).value, `${id} ${i}`);
    }
    socket.send(big);
    assertSame((await reader.read()).value as Uint8Array, big, `1 MiB of ${id}`);
    assertEquals(await socket.close({ closeCode: 3000 + id, reason: "x" }), { closeCode: 3000 + id, reason: "" });
  }));
});

test("a deadline of a Worker's connection outlives the request that was there before it", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(PROGRAM));
  const opened = async () => {
    const client = await HandClient.open(worker.ports.tcp);
    await client.write(request("/", UPGRADE_FIELDS));
    await client.until((read) => read.includes("\r\n\r\n") ? read.indexOf("\r\n\r\n") + 4 : undefined);
    return client;
  };
  const first = await opened();
  using second = await opened();
  first.conn.reset();
  for (let ping = 0; ping < 3; ping++) {
    assertEquals(await second.until((read) => read.length < 2 ? undefined : 2), "\x89\0");
    await second.write(new Uint8Array([0x8a, 0x80, 0, 0, 0, 0]));
  }
});

test("accept() in a Worker refuses with a response of the application's", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(PROGRAM));
  const opening = () => connect(`ws://127.0.0.1:${worker.ports.tcp}/no`);
  const { response } = await assertRejects(opening, HandshakeError);
  assertEquals([response?.status, await response?.text()], [403, "no\n"]);
});

test("connect() over cloudflare:sockets serves many requests of a Worker at once", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(PROGRAM));
  await using server = await serving(echo, { compression: true });
  const answers = await Promise.all(Array.from({ length: MANY }, async (_, id) => {
    return await (await worker.fetch(`/ask?port=${server.port}&say=${id}-`)).json();
  }));
  for (const [id, answer] of answers.entries()) {
    assertEquals(answer, [[0, 1, 2].map((i) => `${id}-${i}`), { closeCode: 3001, reason: "" }]);
  }
  assertEquals(server.told, []);
});

test("reconnect() in a Worker comes back over a socket that configure() gives for each attempt", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(join(import.meta.dirname!, "programs/back.ts")));
  let count = 0;
  await using server = await serving(async (socket) => {
    socket.send(`${++count}`);
    await socket.close({ closeCode: 1001 });
  });
  assertEquals(await (await worker.fetch(`/?port=${server.port}`)).json(), ["1", "2", "3"]);
  assertEquals(server.told, []);
});

test("connect() without a connection, and serve(), say in a Worker what to do instead", NEEDS, async () => {
  await using worker = await Workerd.start(bundle(PROGRAM));
  const [dialled, served] = await (await worker.fetch("/")).json();
  assertMatch(dialled, /^TypeError: Cannot dial: .*cloudflare:sockets/);
  assertMatch(served, /^TypeError: Cannot serve: .*accept\(\)/);
});

test("the sources run in a Worker with nodejs_compat, and not without: JSR has no conditions", NEEDS, async () => {
  const sources = bundle(PROGRAM, { isFromSources: true });
  await assertRejects(() => Workerd.start(sources), Error, "node:");
  await using worker = await Workerd.start(sources, { flags: ["nodejs_compat"] });
  const socket = await connect(`ws://127.0.0.1:${worker.ports.tcp}/`);
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
  await socket.close();
});
