// Rows about the fields of a request as bytes: line ends, folding, names, values (RFC 9112 §5), how many and how much;
// and about the two that frame and route any request: Host and the length of a body.

import { crowded, insert, type RequestRow, rows, sized, upgrade } from "./requests_base.ts";

export const syntax: RequestRow[] = [
  ...rows({ section: "RFC 9112 §5", expect: "upgrade", evidence: "bytes" }, [
    ["field names in lower case", upgrade().replace(/^[A-Z][\w-]+:/gm, (name) => name.toLowerCase())],
    ["field names in upper case", upgrade().replace(/^[A-Z][\w-]+:/gm, (name) => name.toUpperCase())],
    ["field lines in another order", upgrade({ Host: null }).slice(0, -2) + "Host: server.example.com\r\n\r\n"],
    ["field lines without a space behind the colon", upgrade().replaceAll(": ", ":")],
    ["white space around field values", upgrade().replace(/: (.*)\r\n/g, ": \t $1\t \r\n"), {
      section: "RFC 9112 §5.1",
    }],
    ["a field with an empty value", insert("x:\r\n"), { section: "RFC 9110 §5.5" }],
    ["a field of white space", insert("x: \t \r\n"), { section: "RFC 9110 §5.5" }],
    ["a name of all token characters", insert("!#$%&'*+-.^_`|~0aZ: x\r\n"), { section: "RFC 9110 §5.6.2" }],
    ["HTAB inside a value", insert("x: a\tb\r\n"), { section: "RFC 9110 §5.5" }],
    ["colons inside a value", insert("x: a:b: c\r\n")],
    ["unknown fields named as properties of objects", insert("__proto__: a\r\nconstructor: b\r\n"), {
      section: "RFC 6455 §4.2.1 (10)",
    }],
  ]),
  ...rows({ section: "RFC 6455 §4.2.1 (10)", expect: "upgrade", evidence: "request" }, [
    ["fields it does not know", upgrade({ "X-Unknown": "yes", Cookie: "a=b; c=d", Authorization: "Basic Og==" })],
    ["a field line that comes twice", upgrade({ Cookie: ["a=b", "c=d"] }), { section: "RFC 9110 §5.3" }],
    ["bytes from 0x80 to 0xFF in a value", upgrade({ "X-Name": "\x80\x9f\xa0\xff" }), { section: "RFC 9110 §5.5" }],
  ]),
  ...rows({ section: "RFC 9112 §2.2", expect: "head-malformed", evidence: "bytes" }, [
    ["bare LFs in the place of every CRLF", upgrade().replaceAll("\r\n", "\n")],
    ["a bare LF at the end of a field line", insert("x: a\n")],
    ["a bare LF in the place of the empty line", upgrade().slice(0, -2) + "\n"],
    ["a bare CR at the end of a field line", insert("x: a\ry: b\r\n")],
    ["a bare CR inside a value", insert("x: a\rb\r\n")],
    ["a bare CR inside a name", insert("x\ry: a\r\n")],
    ["CR CR LF at the end of a field line", insert("x: a\r\r\n")],
    ["a field line that is only a bare CR", insert("\r\r\n")],
    ["white space in front of the first field line", upgrade().replace("Host", " Host")],
    ["a line of white space in the place of the empty line", upgrade().slice(0, -2) + " \r\n\r\n"],
  ]),
  ...rows({ section: "RFC 9112 §5.2", expect: "head-malformed", evidence: "bytes" }, [
    ["a field folded by a space", insert("x: a\r\n b\r\n")],
    ["a field folded by a tab", insert("x: a\r\n\tb\r\n")],
    ["a field folded into nothing", insert("x: a\r\n \r\n")],
    ["a folded Sec-WebSocket-Version", upgrade().replace("Version: 13", "Version:\r\n 13")],
  ]),
  ...rows({ section: "RFC 9112 §5.1", expect: "head-malformed", evidence: "bytes" }, [
    ["a space between name and colon", insert("x : a\r\n")],
    ["a tab between name and colon", insert("x\t: a\r\n")],
    ["a space between Host and its colon", upgrade().replace("Host:", "Host :")],
    ["a space between Transfer-Encoding and its colon", insert("Transfer-Encoding : chunked\r\n")],
  ]),
  ...rows({ section: "RFC 9110 §5.6.2", expect: "head-malformed", evidence: "bytes" }, [
    ["an empty field name", insert(": a\r\n")],
    ["a field line without a colon", insert("x\r\n"), { section: "RFC 9112 §5" }],
    ["a space inside a name", insert("x y: a\r\n")],
    ["a parenthesis in a name", insert("x(y): a\r\n")],
    ["a quote in a name", insert('"x": a\r\n')],
    ["a slash in a name", insert("x/y: a\r\n")],
    ["a NUL in a name", insert("x\0y: a\r\n")],
    ["DEL in a name", insert("x\x7fy: a\r\n")],
    ["a byte above 0x7F in a name", insert("\xfc: a\r\n")],
  ]),
  ...rows({ section: "RFC 9110 §5.5", expect: "head-malformed", evidence: "bytes" }, [
    ["a NUL in a value", insert("x: a\0b\r\n")],
    ["a NUL at the end of a value", insert("x: a\0\r\n")],
    ["the control character 0x01 in a value", insert("x: a\x01b\r\n")],
    ["a vertical tab in a value", insert("x: a\x0bb\r\n")],
    ["ESC in a value", insert("x: a\x1bb\r\n")],
    ["the control character 0x1F in a value", insert("x: a\x1fb\r\n")],
    ["DEL in a value", insert("x: a\x7fb\r\n")],
  ]),
];

export const sizes: RequestRow[] = [
  ...rows({ section: "RFC 6585 §5", expect: "upgrade", evidence: "bytes" }, [
    ["a head of exactly 16 KiB", sized(16384)],
    ["a head of exactly maxHeadSize bytes", sized(512), { options: { maxHeadSize: 512 } }],
    ["a head of exactly maxHeadSize bytes with more behind it", sized(512), {
      options: { maxHeadSize: 512 },
      rest: "\x81\x80\x01\x02\x03\x04".repeat(200),
    }],
    ["128 field lines", crowded(128)],
  ]),
  ...rows({ section: "RFC 6585 §5", expect: "head-too-large", evidence: "bytes" }, [
    ["a head of one byte more than 16 KiB", sized(16385)],
    ["a head of one byte more than maxHeadSize", sized(513), { options: { maxHeadSize: 512 } }],
    ["129 field lines", crowded(129)],
    ["2000 field lines in front of those of the upgrade", upgrade().replace("\r\n", "\r\n" + "x:1\r\n".repeat(2000))],
  ]),
];

export const rests: RequestRow[] = rows({ section: "RFC 6455 §4.2.2 (5)", expect: "upgrade", evidence: "bytes" }, [
  ["a request with a frame behind it", upgrade(), { rest: "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58" }],
  ["a request with the beginning of a frame behind it", upgrade(), { rest: "\x81" }],
  ["a request with CRLF behind it", upgrade(), { rest: "\r\n\r\n" }],
  ["a request with 64 KiB behind it", upgrade(), { rest: "\x8a\x80\x01\x02\x03\x04".repeat(10923) }],
]);

export const hosts: RequestRow[] = [
  ...rows({ section: "RFC 9110 §7.2", expect: "upgrade", evidence: "bytes" }, [
    ["a host with a port", upgrade({ Host: "server.example.com:8080" }), {
      url: "http://server.example.com:8080/chat",
    }],
    ["a host with an empty port", upgrade({ Host: "server.example.com:" })],
    ["the port 65535", upgrade({ Host: "server.example.com:65535" })],
    ["a host in upper case", upgrade({ Host: "SERVER.EXAMPLE.COM" })],
    ["a host without dots", upgrade({ Host: "localhost" })],
    ["an IPv4 address", upgrade({ Host: "127.0.0.1:80" })],
    ["an IPv6 address", upgrade({ Host: "[::1]" })],
    ["an IPv6 address with a port", upgrade({ Host: "[2001:db8::1]:443" })],
  ]),
  ...rows({ section: "RFC 9112 §3.2", expect: "host-missing", evidence: "bytes" }, [
    ["no Host", upgrade({ Host: null })],
  ]),
  ...rows({ section: "RFC 9112 §3.2", expect: "host-invalid", evidence: "bytes" }, [
    ["two Hosts", upgrade({ Host: ["server.example.com", "evil.example"] })],
    ["two equal Hosts", upgrade({ Host: ["server.example.com", "server.example.com"] })],
    ["two hosts in one field line", upgrade({ Host: "server.example.com, evil.example" })],
    ["an empty Host", upgrade({ Host: "" }), { section: "RFC 9112 §3.3" }],
    ["a port without a host", upgrade({ Host: ":80" })],
    ["user information in Host", upgrade({ Host: "me@server.example.com" })],
    ["user information with a password in Host", upgrade({ Host: "me:secret@server.example.com" })],
    ["a path in Host", upgrade({ Host: "server.example.com/chat" })],
    ["a query in Host", upgrade({ Host: "server.example.com?a" })],
    ["a fragment in Host", upgrade({ Host: "server.example.com#a" })],
    ["a scheme in Host", upgrade({ Host: "http://server.example.com" })],
    ["a space in Host", upgrade({ Host: "server example.com" })],
    ["a backslash in Host", upgrade({ Host: "server.example.com\\evil.example" })],
    ["a port above 65535", upgrade({ Host: "server.example.com:65536" })],
    ["a port of letters", upgrade({ Host: "server.example.com:http" })],
    ["a port with a sign", upgrade({ Host: "server.example.com:+80" })],
    ["two ports", upgrade({ Host: "server.example.com:80:80" })],
    ["an IPv6 address without brackets", upgrade({ Host: "2001:db8::1" })],
    ["an IPv6 address without its closing bracket", upgrade({ Host: "[::1" })],
    ["brackets around no IPv6 address", upgrade({ Host: "[server.example.com]" })],
  ]),
];

export const bodies: RequestRow[] = [
  ...rows({ section: "RFC 9112 §6.2", expect: "upgrade", evidence: "request" }, [
    ["Content-Length 0", upgrade({ "Content-Length": "0" })],
  ]),
  ...rows({ section: "RFC 9112 §6", expect: "body-present", evidence: "request" }, [
    ["Content-Length 5", upgrade({ "Content-Length": "5" }), { rest: "Hello" }],
    ["Content-Length 1 with a leading zero", upgrade({ "Content-Length": "01" }), { rest: "x" }],
    ["a Content-Length above 2^64", upgrade({ "Content-Length": "18446744073709551617" }), {
      section: "RFC 9110 §8.6",
    }],
    ["chunked", upgrade({ "Transfer-Encoding": "chunked" }), { rest: "0\r\n\r\n", section: "RFC 9112 §6.1" }],
    ["gzip, chunked", upgrade({ "Transfer-Encoding": "gzip, chunked" }), { section: "RFC 9112 §6.1" }],
    ["a transfer coding that is not chunked", upgrade({ "Transfer-Encoding": "identity" }), {
      section: "RFC 9112 §6.3",
    }],
  ]),
  ...rows({ section: "RFC 9110 §8.6", expect: "head-malformed", evidence: "bytes" }, [
    ["the same Content-Length twice", upgrade({ "Content-Length": ["5", "5"] }), { rest: "Hello" }],
    ["Content-Length 0 twice", upgrade({ "Content-Length": ["0", "0"] })],
    ["5, 5 as Content-Length", upgrade({ "Content-Length": "5, 5" }), { rest: "Hello" }],
  ]),
  ...rows({ section: "RFC 9112 §6.3", expect: "head-malformed", evidence: "bytes" }, [
    ["two different Content-Lengths", upgrade({ "Content-Length": ["0", "5"] }), { rest: "Hello" }],
    ["0, 5 as Content-Length", upgrade({ "Content-Length": "0, 5" }), { rest: "Hello" }],
    ["Content-Length with Transfer-Encoding", upgrade({ "Content-Length": "5", "Transfer-Encoding": "chunked" })],
    ["Content-Length 0 with Transfer-Encoding", upgrade({ "Content-Length": "0", "Transfer-Encoding": "chunked" })],
    ["an empty Content-Length", upgrade({ "Content-Length": "" })],
    ["a Content-Length with a sign", upgrade({ "Content-Length": "+5" })],
    ["a negative Content-Length", upgrade({ "Content-Length": "-1" })],
    ["a hexadecimal Content-Length", upgrade({ "Content-Length": "0x5" })],
    ["a Content-Length with an exponent", upgrade({ "Content-Length": "1e3" })],
    ["a Content-Length with a space inside", upgrade({ "Content-Length": "1 0" })],
    ["a Content-Length of letters", upgrade({ "Content-Length": "five" })],
  ]),
];

export const expectations: RequestRow[] = rows({ section: "RFC 9110 §7.8", expect: "upgrade", evidence: "bytes" }, [
  ["Expect: 100-continue, after a 100", upgrade({ Expect: "100-continue" }), { interim: [100] }],
  ["Expect: 100-Continue, after a 100", upgrade({ Expect: "100-Continue" }), {
    interim: [100],
    section: "RFC 9110 §10.1.1",
  }],
]);
