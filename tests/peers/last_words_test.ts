// What a server says last reaches a client that is still sending (RFC 6455 §7.1.1, RFC 9112 §9.6): a Close frame for a
// message that is too big, a response for a body that nobody wants. Each client is a process of its own: it may give up at
// the first write that fails, before it has read. LAST_WORDS=40 lets forty of each send, and as many 32 MiB, in place of two.

import { assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { accept, type ByteConnection, readRequest, writeResponse } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { findRuntimes } from "../kit/runtimes.ts";
import { listen } from "../kit/tcp.ts";
import { onRuntime, python } from "./programs/programs.ts";

const { LAST_WORDS } = process.env, TRIES = Number(LAST_WORDS ?? 2);
const MIB = 2 ** 20, SIZES = LAST_WORDS ? [8 * MIB, 32 * MIB] : [8 * MIB];

/** Servers that refuse what they are sent, and what a client is told. */
const SERVERS = {
  "accept() with a maxMessageSize": [1009, async (conn: ByteConnection) => {
    const socket = await accept(conn, { maxMessageSize: MIB });
    await socket.receive(() => {});
  }],
  "accept() of a POST": [405, accept],
  "readRequest() with a maxBodySize": [413, async (conn: ByteConnection) => {
    const error = await readRequest(conn, { maxBodySize: MIB }).catch((error) => error);
    await writeResponse(conn, error.response, { keepAlive: false });
  }],
} as const satisfies Record<string, readonly [number, (conn: ByteConnection) => Promise<unknown>]>;

const script = onRuntime("node", findRuntimes().node, "sender.ts");

/** What sends, and to which of the servers. */
const CLIENTS = [
  ["ws", script, ["accept() with a maxMessageSize"]],
  ["undici", script, ["accept() with a maxMessageSize"]],
  ["ours", script, ["accept() with a maxMessageSize"]],
  ["websockets", await python("sender.py", "websockets"), ["accept() with a maxMessageSize"]],
  ["fetch", script, ["accept() of a POST", "readRequest() with a maxBodySize"]],
  ["http.client", await python("sender.py", "http.client"), ["accept() of a POST", "readRequest() with a maxBodySize"]],
] as const;

for (const [kind, start, servers] of CLIENTS) {
  const needs = { lacks: start.command ? undefined : start.reason };
  for (const name of servers) {
    test(`${name}: its last words reach a client that is still sending, ${kind}`, needs, async () => {
      const [expected, serve] = SERVERS[name];
      using listener = await listen();
      const serving = (async () => {
        for await (const conn of listener) serve(conn).catch(() => {});
      })();
      for (const size of SIZES) {
        const args = [...start.command!, kind, String(listener.port), String(size), String(TRIES)];
        const { stdout } = await promisify(execFile)(args[0]!, args.slice(1));
        assertEquals(JSON.parse(stdout), Array(TRIES).fill(expected), `${size} bytes`);
      }
      listener.close();
      await serving.catch(() => {});
    });
  }
}
