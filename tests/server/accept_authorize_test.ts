import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { accept, type AcceptOptions, type AuthorizeContext, HandshakeError, readRequest } from "../../mod.ts";
import { connectionPair, fakeClock } from "../../src/testing.ts";
import { upgrade } from "../cases/requests_base.ts";
import { handlingAll, latin1, test } from "../kit/harness.ts";
import { RawPeer, settled } from "../kit/raw_peer.ts";
import { dialRaw, listen } from "../kit/tcp.ts";

/** An accept of a valid request, or another, and what was answered to it. */
async function attempt(options: AcceptOptions, request = upgrade()) {
  const [far, conn] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
  peer.ended.then(() => peer.end(), () => {});
  peer.write(request);
  const result = await accept(conn, { clock, ...options }).catch((error: unknown) => error);
  await settled();
  const reply = peer.take();
  return {
    conn,
    clock,
    result,
    status: Number(reply.slice(9, 12)),
    body: reply.split("\r\n\r\n").slice(1).join("\r\n\r\n"),
    reply,
  };
}

for (
  const [name, wrap] of [["a value", (value: unknown) => value], [
    "a promise",
    (value: unknown) => Promise.resolve(value),
  ]] as const
) {
  test(`authorize lets pass with undefined, as ${name}`, async () => {
    const seen: string[] = [];
    const { result, status } = await attempt({
      authorize: (request) => {
        seen.push(request.url);
        return wrap(undefined) as undefined;
      },
    });
    assertEquals([seen, status], [["http://server.example.com/chat"], 101]);
    (result as { abort(): void }).abort();
  });

  test(`authorize refuses with a Response, which is sent whole, as ${name}`, async () => {
    const headers = [["x-why", "because"], ["set-cookie", "a=b"], ["set-cookie", "c=d"]] as [string, string][];
    const response = () => new Response("Not you", { status: 403, statusText: "Nope", headers });
    const { conn, clock, result, status, body, reply } = await attempt({
      authorize: () => wrap(response()) as Response,
      headers: { "x-ours": "1" },
    });
    const error = result as HandshakeError;
    assertEquals([error.failure, error.response?.status, status, body], ["unauthorized", 403, 403, "Not you"]);
    assertEquals([error.response!.headers.get("x-why"), error.response!.bodyUsed], ["because", true]); // it was sent
    for (const line of ["HTTP/1.1 403 Nope", "x-why: because", "Set-Cookie: a=b", "Set-Cookie: c=d", "x-ours: 1"]) {
      assertEquals(reply.split("\r\n").filter((other) => other === line).length, 1, `${line} in ${reply}`);
    }
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

test("authorize is not asked about a request that is refused anyway", async () => {
  const authorize = () => {
    throw new Error("It was asked");
  };
  const { result, status } = await attempt({ authorize }, upgrade({ Origin: "http://evil.example" }));
  assertEquals([(result as HandshakeError).failure, status], ["origin-refused", 403]);
});

test("authorize can't have a status text written that ends its line (RFC 9112 §4)", async () => {
  for (const statusText of ["a\r\nX: y", "a\nb", "a\0"]) {
    // Most runtimes refuse to make such a Response
    const { conn, clock, result, status, reply } = await attempt({
      authorize: () => new Response("", { status: 403, statusText }),
    });
    assertEquals([(result as Error).name, status, reply.includes(statusText)], ["TypeError", 500, false]);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  }
});

const cause = new Error("mine"), refusal = new HandshakeError("unauthorized", "mine");
const FAILS: readonly [name: string, authorize: () => unknown, check: (error: unknown) => void][] = [
  ["throws", () => {
    throw cause;
  }, (error) => assertStrictEquals(error, cause)],
  ["rejects", () => Promise.reject(cause), (error) => assertStrictEquals(error, cause)],
  ["gives something else", () => true, (error) => assertEquals((error as Error).name, "TypeError")],
  ["gives a 1xx", () => Object.defineProperty(new Response(), "status", { value: 103 }), (error) => {
    assertEquals((error as Error).name, "TypeError");
  }],
];
for (const [name, authorize, check] of FAILS) {
  test(`authorize that ${name} is answered with 500, and its error rejects`, async () => {
    const { conn, clock, result, status, reply } = await attempt({
      authorize: authorize as () => undefined,
      keepAlive: true,
    });
    check(result);
    assertEquals([status, reply.includes("mine"), reply.includes("Connection: close")], [500, false, true]);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

const used = new Response("Hello");
await used.text();
const locked = new Response("Hello");
locked.body!.getReader();
const failing = () => new ReadableStream({ pull: () => Promise.reject(cause) });
const framed = (body: BodyInit, name: string, value: string) =>
  new Response(body, { status: 403, headers: { [name]: value } });
const UNSENDABLE: readonly [name: string, response: () => Response, error?: Error][] = [
  ["Transfer-Encoding", () => framed("Hello", "transfer-encoding", "chunked")],
  ["a Content-Length that is no number", () => framed("Hello", "content-length", "x")],
  ["a body that was used", () => used],
  ["a body that is locked", () => locked],
  ["a body longer than its Content-Length", () => framed("Hello", "content-length", "4")],
  ["a body shorter than its Content-Length", () => framed("Hello", "content-length", "6")],
  ["a body that fails", () => new Response(failing(), { status: 403 }), cause],
  [
    "a body that fails with a HandshakeError",
    () => new Response(new ReadableStream({ start: (body) => body.error(refusal) }), { status: 403 }),
    refusal,
  ],
  [
    "a body of strings",
    () => new Response(ReadableStream.from(["Hello"]) as ReadableStream, { status: 403 }),
  ],
];
for (const [name, response, error] of UNSENDABLE) {
  test(`authorize that gives a Response with ${name} is answered with 500, and rejects`, async () => {
    const { conn, clock, result, status, body, reply } = await attempt({ authorize: response, keepAlive: true });
    if (error) assertStrictEquals(result, error);
    else assertEquals((result as Error).name, "TypeError");
    assertEquals([status, body, reply.split("HTTP/1.1").length], [500, "The server failed\n", 2]);
    assertEquals([conn.isClosed, clock.pending], [true, 0]);
  });
}

for (const [name, pieces] of [["that never begins", []], ["that never ends", [70_000, 5]]] as const) {
  test(`authorize that gives a body ${name} is given closeTimeout`, async () => {
    const [far, conn] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
    peer.write(upgrade());
    const body = new ReadableStream({
      start(controller) {
        for (const size of pieces) controller.enqueue(new Uint8Array(size));
      },
    });
    const authorize = () => new Response(body, { status: 403 });
    const accepting = accept(conn, { clock, authorize, closeTimeout: 3000, handshakeTimeout: 0, keepAlive: true });
    accepting.catch(() => {});
    await clock.advance(2999);
    assertEquals([conn.isClosed, Number(peer.take().slice(9, 12))], [false, 403]);
    await clock.advance(1);
    const error = await assertRejects(() => accepting, HandshakeError);
    assertEquals([error.failure, error.reusable, conn.isClosed, clock.pending], ["unauthorized", false, true, 0]);
  });
}

test("authorize's signal aborts at the deadline, which is answered with 408", async () => {
  const [far, conn] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
  peer.ended.then(() => peer.end());
  peer.write(upgrade());
  let aborted: unknown;
  const accepting = accept(conn, {
    clock,
    handshakeTimeout: 3000,
    authorize: (_, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          aborted = clock.now();
          reject(new Error("too late to matter"));
        })
      ),
  });
  accepting.catch(() => {});
  await clock.advance(3000);
  const error = await assertRejects(() => accepting, HandshakeError);
  assertEquals([error.failure, aborted, conn.isClosed, clock.pending], ["handshake-timeout", 3000, true, 0]);
  assertEquals(Number(peer.take().slice(9, 12)), 408);
});

const BAD_FUNCTIONS: readonly [name: string, options: AcceptOptions, changes?: Record<string, string | null>][] = [
  ["a subprotocol that was not offered", { protocols: () => "other" }],
  ["a decorator that changes the handshake", { headers: ({ headers }) => headers.set("upgrade", "h2c") }],
  ["a decorator that deletes from the handshake", { headers: ({ headers }) => headers.delete("sec-websocket-accept") }],
  ["a decorator that adds a body", { headers: ({ headers }) => headers.set("transfer-encoding", "chunked") }],
  ["a decorator that is asynchronous", { headers: (async () => {}) as () => void }],
  ["a decorator that frames a refusal", { headers: ({ headers }) => headers.set("content-length", "5") }, {
    Upgrade: null,
  }],
];
for (const [name, options, changes] of BAD_FUNCTIONS) {
  test(`${name} is answered with 500, and is a TypeError`, async () => {
    const request = upgrade({ "Sec-WebSocket-Protocol": "chat", ...changes });
    const { conn, clock, result, status, body, reply } = await attempt({ ...options, keepAlive: true }, request);
    assertEquals([(result as Error).name, status, body], ["TypeError", 500, "The server failed\n"]);
    assertEquals([reply.split("HTTP/1.1").length, conn.isClosed, clock.pending], [2, true, 0]);
  });
}

for (const written of ["GET", upgrade()]) {
  test(`a decorator that fails for a 408 after ${written.length} bytes is answered with 500, and its error rejects`, async () => {
    const [far, conn] = connectionPair(), peer = new RawPeer(far), clock = fakeClock();
    peer.ended.then(() => peer.end());
    peer.write(written);
    const accepting = accept(conn, {
      clock,
      authorize: () => new Promise(() => {}),
      headers: () => {
        throw cause;
      },
    });
    accepting.catch(() => {});
    await clock.advance(10_000);
    assertStrictEquals(await assertRejects(() => accepting), cause);
    await settled();
    assertEquals([conn.isClosed, clock.pending, Number(peer.take().slice(9, 12))], [true, 0, 500]);
  });
}

/** A body that goes on until it is cancelled. */
function endless() {
  const source = { made: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      source.made += 65536;
      controller.enqueue(new Uint8Array(65536));
    },
    cancel() {
      source.cancelled = true;
    },
  });
  return { source, authorize: () => new Response(body, { status: 403 }) };
}

test("a refusal's body goes to the client alone, and its source is cancelled when the client leaves", async () => {
  const [far, conn] = connectionPair(), { source, authorize } = endless();
  const accepting = accept(conn, { authorize }).catch((error: unknown) => error);
  far.writable.getWriter().write(latin1(upgrade()));
  const reader = far.readable.getReader();
  for (let read = 0; read < 2 ** 20;) read += (await reader.read()).value!.length;
  far.reset();
  const error = await accepting as HandshakeError;
  assertEquals([error.failure, error.response!.status, error.response!.bodyUsed], ["unauthorized", 403, true]);
  await settled();
  assertEquals(source.cancelled, true);
  assert(source.made <= 2 ** 20 + 4 * 65536, `${source.made} bytes were made`);
});

const DROPPED: readonly [name: string, options: AcceptOptions, changes?: (given: Response) => void][] = [
  ["a decorator fails", {
    headers: () => {
      throw cause;
    },
  }],
  ["it can't be sent", {}, (given) => given.headers.set("content-length", "x")],
];
for (const [name, options, change] of DROPPED) {
  test(`the source of a refusal's body is cancelled when ${name}`, async () => {
    const { source, authorize } = endless();
    const given = () => {
      const response = authorize();
      change?.(response);
      return response;
    };
    const { status } = await attempt({ ...options, authorize: given });
    assertEquals([status, source.cancelled], [500, true]);
  });
}

test("the source of a refusal's body is cancelled when the refusal comes too late", async () => {
  const [far, conn] = connectionPair(), peer = new RawPeer(far), clock = fakeClock(), { source, authorize } = endless();
  peer.ended.then(() => peer.end());
  peer.write(upgrade());
  const { promise, resolve } = Promise.withResolvers<void>();
  const accepting = accept(conn, { clock, authorize: () => promise.then(authorize) });
  accepting.catch(() => {});
  await clock.advance(10_000);
  const error = await assertRejects(() => accepting, HandshakeError);
  assertEquals([error.failure, source.cancelled], ["handshake-timeout", false]);
  resolve();
  await settled();
  assertEquals(source.cancelled, true);
});

for (const size of [5, 70_000]) {
  test(`a refusal's body that fails after ${size} bytes, while the client does not read, is caught`, async () => {
    await handlingAll(async () => {
      const [far, conn] = connectionPair({ highWaterMark: 1 }), peer = new RawPeer(far, { reads: false });
      const clock = fakeClock();
      let fail = () => {};
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(size));
          fail = () => controller.error(cause);
        },
      });
      peer.write(upgrade());
      const accepting = accept(conn, { clock, authorize: () => new Response(body, { status: 403 }) });
      accepting.catch(() => {});
      while (conn.bytesWritten === 0) await settled(); // the head, which waits to be read
      fail();
      await settled();
      peer.read().catch(() => {});
      assertStrictEquals(await assertRejects(() => accepting), cause);
      assertEquals([conn.isClosed, clock.pending], [true, 0]);
    });
  });
}

for (const first of ["accept()", "readRequest()"]) {
  test(`authorize is told the addresses of both ends of a socket, after ${first}`, async () => {
    using listener = await listen();
    const [raw, conn] = await Promise.all([dialRaw(listener.port), listener.accept()]);
    await raw.write(latin1(upgrade()));
    let context: AuthorizeContext | undefined;
    const authorize: AcceptOptions["authorize"] = (_, given) => {
      context = given;
      return undefined;
    };
    const read = first === "accept()" ? undefined : (await readRequest(conn))!;
    const accepted = await accept(conn, { authorize, request: read?.request, prefix: read?.rest });
    const { remoteAddr, localAddr } = context!;
    assertEquals(localAddr, { transport: "tcp", hostname: "127.0.0.1", port: listener.port });
    assert(remoteAddr?.transport === "tcp" && remoteAddr.hostname === "127.0.0.1" && remoteAddr.port > 0);
    assertEquals(accepted.request.url, "http://server.example.com/chat");
    accepted.abort();
    raw.close();
  });
}

for (const how of ["ends", "resets"] as const) {
  for (const isEarly of [false, true]) {
    test(`a client that ${how} its connection${isEarly ? ", with frames sent early," : ""} aborts the signal of authorize at once`, async () => {
      using listener = await listen();
      const [raw, conn] = await Promise.all([dialRaw(listener.port), listener.accept()]);
      const asked = Promise.withResolvers<AuthorizeContext>(), left = Promise.withResolvers<unknown>();
      const accepting = accept(conn, {
        authorize(_, context) {
          context.signal.addEventListener("abort", () => left.resolve(context.signal.reason));
          asked.resolve(context);
          return new Promise(() => {});
        },
      });
      accepting.catch(() => {});
      await raw.write(latin1(upgrade()));
      if (isEarly) await raw.write(Uint8Array.of(0x81, 0x80, 0, 0, 0, 0));
      await asked.promise;
      if (how === "ends") await raw.closeWrite();
      else raw.reset();
      await left.promise;
      const error = await assertRejects(() => accepting, HandshakeError);
      assertEquals(error.failure, "connection-closed");
      raw.close();
    });
  }
}
