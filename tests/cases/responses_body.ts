// Rows about answers that refuse the upgrade (RFC 6455 §4.1, check 1): which statuses do, and where their bodies end
// (RFC 9112 §6.3, §7.1), so that the body can be read whole.

import { head, type ResponseRow, rows } from "./responses_base.ts";

const CHUNKED = { "Transfer-Encoding": "chunked" };
const chunked = (body: string) => head("HTTP/1.1 403 Forbidden", CHUNKED) + body;
const sized = (status: string, fields: Record<string, string> = {}) =>
  head(`HTTP/1.1 ${status}`, { "Content-Length": "4", ...fields }) + "Not.";

export const statuses: ResponseRow[] = [
  ...rows({ section: "RFC 6455 §4.1 (1)", expect: "status-not-101", body: "Not." }, [
    ["200", sized("200 OK"), { status: 200 }],
    ["302", sized("302 Found", { Location: "ws://other.example/" }), { status: 302 }],
    ["302 with a Location in UTF-8", sized("302 Found", { Location: "/caf\xc3\xa9" }), {
      status: 302,
      section: "RFC 9110 §10.2.2",
    }],
    ["400", sized("400 Bad Request"), { status: 400 }],
    ["401", sized("401 Unauthorized", { "WWW-Authenticate": 'Basic realm="chat"' }), { status: 401 }],
    ["403", sized("403 Forbidden"), { status: 403 }],
    ["404", sized("404 Not Found"), { status: 404 }],
    ["407", sized("407 Proxy Authentication Required"), { status: 407 }],
    ["426 with versions", sized("426 Upgrade Required", { Upgrade: "websocket", "Sec-WebSocket-Version": "8, 7" }), {
      status: 426,
      section: "RFC 6455 §4.4",
    }],
    ["503", sized("503 Service Unavailable", { "Retry-After": "120" }), { status: 503 }],
    ["a status it does not know", sized("471 Whatever"), { status: 471, section: "RFC 9110 §15" }],
    ["a status above 599", sized("600 Whatever"), { section: "RFC 9110 §15" }],
    ["a refusal without a reason", sized("403 "), { status: 403, section: "RFC 9112 §4" }],
    ["a refusal of HTTP/1.0", head("HTTP/1.0 503 Service Unavailable") + "Not.", {
      status: 503,
      closes: true,
      section: "RFC 9110 §6.2",
    }],
  ]),
  ...rows({ section: "RFC 9112 §6.3", expect: "status-not-101", body: "" }, [
    ["204, which has no body", head("HTTP/1.1 204 No Content"), { status: 204 }],
    ["304, which has no body", head("HTTP/1.1 304 Not Modified"), { status: 304 }],
    ["204 with Content-Length, which has no body", head("HTTP/1.1 204 No Content", { "Content-Length": "5" }), {
      status: 204,
    }],
    ["304 with Content-Length, which has no body", head("HTTP/1.1 304 Not Modified", { "Content-Length": "5" }), {
      status: 304,
    }],
    ["304 with Transfer-Encoding, which has no body", head("HTTP/1.1 304 Not Modified", CHUNKED), {
      status: 304,
      section: "RFC 9112 §6.1",
    }],
  ]),
];

export const bodies: ResponseRow[] = [
  ...rows({ section: "RFC 9112 §6.3", expect: "status-not-101", status: 403 }, [
    ["a refusal with Content-Length 0", head("HTTP/1.1 403 Forbidden", { "Content-Length": "0" }), { body: "" }],
    ["a refusal up to the end of the connection", head("HTTP/1.1 403 Forbidden") + "no\r\n\r\nno", {
      body: "no\r\n\r\nno",
      closes: true,
    }],
    ["a refusal up to the end of the connection, without a body", head("HTTP/1.1 403 Forbidden"), {
      body: "",
      closes: true,
    }],
    [
      "a refusal whose last coding is not chunked",
      head("HTTP/1.1 403 Forbidden", { "Transfer-Encoding": "x" }) + "no",
      {
        body: "no",
        closes: true,
      },
    ],
    [
      "a refusal with bytes of every kind",
      head("HTTP/1.1 403 Forbidden", { "Content-Length": "6" }) + "\0\r\n\x7f\x80\xff",
      {
        body: "\0\r\n\x7f\x80\xff",
      },
    ],
  ]),
  ...rows({ section: "RFC 9112 §7.1", expect: "status-not-101", status: 403 }, [
    ["a refusal in one chunk", chunked("2\r\nno\r\n0\r\n\r\n"), { body: "no" }],
    ["a refusal in several chunks", chunked("2\r\nno\r\n1\r\n,\r\n3\r\n no\r\n0\r\n\r\n"), { body: "no, no" }],
    ["a refusal in no chunk", chunked("0\r\n\r\n"), { body: "" }],
    ["a chunk size in hexadecimal", chunked(`1a\r\n${"x".repeat(26)}\r\n0\r\n\r\n`), { body: "x".repeat(26) }],
    ["a chunk size in upper case", chunked(`1A\r\n${"x".repeat(26)}\r\n0\r\n\r\n`), { body: "x".repeat(26) }],
    ["a chunk size with leading zeros", chunked("0002\r\nno\r\n000\r\n\r\n"), { body: "no" }],
    ["a chunk with CRLF inside", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), { body: "\r\n\r\n" }],
    ["Chunked in mixed case", head("HTTP/1.1 403 Forbidden", { "Transfer-Encoding": "Chunked" }) + "0\r\n\r\n", {
      body: "",
      section: "RFC 9112 §7",
    }],
  ]),
  ...rows({ section: "RFC 9112 §7.1.1", expect: "status-not-101", status: 403, body: "no" }, [
    ["a chunk extension", chunked("2;a\r\nno\r\n0\r\n\r\n")],
    ["chunk extensions with values", chunked('2;a=b;c="d e"\r\nno\r\n0;f\r\n\r\n')],
    ["white space around a chunk extension", chunked("2 ; a = b\r\nno\r\n0\r\n\r\n")],
  ]),
  ...rows({ section: "RFC 9112 §7.1.2", expect: "status-not-101", status: 403, body: "no" }, [
    ["a trailer field", chunked("2\r\nno\r\n0\r\nx: a\r\n\r\n")],
    ["several trailer fields", chunked("2\r\nno\r\n0\r\nx: a\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")],
  ]),
  ...rows({ section: "RFC 9112 §8", expect: "status-not-101", status: 403, body: "no", closes: true }, [
    ["a refusal that ends before its Content-Length", head("HTTP/1.1 403 Forbidden", { "Content-Length": "9" }) + "no"],
    ["a refusal that ends before its last chunk", chunked("2\r\nno\r\n")],
    ["a refusal that ends inside a chunk", chunked("9\r\nno")],
  ]),
  ...rows({ section: "RFC 9110 §8.6", expect: "status-not-101", status: 403 }, [
    ["a refusal of exactly maxBodySize bytes", head("HTTP/1.1 403 Forbidden", { "Content-Length": "4" }) + "Not.", {
      options: { maxBodySize: 4 },
      body: "Not.",
    }],
    ["a refusal cut off at maxBodySize", head("HTTP/1.1 403 Forbidden", { "Content-Length": "9" }) + "Not here.", {
      options: { maxBodySize: 4 },
      body: "Not ",
    }],
  ]),
  ...rows({ section: "RFC 9112 §6.3", expect: "head-malformed" }, [
    ["two different Content-Lengths", head("HTTP/1.1 403 Forbidden", { "Content-Length": ["2", "5"] }) + "no"],
    ["the same Content-Length twice", head("HTTP/1.1 403 Forbidden", { "Content-Length": ["2", "2"] }) + "no", {
      section: "RFC 9110 §8.6",
    }],
    ["the same Content-Length twice in a line", head("HTTP/1.1 403 Forbidden", { "Content-Length": "0, 0" }), {
      section: "RFC 9110 §8.6",
    }],
    ["200 with both, which only CONNECT may ignore", head("HTTP/1.1 200 OK", { "Content-Length": "2", ...CHUNKED }), {
      section: "RFC 9110 §9.3.6",
    }],
    ["a Content-Length with a sign", head("HTTP/1.1 403 Forbidden", { "Content-Length": "+2" }) + "no"],
    ["a Content-Length of letters", head("HTTP/1.1 403 Forbidden", { "Content-Length": "two" }) + "no"],
    ["Content-Length with Transfer-Encoding", head("HTTP/1.1 403 Forbidden", { "Content-Length": "2", ...CHUNKED })],
  ]),
];
