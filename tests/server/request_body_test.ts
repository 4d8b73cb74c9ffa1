import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ClientHttp2Stream } from "node:http2";
import { HandshakeError, type HttpContext, type ServeHandlers, type ServeOptions } from "../../mod.ts";
import { fakeClock } from "../../src/testing.ts";
import type { H2Fields } from "../cases/connects.ts";
import { test, text } from "../kit/harness.ts";
import { bodyOn, headOn, Http2Client } from "../kit/http2.ts";
import { END_HEADERS, END_STREAM, FRAME, frame, RawHttp2 } from "../kit/raw_http2.ts";
import { echo, serving } from "../kit/serving.ts";

/** Fields of an upload. */
function post(path: string, more: Record<string, string> = {}): H2Fields {
  const fields = { ":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": path, ...more };
  return Object.entries(fields);
}

/** A server with this handler, and a client of it. */
async function over(http: NonNullable<ServeHandlers["http"]>, options: ServeOptions = {}) {
  const server = await serving({ socket: echo, http }, { http2: true, closeTimeout: 200, ...options });
  const client = await Http2Client.open(server.port);
  return {
    server,
    client,
    /** The failures and the kinds of errors that were told. */
    told: () => server.told.map(({ error, context }) => [(error as HandshakeError).failure, context.kind]),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server.shutdown({ within: 1000 });
    },
  };
}

/** The stream is closed; gives the code of its reset. */
function closeOf(stream: ClientHttp2Stream): Promise<number | undefined> {
  return new Promise((resolve) => void stream.once("close", () => resolve(stream.rstCode)));
}

/** The next piece of a body. */
async function piece(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value } = await reader.read();
  return value && new TextDecoder().decode(value);
}

/** The next piece on a stream. */
async function next(stream: ClientHttp2Stream): Promise<string> {
  return await new Promise((resolve) => void stream.once("data", (chunk) => resolve(String(chunk))));
}

test("serve() over HTTP/2 hands over a body as it comes, and answers meanwhile (RFC 9113 §8.1)", async () => {
  await using at = await over((request) => new Response(request.body));
  const stream = at.client.request(post("/echo"));
  assertEquals((await headOn(stream)).status, 200); // before anything of the body
  for (const text of ["one", "two", "three"]) {
    stream.write(text);
    assertEquals(await next(stream), text);
  }
  const closed = closeOf(stream);
  stream.end();
  stream.resume();
  assertEquals(await closed, 0);
  assertEquals(at.server.told, []);
});

test("serve() over HTTP/2 hands over a body whole, of any size up to the limit", async () => {
  await using at = await over(async (request) => new Response(String((await request.bytes()).length)), {
    maxBodySize: 3_000_000,
  });
  for (const size of [0, 1, 65535, 65536, 3_000_000]) {
    const stream = at.client.request(post("/"));
    stream.end(new Uint8Array(size));
    await headOn(stream);
    assertEquals(await bodyOn(stream), String(size));
  }
  assertEquals(at.server.told, []);
});

test("serve() over HTTP/2 gives no body to a request that ends with its head (RFC 9113 §8.1)", async () => {
  await using at = await over(({ body }) => new Response(String(body)));
  const stream = at.client.request(post("/"), { endStream: true });
  await headOn(stream);
  assertEquals(await bodyOn(stream), "null");
});

test("a handler that does not read stops the sender, whose other streams go on (RFC 9113 §5.2)", async () => {
  const go = Promise.withResolvers<void>(), size = 4 * 2 ** 20;
  await using at = await over(async (request) => {
    if (new URL(request.url).pathname === "/other") return new Response("Hello");
    await go.promise;
    return new Response(String((await request.bytes()).length));
  }, { maxBodySize: size });
  using client = await RawHttp2.open(at.server.port);
  await client.request(1, post("/slow"));
  let sent = 0;
  for (let idle = 0; idle < 3; await client.settled()) { // it has read all then, and lets no more be sent
    const more = await client.fill(1, size - sent);
    sent += more;
    idle = more === 0 ? idle + 1 : 0;
  }
  assert(sent <= 512 * 1024, `${sent} bytes were taken`);
  await client.request(3, [...post("/other")], END_HEADERS | END_STREAM);
  assertEquals(text(await client.bodyOn(3)), "Hello");
  go.resolve();
  while ((sent += await client.fill(1, size - sent)) < size) assert(await client.next());
  await client.write(frame(FRAME.DATA, END_STREAM, 1));
  assertEquals(text(await client.bodyOn(1)), String(size));
});

const ENOUGH: readonly (readonly [what: string, read: (body: Request["body"]) => unknown])[] = [
  ["reads nothing of a body", () => {}],
  ["cancels a body", (body) => body?.cancel()],
  ["reads a part of a body", (body) => body?.getReader().read()],
];
for (const [what, read] of ENOUGH) {
  test(`a handler that ${what} and answers, ends the stream in order (RFC 9113 §8.1)`, async () => {
    await using at = await over(async ({ body }) => {
      await read(body);
      return new Response("Enough");
    });
    const short = at.client.request(post("/")), shortClosed = closeOf(short);
    short.end("Hello");
    assertEquals([(await headOn(short)).status, await bodyOn(short), await shortClosed], [200, "Enough", 0]);
    // A client that goes on sending is told after a while that it need not, which is no error
    const long = at.client.request(post("/")), longClosed = closeOf(long);
    long.write(new Uint8Array(2 ** 20));
    let text = "";
    long.on("data", (chunk) => text += chunk);
    assertEquals([(await headOn(long)).status, await longClosed, text], [200, 0, "Enough"]);
    const other = at.client.request(post("/"), { endStream: true });
    assertEquals([(await headOn(other)).status, await bodyOn(other)], [200, "Enough"]);
    assertEquals(at.server.told, []);
  });
}

test("an upload that is reset is an error of its body, and aborts the handler's signal (RFC 9113 §5.4.2)", async () => {
  const seen: unknown[] = [];
  await using at = await over(async (request, { signal }) => {
    const reader = request.body!.getReader();
    seen.push(await piece(reader));
    stream.close(8);
    const error = await assertRejects(() => reader.read(), HandshakeError);
    seen.push(error.failure, signal.aborted, signal.reason === error);
    throw error;
  });
  const stream = at.client.request(post("/"));
  stream.write("Hello");
  await closeOf(stream);
  await at.server.shutdown();
  assertEquals(seen, ["Hello", "connection-closed", true, true]);
  assertEquals(at.told()[0], ["connection-closed", "peer"]);
});

test("an upload that is reset aborts the signal of a handler that does not read", async () => {
  const asked = Promise.withResolvers<void>(), aborted = Promise.withResolvers<unknown>();
  await using at = await over((_, { signal }) => {
    signal.addEventListener("abort", () => aborted.resolve(signal.reason));
    asked.resolve();
    return new Promise(() => {});
  });
  const stream = at.client.request(post("/"));
  stream.write(new Uint8Array(2 ** 20));
  await asked.promise;
  stream.close(8);
  assertEquals((await aborted.promise as HandshakeError).failure, "connection-closed");
});

test("an upload that is reset ends the response that is made of it, as the client's doing", async () => {
  await using at = await over(({ body }) => new Response(body));
  const stream = at.client.request(post("/"));
  stream.write("Hello");
  assertEquals(await next(stream), "Hello");
  stream.close(8);
  await closeOf(stream);
  await at.server.shutdown();
  assertEquals(at.server.told, []);
});

test("serve() over HTTP/2 refuses a body whose length says that it is too large, unasked (RFC 9110 §15.5.14)", async () => {
  let asked = 0;
  await using at = await over(() => new Response(String(++asked)), { maxBodySize: 4 });
  const stream = at.client.request(post("/", { "content-length": "5" }));
  assertEquals((await headOn(stream)).status, 413);
  const body = bodyOn(stream);
  stream.end("Hello");
  assertEquals(await body, "The body is too large\n");
  assertEquals([asked, at.told()], [0, [["body-too-large", "peer"]]]);
});

test("a body that grows too large is an error for the handler, which may answer by itself", async () => {
  await using at = await over(async (request) => {
    const error = await assertRejects(() => request.text(), HandshakeError, "Cannot read the request");
    if (new URL(request.url).pathname === "/rethrown") throw error;
    return new Response(error.failure, { status: 422 });
  }, { maxBodySize: 4 });
  for (
    const [path, status, text] of [["/caught", 422, "body-too-large"], ["/rethrown", 413, "The body is too large\n"]]
  ) {
    const stream = at.client.request(post(String(path)));
    stream.end("Hello");
    assertEquals((await headOn(stream)).status, status);
    assertEquals(await bodyOn(stream), text);
  }
  assertEquals(at.told(), [["body-too-large", "peer"]]);
});

test("a client may take handshakeTimeout for its body, while somebody reads (RFC 9110 §15.5.9)", async () => {
  const clock = fakeClock(), seen: unknown[] = [];
  const read = Promise.withResolvers<void>(), waits = Promise.withResolvers<void>();
  await using at = await over(async (request) => {
    const reader = request.body!.getReader();
    seen.push(await piece(reader));
    await clock.advance(1000); // the handler's own time
    seen.push(await piece(reader));
    read.resolve();
    const reading = reader.read();
    waits.resolve();
    return await reading as never;
  }, { clock, handshakeTimeout: 1000 });
  const stream = at.client.request(post("/"));
  await new Promise<void>((resolve) => void stream.write("one", () => resolve()));
  stream.write("two");
  await waits.promise;
  await clock.advance(999);
  assertEquals(at.server.told, []);
  await clock.advance(1);
  assertEquals((await headOn(stream)).status, 408);
  const body = bodyOn(stream); // from before the end of both sides on, or Bun's client drops it
  stream.end();
  assertEquals(await body, "The handshake did not finish in time\n");
  assertEquals([seen, at.told()], [["one", "two"], [["handshake-timeout", "peer"]]]);
});

test("a client that waits for a 100 gets it once its body is read (RFC 9110 §10.1.1)", async () => {
  await using at = await over(async (request) => {
    return new Response(new URL(request.url).pathname === "/read" ? await request.text() : "Unread");
  });
  const stream = at.client.request(post("/read", { expect: "100-continue" }));
  await new Promise<void>((resolve) => void stream.once("continue", () => resolve()));
  stream.end("Hello");
  assertEquals([(await headOn(stream)).status, await bodyOn(stream)], [200, "Hello"]);
  const unread = at.client.request(post("/unread", { expect: "100-continue" }));
  unread.once("continue", () => unread.end("Hello"));
  assertEquals([(await headOn(unread)).status, await bodyOn(unread)], [200, "Unread"]);
});

test("a body can't be read once the response was sent", async () => {
  const body = Promise.withResolvers<ReadableStream<Uint8Array>>();
  await using at = await over((request) => {
    body.resolve(request.body!);
    return new Response("Hello");
  });
  const stream = at.client.request(post("/"));
  await headOn(stream);
  assertEquals(await bodyOn(stream), "Hello");
  const error = await assertRejects(async () => await (await body.promise).getReader().read(), DOMException);
  assertEquals(error.name, "InvalidStateError");
});

test("shutdown() that waits no longer aborts the signals of handlers, and the bodies that they read", async () => {
  const reading = Promise.withResolvers<HttpContext["signal"]>(), failed = Promise.withResolvers<unknown>();
  await using at = await over(async (request, { signal }) => {
    const read = request.text();
    reading.resolve(signal);
    failed.resolve(await read.catch((error) => error));
    return new Response();
  });
  const stream = at.client.request(post("/"));
  stream.write("Hello");
  const signal = await reading.promise;
  await at.server.shutdown({ within: 1 });
  assertEquals([(await failed.promise as HandshakeError).failure, signal.aborted], ["connection-closed", true]);
});
