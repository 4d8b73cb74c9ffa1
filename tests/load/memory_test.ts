// Back-pressure, by what it is for: the memory of a process that sends to somebody who does not read, or who reads only
// now and then.
//
// Memory is what is resident. The start of a process is what it has taken when the first messages have passed: they have
// a runtime compile and load, which it does once. For a reader it is also what the runtime takes for the messages
// themselves when nobody keeps them, each of which is a buffer: V8 lets buffers of 64 MiB lie that are no longer in use, so
// that a bare socket of node:net whose bytes are only counted gets 70 to 80 MiB above where it began. How much a reader has
// in use while it does not read is looked at as well.

import { assert, assertEquals } from "@std/assert";
import { accept, connect, type WebSocketConnection } from "../../mod.ts";
import { random, test } from "../kit/harness.ts";
import { listen } from "../kit/tcp.ts";
import type { Face, Figures, MemoryCalls } from "./memory.ts";
import { Program, RUNTIME, SEED } from "./program.ts";

const KIB = 1024, MIB = 1024 * KIB;
const TOTAL = 1024 * MIB;

/** How far a process may get above its start. */
const BOUND = 64 * MIB;

/** So many bytes pass before a process starts. */
const WARM_UP = 4 * MIB;

/** What may be in use while nobody reads: the two marks, a message, what is kept to be used again, and the code. */
const BOUND_IN_USE = 8 * MIB;

/** What kernels take by themselves: usually up to 4 MiB to send, and up to 32 MiB to receive for who has read fast. */
const BOUND_ON_THE_WAY = 64 * MIB;

console.log(`LOAD_SEED=${SEED}`);
const next = random(SEED), below = (count: number) => next() % count;

/** Below what each of eight messages in turn is: all forms of a length, and some that are more than a mark by far. */
const BELOW = [126, 32 * KIB, 32 * KIB, 32 * KIB, 32 * KIB, 32 * KIB, 32 * KIB, 280 * KIB];

const SIZES = Array.from({ length: 1000 }, (_, i) => below(BELOW[i % 8]!));

const start = () => new Program<MemoryCalls>("memory.ts");

const inMib = (count: number) => `${(count / MIB).toFixed(1)} MiB`;

/** Says how much memory a process has taken, and checks it. */
function checkPeak(who: string, { fresh, start, peak }: Figures): void {
  const above = peak - start;
  console.log(`${who}: peak ${inMib(above)} above the start, which is at ${inMib(start)} (${inMib(fresh)} when fresh)`);
  assert(above < BOUND, `${who} took ${inMib(above)}`);
}

/** Says how much was taken for somebody who does not read, and how much more is in use, and checks it. */
function checkStalled(who: string, onTheWay: number, more: number): void {
  console.log(`${who}: stalls with ${inMib(onTheWay)} on the way, and with ${inMib(more)} more in use`);
  assert(onTheWay < BOUND_ON_THE_WAY, `${onTheWay} bytes were taken for somebody who does not read`);
  assert(more < BOUND_IN_USE, `${more} bytes more are in use`);
}

/** How much more a process has in use than before. */
async function inUse(program: Program<MemoryCalls>, before: number): Promise<number> {
  return await program.call("held", before + BOUND_IN_USE) - before;
}

const NAMES = {
  sender: { direct: "send()", streams: "a writer" },
  reader: { direct: "receive()", streams: "a reader" },
} as const;

/** Opens a WebSocket between a program and this process, which does not read: nobody asks for its messages. */
const peers = {
  async client(sender: Program<MemoryCalls>): Promise<WebSocketConnection> {
    using listener = await listen();
    const accepting = listener.accept().then((conn) => accept(conn));
    await sender.call("connect", { port: listener.port, secure: false });
    return await accepting;
  },
  async server(sender: Program<MemoryCalls>): Promise<WebSocketConnection> {
    const port = await sender.call("listen", false);
    return await connect(`ws://127.0.0.1:${port}/`);
  },
};

/** Rows: who offers 1 GiB, and how. */
const offers: readonly { readonly role: keyof typeof peers; readonly face: Face }[] = [
  { role: "client", face: "direct" },
  { role: "server", face: "streams" },
];

for (const { role, face } of offers) {
  const title = `${NAMES.sender[face]} of a ${role} offers 1 GiB to somebody who does not read`;
  test(`${title}: it stalls, within 64 MiB`, async () => {
    await using sender = start();
    const peer = await peers[role](sender);
    try {
      const before = await sender.call("held");
      await sender.call("send", { face, warmUp: 0, sizes: SIZES, total: TOTAL });
      const stalled = await sender.call("standstill");
      checkStalled(`${RUNTIME}, ${title}`, stalled.bytes, await inUse(sender, before));
      checkPeak(`${RUNTIME}, ${title}`, stalled);
    } finally {
      peer.abort();
    }
  });
}

/** Rows: how 1 GiB goes from one process to another. */
const ways: readonly {
  readonly from: Face;
  readonly sends: "client" | "server";
  readonly to: Face;
  readonly secure: boolean;
}[] = [
  { from: "direct", sends: "client", to: "direct", secure: false },
  { from: "streams", sends: "server", to: "streams", secure: false },
  { from: "streams", sends: "server", to: "direct", secure: true },
];

for (const { from, sends, to, secure } of ways) {
  const by = `${NAMES.sender[from]} of a ${sends} to ${NAMES.reader[to]}${secure ? " over TLS" : ""}`;
  test(`1 GiB by ${by} that stops and goes arrives intact, within 64 MiB`, async () => {
    await using client = start();
    await using server = start();
    const port = await server.call("listen", secure);
    await client.call("connect", { port, secure });
    const [sender, reader] = sends === "client" ? [client, server] : [server, client];
    await reader.call("rehearse", { sizes: SIZES, total: TOTAL / 2 });
    const before = await reader.call("held");

    const stops = stopsBehind(WARM_UP);
    await reader.call("receive", { face: to, warmUp: WARM_UP, stops });
    await sender.call("send", { face: from, warmUp: WARM_UP, sizes: SIZES, total: TOTAL });
    const offered = await sender.call("standstill"), taken = await reader.call("standstill");
    assertEquals(taken.messages, stops[0]);
    checkStalled(`${RUNTIME}, ${by}`, offered.bytes - taken.bytes, await inUse(reader, before));

    await reader.call("goOn");
    const [sent, received] = await Promise.all([sender.call("done"), reader.call("done")]);
    assertEquals([sent.bytes, received.bytes], [TOTAL, TOTAL]);
    assertEquals([received.messages, received.digest], [sent.messages, sent.digest]);
    console.log(`${RUNTIME}, ${by}: 1 GiB arrived intact in ${sent.messages} messages, with ${stops.length} stops`);
    checkPeak(`${RUNTIME}, ${by}, the sender`, sent);
    checkPeak(`${RUNTIME}, ${by}, the reader`, received);
  });
}

/** The numbers of messages at random; the first one is the one with which more than so many bytes have passed. */
function stopsBehind(bytes: number): number[] {
  let count = 0;
  while (bytes >= 0) bytes -= SIZES[count++ % SIZES.length]!;
  const stops = [count];
  while ((count += 1 + below(300)) < 30_000) stops.push(count);
  return stops;
}
