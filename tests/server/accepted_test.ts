// What an accepted connection keeps of its opening handshake (RFC 6455 §4.2), and when it lets that go if it is told to.

import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { accept, type Accepted, type AcceptOptions, connect, type ServeOptions } from "../../mod.ts";
import { connectFields } from "../cases/connects.ts";
import { upgrade } from "../cases/requests_base.ts";
import { pair } from "../kit/accepting.ts";
import { collectGarbage, test } from "../kit/harness.ts";
import { acceptingHttp2, headOn } from "../kit/http2.ts";
import { settled } from "../kit/raw_peer.ts";
import { serving } from "../kit/serving.ts";
import { shown } from "../kit/shown.ts";

/** A text message, «Hi», as a client sends it (RFC 6455 §5.7). */
const HI = Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x48, 0x69);

async function accepting(options: AcceptOptions = {}) {
  const { conn, peer } = pair();
  peer.write(upgrade({ "Sec-WebSocket-Protocol": "chat", "X-Who": "ada" }, "GET /chat?x=1 HTTP/1.1"));
  return { socket: await accept(conn, { protocols: "chat", ...options }), peer };
}

/** Both heads can be read. */
function assertKept({ request, response }: Accepted): void {
  assertEquals([request.target, response.status], ["/chat?x=1", 101]);
}

/** Neither can, and the error says why. */
function assertLetGo(socket: Accepted): void {
  for (const name of ["request", "response"] as const) {
    assertThrows(
      () => socket[name],
      TypeError,
      `Cannot read ${name}: it was let go when receive() or readable was first used, as keepRequest: false asks; ` +
        "keep what you need of it before",
    );
  }
}

/** Every way in which reading of messages begins. */
const BEGINNINGS: readonly [name: string, begin: (socket: Accepted) => unknown][] = [
  ["receive()", (socket) => void socket.receive().catch(() => {})],
  ["receive() with a handler", (socket) => void socket.receive(() => {}).catch(() => {})],
  ["readable", (socket) => socket.readable],
  ["a reader", (socket) => void socket.readable.getReader().closed.catch(() => {})],
  ["for await", async (socket) => {
    for await (const _ of socket.readable);
  }],
  ["a pipe", (socket) => void socket.readable.pipeTo(socket.writable).catch(() => {})],
];

for (const keepRequest of [undefined, true]) {
  test(`accept() keeps both heads with keepRequest ${keepRequest}`, async () => {
    for (const [, begin] of BEGINNINGS) {
      const { socket } = await accepting({ keepRequest });
      Promise.resolve(begin(socket)).catch(() => {});
      assertKept(socket);
      await settled();
      assertKept(socket);
      socket.abort();
      assertKept(socket);
    }
  });
}

for (const [name, begin] of BEGINNINGS) {
  test(`keepRequest: false lets both heads go with ${name}`, async () => {
    const { socket, peer } = await accepting({ keepRequest: false });
    assertKept(socket);
    const { request, response } = socket;
    peer.write(HI);
    await settled();
    assertStrictEquals(socket.request, request); // a message that waits is none that was read
    assertStrictEquals(socket.response, response);
    Promise.resolve(begin(socket)).catch(() => {});
    assertLetGo(socket);
    await settled();
    assertLetGo(socket);
    socket.abort();
    assertLetGo(socket);
    assertEquals([request.url, request.headers.get("x-who")], ["http://server.example.com/chat?x=1", "ada"]);
    assertEquals([response.status, response.headers.get("sec-websocket-protocol")], [101, "chat"]);
    assertEquals(socket.protocol, "chat");
  });

  test(`keepRequest: false lets go with ${name} what nobody has looked at`, async () => {
    const { socket } = await accepting({ keepRequest: false });
    Promise.resolve(begin(socket)).catch(() => {});
    assertLetGo(socket);
    socket.abort();
  });
}

test("keepRequest: false has let both heads go when the handler gets what waited", async () => {
  const { socket, peer } = await accepting({ keepRequest: false });
  peer.write(HI);
  await settled();
  const seen: unknown[] = [];
  socket.receive((message) => {
    assertLetGo(socket);
    seen.push(message);
  }).catch((error) => seen.push(error));
  assertEquals(seen, ["Hi"]);
  socket.abort();
});

test("keepRequest: false keeps both heads of who sends alone, and is closed", async () => {
  const { socket } = await accepting({ keepRequest: false });
  socket.send("Hello");
  socket.writable.getWriter().closed.catch(() => {});
  socket.ping().catch(() => {});
  await settled();
  assertKept(socket);
  socket.abort();
  await assertRejects(() => socket.closed);
  assertKept(socket);
});

test("keepRequest: false keeps both heads when receive() is refused what is no handler, or no option", async () => {
  const { socket } = await accepting({ keepRequest: false });
  for (const handler of [null, 5, {}, "echo"]) {
    await assertRejects(() => socket.receive(handler as unknown as () => void), TypeError, "not a function");
  }
  await assertRejects(() => socket.receive(() => {}, { reuse: 1 as unknown as boolean }), TypeError, "reuse: it is 1");
  assertKept(socket);
  socket.abort();
});

/** Options by which somebody else knows the request, or its response. */
const SHOWN: readonly [name: string, options: AcceptOptions][] = [
  ["authorize", { authorize: () => undefined }],
  ["authorize that takes its time", { authorize: async () => void await settled() }],
  ["headers", { headers: { "x-ours": "1" } }],
  ["a function as headers", { headers: ({ headers }) => headers.set("x-ours", "1") }],
  ["a function as protocols", { protocols: ([first]) => first }],
  ["compression", { compression: true }],
];

for (const [name, options] of SHOWN) {
  test(`keepRequest: false lets both heads go with ${name}`, async () => {
    const { socket } = await accepting({ ...options, keepRequest: false });
    assertKept(socket);
    const { response } = socket;
    socket.receive().catch(() => {});
    assertLetGo(socket);
    assertEquals(response.headers.get("x-ours"), options.headers ? "1" : null);
    socket.abort();
  });
}

test("keepRequest: false lets go a request that was given, which stays its owner's", async () => {
  const headers = { "host": "h", "upgrade": "websocket", "connection": "upgrade", "x-who": "ada" };
  const fields = { ...headers, "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  const request = { method: "GET", url: "http://h/chat?x=1", headers: new Headers(fields) };
  const { conn } = pair(), socket = await accept(conn, { request, keepRequest: false });
  assertKept(socket);
  socket.receive().catch(() => {});
  assertLetGo(socket);
  assertEquals(request.headers.get("x-who"), "ada");
  socket.abort();
});

test("keepRequest: false lets both heads go on a stream of HTTP/2 (RFC 8441 §5)", async () => {
  await using at = await acceptingHttp2({ keepRequest: false });
  await headOn(at.client.request(connectFields()));
  const socket = await at.outcome(), { request, response } = socket;
  assertEquals([request.method, request.target, response.status], ["CONNECT", "/chat", 200]);
  socket.receive().catch(() => {});
  assertLetGo(socket);
  assertEquals([request.target, response.status], ["/chat", 200]);
  socket.abort();
});

/** Doors of serve(), each with what it says to its functions. */
const SERVED: readonly [name: string, options: ServeOptions][] = [
  ["by itself", {}],
  ["with limitBy", { maxConnectionsPerAddress: 9, limitBy: () => "somebody" }],
  ["with authorize", { authorize: () => undefined }],
  ["over HTTP/2", { http2: true }],
];

for (const [name, options] of SERVED) {
  test(`serve() lets both heads go with keepRequest: false, ${name}`, async () => {
    const seen: unknown[] = [];
    const server = await serving(async (socket) => {
      seen.push(socket.request.target);
      const served = socket.receive((message) => socket.send(message));
      assertLetGo(socket);
      await served;
      assertLetGo(socket);
    }, { ...options, keepRequest: false });
    const client = await connect(`${server.url}chat`, { http2: options.http2 === true });
    client.send("Hello");
    assertEquals((await client.readable.getReader().read()).value, "Hello");
    await client.close({ closeCode: 1000 });
    await server.shutdown();
    assertEquals([seen, server.told], [["/chat"], []]);
  });

  test(`serve() tells of a handler that has failed behind keepRequest: false, ${name}`, async () => {
    const error = new Error("mine");
    const server = await serving((socket) => {
      if (socket.request.target === "/later") socket.receive().catch(() => {});
      throw error;
    }, { ...options, keepRequest: false });
    for (const target of ["at-once", "later"]) {
      const client = await connect(server.url! + target, { http2: options.http2 === true });
      assertEquals((await client.closed).closeCode, 1011);
    }
    await server.shutdown();
    assertEquals(
      server.told.map((told) => [told.error, told.context.kind, told.context.request?.url]),
      [[error, "socket", `${server.url!.replace("ws", "http")}at-once`], [error, "socket", undefined]],
    );
  });
}

/** A door that opens so many WebSockets, which are told of. */
interface Door {
  readonly name: string;
  open(count: number, options: AcceptOptions, onOpen: (socket: Accepted) => void): Promise<AsyncDisposable>;
}

const DOORS: readonly Door[] = [
  {
    name: "accept()",
    async open(count, options, onOpen) {
      for (let i = 0; i < count; i++) onOpen((await accepting(options)).socket);
      return { async [Symbol.asyncDispose]() {} };
    },
  },
  {
    name: "accept() on a stream of HTTP/2",
    async open(count, options, onOpen) {
      const at = await acceptingHttp2(options);
      for (let i = 0; i < count; i++) {
        at.client.request(connectFields());
        onOpen(await at.outcome());
      }
      return at;
    },
  },
  ...[false, true].map((http2): Door => ({
    name: `serve() with http2: ${http2}`,
    async open(count, options, onOpen) {
      const server = await serving(onOpen, { ...options, http2 });
      for (let i = 0; i < count; i++) await (await connect(server.url!, { http2 })).ping();
      return server;
    },
  })),
];

/** How many of 20 may be there although nobody refers to them: Bun takes what lies on the stack for references to some. */
const MOST_KEPT = "Bun" in globalThis ? 15 : 2;

for (const { name, open } of DOORS) {
  for (const keepRequest of [true, false]) {
    test(`${name} ${keepRequest ? "keeps" : "lets go of"} both heads with keepRequest: ${keepRequest}`, async () => {
      const requests: WeakRef<object>[] = [], responses: WeakRef<object>[] = [], sockets: Accepted[] = [];
      const authorize: AcceptOptions["authorize"] = (request) => void requests.push(new WeakRef(request));
      await using _ = await open(20, { authorize, keepRequest }, (socket) => {
        responses.push(new WeakRef(socket.response));
        socket.receive().catch(() => {});
        sockets.push(socket);
      });
      for (let i = 0; i < 5; i++) await settled();
      collectGarbage();
      for (const heads of [requests, responses]) {
        const kept = heads.filter((head) => head.deref() !== undefined).length;
        if (keepRequest) assertEquals(kept, 20);
        else assert(kept <= MOST_KEPT, `${kept} of 20 are there`);
      }
      for (const socket of sockets) socket.abort();
    });
  }
}

test("console.log() shows a connection that has let its request go", async () => {
  const { socket } = await accepting({ keepRequest: false }), before = shown(socket);
  socket.receive().catch(() => {});
  assertEquals(shown(socket), before);
  assert(before.startsWith("WebSocketConnection {"), before);
  socket.abort();
});
