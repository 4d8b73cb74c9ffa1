// The closing handshake (RFC 6455 §5.5.1, §7): the code comes back, a wrong payload fails the connection, and nothing
// behind the Close frame is looked at. That the end of the stream follows is part of every case.

import { bothWays, type Case, group, letters, octets, type Row } from "./case.ts";
import { binary, CLOSE, close, continuation, frame, ping, pong, text } from "./wire.ts";

const answered: Row[] = [
  ...bothWays({ name: "an empty close", send: [close()], expect: [close()] }),
  ...bothWays({ name: "a code alone", send: [close(1000)], expect: [close(1000)] }),
  ...bothWays({ name: "a code and a reason", send: [close(1000, "bye")], expect: [close(1000)] }),
  { name: "a reason of 122 octets", send: [close(1000, letters(122))], expect: [close(1000)] },
  ...bothWays({ name: "a reason of 123 octets", send: [close(1000, letters(123))], expect: [close(1000)] }),
  { name: "a reason of 123 octets in long characters", send: [close(1000, "世".repeat(41))], expect: [close(1000)] },
  { name: "a reason with U+0000 and U+10FFFF", send: [close(1000, "\0\u{10ffff}")], expect: [close(1000)] },
  { name: "a reason with a byte order mark", send: [close(1000, "\ufeffbye")], expect: [close(1000)] },
  { name: "a close with a key of zeros", send: [close(1000, "", { mask: [0, 0, 0, 0] })], expect: [close(1000)] },
];

const GOOD = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...[3000, 3001, 3999, 4000, 4001, 4999],
];
const BAD = [
  ...[0, 1, 255, 256, 999],
  ...[1004, 1005, 1006, 1015, 1016, 1017, 1099, 1100, 2000, 2999],
  ...[5000, 9999, 32768, 59395, 65535],
];

const goodCodes: Row[] = GOOD.flatMap((code) => [
  { name: `the code ${code}`, send: [close(code)], expect: [close(code)] },
  { name: `the code ${code} with a reason`, send: [close(code, "bye")], expect: [close(code)] },
]);

const badCodes: Row[] = BAD.flatMap((code) => [
  { name: `the code ${code}`, send: [close(code)], expect: [close(1002)] },
  { name: `the code ${code} with a reason`, send: [close(code, "bye")], expect: [close(1002)] },
]);

const badPayloads: Row[] = [
  ...bothWays({ name: "a payload of one octet", send: [frame(CLOSE, Uint8Array.of(3))], expect: [close(1002)] }),
  { name: "a payload of one zero", send: [frame(CLOSE, Uint8Array.of(0))], expect: [close(1002)] },
  {
    name: "a payload of one octet behind a message",
    send: [text("before"), frame(CLOSE, Uint8Array.of(3))],
    expect: [text("before"), close(1002)],
  },
  { name: "a reason of 124 octets", send: [close(1000, letters(124))], expect: [close(1002)] },
  { name: "a reason of 65536 octets", send: [frame(CLOSE, octets(65538))], expect: [close(1002)] },
];

const REASONS: [string, number[]][] = [
  ["a stray continuation octet", [0x80]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["an overlong character of three octets", [0xe0, 0x80, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a character beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["FE and FF", [0xfe, 0xff]],
  ["half a character at its end", [0x62, 0x79, 0x65, 0xe2, 0x82]],
];

const badReasons: Row[] = [
  ...REASONS.map(([name, reason]): Row => ({
    name: `a reason with ${name}`,
    send: [close(1000, Uint8Array.from(reason))],
    expect: [close(1007)],
  })),
  {
    name: "half a character at the end of 123 octets",
    send: [close(1000, Uint8Array.of(...letters(122), 0xc3))],
    expect: [close(1007)],
  },
  {
    name: "a reason that is not UTF-8 behind a message",
    send: [text("before"), close(1000, Uint8Array.of(0xff))],
    expect: [text("before"), close(1007)],
  },
  // The unfinished text and the reason are two texts: the one does not complete the other.
  {
    name: "the other half of an unfinished message's character as the reason",
    send: [text(Uint8Array.of(0xe2, 0x82), { fin: false }), close(1000, Uint8Array.of(0xac))],
    expect: [close(1007)],
  },
];

const ignored: Row[] = [
  ...bothWays({ name: "a message behind it", send: [close(1000), text("late")], expect: [close(1000)] }),
  ...bothWays({ name: "a ping behind it", send: [close(1000), ping("late")], expect: [close(1000)] }),
  { name: "a pong behind it", send: [close(1000), pong("late")], expect: [close(1000)] },
  { name: "a second close behind it", send: [close(1000), close(1001)], expect: [close(1000)] },
  { name: "a close with a code behind an empty one", send: [close(), close(1001)], expect: [close()] },
  { name: "ten closes", send: Array(10).fill(close(4000, "again")), expect: [close(4000)] },
  { name: "a reserved opcode behind it", send: [close(1000), frame(3, "late")], expect: [close(1000)] },
  { name: "a frame with RSV 7 behind it", send: [close(1000), text("late", { rsv: 7 })], expect: [close(1000)] },
  {
    name: "a frame without a mask behind it",
    send: [close(1000), text("late", { mask: false })],
    expect: [close(1000)],
  },
  { name: "text that is not UTF-8 behind it", send: [close(1000), text(Uint8Array.of(255))], expect: [close(1000)] },
  { name: "a huge header behind it", send: [close(1000), text("", { declared: 1n << 40n })], expect: [close(1000)] },
  { name: "half a message behind it", send: [close(1000), text("late", { fin: false })], expect: [close(1000)] },
  { name: "a continuation behind it", send: [close(1000), continuation("late")], expect: [close(1000)] },
  { name: "64 KiB behind it", send: [close(1000), binary(octets(65536))], expect: [close(1000)] },
  // A server that closes with octets unread resets the connection, and its last words with it.
  { name: "192 KiB behind it", send: [close(1000), binary(octets(192 << 10))], expect: [close(1000)] },
  { name: "192 KiB behind a frame that failed", send: [frame(3), binary(octets(192 << 10))], expect: [close(1002)] },
  {
    name: "ten messages and ten pings behind it",
    send: [close(3000), ...Array(10).fill([text("late"), ping("late")]).flat()],
    expect: [close(3000)],
  },
  { name: "a good close behind a bad one", send: [close(999), close(1000)], expect: [close(1002)] },
  { name: "a close behind a frame that failed", send: [frame(3), close(1000)], expect: [close(1002)] },
];

const behindMessages: Row[] = [
  ...bothWays({ name: "a message right before it", send: [text("a"), close(1000)], expect: [text("a"), close(1000)] }),
  {
    name: "a hundred messages right before it",
    send: [...Array(100).fill(binary(octets(1000))), close(1001)],
    expect: [...Array(100).fill(binary(octets(1000))), close(1001)],
  },
  {
    name: "a message of 1 MiB right before it",
    send: [binary(octets(1 << 20)), close(1000)],
    expect: [binary(octets(1 << 20)), close(1000)],
  },
  { name: "a ping right before it", send: [ping("now"), close(1000)], expect: [pong("now"), close(1000)] },
  {
    name: "an answered message and an answered ping before it",
    turns: [
      { send: [text("one")], expect: [text("one")] },
      { send: [ping("two")], expect: [pong("two")] },
      { send: [close(1000, "three")], expect: [close(1000)] },
    ],
  },
];

const halfClosed: Row[] = [
  { name: "the end of our stream behind it", send: [close(1000)], expect: [close(1000)], end: true },
  { name: "the end of our stream behind an empty one", send: [close()], expect: [close()], end: true },
  {
    name: "the end of our stream behind a message and it",
    send: [text("before"), close(1000)],
    expect: [text("before"), close(1000)],
    end: true,
  },
  {
    name: "the end of our stream behind a frame that fails",
    send: [text("before"), frame(3)],
    expect: [text("before"), close(1002)],
    end: true,
  },
];

export const closing: readonly Case[] = [
  ...group("7.1", "§5.5.1", answered),
  ...group("7.2", "§5.5.1, §7.4", goodCodes),
  ...group("7.3", "§7.4.1, §7.4.2", badCodes),
  ...group("7.4", "§5.5, §5.5.1", badPayloads),
  ...group("7.5", "§5.5.1, §8.1", badReasons),
  ...group("7.6", "§5.5.1, §5.5.2, §7.1.1", ignored),
  ...group("7.7", "§5.5.1", behindMessages),
  ...group("7.8", "§5.5.1, §7.1.7", halfClosed),
];
