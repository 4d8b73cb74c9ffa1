// Rows about offers of permessage-deflate to a server that compresses (RFC 7692 §5, §7.1): what it answers with, which is
// all of Sec-WebSocket-Extensions, or that it answers without.

import type { CompressionOptions, DeflateAgreement } from "../../src/protocol/compression_options.ts";
import { agreed } from "./deflate.ts";
import { type RequestRow, rows, upgrade } from "./requests_base.ts";

type Agreed = Partial<DeflateAgreement>;
type Value = string | readonly string[];
type Accepted = readonly [
  criterion: string,
  offers: Value,
  answer: string,
  deflate?: Agreed,
  more?: Partial<RequestRow>,
];
type Declined = readonly [criterion: string, offers: Value, more?: Partial<RequestRow>];

const offering = (offers: Value) => upgrade({ "Sec-WebSocket-Extensions": offers });

/** Rows of a server with these options that answers with an element. */
function accepting(section: string, compression: true | CompressionOptions, list: readonly Accepted[]): RequestRow[] {
  return list.flatMap(([criterion, offers, answer, deflate, more]) =>
    rows({ section, expect: "upgrade", evidence: "request", options: { compression } }, [
      [criterion, offering(offers), {
        fields: { "Sec-WebSocket-Extensions": answer },
        deflate: agreed(deflate),
        ...more,
      }],
    ])
  );
}

/** Rows of a server with these options that takes none of the offers, and goes on without. */
function declining(
  section: string,
  compression: boolean | CompressionOptions,
  list: readonly Declined[],
): RequestRow[] {
  return list.flatMap(([criterion, offers, more]) =>
    rows({ section, expect: "upgrade", evidence: "request", options: { compression } }, [
      [`${criterion}, without compression`, offering(offers), more ?? {}],
    ])
  );
}

const [SERVER_BARE, CLIENT_BARE] = ["server_no_context_takeover", "client_no_context_takeover"];

const general: RequestRow[] = [
  ...accepting("RFC 7692 §7.1.3", true, [
    ["the simplest offer of permessage-deflate", "permessage-deflate", "permessage-deflate"],
    [
      "the second offer of §7.1.3",
      "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
      "permessage-deflate; server_max_window_bits=10",
      { serverMaxWindowBits: 10 },
    ],
    [
      "the first of the two offers of §7.1.3",
      "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits",
      "permessage-deflate; server_max_window_bits=10",
      { serverMaxWindowBits: 10 },
    ],
  ]),
  ...accepting("RFC 7692 §5", true, [
    [
      "permessage-deflate behind an extension it does not know",
      "permessage-foo; x=10, permessage-deflate",
      "permessage-deflate",
    ],
    [
      "permessage-deflate before an extension it does not know",
      "permessage-deflate, permessage-bar",
      "permessage-deflate",
    ],
    [
      "permessage-deflate among extensions that would take RSV1",
      "x-webkit-deflate-frame, permessage-deflate, mux",
      "permessage-deflate",
    ],
    [
      "permessage-deflate among properties of objects",
      "constructor; __proto__, __proto__; constructor=1, permessage-deflate, toString",
      "permessage-deflate",
    ],
    [
      "the first of two offers it can meet",
      "permessage-deflate; server_max_window_bits=11, permessage-deflate; server_max_window_bits=12",
      "permessage-deflate; server_max_window_bits=11",
      { serverMaxWindowBits: 11 },
    ],
    [
      "the first offer, without what the second one has",
      `permessage-deflate, permessage-deflate; ${SERVER_BARE}; ${CLIENT_BARE}; server_max_window_bits=9; client_max_window_bits=9`,
      "permessage-deflate",
    ],
    [
      "the last of four offers, with nothing of those it can't meet",
      `permessage-deflate; ${SERVER_BARE}; ${CLIENT_BARE}; x, permessage-deflate; client_max_window_bits=9; server_max_window_bits=8, ` +
      `permessage-deflate; ${CLIENT_BARE}; server_max_window_bits=16, permessage-deflate; server_max_window_bits=14`,
      "permessage-deflate; server_max_window_bits=14",
      { serverMaxWindowBits: 14 },
    ],
    [
      "offers in several field lines as one list",
      [
        "permessage-foo",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=9",
      ],
      "permessage-deflate; server_max_window_bits=9",
      { serverMaxWindowBits: 9 },
    ],
    [
      "offers in several field lines in their order",
      ["permessage-deflate; client_max_window_bits=12, permessage-foo", "permessage-deflate"],
      "permessage-deflate; client_max_window_bits=12",
      { clientMaxWindowBits: 12 },
    ],
    [
      "an offer with white space wherever it may be",
      "permessage-deflate\t;  server_max_window_bits\t=\t10 ;client_max_window_bits ,",
      "permessage-deflate; server_max_window_bits=10",
      { serverMaxWindowBits: 10 },
    ],
    ["a first frame that is compressed", "permessage-deflate", "permessage-deflate", {}, {
      section: "RFC 7692 §6",
      rest: "\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\0",
    }],
  ]),
  ...accepting("RFC 7692 §5.2", true, [
    [
      "a value in quotes, as that value",
      'permessage-deflate; server_max_window_bits="10"; client_max_window_bits="1\\1"',
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11",
      { serverMaxWindowBits: 10, clientMaxWindowBits: 11 },
    ],
  ]),
  ...declining("RFC 7692 §5", true, [
    ["no offer of permessage-deflate", "permessage-foo; x=10, permessage-bar"],
    ["an extension whose name begins with permessage-deflate", "permessage-deflate2, xpermessage-deflate"],
    ["permessage-deflate in upper case", "PERMESSAGE-DEFLATE"],
    ["properties of objects as extensions, though it compresses", "constructor; __proto__, __proto__"],
    ["properties of objects as parameters", "permessage-deflate; constructor, permessage-deflate; __proto__"],
  ]),
  ...rows({ section: "RFC 7692 §5", expect: "upgrade", evidence: "request", options: { compression: true } }, [
    ["no extension though it compresses, without compression", upgrade()],
  ]),
  ...declining("RFC 7692 §5", false, [
    ["permessage-deflate where it does not compress", "permessage-deflate; client_max_window_bits"],
  ]),
  ...rows({
    section: "RFC 6455 §9.1",
    expect: "extension-malformed",
    evidence: "request",
    options: { compression: true },
  }, [
    [
      "offers of which the second is malformed, though the first is good",
      offering("permessage-deflate, permessage-deflate; =1"),
    ],
    ["an empty value in quotes", offering('permessage-deflate; server_max_window_bits=""')],
    ["a value that is not there", offering("permessage-deflate; server_max_window_bits=")],
  ]),
];

const takeovers: RequestRow[] = [
  ...accepting("RFC 7692 §7.1.1.1", true, [
    [
      "server_no_context_takeover, and keeps to it",
      `permessage-deflate; ${SERVER_BARE}`,
      `permessage-deflate; ${SERVER_BARE}`,
      {
        serverNoContextTakeover: true,
      },
    ],
  ]),
  ...accepting("RFC 7692 §7.1.1.1", { serverNoContextTakeover: true }, [
    [
      "an offer without server_no_context_takeover, and says that it does so",
      "permessage-deflate",
      `permessage-deflate; ${SERVER_BARE}`,
      {
        serverNoContextTakeover: true,
      },
    ],
    [
      "server_no_context_takeover, as it does anyway",
      `permessage-deflate; ${SERVER_BARE}`,
      `permessage-deflate; ${SERVER_BARE}`,
      {
        serverNoContextTakeover: true,
      },
    ],
  ]),
  ...accepting("RFC 7692 §7.1.1.2", true, [
    [
      "client_no_context_takeover, and uses the hint",
      `permessage-deflate; ${CLIENT_BARE}`,
      `permessage-deflate; ${CLIENT_BARE}`,
      {
        clientNoContextTakeover: true,
      },
    ],
  ]),
  ...accepting("RFC 7692 §7.1.1.2", { clientNoContextTakeover: true }, [
    [
      "an offer without client_no_context_takeover, and demands it",
      "permessage-deflate",
      `permessage-deflate; ${CLIENT_BARE}`,
      {
        clientNoContextTakeover: true,
      },
    ],
  ]),
  ...accepting("RFC 7692 §7.1.1", { serverNoContextTakeover: true, clientNoContextTakeover: true }, [
    [
      "the simplest offer with no window kept on either side",
      "permessage-deflate",
      `permessage-deflate; ${SERVER_BARE}; ${CLIENT_BARE}`,
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
      },
    ],
  ]),
];

const SIZES = [8, 9, 10, 11, 12, 13, 14, 15];

const windows: RequestRow[] = [
  ...accepting(
    "RFC 7692 §7.1.2.1",
    true,
    SIZES.slice(1).map((bits): Accepted => [
      `server_max_window_bits=${bits}`,
      `permessage-deflate; server_max_window_bits=${bits}`,
      `permessage-deflate; server_max_window_bits=${bits}`,
      { serverMaxWindowBits: bits },
    ]),
  ),
  ...declining("RFC 7692 §7.1.2.1", true, [
    ["server_max_window_bits=8, which its compressor can't do", "permessage-deflate; server_max_window_bits=8"],
  ]),
  ...accepting("RFC 7692 §7.1.2.1", true, [
    [
      "the offer behind server_max_window_bits=8",
      "permessage-deflate; server_max_window_bits=8; client_max_window_bits, permessage-deflate; client_max_window_bits",
      "permessage-deflate",
    ],
  ]),
  ...accepting("RFC 7692 §7.1.2.1", { serverMaxWindowBits: 11 }, [
    [
      "an offer without server_max_window_bits, and says its own",
      "permessage-deflate",
      "permessage-deflate; server_max_window_bits=11",
      { serverMaxWindowBits: 11 },
    ],
    [
      "a larger server_max_window_bits, and says its own",
      "permessage-deflate; server_max_window_bits=15",
      "permessage-deflate; server_max_window_bits=11",
      {
        serverMaxWindowBits: 11,
      },
    ],
    [
      "a smaller server_max_window_bits than its own",
      "permessage-deflate; server_max_window_bits=9",
      "permessage-deflate; server_max_window_bits=9",
      {
        serverMaxWindowBits: 9,
      },
    ],
  ]),
  ...accepting("RFC 7692 §7.1.2.2", true, [
    [
      "client_max_window_bits without a value, and does not limit it",
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate",
    ],
    ...SIZES.map((bits): Accepted => [
      `client_max_window_bits=${bits}, and uses the hint`,
      `permessage-deflate; client_max_window_bits=${bits}`,
      `permessage-deflate; client_max_window_bits=${bits}`,
      { clientMaxWindowBits: bits },
    ]),
  ]),
  ...SIZES.flatMap((bits) =>
    accepting("RFC 7692 §7.1.2.2", { clientMaxWindowBits: bits }, [
      [
        `client_max_window_bits without a value, and limits it to ${bits}`,
        "permessage-deflate; client_max_window_bits",
        `permessage-deflate; client_max_window_bits=${bits}`,
        { clientMaxWindowBits: bits },
      ],
    ])
  ),
  ...accepting("RFC 7692 §7.1.2.2", { clientMaxWindowBits: 11 }, [
    [
      "a larger client_max_window_bits, and limits it",
      "permessage-deflate; client_max_window_bits=15",
      "permessage-deflate; client_max_window_bits=11",
      {
        clientMaxWindowBits: 11,
      },
    ],
    [
      "a smaller client_max_window_bits than its limit",
      "permessage-deflate; client_max_window_bits=9",
      "permessage-deflate; client_max_window_bits=9",
      {
        clientMaxWindowBits: 9,
      },
    ],
    [
      "the offer whose client can be told its window, behind one that can't",
      "permessage-deflate; server_max_window_bits=10, permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=11",
      { clientMaxWindowBits: 11 },
    ],
  ]),
  ...declining("RFC 7692 §7.1.2.2", { clientMaxWindowBits: 11 }, [
    [
      "a client that can't be told its window",
      "permessage-deflate; server_max_window_bits=10; client_no_context_takeover",
    ],
  ]),
  ...accepting("RFC 7692 §7.1.2.2", { clientMaxWindowBits: 15 }, [
    ["a client that can't be told its window, where any will do", "permessage-deflate", "permessage-deflate"],
  ]),
];

/** All sets of the four parameters of an offer, with what each becomes. */
const PARAMETERS: readonly (readonly [name: string, deflate: Agreed])[] = [
  [SERVER_BARE, { serverNoContextTakeover: true }],
  [CLIENT_BARE, { clientNoContextTakeover: true }],
  ["server_max_window_bits=12", { serverMaxWindowBits: 12 }],
  ["client_max_window_bits=13", { clientMaxWindowBits: 13 }],
];

const combined: RequestRow[] = accepting(
  "RFC 7692 §7",
  true,
  Array.from({ length: 16 }, (_, set): Accepted => {
    const chosen = PARAMETERS.filter((_, i) => set >> i & 1);
    const element = (names: readonly string[]) => ["permessage-deflate", ...names].join("; ");
    const names = chosen.map(([name]) => name);
    return [
      `the set ${set.toString(2).padStart(4, "0")} of the four parameters, in any order`,
      element(names.toReversed()),
      element(names),
      Object.assign({}, ...chosen.map(([, deflate]) => deflate)),
    ];
  }),
);

/** What no offer may have, with what it breaks. */
const WRONG: readonly (readonly [criterion: string, parameters: string, section?: string])[] = [
  ["an unknown parameter", "x"],
  ["an unknown parameter with a value", "x=10"],
  ["a parameter in upper case", "SERVER_NO_CONTEXT_TAKEOVER"],
  ["a parameter of an older draft", "s2c_max_window_bits=10"],
  ["server_no_context_takeover with a value", `${SERVER_BARE}=1`, "RFC 7692 §7.1.1.1"],
  ["server_no_context_takeover with true", `${SERVER_BARE}=true`, "RFC 7692 §7.1.1.1"],
  ["client_no_context_takeover with a value", `${CLIENT_BARE}="0"`, "RFC 7692 §7.1.1.2"],
  ["server_max_window_bits without a value", "server_max_window_bits", "RFC 7692 §7.1.2.1"],
  ["server_no_context_takeover twice", `${SERVER_BARE}; ${SERVER_BARE}`],
  ["client_no_context_takeover twice", `${CLIENT_BARE}; server_max_window_bits=10; ${CLIENT_BARE}`],
  ["server_max_window_bits twice", "server_max_window_bits=10; server_max_window_bits=10"],
  ["server_max_window_bits with two values", "server_max_window_bits=10; server_max_window_bits=11"],
  ["client_max_window_bits twice", "client_max_window_bits; client_max_window_bits=10"],
  ["client_max_window_bits twice without a value", "client_max_window_bits; client_max_window_bits"],
  ...[
    "7",
    "16",
    "0",
    "1",
    "007",
    "08",
    "015",
    "x",
    "1e1",
    "+9",
    "-9",
    "10.0",
    "0xa",
    "99999999999999999999",
    "NaN",
    "9x",
  ]
    .flatMap((value): [string, string, string][] => [
      [`server_max_window_bits=${value}`, `server_max_window_bits=${value}`, "RFC 7692 §7.1.2.1"],
      [`client_max_window_bits=${value}`, `client_max_window_bits=${value}`, "RFC 7692 §7.1.2.2"],
    ]),
];

const wrong: RequestRow[] = WRONG.flatMap(([criterion, parameters, section = "RFC 7692 §7"]) => [
  ...declining(section, true, [[`an offer with ${criterion}`, `permessage-deflate; ${parameters}`]]),
  ...accepting(section, true, [
    [
      `the offer behind one with ${criterion}`,
      `permessage-deflate; ${parameters}, permessage-deflate; client_no_context_takeover`,
      "permessage-deflate; client_no_context_takeover",
      { clientNoContextTakeover: true },
    ],
  ]),
]);

export const deflateOffers: RequestRow[] = [...general, ...takeovers, ...windows, ...combined, ...wrong];
