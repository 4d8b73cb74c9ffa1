// Our echo server over real TCP sockets against a client that shares nothing with it: every case of every family.

import { accept, type ByteConnection } from "../../mod.ts";
import { test } from "../kit/harness.ts";
import { listen, type Listener } from "../kit/tcp.ts";
import { families, run, table } from "./suite.ts";

/** Echoes on every connection to `listener` until it is closed; resolves when the last connection is over. */
async function serve(listener: Listener<ByteConnection>): Promise<void> {
  const connections: Promise<void>[] = [];
  for await (const conn of listener) connections.push(echo(conn));
  await Promise.all(connections);
}

async function echo(conn: ByteConnection): Promise<void> {
  try {
    const socket = await accept(conn, { compression: { threshold: 0 } });
    await socket.receive((message) => socket.send(message));
  } catch {
    // Most cases end badly on purpose; what the client saw is what counts.
  }
}

/** How long the server may take, in milliseconds, to give up its last connections once every client has left. */
const DEADLINE = 5_000;

async function within(milliseconds: number, serving: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const held = new Error(`The server still holds a connection after ${milliseconds} ms`);
  const timer = setTimeout(() => reject(held), milliseconds);
  try {
    await Promise.race([serving, promise]);
  } finally {
    clearTimeout(timer);
  }
}

for (const [name, cases] of Object.entries(families)) {
  test(`conformance: ${name} (${cases.length} cases)`, async () => {
    const listener = await listen();
    const serving = serve(listener);
    try {
      const failures = await run(listener.port, cases, 1);
      if (failures.length > 0) {
        throw new Error(`${failures.length} of ${cases.length} cases failed\n${table(failures)}`);
      }
    } finally {
      listener.close();
      await within(DEADLINE, serving);
    }
  });
}
