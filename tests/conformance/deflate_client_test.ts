// The judge of compression judged: a server that answers with bytes written down here, most of them wrong, and what
// playCompressed() says to them.

import { assertEquals } from "@std/assert";
import { hex, latin1, test } from "../kit/harness.ts";
import { listenRaw } from "../kit/tcp.ts";
import { type CompressedCase, playCompressed } from "./deflate_client.ts";
import { text } from "./wire.ts";

const AGREED = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9";
const ROW: CompressedCase = {
  id: "0",
  name: "two echoes",
  section: "RFC 7692 §7.2",
  offer: `${AGREED}; client_max_window_bits`,
  answer: AGREED,
  messages: [text("Hello"), text("Hello")],
  fragment: 2,
  mustCompress: true,
};

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const HELLO = "c1 07 f248cdc9c90700", CLOSE = "88 02 03e8";

/** What the server agrees to, what it sends, and what is found; nothing when the case passes. */
const ANSWERS: readonly (readonly [name: string, agreed: string, bytes: string, got?: string])[] = [
  ["both echoes", AGREED, `${HELLO} ${HELLO} ${CLOSE}`],
  ["an echo in fragments", AGREED, `41 03 f248cd 80 04 c9c90700 ${HELLO} ${CLOSE}`],
  ["no extension", "", HELLO, "no Sec-WebSocket-Extensions"],
  [
    "a parameter less",
    "permessage-deflate; server_max_window_bits=9",
    HELLO,
    "permessage-deflate; server_max_window_bits=9",
  ],
  ["an echo that is not compressed", AGREED, "81 05 48656c6c6f", "Text of 5 octets: 48 65 6c 6c 6f, not compressed"],
  ["RSV1 on a continuation", AGREED, "41 03 f248cd c0 04 c9c90700", "a frame of opcode 0 and length 4 with RSV 4"],
  ["RSV1 on the Close frame", AGREED, `${HELLO} ${HELLO} c8 02 03e8`, "a frame of opcode 8 and length 2 with RSV 4"],
  ["RSV2", AGREED, "e1 07 f248cdc9c90700", "a frame of opcode 1 and length 7 with RSV 6"],
  ["a reference to the message before", AGREED, `${HELLO} c1 05 f200110000`, "a distance of 5 after 1 octets"],
  [
    "an end that is not to be sent",
    AGREED,
    "c1 0b f248cdc9c907000000ffff",
    "a stored block that does not end",
  ],
  ["another message", AGREED, "c1 03 4a0400", "Text of 1 octets: 61"],
];

for (const [name, agreed, bytes, got] of ANSWERS) {
  test(`playCompressed() ${got === undefined ? "passes" : "fails"} a server that sends ${name}`, async () => {
    using listener = await listenRaw();
    const serve = async () => {
      using conn = await listener.accept();
      await conn.read(new Uint8Array(1024));
      const head = `${SWITCH}${agreed === "" ? "" : `Sec-WebSocket-Extensions: ${agreed}\r\n`}\r\n`;
      await conn.write(Uint8Array.of(...latin1(head), ...hex(bytes)));
      await conn.closeWrite();
      while (await conn.read(new Uint8Array(1024)) !== null);
    };
    const [failure] = await Promise.all([playCompressed(listener.port, ROW), serve()]);
    assertEquals(failure?.got, got);
  });
}
