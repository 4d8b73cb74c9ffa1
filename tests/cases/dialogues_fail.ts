// Conversations that end badly (RFC 6455 §7.1.7, §7.2): the peer ends without a closing handshake, or breaks a rule,
// which is answered with a Close frame of the rule's own code; nothing of the peer is read any more.

import { as, both, type DialogueRow, type Peer, type Step } from "./dialogues_base.ts";
import { CLOSE_CODES, closing, type FrameFailure, latin1, OPCODE } from "./frames_base.ts";

const { continuation, text, binary, close, ping } = OPCODE;
const HELLO = latin1("Hello");
const OPEN = { fin: false };

const LOST: Step[] = [
  { peerEnds: true },
  { expectWire: [] },
  { expectClosed: { error: "connection-lost", closeCode: 1006 } },
];

export const losses: DialogueRow[] = [
  ...both("the peer ends before a byte", "RFC 6455 §7.1.5", () => LOST),
  ...both("the peer ends behind a message, which is not lost", "RFC 6455 §7.1.5", ({ from }) => [
    { peer: from(text, HELLO) },
    { expectMessage: { text: "Hello" } },
    ...LOST,
  ]),
  ...both("the peer ends inside a header", "RFC 6455 §7.2.1", () => [{ peer: "81" }, ...LOST]),
  ...both("the peer ends inside a frame", "RFC 6455 §7.2.1", ({ from }) => [
    { peer: from(text, HELLO).slice(0, -3) },
    ...LOST,
  ]),
  ...both("the peer ends between fragments", "RFC 6455 §7.2.1", ({ from }) => [
    { peer: from(text, HELLO, OPEN) },
    ...LOST,
  ]),
  ...both("the peer ends inside a Close frame", "RFC 6455 §7.2.1", ({ from }) => [
    { peer: from(close, closing(1000)).slice(0, -3) },
    ...LOST,
  ]),
  ...both("the peer ends without an answer to our Close frame", "RFC 6455 §7.1.5", () => [
    { close: { closeCode: 1000 } },
    { expectWire: [{ close: 1000, reason: "" }] },
    ...LOST,
  ]),
];

/** What breaks each rule. */
const BREAKS: readonly (readonly [failure: FrameFailure, bytes: (peer: Peer) => string])[] = [
  ["rsv-set", ({ from }) => from(text, HELLO, { rsv: 4 })],
  ["opcode-reserved", ({ from }) => from(3, HELLO)],
  ["control-fragmented", ({ from }) => from(ping, HELLO, OPEN)],
  ["control-too-long", ({ from }) => from(ping, [], { length: 126n })],
  ["continuation-unexpected", ({ from }) => from(continuation, HELLO)],
  ["continuation-expected", ({ from }) => `${from(text, HELLO, OPEN)} ${from(text, HELLO)}`],
  ["length-not-minimal", ({ from }) => from(binary, HELLO, { bits: 16 })],
  ["length-too-large", ({ from }) => from(binary, [], { length: 1n << 63n })],
  ["close-payload-short", ({ from }) => from(close, [3])],
  ["close-code-invalid", ({ from }) => from(close, closing(1006))],
  ["close-reason-not-utf8", ({ from }) => from(close, closing(1000, [0xff]))],
  ["text-not-utf8", ({ from }) => from(text, [0xff])],
  ["message-too-big", ({ from }) => from(binary, [], { length: 101n })],
];

/** A failure has been answered; what the peer still writes is not read. */
const failed = (error: FrameFailure, peer: Peer): Step[] => [
  { expectWire: [{ close: CLOSE_CODES[error] }] },
  { peer: `${peer.from(text, HELLO)} ${peer.from(ping, HELLO)} ${peer.from(close, closing(1000))}` },
  { expectWire: [] },
  { peerEnds: true },
  { expectClosed: { error, closeCode: CLOSE_CODES[error] } },
];

export const failures: DialogueRow[] = [
  ...BREAKS.flatMap(([error, bytes]) =>
    both(
      `${error} is answered with ${CLOSE_CODES[error]}`,
      "RFC 6455 §7.1.7",
      (peer) => [{ peer: bytes(peer) }, ...failed(error, peer)],
      { options: { maxMessageSize: 100 } },
    )
  ),
  ...as("server", "mask-missing is answered with 1002", "RFC 6455 §5.1", (peer) => [
    { peer: peer.wrong(text, HELLO) },
    ...failed("mask-missing", peer),
  ]),
  ...as("client", "mask-unexpected is answered with 1002", "RFC 6455 §5.1", (peer) => [
    { peer: peer.wrong(text, HELLO) },
    ...failed("mask-unexpected", peer),
  ]),
  ...both("a message in front of a failure in one piece is not lost", "RFC 6455 §7.1.7", (peer) => [
    { peer: `${peer.from(text, HELLO)} ${peer.from(3)}` },
    { expectMessage: { text: "Hello" } },
    ...failed("opcode-reserved", peer),
  ]),
  ...both("text that turns wrong is answered before its frame ends", "RFC 6455 §8.1", (peer) => [
    { peer: peer.from(text, [...HELLO, 0xff], { length: 100n }) },
    ...failed("text-not-utf8", peer),
  ]),
  ...both("a failure behind our Close frame writes no second one", "RFC 6455 §5.5.1", ({ from }) => [
    { close: { closeCode: 1000 } },
    { expectWire: [{ close: 1000, reason: "" }] },
    { peer: from(3) },
    { expectWire: [] },
    { peerEnds: true },
    { expectClosed: { error: "opcode-reserved", closeCode: 1002 } },
  ]),
  ...both("we close after a failure, which writes nothing more", "RFC 6455 §7.1.7", ({ from }) => [
    { peer: from(3) },
    { expectWire: [{ close: 1002 }] },
    { close: { closeCode: 1000 } },
    { expectWire: [] },
    { peerEnds: true },
    { expectClosed: { error: "opcode-reserved", closeCode: 1002 } },
  ]),
];
