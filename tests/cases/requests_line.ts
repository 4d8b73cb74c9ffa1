// Rows about how a request begins: the request line (RFC 9112 §3), its target, the HTTP version, the method, and bytes
// that are no HTTP/1.1 at all.

import { insert, line, type RequestRow, rows, upgrade } from "./requests_base.ts";

const LONG_LINE = `GET /${"a".repeat(300)} HTTP/1.1`;

export const requestLines: RequestRow[] = [
  ...rows({ section: "RFC 9112 §2.2", expect: "upgrade", evidence: "bytes" }, [
    ["one empty line in front of the request line", "\r\n" + upgrade()],
  ]),
  ...rows({ section: "RFC 9112 §2.2", expect: "head-malformed", evidence: "bytes" }, [
    ["two empty lines in front of the request line", "\r\n\r\n" + upgrade()],
    ["a bare LF in front of the request line", "\n" + upgrade()],
    ["a bare CR in front of the request line", "\r" + upgrade()],
    ["a space in front of the request line", " " + upgrade()],
    ["a byte order mark in front of the request line", "\xef\xbb\xbf" + upgrade()],
    ["a bare LF at the end of the request line", upgrade().replace("\r\n", "\n")],
    ["a bare CR at the end of the request line", upgrade().replace("\r\n", "\r")],
    ["CR CR LF at the end of the request line", upgrade().replace("\r\n", "\r\r\n")],
    ["a bare CR inside the request line", line("GET /ch\rat HTTP/1.1")],
    ["a TLS ClientHello, before any end of line", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x9a".repeat(32)],
    ["an SSH banner", "SSH-2.0-OpenSSH_9.6\r\n\r\n"],
    ["a response", "HTTP/1.1 200 OK\r\n\r\n"],
    ["bytes of a frame", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\r\n\r\n"],
  ]),
  ...rows({ section: "RFC 9112 §3", expect: "head-malformed", evidence: "bytes" }, [
    ["two spaces behind the method", line("GET  /chat HTTP/1.1")],
    ["two spaces behind the target", line("GET /chat  HTTP/1.1")],
    ["a space at the end of the request line", line("GET /chat HTTP/1.1 ")],
    ["a tab in the place of a space", line("GET\t/chat HTTP/1.1")],
    ["a vertical tab in the place of a space", line("GET /chat\x0bHTTP/1.1")],
    ["a request line without a target", line("GET HTTP/1.1")],
    ["a request line without a version", line("GET /chat")],
    ["a request line that is only a method", line("GET")],
    ["a request line with a fourth part", line("GET /chat HTTP/1.1 x")],
  ]),
  ...rows({ section: "RFC 9110 §9.1", expect: "head-malformed", evidence: "bytes" }, [
    ["an empty method", line(" /chat HTTP/1.1")],
    ["a method that is not a token", line("G(T /chat HTTP/1.1")],
    ["a method in quotes", line('"GET" /chat HTTP/1.1')],
    ["a NUL in the method", line("GE\0T /chat HTTP/1.1")],
    ["a byte above 0x7F in the method", line("G\xcbT /chat HTTP/1.1")],
  ]),
];

export const targets: RequestRow[] = [
  ...rows({ section: "RFC 9112 §3.2.1", expect: "upgrade", evidence: "request" }, [
    ["the root as target", line("GET / HTTP/1.1"), { url: "http://server.example.com/" }],
    ["a target with a query", line("GET /chat?a=b&c HTTP/1.1"), { url: "http://server.example.com/chat?a=b&c" }],
    ["a target with an empty query", line("GET /chat? HTTP/1.1")],
    ["a target with percent-encoded bytes", line("GET /%C3%BC%20%00 HTTP/1.1")],
    ["a target with a second question mark and a colon", line("GET /a:b?c?d HTTP/1.1")],
    ["a target of 8000 bytes", line(`GET /${"a".repeat(7999)} HTTP/1.1`), { section: "RFC 9112 §3" }],
  ]),
  ...rows({ section: "RFC 9112 §3.2.1", expect: "upgrade", evidence: "bytes" }, [
    [
      "two slashes at the beginning of a target, as a path of the same host",
      line("GET //evil.example/x HTTP/1.1"),
      { url: "http://server.example.com//evil.example/x" },
    ],
  ]),
  ...rows({ section: "RFC 9112 §3.2.2", expect: "upgrade", evidence: "bytes" }, [
    ["a target in absolute-form", line("GET http://server.example.com/chat HTTP/1.1")],
    ["an https target in absolute-form", line("GET https://server.example.com/chat HTTP/1.1")],
    ["an absolute-form with scheme and host in upper case", line("GET HTTP://SERVER.EXAMPLE.COM/chat HTTP/1.1")],
    ["an absolute-form with a port", line("GET http://server.example.com:8080/chat HTTP/1.1")],
    ["an absolute-form with an IPv6 host", line("GET http://[::1]:8080/chat HTTP/1.1")],
    ["an absolute-form without a path", line("GET http://server.example.com HTTP/1.1")],
    [
      "an absolute-form whose authority is not that of Host, and goes by the target",
      upgrade({ Host: "other.example" }, "GET http://server.example.com/chat HTTP/1.1"),
      { url: "http://server.example.com/chat" },
    ],
  ]),
  ...rows({ section: "RFC 9112 §3.2", expect: "head-malformed", evidence: "bytes" }, [
    ["a target without a slash", line("GET chat HTTP/1.1")],
    ["a target that is only a query", line("GET ?a=b HTTP/1.1")],
    ["a space inside the target", line("GET /ch at HTTP/1.1")],
    ["a tab inside the target", line("GET /ch\tat HTTP/1.1")],
    ["a fragment in the target", line("GET /chat#top HTTP/1.1"), { section: "RFC 9112 §3.2.1" }],
    ["a byte above 0x7F in the target", line("GET /ch\xe4t HTTP/1.1")],
    ["a NUL in the target", line("GET /ch\0at HTTP/1.1")],
    ["DEL in the target", line("GET /ch\x7fat HTTP/1.1")],
    ["asterisk-form with GET", line("GET * HTTP/1.1"), { section: "RFC 9112 §3.2.4" }],
    ["authority-form with GET", line("GET server.example.com:80 HTTP/1.1"), { section: "RFC 9112 §3.2.3" }],
  ]),
  ...rows({ section: "RFC 9112 §3.2.2", expect: "head-malformed", evidence: "bytes" }, [
    ["an absolute-form with the scheme ftp", line("GET ftp://server.example.com/chat HTTP/1.1")],
    ["an absolute-form with the scheme ws", line("GET ws://server.example.com/chat HTTP/1.1"), {
      section: "RFC 6455 §4.2.1 (1)",
    }],
    ["an absolute-form without an authority", line("GET http:/chat HTTP/1.1")],
    ["an absolute-form with a fragment", line("GET http://server.example.com/chat#top HTTP/1.1")],
  ]),
  ...rows({ section: "RFC 9112 §3.2.2", expect: "host-invalid", evidence: "bytes" }, [
    ["an absolute-form with an empty host", line("GET http:///chat HTTP/1.1"), { section: "RFC 9110 §4.2.1" }],
    ["an absolute-form with user information", line("GET http://me@server.example.com/chat HTTP/1.1"), {
      section: "RFC 9110 §4.2.4",
    }],
    ["an absolute-form with a port above 65535", line("GET http://server.example.com:65536/chat HTTP/1.1")],
  ]),
  ...rows({ section: "RFC 9112 §3.2.2", expect: "host-missing", evidence: "bytes" }, [
    ["an absolute-form without Host", upgrade({ Host: null }, "GET http://server.example.com/chat HTTP/1.1")],
  ]),
];

export const versions: RequestRow[] = [
  ...rows({ section: "RFC 9110 §6.2", expect: "upgrade", evidence: "bytes" }, [
    ["a higher minor version", line("GET /chat HTTP/1.2")],
    ["the highest minor version", line("GET /chat HTTP/1.9")],
  ]),
  ...rows({ section: "RFC 9110 §15.6.6", expect: "http-version-unsupported", evidence: "bytes" }, [
    ["HTTP/0.9", line("GET /chat HTTP/0.9")],
    ["HTTP/2.0", line("GET /chat HTTP/2.0")],
    ["HTTP/3.0", line("GET /chat HTTP/3.0")],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["HTTP/1.0, with what would be understood", line("GET /chat HTTP/1.0"), {
      section: "RFC 9110 §7.8",
      status: 426,
      fields: { Upgrade: "websocket", Connection: "Upgrade" },
    }],
    ["HTTP/1.0 without Host", upgrade({ Host: null }, "GET /chat HTTP/1.0"), {
      section: "RFC 6455 §4.2.1 (1)",
      status: 426,
      fields: { Upgrade: "websocket", Connection: "Upgrade" },
    }],
  ]),
  ...rows({ section: "RFC 9112 §2.3", expect: "head-malformed", evidence: "bytes" }, [
    ["the version in lower case", line("GET /chat http/1.1")],
    ["a version without a minor number", line("GET /chat HTTP/1")],
    ["a version without a dot", line("GET /chat HTTP/11")],
    ["a version with two digits behind the dot", line("GET /chat HTTP/1.10")],
    ["a version with two digits before the dot", line("GET /chat HTTP/01.1")],
    ["a version with a letter", line("GET /chat HTTP/1.x")],
    ["another protocol's name", line("GET /chat HTTPS/1.1")],
    ["a space inside the version", line("GET /chat HTTP/ 1.1")],
  ]),
];

export const methods: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.1 (1)", expect: "method-not-get", evidence: "request" }, [
    ["POST", line("POST /chat HTTP/1.1")],
    ["HEAD", line("HEAD /chat HTTP/1.1")],
    ["PUT", line("PUT /chat HTTP/1.1")],
    ["OPTIONS", line("OPTIONS /chat HTTP/1.1")],
    ["an unknown method", line("BREW /chat HTTP/1.1")],
    ["a method that begins with GET", line("GETS /chat HTTP/1.1")],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (1)", expect: "method-not-get", evidence: "bytes" }, [
    ["the method in lower case", line("get /chat HTTP/1.1"), { section: "RFC 9110 §9.1" }],
    ["a method of all token characters", line("!#$%&'*+-.^_`|~0aZ /chat HTTP/1.1"), { section: "RFC 9110 §5.6.2" }],
    ["TRACE", line("TRACE /chat HTTP/1.1")],
    ["CONNECT with authority-form", line("CONNECT server.example.com:443 HTTP/1.1"), { section: "RFC 9112 §3.2.3" }],
    ["OPTIONS with asterisk-form", line("OPTIONS * HTTP/1.1"), { section: "RFC 9112 §3.2.4" }],
  ]),
];

export const ends: RequestRow[] = rows(
  { section: "RFC 9112 §8", expect: "connection-closed", evidence: "bytes", closes: true },
  [
    ["an end before a byte", ""],
    ["an end inside the method", "GE"],
    ["an end inside the request line", "GET /chat HT"],
    ["an end behind the request line", "GET /chat HTTP/1.1\r\n"],
    ["an end inside a field", upgrade().slice(0, 60)],
    ["an end in front of the last CRLF", upgrade().slice(0, -2)],
    ["an end in front of the last LF", upgrade().slice(0, -1)],
  ],
);

export const limits: RequestRow[] = [
  ...rows({ section: "RFC 9110 §15.5.15", expect: "head-too-large", evidence: "bytes", status: 414 }, [
    ["a request line that does not end", "GET /" + "a".repeat(16384)],
    ["a method that does not end", "G".repeat(16385)],
    ["a request line above maxHeadSize", line(LONG_LINE), { options: { maxHeadSize: 300 } }],
    ["a request line whose LF is the first byte too many", line(LONG_LINE), {
      options: { maxHeadSize: LONG_LINE.length + 1 },
    }],
  ]),
  ...rows({ section: "RFC 6585 §5", expect: "head-too-large", evidence: "bytes" }, [
    ["a request line that fits, and nothing else", line(LONG_LINE), { options: { maxHeadSize: LONG_LINE.length + 2 } }],
    ["a field that does not end", insert("x: " + "a".repeat(16384)).slice(0, -2)],
  ]),
];
