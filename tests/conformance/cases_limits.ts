// Large messages, whole, in fragments and in small writes, up to the largest a server takes by default (16 MiB), and what
// is just too large: refused with 1009 on its header, before the payload is there (RFC 6455 §10.4, §7.4.1).

import { type Case, chopped, echoed, fragments, group, letters, octets, type Row, split } from "./case.ts";
import { binary, close, continuation, type Frame, ping, pong, text } from "./wire.ts";

const KIB = 1 << 10;
const MIB = 1 << 20;
const LIMIT = 16 * MIB;

function named(size: number): string {
  return size >= MIB ? `${size / MIB} MiB` : size >= KIB ? `${size / KIB} KiB` : `${size} octets`;
}

function ofSize(size: number): [string, Frame][] {
  return [[`text of ${named(size)}`, text(letters(size))], [`binary of ${named(size)}`, binary(octets(size))]];
}

const whole: Row[] = [64 * KIB, 256 * KIB, MIB, 4 * MIB, LIMIT].flatMap((size) =>
  ofSize(size).map(([name, message]) => echoed(name, message))
);

/** How much of it is sent in how small parts: together they take seconds, not minutes. */
const PARTS: [size: number, part: number][] = [
  [64 * KIB, 64],
  [256 * KIB, 64],
  [256 * KIB, 256],
  [MIB, 256],
  [MIB, KIB],
  [4 * MIB, 4 * KIB],
  [4 * MIB, 64 * KIB],
  [LIMIT, 64 * KIB],
];

const inFragments: Row[] = [
  ...PARTS.flatMap(([size, part]) =>
    ofSize(size).map(([name, message]): Row => ({
      name: `${name} in fragments of ${named(part)}`,
      send: fragments(message, part),
      expect: [message],
    }))
  ),
  {
    name: "text of 256 KiB in fragments of one octet",
    send: fragments(text(letters(256 * KIB)), 1),
    expect: [text(letters(256 * KIB))],
  },
  {
    name: "binary of 64 KiB in fragments of one octet, in writes of 1000",
    send: fragments(binary(octets(64 * KIB)), 1),
    expect: [binary(octets(64 * KIB))],
    chop: 1000,
  },
];

const inWrites: Row[] = PARTS.flatMap(([size, part]) =>
  ofSize(size).map(([name, message]) => chopped(echoed(name, message), part))
);

const MULTILINGUAL = text("é€🌍世界\n".repeat(64 * KIB));

const characters: Row[] = [
  echoed("text of long characters", MULTILINGUAL),
  chopped(echoed("text of long characters", MULTILINGUAL), 4093),
  { name: "text of long characters in fragments of 509", send: fragments(MULTILINGUAL, 509), expect: [MULTILINGUAL] },
];

/** `count` messages of `size` octets, all sent before the first echo is waited for. */
function burst(count: number, size: number): Row {
  return echoed(`${count} messages of ${named(size)} at once`, ...Array(count).fill(binary(octets(size))));
}

const bursts: Row[] = [
  burst(10_000, 16),
  burst(1000, KIB),
  burst(100, 64 * KIB),
  burst(16, MIB),
  {
    name: "a thousand messages, one after the other",
    turns: Array.from({ length: 1000 }, (_, size) => ({ send: [text(letters(size))], expect: [text(letters(size))] })),
  },
];

const full = fragments(binary(octets(LIMIT)), 64 * KIB);
/** All of the limit in fragments, and the message still open. */
const fullAndOpen: Iterable<Frame> = {
  *[Symbol.iterator]() {
    for (const each of full) yield { ...each, fin: false };
  },
};

const exactly: Row[] = [
  {
    name: "16 MiB in two fragments",
    send: split(binary(octets(LIMIT)), LIMIT / 2),
    expect: [binary(octets(LIMIT))],
  },
  {
    name: "16 MiB in fragments, then an empty last one",
    send: {
      *[Symbol.iterator]() {
        yield* fullAndOpen;
        yield continuation();
      },
    },
    expect: [binary(octets(LIMIT))],
  },
  {
    name: "16 MiB twice: the sum starts anew with each message",
    turns: Array(2).fill({ send: full, expect: [binary(octets(LIMIT))] }),
  },
];

const beyond: Row[] = [
  { name: "text of 16 MiB and 1, header only", ...refused(text("", { declared: BigInt(LIMIT + 1) })) },
  { name: "binary of 16 MiB and 1, header only", ...refused(binary("", { declared: BigInt(LIMIT + 1) })) },
  chopped({ name: "binary of 16 MiB and 1, header only", ...refused(binary("", { declared: BigInt(LIMIT + 1) })) }),
  { name: "binary of 32 MiB, header only", ...refused(binary("", { declared: BigInt(2 * LIMIT) })) },
  {
    name: "a first fragment of 16 MiB and 1, header only",
    ...refused(binary("", { fin: false, declared: BigInt(LIMIT + 1) })),
  },
  {
    name: "one octet, then a continuation of 16 MiB, header only",
    ...refused(binary("a", { fin: false }), continuation("", { declared: BigInt(LIMIT) })),
  },
  {
    name: "a ping between one octet and a continuation of 16 MiB, header only",
    send: [text("a", { fin: false }), ping("now"), continuation("", { declared: BigInt(LIMIT) })],
    expect: [pong("now"), close(1009)],
  },
  {
    name: "16 MiB in fragments, then a continuation of one octet, header only",
    send: {
      *[Symbol.iterator]() {
        yield* fullAndOpen;
        yield continuation("", { declared: 1n });
      },
    },
    expect: [close(1009)],
  },
  {
    name: "a good message, then one of 16 MiB and 1, header only",
    send: [text("before"), binary("", { declared: BigInt(LIMIT + 1) })],
    expect: [text("before"), close(1009)],
  },
];

function refused(...send: Frame[]) {
  return { send, expect: [close(1009)] };
}

export const limits: readonly Case[] = [
  ...group("8.1", "§5.2, §6.2", whole),
  ...group("8.2", "§5.4, §6.2", inFragments),
  ...group("8.3", "§5.2, §6.2", inWrites),
  ...group("8.4", "§5.6", characters),
  ...group("8.5", "§6.2", bursts),
  ...group("8.6", "§10.4", exactly),
  ...group("8.7", "§10.4, §7.4.1", beyond),
];
