import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { once } from "node:events";
import type { ClientHttp2Stream, Http2Stream } from "node:http2";
import { accept, type Accepted, attach, type WebSocketConnection, WebSocketError } from "../../mod.ts";
import { fromHttp2 } from "../../src/node.ts";
import { codeName } from "../../src/runtime/node_http2_stream.ts";
import { connectFields } from "../cases/connects.ts";
import { test } from "../kit/harness.ts";
import { connectionOf, headOn, Http2Client, listenHttp2 } from "../kit/http2.ts";

/** Both ends of a stream: one of ours, and the bare stream at the other. */
interface Ends extends AsyncDisposable {
  readonly ours: WebSocketConnection;
  readonly peer: Http2Stream;
  /** A frame of the peer with so many bytes at most, which is a text message "Hi", or a Close frame of the code 1000. */
  readonly hi: Uint8Array;
  readonly close: Uint8Array;
}

const MASK = [0, 0, 0, 0];

async function ends(role: "server" | "client"): Promise<Ends> {
  const accepting = Promise.withResolvers<Accepted>(), streams = Promise.withResolvers<Http2Stream>();
  const server = await listenHttp2((conn) => {
    if (role === "server") accept(conn).then(accepting.resolve, accepting.reject);
  });
  server.server.on("stream", (stream) => {
    if (role === "client") (stream as unknown as { respond(head: object): void }).respond({ ":status": 200 });
    streams.resolve(stream);
  });
  const client = await Http2Client.open(server.port);
  const request: ClientHttp2Stream = client.request(connectFields());
  assertEquals((await headOn(request)).status, 200);
  const isServer = role === "server";
  const agreement = { role, protocol: "", extensions: "" } as const;
  const peer: Http2Stream = isServer ? request : await streams.promise;
  const frame = (opcode: number, payload: number[]) =>
    Uint8Array.from([opcode, payload.length | (isServer ? 0x80 : 0), ...isServer ? MASK : [], ...payload]);
  return {
    ours: isServer ? await accepting.promise : attach(connectionOf(request), agreement),
    peer,
    hi: frame(0x81, [0x48, 0x69]),
    close: frame(0x88, [3, 0xe8]),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** How it is closed: the error, which it must be. */
async function lossOf(socket: WebSocketConnection): Promise<WebSocketError> {
  const error = await assertRejects(() => socket.closed, WebSocketError);
  assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
  return error;
}

/** Resolves when the other end has read what was written on the stream before. */
async function settled({ session }: Http2Stream): Promise<void> {
  await new Promise<void>((resolve) => void session!.ping(() => resolve()));
}

for (const role of ["server", "client"] as const) {
  for (let code = 0; code <= 13; code++) {
    test(`a stream that is reset with ${codeName(code)} is lost, as ${role}, behind what came before (RFC 8441 §5)`, async () => {
      await using at = await ends(role);
      const got: unknown[] = [];
      const received = at.ours.receive((message) => void got.push(message)).catch((error) => error);
      at.peer.on("error", () => {});
      at.peer.write(at.hi);
      await settled(at.peer);
      at.peer.close(code);
      const error = await lossOf(at.ours);
      assertEquals([got, await received === error], [["Hi"], true]);
      // Some runtimes have an error of their own for it, with the code in another form
      assert(error.cause instanceof Error, String(error.cause));
    });
  }

  test(`a stream that is reset says with what, as ${role} (RFC 9113 §7)`, async () => {
    await using at = await ends(role);
    at.peer.on("error", () => {});
    at.peer.close(8);
    assertMatch(String((await lossOf(at.ours)).cause), /reset with CANCEL/);
  });

  test(`END_STREAM without a Close frame is a loss, as ${role}, and is no reset (RFC 6455 §7.1.5)`, async () => {
    await using at = await ends(role);
    at.peer.resume(); // a server that does not read its request may end it with a reset (RFC 9113 §8.1)
    at.peer.write(at.hi);
    at.peer.end();
    const reader = at.ours.readable.getReader();
    assertEquals((await reader.read()).value, "Hi");
    assertEquals((await lossOf(at.ours)).cause, undefined);
  });

  test(`END_STREAM behind a Close frame is a clean end, as ${role} (RFC 8441 §5)`, async () => {
    await using at = await ends(role);
    const ended = once(at.peer, "end");
    at.peer.resume();
    at.peer.end(at.close);
    assertEquals(await at.ours.closed, { closeCode: 1000, reason: "" });
    await ended;
    assertEquals(at.peer.rstCode ?? 0, 0);
  });

  test(`abort() resets the stream with CANCEL, as ${role} (RFC 8441 §5)`, async () => {
    await using at = await ends(role);
    const closed = new Promise((resolve) => at.peer.on("close", () => resolve(at.peer.rstCode)));
    at.peer.on("error", () => {});
    at.peer.resume();
    at.ours.abort();
    assertEquals(await closed, 8);
    await lossOf(at.ours);
  });

  test(`a session that is lost is a loss of its streams, as ${role} (RFC 9113 §5.4.1)`, async () => {
    await using at = await ends(role);
    at.peer.on("error", () => {});
    at.peer.session!.destroy();
    await lossOf(at.ours);
  });

  test(`GOAWAY leaves a stream open, as ${role} (RFC 9113 §6.8)`, async () => {
    await using at = await ends(role);
    at.peer.session!.goaway(0);
    await settled(at.peer).catch(() => {}); // some runtimes send no PING behind it
    at.peer.write(at.hi);
    assertEquals((await at.ours.readable.getReader().read()).value, "Hi");
    const ended = once(at.peer, "end");
    at.peer.resume();
    at.peer.end(at.close);
    assertEquals(await at.ours.closed, { closeCode: 1000, reason: "" });
    await ended;
  });

  test(`a reader that stops stops the sender within 256 KiB, and loses nothing, as ${role} (RFC 9113 §5.2)`, async () => {
    await using at = await ends(role);
    at.peer.pause();
    const size = 16 * 1024, payload = new Uint8Array(size);
    let sent = 0;
    const waits = () => {
      for (; sent < 64; sent++) {
        const waiting = at.ours.send(payload.fill(sent));
        if (waiting) return sent++, waiting;
      }
      return undefined;
    };
    let room = waits();
    // What is given up to flow control and to both ends' buffers, until none is taken any more
    for (let before = -1; room && before !== sent;) {
      before = sent;
      const took = await Promise.race([
        room.then(() => true),
        settled(at.peer).then(() => settled(at.peer)).then(() => false),
      ]);
      if (took) room = waits();
    }
    assert(room, "the sender waits");
    const ahead = sent * size;
    assert(ahead <= 256 * 1024 + 64 * 1024, `${ahead} bytes were taken`); // ours keeps up to a mark of 64 KiB
    let read = 0;
    at.peer.on("data", (chunk: Uint8Array) => read += chunk.length);
    at.peer.resume();
    await room;
    while (read < ahead) await once(at.peer, "data");
    at.ours.abort();
    at.peer.on("error", () => {});
  });
}

test("fromHttp2() of what is no stream of a server is a TypeError", async () => {
  for (const stream of [undefined, null, {}, new TransformStream()]) {
    assertThrows(() => fromHttp2(stream as never, {}), TypeError, "Cannot use the stream");
  }
  await using at = await ends("client");
  const answered = at.peer as never;
  assertThrows(() => fromHttp2(answered, {}), TypeError, "answered already");
});

test("fromHttp2() takes the header fields where there are no raw ones", async () => {
  const seen = Promise.withResolvers<unknown>();
  await using server = await listenHttp2(() => {});
  server.server.on("stream", (stream, headers) => {
    const { request } = fromHttp2(stream, headers);
    seen.resolve([request.method, request.protocol, request.url, request.headers.get("x")]);
  });
  using client = await Http2Client.open(server.port);
  client.request(connectFields({ x: ["1", "2"] }));
  assertEquals(await seen.promise, ["CONNECT", "websocket", "http://server.example.com/chat", "1, 2"]);
});

test("codeName() knows the codes of RFC 9113 §7", () => {
  assertEquals([codeName(0), codeName(8), codeName(13), codeName(99)], [
    "NO_ERROR",
    "CANCEL",
    "HTTP_1_1_REQUIRED",
    "the code 99",
  ]);
});
