import { assert, assertEquals, assertThrows } from "@std/assert";
import { attach, type CloseAllOptions, Connections, type WebSocketConnection } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { handlingAll, test } from "../kit/harness.ts";
import { Members } from "../kit/members.ts";

const ROLES = {
  server: { role: "server", protocol: "", extensions: "" },
  client: { role: "client", protocol: "", extensions: "" },
} as const;

/** A group of members in memory, with the peers of those that answer; the others have ends that nobody reads. */
function groupOf(count: number, answers: (i: number) => boolean = () => true) {
  const clock = fakeClock(), group = new Connections<number>({ clock }), closes: [time: number, i: number][] = [];
  const peers: WebSocketConnection[] = [];
  const join = (i: number) => {
    const [here, there] = connectionPair();
    const socket = attach(here, ROLES.server, { clock, closeTimeout: 0, pingInterval: 0, idleTimeout: 0 });
    group.add(socket, i);
    if (!answers(i)) return socket;
    const peer = attach(there, ROLES.client, { clock, pingInterval: 0, idleTimeout: 0 });
    peer.closed.then(() => closes.push([clock.now(), i]), () => {});
    peers.push(peer);
    return socket;
  };
  for (let i = 0; i < count; i++) join(i);
  return { clock, group, join, closes, peers };
}

test("close() of a group closes everybody with 1001, and waits for the closing handshakes", async () => {
  await using members = await Members.open(5);
  const group = new Connections();
  for (const socket of members.accepted) group.add(socket);
  for (const socket of members.accepted) socket.send("last words");
  const report = group.close({ reason: "Good night" });
  assertEquals(
    await Promise.all(members.clients.map(async (client) => {
      const { value } = await client.readable.getReader().read();
      return [value, await client.closed];
    })),
    members.clients.map(() => ["last words", { closeCode: 1001, reason: "Good night" }]),
  );
  assertEquals(await report, { closed: 5, dropped: 0 });
  assertEquals(group.size, 0);
});

test("close() of a group takes another code, and closes members that are clients", async () => {
  await using members = await Members.open(2);
  const group = new Connections();
  for (const socket of members.clients) group.add(socket);
  assertEquals(await group.close({ closeCode: 1012 }), { closed: 2, dropped: 0 });
  assertEquals(await members.accepted[1]!.closed, { closeCode: 1012, reason: "" });
});

test("close() of a group is even over spread, in the order of joining", async () => {
  const { clock, group, closes } = groupOf(100);
  const report = group.close({ spread: 10_000 });
  await clock.advance(0);
  assertEquals(closes.map(([, i]) => i), [0], "the first is closed at once");
  await clock.advance(10_000);
  assertEquals(closes, Array.from({ length: 100 }, (_, i) => [i * 100, i]));
  assertEquals(await report, { closed: 100, dropped: 0 });
  assertEquals(clock.pending, 0);
});

test("close() of a group passes over those that leave before their turn", async () => {
  const { clock, group, closes, peers } = groupOf(4);
  const report = group.close({ spread: 4000 });
  const deleted = [...group][2]!;
  group.delete(deleted);
  peers[1]!.close();
  await clock.advance(4000);
  assertEquals(closes, [[0, 0], [0, 1], [3000, 3]]);
  assertEquals(deleted.state, "open");
  assertEquals(await report, { closed: 3, dropped: 0 });
  deleted.abort();
});

test("close() of a group drops whoever does not answer, when within is over", async () => {
  const { clock, group, closes } = groupOf(6, (i) => i % 3 !== 0);
  const sockets = [...group];
  let report: unknown;
  group.close({ within: 500 }).then((value) => report = value);
  await clock.advance(499);
  assertEquals([closes.length, group.size, report], [4, 2, undefined]);
  await clock.advance(1);
  assertEquals([group.size, report], [0, { closed: 4, dropped: 2 }]);
  const error = await sockets[0]!.closed.catch((error) => error);
  assertEquals([error.closeCode, error.cause.message], [1006, "The group was closed, and waits no longer than 500 ms"]);
  assertEquals(clock.pending, 0);
});

test("close() of a group with within: 0 waits for as long as it takes", async () => {
  const { clock, group } = groupOf(1, () => false);
  const report = group.close({ within: 0 }), [socket] = group;
  await clock.advance(2 ** 31);
  assertEquals(group.size, 1);
  socket!.abort();
  assertEquals(await report, { closed: 0, dropped: 1 });
});

test("within is ten seconds more than spread where it is not set", async () => {
  const { clock, group } = groupOf(2, () => false);
  const report = group.close({ spread: 3000 });
  await clock.advance(12_999);
  assertEquals(group.size, 2);
  await clock.advance(1);
  assertEquals(await report, { closed: 0, dropped: 2 });
});

test("who joins a group that is being closed, or was, is closed at once", async () => {
  const { clock, group, join, closes } = groupOf(2);
  const report = group.close({ closeCode: 4000, spread: 2000 });
  await clock.advance(100);
  const late = join(2);
  await clock.advance(100);
  assertEquals(closes, [[0, 0], [100, 2]]);
  assertEquals((await late.closed).closeCode, 4000);
  await clock.advance(2000);
  assertEquals(await report, { closed: 3, dropped: 0 });
  assertEquals(group.size, 0);
  join(3);
  await clock.advance(0);
  assertEquals([closes.at(-1)![1], group.size], [3, 0]);
  assertEquals(await report, { closed: 3, dropped: 0 }, "the report stays as it was");
});

test("a second close() of a group gives those that are left other options", async () => {
  const { clock, group, closes } = groupOf(4);
  const first = group.close({ spread: 40_000, within: 60_000 });
  await clock.advance(100);
  const second = group.close({ closeCode: 1012, within: 1000 });
  assert(first === second);
  await clock.advance(0);
  assertEquals(closes, [[0, 0], [100, 1], [100, 2], [100, 3]]);
  assertEquals([await first, clock.pending], [{ closed: 4, dropped: 0 }, 0]);
});

test("a close() after everybody had left waits for who has joined since, and counts anew", async () => {
  const { clock, group, join } = groupOf(2, (i) => i < 2);
  assertEquals(await group.close(), { closed: 2, dropped: 0 });
  const deaf = join(2);
  let report: unknown;
  const second = group.close({ within: 500 });
  second.then((value) => report = value);
  assert(group.close({ within: 400 }) === second, "nobody has left meanwhile");
  await clock.advance(399);
  assertEquals([group.size, deaf.state, report], [1, "closing", undefined]);
  await clock.advance(1);
  assertEquals([group.size, report, clock.pending], [0, { closed: 0, dropped: 1 }, 0]);
  assertEquals(await group.close(), { closed: 0, dropped: 0 });
});

test("close() of a group without members is done at once, and leaves no timer", async () => {
  const clock = fakeClock();
  assertEquals(await new Connections({ clock }).close({ spread: 1000 }), { closed: 0, dropped: 0 });
  assertEquals(clock.pending, 0);
});

test("close() of a group of which the last member is deleted is done", async () => {
  const { group } = groupOf(1, () => false), [socket] = group;
  const report = group.close();
  group.delete(socket!);
  assertEquals(await report, { closed: 0, dropped: 0 });
  socket!.abort();
});

test("nobody has to handle the end of the members", async () => {
  await handlingAll(async () => {
    const { clock, group } = groupOf(3, () => false);
    group.close({ within: 10 });
    await clock.advance(10);
  });
});

const WRONG: readonly [options: CloseAllOptions, error: string][] = [
  [{ within: -1 }, "Cannot use the option within: it is -1, and must be from 0 to 2147483647 milliseconds"],
  [{ spread: NaN }, "Cannot use the option spread: it is NaN, and must be from 0 to 2147483647 milliseconds"],
  [
    { within: 5, spread: 6 },
    "Cannot use the option spread: it is 6, and must be at most within, which is 5 milliseconds",
  ],
  [{ closeCode: 1006 }, "Cannot close: the code is 1006, and must be 1000–1003, 1007–1014 or 3000–4999"],
  [{ reason: "x".repeat(124) }, "Cannot close: the reason has 124 bytes, the limit is 123"],
];

for (const [options, message] of WRONG) {
  test(`close() of a group refuses ${JSON.stringify(options).slice(0, 40)}, and closes nobody`, () => {
    const { group } = groupOf(1), [socket] = group;
    assertThrows(() => group.close(options), Error, message);
    assertEquals(socket!.state, "open");
    socket!.abort();
  });
}
