import { assertEquals, assertStrictEquals } from "@std/assert";
import { type Accepted, Connections, type ServerConnections } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { Members } from "../kit/members.ts";

test("the connections of a server can be looked at, and all or some of them sent to", async () => {
  await using members = await Members.open(3);
  const { server: { connections }, accepted, clients } = members;
  assertStrictEquals(members.server.connections, connections);
  assertEquals([connections.size, [...connections]], [3, [...accepted]]);
  assertEquals(connections.broadcast("all"), { sent: 3, skipped: 0, closed: 0 });
  assertEquals(connections.broadcast("others", { except: accepted[0] }).sent, 2);
  assertEquals(new Connections().add(accepted[0]!).broadcast("nobody", { except: connections }).sent, 0);
  accepted[0]!.send("alone");
  const got = clients.map(async (client) => {
    const reader = client.readable.getReader();
    return [(await reader.read()).value, (await reader.read()).value];
  });
  assertEquals(await Promise.all(got), [["all", "alone"], ["all", "others"], ["all", "others"]]);
  await Promise.all([clients[1]!.close(), accepted[1]!.closed]);
  assertEquals([connections.size, accepted.map((socket) => connections.has(socket))], [2, [true, false, true]]);
});

test("nobody can take a connection away from its server, or close the group: shutdown() finds all of them", async () => {
  await using members = await Members.open(2);
  const { server, clients } = members, [first] = server.connections;
  const group = server.connections as ServerConnections & Partial<Connections<undefined, Accepted>>;
  assertEquals([group.delete?.(first!), group.close?.().constructor, group.add?.(first!)], Array(3).fill(undefined));
  const finished = server.shutdown({ within: 0 });
  assertEquals((await Promise.all(clients.map((client) => client.closed))).map(({ closeCode }) => closeCode), [
    1001,
    1001,
  ]);
  await finished;
});
