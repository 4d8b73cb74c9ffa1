// The judge judged: a server that answers with bytes written down here, most of them wrong, and what play() says to them.

import { assertEquals } from "@std/assert";
import { hex, latin1, test } from "../kit/harness.ts";
import { listenRaw, type RawConn } from "../kit/tcp.ts";
import { type Case, group } from "./case.ts";
import { play } from "./client.ts";
import { text } from "./wire.ts";

const ROW = group("0", "§5", [{ name: "an echo", send: [text("hello")], expect: [text("hello")] }])[0]!;

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const ECHO = "81 05 68656c6c6f";
const CLOSE = "88 02 03e8";
const EARLY = "the end of the stream";

/** What the server sends behind its head, and what is found in it; nothing when the case passes. */
const ANSWERS: [name: string, bytes: string, got?: string][] = [
  ["the echo and a Close frame", `${ECHO} ${CLOSE}`],
  ["the echo in fragments", `01 03 68656c 00 00 80 02 6c6f ${CLOSE}`],
  ["a Close frame with a reason", `${ECHO} 88 05 03e8 627965`],
  ["nothing", "", EARLY],
  ["no Close frame", ECHO, EARLY],
  ["half a header", "81", "the end of the stream within a header"],
  ["half a length", "81 7e 01", "the end of the stream within a header"],
  ["half a payload", "81 05 6865", "the end of the stream within a frame of opcode 1 and length 5"],
  ["half a message", "01 03 68656c", EARLY],
  ["another text", `81 05 68656c6c21 ${CLOSE}`, "Text of 5 octets: 68 65 6c 6c 21 (differs at octet 4)"],
  ["a shorter text", `81 04 68656c6c ${CLOSE}`, "Text of 4 octets: 68 65 6c 6c"],
  ["a longer text", `81 06 68656c6c6f21 ${CLOSE}`, "Text of 6 octets: 68 65 6c 6c 6f 21"],
  ["another opcode", `82 05 68656c6c6f ${CLOSE}`, "Binary of 5 octets: 68 65 6c 6c 6f"],
  ["the echo twice", `${ECHO} ${ECHO} ${CLOSE}`, "Text of 5 octets: 68 65 6c 6c 6f"],
  ["a ping", `89 00 ${ECHO} ${CLOSE}`, "Ping of 0 octets"],
  ["a pong nobody asked for", `${ECHO} 8a 00 ${CLOSE}`, "Pong of 0 octets"],
  ["a mask", `81 85 00000000 68656c6c6f ${CLOSE}`, "a frame of opcode 1 and length 5 with a mask"],
  ["RSV1", `c1 05 68656c6c6f ${CLOSE}`, "a frame of opcode 1 and length 5 with RSV 4"],
  ["RSV3 on the Close frame", `${ECHO} 98 02 03e8`, "a frame of opcode 8 and length 2 with RSV 1"],
  ["16 bits for 5", `81 7e 0005 68656c6c6f ${CLOSE}`, "a frame of opcode 1 and length 5 written in 2 octets"],
  ["64 bits for 5", `81 7f 0000000000000005 68656c6c6f`, "a frame of opcode 1 and length 5 written in 8 octets"],
  ["a huge length", "81 7f 0000000100000000", "a frame of opcode 1 and length 4294967296"],
  ["a reserved opcode", "83 00", "a frame of opcode 3 and length 0"],
  ["a reserved control opcode", "8b 00", "a frame of opcode 11 and length 0"],
  ["a ping without FIN", "09 00", "a frame of opcode 9 and length 0 without FIN"],
  ["a long ping", `89 7e 007e ${"00".repeat(126)}`, "a frame of opcode 9 and length 126"],
  ["a continuation first", "80 01 61", "Continuation of 1 octets: 61 out of place"],
  ["a message within a message", "01 01 68 81 01 61", "Text of 1 octets: 61 out of place"],
  ["a ping within a message", "01 01 68 89 00", "Ping of 0 octets within the fragments of a message"],
  ["another code", `${ECHO} 88 02 03e9`, "Close 1001"],
  ["a Close frame without a code", `${ECHO} 88 00`, "Close without a code"],
  ["a Close frame of one octet", `${ECHO} 88 01 03`, "Close without a code"],
  ["a reason that is not UTF-8", `${ECHO} 88 03 03e8 ff`, "Close 1000 with a reason that is not UTF-8"],
  ["a Close frame before the echo", `${CLOSE} ${ECHO}`, "Close 1000"],
  ["an octet behind the Close frame", `${ECHO} ${CLOSE} 00`, "1 more octets behind the Close frame"],
  ["two Close frames", `${ECHO} ${CLOSE} ${CLOSE}`, "4 more octets behind the Close frame"],
];

/** Plays a row against a server that answers its head with `answer` and then does what `end` does. */
async function judged(
  answer: Uint8Array,
  end: (conn: RawConn) => Promise<unknown>,
  { row = ROW, deadline }: { row?: Case; deadline?: number } = {},
): Promise<string | undefined> {
  using listener = await listenRaw();
  const serve = async () => {
    using conn = await listener.accept();
    // The upgrade is one write, and nothing may follow it before the answer.
    await conn.read(new Uint8Array(1024));
    await conn.write(answer);
    await end(conn);
  };
  const [failure] = await Promise.all([play(listener.port, row, deadline), serve()]);
  return failure?.got;
}

/** Half-closes, and reads on to the end as a server should. */
async function linger(conn: RawConn): Promise<void> {
  await conn.closeWrite();
  await drain(conn);
}

async function drain(conn: RawConn): Promise<void> {
  while (await conn.read(new Uint8Array(1024)) !== null);
}

function answered(bytes: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...latin1(SWITCH), ...hex(bytes));
}

for (const [name, bytes, got] of ANSWERS) {
  test(`play() ${got === undefined ? "passes" : "fails"} a server that sends ${name}`, async () => {
    assertEquals(await judged(answered(bytes), linger), got);
  });
}

test("play() fails a server that does not close the connection", async () => {
  assertEquals(await judged(answered(`${ECHO} ${CLOSE}`), drain, { deadline: 50 }), "nothing more within 50 ms");
});

test("play() fails a server that resets the connection", async () => {
  const end = async (conn: RawConn) => {
    await conn.read(new Uint8Array(1024));
    conn.reset();
  };
  assertEquals(await judged(latin1(SWITCH), end), "a reset");
});

test("play() fails a server that closes while the client is still sending", async () => {
  const many = { ...ROW, turns: [{ send: Array(10_000).fill(text("hello")), expect: [text("hello")] }], chop: 1000 };
  const got = await judged(answered(`${ECHO} ${CLOSE}`), (conn) => conn.closeWrite(), { row: many });
  assertEquals(got, "a reset while the client was still sending");
});

test("play() fails a server that refuses the upgrade, or answers another key", async () => {
  const refusal = "HTTP/1.1 400 Bad Request";
  assertEquals(await judged(latin1(`${refusal}\r\n\r\n`), linger), refusal);
  const other = SWITCH.replace("s3pP", "AAAA");
  assertEquals(await judged(latin1(other), linger), other.trimEnd());
});
