// Peers that go without a word while messages pass both ways: by a reset, by an end, and by being killed in the middle of
// a frame, each at a byte at random. LOAD_SEED repeats a run.

import { existsSync } from "node:fs";
import { assert, assertEquals } from "@std/assert";
import { random, test } from "../kit/harness.ts";
import { type Cut, listenServer, openClient, type Peer, type Role, STREAM_SIZE, streamOf } from "./cut.ts";
import type { CutPeerCalls } from "./cut_peer.ts";
import type { KilledCalls, Outcome } from "./killed.ts";
import { Program, RUNTIME, SEED } from "./program.ts";

type Way = "resets" | "half-closes" | "is killed";

/** Where and how a peer goes. */
interface Point {
  readonly id: number;
  readonly way: Way;
  readonly face: "direct" | "streams";
  readonly cut: Cut;
}

/** How many points there are; how many are taken one by one, before the others are, and how many of these at a time. */
const COUNT = 50, FIRST = 12, AT_A_TIME = 4;

const WAYS = ["resets", "half-closes", "is killed"] as const;

/** The points of a seed: every way with every face and every role, all other things are at random. */
function* pointsOf(seed: number): Generator<Point, never> {
  const next = random(seed);
  for (let id = 0;; id++) {
    const way = WAYS[id % 3]!, face = id % 2 === 0 ? "direct" : "streams";
    const role: Role = Math.floor(id / 6) % 2 === 0 ? "client" : "server";
    const seed = next(), reads = next() % 2 === 0;
    let offset = next() % STREAM_SIZE;
    // A byte that a frame ends with is in the middle of none
    if (way === "is killed" && (offset === 0 || streamOf(role, seed).frames.includes(offset))) offset++;
    const watched = next() % 2 === 0 ? "closed" : face === "direct" ? "receive" : "readable";
    const path = `/${id}/${face}/${reads ? "echo" : "sink"}/${watched}`;
    yield { id, way, face, cut: { role, seed, offset, reads, path } };
  }
}

/** Takes one point. */
async function take(point: Point, ours: Program<KilledCalls>, port: number): Promise<Outcome> {
  const { id, way, cut } = point;
  if (way === "is killed") {
    const peer = new Program<CutPeerCalls>("cut_peer.ts");
    try {
      if (cut.role === "client") await peer.call("connect", { port, cut });
      else await ours.call("connect", { port: await peer.call("listen", cut), path: cut.path });
      await peer.call("send");
    } finally {
      await peer.kill();
    }
    return await ours.call("outcome", id);
  }
  const { conn, send } = await open(cut, ours, port);
  await send();
  if (way === "resets") conn.reset();
  else await conn.closeWrite();
  const outcome = await ours.call("outcome", id);
  conn.close();
  return outcome;
}

/** Opens a WebSocket between a peer in this process and ours. */
async function open(cut: Cut, ours: Program<KilledCalls>, port: number): Promise<Peer> {
  if (cut.role === "client") return await openClient(port, cut);
  const server = await listenServer(cut);
  await ours.call("connect", { port: server.port, path: cut.path });
  return await server.opened;
}

/** Checks how a connection has ended. */
function check({ way, face, cut }: Point, { failure, closeCode, rejected, cause, messages }: Outcome): void {
  assertEquals([failure, closeCode], ["connection-lost", 1006]);
  assertEquals(
    rejected,
    face === "direct" ? ["closed", "receive", "ping"] : ["closed", "readable", "writable", "ping"],
  );
  if (way === "half-closes") assertEquals(cause, undefined);
  if (way === "resets") assert(cause !== undefined);
  assert(!cause?.startsWith("TypeError"), cause); // the network's error, and none of ours
  const sent = streamOf(cut.role, cut.seed).messages.filter((end) => end <= cut.offset).length;
  // An end comes behind all that was sent, a reset may overtake it; and what waits in a stream goes with it
  if (way === "half-closes" && face === "direct") assertEquals(messages, sent);
  else assert(messages <= sent, `${messages} messages were received, and ${sent} sent`);
}

const title = `a connection whose peer resets, half-closes or is killed at one of ${COUNT} random bytes ends with 1006`;
const lacks = existsSync("/proc/self/fd") ? undefined : "needs /proc/self/fd, which lists the descriptors of a process";

test(title, { lacks }, async () => {
  await using ours = new Program<KilledCalls>("killed.ts");
  const port = await ours.call("listen");
  const points = pointsOf(SEED), causes: Record<string, number> = {};
  const failed: Error[] = [];
  let left = 0;
  const takeAll = async () => {
    while (left-- > 0) {
      const point = points.next().value;
      try {
        const outcome = await take(point, ours, port);
        const cause = `${point.way}: ${outcome.cause ?? "the end"}`;
        causes[cause] = (causes[cause] ?? 0) + 1;
        check(point, outcome);
      } catch (cause) {
        failed.push(new Error(`LOAD_SEED=${SEED}: ${JSON.stringify(point)}: ${cause}`, { cause }));
      }
    }
  };
  // With the first ones, of both roles, a runtime opens what it needs itself
  left = FIRST;
  await takeAll();
  const before = await ours.call("descriptors");
  left = COUNT - FIRST;
  await Promise.all(Array.from({ length: AT_A_TIME }, takeAll));
  console.log(`${RUNTIME}, LOAD_SEED=${SEED}: the peer …`);
  for (const [cause, count] of Object.entries(causes).sort()) console.log(`  ${count} × ${cause}`);
  if (failed.length > 0) throw new AggregateError(failed, failed.join("\n"));
  assertEquals(await ours.call("unhandled"), []);
  assertEquals(await ours.call("descriptors", before), before);
});

test("what nobody has handled in a process of ours is seen", async () => {
  await using ours = new Program<KilledCalls>("killed.ts");
  assertEquals(await ours.call("unhandled"), []);
  await ours.call("neglect");
  const unhandled = await ours.call("unhandled");
  assertEquals(unhandled.sort(), ["a rejection with Error: rejected", "an exception: Error: thrown"]);
});
