// Heads (src/http/head_reader.ts, src/http/request_head.ts): reading a browser's upgrade request, and writing a 101,
// beside what one would write with strings and regular expressions.

import { HeadReader } from "../src/http/head_reader.ts";
import { latin1 } from "../src/http/field_lines.ts";
import { writeHead } from "../src/http/write_head.ts";
import { parseRequest } from "../src/http/request_head.ts";
import { browser } from "../tests/cases/requests_upgrade.ts";
import * as tests from "../tests/kit/harness.ts";
import { compare } from "./harness.ts";

const request = tests.latin1(browser.bytes);
const names = ["host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version"] as const;
const values = ["server.example.com", "websocket", "Upgrade", "dGhlIHNhbXBsZSBub25jZQ==", "13"];

/** The head of a chunk, if it is whole. */
function read(chunk: Uint8Array): Uint8Array {
  const read = new HeadReader(16384, 1).push(chunk);
  if (!read || "failure" in read) throw new Error("There is no head");
  return read.head;
}

await compare("head: read a browser's request", ["GET", "http://server.example.com/chat", ...values], {
  "split, Map and regular expressions": () => {
    const text = new TextDecoder("latin1").decode(request);
    const [start, ...lines] = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n");
    const [, method, target] = /^([!#$%&'*+.^_`|~\w-]+) (\S+) HTTP\/1\.1$/.exec(start!)!;
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line)!;
      fields.set(name!.toLowerCase(), value!.trimEnd());
    }
    return [method, new URL(`http://${fields.get("host")}${target}`).href, ...names.map((name) => fields.get(name))];
  },
  "HeadReader, parseRequest()": () => {
    const head = parseRequest(read(request));
    if ("failure" in head) throw new Error(head.detail);
    return [head.method, head.url, ...names.map((name) => head.headers.get(name))];
  },
});

await compare("head: find its end", request.length, {
  'indexOf("\\r\\n\\r\\n")': () => new TextDecoder("latin1").decode(request).indexOf("\r\n\r\n") + 4,
  HeadReader: () => read(request).length,
});

await compare("head: its bytes as latin-1", browser.bytes, {
  "a character at a time": () => {
    let text = "";
    for (const byte of request) text += String.fromCharCode(byte);
    return text;
  },
  "latin1()": () => latin1(request),
});

const start = "HTTP/1.1 101 Switching Protocols";
const fields = [["Upgrade", "websocket"], ["Connection", "Upgrade"], [
  "Sec-WebSocket-Accept",
  "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
]] as const;

await compare("head: write a 101", writeHead(start, fields), {
  "join, TextEncoder": () => {
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
    return new TextEncoder().encode(`${start}\r\n${lines.join("")}\r\n`);
  },
  "writeHead()": () => writeHead(start, fields),
});
