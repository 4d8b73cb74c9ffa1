// Servers of Node's modules on a free port, and what a client by hand reads from them.

import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { concat } from "./harness.ts";
import type { RawConn } from "./tcp.ts";

/** Starts a server, and gives its port. */
export async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Closes a server, and waits until its connections are closed. */
export async function closed(server: Server): Promise<void> {
  const closing = once(server, "close");
  server.close();
  await closing;
}

/** Everything up to the peer's end. */
export async function readAll(raw: RawConn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [], buffer = new Uint8Array(65536);
  for (let count; (count = await raw.read(buffer)) !== null;) chunks.push(buffer.slice(0, count));
  return concat(...chunks);
}
