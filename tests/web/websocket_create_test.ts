// How a WebSocket is made, over sockets, on ws and wss. Each test names the public one that it answers to.

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { accept } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { WebSocket, type WebSocketInit } from "../../src/websocket.ts";
import { assertDomError } from "../kit/assert_dom_error.ts";
import { test } from "../kit/harness.ts";
import { cleanly, closeBack, echo, HandPeer, next, type ServeOne } from "./peers.ts";
import { Answers } from "./public_files.ts";

const answers = new Answers("create");
const HOST = "//localhost";

/** Opens over a connection that nobody answers, and gives up. */
function made(url: string, protocols?: string | string[]): WebSocket {
  const socket = new WebSocket(url, protocols, { conn: connectionPair()[0] });
  socket.close();
  return socket;
}

const WRONG_PROTOCOLS = {
  "Create-asciiSep-protocol-string": "/echo",
  "Create-nonAscii-protocol-string": "\u0080echo",
  "Create-protocol-with-space": "ec ho",
  "Create-protocols-repeated-case-insensitive": ["echo", "Echo"],
  "Create-protocols-repeated": ["echo", "echo"],
} as const;
for (const [file, protocols] of Object.entries(WRONG_PROTOCOLS)) {
  answers.check(file as keyof typeof WRONG_PROTOCOLS, `the subprotocol ${protocols} is refused`, (scheme) => {
    assertDomError(() => new WebSocket(`${scheme}:${HOST}/`, protocols as string), "SyntaxError");
  });
}

/** Runs where the program has a place, as with `deno run --location`. */
function at<T>(href: string, run: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, "location");
  Object.defineProperty(globalThis, "location", { value: { href }, configurable: true });
  try {
    return run();
  } finally {
    if (before) Object.defineProperty(globalThis, "location", before);
    else delete (globalThis as { location?: unknown }).location;
  }
}

const WRONG_URLS = ["ws://a b/", "wss://a b/", "ftp://a/", "mailto:a@example.org", "about:blank", "#", "#b", "?a#b"];
for (const url of WRONG_URLS) {
  answers.check("Create-invalid-urls", `the URL ${url} is refused`, (scheme) => {
    at(`${scheme.replace("ws", "http")}:${HOST}/`, () => assertDomError(() => new WebSocket(url), "SyntaxError"));
  });
}

answers.check("Create-url-with-space", "a URL with a space in its host is refused", (scheme) => {
  assertDomError(() => new WebSocket(`${scheme}://local host/`), "SyntaxError");
});

answers.test("Create-http-urls", "http stands for ws, and https for wss", echo, async (open, url) => {
  const socket = open([], `${url.replace("ws", "http")}a?b`);
  assertEquals(socket.url, `${url}a?b`);
  await next(socket, "open");
  socket.close();
  await cleanly(socket);
});

for (const relative of ["test", "?", null, 123]) {
  answers.test(
    "Create-non-absolute-url",
    `where the program has a place, ${relative} is relative to it, and an empty query is not sent (RFC 6455 §3)`,
    async (conn) => {
      const peer = await HandPeer.opened(conn),
        wanted = { test: "/a/test", "?": "/a/b", null: "/a/null", 123: "/a/123" };
      assertEquals(peer.head.split(" ")[1], wanted[`${relative}` as keyof typeof wanted]);
      await peer.closeBack();
    },
    async (open, url) => {
      const href = `${url.replace("ws", "http")}a/b`, socket = at(href, () => open([], relative as string));
      assertEquals(socket.url, new URL(`${relative}`, href).href.replace("http", "ws"));
      await next(socket, "open");
      socket.close();
      await cleanly(socket);
    },
  );
}

answers.check("constructor", "a stray argument more is ignored", (scheme) => {
  const Loose = WebSocket as unknown as new (...args: unknown[]) => WebSocket;
  const socket = new Loose(`${scheme}://127.0.0.1:1/`, "echo", "stray");
  assertInstanceOf(socket, WebSocket);
  socket.close();
});

const chats: ServeOne = async (conn) => {
  const socket = await accept(conn, { protocols: ["echo"] });
  await socket.receive((message) => socket.send(message));
};

answers.test("Create-valid-url-protocol-empty", "before it is open it has no subprotocol", chats, async (open) => {
  const socket = open("echo");
  assertEquals(socket.protocol, "");
  await next(socket, "open");
  socket.close();
  await cleanly(socket);
});

const OPENED: readonly [
  file: Parameters<typeof answers.test>[0],
  name: string,
  protocols: string | string[] | undefined,
][] = [
  ["Create-valid-url", "a URL alone", undefined],
  ["Create-valid-url-array-protocols", "a list of subprotocols", ["echo", "chat"]],
  ["Create-valid-url-protocol-string", "a subprotocol as a string", "echo"],
  ["Create-valid-url-protocol", "a subprotocol as a string, again", "echo"],
];
for (const [file, name, protocols] of OPENED) {
  answers.test(file, `${name} opens, and closes cleanly`, chats, async (open) => {
    const socket = open(protocols);
    assertEquals([socket.readyState, WebSocket.CONNECTING], [0, 0]);
    await next(socket, "open");
    assertEquals([socket.readyState, socket.OPEN], [1, 1]);
    socket.close();
    await cleanly(socket);
  });
}

answers.test(
  "Create-valid-url-protocol-setCorrectly",
  "the agreed subprotocol is there when it is open",
  chats,
  async (open) => {
    const socket = open("echo");
    await next(socket, "open");
    assertEquals(socket.protocol, "echo");
    socket.close();
    await cleanly(socket);
  },
);

answers.test("Create-extensions-empty", "where nothing was agreed there are no extensions", closeBack, async (open) => {
  const socket = open();
  await next(socket, "open");
  assertEquals(socket.extensions, "");
  socket.close();
  await cleanly(socket);
});

answers.test("Create-valid-url-binaryType-blob", "bytes become Blobs unless told otherwise", echo, async (open) => {
  const socket = open();
  await next(socket, "open");
  assertEquals(socket.binaryType, "blob");
  socket.close();
  await cleanly(socket);
});

answers.test("binaryType-wrong-value", "another binaryType is ignored", echo, async (open) => {
  const socket = open();
  await next(socket, "open");
  for (const wrong of ["text", "Blob", "", null]) socket.binaryType = wrong as "blob";
  assertEquals(socket.binaryType, "blob");
  socket.close();
  await cleanly(socket);
});

answers.test("basic-auth", "user and password of the URL are sent as Basic authentication", async (conn) => {
  const peer = await HandPeer.opened(conn);
  assert(/^authorization: basic Zm9vOmJhcg==\r$/im.test(peer.head), peer.head); // foo:bar
  await peer.closeBack();
}, async (open, url) => {
  const socket = open([], url.replace("//", "//foo:bar@"));
  await next(socket, "open");
  socket.close();
  await cleanly(socket);
});

answers.test("referrer", "no Referer is sent", async (conn) => {
  const peer = await HandPeer.opened(conn);
  assert(!/^referer:/im.test(peer.head), peer.head);
  await peer.closeBack();
}, async (open) => {
  const socket = open();
  await next(socket, "open");
  socket.close();
  await cleanly(socket);
});

for (const type of ["open", "error", "close", "message"] as const) {
  answers.test("eventhandlers", `on${type} is null for what is no object`, echo, async (open) => {
    const socket = open(), name = `on${type}` as const, handler = () => {};
    assertEquals(socket[name], null);
    socket[name] = handler;
    assertEquals(socket[name] as unknown, handler);
    socket[name] = 2 as unknown as null;
    assertEquals(socket[name], null);
    await next(socket, "open");
    socket.close();
    await cleanly(socket);
  });
}

const BAGS: readonly [protocols: string[] | undefined, agreed: string][] = [[undefined, ""], [
  ["other", "echo"],
  "echo",
]];
for (const [protocols, agreed] of BAGS) {
  answers.test("constructor/option-bag", `an object with the subprotocols ${protocols} opens`, chats, async (open) => {
    const socket = open(protocols ? { protocols } : {});
    await next(socket, "open");
    assertEquals(socket.protocol, agreed);
    socket.close();
    await cleanly(socket);
  });
}

for (const protocols of [undefined, "echo", ["echo"]]) {
  answers.test(
    "constructor/third-param-ignored",
    `a third argument that is no object does nothing behind ${protocols}`,
    chats,
    async (open, url) => {
      const socket = open(protocols, url, "stray");
      await next(socket, "open");
      assertEquals(socket.protocol, protocols ? "echo" : "");
      socket.close();
      await cleanly(socket);
    },
  );
}

answers.end();

// Beyond the public tests
test("without new, without a URL, and with what can't be converted it is a TypeError", () => {
  const { WebSocket: Loose } = { WebSocket } as unknown as {
    WebSocket: (new (...args: unknown[]) => WebSocket) & (() => void);
  };
  assertThrows(() => Loose(), TypeError);
  assertThrows(() => new Loose(), TypeError, "the URL is missing");
  for (const wrong of [Symbol("x"), { toString: () => ({}) }]) assertThrows(() => new Loose(wrong), TypeError);
  assertThrows(() => new Loose("ws://a/", ["a", Symbol("x")]), TypeError);
});

test("a wrong option is told, and leaves the connection untouched", () => {
  const [conn] = connectionPair();
  const wrong: WebSocketInit[] = [{ conn, maxMessageSize: -1 }, { conn, caCerts: ["x"] }, {
    conn,
    protocols: 1 as never,
  }];
  for (const init of wrong.slice(0, 2)) assertThrows(() => new WebSocket("ws://a/", init), Error, "Cannot");
  assertThrows(() => new WebSocket("ws://a/", wrong[2]), TypeError, "list of strings");
  assertEquals([conn.isClosed, conn.readable.locked], [false, false]);
});

test("an object may be the second argument, null stands for none, and a number for its digits", async () => {
  for (const [second, offered] of [[{ protocols: "a" }, "a"], [null, undefined], [7, "7"]] as const) {
    const [conn, far] = connectionPair();
    const socket = new WebSocket("ws://a/", second as unknown as null, { conn, headers: { "x-token": "42" } });
    const { request } = await accept(far, { protocols: ["a", "7"] });
    assertEquals(request.headers.get("sec-websocket-protocol") ?? undefined, offered);
    assertEquals(request.headers.get("x-token"), "42");
    await next(socket, "open");
    far.reset();
    await next(socket, "close");
  }
});

test("constants and attributes are as Web IDL has them", () => {
  const constants = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
  for (const [name, value] of Object.entries(constants)) {
    for (const target of [WebSocket, WebSocket.prototype]) {
      const wanted = { value, enumerable: true, writable: false, configurable: false };
      assertEquals(Object.getOwnPropertyDescriptor(target, name), wanted);
    }
  }
  const attributes = ["url", "readyState", "bufferedAmount", "extensions", "protocol", "binaryType"];
  for (const name of [...attributes, "onopen", "onmessage", "onerror", "onclose"]) {
    const { get, set, enumerable, configurable } = Object.getOwnPropertyDescriptor(WebSocket.prototype, name)!;
    assertEquals([typeof get, enumerable, configurable], ["function", true, true], name);
    assertEquals(set === undefined, attributes.slice(0, 5).includes(name), name);
  }
  assertEquals([WebSocket.length, WebSocket.prototype.send.length, WebSocket.prototype.close.length], [1, 1, 0]);
  const socket = made("ws://a/");
  assertThrows(() => (socket as { url: string }).url = "ws://b/", TypeError);
  assertEquals([`${socket}`, WebSocket.name, socket instanceof EventTarget], ["[object WebSocket]", "WebSocket", true]);
});
