// A peer by hand that goes at a byte of its own choice: what it sends, and how it opens the WebSocket on which it does.

import { createHash } from "node:crypto";
import { FIN, MAX_HEADER, OPCODE, writeHeader } from "../../src/protocol/frame_header.ts";
import { concat, latin1, random, text } from "../kit/harness.ts";
import { dialRaw, listenRaw, type RawConn } from "../kit/tcp.ts";

/** One end of a WebSocket. */
export type Role = "client" | "server";

/** What a peer does until it goes. */
export interface Cut {
  /** Its own role. */
  readonly role: Role;
  readonly seed: number;
  /** How many bytes of its stream it sends. */
  readonly offset: number;
  /** Whether it reads what ours sends. */
  readonly reads: boolean;
  /** As a client, what it asks for. */
  readonly path: string;
}

/** The frames that a peer sends: messages of all sizes, some of them in fragments, with pings in between. */
export interface FrameStream {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where frames end, and where those do that complete a message. */
  readonly frames: readonly number[];
  readonly messages: readonly number[];
}

/** It has at least so many bytes. */
export const STREAM_SIZE = 150_000;

/** The stream of a seed. A client masks with the key 0, which leaves the payload as it is. */
export function streamOf(role: Role, seed: number): FrameStream {
  const next = random(seed), below = (count: number) => next() % count;
  const parts: Uint8Array[] = [], frames: number[] = [], messages: number[] = [];
  let size = 0;
  const frame = (first: number, length: number) => {
    const header = new Uint8Array(MAX_HEADER);
    const end = writeHeader(header, 0, first, length, role === "client" ? 0 : undefined);
    parts.push(header.subarray(0, end), new Uint8Array(length).fill(0x61));
    frames.push(size += end + length);
  };
  const limits = [126, 126, 5_000, 5_000, 20_000, 70_000];
  while (size < STREAM_SIZE) {
    const limit = limits[below(limits.length)]!;
    const opcode = below(2) === 0 ? OPCODE.text : OPCODE.binary, count = below(4) === 0 ? 3 : 1;
    for (let i = 0; i < count; i++) {
      if (below(5) === 0) frame(FIN | OPCODE.ping, below(126));
      frame((i === count - 1 ? FIN : 0) | (i === 0 ? opcode : OPCODE.continuation), below(limit));
    }
    messages.push(size);
  }
  return { bytes: concat(...parts), frames, messages };
}

/** A peer that is open. */
export interface Peer {
  readonly conn: RawConn;
  /** Sends up to where it is cut; resolves when the kernel has all of it. */
  send(): Promise<void>;
}

/** Dials and opens as a client. */
export async function openClient(port: number, cut: Cut): Promise<Peer> {
  const conn = await dialRaw(port);
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  const fields = [`Host: 127.0.0.1:${port}`, ...UPGRADE, `Sec-WebSocket-Key: ${key}`, "Sec-WebSocket-Version: 13"];
  await conn.write(latin1(`GET ${cut.path} HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`));
  await readHead(conn);
  return peerOf(conn, cut);
}

/** Listens as a server; the port is there before anybody has come. */
export async function listenServer(cut: Cut): Promise<{ port: number; opened: Promise<Peer> }> {
  const listener = await listenRaw();
  const opened = (async () => {
    const conn = await listener.accept();
    listener.close();
    const key = /^sec-websocket-key: *(\S+)/im.exec(await readHead(conn))![1]!;
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const fields = [...UPGRADE, `Sec-WebSocket-Accept: ${accept}`];
    await conn.write(latin1(`HTTP/1.1 101 Switching Protocols\r\n${fields.join("\r\n")}\r\n\r\n`));
    return peerOf(conn, cut);
  })();
  opened.catch(() => {}); // whoever awaits it is told
  return { port: listener.port, opened };
}

const UPGRADE = ["Upgrade: websocket", "Connection: Upgrade"];

async function readHead(conn: RawConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  for (let head = "";;) {
    const count = await conn.read(buffer);
    if (count === null) throw new Error("The connection has ended before a head was whole");
    head += text(buffer.subarray(0, count));
    if (head.includes("\r\n\r\n")) return head;
  }
}

function peerOf(conn: RawConn, { role, seed, offset, reads }: Cut): Peer {
  const bytes = streamOf(role, seed).bytes.subarray(0, offset), next = random(seed);
  if (reads) drain(conn).catch(() => {}); // in the end it is lost, one way or another
  return {
    conn,
    async send() {
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + next() % 20_000;
        await conn.write(bytes.subarray(at, end));
        at = end;
      }
    },
  };
}

async function drain(conn: RawConn): Promise<void> {
  const buffer = new Uint8Array(65536);
  while (await conn.read(buffer) !== null);
}
