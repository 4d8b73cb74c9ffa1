// Rows about an extended CONNECT and the response to it: what only HTTP/2 has (RFC 8441, RFC 9113 §8). What both versions
// of HTTP have in common is taken from the rows of requests (connect_of.ts).

import type { HandshakeFailure } from "../../mod.ts";

/** Fields as they come, in their order. */
export type H2Fields = readonly (readonly [name: string, value: string])[];

export interface ConnectRow {
  /** The criterion. */
  readonly name: string;
  /** The clause it comes from. */
  readonly section: string;
  readonly fields: H2Fields;
  readonly expect: HandshakeFailure | "upgrade";
  /** The status of the answer. */
  readonly status: number;
  /** What the answer must have; `null`: the field must not be there. */
  readonly answered?: Readonly<Record<string, string | null>>;
  /** Whether every HTTP/2 client can send it: most refuse to, or their peer's HTTP/2 layer resets the stream. */
  readonly isSendable?: true;
  /** What the accepted request's `url` must be. */
  readonly url?: string;
}

const FIELDS: Readonly<Record<string, string>> = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "http",
  ":authority": "server.example.com",
  ":path": "/chat",
  "sec-websocket-version": "13",
};

/** Fields changed, added, sent as several lines, or left out (`null`). */
type Changes = Readonly<Record<string, string | readonly string[] | null>>;

/** A valid request, but for the changes. */
export function connectFields(changes: Changes = {}): H2Fields {
  return Object.entries<Changes[string]>({ ...FIELDS, ...changes }).flatMap(([name, value]) =>
    (value === null ? [] : [value].flat()).map((value) => [name, value] as const)
  );
}

type Short = readonly [criterion: string, changes: Changes | H2Fields, more?: Partial<ConnectRow>];

function rows(
  section: string,
  expect: ConnectRow["expect"],
  status: number,
  list: readonly Short[],
  common: Partial<ConnectRow> = {},
): ConnectRow[] {
  const verb = expect === "upgrade" ? "accepts" : "refuses";
  return list.map(([criterion, changes, more = {}]) => ({
    section,
    expect,
    status,
    ...common,
    ...more,
    name: `${verb} ${criterion}`,
    fields: Array.isArray(changes) ? changes as H2Fields : connectFields(changes as Changes),
  }));
}

const NO_UPGRADE = { upgrade: null, connection: null, "sec-websocket-accept": null };
const SENDABLE = { isSendable: true } as const;

export const connects: readonly ConnectRow[] = [
  ...rows("RFC 8441 §5", "upgrade", 200, [
    ["a CONNECT for a WebSocket", {}, { url: "http://server.example.com/chat" }],
    ["a path with a query", { ":path": "/chat?a=b&c" }, { url: "http://server.example.com/chat?a=b&c" }],
    ["the scheme https", { ":scheme": "https" }, { url: "https://server.example.com/chat" }],
    ["an authority with a port", { ":authority": "localhost:8080" }, { url: "http://localhost:8080/chat" }],
    ["a page of the same host", { origin: "http://server.example.com" }],
    ["a key, which has no meaning", { "sec-websocket-key": "x" }],
    ["an accept value, which has no meaning", { "sec-websocket-accept": "x" }],
  ], { ...SENDABLE, answered: NO_UPGRADE }),
  ...rows("RFC 9113 §8.2.2", "upgrade", 200, [
    ["TE with trailers", { te: "trailers" }, SENDABLE],
  ]),
  ...rows("RFC 9113 §8.3.1", "upgrade", 200, [
    ["two slashes at the beginning of a path, as a path of the same host", { ":path": "//evil.example/x" }, {
      ...SENDABLE,
      url: "http://server.example.com//evil.example/x",
    }],
    ["Host in place of :authority", { ":authority": null, host: "server.example.com" }],
    ["the same Host beside :authority", { host: "Server.example.com" }],
  ]),
  ...rows("RFC 9110 §9.3.6", "upgrade", 200, [["a Content-Length of 0", { "content-length": "0" }]]),
  ...rows("RFC 8441 §5", "connect-protocol-unsupported", 501, [
    ["another protocol", { ":protocol": "connect-udp" }, SENDABLE],
    ["another case of the protocol", { ":protocol": "WebSocket" }, SENDABLE],
    ["an empty protocol", { ":protocol": "" }],
    ["a CONNECT without a protocol", { ":protocol": null, ":scheme": null, ":path": null }, SENDABLE],
  ]),
  ...rows("RFC 8441 §5", "method-not-connect", 405, [
    ["a GET", { ":method": "GET", ":protocol": null }],
    ["a POST", { ":method": "POST", ":protocol": null }],
  ], { ...SENDABLE, answered: { allow: "CONNECT" } }),
  ...rows("RFC 8441 §4", "http2-malformed", 400, [
    ["no :scheme", { ":scheme": null }],
    ["no :path", { ":path": null }],
    ["a protocol with another method", { ":method": "GET" }],
    ["a method in another case with a protocol", { ":method": "connect" }],
  ]),
  ...rows("RFC 8441 §5", "http2-malformed", 400, [
    ["no :authority", { ":authority": null }],
    ["the scheme wss", { ":scheme": "wss" }],
    ["the scheme ws", { ":scheme": "ws" }],
  ]),
  ...rows("RFC 9113 §8.5", "http2-malformed", 400, [
    ["a CONNECT without a protocol that has a path", { ":protocol": null, ":scheme": null }],
  ]),
  ...rows("RFC 9113 §8.2.2", "http2-malformed", 400, [
    ["Upgrade", { upgrade: "websocket" }],
    ["Connection", { connection: "upgrade" }],
    ["Keep-Alive", { "keep-alive": "timeout=5" }],
    ["Proxy-Connection", { "proxy-connection": "keep-alive" }],
    ["Transfer-Encoding", { "transfer-encoding": "chunked" }],
    ["TE with something else", { te: "gzip" }],
  ]),
  ...rows("RFC 9113 §8.2.1", "http2-malformed", 400, [
    ["a name in upper case", { "X-A": "1" }],
    ["a name that is not a token", { "a b": "1" }],
    ["an empty name", { "": "1" }],
    ["a line break in a value", { x: "a\r\nb: c" }],
    ["a NUL in a value", { x: "a\0" }],
    ["a character that is no byte in a value", { x: "a\u0141" }],
    ["a space at the end of a value", { x: "a " }],
    ["a line break in :path", { ":path": "/a\r\nb: c" }],
    ["a line break in :authority", { ":authority": "h\r\nb: c" }],
  ]),
  ...rows("RFC 9113 §8.3", "http2-malformed", 400, [
    ["a pseudo-header field that nobody knows", { ":cookie": "a" }],
    ["one of a response", { ":status": "200" }],
    ["one that is there twice", { ":path": ["/a", "/b"] }],
    ["one behind the other fields", [["sec-websocket-version", "13"], ...connectFields()]],
  ]),
  ...rows("RFC 9113 §8.3.1", "http2-malformed", 400, [
    ["no :method", { ":method": null }],
    ["an empty :path", { ":path": "" }],
    ["a :path that is no path", { ":path": "chat" }],
    ["a :path with a fragment", { ":path": "/chat#a" }],
    ["a :path with a space", { ":path": "/a b" }],
    ["a :path that is an asterisk", { ":path": "*" }],
    ["an empty :authority", { ":authority": "" }],
    ["an :authority with user information", { ":authority": "ada@server.example.com" }],
    ["an :authority with a path", { ":authority": "server.example.com/x" }],
    ["another Host beside :authority", { host: "other.example" }],
  ]),
  ...rows("RFC 9112 §3.2", "host-invalid", 400, [
    ["two Hosts", { ":authority": null, host: ["server.example.com", "server.example.com"] }],
  ]),
  ...rows("RFC 6455 §4.2.1 (6)", "version-missing", 400, [
    ["no version", { "sec-websocket-version": null }],
  ], { ...SENDABLE, answered: { ...NO_UPGRADE, "sec-websocket-version": "13" } }),
  ...rows("RFC 6455 §4.2.2 (4)", "version-unsupported", 400, [
    ["another version, without the 426 that needs Upgrade", { "sec-websocket-version": "8" }],
  ], { ...SENDABLE, answered: { ...NO_UPGRADE, "sec-websocket-version": "13" } }),
  ...rows("RFC 6455 §4.2.2 (4)", "head-malformed", 400, [
    ["two versions", { "sec-websocket-version": ["13", "8"] }],
  ]),
  ...rows("RFC 9110 §9.3.6", "body-present", 400, [["a Content-Length", { "content-length": "5" }]]),
  ...rows("RFC 6585 §5", "head-too-large", 431, [
    ["129 fields", { x: Array.from({ length: 128 }, () => "1") }],
  ]),
];

export interface ConnectResponseRow {
  readonly name: string;
  readonly section: string;
  readonly fields: H2Fields;
  readonly protocols?: readonly string[];
  readonly expect: HandshakeFailure | "agreed";
}

const answered = (
  section: string,
  expect: ConnectResponseRow["expect"],
  list: readonly (readonly [string, H2Fields, (readonly string[])?])[],
): ConnectResponseRow[] =>
  list.map(([criterion, fields, protocols = []]) => ({
    name: `${expect === "agreed" ? "agrees to" : "refuses"} ${criterion}`,
    section,
    expect,
    fields,
    protocols,
  }));

const OK = [":status", "200"] as const;

export const connectResponses: readonly ConnectResponseRow[] = [
  ...answered("RFC 8441 §5.1", "agreed", [
    ["a 200", [OK]],
    ["a 200 with the subprotocol", [OK, ["sec-websocket-protocol", "a"]], ["b", "a"]],
    ["a 200 with an accept value, which has no meaning", [OK, ["sec-websocket-accept", "x"]]],
  ]),
  ...answered("RFC 8441 §5.1", "status-not-200", [
    ["a 101", [[":status", "101"]]],
    ["a 204", [[":status", "204"]]],
    ["a 401", [[":status", "401"]]],
    ["a 501", [[":status", "501"]]],
  ]),
  ...answered("RFC 9113 §8.2.2", "http2-malformed", [
    ["Upgrade", [OK, ["upgrade", "websocket"]]],
    ["Connection", [OK, ["connection", "upgrade"]]],
  ]),
  ...answered("RFC 9113 §8.3.2", "http2-malformed", [
    ["no status", []],
    ["a status that is no number", [[":status", "OK"]]],
    ["a status of two digits", [[":status", "20"]]],
  ]),
  ...answered("RFC 6455 §4.1 (6)", "protocol-unrequested", [
    ["a subprotocol that was not offered", [OK, ["sec-websocket-protocol", "c"]], ["a"]],
  ]),
  ...answered("WHATWG WebSockets §2.1", "protocol-missing", [["a 200 without a subprotocol", [OK], ["a"]]]),
  ...answered("RFC 6455 §4.1 (5)", "extension-unrequested", [
    ["an extension that was not offered", [OK, ["sec-websocket-extensions", "permessage-deflate"]]],
  ]),
];
