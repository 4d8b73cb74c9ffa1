// What the tests over sockets have in common.

import { FIN, MAX_HEADER, OPCODE, writeHeader } from "../../../src/protocol/frame_header.ts";
import { concat } from "../../kit/harness.ts";
import type { RawConn } from "../../kit/tcp.ts";

export const KIB = 1024, MIB = 1024 * KIB;

/** Reads to the end of the stream; a reset makes it reject. */
export async function readAll(peer: RawConn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(peer)) chunks.push(chunk);
  return concat(...chunks);
}

export async function* chunksOf(peer: RawConn): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(64 * KIB);
  for (let count; (count = await peer.read(buffer)) !== null;) yield buffer.slice(0, count);
}

/** A turn of the event loop: the runtime has looked at all sockets. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/**
 * Waits until a count stands still. It is believed after so many turns, in each of which the runtime looks at all sockets,
 * that only something that is truly stuck can have stood; were it not, the test would be weaker, and not fail.
 */
export async function standstill(count: () => number): Promise<number> {
  let last = count();
  for (let turns = 0; turns < 200; turns++) {
    await turn();
    if (count() === last) continue;
    last = count();
    turns = 0;
  }
  return last;
}

/** The header of a raw peer's frame of binary; a client masks with the key 0, which leaves the payload as it is. */
export function headerOf(length: number, peer: "client" | "server"): Uint8Array {
  const header = new Uint8Array(MAX_HEADER);
  return header.slice(0, writeHeader(header, 0, FIN | OPCODE.binary, length, peer === "client" ? 0 : undefined));
}

export const OTHER = { server: "client", client: "server" } as const;

export const UPGRADE = [
  "GET /chat HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "",
  "",
].join("\r\n");

/** The handler of a server that refuses everybody. */
export function nobody(): never {
  throw new Error("It was accepted");
}
