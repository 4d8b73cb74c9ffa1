// What the tests of dialling share: certificates, a client that says hello, and a server that only listens.

import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { accept, type Accepted, connect, type ConnectOptions } from "../../mod.ts";
import type { Listener, RawConn } from "./tcp.ts";

export function pem(name: string): string {
  return readFileSync(fileURLToPath(new URL(`tls/${name}.pem`, import.meta.url).href), "utf8");
}

export const CA = pem("ca"), TLS = { cert: pem("localhost"), key: pem("localhost.key") };

/** Dials, says hello to an echo, and closes; gives what the server saw. */
export async function hello(
  listener: Listener<Parameters<typeof accept>[0]>,
  url: string,
  options: ConnectOptions = {},
): Promise<Accepted["request"]> {
  const serving = (async () => {
    const accepted = await accept(await listener.accept());
    await accepted.receive((message) => accepted.send(message));
    return accepted.request;
  })();
  const socket = await connect(url, options);
  assertEquals([socket.response.status, socket.protocol], [101, ""]);
  socket.send("Hello");
  assertEquals((await socket.readable.getReader().read()).value, "Hello");
  assertEquals(await socket.close({ closeCode: 1000 }), { closeCode: 1000, reason: "" });
  return await serving;
}

/** What a server reads that knows nothing of TLS and never answers, up to the end. */
export async function everything(conn: RawConn): Promise<Uint8Array> {
  const bytes: number[] = [], buffer = new Uint8Array(1024);
  try {
    for (let count; (count = await conn.read(buffer)) !== null;) bytes.push(...buffer.subarray(0, count));
  } catch {
    // A reset ends it as well
  }
  return Uint8Array.from(bytes);
}
