// Compressed messages (RFC 7692), a thousand of one size in each case, as in families 12 and 13 of Autobahn's suite;
// its whole grid would be some ten gigabytes. Ours:
//
//   size                     16 B, 64 B, 256 B, 1 KiB, 4 KiB      8 KiB  16 KiB  32 KiB  64 KiB  128 KiB
//   12, each kind of data    whole                                whole
//   13, each combination     whole, as text and as binary;
//                            4 KiB as text in parts of 256 B
//   13, the first one                                             whole; in parts of 256 B
//   the second                                                           whole; in parts of 256 B
//   the third                                                            1 KiB   whole
//   the fourth                                                                           whole
//   the fifth                                                                    256 B
//   the sixth                                                                                    32 KiB
//   the seventh                                                                  4 KiB
//
// The combinations are Autobahn's: context takeover, or none in either direction, with a window of no, the smallest or
// the largest size for either direction. The smallest is 9 for a server, which may decline 8, as the cases of their
// own show; there, each parameter is alone, too. What is cut is what was compressed, as it is in Autobahn's suite.

import type { CompressedCase, Kind, Message } from "./deflate_client.ts";
import { BINARY, TEXT } from "./wire.ts";

const COUNT = 1000;
const KIB = 1 << 10;

/** All sizes are multiples of it, and every place in a text where it ends is one between two characters. */
const UNIT = 16;
/** How many octets of each kind there are; messages go through them, and begin again. */
const LENGTH = 1 << 19;

function noise(): () => number {
  let state = 1;
  return () => {
    state = Math.imul(state, 1103515245) + 12345 & 0x7fffffff;
    return state >> 16;
  };
}

/** Words, padded to units: `Grüße ` is written with 8 octets. */
function words(): Uint8Array {
  const next = noise(), data = new Uint8Array(LENGTH), encoder = new TextEncoder();
  const syllables = ["ge", "ma", "lich", "stra", "ße", "wär", "über", "нет", "世界", "👋", "the ", "and ", " "];
  const units = Array.from({ length: 300 }, () => {
    const unit = new Uint8Array(UNIT).fill(0x20);
    for (let at = 0; at < UNIT;) {
      const bytes = encoder.encode(syllables[next() % syllables.length]);
      if (at + bytes.length > UNIT) break;
      unit.set(bytes, at);
      at += bytes.length;
    }
    return unit;
  });
  for (let at = 0; at < LENGTH; at += UNIT) data.set(units[next() % units.length]!, at);
  return data;
}

/** Records, all ASCII. */
function json(): Uint8Array {
  const next = noise();
  const names = Array.from({ length: 500 }, () => (next() * 32768 + next()).toString(36).slice(0, 2 + next() % 5));
  const name = () => names[next() % names.length];
  const records: string[] = [];
  for (let length = 0; length < LENGTH; length += records.at(-1)!.length) {
    const flag = next() % 2 === 0;
    records.push(`{"id":${next()},"name":"${name()} ${name()}","active":${flag},"tags":["${name()}","${name()}"]},\n`);
  }
  return new TextEncoder().encode(records.join("").slice(0, LENGTH));
}

/** Shades that change slowly, with some grain. */
function picture(): Uint8Array {
  const next = noise();
  const shade = (i: number) => 128 + 90 * Math.sin(i / 611) * Math.cos((i >> 9) / 47);
  return Uint8Array.from({ length: LENGTH }, (_, i) => shade(i) + (next() % 8 === 0 ? next() % 4 : 0));
}

/** What no compressor makes smaller. */
function octets(): Uint8Array {
  const next = noise();
  return Uint8Array.from({ length: LENGTH }, () => next() >> 3);
}

const makers = { words, json, picture, octets };
const made = new Map<keyof typeof makers, Uint8Array>();

/** The messages of a case: each begins where the one before has ended. */
function messages(data: keyof typeof makers, kind: Kind, size: number): CompressedCase["messages"] {
  return {
    *[Symbol.iterator](): Generator<Message> {
      if (!made.has(data)) made.set(data, makers[data]());
      const all = made.get(data)!, opcode = kind === "text" ? TEXT : BINARY;
      for (let i = 0, at = 0; i < COUNT; i++, at += size) {
        if (at + size > LENGTH) at = 0;
        yield { opcode, payload: all.subarray(at, at + size) };
      }
    },
  };
}

const DEFAULT = { offer: "permessage-deflate; client_max_window_bits", answer: "permessage-deflate" };

interface Row {
  readonly data: keyof typeof makers;
  readonly kind: Kind;
  readonly size: number;
  /** How many octets a fragment has at most. */
  readonly fragment?: number;
}

const named = (size: number) => size >= KIB ? `${size / KIB} KiB` : `${size} octets`;

/** Cases `id.1`, `id.2`, … */
function group(id: string, section: string, negotiation: Pick<CompressedCase, "offer" | "answer">, rows: Row[]) {
  return rows.map(({ data, kind, size, fragment }, index): CompressedCase => ({
    id: `${id}.${index + 1}`,
    name: `${COUNT} messages of ${named(size)}, ${data} as ${kind}` +
      (fragment === undefined ? "" : `, in fragments of ${named(fragment)}`),
    section: `RFC 7692 ${section}`,
    ...negotiation,
    messages: messages(data, kind, size),
    fragment,
    // In a small message there may be nothing to make smaller
    mustCompress: negotiation.answer !== undefined && size >= 256 && data !== "octets",
  }));
}

const SMALL = [16, 64, 256, KIB, 4 * KIB];
const ofSizes = (data: Row["data"], kind: Kind, sizes: readonly number[]) =>
  sizes.map((size) => ({ data, kind, size }));

/** What is offered and answered, and the large sizes that belong to it. */
const combinations: readonly (readonly [offer: string, answer: string | undefined, large: Row[]])[] = [
  ["; client_max_window_bits", "", [
    { data: "json", kind: "text", size: 8 * KIB },
    { data: "json", kind: "binary", size: 8 * KIB, fragment: 256 },
  ]],
  [
    "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits",
    "; server_no_context_takeover; client_no_context_takeover",
    [
      { data: "json", kind: "binary", size: 16 * KIB },
      { data: "json", kind: "text", size: 16 * KIB, fragment: 256 },
    ],
  ],
  [
    "; server_max_window_bits=9; client_max_window_bits=9",
    "; server_max_window_bits=9; client_max_window_bits=9",
    [
      { data: "json", kind: "text", size: 32 * KIB },
      { data: "json", kind: "binary", size: 16 * KIB, fragment: KIB },
    ],
  ],
  [
    "; server_max_window_bits=15; client_max_window_bits=15",
    "; server_max_window_bits=15; client_max_window_bits=15",
    [{ data: "picture", kind: "binary", size: 64 * KIB }],
  ],
  [
    "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9",
    "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9",
    [{ data: "json", kind: "binary", size: 32 * KIB, fragment: 256 }],
  ],
  [
    "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15",
    "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=15",
    [{ data: "picture", kind: "binary", size: 128 * KIB, fragment: 32 * KIB }],
  ],
  [
    "; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits, " +
    "permessage-deflate; server_no_context_takeover; client_max_window_bits, permessage-deflate",
    "; server_no_context_takeover",
    [
      { data: "json", kind: "text", size: 32 * KIB, fragment: 4 * KIB },
    ],
  ],
];

/** Each parameter alone, and the smallest window. */
const alone: readonly (readonly [offer: string, answer: string | undefined])[] = [
  ["", ""],
  ["; server_no_context_takeover", "; server_no_context_takeover"],
  ["; client_no_context_takeover", "; client_no_context_takeover"],
  ["; server_max_window_bits=9", "; server_max_window_bits=9"],
  ["; client_max_window_bits=9", "; client_max_window_bits=9"],
  ["; client_max_window_bits=8", "; client_max_window_bits=8"],
  ["; server_max_window_bits=8", undefined],
  ["; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits", undefined],
];

const negotiation = (offer: string, answer: string | undefined) => ({
  offer: `permessage-deflate${offer}`,
  answer: answer === undefined ? undefined : `permessage-deflate${answer}`,
});

/** By what is in their titles. */
export const compressed: Readonly<Record<string, readonly CompressedCase[]>> = {
  "words compressed": group("12.1", "§7.2", DEFAULT, [
    ...ofSizes("words", "text", SMALL),
    { data: "words", kind: "text", size: 8 * KIB },
  ]),
  "JSON compressed": group("12.2", "§7.2", DEFAULT, ofSizes("json", "text", [...SMALL, 8 * KIB])),
  "pictures compressed": group("12.3", "§7.2", DEFAULT, ofSizes("picture", "binary", [...SMALL, 8 * KIB])),
  "noise compressed": group("12.4", "§7.2", DEFAULT, ofSizes("octets", "binary", [...SMALL, 8 * KIB])),
  ...Object.fromEntries(combinations.map(([offer, answer, large], index) => [
    `permessage-deflate${offer}`,
    group(`13.${index + 1}`, "§7.1", negotiation(offer, answer), [
      ...ofSizes("json", "text", SMALL),
      ...ofSizes("json", "binary", SMALL),
      { data: "json", kind: "text", size: 4 * KIB, fragment: 256 },
      ...large,
    ]),
  ])),
  "each parameter of permessage-deflate alone": alone.flatMap(([offer, answer], index) =>
    group(`13.8.${index + 1}`, "§7.1", negotiation(offer, answer), [
      { data: "json", kind: "text", size: 256 },
      { data: "words", kind: "binary", size: 4 * KIB, fragment: KIB },
    ])
  ),
};
