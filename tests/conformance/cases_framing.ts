// How a frame says what it is: its length, in each of its three forms, and its mask (RFC 6455 §5.1 to §5.3).

import { type Case, chopped, echoed, group, letters, octets, type Row } from "./case.ts";
import { binary, close, continuation, type Frame, ping, pong, text } from "./wire.ts";

const LENGTHS = [0, 1, 124, 125, 126, 127, 128, 65535, 65536, 65537];

const byLength: Row[] = LENGTHS.flatMap((length) => [
  echoed(`text of ${length} octets`, text(letters(length))),
  echoed(`binary of ${length} octets`, binary(octets(length))),
  chopped(echoed(`binary of ${length} octets`, binary(octets(length))), length > 128 ? 997 : 1),
]);

/** One good message, then `frames`, which fail the connection, then frames that nobody may look at any more. */
function refused(name: string, ...frames: Frame[]): Row {
  return {
    name,
    send: [text("before"), ...frames, text("after"), ping("after")],
    expect: [text("before"), close(1002)],
  };
}

const wide = { lengthBits: 16 } as const;
const widest = { lengthBits: 64 } as const;

const notMinimal: Row[] = [
  refused("text of 0 octets, length in 16 bits", text("", wide)),
  refused("text of 1 octet, length in 16 bits", text("a", wide)),
  refused("text of 124 octets, length in 16 bits", text(letters(124), wide)),
  refused("text of 125 octets, length in 16 bits", text(letters(125), wide)),
  refused("text of 0 octets, length in 64 bits", text("", widest)),
  refused("text of 125 octets, length in 64 bits", text(letters(125), widest)),
  refused("text of 126 octets, length in 64 bits", text(letters(126), widest)),
  refused("text of 65535 octets, length in 64 bits", text(letters(65535), widest)),
  refused("binary of 0 octets, length in 16 bits", binary("", wide)),
  refused("binary of 125 octets, length in 16 bits", binary(octets(125), wide)),
  refused("binary of 0 octets, length in 64 bits", binary("", widest)),
  refused("binary of 126 octets, length in 64 bits", binary(octets(126), widest)),
  refused("binary of 65535 octets, length in 64 bits", binary(octets(65535), widest)),
  refused("continuation of 1 octet, length in 16 bits", text("a", { fin: false }), continuation("b", wide)),
  refused("continuation of 1 octet, length in 64 bits", text("a", { fin: false }), continuation("b", widest)),
  refused("ping of 5 octets, length in 16 bits", ping("hello", wide)),
  refused("ping of 5 octets, length in 64 bits", ping("hello", widest)),
  refused("pong of 5 octets, length in 16 bits", pong("hello", wide)),
  refused("close of 2 octets, length in 16 bits", close(1000, "", wide)),
  refused("close of 2 octets, length in 64 bits", close(1000, "", widest)),
];

/** A header that declares `declared` octets of payload, and none of them. */
function declaring(name: string, declared: bigint, code: number, start: (shape: { declared: bigint }) => Frame): Row {
  return { name, send: [text("before"), start({ declared })], expect: [text("before"), close(code)] };
}

const tooLarge: Row[] = [
  declaring("binary of 2^63 octets", 1n << 63n, 1002, (shape) => binary("", shape)),
  declaring("binary of 2^63 + 5 octets", (1n << 63n) + 5n, 1002, (shape) => binary("", shape)),
  declaring("binary of 2^64 - 1 octets", (1n << 64n) - 1n, 1002, (shape) => binary("", shape)),
  declaring("text of 2^63 octets", 1n << 63n, 1002, (shape) => text("", shape)),
  declaring("text of 2^64 - 1 octets", (1n << 64n) - 1n, 1002, (shape) => text("", shape)),
  chopped(declaring("text of 2^63 octets", 1n << 63n, 1002, (shape) => text("", shape))),
];

const HUGE: [string, bigint][] = [
  ["2^31", 1n << 31n],
  ["2^32", 1n << 32n],
  ["2^32 + 5", (1n << 32n) + 5n],
  ["2^53 - 1", (1n << 53n) - 1n],
  ["2^53 + 1", (1n << 53n) + 1n],
  ["2^63 - 1", (1n << 63n) - 1n],
];

const huge: Row[] = HUGE.flatMap(([name, length]) => [
  declaring(`text of ${name} octets, header only`, length, 1009, (shape) => text("", shape)),
  declaring(`binary of ${name} octets, header only`, length, 1009, (shape) => binary("", shape)),
]);

const unmasked: Row[] = [
  refused("text without a mask", text("hello", { mask: false })),
  refused("empty text without a mask", text("", { mask: false })),
  refused("text of 126 octets without a mask", text(letters(126), { mask: false })),
  refused("binary without a mask", binary("hello", { mask: false })),
  refused("binary of 65536 octets without a mask", binary(octets(65536), { mask: false })),
  refused("continuation without a mask", text("a", { fin: false }), continuation("b", { mask: false })),
  refused("ping without a mask", ping("hello", { mask: false })),
  refused("empty ping without a mask", ping("", { mask: false })),
  refused("pong without a mask", pong("hello", { mask: false })),
  refused("close without a mask", close(1000, "", { mask: false })),
  refused("empty close without a mask", close(undefined, "", { mask: false })),
  { name: "text without a mask as the first frame", send: [text("hello", { mask: false })], expect: [close(1002)] },
  chopped(refused("text without a mask", text("hello", { mask: false }))),
];

const masked: Row[] = [
  echoed("a key of zeros on text", text("hello", { mask: [0, 0, 0, 0] })),
  echoed("a key of zeros on binary of 65536 octets", binary(octets(65536), { mask: [0, 0, 0, 0] })),
  echoed("a key of ones", binary(octets(300), { mask: [255, 255, 255, 255] })),
  echoed("a key with only its first octet set", binary(octets(300), { mask: [1, 0, 0, 0] })),
  echoed("a key with only its last octet set", binary(octets(300), { mask: [0, 0, 0, 1] })),
  echoed("the key that turns the payload into zeros", text("abcdabcd", { mask: [97, 98, 99, 100] })),
  {
    name: "a key of zeros on ping and close",
    send: [ping("hello", { mask: [0, 0, 0, 0] }), close(1001, "bye", { mask: [0, 0, 0, 0] })],
    expect: [pong("hello"), close(1001)],
  },
  // The key starts anew with each frame, and never with each read.
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((length) =>
    chopped(echoed(`three times ${length} octets`, ...Array(3).fill(binary(octets(length)))), 3)
  ),
  chopped(echoed("binary of 65539 octets", binary(octets(65539))), 1021),
  chopped(echoed("binary of 65539 octets", binary(octets(65539))), 4096),
];

const sequences: Row[] = [
  echoed("text and binary by turns", ...Array(50).fill([text("hello"), binary(octets(17))]).flat()),
  chopped(echoed("text and binary by turns", ...Array(10).fill([text("hello"), binary(octets(17))]).flat())),
  echoed("300 messages, each one octet longer", ...Array.from({ length: 300 }, (_, size) => binary(octets(size)))),
  chopped(
    echoed("300 messages, each one octet longer", ...Array.from({ length: 300 }, (_, n) => text(letters(n)))),
    61,
  ),
  echoed("1000 empty messages", ...Array(1000).fill(text())),
];

export const framing: readonly Case[] = [
  ...group("1.1", "§5.2, §6.2", byLength),
  ...group("1.2", "§5.2", notMinimal),
  ...group("1.3", "§5.2", tooLarge),
  ...group("1.4", "§10.4, §7.4.1", huge),
  ...group("1.5", "§5.1", unmasked),
  ...group("1.6", "§5.3", masked),
  ...group("1.7", "§5.2, §6.2", sequences),
];
