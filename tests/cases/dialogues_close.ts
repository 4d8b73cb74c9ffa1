// Conversations about the closing handshake in all its orders (RFC 6455 §5.5.1, §7.1): the peer begins, we begin, both
// do, and what comes in front of a Close frame and behind it.

import { as, both, type DialogueRow, type Step } from "./dialogues_base.ts";
import { closing, hex, latin1, OPCODE, utf8 } from "./frames_base.ts";

const { continuation, text, binary, close, ping, pong } = OPCODE;
const HELLO = latin1("Hello");
const HELLO_HEX = hex(HELLO);
const OPEN = { fin: false };

const closed = (closeCode: number, reason = ""): Step[] => [
  { peerEnds: true },
  { expectClosed: { closeCode, reason } },
];

export const theirs: DialogueRow[] = [
  ...both(
    "the peer closes with code and reason, which we answer with the code alone",
    "RFC 6455 §5.5.1",
    ({ from }) => [
      { peer: from(close, closing(1001, latin1("bye"))) },
      { expectWire: [{ close: 1001, reason: "" }] },
      ...closed(1001, "bye"),
    ],
  ),
  ...both("the peer closes with a code alone", "RFC 6455 §5.5.1", ({ from }) => [
    { peer: from(close, closing(1000)) },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("the peer closes with nothing, which we answer with nothing", "RFC 6455 §7.1.5", ({ from }) => [
    { peer: from(close) },
    { expectWire: [{ close: 1005 }] },
    ...closed(1005),
  ]),
  ...both("the peer closes with a private code and a reason in UTF-8", "RFC 6455 §7.1.6", ({ from }) => [
    { peer: from(close, closing(4999, utf8("tschüß"))) },
    { expectWire: [{ close: 4999, reason: "" }] },
    ...closed(4999, "tschüß"),
  ]),
  ...both("the peer closes with an error code, which is a clean close", "RFC 6455 §7.1.4", ({ from }) => [
    { peer: from(close, closing(1002)) },
    { expectWire: [{ close: 1002, reason: "" }] },
    ...closed(1002),
  ]),
  ...both("the peer closes behind a message in one piece", "RFC 6455 §5.5.1", ({ from }) => [
    { peer: `${from(text, HELLO)} ${from(close, closing(1000))}` },
    { expectMessage: { text: "Hello" } },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("the peer closes inside a fragmented message, which is lost", "RFC 6455 §5.4", ({ from }) => [
    { peer: from(text, HELLO, OPEN) },
    { peer: from(close, closing(1000)) },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("what the peer writes behind its Close frame is not read", "RFC 6455 §5.5.1", ({ from, wrong }) => [
    { peer: from(close, closing(1000)) },
    { expectWire: [{ close: 1000, reason: "" }] },
    { peer: `${from(text, HELLO)} ${from(close, closing(1001))} ${wrong(text, HELLO)} ff ff ff` },
    { expectWire: [] },
    ...closed(1000),
  ]),
  ...both("what the peer writes behind its Close frame in one piece is not read", "RFC 6455 §5.5.1", ({ from }) => [
    { peer: `${from(close, closing(1000))} ${from(text, HELLO)} ${from(ping, HELLO)} ${from(3)}` },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("we close after the peer has, which writes nothing more", "RFC 6455 §7.1.5", ({ from }) => [
    { peer: from(close, closing(1001)) },
    { expectWire: [{ close: 1001, reason: "" }] },
    { close: { closeCode: 4000 } },
    { expectWire: [] },
    ...closed(1001),
  ]),
  ...both("the peer's Close frame and its end come together", "RFC 6455 §7.1.4", ({ from }) => [
    { peer: from(close, closing(1000, latin1("bye"))) },
    { peerEnds: true },
    { expectWire: [{ close: 1000, reason: "" }] },
    { expectClosed: { closeCode: 1000, reason: "bye" } },
  ]),
  ...as(
    "server",
    "a server ends its side once it has answered the peer's Close frame",
    "RFC 6455 §5.5.1",
    ({ from }) => [
      { peer: from(close, closing(1000)) },
      { expectWire: [{ close: 1000, reason: "" }] },
      { expectEnd: true },
      ...closed(1000),
    ],
  ),
];

export const ours: DialogueRow[] = [
  ...both("we close with code and reason, and the peer answers with both", "RFC 6455 §7.1.2", ({ from }) => [
    { close: { closeCode: 1001, reason: "bye" } },
    { expectWire: [{ close: 1001, reason: "bye" }] },
    { peer: from(close, closing(1001, latin1("bye"))) },
    { expectWire: [] },
    ...closed(1001, "bye"),
  ]),
  ...both("we close with nothing, and the peer answers with nothing", "RFC 6455 §7.1.5", ({ from }) => [
    { close: {} },
    { expectWire: [{ close: 1005 }] },
    { peer: from(close) },
    ...closed(1005),
  ]),
  ...both("we close with a reason alone, which means 1000", "RFC 6455 §5.5.1", ({ from }) => [
    { close: { reason: "bye" } },
    { expectWire: [{ close: 1000, reason: "bye" }] },
    { peer: from(close, closing(1000)) },
    ...closed(1000),
  ]),
  ...both("the peer answers with another code, which is the one that counts", "RFC 6455 §7.1.5", ({ from }) => [
    { close: { closeCode: 4000, reason: "ours" } },
    { expectWire: [{ close: 4000, reason: "ours" }] },
    { peer: from(close, closing(4001, latin1("theirs"))) },
    { expectWire: [] },
    ...closed(4001, "theirs"),
  ]),
  ...both("we close twice, which writes one Close frame", "RFC 6455 §7.1.2", ({ from }) => [
    { close: { closeCode: 1000 } },
    { close: { closeCode: 4000, reason: "again" } },
    { expectWire: [{ close: 1000, reason: "" }] },
    { peer: from(close, closing(1000)) },
    ...closed(1000),
  ]),
  ...both("we close behind messages, which go out first", "RFC 6455 §5.5.1", ({ from }) => [
    { send: { text: "Hello" } },
    { send: { binary: "01 02" } },
    { close: { closeCode: 1000 } },
    { expectWire: [{ text: "Hello" }, { binary: "01 02" }, { close: 1000, reason: "" }] },
    { peer: from(close, closing(1000)) },
    ...closed(1000),
  ]),
  ...both("messages that come after our Close frame are thrown away", "RFC 6455 §1.4", ({ from }) => [
    { close: { closeCode: 1000 } },
    { expectWire: [{ close: 1000, reason: "" }] },
    { peer: `${from(text, HELLO)} ${from(binary, HELLO)} ${from(text, HELLO, OPEN)} ${from(continuation, HELLO)}` },
    { peer: from(close, closing(1000)) },
    ...closed(1000),
  ]),
  ...both("a message that is whole before our Close frame is not thrown away", "RFC 6455 §5.5.1", ({ from }) => [
    { peer: from(text, HELLO) },
    { expectMessage: { text: "Hello" } },
    { close: { closeCode: 1000 } },
    { peer: from(close, closing(1000)) },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("we close inside a fragmented message of the peer, which is lost", "RFC 6455 §5.4", ({ from }) => [
    { peer: from(text, HELLO, OPEN) },
    { close: { closeCode: 1000 } },
    { peer: `${from(continuation, HELLO)} ${from(close, closing(1000))}` },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("we close inside a frame of the peer, which is lost", "RFC 6455 §5.2", ({ from }) => [
    { peer: from(text, HELLO).slice(0, -6) },
    { close: { closeCode: 1000 } },
    { peer: from(text, HELLO).slice(-5) },
    { peer: from(close, closing(1000)) },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("both close at once, each with a code of its own", "RFC 6455 §7.1.5", ({ from }) => [
    { send: { text: "last" } },
    { close: { closeCode: 1001, reason: "ours" } },
    { peer: `${from(text, HELLO)} ${from(close, closing(4000, latin1("theirs")))}` },
    { expectWire: [{ text: "last" }, { close: 1001, reason: "ours" }] },
    ...closed(4000, "theirs"),
  ]),
  ...as(
    "server",
    "a server ends its side once the peer has answered its Close frame",
    "RFC 6455 §7.1.1",
    ({ from }) => [
      { close: { closeCode: 1000 } },
      { expectWire: [{ close: 1000, reason: "" }] },
      { peer: from(close, closing(1000)) },
      { expectEnd: true },
      ...closed(1000),
    ],
  ),
];

export const pings: DialogueRow[] = [
  ...both("a ping in front of the peer's Close frame is answered in front of ours", "RFC 6455 §5.5.2", ({ from }) => [
    { peer: `${from(ping, HELLO)} ${from(close, closing(1000))}` },
    { expectWire: [{ pong: HELLO_HEX }, { close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("a ping behind the peer's Close frame is not answered", "RFC 6455 §5.5.2", ({ from }) => [
    { peer: from(close, closing(1000)) },
    { peer: from(ping, HELLO) },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
  ...both("a ping between our Close frame and the peer's is answered", "RFC 6455 §5.5.2", ({ from }) => [
    { close: { closeCode: 1000 } },
    { expectWire: [{ close: 1000, reason: "" }] },
    { peer: from(ping, HELLO) },
    { expectWire: [{ pong: HELLO_HEX }] },
    { peer: from(close, closing(1000)) },
    ...closed(1000),
  ]),
  ...both("a pong between our Close frame and the peer's changes nothing", "RFC 6455 §5.5.3", ({ from }) => [
    { close: { closeCode: 1000 } },
    { peer: `${from(pong, HELLO)} ${from(close, closing(1000))}` },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...closed(1000),
  ]),
];
