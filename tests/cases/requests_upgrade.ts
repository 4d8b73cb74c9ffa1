// Rows about the fields that make a request an upgrade (RFC 6455 §4.2.1 (3) to (6)): Upgrade, Connection, key, version;
// and about which of several wrong things is named: the first in the order of the checks.

import { KEY, type RequestRow, rows, upgrade } from "./requests_base.ts";

const key = (value: string) => upgrade({ "Sec-WebSocket-Key": value });
const version = (value: string) => upgrade({ "Sec-WebSocket-Version": value });

/** What a browser sends beside the five fields. */
const BROWSER = {
  Pragma: "no-cache",
  "Cache-Control": "no-cache",
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  Origin: "http://server.example.com",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7",
  Cookie: "session=f3b1c6e0a94d4b7f8e2d; theme=dark",
  "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
};

/** The row that is like most requests. */
export const browser = rows({ section: "RFC 6455 §4.2.1", expect: "upgrade", evidence: "request" }, [
  ["a request as a browser sends it", upgrade(BROWSER)],
])[0]!;

export const upgrades: RequestRow[] = [
  browser,
  ...rows({ section: "RFC 6455 §4.2.1", expect: "upgrade", evidence: "request" }, [
    ["a request with the five fields", upgrade()],
    ["the request of RFC 6455 §1.2 from its own page", upgrade({ Origin: "http://server.example.com" })],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (3)", expect: "upgrade", evidence: "request" }, [
    ["Upgrade in mixed case", upgrade({ Upgrade: "WebSocket" })],
    ["Upgrade in upper case", upgrade({ Upgrade: "WEBSOCKET" })],
    ["websocket behind another protocol", upgrade({ Upgrade: "h2c, websocket" }), { section: "RFC 9110 §7.8" }],
    ["websocket before other protocols", upgrade({ Upgrade: "websocket, IRC/6.9, RTA/x11" }), {
      section: "RFC 9110 §7.8",
    }],
    ["websocket twice", upgrade({ Upgrade: "websocket, websocket" }), { section: "RFC 9110 §7.8" }],
    ["websocket in a second Upgrade", upgrade({ Upgrade: ["h2c", "websocket"] }), { section: "RFC 9110 §5.3" }],
    ["empty elements in Upgrade", upgrade({ Upgrade: ", ,websocket,," }), { section: "RFC 9110 §5.6.1.2" }],
    ["white space around the elements of Upgrade", upgrade({ Upgrade: "h2c\t ,\t websocket" }), {
      section: "RFC 9110 §5.6.1.2",
    }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (3)", expect: "upgrade-missing", evidence: "request" }, [
    ["no Upgrade", upgrade({ Upgrade: null })],
    ["an empty Upgrade", upgrade({ Upgrade: "" })],
    ["an Upgrade of empty elements", upgrade({ Upgrade: ", ," }), { section: "RFC 9110 §5.6.1.2" }],
    ["another protocol", upgrade({ Upgrade: "h2c" })],
    ["a protocol that begins with websocket", upgrade({ Upgrade: "websocket2" })],
    ["a protocol that ends with websocket", upgrade({ Upgrade: "not-websocket" })],
    ["websocket with a version", upgrade({ Upgrade: "websocket/13" }), { section: "RFC 9110 §7.8" }],
    ["websocket in quotes", upgrade({ Upgrade: '"websocket"' })],
    ["websocket with a parameter", upgrade({ Upgrade: "websocket;q=1" })],
    ["a space inside websocket", upgrade({ Upgrade: "web socket" })],
    ["websocket between bytes that are only white space in Unicode", upgrade({ Upgrade: "\xa0websocket\xa0" }), {
      section: "RFC 9110 §5.6.3",
    }],
  ]),
];

export const connections: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.1 (4)", expect: "upgrade", evidence: "request" }, [
    ["Connection in lower case", upgrade({ Connection: "upgrade" })],
    ["Connection in upper case", upgrade({ Connection: "UPGRADE" })],
    ["Upgrade behind keep-alive", upgrade({ Connection: "keep-alive, Upgrade" })],
    ["Upgrade before keep-alive, without a space", upgrade({ Connection: "Upgrade,keep-alive" })],
    ["Upgrade in a second Connection", upgrade({ Connection: ["keep-alive", "Upgrade"] }), {
      section: "RFC 9110 §5.3",
    }],
    ["empty elements in Connection", upgrade({ Connection: ",,Upgrade, ," }), { section: "RFC 9110 §5.6.1.2" }],
    ["a tab between the elements of Connection", upgrade({ Connection: "keep-alive\t,\tUpgrade" }), {
      section: "RFC 9110 §5.6.1.2",
    }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (4)", expect: "connection-missing", evidence: "request" }, [
    ["no Connection", upgrade({ Connection: null })],
    ["an empty Connection", upgrade({ Connection: "" })],
    ["keep-alive alone", upgrade({ Connection: "keep-alive" })],
    ["close alone", upgrade({ Connection: "close" })],
    ["an option that begins with upgrade", upgrade({ Connection: "upgraded" })],
    ["an option that ends with upgrade", upgrade({ Connection: "not-upgrade" })],
    ["a space inside upgrade", upgrade({ Connection: "up grade" })],
    ["options without a comma", upgrade({ Connection: "keep-alive Upgrade" })],
    ["upgrade with a parameter", upgrade({ Connection: "upgrade;q=1" })],
    ["upgrade in quotes", upgrade({ Connection: '"upgrade"' })],
  ]),
];

export const keys: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.1 (5)", expect: "upgrade", evidence: "request" }, [
    ["a key of zeros", key("A".repeat(22) + "=="), {
      fields: { "Sec-WebSocket-Accept": "ICX+Yqv66kxgM0FcWaLWlFLwTAI=" },
    }],
    ["a key of ones", key("/".repeat(21) + "w=="), {
      fields: { "Sec-WebSocket-Accept": "XXpj4jYzLM2yUE0C7TIgMwTQh2g=" },
    }],
    ["a key of plus signs and slashes", key("+/".repeat(10) + "+w=="), {
      fields: { "Sec-WebSocket-Accept": "M0DUs3om0SqzerhOhYSMM7WQuBQ=" },
    }],
    ["the bytes 1 to 16 as key", key("AQIDBAUGBwgJCgsMDQ4PEA=="), {
      section: "RFC 6455 §4.1 (7)",
      fields: { "Sec-WebSocket-Accept": "C/0nmHhBztSRGR1CwL6Tf4ZjwpY=" },
    }],
    ["the example key of the RFC, which has a bit behind its 16 bytes", key("AQIDBAUGBwgJCgsMDQ4PEC=="), {
      section: "RFC 6455 §4.1 (7)",
      fields: { "Sec-WebSocket-Accept": "OfS0wDaT5NoxF2gqm7Zj2YtetzM=" },
    }],
    ["a key with the last bit behind its 16 bytes", key("A".repeat(21) + "B=="), {
      section: "RFC 4648 §3.5",
      fields: { "Sec-WebSocket-Accept": "NRJrplgTSmBqvVaQhF+6peBS1S8=" },
    }],
    ["white space around the key", key(` \t${KEY}\t `), { section: "RFC 9112 §5.1" }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (5)", expect: "key-missing", evidence: "request" }, [
    ["no key", upgrade({ "Sec-WebSocket-Key": null })],
    ["a key under another name", upgrade({ "Sec-WebSocket-Key": null, "Sec-WebSocket-Key1": KEY })],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (5)", expect: "key-invalid", evidence: "request" }, [
    ["an empty key", key("")],
    ["a key of 15 bytes", key("A".repeat(20))],
    ["a key of 17 bytes", key("A".repeat(23) + "=")],
    ["a key of 18 bytes, as long as one of 16", key("A".repeat(24))],
    ["a key without padding", key("A".repeat(22))],
    ["a key with half of its padding", key("A".repeat(22) + "=")],
    ["a key with too much padding", key("A".repeat(22) + "===")],
    ["padding inside the key", key("A".repeat(20) + "==AA")],
    ["a key in the alphabet for URLs", key("-_".repeat(10) + "-w=="), { section: "RFC 4648 §4" }],
    ["a key with a byte that is not of the alphabet", key("*" + KEY.slice(1))],
    ["a key with a byte above 0x7F", key("\xe4" + KEY.slice(1))],
    ["a space inside the key", key(KEY.slice(0, 12) + " " + KEY.slice(12))],
    ["a key in quotes", key(`"${KEY}"`)],
    ["a key with a parameter", key(`${KEY};q=1`)],
    ["a key of 1000 characters", key("A".repeat(998) + "==")],
    ["a key with a comma behind it", key(`${KEY},`)],
    ["two keys in one field line", key(`${KEY}, ${KEY}`), { section: "RFC 6455 §11.3.1" }],
    ["two keys", upgrade({ "Sec-WebSocket-Key": [KEY, "A".repeat(22) + "=="] }), { section: "RFC 6455 §11.3.1" }],
    ["the same key twice", upgrade({ "Sec-WebSocket-Key": [KEY, KEY] }), { section: "RFC 6455 §11.3.1" }],
  ]),
];

export const versions13: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.1 (6)", expect: "upgrade", evidence: "request" }, [
    ["white space around the version", version("\t13 "), { section: "RFC 9112 §5.1" }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (6)", expect: "version-missing", evidence: "request" }, [
    ["no version", upgrade({ "Sec-WebSocket-Version": null })],
  ]),
  ...rows({ section: "RFC 6455 §4.2.2 (4)", expect: "version-unsupported", evidence: "request" }, [
    ["version 8", version("8")],
    ["version 12", version("12")],
    ["version 14", version("14")],
    ["version 25", version("25"), { section: "RFC 6455 §4.4" }],
    ["version 0", version("0")],
    ["version 255", version("255")],
    ["version 256 + 13", version("269")],
    ["an empty version", version("")],
    ["a list of versions", version("8, 13"), { section: "RFC 6455 §4.3" }],
    ["a list of versions that begins with 13", version("13, 8"), { section: "RFC 6455 §4.3" }],
    ["13 twice in one field line", version("13, 13"), { section: "RFC 6455 §4.3" }],
    ["13 with a comma behind it", version("13,"), { section: "RFC 6455 §4.3" }],
    ["13 with a leading zero", version("013"), { section: "RFC 6455 §4.3" }],
    ["13 with a sign", version("+13"), { section: "RFC 6455 §4.3" }],
    ["13 with a fraction", version("13.0"), { section: "RFC 6455 §4.3" }],
    ["13 in hexadecimal", version("0xd"), { section: "RFC 6455 §4.3" }],
    ["13 in quotes", version('"13"'), { section: "RFC 6455 §4.3" }],
    ["13 with a parameter", version("13;q=1"), { section: "RFC 6455 §4.3" }],
    ["a space inside 13", version("1 3"), { section: "RFC 6455 §4.3" }],
    ["an unsupported version with a request behind it", version("8"), { rest: "GET /internal HTTP/1.1\r\n\r\n" }],
  ]),
  ...rows({ section: "RFC 9110 §5.3", expect: "head-malformed", evidence: "bytes" }, [
    ["two versions", upgrade({ "Sec-WebSocket-Version": ["13", "8"] })],
    ["the same version twice", upgrade({ "Sec-WebSocket-Version": ["13", "13"] })],
  ]),
];

export const order: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.1", expect: "head-malformed", evidence: "bytes" }, [
    ["a malformed head before HTTP/2.0", upgrade({ "x y": "" }, "GET /chat HTTP/2.0")],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (1)", expect: "http-version-unsupported", evidence: "bytes" }, [
    ["HTTP/2.0 before POST", upgrade({}, "POST /chat HTTP/2.0")],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "method-not-get", evidence: "bytes" }, [
    ["POST before its body", upgrade({ "Content-Length": "5" }, "POST /chat HTTP/1.1"), { rest: "Hello" }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "host-missing", evidence: "bytes" }, [
    ["a missing Host before a body", upgrade({ Host: null, "Content-Length": "5" }), { rest: "Hello" }],
    ["a missing Host before POST", upgrade({ Host: null }, "POST /chat HTTP/1.1"), { section: "RFC 9112 §3.2" }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "host-invalid", evidence: "bytes" }, [
    ["two Hosts before a missing Upgrade", upgrade({ Host: ["a.example", "b.example"], Upgrade: null })],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "method-not-get", evidence: "request" }, [
    ["POST before a missing Upgrade", upgrade({ Upgrade: null }, "POST /chat HTTP/1.1")],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "body-present", evidence: "request" }, [
    ["a body before a missing Upgrade", upgrade({ "Content-Length": "5", Upgrade: null }), { rest: "Hello" }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "upgrade-missing", evidence: "request" }, [
    ["a missing Upgrade before a missing Connection", upgrade({ Upgrade: null, Connection: null })],
    [
      "a plain request for a page",
      upgrade({
        Upgrade: null,
        Connection: null,
        "Sec-WebSocket-Key": null,
        "Sec-WebSocket-Version": null,
      }),
    ],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "connection-missing", evidence: "request" }, [
    ["a missing Connection before a missing key", upgrade({ Connection: null, "Sec-WebSocket-Key": null })],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "key-invalid", evidence: "request" }, [
    ["a wrong key before a wrong version", upgrade({ "Sec-WebSocket-Key": "a", "Sec-WebSocket-Version": "8" })],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "version-unsupported", evidence: "request" }, [
    ["version 8 before a malformed protocol", upgrade({ "Sec-WebSocket-Version": "8", "Sec-WebSocket-Protocol": "@" })],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "protocol-malformed", evidence: "request" }, [
    [
      "a malformed protocol before a malformed extension",
      upgrade({ "Sec-WebSocket-Protocol": "@", "Sec-WebSocket-Extensions": "@" }),
    ],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1", expect: "extension-malformed", evidence: "request" }, [
    [
      "a malformed extension before a foreign origin",
      upgrade({ "Sec-WebSocket-Extensions": "@", Origin: "http://evil.example" }),
    ],
  ]),
];
