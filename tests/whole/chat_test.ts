// The chat of the examples.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { serveChat } from "../../docs/examples/chat.ts";
import { connect, type WebSocketConnection } from "../../mod.ts";
import { latin1, test } from "../kit/harness.ts";
import { dialRaw, portOf } from "../kit/tcp.ts";
import { request, UPGRADE_FIELDS } from "../kit/serving.ts";

/** The next messages of a member. */
async function next(socket: WebSocketConnection, count: number): Promise<unknown[]> {
  const reader = socket.readable.getReader(), messages: unknown[] = [];
  while (messages.length < count) messages.push((await reader.read()).value);
  reader.releaseLock();
  return messages;
}

test("everybody in the chat gets every message, its sender too, and a browser gets a page", async () => {
  await using server = await serveChat({ port: 0 });
  const members = await Promise.all([1, 2, 3].map(() => connect(server.url!)));
  await Promise.all(members.map((member) => member.ping())); // all are in the room
  members[0]!.send("Is anybody here?");
  for (const member of members) assertEquals(await next(member, 1), ["Is anybody here?"]);
  await members[0]!.close();
  members[1]!.send("You have just missed one");
  for (const member of members.slice(1)) assertEquals(await next(member, 1), ["You have just missed one"]);
  const page = await fetch(server.url!, { headers: { connection: "close" } });
  assertMatch(await page.text(), /^<!doctype html>.*<title>Chat</);
});

test("a member of the chat that does not read is dropped, and holds nobody up", async () => {
  await using server = await serveChat({ port: 0 });
  using stuck = await dialRaw(portOf(server));
  await stuck.write(latin1(request("/", UPGRADE_FIELDS)));
  const member = await connect(server.url!), message = "x".repeat(4096);
  while (server.connections.size < 2) await member.ping();
  let count = 0;
  for (; server.connections.size > 1; count++) {
    assert(count < 6_000, "24 MB wait for who does not read");
    await member.send(message);
    assertEquals(await next(member, 1), [message]);
  }
  await member.close();
});
