// Answers to a peer that keeps sending, or takes its time: they arrive whole.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type HandshakeFailure, WebSocketError } from "../../../mod.ts";
import { handshakeFailures } from "../../../src/errors/failures.ts";
import { FIN, OPCODE } from "../../../src/protocol/frame_header.ts";
import { fakeClock } from "../../../src/testing.ts";
import { concat, latin1, test, text } from "../../kit/harness.ts";
import { dialRaw, type RawConn } from "../../kit/tcp.ts";
import { headerOf, KIB, MIB, nobody, OTHER, readAll, turn, UPGRADE } from "./common.ts";
import type { Door } from "./doors.ts";

/** Whether the bytes are the whole response to a failure, and nothing else. */
function assertRefusal(bytes: Uint8Array, failure: HandshakeFailure, status: string): void {
  const [head = "", ...body] = text(bytes).split("\r\n\r\n");
  const { sentence } = handshakeFailures[failure];
  const [start, ...fields] = head.toLowerCase().split("\r\n");
  assertEquals(start, `http/1.1 ${status.toLowerCase()}`);
  assert(fields.includes(`content-length: ${sentence.length + 1}`), head);
  assert(fields.includes("connection: close"), head);
  assertEquals(body, [sentence + "\n"]);
}

/**
 * Sends a piece a turn, and reads either meanwhile or only afterwards; resolves to what was read before the end of the
 * stream. It rejects when the connection is reset: while writing, or before the end.
 */
async function sendSteadily(
  peer: RawConn,
  bytes: Uint8Array,
  reads: "meanwhile" | "afterwards",
): Promise<Uint8Array> {
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += 4 * KIB) {
      await peer.write(bytes.subarray(at, at + 4 * KIB));
      await turn();
    }
  })();
  if (reads === "afterwards") await writing;
  const [answer] = await Promise.all([readAll(peer), writing]);
  return answer;
}

const LONG = "x".repeat(100 * KIB);

/** Rows: what is refused while it still comes. */
const refused: readonly {
  readonly what: string;
  readonly bytes: string;
  readonly failure: HandshakeFailure;
  readonly status: string;
}[] = [
  {
    what: "of a head",
    bytes: UPGRADE.replace("\r\n\r\n", `\r\nX-Long: ${LONG}\r\n\r\n`),
    failure: "head-too-large",
    status: "431 Request Header Fields Too Large",
  },
  {
    what: "of a body",
    bytes: `POST /chat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${LONG.length}\r\n\r\n${LONG}`,
    failure: "method-not-get",
    status: "405 Method Not Allowed",
  },
];

/** Registers what holds where closing the writable half-closes the connection. */
export function testRefusals(door: Door): void {
  const { name } = door;
  for (const reads of ["meanwhile", "afterwards"] as const) {
    for (const { what, bytes, failure, status } of refused) {
      test(`a server on ${name} gets a refusal through to a client that sends 100 KiB ${what} and reads ${reads}`, async () => {
        const server = await door.serve({}, nobody), peer = await dialRaw(server.port);
        assertRefusal(await sendSteadily(peer, latin1(bytes), reads), failure, status);
        peer.close();
        await server[Symbol.asyncDispose]();
        assertEquals(server.failures.map(({ failure }) => failure), [failure]);
      });
    }

    // What is sent behind a failure is thrown away, but at most 256 KiB of it: at more the connection is closed over what
    // is unread, and the reset may overtake the Close frame. So up to there it must arrive, and beyond there is no saying.
    for (const amount of [64, 256]) {
      for (const role of door.roles) {
        const title = `a ${role} on ${name} gets a Close frame through to a peer that sends ${amount} KiB`;
        test(`${title} and reads ${reads}`, async () => {
          await using pair = await door.open(role, { maxMessageSize: 1000 });
          const { peer, ours } = pair;
          const received = assertRejects(() => ours.receive(() => {}), WebSocketError);
          const message = concat(headerOf(MIB, OTHER[role]), new Uint8Array(amount * KIB));
          const answer = await sendSteadily(peer, message, reads);
          peer.close();
          const [first, second] = answer;
          assertEquals(first, FIN | OPCODE.close);
          const masked = role === "client";
          assertEquals(second! >= 0x80, masked);
          assertEquals(answer.length, 2 + (masked ? 4 : 0) + (second! & 0x7f));
          const code = masked ? answer.subarray(6, 8).map((byte, i) => byte ^ answer[2 + i]!) : answer.subarray(2, 4);
          assertEquals(code[0]! << 8 | code[1]!, 1009);
          assertEquals((await received).failure, "message-too-big");
          assertEquals((await assertRejects(() => ours.closed, WebSocketError)).closeCode, 1009);
        });
      }
    }
  }

  test(`a server on ${name} cuts a client that sends a byte a second at its deadline, with 408`, async () => {
    const clock = fakeClock(), server = await door.serve({ clock }, nobody), peer = await dialRaw(server.port);
    while (clock.pending === 0) await turn(); // until it is accepted, its time does not run
    const bytes = latin1(UPGRADE);
    const trickle = async (from: number, to: number) => {
      for (let second = from; second < to; second++) {
        await peer.write(bytes.subarray(second, second + 1));
        await clock.advance(1000);
      }
    };
    await trickle(0, 10);
    assertRefusal(await readAll(peer), "handshake-timeout", "408 Request Timeout");
    // A client that keeps sending has two seconds to read the answer and to end
    await trickle(10, 12);
    await server[Symbol.asyncDispose]();
    assertEquals(server.failures.map(({ failure }) => failure), ["handshake-timeout"]);
    assertEquals(clock.pending, 0);
    peer.close();
  });
}
