// HAProxy with the configuration that docs/http2.md gives, between ours and ours: HTTP/2 in front, and behind it HTTP/2 or
// HTTP/1.1.

import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { connect } from "../../mod.ts";
import { blocksOf } from "../../docs/make/pages.ts";
import { program, test } from "../kit/harness.ts";
import { closed, listening } from "../kit/node_server.ts";
import { pem, serving } from "../kit/serving.ts";
import { dialRaw } from "../kit/tcp.ts";
import { start } from "./processes.ts";

const HAPROXY = program("haproxy", `${process.env.PATH}:/usr/sbin:/usr/local/sbin`);

const page = readFileSync(fileURLToPath(new URL("../../docs/http2.md", import.meta.url).href), "utf8");
const DOCUMENTED = blocksOf(page).find(({ language }) => language === "haproxy")!.code;

/** The configuration, for these ports. */
async function configure(directory: string, port: number, to: number, isHttp2: boolean): Promise<string> {
  const crt = join(directory, "both.pem"), file = join(directory, "haproxy.conf");
  await writeFile(crt, await pem("localhost") + await pem("localhost.key"));
  const changes: [string, string][] = [
    ["bind :443", `bind 127.0.0.1:${port}`],
    ["/etc/ssl/private/example.pem", crt],
    ["127.0.0.1:8123", `127.0.0.1:${to}`],
    ...isHttp2 ? [] : [[" proto h2 ws h2", ""] as [string, string]],
  ];
  await writeFile(file, changes.reduce((text, [from, to]) => text.replace(from, to), DOCUMENTED));
  return file;
}

/** Waits until somebody listens. */
async function reachable(port: number): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      return (await dialRaw(port)).close();
    } catch (error) {
      if (tries === 250) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

for (const isHttp2 of [true, false]) {
  const title = `WebSockets over HTTP/2 through haproxy, with ${
    isHttp2 ? "HTTP/2" : "HTTP/1.1"
  } behind it (RFC 8441 §7)`;
  test(title, { lacks: HAPROXY ? undefined : "needs haproxy" }, async () => {
    const seen: unknown[] = [];
    const server = await serving(async (socket) => {
      seen.push([socket.request.method, socket.request.protocol ?? null, new URL(socket.request.url).pathname]);
      await socket.receive((message) => socket.send(message));
    }, { http2: isHttp2, protocols: ["chat"], compression: true });
    const free = createServer(), port = await listening(free);
    await closed(free);
    const directory = await mkdtemp(join(tmpdir(), "haproxy-"));
    const { child, ended } = start([HAPROXY!], ["-db", "-f", await configure(directory, port, server.port, isHttp2)]);
    try {
      await reachable(port);
      const options = { http2: true, caCerts: [await pem("ca")], protocols: ["chat"], compression: true } as const;
      const url = `wss://localhost:${port}/room`, open = () => connect(url, options);
      const sockets = await Promise.all([open(), open(), open()]);
      for (const socket of sockets) {
        assertEquals([socket.response.status, socket.protocol, socket.deflate !== undefined], [200, "chat", true]);
        const reader = socket.readable.getReader();
        for (const message of ["Hello", "x".repeat(200_000)]) {
          socket.send(message);
          assertEquals((await reader.read()).value, message);
        }
      }
      for (const socket of sockets) assertEquals((await socket.close({ closeCode: 3000 })).closeCode, 3000);
      const as = isHttp2 ? ["CONNECT", "websocket", "/room"] : ["GET", null, "/room"];
      assertEquals(seen, [as, as, as]);
    } finally {
      child.kill();
      await ended;
      await server.shutdown({ within: 1000 });
      await rm(directory, { recursive: true });
    }
  });
}
