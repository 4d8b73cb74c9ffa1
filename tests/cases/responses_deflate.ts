// Rows about answers to an offer of permessage-deflate (RFC 7692 §5, §7.1): what is agreed on, and what fails the handshake.

import type { CompressionOptions, DeflateAgreement } from "../../src/protocol/compression_options.ts";
import { agreed } from "./deflate.ts";
import { type ResponseOutcome, type ResponseRow, rows, switching } from "./responses_base.ts";

type Value = string | readonly string[];

const answering = (value: Value) => switching({ "Sec-WebSocket-Extensions": value });

/** Rows of a client with these options that agrees. */
function agreeing(
  section: string,
  compression: true | CompressionOptions,
  list: readonly (readonly [
    criterion: string,
    answer: string,
    deflate?: Partial<DeflateAgreement>,
    more?: Partial<ResponseRow>,
  ])[],
): ResponseRow[] {
  return list.flatMap(([criterion, answer, deflate, more]) =>
    rows({ section, expect: "agreed", offer: { compression } }, [
      [criterion, answering(answer), { extensions: answer.trim(), deflate: agreed(deflate), ...more }],
    ])
  );
}

/** Rows of a client with these options that fails the handshake. */
function refusing(
  section: string,
  expect: ResponseOutcome,
  compression: true | CompressionOptions,
  list: readonly (readonly [criterion: string, answer: Value, section?: string])[],
): ResponseRow[] {
  return list.flatMap(([criterion, answer, own = section]) =>
    rows({ section: own, expect, offer: { compression } }, [[criterion, answering(answer)]])
  );
}

const SIZES = [8, 9, 10, 11, 12, 13, 14, 15];

const [SERVER_BARE, CLIENT_BARE] = ["server_no_context_takeover", "client_no_context_takeover"];

/** All sets of parameters that a server may add. */
const PARAMETERS: readonly (readonly [name: string, deflate: Partial<DeflateAgreement>])[] = [
  [SERVER_BARE, { serverNoContextTakeover: true }],
  [CLIENT_BARE, { clientNoContextTakeover: true }],
  ["server_max_window_bits=12", { serverMaxWindowBits: 12 }],
  ["client_max_window_bits=13", { clientMaxWindowBits: 13 }],
];

const agreements: ResponseRow[] = [
  ...rows({ section: "RFC 7692 §5", expect: "agreed", offer: { compression: true } }, [
    ["no extension where permessage-deflate was offered, and goes on without", switching()],
  ]),
  ...rows({ section: "RFC 7692 §5", expect: "agreed", offer: { compression: { serverNoContextTakeover: true } } }, [
    ["no extension where a window that is not kept was asked for, and goes on without", switching()],
  ]),
  ...agreeing("RFC 7692 §7.1.3", true, [
    ["the simplest permessage-deflate", "permessage-deflate"],
  ]),
  ...agreeing("RFC 7692 §7.1.3", { serverMaxWindowBits: 10 }, [
    ["the first answer of §7.1.3", "permessage-deflate; server_max_window_bits=10", { serverMaxWindowBits: 10 }],
  ]),
  ...agreeing("RFC 7692 §5.2", true, [
    ["a value in quotes, as that value", 'permessage-deflate; server_max_window_bits="10"', {
      serverMaxWindowBits: 10,
    }],
    ["white space wherever it may be", "permessage-deflate\t;  server_max_window_bits\t=\t10", {
      serverMaxWindowBits: 10,
    }],
  ]),
  ...agreeing("RFC 7692 §6", true, [
    ["a first frame that is compressed", "permessage-deflate", {}, { rest: "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0" }],
  ]),
  ...agreeing(
    "RFC 7692 §7.1",
    true,
    Array.from({ length: 16 }, (_, set) => {
      const chosen = PARAMETERS.filter((_, i) => set >> i & 1);
      return [
        `the set ${set.toString(2).padStart(4, "0")} of the four parameters, in any order`,
        ["permessage-deflate", ...chosen.map(([name]) => name).toReversed()].join("; "),
        Object.assign({}, ...chosen.map(([, deflate]) => deflate)),
      ] as const;
    }),
  ),
  ...agreeing("RFC 7692 §7.1.1.1", { serverNoContextTakeover: true }, [
    ["server_no_context_takeover that was asked for", `permessage-deflate; ${SERVER_BARE}`, {
      serverNoContextTakeover: true,
    }],
  ]),
  ...agreeing("RFC 7692 §7.1.1.2", { clientNoContextTakeover: true }, [
    // What was said of oneself is kept to, whether it was demanded or not
    ["an answer without client_no_context_takeover, and does as it has said", "permessage-deflate", {
      clientNoContextTakeover: true,
    }],
    ["client_no_context_takeover, as it has said", `permessage-deflate; ${CLIENT_BARE}`, {
      clientNoContextTakeover: true,
    }],
  ]),
  ...agreeing(
    "RFC 7692 §7.1.2.1",
    true,
    SIZES.map((bits) =>
      [`server_max_window_bits=${bits} that was not asked for`, `permessage-deflate; server_max_window_bits=${bits}`, {
        serverMaxWindowBits: bits,
      }] as const
    ),
  ),
  ...SIZES.flatMap((bits) =>
    agreeing("RFC 7692 §7.1.2.1", { serverMaxWindowBits: bits }, [
      [`server_max_window_bits=${bits} that was asked for`, `permessage-deflate; server_max_window_bits=${bits}`, {
        serverMaxWindowBits: bits,
      }],
    ])
  ),
  ...agreeing("RFC 7692 §7.1.2.1", { serverMaxWindowBits: 12 }, [
    ["a smaller server_max_window_bits than was asked for", "permessage-deflate; server_max_window_bits=8", {
      serverMaxWindowBits: 8,
    }],
  ]),
  ...agreeing(
    "RFC 7692 §7.1.2.2",
    true,
    SIZES.slice(1).map((bits) =>
      [`client_max_window_bits=${bits}`, `permessage-deflate; client_max_window_bits=${bits}`, {
        clientMaxWindowBits: bits,
      }] as const
    ),
  ),
  ...agreeing("RFC 7692 §7.1.2.2", { clientMaxWindowBits: 11 }, [
    ["client_max_window_bits as it has said", "permessage-deflate; client_max_window_bits=11", {
      clientMaxWindowBits: 11,
    }],
    ["a smaller client_max_window_bits than it has said", "permessage-deflate; client_max_window_bits=9", {
      clientMaxWindowBits: 9,
    }],
    [
      "an answer without client_max_window_bits, and does as it has said",
      "permessage-deflate; server_max_window_bits=9",
      {
        serverMaxWindowBits: 9,
        clientMaxWindowBits: 11,
      },
    ],
  ]),
];

const unrequested: ResponseRow[] = [
  ...refusing("RFC 7692 §5", "extension-unrequested", true, [
    ["an extension that was not offered, where permessage-deflate was", "permessage-foo"],
    ["x-webkit-deflate-frame, where permessage-deflate was offered", "x-webkit-deflate-frame"],
    ["permessage-deflate in another case", "Permessage-Deflate"],
    ["a property of objects, where permessage-deflate was offered", "__proto__"],
    ["permessage-deflate together with another extension", "permessage-deflate, permessage-foo"],
    ["another extension together with permessage-deflate", "permessage-foo, permessage-deflate"],
    ["permessage-deflate twice", "permessage-deflate, permessage-deflate"],
    ["permessage-deflate in two field lines", ["permessage-deflate", "permessage-deflate; server_max_window_bits=10"]],
  ]),
  ...refusing("RFC 7692 §7.1.1.1", "extension-unrequested", { serverNoContextTakeover: true }, [
    ["an answer without server_no_context_takeover that was asked for", "permessage-deflate"],
    ["client_no_context_takeover for server_no_context_takeover", `permessage-deflate; ${CLIENT_BARE}`],
  ]),
  ...refusing("RFC 7692 §7.1.2.1", "extension-unrequested", { serverMaxWindowBits: 10 }, [
    ["a larger server_max_window_bits than was asked for", "permessage-deflate; server_max_window_bits=11"],
    ["an answer without server_max_window_bits that was asked for", "permessage-deflate"],
  ]),
  ...refusing("RFC 7692 §7.1.2.2", "extension-unrequested", { clientMaxWindowBits: 10 }, [
    ["a larger client_max_window_bits than was offered", "permessage-deflate; client_max_window_bits=11"],
  ]),
  ...refusing("RFC 7692 §7.1.2.2", "extension-unrequested", true, [
    ["client_max_window_bits=8, which its compressor can't do", "permessage-deflate; client_max_window_bits=8"],
  ]),
];

const WINDOWS = ["7", "16", "0", "007", "08", "x", "1e1", "+9", "10.0", "99999999999999999999"];

const malformed: ResponseRow[] = [
  ...refusing("RFC 7692 §7", "extension-malformed", true, [
    ["an unknown parameter of permessage-deflate", "permessage-deflate; x"],
    ["a property of objects as parameter", "permessage-deflate; __proto__"],
    ["a parameter in upper case", "permessage-deflate; SERVER_MAX_WINDOW_BITS=10"],
    ["server_no_context_takeover twice", `permessage-deflate; ${SERVER_BARE}; ${SERVER_BARE}`],
    ["client_no_context_takeover twice", `permessage-deflate; ${CLIENT_BARE}; ${SERVER_BARE}; ${CLIENT_BARE}`],
    ["server_max_window_bits twice", "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"],
    [
      "client_max_window_bits with two values",
      "permessage-deflate; client_max_window_bits=10; client_max_window_bits=11",
    ],
    ["server_no_context_takeover with a value", `permessage-deflate; ${SERVER_BARE}=1`, "RFC 7692 §7.1.1.1"],
    ["client_no_context_takeover with a value", `permessage-deflate; ${CLIENT_BARE}="true"`, "RFC 7692 §7.1.1.2"],
    ["server_max_window_bits without a value", "permessage-deflate; server_max_window_bits", "RFC 7692 §7.1.2.1"],
    ["client_max_window_bits without a value", "permessage-deflate; client_max_window_bits", "RFC 7692 §7.1.2.2"],
    ["an empty server_max_window_bits", 'permessage-deflate; server_max_window_bits=""', "RFC 6455 §9.1"],
    ["a server_max_window_bits that is not there", "permessage-deflate; server_max_window_bits=", "RFC 6455 §9.1"],
    ...WINDOWS.flatMap((value): [string, string, string][] => [
      [`server_max_window_bits=${value}`, `permessage-deflate; server_max_window_bits=${value}`, "RFC 7692 §7.1.2.1"],
      [`client_max_window_bits=${value}`, `permessage-deflate; client_max_window_bits=${value}`, "RFC 7692 §7.1.2.2"],
    ]),
  ]),
];

export const deflateAnswers: ResponseRow[] = [...agreements, ...unrequested, ...malformed];
