// What is reserved for extensions, none of which was offered: the three bits beside FIN and ten of the opcodes
// (RFC 6455 §5.2, §5.8). What came before is still answered, what comes behind is not looked at (§7.1.7).

import { type Case, chopped, group, letters, type Row } from "./case.ts";
import { BINARY, binary, CLOSE, close, continuation, frame, PING, ping, PONG, TEXT, text } from "./wire.ts";

const NEVER = [text("after"), ping("after")];

const CARRIERS: [string, number, string | Uint8Array][] = [
  ["text", TEXT, "hello"],
  ["binary", BINARY, "hello"],
  ["ping", PING, "hello"],
  ["pong", PONG, "hello"],
  ["close", CLOSE, close(1000).payload],
];

const bits: Row[] = [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => [
  ...CARRIERS.map(([name, opcode, payload]) => ({
    name: `RSV ${rsv} on ${name} after a good message`,
    send: [text("before"), frame(opcode, payload, { rsv }), ...NEVER],
    expect: [text("before"), close(1002)],
  })),
  {
    name: `RSV ${rsv} on a continuation after a good message`,
    send: [text("before"), text("a", { fin: false }), continuation("b", { rsv }), ...NEVER],
    expect: [text("before"), close(1002)],
  },
  { name: `RSV ${rsv} on the first frame`, send: [text("hello", { rsv })], expect: [close(1002)] },
]);

const bitsElsewhere: Row[] = [
  chopped({
    name: "RSV 1 on text after a good message",
    send: [text("before"), text("hello", { rsv: 1 }), ...NEVER],
    expect: [text("before"), close(1002)],
  }),
  // RSV1 is what permessage-deflate would take (RFC 7692), had it been agreed on.
  { name: "RSV 4 on an empty text", send: [text("", { rsv: 4 }), ...NEVER], expect: [close(1002)] },
  { name: "RSV 4 on an empty ping", send: [ping("", { rsv: 4 }), ...NEVER], expect: [close(1002)] },
  {
    name: "RSV 4 on the first of two fragments",
    send: [text("a", { rsv: 4, fin: false }), continuation("b")],
    expect: [close(1002)],
  },
  {
    name: "RSV 2 on a ping between two fragments",
    send: [text("a", { fin: false }), ping("hello", { rsv: 2 }), continuation("b")],
    expect: [close(1002)],
  },
  {
    name: "RSV 7 after a hundred good messages",
    send: [...Array(100).fill(binary(letters(200))), binary("bad", { rsv: 7 })],
    expect: [...Array(100).fill(binary(letters(200))), close(1002)],
  },
];

const RESERVED = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

const opcodes: Row[] = RESERVED.flatMap((opcode) => [
  { name: `opcode ${opcode} as the first frame, empty`, send: [frame(opcode)], expect: [close(1002)] },
  { name: `opcode ${opcode} as the first frame`, send: [frame(opcode, "hello"), ...NEVER], expect: [close(1002)] },
  {
    name: `opcode ${opcode} after an echo`,
    turns: [
      { send: [text("before")], expect: [text("before")] },
      { send: [frame(opcode, "hello"), ...NEVER], expect: [close(1002)] },
    ],
  },
  chopped({
    name: `opcode ${opcode} right behind a message`,
    send: [text("before"), frame(opcode, "hello"), ...NEVER],
    expect: [text("before"), close(1002)],
  }),
  {
    name: `opcode ${opcode} between two fragments`,
    send: [text("a", { fin: false }), frame(opcode, "hello"), continuation("b")],
    expect: [close(1002)],
  },
]);

export const reservedBits: readonly Case[] = [
  ...group("3.1", "§5.2, §7.1.7", bits),
  ...group("3.2", "§5.2", bitsElsewhere),
];

export const reservedOpcodes: readonly Case[] = group("4.1", "§5.2, §7.1.7", opcodes);
