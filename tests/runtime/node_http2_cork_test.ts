import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { type ClientHttp2Stream, connect, type Http2Stream, type ServerHttp2Stream } from "node:http2";
import { connect as dial, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { afterIO } from "../../src/base/clock.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { writeTogether } from "../../src/runtime/node_http2_cork.ts";
import { connectFields } from "../cases/connects.ts";
import { concat, test } from "../kit/harness.ts";
import { connectionOf, headOn, Http2Client, type Http2Listening, listenHttp2 } from "../kit/http2.ts";

/** A socket that counts how often it is written to, and can give what comes in one chunk. */
class Counted extends Duplex {
  readonly #socket: Socket;
  readonly #held: Uint8Array[] = [];
  writes = 0;
  /** How many bytes are to come before they are given together. */
  together = 0;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.#onData(chunk)).on("end", () => this.push(null)).on(
      "error",
      () => {},
    );
    socket.on("close", () => this.destroy());
  }

  #onData(chunk: Uint8Array): void {
    this.#held.push(chunk);
    if ((this.together -= chunk.length) <= 0) this.push(concat(...this.#held.splice(0)));
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _: string, callback: (error?: Error | null) => void): void {
    this.writes++;
    this.#socket.write(chunk, callback);
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: (error?: Error | null) => void): void {
    this.writes++;
    for (const { chunk } of chunks) this.#socket.write(chunk);
    this.#socket.write("", callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }
}

/** A server that answers every stream. */
interface Answering {
  readonly server: Http2Listening;
  /** Resolves when so many bytes have come on all streams. */
  bytes(count: number): Promise<void>;
  /** Writes so many bytes on each of them. */
  tell(count: number): void;
}

async function answering(): Promise<Answering> {
  const server = await listenHttp2(() => {}), reached = new Map<number, () => void>(), streams: Http2Stream[] = [];
  let seen = 0;
  server.server.on("stream", (stream) => {
    streams.push(stream);
    stream.on("error", () => {});
    stream.on("data", (chunk: Uint8Array) => reached.get(seen += chunk.length)?.());
    (stream as ServerHttp2Stream).respond({ ":status": 200 });
  });
  return {
    server,
    bytes: (count) => new Promise((resolve) => void reached.set(count, resolve)),
    tell(count) {
      for (const stream of streams) stream.write(new Uint8Array(count));
    },
  };
}

test("writeTogether() has what the streams of a session write in one turn leave in one write (RFC 9113 §5)", async () => {
  const { server, bytes, tell } = await answering();
  await using _ = server;
  const socket = dial(server.port, "127.0.0.1");
  await once(socket, "connect");
  const counted = new Counted(socket);
  using client = new Http2Client(connect("http://127.0.0.1", { createConnection: () => counted }));
  await once(client.session, "remoteSettings");
  const streams: ClientHttp2Stream[] = [];
  for (let i = 0; i < 8; i++) {
    const stream = client.request(connectFields());
    await headOn(stream);
    streams.push(stream);
  }
  await client.settled();
  for (const stream of streams) stream.on("data", () => writeTogether(stream, new Uint8Array(100), () => {}));
  const before = counted.writes, came = bytes(8 * 100);
  counted.together = 8 * (9 + 50); // with the heads of the frames (§4.1)
  tell(50);
  await came;
  assertEquals(counted.writes - before, 1);
});

test("a session that is destroyed in the turn of a write is a loss of its streams (RFC 9113 §5.4.1)", async () => {
  const { server } = await answering();
  await using _ = server;
  using client = await Http2Client.open(server.port);
  const stream = client.request(connectFields());
  await headOn(stream);
  const lost = Promise.withResolvers<unknown>(), transport = transportOf(connectionOf(stream));
  transport.start({ onData() {}, onEnd() {}, onDrained() {}, onLost: lost.resolve });
  transport.resume();
  const { session } = stream;
  transport.write(Uint8Array.of(0x89, 0x80, 0, 0, 0, 0));
  session!.destroy();
  await lost.promise;
  await new Promise<void>((resolve) => void afterIO(2, resolve)); // the end of the turn has thrown nothing
});
