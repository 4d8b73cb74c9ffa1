// Rows about what a request offers: subprotocols (RFC 6455 §4.2.1 (8)) and extensions (§4.2.1 (9), §9.1). The server of
// these supports none, so that a well-formed offer of any is accepted and not answered.

import { type RequestRow, rows, upgrade } from "./requests_base.ts";

const protocols = (value: string | readonly string[]) => upgrade({ "Sec-WebSocket-Protocol": value });
const extensions = (value: string | readonly string[]) => upgrade({ "Sec-WebSocket-Extensions": value });
const chosen = (protocol: string) => ({ "Sec-WebSocket-Protocol": protocol });

const CHAT = { options: { protocols: ["chat"] }, fields: chosen("chat") };
const NO_CHAT = { options: { protocols: ["chat"] } };

export const subprotocols: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.2 (4)", expect: "upgrade", evidence: "request" }, [
    ["the subprotocol it speaks", protocols("chat"), CHAT],
    ["one of several offered subprotocols", protocols("soap, chat, wamp"), CHAT],
    ["its own first choice of several", protocols("chat, superchat"), {
      options: { protocols: ["superchat", "chat"] },
      fields: chosen("superchat"),
    }],
    ["its second choice when the first is not offered", protocols("wamp, chat"), {
      options: { protocols: ["superchat", "chat"] },
      fields: chosen("chat"),
    }],
    ["subprotocols it does not speak, without one", protocols("soap, wamp"), NO_CHAT],
    ["subprotocols although it speaks none, without one", protocols("chat")],
    ["no subprotocol although it speaks one, without one", upgrade(), NO_CHAT],
    ["a subprotocol in another case, without one", protocols("Chat"), NO_CHAT],
    ["a subprotocol that begins with its own, without one", protocols("chat2"), NO_CHAT],
    ["properties of objects as subprotocols, without one", protocols("constructor, __proto__"), NO_CHAT],
  ]),
  ...rows({ section: "RFC 6455 §11.3.4", expect: "upgrade", evidence: "request" }, [
    ["subprotocols in several field lines", protocols(["soap", "wamp, chat"]), CHAT],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (10)", expect: "upgrade", evidence: "request" }, [
    ["a subprotocol of all token characters", protocols("!#$%&'*+-.^_`|~0aZ"), {
      options: { protocols: ["!#$%&'*+-.^_`|~0aZ"] },
      fields: chosen("!#$%&'*+-.^_`|~0aZ"),
    }],
    ["subprotocols that differ in case only", protocols("Chat, chat"), CHAT],
    ["empty elements among the subprotocols", protocols(", chat,, wamp ,"), { ...CHAT, section: "RFC 9110 §5.6.1.2" }],
    ["an empty field line among the subprotocols", protocols(["", "chat"]), { ...CHAT, section: "RFC 9110 §5.6.1.2" }],
    ["tabs around a subprotocol", protocols("\twamp\t,\tchat\t"), { ...CHAT, section: "RFC 9110 §5.6.1.2" }],
  ]),
  ...rows({ section: "RFC 6455 §4.1 (10)", expect: "protocol-malformed", evidence: "request", ...NO_CHAT }, [
    ["an empty Sec-WebSocket-Protocol", protocols("")],
    ["a Sec-WebSocket-Protocol of empty elements", protocols(", ,,")],
    ["a subprotocol twice", protocols("chat, chat")],
    ["a subprotocol twice, with another between", protocols("chat, wamp, chat")],
    ["a subprotocol twice, in two field lines", protocols(["chat", "chat"])],
    ["a space inside a subprotocol", protocols("ch at")],
    ["a tab inside a subprotocol", protocols("ch\tat")],
    ["a subprotocol in quotes", protocols('"chat"')],
    ["a subprotocol with a parameter", protocols("chat;q=1")],
    ["a slash in a subprotocol", protocols("chat/2")],
    ["an at sign in a subprotocol", protocols("ch@t")],
    ["a colon in a subprotocol", protocols("urn:chat")],
    ["a parenthesis in a subprotocol", protocols("chat(2)")],
    ["a byte above 0x7F in a subprotocol", protocols("ch\xe4t")],
    ["a malformed subprotocol behind a good one", protocols("chat, @")],
    ["a malformed subprotocol although it speaks none", protocols("@"), { options: {} }],
    ["64 KiB of spaces inside a subprotocol", protocols(`chat${" ".repeat(65536)}x`), {
      options: { protocols: ["chat"], maxHeadSize: 131072 },
    }],
  ]),
];

export const extensionOffers: RequestRow[] = [
  ...rows({ section: "RFC 6455 §4.2.1 (9)", expect: "upgrade", evidence: "request" }, [
    ["no extension", upgrade()],
    ["an extension it does not know", extensions("foo")],
    ["properties of objects as extensions", extensions("constructor; __proto__, __proto__")],
  ]),
  ...rows({ section: "RFC 6455 §9.1", expect: "upgrade", evidence: "request" }, [
    ["an extension with a parameter", extensions("foo; bar")],
    ["an extension with a value", extensions("bar; baz=2")],
    ["several extensions", extensions("foo, bar; baz=2")],
    ["extensions in several field lines", extensions(["foo", "bar; baz=2"]), { section: "RFC 6455 §11.3.2" }],
    ["deflate-stream", extensions("deflate-stream")],
    ["the second example of §9.1", extensions("mux; max-channels=4; flow-control, deflate-stream")],
    ["private-extension", extensions("private-extension")],
    [
      "permessage-deflate with parameters",
      extensions("permessage-deflate; client_max_window_bits, permessage-deflate"),
    ],
    ["a parameter without white space", extensions("foo;bar=1;baz")],
    ["white space around semicolon and equals sign", extensions("foo ;\tbar = 1 ; baz")],
    ["a quoted value that is a token", extensions('foo; bar="baz"')],
    ["a quoted value that is a token once it is unescaped", extensions('foo; bar="b\\az"')],
    ["the same parameter twice", extensions("foo; bar; bar=1")],
    ["the same extension twice", extensions("foo, foo")],
    ["an extension of all token characters", extensions("!#$%&'*+-.^_`|~0aZ; !#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~")],
    ["empty elements among the extensions", extensions(", foo,, bar ,"), { section: "RFC 9110 §5.6.1.2" }],
  ]),
  ...rows({ section: "RFC 6455 §9.1", expect: "extension-malformed", evidence: "request" }, [
    ["an empty Sec-WebSocket-Extensions", extensions("")],
    ["a Sec-WebSocket-Extensions of empty elements", extensions(", ,")],
    ["an extension without a name", extensions("; bar")],
    ["a semicolon without a parameter", extensions("foo;")],
    ["a semicolon without a parameter before another extension", extensions("foo;, bar")],
    ["two semicolons", extensions("foo;; bar")],
    ["a parameter without a name", extensions("foo; =1")],
    ["an equals sign without a value", extensions("foo; bar=")],
    ["two equals signs", extensions("foo; bar=1=2")],
    ["an extension with a value of its own", extensions("foo=1")],
    ["a space inside an extension", extensions("foo bar")],
    ["a space inside a parameter", extensions("foo; bar baz")],
    ["a space inside a value", extensions("foo; bar=1 2")],
    ["an extension in quotes", extensions('"foo"')],
    ["a parameter in quotes", extensions('foo; "bar"=1')],
    ["a quoted string without its end", extensions('foo; bar="baz')],
    ["a quoted string whose end is escaped", extensions('foo; bar="baz\\"')],
    ["an empty quoted string", extensions('foo; bar=""')],
    ["a space in a quoted string", extensions('foo; bar="b z"')],
    ["a comma in a quoted string", extensions('foo; bar="b,z"')],
    ["an escaped semicolon in a quoted string", extensions('foo; bar="b\\;z"')],
    ["an escaped quote in a quoted string", extensions('foo; bar="b\\"z"')],
    ["a byte above 0x7F in a quoted string", extensions('foo; bar="b\xe4z"')],
    ["more behind a quoted string", extensions('foo; bar="baz"x')],
    ["a byte above 0x7F in an extension", extensions("f\xf6\xf6")],
    ["a slash in an extension", extensions("foo/1")],
    ["a slash in a value", extensions("foo; bar=1/2")],
    ["a malformed extension behind a good one", extensions("permessage-deflate, @")],
    ["a malformed extension in a second field line", extensions(["permessage-deflate", "foo;"])],
    ["64 KiB of escaped characters in a quoted string without its end", extensions(`a; b="${"\\c".repeat(32768)}`), {
      options: { maxHeadSize: 131072 },
    }],
    ["64 KiB of spaces behind a semicolon", extensions(`foo;${" ".repeat(65536)};`), {
      options: { maxHeadSize: 131072 },
    }],
  ]),
];
