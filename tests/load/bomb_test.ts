// Decompression bombs (RFC 6455 §10.4, RFC 7692 §8), by what they are for: the memory of a process that takes them.

import { assert, assertEquals } from "@std/assert";
import { constants, deflateRawSync } from "node:zlib";
import { concat, test, text } from "../kit/harness.ts";
import { dialRaw } from "../kit/tcp.ts";
import type { BombCalls, Outcome } from "./bomb.ts";
import { Program, RUNTIME } from "./program.ts";

const MIB = 1024 * 1024;

/** How far a process may get above its start. */
const BOUND = 32 * MIB;

/** The limit of a connection, which is the default one. */
const LIMIT = 16 * MIB;

/**
 * How many messages pass first, and their size: a runtime compiles what reads them, once. They are small, so that the
 * start is no peak of its own; but Bun takes some 15 MiB for the first long ones, whatever they are.
 */
const WARM_UP = 1000, WARM_UP_SIZE = RUNTIME === "Bun" ? 65536 : 1024;

const UPGRADE = [
  "GET / HTTP/1.1",
  "Host: localhost",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Extensions: permessage-deflate",
].map((line) => `${line}\r\n`).join("") + "\r\n";

/** Zeros deflated, and flushed, so that more may follow. */
const zeros = (size: number) =>
  new Uint8Array(deflateRawSync(new Uint8Array(size), { finishFlush: constants.Z_SYNC_FLUSH }));
const MIB_OF_ZEROS = zeros(MIB), END = Uint8Array.of(0);

/** A binary frame of a client, masked with zeros; RSV1 where it is the first one of its message. */
function frame(isFirst: boolean, fin: boolean, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new DataView(new ArrayBuffer(14));
  header.setUint8(0, (fin ? 0x80 : 0) | (isFirst ? 0x42 : 0));
  header.setUint8(1, 0xff);
  header.setBigUint64(2, BigInt(payload.length));
  if (payload.length >= 65536) return concat(new Uint8Array(header.buffer), payload);
  const short = payload.length < 126 ? [payload.length | 0x80] : [0xfe, payload.length >> 8, payload.length & 255];
  return concat(Uint8Array.of(header.getUint8(0), ...short, 0, 0, 0, 0), payload);
}

/** A message of these parts, in one frame or in one for each. */
function message(parts: readonly Uint8Array[], inFragments: boolean): Uint8Array<ArrayBuffer> {
  if (!inFragments) return frame(true, true, concat(...parts));
  return concat(...parts.map((part, i) => frame(i === 0, i === parts.length - 1, part)));
}

/** Sends messages to a program, and gives what came of them there, and its Close frame. */
async function send(messages: Uint8Array<ArrayBuffer>): Promise<{ outcome: Outcome; close: number }> {
  await using program = new Program<BombCalls>("bomb.ts");
  using peer = await dialRaw(await program.call("listen", { maxMessageSize: LIMIT, warmUp: WARM_UP }));
  await peer.write(new TextEncoder().encode(UPGRADE));
  const writing = peer.write(messages).catch(() => {}); // it may be closed before it has taken all
  let wire = new Uint8Array();
  const chunk = new Uint8Array(65536);
  for (let size; (size = await peer.read(chunk).catch(() => null)) !== null;) {
    wire = concat(wire, chunk.subarray(0, size));
  }
  peer.close();
  await writing;
  const head = text(wire), end = head.indexOf("\r\n\r\n") + 4;
  assert(head.includes("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"), head.slice(0, end));
  assertEquals(wire[end], 0x88, "the only frame is a Close frame");
  return { outcome: await program.call("done"), close: wire[end + 2]! << 8 | wire[end + 3]! };
}

const WARMING = concat(...new Array<Uint8Array>(WARM_UP).fill(message([zeros(WARM_UP_SIZE), END], true)));

const inMib = (count: number) => `${(count / MIB).toFixed(1)} MiB`;

function checkPeak(title: string, { start, peak }: Outcome): void {
  console.log(`${RUNTIME}, ${title}: peak ${inMib(peak - start)} above the start, which is at ${inMib(start)}`);
  assert(peak - start < BOUND, `${title} took ${inMib(peak - start)}`);
}

for (const inFragments of [false, true]) {
  const form = inFragments ? "in a thousand fragments" : "in one frame";

  test(`a bomb of 1000 MiB ${form} ends in 1009, within 32 MiB`, async () => {
    const bomb = message([...new Array<Uint8Array>(999).fill(MIB_OF_ZEROS), concat(MIB_OF_ZEROS, END)], inFragments);
    const { outcome, close } = await send(concat(WARMING, bomb));
    const { closeCode, failure, sizes } = outcome;
    assertEquals([closeCode, failure, close, sizes.length], [1009, "message-too-big", 1009, WARM_UP]);
    checkPeak(`a bomb of ${bomb.length} bytes ${form}`, outcome);
  });

  test(`a compressed message of exactly the limit ${form.replace("a thousand", "many")} passes`, async () => {
    const parts = new Array<Uint8Array>(LIMIT / MIB).fill(MIB_OF_ZEROS);
    const close = Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8);
    const exact = message([...parts, END], inFragments), above = message([...parts, zeros(1), END], inFragments);
    const passed = await send(concat(WARMING, exact, exact, close));
    assertEquals([passed.outcome.closeCode, passed.close], [1000, 1000]);
    assertEquals(passed.outcome.sizes.slice(WARM_UP), [LIMIT, LIMIT]);
    const failed = await send(concat(WARMING, above));
    assertEquals([failed.outcome.failure, failed.close, failed.outcome.sizes.length], [
      "message-too-big",
      1009,
      WARM_UP,
    ]);
  });
}
