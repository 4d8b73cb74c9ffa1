import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Accepted, attach, connect, Connections, type WebSocketConnection } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { test } from "../kit/harness.ts";
import { Members } from "../kit/members.ts";

test("Connections is a set: add(), has(), get(), size, delete(), and in the order of joining", async () => {
  await using members = await Members.open(3);
  const [a, b, c] = members.accepted as [Accepted, Accepted, Accepted];
  const group = new Connections<string>();
  assertStrictEquals(group.add(b, "b").add(a, "a"), group);
  assertEquals([group.size, group.has(a), group.has(c), group.get(a), group.get(c)], [2, true, false, "a", undefined]);
  assert([...group][0] === b && [...group][1] === a);
  group.add(b, "B");
  assertEquals([...group.entries()].map(([, value]) => value), ["B", "a"], "a member keeps its place");
  assertEquals([group.delete(b), group.delete(b), group.size, b.state], [true, false, 1, "open"]);
  group.add(b, "again");
  assertEquals([...group.entries()].map(([, value]) => value), ["a", "again"]);
});

test("Connections are left by whoever is closed, lost or aborted, at either end", async () => {
  await using members = await Members.open(3);
  const [a, b, c] = members.accepted as [Accepted, Accepted, Accepted];
  const server = new Connections<string>(), client = new Connections();
  for (const [socket, name] of [[a, "a"], [b, "b"], [c, "c"]] as const) server.add(socket, name);
  for (const socket of members.clients) client.add(socket);
  await members.clients[0]!.close({ closeCode: 1000 });
  await a.closed;
  assertEquals([[...server.entries()].map(([, name]) => name), client.size], [["b", "c"], 2]);
  members.clients[1]!.abort();
  assertEquals(client.size, 1);
  await b.closed.catch(() => {});
  assertEquals([server.has(b), server.size], [false, 1]);
  c.abort();
  assertEquals([...server], [], "an abort is known at once");
  await members.clients[2]!.closed.catch(() => {});
  assertEquals(client.size, 0);
});

test("Connections share their members: each group, and the server, is told of the end", async () => {
  await using members = await Members.open(1);
  const [socket] = members.accepted as [Accepted];
  const groups = [new Connections(), new Connections(), new Connections()];
  for (const group of groups) group.add(socket);
  groups[1]!.delete(socket);
  assertEquals(groups.map(({ size }) => size), [1, 0, 1]);
  await members.clients[0]!.close();
  await socket.closed;
  assertEquals(groups.map(({ size }) => size), [0, 0, 0]);
  await members.server.shutdown();
  assertEquals([...members.server.connections], []);
});

test("add() does not add what is closed", async () => {
  const socket = attach(connectionPair()[0], { role: "server", protocol: "", extensions: "" });
  socket.abort();
  await socket.closed.catch(() => {});
  const group = new Connections().add(socket);
  assertEquals([group.size, group.has(socket)], [0, false]);
});

test("add() takes what is closing, until it is closed", async () => {
  const [conn, far] = connectionPair();
  const socket = attach(conn, { role: "server", protocol: "", extensions: "" });
  const peer = attach(far, { role: "client", protocol: "", extensions: "" });
  socket.close();
  const group = new Connections().add(socket);
  assertEquals([socket.state, group.size], ["closing", 1]);
  await peer.closed;
  await socket.closed;
  assertEquals(group.size, 0);
});

test("add() takes sockets of attach() and connect(), and nothing that is not ours", async () => {
  const [conn, far] = connectionPair();
  const group = new Connections();
  const sockets = [
    attach(conn, { role: "server", protocol: "", extensions: "" }),
    attach(far, { role: "client", protocol: "", extensions: "" }),
  ];
  await using members = await Members.open(1);
  const dialled = await connect(members.server.url!);
  for (const socket of [...sockets, dialled]) group.add(socket);
  assertEquals(group.size, 3);
  for (const socket of [{}, null, 5, new Proxy(dialled, {})]) {
    assertThrows(
      () => group.add(socket as WebSocketConnection),
      TypeError,
      "Cannot add the socket: it must be a WebSo",
    );
  }
  for (const socket of sockets) socket.abort();
  dialled.abort();
  assertEquals(group.size, 0);
});

test("Connections can be changed while they are gone through", async () => {
  await using members = await Members.open(4);
  const group = new Connections<number>(), seen: number[] = [];
  members.accepted.forEach((socket, i) => group.add(socket, i));
  for (const [socket, i] of group.entries()) {
    seen.push(i);
    if (i === 0) group.delete(members.accepted[1]!);
    if (i === 2) socket.abort();
  }
  assertEquals([seen, group.size], [[0, 2, 3], 2]);
});

test("Connections refuse a clock that is none", () => {
  assertThrows(() => new Connections({ clock: {} as never }), TypeError, "Cannot use the clock: it has no now()");
});
