// Rows about how an answer begins and how its fields are written: the status line (RFC 9112 §4), the HTTP version,
// interim answers, line ends, folding, sizes, and an end in the middle.

import { crowded, head, insert, type ResponseRow, rows, sized, switching } from "./responses_base.ts";

const FRAME = "\x81\x05Hello";
const LONG_LINE = `HTTP/1.1 101 ${"a".repeat(300)}`;

export const statusLines: ResponseRow[] = [
  ...rows({ section: "RFC 9112 §4", expect: "agreed" }, [
    ["a 101 with its reason", switching()],
    ["a 101 with another reason", switching({}, "HTTP/1.1 101 Web Socket Protocol Handshake")],
    ["a 101 without a reason", switching({}, "HTTP/1.1 101 ")],
    ["a 101 without a reason and the space in front of it", switching({}, "HTTP/1.1 101")],
    ["a reason with bytes above 0x7F", switching({}, "HTTP/1.1 101 Protokoll\xfcbergang \x80\xff")],
    ["a reason with a tab and several spaces", switching({}, "HTTP/1.1 101 Switching\t  Protocols ")],
  ]),
  ...rows({ section: "RFC 9112 §4", expect: "head-malformed" }, [
    ["a status of two digits", switching({}, "HTTP/1.1 99 Low")],
    ["a status of four digits", switching({}, "HTTP/1.1 1000 High")],
    ["a status of letters", switching({}, "HTTP/1.1 OK 101")],
    ["a letter in the status", switching({}, "HTTP/1.1 1O1 Switching Protocols")],
    ["a status with a sign", switching({}, "HTTP/1.1 +101 Switching Protocols")],
    ["a status line without a status", switching({}, "HTTP/1.1")],
    ["a status line with an empty status", switching({}, "HTTP/1.1  Switching Protocols")],
    ["two spaces in front of the status", switching({}, "HTTP/1.1  101 Switching Protocols")],
    ["a tab in front of the status", switching({}, "HTTP/1.1\t101 Switching Protocols")],
    ["a tab behind the status", switching({}, "HTTP/1.1 101\tSwitching Protocols")],
    ["a reason that begins in the status", switching({}, "HTTP/1.1 101Switching Protocols")],
    ["a NUL in the reason", switching({}, "HTTP/1.1 101 Switching\0Protocols")],
    ["ESC in the reason", switching({}, "HTTP/1.1 101 \x1b[31mSwitching")],
    ["DEL in the reason", switching({}, "HTTP/1.1 101 Switching\x7f")],
    ["a request", head("GET /chat HTTP/1.1", { Host: "server.example.com" })],
    ["a space in front of the status line", " " + switching()],
  ]),
  ...rows({ section: "RFC 9112 §2.2", expect: "head-malformed" }, [
    ["an empty line in front of the status line", "\r\n" + switching()],
    ["a bare LF at the end of the status line", switching().replace("\r\n", "\n")],
    ["a bare CR inside the status line", switching({}, "HTTP/1.1 101 Switching\rProtocols")],
    ["a TLS alert, before any end of line", "\x15\x03\x01\x00\x02\x02\x46"],
    ["an SSH banner", "SSH-2.0-OpenSSH_9.6\r\n\r\n"],
  ]),
  ...rows({ section: "RFC 9112 §2.3", expect: "head-malformed" }, [
    ["the version in lower case", switching({}, "http/1.1 101 Switching Protocols")],
    ["a version without a minor number", switching({}, "HTTP/1 101 Switching Protocols")],
    ["a version of two digits behind the dot", switching({}, "HTTP/1.10 101 Switching Protocols")],
    ["another protocol's name", switching({}, "ICY 101 Switching Protocols")],
  ]),
  ...rows({ section: "RFC 9110 §2.5", expect: "http-version-unsupported" }, [
    ["a 101 of HTTP/1.0", switching({}, "HTTP/1.0 101 Switching Protocols"), { section: "RFC 9110 §15.2" }],
    ["a 101 of HTTP/0.9", switching({}, "HTTP/0.9 101 Switching Protocols")],
    ["a 101 of HTTP/2.0", switching({}, "HTTP/2.0 101 Switching Protocols")],
  ]),
  ...rows({ section: "RFC 9110 §6.2", expect: "agreed" }, [
    ["a higher minor version", switching({}, "HTTP/1.2 101 Switching Protocols")],
  ]),
];

const CONTINUE = head("HTTP/1.1 100 Continue");
const HINTS = head("HTTP/1.1 103 Early Hints", { Link: ["</a>; rel=preload", "</b>; rel=preload"] });

export const interims: ResponseRow[] = [
  ...rows({ section: "RFC 9110 §15.2", expect: "agreed" }, [
    ["a 101 behind a 100", CONTINUE + switching(), { rest: FRAME }],
    ["a 101 behind a 102 and a 103 with fields", head("HTTP/1.1 102 Processing") + HINTS + switching()],
    ["a 101 behind ten interim answers", CONTINUE.repeat(5) + HINTS.repeat(5) + switching()],
    ["a 101 behind an interim status it does not know", head("HTTP/1.1 199 Soon") + switching()],
    [
      "a 101 behind an interim answer with Content-Length",
      head("HTTP/1.1 103 A", { "Content-Length": "5" }) + switching(),
    ],
    [
      "a 101 behind an interim answer with a wrong Accept",
      head("HTTP/1.1 103 A", { "Sec-WebSocket-Accept": "x" }) + switching(),
    ],
  ]),
  ...rows({ section: "RFC 9110 §15.2", expect: "status-not-101" }, [
    ["a 403 behind a 100", CONTINUE + head("HTTP/1.1 403 Forbidden", { "Content-Length": "2" }) + "no", {
      status: 403,
      body: "no",
    }],
  ]),
  ...rows({ section: "RFC 9110 §15.2", expect: "accept-missing" }, [
    [
      "a 101 without the Accept that an interim answer has",
      head("HTTP/1.1 103 A", { "Sec-WebSocket-Accept": "{accept}" }) + switching({ "Sec-WebSocket-Accept": null }),
    ],
  ]),
  ...rows({ section: "RFC 9112 §8", expect: "connection-closed", closes: true }, [
    ["an end behind an interim answer", CONTINUE],
  ]),
];

export const fieldLines: ResponseRow[] = [
  ...rows({ section: "RFC 9112 §5", expect: "agreed" }, [
    ["field names in lower case", switching().replace(/^[A-Z][\w-]+:/gm, (name) => name.toLowerCase())],
    ["field names in upper case", switching().replace(/^[A-Z][\w-]+:/gm, (name) => name.toUpperCase())],
    ["field lines without a space behind the colon", switching().replaceAll(": ", ":")],
    ["white space around field values", switching().replace(/: (.*)\r\n/g, ": \t $1\t \r\n"), {
      section: "RFC 9112 §5.1",
    }],
    ["several cookies", switching({ "Set-Cookie": ["a=b; Path=/", "c=d, e"] }), { section: "RFC 6455 §4.1" }],
    ["bytes from 0x80 to 0xFF in a value", insert("Server: \x80\x9f\xa0\xff\r\n"), { section: "RFC 9110 §5.5" }],
    ["a field with an empty value", insert("x:\r\n"), { section: "RFC 9110 §5.5" }],
  ]),
  ...rows({ section: "RFC 9112 §2.2", expect: "head-malformed" }, [
    ["bare LFs in the place of every CRLF", switching().replaceAll("\r\n", "\n")],
    ["a bare LF at the end of a field line", insert("x: a\n")],
    ["a bare CR inside a value", insert("x: a\rb\r\n")],
    ["a bare LF in the place of the empty line", switching().slice(0, -2) + "\n"],
    ["white space in front of the first field line", switching().replace("Upgrade", " Upgrade")],
  ]),
  ...rows({ section: "RFC 9112 §5", expect: "head-malformed" }, [
    ["a field folded by a space", insert("x: a\r\n b\r\n"), { section: "RFC 9112 §5.2" }],
    ["a field folded by a tab", insert("x: a\r\n\tb\r\n"), { section: "RFC 9112 §5.2" }],
    ["a space between name and colon", insert("x : a\r\n"), { section: "RFC 9112 §5.1" }],
    ["a field line without a colon", insert("x\r\n")],
    ["an empty field name", insert(": a\r\n")],
    ["a space inside a name", insert("x y: a\r\n")],
    ["a byte above 0x7F in a name", insert("\xfc: a\r\n")],
    ["a NUL in a value", insert("x: a\0b\r\n"), { section: "RFC 9110 §5.5" }],
    ["a control character in a value", insert("x: a\x01b\r\n"), { section: "RFC 9110 §5.5" }],
    ["DEL in a value", insert("x: a\x7fb\r\n"), { section: "RFC 9110 §5.5" }],
  ]),
];

export const sizes: ResponseRow[] = [
  ...rows({ section: "RFC 9110 §5.4", expect: "agreed" }, [
    ["a head of exactly 16 KiB", sized(16384)],
    ["a head of exactly maxHeadSize bytes with more behind it", sized(512), {
      options: { maxHeadSize: 512 },
      rest: FRAME.repeat(200),
    }],
    ["128 field lines", crowded(128)],
  ]),
  ...rows({ section: "RFC 9110 §5.4", expect: "head-too-large" }, [
    ["a head of one byte more than 16 KiB", sized(16385)],
    ["a head of one byte more than maxHeadSize", sized(513), { options: { maxHeadSize: 512 } }],
    ["a field that does not end", insert("x: " + "a".repeat(16384)).slice(0, -2)],
    ["a status line that does not end", "HTTP/1.1 101 " + "a".repeat(16384), { section: "RFC 9112 §4" }],
    ["a status line above maxHeadSize", switching({}, LONG_LINE), {
      options: { maxHeadSize: 300 },
      section: "RFC 9112 §4",
    }],
    ["129 field lines", crowded(129)],
    ["2000 field lines in front of those of the upgrade", switching().replace("\r\n", "\r\n" + "x:1\r\n".repeat(2000))],
  ]),
];

export const ends: ResponseRow[] = rows({ section: "RFC 9112 §8", expect: "connection-closed", closes: true }, [
  ["an end before a byte", ""],
  ["an end inside the version", "HTTP/1"],
  ["an end inside the status", "HTTP/1.1 10"],
  ["an end behind the status line", "HTTP/1.1 101 Switching Protocols\r\n"],
  ["an end inside a field", switching().slice(0, 50)],
  ["an end in front of the last CRLF", switching().slice(0, -2)],
  ["an end in front of the last LF", switching().slice(0, -1)],
]);
