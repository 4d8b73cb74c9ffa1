import { assert, assertEquals } from "@std/assert";
import type { ServeHandlers, ServeOptions } from "../../mod.ts";
import type { H2Fields } from "../cases/connects.ts";
import { test } from "../kit/harness.ts";
import { END_HEADERS, END_STREAM, FRAME, frame, RawHttp2, uint32 } from "../kit/raw_http2.ts";
import { echo, serving } from "../kit/serving.ts";

/** Fields of a plain request. */
function fieldsOf(method: string): H2Fields {
  return [[":method", method], [":scheme", "http"], [":authority", "localhost"], [":path", "/"]];
}

/** A body of these chunks, which come one by one. */
function bodyOf(...chunks: unknown[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pull = (controller: ReadableStreamDefaultController) => {
    if (chunks.length === 0) controller.close();
    else controller.enqueue(chunks.shift());
  };
  return new ReadableStream({ pull });
}

for (
  const [name, body, length] of [
    ["a chunk that is no Uint8Array", () => bodyOf(Uint8Array.of(1), "5"), undefined],
    ["fewer bytes than its Content-Length says", () => bodyOf(new Uint8Array(3)), "5"],
    ["more bytes than its Content-Length says", () => bodyOf(new Uint8Array(3), new Uint8Array(3)), "5"],
  ] as const
) {
  test(`serve() over HTTP/2 resets a response that has ${name} (RFC 9113 §8.1.1)`, async () => {
    const errors: unknown[] = [];
    const handlers: ServeHandlers = {
      socket: echo,
      http: () => new Response(body(), { headers: length === undefined ? {} : { "content-length": length } }),
    };
    const onError: ServeOptions["onError"] = (error, { kind }) => void errors.push(kind, error);
    const server = await serving(handlers, { http2: true, closeTimeout: 200, onError });
    const client = await RawHttp2.open(server.port);
    await client.request(1, fieldsOf("GET"), END_HEADERS | END_STREAM);
    const end = await client.until((read) => {
      return read?.id === 1 && (read.type === FRAME.RST_STREAM || (read.flags & END_STREAM) !== 0);
    });
    assertEquals([end?.type, end?.payload], [FRAME.RST_STREAM, uint32(8)]); // CANCEL
    assertEquals(errors[0], "http");
    assert(errors[1] instanceof TypeError, String(errors[1]));
    client[Symbol.dispose]();
    await server.shutdown();
  });
}

test("serve() over HTTP/2 resets a response that fails behind a whole request (RFC 9113 §8.1.1)", async () => {
  const handlers: ServeHandlers = {
    socket: echo,
    async http(request) {
      await request.text();
      const rows = bodyOf(new Uint8Array(3));
      return new Response(rows.pipeThrough(new TransformStream({ flush: () => Promise.reject(new Error("Boom")) })));
    },
  };
  const errors: unknown[] = [];
  const onError: ServeOptions["onError"] = (error, { kind }) => void errors.push(kind, (error as Error).message);
  const server = await serving(handlers, { http2: true, closeTimeout: 200, onError });
  const client = await RawHttp2.open(server.port);
  await client.request(1, fieldsOf("POST"));
  await client.write(frame(FRAME.DATA, END_STREAM, 1, new Uint8Array(5)));
  const end = await client.until((read) => {
    return read?.id === 1 && (read.type === FRAME.RST_STREAM || (read.flags & END_STREAM) !== 0);
  });
  assertEquals([end?.type, end?.payload], [FRAME.RST_STREAM, uint32(8)]); // CANCEL
  assertEquals(errors, ["http", "Boom"]);
  client[Symbol.dispose]();
  await server.shutdown();
});
