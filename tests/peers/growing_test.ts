// Two servers behind nginx and haproxy, as docs/growing.md has them: each gets its share, and when one stops its clients
// find the other.

import { assertEquals } from "@std/assert";
import { connect, serve, type Server } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { portOf } from "../kit/tcp.ts";
import { lacks, REVERSE_PROXIES, withReverseProxy } from "./reverse_proxies.ts";

const COUNT = 6;

const http = (request: Request) =>
  new Response("", { status: new URL(request.url).pathname === "/healthz" ? 200 : 404 });

const start = (name: string) => serve({ port: 0 }, { socket: (socket) => void socket.send(name), http });

/** A client that came through the proxy: which server it is at, and how that has closed it. */
async function visit(port: number) {
  const socket = await connect(`ws://127.0.0.1:${port}/`), name = Promise.withResolvers<string>();
  const closed = socket.receive((message) => name.resolve(message as string));
  return { name: await name.promise, closed, socket };
}

for (const proxy of REVERSE_PROXIES) {
  test(`behind ${proxy}, two servers share the clients, and the clients of one that stops find the other`, {
    lacks: lacks(proxy),
  }, async () => {
    const servers: Server[] = [await start("first"), await start("second")], [first, second] = servers;
    try {
      await withReverseProxy(proxy, { to: portOf(first!), also: portOf(second!) }, async (port) => {
        const visits = [];
        for (let i = 0; i < COUNT; i++) visits.push(await visit(port));
        assertEquals(visits.filter(({ name }) => name === "first").length, COUNT / 2);

        const stopped = first!.shutdown({ spread: 50, within: 10_000 });
        for (const { name, closed } of visits) if (name === "first") assertEquals((await closed).closeCode, 1001);
        await stopped;
        for (let i = 0; i < COUNT / 2; i++) {
          const again = await visit(port);
          assertEquals(again.name, "second");
          await again.socket.close();
        }
        await Promise.all(visits.filter(({ name }) => name === "second").map(({ socket }) => socket.close()));
      });
    } finally {
      await Promise.all(servers.map((server) => server.shutdown()));
    }
  });
}
