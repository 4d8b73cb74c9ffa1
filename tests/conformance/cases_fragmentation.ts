// Messages in fragments (RFC 6455 §5.4): whatever the cuts, the message is the sum of its fragments in their order, with
// the type of the first; control frames may come between them, another message may not.

import { bothWays, type Case, chopped, fragments, group, letters, octets, type Row, split } from "./case.ts";
import { binary, close, continuation, type Frame, ping, pong, text } from "./wire.ts";

const open = { fin: false } as const;

/** `message` sent in fragments of `size` octets. */
function cut(message: Frame, kind: string, size: number): Row {
  const count = Math.ceil(message.payload.length / size);
  return { name: `${kind} in ${count} fragments of ${size}`, send: fragments(message, size), expect: [message] };
}

const whole: Row[] = [
  ...bothWays(cut(text("hello"), "text", 3)),
  ...bothWays(cut(binary(octets(5)), "binary", 3)),
  ...bothWays(cut(text("hello!"), "text", 2)),
  ...bothWays(cut(text("hello!"), "text", 1)),
  cut(binary(octets(10)), "binary", 1),
  cut(text(letters(1000)), "text", 10),
  ...bothWays(cut(binary(octets(1000)), "binary", 1)),
  cut(text(letters(250)), "text", 125),
  cut(binary(octets(252)), "binary", 126),
  cut(text(letters(381)), "text", 127),
  chopped(cut(binary(octets(131070)), "binary", 65535), 4093),
  chopped(cut(binary(octets(131072)), "binary", 65536), 4093),
  { name: "two fragments in two writes", turns: inTurn(...split(text("hello"), 2)) },
  { name: "five fragments in five writes", turns: inTurn(...fragments(text("hello"), 1)) },
];

/** Each frame in a write of its own; the message is due behind the last. */
function inTurn(...frames: Frame[]) {
  return frames.map((frame, index) => ({
    send: [frame],
    expect: index < frames.length - 1 ? [] : [text("hello")],
  }));
}

const empties: Row[] = [
  ...bothWays({ name: "the first empty", send: [text("", open), continuation("a")], expect: [text("a")] }),
  ...bothWays({ name: "the last empty", send: [text("a", open), continuation()], expect: [text("a")] }),
  {
    name: "the middle empty",
    send: [text("a", open), continuation("", open), continuation("b")],
    expect: [text("ab")],
  },
  ...bothWays({ name: "two, all empty", send: [text("", open), continuation()], expect: [text()] }),
  { name: "two, all empty, binary", send: [binary("", open), continuation()], expect: [binary()] },
  {
    name: "three, all empty",
    send: [text("", open), continuation("", open), continuation()],
    expect: [text()],
  },
  {
    name: "ten thousand empty ones before the last",
    send: [binary("", open), ...Array(10_000).fill(continuation("", open)), continuation("end")],
    expect: [binary("end")],
  },
];

const [hel, lo] = split(text("hello"), 3) as [Frame, Frame];

const interleaved: Row[] = [
  ...bothWays({
    name: "a ping between each two of six",
    send: [...fragments(text("hello!"), 1)].flatMap((each, index) => index ? [ping(`${index}`), each] : [each]),
    expect: [pong("1"), pong("2"), pong("3"), pong("4"), pong("5"), text("hello!")],
  }),
  {
    name: "a pong and a ping between two",
    send: [hel, pong("no"), ping("yes"), lo],
    expect: [pong("yes"), text("hello")],
  },
  {
    name: "a ping between two, then an empty one",
    send: [text("", open), ping("one"), continuation("", open), ping("two"), continuation()],
    expect: [pong("one"), pong("two"), text()],
  },
  {
    name: "pings answered while the message waits",
    turns: [
      { send: [hel, ping("one")], expect: [pong("one")] },
      { send: [continuation("", open), ping("two")], expect: [pong("two")] },
      { send: [ping("three")], expect: [pong("three")] },
      { send: [lo], expect: [text("hello")] },
    ],
  },
  {
    name: "a ping within a large binary one",
    send: [binary(octets(60_000), open), ping("now"), continuation(octets(60_000))],
    expect: [pong("now"), binary(Uint8Array.of(...octets(60_000), ...octets(60_000)))],
  },
];

const sequences: Row[] = [
  ...bothWays({
    name: "text in fragments, then binary whole",
    send: [hel, lo, binary("whole")],
    expect: [text("hello"), binary("whole")],
  }),
  {
    name: "binary in fragments, then text in fragments",
    send: [...split(binary("first"), 2), ...split(text("second"), 4)],
    expect: [binary("first"), text("second")],
  },
  {
    name: "text whole, then binary in fragments, then text whole",
    send: [text("one"), ...split(binary("two"), 1), text("three")],
    expect: [text("one"), binary("two"), text("three")],
  },
  {
    name: "a hundred messages in fragments of one octet",
    send: Array(100).fill([...fragments(text("hello"), 1)]).flat(),
    expect: Array(100).fill(text("hello")),
  },
];

/** `send` fails the connection, and nothing behind it is looked at. */
function refused(name: string, send: Frame[], expect: Frame[] = []): Row {
  return { name, send: [...send, text("after"), ping("after")], expect: [...expect, close(1002)] };
}

const outOfPlace: Row[] = [
  ...bothWays(refused("a last continuation as the first frame", [continuation("a")])),
  ...bothWays(refused("a continuation without FIN as the first frame", [continuation("a", open), continuation("b")])),
  refused("an empty last continuation as the first frame", [continuation()]),
  refused("an empty continuation without FIN as the first frame", [continuation("", open)]),
  ...bothWays(refused("a continuation behind a whole message", [text("one"), continuation("two")], [text("one")])),
  refused("a continuation behind a message in fragments", [hel, lo, continuation("!")], [text("hello")]),
  refused("a continuation without FIN behind a message in fragments", [hel, lo, continuation("!", open)], [
    text("hello"),
  ]),
  refused("a continuation behind a ping", [ping("one"), continuation("two")], [pong("one")]),
  ...bothWays(refused("text within text", [hel, text("lo")])),
  refused("binary within text", [hel, binary("lo")]),
  refused("text within binary", [binary("hel", open), text("lo")]),
  refused("text without FIN within text", [hel, text("lo", open), continuation("!")]),
  refused("empty text within text", [hel, text()]),
  refused("text behind an empty first fragment", [text("", open), text("lo")]),
  refused("text behind two fragments", [hel, continuation("l", open), text("o")]),
  refused("text within text, behind a ping", [hel, ping("one"), text("lo")], [pong("one")]),
];

const closed: Row[] = [
  ...bothWays({ name: "a close behind the first fragment", send: [hel, close(1000)], expect: [close(1000)] }),
  { name: "an empty close behind the first fragment", send: [hel, close()], expect: [close()] },
  {
    name: "a close behind a hundred fragments",
    send: [binary("", open), ...Array(100).fill(continuation("more", open)), close(1001, "enough")],
    expect: [close(1001)],
  },
  { name: "a close between two fragments", send: [hel, close(1000), lo], expect: [close(1000)] },
  {
    name: "a close within a second message",
    send: [text("one"), binary("two", open), close(4000)],
    expect: [text("one"), close(4000)],
  },
  // Half a character is no error before the message ends.
  {
    name: "a close behind half a character",
    send: [text(Uint8Array.of(0xe2, 0x82), open), close(1000)],
    expect: [close(1000)],
  },
];

export const fragmentation: readonly Case[] = [
  ...group("5.1", "§5.4, §6.2", whole),
  ...group("5.2", "§5.4", empties),
  ...group("5.3", "§5.4, §5.5", interleaved),
  ...group("5.4", "§5.4, §6.2", sequences),
  ...group("5.5", "§5.4, §7.1.7", outOfPlace),
  ...group("5.6", "§5.4, §5.5.1", closed),
];
