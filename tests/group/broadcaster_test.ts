// Messages of one turn wait for all members of a group at once, as long as these have nothing else to write: whatever else
// happens in the turn, each member gets all of its messages, in order, and nobody else's (RFC 6455 §5.4, §5.6).

import { assert, assertEquals } from "@std/assert";
import { attach, Connections, prepare, type WebSocketConnection } from "../../mod.ts";
import { afterIO } from "../../src/base/clock.ts";
import { Prepared } from "../../src/protocol/prepared_message.ts";
import { connectionPair } from "../../src/testing.ts";
import { collectGarbage, random, test } from "../kit/harness.ts";

const SERVER = { role: "server", protocol: "", extensions: "" } as const;
const CLIENT = { role: "client", protocol: "", extensions: "" } as const;

/** One WebSocket: what it was sent, and what has come at the other end. */
interface Member {
  readonly socket: WebSocketConnection;
  readonly peer: WebSocketConnection;
  readonly sent: string[];
  readonly received: string[];
  readonly ended: Promise<unknown>;
}

function open(options: { highWaterMark?: number; maxBufferedAmount?: number } = {}): Member {
  const [here, there] = connectionPair(), received: string[] = [];
  const socket = attach(here, SERVER, options), peer = attach(there, CLIENT);
  const ended = peer.receive((message) => void received.push(String(message))).catch(() => {});
  return { socket, peer, sent: [], received, ended };
}

const aTurn = () => new Promise<void>((resolve) => afterIO(2, resolve));

for (let seed = 1; seed <= 40; seed++) {
  test(`broadcast() among everything else a turn may have, of seed ${seed}`, async () => {
    const next = random(seed), upTo = (count: number) => next() % count;
    const members = Array.from({ length: 5 }, () => open({ highWaterMark: 2000 }));
    const groups = [0, 1].map(() => ({ connections: new Connections(), in: new Set<Member>() }));
    for (const [index, group] of groups.entries()) {
      for (const member of members.slice(0, 5 - index)) {
        group.connections.add(member.socket);
        group.in.add(member);
      }
    }
    const ready = prepare("ready"), open_ = new Set(members);
    const get = (from: Iterable<Member>, message: string, except?: Member) => {
      const those = [...from].filter((member) => open_.has(member) && member !== except);
      for (const { sent } of those) sent.push(message);
      return those.length;
    };
    const steps: ((member: Member, group: typeof groups[number], message: string) => unknown)[] = [
      (_, { connections, in: all }, message) => assertEquals(connections.broadcast(message).sent, get(all, message)),
      (_, { connections, in: all }, message) => assertEquals(connections.broadcast(message).sent, get(all, message)),
      (_, { connections, in: all }) => assertEquals(connections.broadcast(ready).sent, get(all, "ready")),
      (member, { connections, in: all }, message) => {
        assertEquals(connections.broadcast(message, { except: member.socket }).sent, get(all, message, member));
      },
      (member, _, message) => {
        if (open_.has(member)) member.socket.send(message);
        get([member], message);
      },
      (member) => {
        if (open_.has(member)) member.socket.send(ready);
        get([member], "ready");
      },
      (member) => void (open_.has(member) && member.socket.ping().catch(() => {})),
      (member, { connections, in: all }) => {
        connections.delete(member.socket);
        all.delete(member);
      },
      (member, { connections, in: all }) => {
        if (!open_.has(member)) return;
        connections.add(member.socket);
        all.add(member);
      },
      () => aTurn(),
      (member) => {
        if (upTo(4) > 0 || !open_.delete(member)) return;
        void member.socket.close();
        for (const { in: all } of groups) all.delete(member);
      },
    ];
    for (let step = 0; step < 120; step++) {
      const message = `${step} ${"x".repeat(upTo(3) === 0 ? upTo(400) : 1)}`;
      await steps[upTo(steps.length)]!(members[upTo(5)]!, groups[upTo(2)]!, message);
    }
    for (const { socket } of members) void socket.close();
    for (const { sent, received, ended } of members) {
      await ended;
      assertEquals(received, sent);
    }
  });
}

test("bufferedAmount counts the whole burst, at every member", () => {
  const members = [open(), open()], group = new Connections();
  for (const { socket } of members) group.add(socket);
  for (let count = 1; count <= 3; count++) {
    group.broadcast("Hello");
    assertEquals(members.map(({ socket }) => socket.bufferedAmount), [7 * count, 7 * count]);
  }
  members[0]!.socket.send("Hello");
  group.broadcast("Hello");
  assertEquals(members.map(({ socket }) => socket.bufferedAmount), [35, 28]);
  for (const { socket, peer } of members) {
    socket.abort();
    peer.abort();
  }
});

test("a burst is bounded by the least that its members allow", async () => {
  const small = open({ highWaterMark: 100, maxBufferedAmount: 1000 }), large = open(), group = new Connections();
  group.add(large.socket).add(small.socket);
  const message = "x".repeat(98), reports = [];
  for (let count = 0; count < 4; count++) reports.push(group.broadcast(message, { slow: "skip" }));
  assertEquals(reports.map(({ skipped }) => skipped), [0, 0, 0, 0]); // what the kernel takes does not wait
  await aTurn();
  assertEquals([small.received.length, large.received.length], [4, 4]);
  for (const { socket, peer } of [small, large]) {
    socket.abort();
    peer.abort();
  }
});

test("a member that is lost in the middle of a turn is sent nothing more, and told of", async () => {
  const members = [open(), open()], group = new Connections(), [lost, other] = members as [Member, Member];
  for (const { socket } of members) group.add(socket);
  group.broadcast("1");
  lost.socket.abort();
  const report = group.broadcast("2");
  assertEquals(report.sent, 1);
  assert(report.skipped + report.closed <= 1);
  await aTurn();
  assertEquals(other.received, ["1", "2"]);
  assertEquals(lost.received, []);
  other.socket.abort();
  await Promise.all(members.map(({ ended }) => ended));
});

test("the frames of a burst that is being written are not written to", async () => {
  const members = Array.from({ length: 3 }, () => open()), group = new Connections();
  for (const { socket } of members) group.add(socket);
  const expected: string[] = [];
  for (let round = 0; round < 50; round++) {
    for (let count = 0; count < 20; count++) {
      const message = `${round}.${count} ${"y".repeat(round * 7)}`;
      group.broadcast(message);
      expected.push(message);
    }
    if (round % 3 === 0) await aTurn();
  }
  for (const { socket } of members) void socket.close();
  for (const { received, ended } of members) {
    await ended;
    assertEquals(received, expected);
  }
});

for (const count of [0, 1, 3]) {
  test(`a group of ${count} keeps nothing of what it has sent`, async () => {
    const members = Array.from({ length: count }, () => open()), group = new Connections();
    for (const { socket } of members) group.add(socket);
    const send = () => {
      const message = Prepared.of("x".repeat(30_000));
      group.broadcast(message);
      return new WeakRef(message.plain.bytes);
    };
    const frame = send();
    for (let turn = 0; turn < 5; turn++) await aTurn();
    collectGarbage();
    assertEquals(frame.deref(), undefined);
    assertEquals(members.map(({ received }) => received.length), Array(count).fill(1));
    for (const { socket, peer } of members) {
      socket.abort();
      peer.abort();
    }
    assertEquals(group.size, 0); // the group itself is still there
  });
}
