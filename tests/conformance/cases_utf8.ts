// Text is UTF-8 (RFC 6455 §5.6, §8.1): every character arrives as it was sent however it is cut, and what cannot be
// UTF-8 any more fails the connection at the octet that shows it, though the rest of the message is still to come.

import { bothWays, type Case, chopped, fragments, group, type Row, split } from "./case.ts";
import { binary, close, continuation, type Frame, ping, pong, text } from "./wire.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** The first and the last character of each length, those beside the surrogates, and those that tempt to be special. */
const CHARACTERS: [string, string][] = [
  ["U+0000", "00"],
  ["U+007F", "7f"],
  ["U+0080", "c280"],
  ["U+07FF", "dfbf"],
  ["U+0800", "e0a080"],
  ["U+0FFF", "e0bfbf"],
  ["U+1000", "e18080"],
  ["U+CFFF", "ecbfbf"],
  ["U+D000", "ed8080"],
  ["U+D7FF", "ed9fbf"],
  ["U+E000", "ee8080"],
  ["U+FDD0, a noncharacter", "efb790"],
  ["U+FEFF, the byte order mark", "efbbbf"],
  ["U+FFFD, the replacement character", "efbfbd"],
  ["U+FFFE, a noncharacter", "efbfbe"],
  ["U+FFFF, a noncharacter", "efbfbf"],
  ["U+10000", "f0908080"],
  ["U+3FFFF", "f0bfbfbf"],
  ["U+40000", "f1808080"],
  ["U+FFFFF", "f3bfbfbf"],
  ["U+100000", "f4808080"],
  ["U+10FFFF", "f48fbfbf"],
];

const characters: Row[] = CHARACTERS.flatMap(([name, hex]) => {
  const alone = text(bytes(hex));
  const within = text(bytes(`41${hex}${hex}5a`));
  return [
    { name: `${name}, alone`, send: [alone], expect: [alone] },
    chopped({ name: `${name}, within letters`, send: [within], expect: [within] }),
    { name: `${name}, a fragment for each octet`, send: fragments(within, 1), expect: [within] },
  ];
});

const MIXED = "Zwölf Bälle – 世界 🌍🌎🌏 e\u0301 \u{1f469}\u200d\u{1f680}";

/** One row for each place where `MIXED` can be cut in two. */
const cuts: Row[] = Array.from({ length: text(MIXED).payload.length - 1 }, (_, index) => ({
  name: `mixed text cut behind octet ${index + 1}`,
  send: split(text(MIXED), index + 1),
  expect: [text(MIXED)],
}));

const euro = text("€");

const state: Row[] = [
  ...bothWays({
    name: "a ping within a character",
    send: [text(bytes("e282"), { fin: false }), ping("now"), continuation(bytes("ac"))],
    expect: [pong("now"), euro],
  }),
  {
    name: "an empty fragment within a character",
    send: [text(bytes("e2"), { fin: false }), continuation("", { fin: false }), continuation(bytes("82ac"))],
    expect: [euro],
  },
  {
    name: "a character that ends one message is forgotten in the next",
    send: [euro, text(bytes("ac"))],
    expect: [euro, close(1007)],
  },
  {
    name: "half a character in binary does not reach into text",
    send: [binary(bytes("e282")), text("a")],
    expect: [binary(bytes("e282")), text("a")],
  },
  { name: "binary that is not UTF-8", send: [binary(bytes("c080eda080ff"))], expect: [binary(bytes("c080eda080ff"))] },
  {
    name: "binary in fragments that is not UTF-8",
    send: fragments(binary(bytes("c080eda080ff")), 1),
    expect: [binary(bytes("c080eda080ff"))],
  },
  echoedTwice("a byte order mark in each of two messages", text("\ufefftext")),
  echoedTwice("nothing but a byte order mark", text("\ufeff")),
  // Long enough for every way of checking many octets at once, with a long character across each likely boundary.
  ...[15, 31, 63, 127, 4095, 65535].map((before): Row => {
    const message = text(`${"a".repeat(before)}🌍${"a".repeat(before)}`);
    return { name: `a character behind ${before} letters`, send: [message], expect: [message] };
  }),
];

function echoedTwice(name: string, message: Frame): Row {
  return { name, send: [message, message], expect: [message, message] };
}

/** Octets, the last of which shows that they are not UTF-8, whatever follows. */
const INVALID: [string, string][] = [
  ["a continuation octet alone, the first", "80"],
  ["a continuation octet alone, the last", "bf"],
  ["a continuation octet too many", "e282ac80"],
  ["overlong U+0000 in two octets", "c0"],
  ["overlong U+007F in two octets", "c1"],
  ["overlong U+0000 in three octets", "e080"],
  ["overlong U+07FF in three octets", "e09f"],
  ["overlong U+0000 in four octets", "f080"],
  ["overlong U+FFFF in four octets", "f08f"],
  ["the surrogate U+D800", "eda0"],
  ["the surrogate U+DFFF", "edbf"],
  ["the surrogate U+DBFF", "edaf"],
  ["U+110000", "f490"],
  ["U+13FFFF", "f4bf"],
  ["U+140000", "f5"],
  ["a head of five octets", "f8"],
  ["a head of six octets", "fc"],
  ["FE", "fe"],
  ["FF", "ff"],
  ["a head of two octets, then a letter", "c341"],
  ["a head of two octets, then another", "c3c3"],
  ["a head of three octets, then a letter", "e241"],
  ["two of three octets, then a letter", "e28241"],
  ["two of three octets, then a head", "e282e2"],
  ["a head of four octets, then a letter", "f041"],
  ["two of four octets, then a letter", "f09f41"],
  ["three of four octets, then a letter", "f09f9841"],
  ["three of four octets, then FF", "f09f98ff"],
];

const invalid: Row[] = INVALID.flatMap(([name, hex]) => [
  { name: `${name}, in a whole message`, send: [text(bytes(`41${hex}5a`)), text("after")], expect: [close(1007)] },
  {
    name: `${name}, as soon as seen within a frame`,
    send: [text("before"), text(bytes(hex), { declared: 1000n })],
    expect: [text("before"), close(1007)],
  },
  {
    name: `${name}, as soon as seen at the end of a fragment`,
    send: [text(bytes(hex), { fin: false })],
    expect: [close(1007)],
  },
  chopped({
    name: `${name}, a fragment for each octet`,
    send: [...fragments(text(bytes(hex)), 1)].map((each) => ({ ...each, fin: false })),
    expect: [close(1007)],
  }),
]);

const TRUNCATED: [string, string][] = [
  ["one of two octets", "c3"],
  ["one of three octets", "e2"],
  ["two of three octets", "e282"],
  ["one of four octets", "f0"],
  ["two of four octets", "f09f"],
  ["three of four octets", "f09f98"],
];

const truncated: Row[] = TRUNCATED.flatMap(([name, hex]) => [
  { name: `${name} at the end`, send: [text(bytes(`41${hex}`)), text("after")], expect: [close(1007)] },
  chopped({ name: `${name} at the end`, send: [text(bytes(hex))], expect: [close(1007)] }),
  {
    name: `${name} at the end of the last fragment`,
    send: [text("a", { fin: false }), continuation(bytes(hex))],
    expect: [close(1007)],
  },
  {
    name: `${name}, then an empty last fragment`,
    send: [text(bytes(hex), { fin: false }), continuation()],
    expect: [close(1007)],
  },
]);

const late: Row[] = [
  { name: "a pair of surrogates", send: [text(bytes("eda080edb080")), text("after")], expect: [close(1007)] },
  ...[15, 31, 63, 127, 4095, 65535].map((before): Row => ({
    name: `FF behind ${before} letters, the rest still to come`,
    send: [text(Uint8Array.of(...text("a".repeat(before)).payload, 0xff), { declared: 1n << 20n })],
    expect: [close(1007)],
  })),
  {
    name: "FF in the third fragment",
    send: [
      text("one", { fin: false }),
      continuation("two", { fin: false }),
      continuation(bytes("ff"), { fin: false }),
    ],
    expect: [close(1007)],
  },
  {
    name: "a character that the next fragment breaks",
    send: [text(bytes("e282"), { fin: false }), ping("now"), continuation("a", { fin: false })],
    expect: [pong("now"), close(1007)],
  },
];

export const utf8: readonly Case[] = [
  ...group("6.1", "§5.6, §8.1", characters),
  ...group("6.2", "§5.4, §5.6", cuts),
  ...group("6.3", "§5.6, §8.1", state),
  ...group("6.4", "§8.1, §7.4.1", invalid),
  ...group("6.5", "§8.1, §7.4.1", truncated),
  ...group("6.6", "§8.1, §7.4.1", late),
];
