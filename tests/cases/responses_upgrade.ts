// Rows about the fields that make an answer an upgrade (RFC 6455 §4.1, checks 2 to 6): Upgrade, Connection, Accept,
// extensions, subprotocol; and about what follows a 101.

import { type ResponseRow, rows, switching } from "./responses_base.ts";

const accept = (value: string | readonly string[] | null) => switching({ "Sec-WebSocket-Accept": value });
const protocol = (value: string | readonly string[]) => switching({ "Sec-WebSocket-Protocol": value });
const extensions = (value: string | readonly string[]) => switching({ "Sec-WebSocket-Extensions": value });

const TWO = { offer: { protocols: ["chat", "superchat"] } };

export const upgrades: ResponseRow[] = [
  ...rows({ section: "RFC 6455 §4.1 (2)", expect: "agreed" }, [
    ["Upgrade in mixed case", switching({ Upgrade: "WebSocket" })],
    ["Upgrade in upper case", switching({ Upgrade: "WEBSOCKET" })],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (2)", expect: "upgrade-missing" }, [
    ["no Upgrade", switching({ Upgrade: null })],
    ["an empty Upgrade", switching({ Upgrade: "" })],
    ["another protocol", switching({ Upgrade: "h2c" })],
    ["websocket among other protocols", switching({ Upgrade: "h2c, websocket" })],
    ["websocket twice", switching({ Upgrade: ["websocket", "websocket"] })],
    ["websocket with a version", switching({ Upgrade: "websocket/13" })],
    ["websocket in quotes", switching({ Upgrade: '"websocket"' })],
    ["a protocol that begins with websocket", switching({ Upgrade: "websocket2" })],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (3)", expect: "agreed" }, [
    ["Connection in lower case", switching({ Connection: "upgrade" })],
    ["Upgrade behind keep-alive", switching({ Connection: "keep-alive, Upgrade" })],
    ["Upgrade in a second Connection", switching({ Connection: ["keep-alive", "Upgrade"] })],
    ["empty elements in Connection", switching({ Connection: ",Upgrade ,," }), { section: "RFC 9110 §5.6.1.2" }],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (3)", expect: "connection-missing" }, [
    ["no Connection", switching({ Connection: null })],
    ["an empty Connection", switching({ Connection: "" })],
    ["keep-alive alone", switching({ Connection: "keep-alive" })],
    ["close alone", switching({ Connection: "close" })],
    ["an option that begins with upgrade", switching({ Connection: "upgraded" })],
    ["options without a comma", switching({ Connection: "keep-alive Upgrade" })],
  ]),
];

export const accepts: ResponseRow[] = [
  ...rows({ section: "RFC 6455 §4.1 (4)", expect: "agreed" }, [
    ["the right Accept with white space around it", accept(" \t{accept}\t ")],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (4)", expect: "accept-missing" }, [
    ["no Accept", accept(null)],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (4)", expect: "accept-mismatch" }, [
    ["an empty Accept", accept("")],
    ["the Accept of another key", accept("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
    ["the Accept in lower case", accept("{accept-lower}")],
    ["the key as Accept", accept("{key}")],
    ["the Accept with more padding", accept("{accept}=")],
    ["the Accept with a character in front of it", accept("A{accept}")],
    ["the Accept in quotes", accept('"{accept}"')],
    ["the Accept with a comma behind it", accept("{accept},")],
    ["the Accept twice in one field line", accept("{accept}, {accept}")],
    ["two Accepts", accept(["{accept}", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]), { section: "RFC 6455 §11.3.3" }],
    ["the Accept twice", accept(["{accept}", "{accept}"]), { section: "RFC 6455 §11.3.3" }],
  ]),
];

export const extensionAnswers: ResponseRow[] = [
  ...rows({ section: "RFC 6455 §4.1 (5)", expect: "extension-unrequested" }, [
    ["permessage-deflate that was not offered", extensions("permessage-deflate")],
    [
      "permessage-deflate with parameters that was not offered",
      extensions("permessage-deflate; server_max_window_bits=10"),
    ],
    ["an extension it does not know", extensions("foo")],
    ["extensions in two field lines", extensions(["foo", "bar"]), { section: "RFC 6455 §11.3.2" }],
    ["a property of objects as extension", extensions("constructor")],
  ]),
  ...rows({ section: "RFC 6455 §9.1", expect: "extension-malformed" }, [
    ["an empty Sec-WebSocket-Extensions", extensions(""), { section: "RFC 6455 §4.2.2 (4)" }],
    ["a Sec-WebSocket-Extensions of empty elements", extensions(", ,")],
    ["a semicolon without a parameter", extensions("foo;")],
    ["a parameter without a name", extensions("foo; =1")],
    ["an equals sign without a value", extensions("foo; bar=")],
    ["a quoted string without its end", extensions('foo; bar="baz')],
    ["a quoted value that is not a token", extensions('foo; bar="b z"')],
    ["a space inside an extension", extensions("foo bar")],
  ]),
];

export const protocols: ResponseRow[] = [
  ...rows({ section: "RFC 6455 §4.1 (6)", expect: "agreed" }, [
    ["no subprotocol where none was offered", switching(), { protocol: "" }],
    ["the first subprotocol that was offered", protocol("chat"), { ...TWO, protocol: "chat" }],
    ["the second subprotocol that was offered", protocol("superchat"), { ...TWO, protocol: "superchat" }],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (6)", expect: "protocol-unrequested" }, [
    ["a subprotocol where none was offered", protocol("chat")],
    ["a subprotocol that was not offered", protocol("wamp"), TWO],
    ["a subprotocol in another case", protocol("Chat"), TWO],
    ["a subprotocol that begins with an offered one", protocol("chat2"), TWO],
    ["a property of objects as subprotocol", protocol("constructor"), TWO],
    ["an empty subprotocol where none was offered", protocol(""), { section: "RFC 6455 §4.2.2 (4)" }],
    ["two subprotocols in one field line", protocol("chat, superchat"), { ...TWO, section: "RFC 6455 §4.3" }],
    ["two subprotocols", protocol(["chat", "superchat"]), { ...TWO, section: "RFC 6455 §11.3.4" }],
    ["a subprotocol twice", protocol(["chat", "chat"]), { ...TWO, section: "RFC 6455 §11.3.4" }],
  ]),
  ...rows({ section: "WHATWG WebSockets §2.1", expect: "protocol-missing" }, [
    ["no subprotocol where one was offered", switching(), TWO],
  ]),
];

export const rests: ResponseRow[] = [
  ...rows({ section: "RFC 6455 §4.2.2", expect: "agreed" }, [
    ["a 101 with a frame behind it", switching(), { rest: "\x81\x05Hello" }],
    ["a 101 with the beginning of a frame behind it", switching(), { rest: "\x81" }],
    ["a 101 with CRLF behind it", switching(), { rest: "\r\n\r\n" }],
    ["a 101 with 64 KiB behind it", switching(), { rest: "\x81\x05Hello".repeat(9363) }],
  ]),
  ...rows({ section: "RFC 9112 §6.3", expect: "agreed" }, [
    ["a 101 with Content-Length, as a 101 without", switching({ "Content-Length": "5" }), { rest: "\x81\x05Hello" }],
    ["a 101 with Content-Length 0, as a 101 without", switching({ "Content-Length": "0" }), { rest: "\x81\x05Hello" }],
    ["a 101 with Transfer-Encoding, as a 101 without", switching({ "Transfer-Encoding": "chunked" }), {
      rest: "\x81\x05Hello",
    }],
  ]),
];

export const order: ResponseRow[] = [
  ...rows({ section: "RFC 6455 §4.1 (1)", expect: "status-not-101" }, [
    [
      "the status 200 before a missing Upgrade",
      switching(
        { Upgrade: null, "Content-Length": "0" },
        "HTTP/1.1 200 OK",
      ),
      { status: 200, body: "" },
    ],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (2)", expect: "upgrade-missing" }, [
    ["a missing Upgrade before a missing Connection", switching({ Upgrade: null, Connection: null })],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (3)", expect: "connection-missing" }, [
    ["a missing Connection before a missing Accept", switching({ Connection: null, "Sec-WebSocket-Accept": null })],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (4)", expect: "accept-mismatch" }, [
    [
      "a wrong Accept before an extension that was not offered",
      switching({ "Sec-WebSocket-Accept": "x", "Sec-WebSocket-Extensions": "foo" }),
    ],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (5)", expect: "extension-unrequested" }, [
    [
      "an extension that was not offered before a subprotocol that was not offered",
      switching({ "Sec-WebSocket-Extensions": "foo", "Sec-WebSocket-Protocol": "chat" }),
    ],
  ]),
];
