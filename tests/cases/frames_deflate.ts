// Rows about compressed messages (RFC 7692 §6, §7.2): where RSV1 may stand, the examples of the RFC, blocks of every kind,
// what is in the window and what is not, and streams that can't be inflated.

import { agreed, deflated, noise, stored } from "./deflate.ts";
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
const HELLO = latin1("Hello");
const HELLO_HEX = hex(HELLO);
const SAID: readonly Event[] = [{ text: "Hello" }];
const INVALID: readonly Event[] = [failure("deflate-invalid")];
const RSV_SET: readonly Event[] = [failure("rsv-set")];

/** The payloads of §7.2.3. */
const COMPRESSED = unhex("f2 48 cd c9 c9 07 00"), AGAIN = unhex("f2 00 11 00 00");
const FINAL = unhex("f3 48 cd c9 c9 07 00 00"), TWO_BLOCKS = unhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00");

const OPEN = { fin: false };
const MARKED = { rsv: 4 }, MARKED_OPEN = { rsv: 4, fin: false };

/** A compressed message in one frame; and in fragments. */
const whole = (opcode: number, payload: readonly number[]) => masked(opcode, payload, MARKED);
const fragments = (opcode: number, ...payloads: (readonly number[])[]) =>
  payloads.map((payload, i) => {
    const fin = i === payloads.length - 1;
    return masked(i === 0 ? opcode : continuation, payload, { fin, rsv: i === 0 ? 4 : 0 });
  }).join(" ");
const single = (bytes: readonly number[]) => bytes.map((byte) => [byte]);

/** Nothing is kept between the messages of one side. */
const SERVER_BARE = { deflate: agreed({ serverNoContextTakeover: true }) };
const CLIENT_BARE = { deflate: agreed({ clientNoContextTakeover: true }) };

const deflate = agreed();

export const deflateExamples: FrameRow[] = [
  ...rows({ section: "RFC 7692 §7.2.3.1", role: "client", deflate }, [
    ["a message of one compressed block", "c1 07 f2 48 cd c9 c9 07 00", SAID],
    ["a message of one compressed block in two fragments", "41 03 f2 48 cd 80 04 c9 c9 07 00", SAID],
    ["the first fragment of a message of one compressed block", "41 03 f2 48 cd", []],
  ]),
  ...rows({ section: "RFC 7692 §7.2.3.2", role: "client", deflate }, [
    ["a message that points into the one before", "c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00", [
      ...SAID,
      ...SAID,
    ]],
    [
      "a message that points into the one before, with uncompressed ones between",
      "c1 07 f2 48 cd c9 c9 07 00 81 03 61 62 63 01 01 61 80 01 62 c1 05 f2 00 11 00 00",
      [...SAID, { text: "abc" }, { text: "ab" }, ...SAID],
    ],
    [
      "a message that points into the one before, both in fragments",
      "41 03 f2 48 cd 80 04 c9 c9 07 00 41 02 f2 00 00 02 11 00 80 01 00",
      [...SAID, ...SAID],
    ],
  ]),
  ...rows({ section: "RFC 7692 §7.2.3.2", role: "client", ...SERVER_BARE }, [
    ["the same bytes twice, with nothing kept", "c1 07 f2 48 cd c9 c9 07 00 c1 07 f2 48 cd c9 c9 07 00", [
      ...SAID,
      ...SAID,
    ]],
  ]),
  ...rows({ section: "RFC 7692 §7.2.3.3", role: "client", deflate }, [
    ["a message of a block without compression", "c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00", SAID],
    ["a message of a block without compression in two fragments", "41 04 00 05 00 fa 80 07 ff 48 65 6c 6c 6f 00", SAID],
  ]),
  ...rows({ section: "RFC 7692 §7.2.3.4", role: "client", deflate }, [
    ["a message of a block with BFINAL", "c1 08 f3 48 cd c9 c9 07 00 00", SAID],
    ["a message of a block with BFINAL in two fragments", "41 07 f3 48 cd c9 c9 07 00 80 01 00", SAID],
  ]),
  ...rows({ section: "RFC 7692 §7.2.3.5", role: "client", deflate }, [
    ["a message of two compressed blocks", "c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00", SAID],
    ["a message of two compressed blocks in two fragments", "41 08 f2 48 05 00 00 00 ff ff 80 05 ca c9 c9 07 00", SAID],
  ]),
  ...rows({ section: "RFC 7692 §7.2.3.6", role: "client", deflate }, [
    ["an empty message of one octet", "c1 01 00", [{ text: "" }]],
    ["an empty binary message of one octet", "c2 01 00", [{ binary: "" }]],
    ["an empty last fragment of one octet", "41 0b f2 48 cd c9 c9 07 00 00 00 ff ff 80 01 00", SAID],
    ["an empty message whose octet is a last fragment", "41 00 80 01 00", [{ text: "" }]],
  ]),
  ...[COMPRESSED, FINAL, TWO_BLOCKS, [...stored(HELLO), 0], unhex("00")].flatMap((payload, i) => {
    const expect = [{ text: i === 4 ? "" : "Hello" }], section = `RFC 7692 §7.2.3.${[1, 4, 5, 3, 6][i]}`;
    return rows({ section, role: "server", deflate }, [
      [`the payload of ${section.slice(9)} to a server`, whole(text, payload), expect],
      [
        `the payload of ${section.slice(9)} to a server, each byte a fragment`,
        fragments(text, ...single(payload)),
        expect,
      ],
      [
        `the payload of ${section.slice(9)} to a server, with empty fragments around each byte`,
        fragments(text, [], ...payload.flatMap((byte) => [[byte], []])),
        expect,
      ],
    ]);
  }),
];

const first = masked(text, COMPRESSED.slice(0, 3), MARKED_OPEN), last = masked(continuation, COMPRESSED.slice(3));
const pinged = masked(ping, HELLO);

export const marks: FrameRow[] = [
  ...rows({ section: "RFC 7692 §6.1", role: "server", deflate }, [
    ["RSV1 on the second fragment of a compressed message", `${first} ${masked(continuation, [], MARKED)}`, RSV_SET],
    ["RSV1 on a middle fragment of a compressed message", `${first} ${masked(continuation, [], MARKED_OPEN)}`, RSV_SET],
    [
      "RSV1 on the second fragment of an uncompressed message",
      `${masked(text, HELLO, OPEN)} ${masked(continuation, COMPRESSED, MARKED)}`,
      RSV_SET,
    ],
    ["RSV1 on a continuation that continues nothing", masked(continuation, [], MARKED), RSV_SET],
    ["RSV1 on a ping", masked(ping, HELLO, MARKED), RSV_SET],
    ["RSV1 on an empty ping", masked(ping, [], MARKED), RSV_SET],
    ["RSV1 on a pong", masked(pong, HELLO, MARKED), RSV_SET],
    ["RSV1 on a Close frame", masked(close, closing(1000), MARKED), RSV_SET],
    ["RSV1 on a ping between fragments", `${first} ${masked(ping, HELLO, MARKED)}`, RSV_SET],
    ["RSV1 on an opcode that is reserved", masked(3, HELLO, MARKED), RSV_SET],
    ["RSV1 on an opcode that is reserved for control", masked(11, HELLO, MARKED), RSV_SET],
    ["a new compressed message inside one", `${first} ${whole(text, COMPRESSED)}`, [failure("continuation-expected")]],
    ["an uncompressed message inside a compressed one", `${first} ${masked(text, HELLO)}`, [
      failure("continuation-expected"),
    ]],
  ]),
  ...[1, 2, 3, 5, 6, 7].flatMap((rsv) =>
    rows({ section: "RFC 6455 §5.2", role: "server", deflate }, [
      [`the reserved bits ${rsv} on text, with compression`, masked(text, COMPRESSED, { rsv }), RSV_SET],
      [`the reserved bits ${rsv} on a binary message, with compression`, masked(binary, COMPRESSED, { rsv }), RSV_SET],
      [`the reserved bits ${rsv} on a ping, with compression`, masked(ping, [], { rsv }), RSV_SET],
    ])
  ),
  ...rows({ section: "RFC 6455 §5.2", role: "client", deflate }, [
    ["RSV2 on text to a client, with compression", "a1 05 48 65 6c 6c 6f", RSV_SET],
    ["RSV1 on a ping to a client, with compression", "c9 00", RSV_SET],
  ]),
  ...rows({ section: "RFC 7692 §5", role: "server" }, [
    ["a compressed message where no compression was agreed on", whole(text, COMPRESSED), RSV_SET],
    ["a compressed first fragment where no compression was agreed on", first, RSV_SET],
  ]),
  ...rows({ section: "RFC 7692 §5", role: "client" }, [
    ["a compressed message to a client where no compression was agreed on", "c1 07 f2 48 cd c9 c9 07 00", RSV_SET],
  ]),
  ...rows({ section: "RFC 7692 §6", role: "server", deflate }, [
    ["an uncompressed message with compression", masked(text, HELLO), SAID],
    [
      "an uncompressed message in fragments with compression",
      `${masked(text, [72], OPEN)} ${masked(continuation, [105])}`,
      [{ text: "Hi" }],
    ],
    ["an uncompressed message of the bytes of a compressed one", masked(binary, COMPRESSED), [{
      binary: hex(COMPRESSED),
    }]],
    [
      "compressed messages and others by turns",
      [whole(text, COMPRESSED), masked(binary, [1]), whole(binary, COMPRESSED), masked(text, HELLO)].join(" "),
      [...SAID, { binary: "01" }, { binary: HELLO_HEX }, ...SAID],
    ],
    ["a compressed binary message", whole(binary, COMPRESSED), [{ binary: HELLO_HEX }]],
    ["a compressed binary message that is not UTF-8", whole(binary, [...stored([0xff, 0x80]), 0]), [{
      binary: "ff 80",
    }]],
    ["a ping between the fragments of a compressed message", `${first} ${pinged} ${last}`, [
      { ping: HELLO_HEX },
      ...SAID,
    ]],
    [
      "a ping that would be corrupt, between the fragments of a compressed message",
      `${first} ${masked(ping, [6, 255])} ${masked(pong, [6])} ${last}`,
      [{ ping: "06 ff" }, { pong: "06" }, ...SAID],
    ],
    [
      "a Close frame between the fragments of a compressed message",
      `${first} ${masked(close, closing(1001))} ${last}`,
      [
        { close: 1001, reason: "" },
      ],
    ],
    ["a Close frame behind a compressed message", `${whole(text, COMPRESSED)} ${masked(close)}`, [
      ...SAID,
      { close: 1005, reason: "" },
    ]],
  ]),
];

const FAR = [...noise(600), ...noise(600)], NEAR = [...noise(300), ...noise(300)];
const farther = (bits: number) => ({ deflate: agreed({ clientMaxWindowBits: bits }) });

/** What a message may point to in those before it. */
export const backward: FrameRow[] = [
  ...rows({ section: "RFC 7692 §7.2.2", role: "server", deflate }, [
    ["a message to a server that points into the one before", `${whole(text, COMPRESSED)} ${whole(text, AGAIN)}`, [
      ...SAID,
      ...SAID,
    ]],
    ["a binary message that points into text", `${whole(text, COMPRESSED)} ${whole(binary, AGAIN)}`, [
      ...SAID,
      { binary: HELLO_HEX },
    ]],
    [
      "a message that points across an empty one, one of no octets, and one that is not compressed",
      [whole(text, COMPRESSED), whole(text, [0]), whole(text, []), masked(text, latin1("xyz")), whole(text, AGAIN)]
        .join(" "),
      [...SAID, { text: "" }, { text: "" }, { text: "xyz" }, ...SAID],
    ],
    ["a message that points across a block with BFINAL", `${whole(text, FINAL)} ${whole(text, AGAIN)}`, [
      ...SAID,
      ...SAID,
    ]],
    [
      "a message that points into one without compression",
      `${whole(text, [...stored(HELLO), 0])} ${whole(text, AGAIN)}`,
      [
        ...SAID,
        ...SAID,
      ],
    ],
    ["a message that points into an uncompressed one", `${masked(text, HELLO)} ${whole(text, AGAIN)}`, [
      ...SAID,
      ...INVALID,
    ]],
    ["a first message that points to before the beginning", whole(text, AGAIN), INVALID],
    ["a distance of one more than there is", `${whole(text, [...stored(latin1("Hel")), 0])} ${whole(text, AGAIN)}`, [
      { text: "Hel" },
      ...INVALID,
    ]],
  ]),
  ...rows({ section: "RFC 7692 §7.1.1.2", role: "server", ...CLIENT_BARE }, [
    [
      "a message that points into the one before, though the client keeps nothing",
      `${whole(text, COMPRESSED)} ${whole(text, AGAIN)}`,
      [
        ...SAID,
        ...INVALID,
      ],
    ],
    ["messages of a client that keeps nothing, in fragments", `${first} ${last} ${first} ${last} ${whole(text, [])}`, [
      ...SAID,
      ...SAID,
      { text: "" },
    ]],
    [
      "a message that points into its own first fragment, though the client keeps nothing",
      fragments(text, [...COMPRESSED, 0, 0, 255, 255], AGAIN),
      [
        { text: "HelloHello" },
      ],
    ],
  ]),
  ...rows({ section: "RFC 7692 §7.1.1.1", role: "server", ...SERVER_BARE }, [
    [
      "a message that points into the one before, where only the server keeps nothing",
      `${whole(text, COMPRESSED)} ${whole(text, AGAIN)}`,
      [
        ...SAID,
        ...SAID,
      ],
    ],
  ]),
  ...rows({ section: "RFC 7692 §7.1.1.1", role: "client", ...SERVER_BARE }, [
    [
      "a message that points into the one before, though the server keeps nothing",
      "c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00",
      [
        ...SAID,
        ...INVALID,
      ],
    ],
  ]),
  ...rows({ section: "RFC 7692 §7.1.1.2", role: "client", ...CLIENT_BARE }, [
    [
      "a message that points into the one before, where only the client keeps nothing",
      "c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00",
      [
        ...SAID,
        ...SAID,
      ],
    ],
  ]),
  ...rows({ section: "RFC 7692 §7.2.1", role: "server" }, [
    [
      "a distance of 600 within a window of 1024 bytes",
      whole(binary, deflated(FAR)),
      [{ binary: hex(FAR) }],
      farther(10),
    ],
    ["a distance of 600 beyond a window of 512 bytes", whole(binary, deflated(FAR)), INVALID, farther(9)],
    ["a distance of 300 beyond a window of 256 bytes", whole(binary, deflated(NEAR)), INVALID, farther(8)],
  ]),
];

const PADDED = [...unhex("f3 48 cd c9 c9 07 00"), ...unhex("03 00"), ...COMPRESSED];

export const blocks: FrameRow[] = [
  ...rows({ section: "RFC 7692 §7.2.1", role: "server", deflate }, [
    ["two blocks with BFINAL, each padded", whole(text, [...FINAL.slice(0, 7), ...FINAL]), [{ text: "HelloHello" }]],
    ["blocks with BFINAL, an empty one among them, and one without", whole(text, PADDED), [{ text: "HelloHello" }]],
    [
      "a message of three blocks with BFINAL, each byte a fragment",
      fragments(text, ...single([...FINAL.slice(0, 7), ...FINAL.slice(0, 7), ...FINAL])),
      [
        { text: "HelloHelloHello" },
      ],
    ],
    ["a block behind one with BFINAL that points into it", whole(text, [...FINAL.slice(0, 7), ...AGAIN]), [{
      text: "HelloHello",
    }]],
    // RFC 1951 §3.2.3: what fills the last octet says nothing
    ["a block with BFINAL, padded with ones", whole(text, unhex("f3 48 cd c9 c9 07 fc 00")), SAID],
    ["an empty block with BFINAL, padded with ones", whole(text, unhex("03 fc 00")), [{ text: "" }]],
    ["a block without compression, padded with ones", whole(text, unhex("f8 05 00 fa ff 48 65 6c 6c 6f 00")), SAID],
    ["a block without compression with BFINAL", whole(text, [...stored(HELLO, true), 0]), SAID],
    ["empty blocks with BFINAL only", whole(text, [3, 0, 3, 0, 1, 0, 0, 255, 255, 0]), [{ text: "" }]],
    [
      "blocks of every kind",
      whole(binary, [...COMPRESSED, 0, 0, 255, 255, ...stored([1, 2]), ...deflated(times(300))]),
      [
        { binary: hex([...HELLO, 1, 2, ...times(300)]) },
      ],
    ],
    ["a block with codes of its own", whole(binary, deflated(noise(300).map((byte) => byte & 7))), [
      { binary: hex(noise(300).map((byte) => byte & 7)) },
    ]],
    ["a message of no octets at all", whole(text, []), [{ text: "" }]],
    ["a binary message of no octets at all", whole(binary, []), [{ binary: "" }]],
    ["a message of no octets at all, in fragments", fragments(text, [], [], []), [{ text: "" }]],
    ["empty blocks only", whole(binary, [...stored([]), ...stored([]), 0]), [{ binary: "" }]],
    ["1000 bytes of one", whole(binary, deflated(times(1000))), [{ binary: hex(times(1000)) }]],
    ["bytes that are not compressible", whole(binary, deflated(noise(500))), [{ binary: hex(noise(500)) }]],
    ["a message that becomes more than 64 KiB", whole(binary, deflated(times(70_000))), [{
      binary: hex(times(70_000)),
    }]],
  ]),
  ...rows({ section: "RFC 7692 §7.2.2", role: "server", deflate }, [
    [
      "a message that points into one whose last block has BFINAL",
      `${whole(text, unhex("f2 48 cd c9 c9 07 04"))} ${whole(text, AGAIN)}`,
      [...SAID, ...SAID],
    ],
    ["a block without compression of which the end is what is not sent", whole(binary, [0, 4, 0, 0xfb, 0xff]), [
      { binary: "00 00 ff ff" },
    ]],
  ]),
];

/** What is not sent is the end of a block with BFINAL: its header is the last octet, or in it. */
const ENDED = [
  ["an empty message whose only block has BFINAL", unhex("01"), ""],
  ["a message whose last, empty block has BFINAL", unhex("f2 48 cd c9 c9 07 04"), "Hello"],
  ["a message whose last, empty block has BFINAL, behind stored bytes", [...stored(HELLO), 1], "Hello"],
  ["a message whose last, empty block has BFINAL, behind another one", [...FINAL.slice(0, 7), 1], "Hello"],
] as const;

export const ended: FrameRow[] = (["server", "client"] as const).flatMap((role) =>
  ENDED.flatMap(([criterion, payload, said]) => {
    const frame = toward(role), expect = [{ text: said }, ...SAID];
    const next = frame(text, COMPRESSED, MARKED);
    const bare = agreed({ serverNoContextTakeover: true, clientNoContextTakeover: true });
    return rows({ section: "RFC 7692 §7.2.1", role, deflate }, [
      [`${criterion}, to a ${role}`, `${frame(text, payload, MARKED)} ${next}`, expect],
      [`${criterion}, to a ${role}, with nothing kept`, `${frame(text, payload, MARKED)} ${next}`, expect, {
        deflate: bare,
      }],
      [
        `${criterion}, to a ${role}, with its last octet in a fragment`,
        [
          frame(text, payload.slice(0, -1), MARKED_OPEN),
          frame(continuation, payload.slice(-1), OPEN),
          frame(continuation),
          next,
        ].join(" "),
        expect,
      ],
    ]);
  })
);

/** Payloads that are wrong, with what is wrong. */
const CORRUPT: readonly (readonly [criterion: string, payload: readonly number[], isEarly: boolean])[] = [
  ["a block of the reserved type", [6], true],
  ["a block of the reserved type, with BFINAL", [7], true],
  ["a block of the reserved type behind a good one", [...COMPRESSED, 0, 0, 255, 255, 6], true],
  ["a block without compression whose length is wrong", [0, 5, 0, 0xfb, 0xff, ...HELLO], true],
  ["a block of too many codes", unhex("fc 00 00"), true],
  ["a length that means nothing", unhex("1b 03"), true],
  ["a distance beyond the beginning", AGAIN, true],
  ["a block without compression that is cut off", [0, 6, 0, 0xf9, 0xff, 72], false],
  ["a block without compression that is cut off in its length", [0, 5, 0], false],
  ["a compressed block that is cut off", COMPRESSED.slice(0, 4), false],
  ["a compressed block without the last octet", COMPRESSED.slice(0, 6), false],
  ["a block with codes of its own that is cut off", deflated(noise(300).map((byte) => byte & 7)).slice(0, 40), false],
  ["a block with BFINAL without the octet behind it", FINAL.slice(0, 7), false],
  ["a block with BFINAL and a part of what is not sent", [...FINAL.slice(0, 7), 1, 0], false],
  ["what is not sent, sent behind a block with BFINAL", [1, 0, 0, 255, 255], false],
  ["what is not sent, sent", [...COMPRESSED, 0, 0, 255, 255], false],
];

export const corrupt: FrameRow[] = CORRUPT.flatMap(([criterion, payload, isEarly]) =>
  rows({ section: "RFC 7692 §7.2.2", role: "server", deflate }, [
    [`a message with ${criterion}`, whole(binary, payload), INVALID],
    [`a message with ${criterion}, each byte a fragment`, fragments(binary, ...single(payload)), INVALID],
    [
      `a message with ${criterion}, that goes on`,
      masked(binary, payload, { ...MARKED_OPEN, length: isEarly ? 100n : BigInt(payload.length) }),
      isEarly ? INVALID : [],
    ],
  ])
).concat(rows({ section: "RFC 7692 §7.2.2", role: "client", deflate }, [
  ["a block of the reserved type to a client", "c2 01 06", INVALID],
  ["a message behind a corrupt one, which is not read", "c1 07 f2 48 cd c9 c9 07 00 c1 01 06 c1 05 f2 00 11 00 00", [
    ...SAID,
    ...INVALID,
  ]],
]));

const NOT_UTF8: readonly Event[] = [failure("text-not-utf8")];
const EURO = utf8("€");

export const inflatedTexts: FrameRow[] = [
  ...rows({ section: "RFC 7692 §6.1", role: "server", deflate }, [
    ["compressed text with characters of one to four bytes", whole(text, deflated(utf8("aä€𝄞".repeat(20)))), [
      { text: "aä€𝄞".repeat(20) },
    ]],
    [
      "compressed text that is cut inside a character",
      fragments(text, stored(EURO.slice(0, 1)), stored(EURO.slice(1, 2)), [...stored(EURO.slice(2)), 0]),
      [
        { text: "€" },
      ],
    ],
    ["compressed text that is not UTF-8", whole(text, [...stored([0xff]), 0]), NOT_UTF8],
    [
      "compressed text that is not UTF-8, before the frame ends",
      masked(text, stored([72, 0xff]), { ...MARKED, length: 100n }),
      NOT_UTF8,
    ],
    [
      "compressed text that is not UTF-8, before its block ends",
      masked(text, [0, 5, 0, 0xfa, 0xff, 72, 0xff], MARKED_OPEN),
      NOT_UTF8,
    ],
    [
      "compressed text that is not UTF-8, in a later fragment",
      fragments(text, stored(HELLO), [...stored([0xc0]), 0]),
      NOT_UTF8,
    ],
    ["compressed text that ends inside a character", whole(text, [...stored(EURO.slice(0, 2)), 0]), NOT_UTF8],
    ["compressed text that may go on inside a character", masked(text, stored(EURO.slice(0, 2)), MARKED_OPEN), []],
    [
      "compressed text that begins inside a character, behind text that is whole",
      `${whole(text, [...stored(EURO), 0])} ${whole(text, [...stored(EURO.slice(1)), 0])}`,
      [{ text: "€" }, ...NOT_UTF8],
    ],
    ["compressed text whose end is what is not sent, which is not UTF-8", whole(text, [0, 4, 0, 0xfb, 0xff]), NOT_UTF8],
  ]),
];

const TOO_BIG: readonly Event[] = [failure("message-too-big")];
const AT = { options: { maxMessageSize: 1000 } };
const zeros = (count: number) => deflated(times(count, 0));
const ZEROS: readonly Event[] = [{ binary: hex(times(1000, 0)) }];
const pieces = (bytes: readonly number[], size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));

export const inflatedLimits: FrameRow[] = [
  ...rows({ section: "RFC 6455 §10.4", role: "server", deflate, ...AT }, [
    ["a compressed message of exactly the limit", whole(binary, zeros(1000)), ZEROS],
    [
      "a compressed message of exactly the limit, each byte a fragment",
      fragments(binary, ...single(zeros(1000))),
      ZEROS,
    ],
    ["two compressed messages of exactly the limit", `${whole(binary, zeros(1000))} ${whole(binary, zeros(1000))}`, [
      ...ZEROS,
      ...ZEROS,
    ]],
    [
      "a compressed message of exactly the limit, with more octets than that",
      whole(binary, [...pieces(times(1000, 0), 50).flatMap((piece) => stored(piece)), 0]),
      ZEROS,
    ],
    ["a compressed message of one byte above the limit", whole(binary, zeros(1001)), TOO_BIG],
    [
      "a compressed message of one byte above the limit, each byte a fragment",
      fragments(binary, ...single(zeros(1001))),
      TOO_BIG,
    ],
    [
      "a compressed message above the limit in stored blocks, in fragments",
      fragments(binary, stored(times(600)), [...stored(times(401)), 0]),
      TOO_BIG,
    ],
    [
      "a compressed message above the limit, before its frame ends",
      masked(binary, zeros(5000), { ...MARKED, length: 1n << 40n }),
      TOO_BIG,
    ],
    [
      "a compressed message above the limit, before its last fragment",
      masked(binary, zeros(5000), MARKED_OPEN),
      TOO_BIG,
    ],
    [
      "a compressed message above the limit by what is not sent",
      whole(binary, [...stored(times(998)), 0, 4, 0, 0xfb, 0xff]),
      TOO_BIG,
    ],
    ["compressed text above the limit", whole(text, deflated(times(1001))), TOO_BIG],
    [
      "compressed text above the limit that is not UTF-8 within it",
      whole(text, deflated([...times(999), 0xff, ...times(5000)])),
      NOT_UTF8,
    ],
    [
      "compressed text above the limit that is not UTF-8 beyond it",
      whole(text, deflated([...times(1000), 0xff, ...times(5000)])),
      TOO_BIG,
    ],
    ["a compressed message of 1 MiB of zeros", whole(binary, zeros(2 ** 20)), TOO_BIG],
    [
      "the header of a compressed message of 2^40 bytes, which may become few",
      masked(binary, [], { ...MARKED, length: 1n << 40n }),
      [],
    ],
    ["the header of a compressed message of 2^63 bytes", masked(binary, [], { ...MARKED, length: 1n << 63n }), [
      failure("length-too-large"),
    ]],
  ]),
  ...rows({ section: "RFC 6455 §10.4", role: "client", deflate, options: { maxMessageSize: 4 } }, [
    ["Hello to a client that takes four bytes", "c1 07 f2 48 cd c9 c9 07 00", TOO_BIG],
  ]),
];
