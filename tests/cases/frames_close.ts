// Rows about Close frames (RFC 6455 §5.5.1, §7.4): payloads, every kind of code, reasons, and that nothing is read
// behind one.

import { closing, failure, type FrameRow, latin1, OPCODE, rows, times, toward, unhex, utf8 } from "./frames_base.ts";

const { continuation, text, close, ping } = OPCODE;
const masked = toward("server");
const plain = toward("client");
const HELLO = latin1("Hello");

export const payloads: FrameRow[] = [
  ...rows({ section: "RFC 6455 §5.5.1", role: "server" }, [
    ["a Close frame without a payload", masked(close), [{ close: 1005, reason: "" }], { section: "RFC 6455 §7.1.5" }],
    ["a Close frame with a code", masked(close, closing(1000)), [{ close: 1000, reason: "" }]],
    ["a Close frame with code and reason", masked(close, closing(1000, latin1("bye"))), [
      { close: 1000, reason: "bye" },
    ]],
    ["a reason of 123 bytes", masked(close, closing(1000, times(123))), [{ close: 1000, reason: "a".repeat(123) }]],
    ["a reason of characters of one to four bytes", masked(close, closing(4000, utf8("aä€𝄞"))), [
      { close: 4000, reason: "aä€𝄞" },
    ]],
    ["a reason with a byte order mark, which belongs to it", masked(close, closing(1000, utf8("\ufeffbye"))), [
      { close: 1000, reason: "\ufeffbye" },
    ], { section: "RFC 6455 §7.1.6" }],
    ["a Close frame of one byte", masked(close, [3]), [failure("close-payload-short")]],
    ["a Close frame of one byte that is zero", masked(close, [0]), [failure("close-payload-short")]],
  ]),
  ...rows({ section: "RFC 6455 §8.1", role: "server" }, [
    ["a reason that is not UTF-8", masked(close, closing(1000, [0xff])), [failure("close-reason-not-utf8")]],
    ["a reason that ends inside a character", masked(close, closing(1000, [0x61, 0xe2, 0x82])), [
      failure("close-reason-not-utf8"),
    ]],
    ["a reason with a surrogate", masked(close, closing(1000, unhex("ed a0 80"))), [failure("close-reason-not-utf8")]],
    ["a reason with an overlong form", masked(close, closing(1000, unhex("c0 af"))), [
      failure("close-reason-not-utf8"),
    ]],
  ]),
  ...rows({ section: "RFC 6455 §5.5.1", role: "client" }, [
    ["a Close frame with code and reason to a client", plain(close, closing(1001, latin1("bye"))), [
      { close: 1001, reason: "bye" },
    ]],
    ["a Close frame of one byte to a client", plain(close, [3]), [failure("close-payload-short")]],
    ["a code that must not be sent to a client", plain(close, closing(1006)), [failure("close-code-invalid")]],
    ["a reason that is not UTF-8 to a client", plain(close, closing(1000, [0xff])), [
      failure("close-reason-not-utf8"),
    ]],
  ]),
];

const DEFINED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011];
const REGISTERED = [1012, 1013, 1014];
const FREE = [3000, 3001, 3999, 4000, 4001, 4999];
const NOT_USED = [0, 1, 125, 999];
const NEVER_SENT = [1004, 1005, 1006, 1015];
const UNDEFINED = [1016, 1100, 1999, 2000, 2999];
const ABOVE = [5000, 32768, 65535];

const sent = (section: string, codes: readonly number[]) =>
  codes.flatMap((code) =>
    rows({ section, role: "server" }, [
      [`the code ${code}`, masked(close, closing(code)), [{ close: code, reason: "" }]],
    ])
  );

const refused = (section: string, codes: readonly number[]) =>
  codes.flatMap((code) =>
    rows({ section, role: "server" }, [
      [`the code ${code}, which must not be sent`, masked(close, closing(code)), [failure("close-code-invalid")]],
    ])
  );

export const codes: FrameRow[] = [
  ...sent("RFC 6455 §7.4.1", DEFINED),
  ...sent("RFC 6455 §11.7", REGISTERED),
  ...sent("RFC 6455 §7.4.2", FREE),
  ...refused("RFC 6455 §7.4.2", NOT_USED),
  ...refused("RFC 6455 §7.4.1", NEVER_SENT),
  ...refused("RFC 6455 §7.4.2", UNDEFINED),
  ...refused("RFC 6455 §7.4.2", ABOVE),
  ...rows({ section: "RFC 6455 §7.4.1", role: "server" }, [
    ["a code that must not be sent, with a reason", masked(close, closing(1006, latin1("bye"))), [
      failure("close-code-invalid"),
    ]],
  ]),
];

const BYE = masked(close, closing(1000, latin1("bye")));
const CLOSED = { close: 1000, reason: "bye" };

export const behind: FrameRow[] = [
  ...rows({ section: "RFC 6455 §5.5.1", role: "server" }, [
    ["messages in front of a Close frame", `${masked(text, HELLO)} ${BYE}`, [{ text: "Hello" }, CLOSED]],
    ["a ping in front of a Close frame", `${masked(ping, HELLO)} ${BYE}`, [{ ping: "48 65 6c 6c 6f" }, CLOSED]],
    ["a message behind a Close frame", `${BYE} ${masked(text, HELLO)}`, [CLOSED]],
    ["a second Close frame", `${BYE} ${masked(close, closing(1001))}`, [CLOSED]],
    ["a frame that is not masked behind a Close frame", `${BYE} ${plain(text, HELLO)}`, [CLOSED]],
    ["bytes that are no frame behind a Close frame", `${BYE} ff ff ff ff ff ff ff ff`, [CLOSED]],
    ["a Close frame instead of the last fragment", `${masked(text, HELLO, { fin: false })} ${BYE}`, [CLOSED]],
    ["a Close frame inside a character", `${masked(text, [0xe2], { fin: false })} ${BYE}`, [CLOSED]],
  ]),
  ...rows({ section: "RFC 6455 §5.5.2", role: "server" }, [
    ["a ping behind a Close frame", `${BYE} ${masked(ping, HELLO)}`, [CLOSED]],
  ]),
  ...rows({ section: "RFC 6455 §7.1.7", role: "server" }, [
    ["a message behind a failure", `${masked(3)} ${masked(text, HELLO)}`, [failure("opcode-reserved")]],
    ["a Close frame behind a failure", `${masked(3)} ${BYE}`, [failure("opcode-reserved")]],
    ["a ping behind a failure", `${masked(text, [0xff])} ${masked(ping, HELLO)}`, [failure("text-not-utf8")]],
    ["a second failure", `${masked(continuation, HELLO)} ${masked(3)}`, [failure("continuation-unexpected")]],
  ]),
];
