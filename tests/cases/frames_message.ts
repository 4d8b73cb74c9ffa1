// Rows about messages made of frames (RFC 6455 §5.4), control frames between them (§5.5), and text (§8.1), which fails
// with the first byte that cannot stand where it stands: before the message, and even the frame, is complete.

import {
  closing,
  type Event,
  failure,
  type FrameRow,
  hex,
  latin1,
  OPCODE,
  rows,
  times,
  toward,
  unhex,
  utf8,
} from "./frames_base.ts";

const { continuation, text, binary, close, ping, pong } = OPCODE;
const masked = toward("server");
const plain = toward("client");
const HELLO = latin1("Hello");
const HELLO_HEX = hex(HELLO);
const OPEN = { fin: false };

/** A message in fragments. */
const fragments = (opcode: number, ...payloads: number[][]) =>
  payloads.map((payload, i) => masked(i === 0 ? opcode : continuation, payload, { fin: i === payloads.length - 1 }))
    .join(" ");

const first = masked(text, latin1("Hel"), OPEN);
const last = masked(continuation, latin1("lo"));
const [pinged, ponged] = [masked(ping, HELLO), masked(pong, HELLO)];

export const fragmented: FrameRow[] = [
  ...rows({ section: "RFC 6455 §5.4", role: "server" }, [
    ["text in two fragments", fragments(text, latin1("Hel"), latin1("lo")), [{ text: "Hello" }]],
    ["text in three fragments", fragments(text, latin1("H"), latin1("el"), latin1("lo")), [{ text: "Hello" }]],
    ["a binary message in three fragments", fragments(binary, [1], [2, 3], [4]), [{ binary: "01 02 03 04" }]],
    ["an empty first fragment", fragments(text, [], HELLO), [{ text: "Hello" }]],
    ["an empty last fragment", fragments(text, HELLO, []), [{ text: "Hello" }]],
    ["empty fragments in the middle", fragments(text, latin1("Hel"), [], [], latin1("lo")), [{ text: "Hello" }]],
    ["text of empty fragments only", fragments(text, [], [], []), [{ text: "" }]],
    ["a binary message of empty fragments only", fragments(binary, [], []), [{ binary: "" }]],
    ["1000 fragments of a byte", fragments(binary, ...times(1000).map((byte) => [byte])), [{
      binary: hex(times(1000)),
    }]],
    ["1000 empty fragments", fragments(binary, ...times(1000).map(() => [])), [{ binary: "" }]],
    ["fragments of different forms of length", fragments(binary, times(5), times(126), times(65536)), [
      { binary: hex(times(65667)) },
    ]],
    [
      "a fragmented message behind another",
      `${fragments(text, latin1("a"), latin1("b"))} ${fragments(binary, [1], [2])}`,
      [{ text: "ab" }, { binary: "01 02" }],
    ],
    ["a first fragment alone", first, []],
    ["fragments without a last one", `${first} ${masked(continuation, latin1("lo"), OPEN)}`, []],
  ]),
  ...rows({ section: "RFC 6455 §5.4", role: "client" }, [
    ["text in two fragments to a client", `${plain(text, latin1("Hel"), OPEN)} ${plain(continuation, latin1("lo"))}`, [
      { text: "Hello" },
    ]],
    ["a continuation frame that continues nothing to a client", plain(continuation, HELLO), [
      failure("continuation-unexpected"),
    ]],
    ["a new message inside another to a client", `${plain(text, HELLO, OPEN)} ${plain(text, HELLO)}`, [
      failure("continuation-expected"),
    ]],
  ]),
  ...rows({ section: "RFC 6455 §5.4", role: "server" }, [
    ["a continuation frame that continues nothing", masked(continuation, HELLO), [failure("continuation-unexpected")]],
    ["an empty continuation frame that continues nothing", masked(continuation), [failure("continuation-unexpected")]],
    ["a continuation frame that begins a message", masked(continuation, HELLO, OPEN), [
      failure("continuation-unexpected"),
    ]],
    ["a continuation frame behind a message of one frame", `${masked(text, HELLO)} ${masked(continuation, HELLO)}`, [
      { text: "Hello" },
      failure("continuation-unexpected"),
    ]],
    ["a continuation frame behind a fragmented message", `${first} ${last} ${last}`, [
      { text: "Hello" },
      failure("continuation-unexpected"),
    ]],
    ["a continuation frame behind a ping", `${pinged} ${last}`, [
      { ping: HELLO_HEX },
      failure("continuation-unexpected"),
    ]],
    ["text inside text", `${first} ${masked(text, HELLO)}`, [failure("continuation-expected")]],
    ["a binary message inside text", `${first} ${masked(binary, HELLO)}`, [failure("continuation-expected")]],
    ["text inside a binary message", `${masked(binary, HELLO, OPEN)} ${masked(text, HELLO)}`, [
      failure("continuation-expected"),
    ]],
    ["a second first fragment", `${first} ${masked(text, HELLO, OPEN)}`, [failure("continuation-expected")]],
    ["a new message behind a continuation", `${first} ${masked(continuation, [], OPEN)} ${masked(text, HELLO)}`, [
      failure("continuation-expected"),
    ]],
    ["a new message inside one that has only empty fragments", `${masked(text, [], OPEN)} ${masked(text, HELLO)}`, [
      failure("continuation-expected"),
    ]],
  ]),
];

export const controls: FrameRow[] = [
  ...rows({ section: "RFC 6455 §5.4", role: "server" }, [
    ["a ping between fragments", `${first} ${pinged} ${last}`, [{ ping: HELLO_HEX }, { text: "Hello" }]],
    ["a pong between fragments", `${first} ${ponged} ${last}`, [{ pong: HELLO_HEX }, { text: "Hello" }]],
    ["an empty ping between fragments", `${first} ${masked(ping)} ${last}`, [{ ping: "" }, { text: "Hello" }]],
    ["pings between all fragments", `${first} ${pinged} ${masked(continuation, [], OPEN)} ${pinged} ${last}`, [
      { ping: HELLO_HEX },
      { ping: HELLO_HEX },
      { text: "Hello" },
    ]],
    ["a Close frame between fragments", `${first} ${masked(close, closing(1001))} ${last}`, [
      { close: 1001, reason: "" },
    ]],
  ]),
  ...rows({ section: "RFC 6455 §5.5", role: "server" }, [
    ["a ping of 125 bytes", masked(ping, times(125)), [{ ping: hex(times(125)) }]],
    ["a pong of 125 bytes", masked(pong, times(125)), [{ pong: hex(times(125)) }]],
    ["a ping of bytes that are not UTF-8", masked(ping, [0xff, 0x00, 0xc0]), [{ ping: "ff 00 c0" }]],
    ["a ping of 126 bytes, by its header", masked(ping, [], { length: 126n }), [failure("control-too-long")]],
    ["a pong of 126 bytes, by its header", masked(pong, [], { length: 126n }), [failure("control-too-long")]],
    ["a Close frame of 126 bytes, by its header", masked(close, [], { length: 126n }), [failure("control-too-long")]],
    ["a ping of 65536 bytes, by its header", masked(ping, [], { length: 65536n }), [failure("control-too-long")]],
    ["a ping of 2^53 + 1 bytes, by its header", masked(ping, [], { length: (1n << 53n) + 1n }), [
      failure("control-too-long"),
    ]],
    ["a ping without FIN", masked(ping, HELLO, OPEN), [failure("control-fragmented")]],
    ["an empty ping without FIN", masked(ping, [], OPEN), [failure("control-fragmented")]],
    ["a pong without FIN", masked(pong, HELLO, OPEN), [failure("control-fragmented")]],
    ["a Close frame without FIN", masked(close, closing(1000), OPEN), [failure("control-fragmented")]],
    ["a ping without FIN between fragments", `${first} ${masked(ping, HELLO, OPEN)}`, [failure("control-fragmented")]],
  ]),
  ...rows({ section: "RFC 6455 §5.5", role: "client" }, [
    ["a ping of 126 bytes to a client", plain(ping, [], { length: 126n }), [failure("control-too-long")]],
    ["a ping without FIN to a client", plain(ping, HELLO, OPEN), [failure("control-fragmented")]],
  ]),
  ...rows({ section: "RFC 6455 §5.5.3", role: "server" }, [
    ["a pong that nobody has asked for", ponged, [{ pong: HELLO_HEX }]],
    ["a pong in front of a message", `${ponged} ${masked(text, HELLO)}`, [{ pong: HELLO_HEX }, { text: "Hello" }]],
  ]),
];

const WHOLE: readonly (readonly [name: string, text: string])[] = [
  ["a NUL", "a\0b"],
  ["U+007F", "\x7f"],
  ["U+0080, the first of two bytes", "\x80"],
  ["U+07FF, the last of two bytes", "\u07ff"],
  ["U+0800, the first of three bytes", "\u0800"],
  ["U+D7FF, the last before the surrogates", "\ud7ff"],
  ["U+E000, the first behind the surrogates", "\ue000"],
  ["U+FFFD, which stands for what is wrong elsewhere", "\ufffd"],
  ["U+FFFF, which is no character", "\uffff"],
  ["U+10000, the first of four bytes", "\u{10000}"],
  ["U+10FFFF, the last of all", "\u{10ffff}"],
  ["a byte order mark, which belongs to the text", "\ufeffHello"],
  ["a word in Greek", "κόσμε"],
  ["1000 characters of one to four bytes", "aä€𝄞".repeat(250)],
];

/** The bytes before the one that is wrong, and that one. */
const WRONG: readonly (readonly [name: string, bytes: string])[] = [
  ["a continuation byte at the beginning", "80"],
  ["the last continuation byte at the beginning", "bf"],
  ["C0, which only an overlong form begins with", "c0"],
  ["C1, which only an overlong form begins with", "c1"],
  ["F5, which is above U+10FFFF", "f5"],
  ["F8, which began five bytes once", "f8"],
  ["FE, which stands nowhere in UTF-8", "fe"],
  ["FF, which stands nowhere in UTF-8", "ff"],
  ["E0 80, an overlong form of three bytes", "e0 80"],
  ["E0 9F, the last overlong form of three bytes", "e0 9f"],
  ["F0 80, an overlong form of four bytes", "f0 80"],
  ["F0 8F, the last overlong form of four bytes", "f0 8f"],
  ["ED A0, the first surrogate", "ed a0"],
  ["ED BF, the last surrogates", "ed bf"],
  ["F4 90, the first above U+10FFFF", "f4 90"],
  ["a letter for the second byte of two", "c3 28"],
  ["a letter for the second byte of three", "e2 28"],
  ["a letter for the third byte of three", "e2 82 28"],
  ["a letter for the second byte of four", "f0 28"],
  ["a letter for the third byte of four", "f0 9d 28"],
  ["a letter for the fourth byte of four", "f0 9d 84 28"],
  ["a first byte for the second of two", "c3 c3"],
  ["a wrong byte behind right ones", "48 65 6c 6c 6f c3 a4 ff"],
  ["a wrong byte behind a byte order mark", "ef bb bf ff"],
];

const CUT: readonly (readonly [name: string, bytes: string])[] = [
  ["one byte of two", "c3"],
  ["one byte of three", "e2"],
  ["two bytes of three", "e2 82"],
  ["one byte of four", "f0"],
  ["two bytes of four", "f0 9d"],
  ["three bytes of four", "f0 9d 84"],
];

const NOT_UTF8: readonly Event[] = [failure("text-not-utf8")];

export const texts: FrameRow[] = [
  ...WHOLE.flatMap(([name, value]) =>
    rows({ section: "RFC 6455 §5.6", role: "server" }, [
      [`text with ${name}`, masked(text, utf8(value)), [{ text: value }]],
      [
        `text with ${name}, in fragments of a byte`,
        fragments(text, ...utf8(value).map((byte) => [byte])),
        [{ text: value }],
      ],
    ])
  ),
  ...WRONG.flatMap(([name, bytes]) =>
    rows({ section: "RFC 6455 §8.1", role: "server" }, [
      [`text with ${name}`, masked(text, unhex(bytes)), NOT_UTF8],
      [`text with ${name}, before the frame ends`, masked(text, unhex(bytes), { length: 100n }), NOT_UTF8],
      [
        `text with ${name}, in fragments of a byte without a last one`,
        unhex(bytes).map((byte, i) => masked(i === 0 ? text : continuation, [byte], OPEN)).join(" "),
        NOT_UTF8,
      ],
    ])
  ),
  ...CUT.flatMap(([name, bytes]) =>
    rows({ section: "RFC 6455 §8.1", role: "server" }, [
      [`text that ends with ${name}`, masked(text, [...HELLO, ...unhex(bytes)]), NOT_UTF8],
      [`text that may go on behind ${name}`, masked(text, unhex(bytes), OPEN), []],
      [`fragments that end with ${name}`, `${masked(text, unhex(bytes), OPEN)} ${masked(continuation)}`, NOT_UTF8],
    ])
  ),
  ...rows({ section: "RFC 6455 §5.6", role: "server" }, [
    [
      "a ping inside a character",
      `${masked(text, [0xe2], OPEN)} ${masked(ping, [0xff])} ${masked(continuation, [0x82, 0xac])}`,
      [{ ping: "ff" }, { text: "€" }],
    ],
    ["a binary message that is not UTF-8", masked(binary, [0xff, 0xc0, 0x80]), [{ binary: "ff c0 80" }]],
  ]),
  ...rows({ section: "RFC 6455 §8.1", role: "server" }, [
    ["text that is not UTF-8 behind text that is", `${masked(text, HELLO)} ${masked(text, [0xff])}`, [
      { text: "Hello" },
      failure("text-not-utf8"),
    ]],
    [
      "text that begins inside a character, behind text that is whole",
      `${masked(text, utf8("€"))} ${masked(text, [0x82, 0xac])}`,
      [{ text: "€" }, failure("text-not-utf8")],
    ],
  ]),
  ...rows({ section: "RFC 6455 §8.1", role: "client" }, [
    ["text that is not UTF-8 to a client", plain(text, [0xff]), NOT_UTF8],
    ["text that is not UTF-8 to a client, before the frame ends", plain(text, [0xff], { length: 100n }), NOT_UTF8],
  ]),
];
