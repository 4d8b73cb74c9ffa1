// Pings and pongs (RFC 6455 §5.5.2, §5.5.3), and what holds for every control frame: at most 125 octets, never fragmented
// (§5.5).

import { bothWays, type Case, chopped, group, letters, octets, type Row, type Turn } from "./case.ts";
import { close, continuation, type frame, ping, pong, text } from "./wire.ts";

/** A ping and its answer; each waits for the one before. */
function round(payload: string | Uint8Array): Turn {
  return { send: [ping(payload)], expect: [pong(payload)] };
}

const answered: Row[] = [
  ...bothWays({ name: "an empty ping", ...round("") }),
  ...bothWays({ name: "a ping with text", ...round("hello") }),
  ...bothWays({ name: "a binary ping", ...round(Uint8Array.of(0, 255, 254, 253, 252, 251, 0)) }),
  { name: "a ping that is not UTF-8", ...round(Uint8Array.of(0xed, 0xa0, 0x80, 0xc0, 0x80)) },
  { name: "a ping of 124 octets", ...round(octets(124)) },
  ...bothWays({ name: "a ping of 125 octets", ...round(octets(125)) }),
  { name: "each length from 0 to 125", turns: Array.from({ length: 126 }, (_, length) => round(octets(length))) },
  { name: "a ping between two messages", turns: [echo("one"), round("two"), echo("three")] },
  { name: "a ping with a key of zeros", send: [ping("hello", { mask: [0, 0, 0, 0] })], expect: [pong("hello")] },
];

function echo(message: string): Turn {
  return { send: [text(message)], expect: [text(message)] };
}

const TEN = Array.from({ length: 10 }, (_, index) => `payload ${index}`);

const many: Row[] = [
  ...bothWays({
    name: "ten pings at once, ten pongs in their order",
    send: TEN.map((each) => ping(each)),
    expect: TEN.map((each) => pong(each)),
  }),
  { name: "ten empty pings at once", send: Array(10).fill(ping()), expect: Array(10).fill(pong()) },
  {
    name: "ten pings of 125 octets at once, in writes of 100",
    send: TEN.map((_, index) => ping(octets(125).subarray(index))),
    expect: TEN.map((_, index) => pong(octets(125).subarray(index))),
    chop: 100,
  },
  { name: "a hundred pings, one after the other", turns: Array.from({ length: 100 }, (_, index) => round(`${index}`)) },
];

const [first, last] = [text("hel", { fin: false }), continuation("lo")];

const between: Row[] = [
  {
    name: "a ping between two fragments, answered before the second is sent",
    turns: [{ send: [first, ping("now")], expect: [pong("now")] }, { send: [last], expect: [text("hello")] }],
  },
  ...bothWays({
    name: "a ping between two fragments, all at once",
    send: [first, ping("now"), last],
    expect: [pong("now"), text("hello")],
  }),
  {
    name: "ten pings between two fragments",
    send: [first, ...TEN.map((each) => ping(each)), last],
    expect: [...TEN.map((each) => pong(each)), text("hello")],
  },
  {
    name: "a ping of 125 octets between two fragments",
    send: [first, ping(octets(125)), last],
    expect: [pong(octets(125)), text("hello")],
  },
];

const unsolicited: Row[] = [
  ...bothWays({ name: "an empty pong nobody asked for", send: [pong()], expect: [] }),
  ...bothWays({ name: "a pong nobody asked for", send: [pong("hello")], expect: [] }),
  { name: "a pong of 125 octets nobody asked for", send: [pong(octets(125))], expect: [] },
  { name: "a pong that is not UTF-8", send: [pong(Uint8Array.of(0xff, 0xc0))], expect: [] },
  { name: "a pong, then a ping", send: [pong("one"), ping("two")], expect: [pong("two")] },
  { name: "a pong, then a message", send: [pong("one"), text("two")], expect: [text("two")] },
  {
    name: "a hundred pongs, then a message",
    send: [...Array(100).fill(pong("no")), text("yes")],
    expect: [text("yes")],
  },
  { name: "a pong between two fragments", send: [first, pong("no"), last], expect: [text("hello")] },
];

const tooLong: Row[] = [
  ...bothWays({ name: "a ping of 126 octets", send: [ping(octets(126))], expect: [close(1002)] }),
  { name: "a ping of 126 octets after a good one", turns: [round("good"), failing(ping(octets(126)))] },
  { name: "a ping of 65535 octets", ...failing(ping(octets(65535))) },
  { name: "a ping of 65536 octets", ...failing(ping(octets(65536))) },
  { name: "a ping of 2^32 octets, header only", ...failing(ping("", { declared: 1n << 32n })) },
  { name: "a pong of 126 octets", ...failing(pong(octets(126))) },
  { name: "a pong of 65536 octets", ...failing(pong(octets(65536))) },
  { name: "a close of 126 octets", ...failing(close(1000, letters(124))) },
  { name: "a ping of 126 octets between two fragments", ...failing(first, ping(octets(126)), last) },
];

const fragmented: Row[] = [
  ...bothWays({ name: "a ping in two fragments", ...failing(ping("a", { fin: false }), continuation("b")) }),
  { name: "an empty ping without FIN", ...failing(ping("", { fin: false })) },
  { name: "a pong in two fragments", ...failing(pong("a", { fin: false }), continuation("b")) },
  { name: "an empty pong without FIN", ...failing(pong("", { fin: false })) },
  { name: "a close in two fragments", ...failing(close(1000, "", { fin: false }), continuation("bye")) },
  { name: "an empty close without FIN", ...failing(close(undefined, "", { fin: false })) },
  { name: "a ping without FIN between two fragments", ...failing(first, ping("a", { fin: false }), last) },
  chopped({ name: "a ping without FIN between two fragments", ...failing(first, ping("a", { fin: false }), last) }),
];

function failing(...send: ReturnType<typeof frame>[]): Turn {
  return { send, expect: [close(1002)] };
}

export const pings: readonly Case[] = [
  ...group("2.1", "§5.5.2, §5.5.3", answered),
  ...group("2.2", "§5.5.2, §5.5.3", many),
  ...group("2.3", "§5.4, §5.5.2", between),
  ...group("2.4", "§5.5.3", unsolicited),
  ...group("2.5", "§5.5", tooLong),
  ...group("2.6", "§5.5, §5.4", fragmented),
];
