// Conversations on an open connection: messages both ways (RFC 6455 §5.4, §5.6), pings and pongs (§5.5.2, §5.5.3). Each
// is closed by the peer in the end.

import { both, type DialogueRow, type Message, type Peer, type Step } from "./dialogues_base.ts";
import { closing, hex, latin1, OPCODE, times, unhex, utf8 } from "./frames_base.ts";

const { continuation, text, binary, close, ping, pong } = OPCODE;
const HELLO = latin1("Hello");
const HELLO_HEX = hex(HELLO);
const OPEN = { fin: false };

const done = (from: Peer["from"]): Step[] => [
  { peer: from(close, closing(1000)) },
  { expectWire: [{ close: 1000, reason: "" }] },
  { peerEnds: true },
  { expectClosed: { closeCode: 1000, reason: "" } },
];

/** Messages that come back as they are. */
const ECHOES: readonly (readonly [name: string, message: Message])[] = [
  ["text", { text: "Hello" }],
  ["empty text", { text: "" }],
  ["text of one to four bytes a character", { text: "aä€𝄞" }],
  ["text with a NUL and a byte order mark", { text: "\ufeffa\0b" }],
  ["125 bytes of text", { text: "a".repeat(125) }],
  ["126 bytes of text", { text: "a".repeat(126) }],
  ["text of 126 bytes that is shorter in characters", { text: "ä".repeat(63) }],
  ["65536 bytes of text", { text: "a".repeat(65536) }],
  ["a binary message", { binary: "00 01 7f 80 ff" }],
  ["an empty binary message", { binary: "" }],
  ["125 bytes", { binary: hex(times(125)) }],
  ["126 bytes", { binary: hex(times(126)) }],
  ["65535 bytes", { binary: hex(times(65535)) }],
  ["65536 bytes", { binary: hex(times(65536)) }],
];

export const echoes: DialogueRow[] = [
  ...ECHOES.flatMap(([name, message]) =>
    both(`an echo of ${name}`, "RFC 6455 §5.6", ({ from }) => [
      { peer: "text" in message ? from(text, utf8(message.text)) : from(binary, unhex(message.binary)) },
      { expectMessage: message },
      { send: message },
      { expectWire: [message] },
      ...done(from),
    ])
  ),
  ...both("an echo of a fragmented message", "RFC 6455 §5.4", ({ from }) => [
    { peer: from(text, latin1("Hel"), OPEN) },
    { peer: from(continuation, [], OPEN) },
    { peer: from(continuation, latin1("lo")) },
    { expectMessage: { text: "Hello" } },
    { send: { text: "Hello" } },
    { expectWire: [{ text: "Hello" }] },
    ...done(from),
  ]),
  ...both("several messages in one piece, in their order", "RFC 6455 §5.4", ({ from }) => [
    { peer: `${from(text, latin1("a"))} ${from(binary, [1])} ${from(text)} ${from(text, latin1("b"))}` },
    { expectMessage: { text: "a" } },
    { expectMessage: { binary: "01" } },
    { expectMessage: { text: "" } },
    { expectMessage: { text: "b" } },
    ...done(from),
  ]),
  ...both("several messages of ours, in their order", "RFC 6455 §5.6", ({ from }) => [
    { send: { text: "a" } },
    { send: { binary: "01" } },
    { send: { text: "" } },
    { send: { binary: "" } },
    { send: { text: "b" } },
    { expectWire: [{ text: "a" }, { binary: "01" }, { text: "" }, { binary: "" }, { text: "b" }] },
    ...done(from),
  ]),
  ...both("a lone surrogate of ours becomes U+FFFD", "RFC 6455 §5.6", ({ from }) => [
    { send: { text: "a\ud800b" } },
    { expectWire: [{ text: "a\ufffdb" }] },
    ...done(from),
  ]),
  ...both("a message of ours inside a fragmented one of the peer", "RFC 6455 §5.4", ({ from }) => [
    { peer: from(text, latin1("Hel"), OPEN) },
    { send: { text: "now" } },
    { expectWire: [{ text: "now" }] },
    { peer: from(continuation, latin1("lo")) },
    { expectMessage: { text: "Hello" } },
    ...done(from),
  ]),
];

export const pings: DialogueRow[] = [
  ...both("a ping is answered with its payload", "RFC 6455 §5.5.3", ({ from }) => [
    { peer: from(ping, HELLO) },
    { expectWire: [{ pong: HELLO_HEX }] },
    ...done(from),
  ]),
  ...both("an empty ping is answered with an empty pong", "RFC 6455 §5.5.3", ({ from }) => [
    { peer: from(ping) },
    { expectWire: [{ pong: "" }] },
    ...done(from),
  ]),
  ...both("a ping of 125 bytes is answered with all of them", "RFC 6455 §5.5.3", ({ from }) => [
    { peer: from(ping, times(125, 0xff)) },
    { expectWire: [{ pong: hex(times(125, 0xff)) }] },
    ...done(from),
  ]),
  ...both("a ping inside a fragmented message is answered before the message ends", "RFC 6455 §5.4", ({ from }) => [
    { peer: `${from(text, latin1("Hel"), OPEN)} ${from(ping, HELLO)}` },
    { expectWire: [{ pong: HELLO_HEX }] },
    { peer: from(continuation, latin1("lo")) },
    { expectMessage: { text: "Hello" } },
    ...done(from),
  ]),
  ...both("pings one after the other are answered in their order", "RFC 6455 §5.5.2", ({ from }) => [
    { peer: from(ping, [1]) },
    { expectWire: [{ pong: "01" }] },
    { peer: from(ping, [2]) },
    { expectWire: [{ pong: "02" }] },
    ...done(from),
  ]),
  ...both("a pong that nobody has asked for is not answered", "RFC 6455 §5.5.3", ({ from }) => [
    { peer: from(pong, HELLO) },
    { expectWire: [] },
    ...done(from),
  ]),
  ...both("a ping of ours, and the peer's pong", "RFC 6455 §5.5.2", ({ from }) => [
    { ping: HELLO_HEX },
    { expectWire: [{ ping: HELLO_HEX }] },
    { peer: from(pong, HELLO) },
    { expectWire: [] },
    ...done(from),
  ]),
];
