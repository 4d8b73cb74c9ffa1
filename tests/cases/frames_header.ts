// Rows about frame headers (RFC 6455 §5.1, §5.2, §5.5): opcodes, reserved bits, masks, lengths, limits. A header breaks
// a rule by itself: the failure is there before any of the payload.

import {
  closing,
  failure,
  frame,
  type FrameRow,
  hex,
  KEY,
  latin1,
  OPCODE,
  rows,
  times,
  toward,
  utf8,
} from "./frames_base.ts";

const { continuation, text, binary, close, ping, pong } = OPCODE;
const masked = toward("server");
const plain = toward("client");
const HELLO = latin1("Hello");
const HELLO_HEX = hex(HELLO);

export const examples: FrameRow[] = [
  ...rows({ section: "RFC 6455 §5.7", role: "client" }, [
    ["a single-frame unmasked text message", "81 05 48 65 6c 6c 6f", [{ text: "Hello" }]],
    ["a fragmented unmasked text message", "01 03 48 65 6c 80 02 6c 6f", [{ text: "Hello" }]],
    ["an unmasked ping", "89 05 48 65 6c 6c 6f", [{ ping: HELLO_HEX }]],
    ["256 bytes in an unmasked frame", `82 7e 01 00 ${hex(times(256))}`, [{ binary: hex(times(256)) }]],
    ["64 KiB in an unmasked frame", `82 7f 00 00 00 00 00 01 00 00 ${hex(times(65536))}`, [
      { binary: hex(times(65536)) },
    ]],
  ]),
  ...rows({ section: "RFC 6455 §5.7", role: "server" }, [
    ["a single-frame masked text message", "81 85 37 fa 21 3d 7f 9f 4d 51 58", [{ text: "Hello" }]],
    ["a masked pong", "8a 85 37 fa 21 3d 7f 9f 4d 51 58", [{ pong: HELLO_HEX }]],
  ]),
];

export const opcodes: FrameRow[] = [
  ...(["server", "client"] as const).flatMap((role) =>
    rows({ section: "RFC 6455 §5.6", role }, [
      [`a text frame to a ${role}`, toward(role)(text, HELLO), [{ text: "Hello" }]],
      [`a binary frame to a ${role}`, toward(role)(binary, HELLO), [{ binary: HELLO_HEX }]],
      [`a ping to a ${role}`, toward(role)(ping, HELLO), [{ ping: HELLO_HEX }], { section: "RFC 6455 §5.5.2" }],
      [`a pong to a ${role}`, toward(role)(pong, HELLO), [{ pong: HELLO_HEX }], { section: "RFC 6455 §5.5.3" }],
      [`a Close frame to a ${role}`, toward(role)(close), [{ close: 1005, reason: "" }], {
        section: "RFC 6455 §5.5.1",
      }],
      [`an empty text frame to a ${role}`, toward(role)(text), [{ text: "" }]],
      [`an empty binary frame to a ${role}`, toward(role)(binary), [{ binary: "" }]],
      [`an empty ping to a ${role}`, toward(role)(ping), [{ ping: "" }], { section: "RFC 6455 §5.5.2" }],
      [`an empty pong to a ${role}`, toward(role)(pong), [{ pong: "" }], { section: "RFC 6455 §5.5.3" }],
      [`two messages to a ${role}`, `${toward(role)(text, HELLO)} ${toward(role)(binary, HELLO)}`, [
        { text: "Hello" },
        { binary: HELLO_HEX },
      ]],
      [`nothing to a ${role}`, "", []],
    ])
  ),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) =>
    rows({ section: "RFC 6455 §5.2", role: "server" }, [
      [`the opcode ${opcode}, which is reserved`, masked(opcode), [failure("opcode-reserved")]],
      [`the opcode ${opcode} behind a message`, `${masked(text, HELLO)} ${masked(opcode, HELLO)}`, [
        { text: "Hello" },
        failure("opcode-reserved"),
      ]],
    ])
  ),
  ...rows({ section: "RFC 6455 §5.2", role: "client" }, [
    ["a reserved data opcode to a client", plain(3), [failure("opcode-reserved")]],
    ["a reserved control opcode to a client", plain(11), [failure("opcode-reserved")]],
    ["a reserved opcode in the middle of a message", `${plain(text, HELLO, { fin: false })} ${plain(4)}`, [
      failure("opcode-reserved"),
    ]],
  ]),
];

export const reserved: FrameRow[] = [
  ...[1, 2, 3, 4, 5, 6, 7].flatMap((rsv) =>
    rows({ section: "RFC 6455 §5.2", role: "server" }, [
      [`the reserved bits ${rsv} in a text frame`, masked(text, HELLO, { rsv }), [failure("rsv-set")]],
    ])
  ),
  ...rows({ section: "RFC 6455 §5.2", role: "server" }, [
    ["RSV1 in a binary frame", masked(binary, HELLO, { rsv: 4 }), [failure("rsv-set")]],
    ["RSV1 in an empty frame", masked(text, [], { rsv: 4 }), [failure("rsv-set")]],
    ["RSV1 in a ping", masked(ping, HELLO, { rsv: 4 }), [failure("rsv-set")]],
    ["RSV2 in a pong", masked(pong, HELLO, { rsv: 2 }), [failure("rsv-set")]],
    ["RSV3 in a Close frame", masked(close, closing(1000), { rsv: 1 }), [failure("rsv-set")]],
    [
      "RSV1 in a continuation frame",
      `${masked(text, HELLO, { fin: false })} ${masked(continuation, HELLO, { rsv: 4 })}`,
      [failure("rsv-set")],
    ],
    ["RSV1 behind a message", `${masked(text, HELLO)} ${masked(text, HELLO, { rsv: 4 })}`, [
      { text: "Hello" },
      failure("rsv-set"),
    ]],
  ]),
  ...rows({ section: "RFC 6455 §5.2", role: "client" }, [
    ["RSV1 to a client that has not offered anything", plain(text, HELLO, { rsv: 4 }), [failure("rsv-set")]],
  ]),
];

export const masks: FrameRow[] = [
  ...rows({ section: "RFC 6455 §5.1", role: "server" }, [
    ["a text frame that is not masked", frame(text, HELLO, { key: null }), [failure("mask-missing")]],
    ["an empty text frame that is not masked", frame(text, [], { key: null }), [failure("mask-missing")]],
    ["a binary frame that is not masked", frame(binary, HELLO, { key: null }), [failure("mask-missing")]],
    ["a ping that is not masked", frame(ping, HELLO, { key: null }), [failure("mask-missing")]],
    ["a pong that is not masked", frame(pong, HELLO, { key: null }), [failure("mask-missing")]],
    ["a Close frame that is not masked", frame(close, closing(1000), { key: null }), [failure("mask-missing")], {
      section: "RFC 6455 §5.5.1",
    }],
    [
      "a continuation frame that is not masked",
      `${masked(text, HELLO, { fin: false })} ${frame(continuation, HELLO, { key: null })}`,
      [failure("mask-missing")],
    ],
    ["a frame that is not masked behind one that is", `${masked(text, HELLO)} ${frame(text, HELLO, { key: null })}`, [
      { text: "Hello" },
      failure("mask-missing"),
    ]],
  ]),
  ...rows({ section: "RFC 6455 §5.1", role: "client" }, [
    ["a text frame that is masked", frame(text, HELLO), [failure("mask-unexpected")]],
    ["an empty text frame that is masked", frame(text), [failure("mask-unexpected")]],
    ["a frame that is masked with zeros", frame(text, HELLO, { key: "00 00 00 00" }), [failure("mask-unexpected")]],
    ["a ping that is masked", frame(ping, HELLO), [failure("mask-unexpected")]],
    ["a pong that is masked", frame(pong, HELLO), [failure("mask-unexpected")]],
    ["a Close frame that is masked", frame(close, closing(1000)), [failure("mask-unexpected")]],
  ]),
  ...rows({ section: "RFC 6455 §5.3", role: "server" }, [
    ["a key of zeros", frame(text, HELLO, { key: "00 00 00 00" }), [{ text: "Hello" }]],
    ["a key of ones", frame(text, HELLO, { key: "ff ff ff ff" }), [{ text: "Hello" }]],
    [
      "a key of its own for each frame",
      `${frame(text, HELLO, { key: "01 02 03 04" })} ${frame(text, HELLO, { key: "f1 e2 d3 c4" })}`,
      [{ text: "Hello" }, { text: "Hello" }],
    ],
    [
      "a key that begins anew with each fragment",
      `${frame(text, latin1("Hello"), { fin: false })} ${
        frame(continuation, latin1(" world"), { key: "01 02 03 04" })
      }`,
      [{ text: "Hello world" }],
    ],
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33].map((length) =>
      [
        `a masked payload of ${length} bytes`,
        masked(binary, times(length).map((_, i) => i)),
        [{ binary: hex(times(length).map((_, i) => i)) }],
      ] as const
    ),
  ]),
];

const lengthRows = ([125, 126, 127, 65535, 65536, 65537] as const).flatMap((length) =>
  (["server", "client"] as const).flatMap((role) =>
    rows({ section: "RFC 6455 §5.2", role }, [
      [`${length} bytes in the shortest form to a ${role}`, toward(role)(binary, times(length)), [
        { binary: hex(times(length)) },
      ]],
    ])
  )
);

const lengthened = (length: number, bits: 16 | 64, parts = {}) =>
  masked(binary, [], { length: BigInt(length), bits, ...parts });

export const lengths: FrameRow[] = [
  ...lengthRows,
  ...rows({ section: "RFC 6455 §5.2", role: "server" }, [
    ["0 bytes with a length of 16 bits", lengthened(0, 16), [failure("length-not-minimal")]],
    ["124 bytes with a length of 16 bits", lengthened(124, 16), [failure("length-not-minimal")]],
    ["125 bytes with a length of 16 bits", lengthened(125, 16), [failure("length-not-minimal")]],
    ["0 bytes with a length of 64 bits", lengthened(0, 64), [failure("length-not-minimal")]],
    ["125 bytes with a length of 64 bits", lengthened(125, 64), [failure("length-not-minimal")]],
    ["126 bytes with a length of 64 bits", lengthened(126, 64), [failure("length-not-minimal")]],
    ["65535 bytes with a length of 64 bits", lengthened(65535, 64), [failure("length-not-minimal")]],
    ["a length of 64 bits whose first is set", masked(binary, [], { length: 1n << 63n }), [
      failure("length-too-large"),
    ]],
    ["a length of 64 bits that are all set", masked(binary, [], { length: (1n << 64n) - 1n }), [
      failure("length-too-large"),
    ]],
    ["a length of 64 bits whose first is set, and that is short", masked(binary, [], { length: (1n << 63n) + 5n }), [
      failure("length-too-large"),
    ]],
    ["a length that is not minimal behind a message", `${masked(text, HELLO)} ${lengthened(5, 16)}`, [
      { text: "Hello" },
      failure("length-not-minimal"),
    ]],
  ]),
  ...rows({ section: "RFC 6455 §5.2", role: "client" }, [
    ["a length that is not minimal to a client", lengthened(5, 16, { key: null }), [failure("length-not-minimal")]],
    ["a length that is too large to a client", plain(text, [], { length: 1n << 63n }), [failure("length-too-large")]],
  ]),
];

const LIMIT = { options: { maxMessageSize: 100 } };
const big = (length: bigint, parts = {}) => masked(binary, [], { length, ...parts });

export const limits: FrameRow[] = [
  ...rows({ section: "RFC 6455 §10.4", role: "server", ...LIMIT }, [
    ["a message of exactly maxMessageSize", masked(binary, times(100)), [{ binary: hex(times(100)) }]],
    ["a message of one byte more than maxMessageSize, by its header", big(101n), [failure("message-too-big")]],
    ["text of one byte more than maxMessageSize, by its header", masked(text, [], { length: 101n }), [
      failure("message-too-big"),
    ]],
    ["text of maxMessageSize in characters, and more in bytes", masked(text, utf8("\xe4".repeat(100))), [
      failure("message-too-big"),
    ]],
    [
      "fragments of exactly maxMessageSize together",
      `${masked(binary, times(60), { fin: false })} ${masked(continuation, times(40))}`,
      [{ binary: hex(times(100)) }],
    ],
    [
      "fragments of one byte more than maxMessageSize, by the header of the last",
      `${masked(binary, times(60), { fin: false })} ${masked(continuation, [], { length: 41n })}`,
      [failure("message-too-big")],
    ],
    [
      "a fragment that passes maxMessageSize, and is not the last",
      `${masked(binary, times(60), { fin: false })} ${masked(continuation, [], { length: 41n, fin: false })}`,
      [failure("message-too-big")],
    ],
    [
      "two messages of maxMessageSize",
      `${masked(binary, times(100))} ${masked(binary, times(100))}`,
      [{ binary: hex(times(100)) }, { binary: hex(times(100)) }],
    ],
    [
      "control frames between fragments, which count nothing",
      `${masked(binary, times(60), { fin: false })} ${masked(ping, times(125))} ${masked(continuation, times(40))}`,
      [{ ping: hex(times(125)) }, { binary: hex(times(100)) }],
    ],
    ["a message that is too big behind one that is not", `${masked(text, HELLO)} ${big(101n)}`, [
      { text: "Hello" },
      failure("message-too-big"),
    ]],
    [
      "fragments whose lengths add up to 2^63",
      `${masked(binary, [1], { fin: false })} ${masked(continuation, [], { length: (1n << 63n) - 1n })}`,
      [failure("message-too-big")],
    ],
  ]),
  ...rows({ section: "RFC 6455 §7.4.1", role: "server" }, [
    ["a header of 16 MiB, which is the limit", big(1n << 24n), []],
    ["a header of one byte more than 16 MiB", big((1n << 24n) + 1n), [failure("message-too-big")]],
    ["a header of 2^32 + 5 bytes", big((1n << 32n) + 5n), [failure("message-too-big")]],
    ["a header of 2^53 + 1 bytes", big((1n << 53n) + 1n), [failure("message-too-big")]],
    ["a header of 2^60 bytes", big(1n << 60n), [failure("message-too-big")], { section: "RFC 6455 §10.4" }],
    ["a header of 2^63 - 1 bytes", big((1n << 63n) - 1n), [failure("message-too-big")]],
  ]),
  ...rows({ section: "RFC 6455 §10.4", role: "client", ...LIMIT }, [
    ["a message that is too big to a client", plain(binary, [], { length: 101n }), [failure("message-too-big")]],
  ]),
];

export const incomplete: FrameRow[] = rows({ section: "RFC 6455 §5.2", role: "server" }, [
  ["the first byte of a frame", "81", []],
  ["the first two bytes of a frame", "81 85", []],
  ["a header without a key", "81 fe 01", []],
  ["a header and a part of its key", "81 85 37 fa", []],
  ["a header without a payload", `81 85 ${KEY}`, []],
  ["a frame but for its last byte", masked(text, HELLO).slice(0, -3), []],
  ["a frame and the first byte of the next", `${masked(text, HELLO)} 81`, [{ text: "Hello" }]],
]);
