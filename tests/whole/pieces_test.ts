// Messages in pieces over real sockets, by every door that makes a connection, by both faces, plain and compressed.

import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { accept, connect, type MessagePieces, type ReceivedOrPieces, reconnect, serve } from "../../mod.ts";
import type { WebSocketConnection } from "../../mod.ts";
import { handlingAll, random, test } from "../kit/harness.ts";
import { listenHttp2 } from "../kit/http2.ts";
import { listen } from "../kit/tcp.ts";

type Piece = string | Uint8Array<ArrayBuffer>;
type Socket = WebSocketConnection<ReceivedOrPieces>;

/** Pieces of lengths that fit no frame and no chunk, 1 MiB together, the same ones for the same seed. */
function piecesOf(isText: boolean, seed: number): Piece[] {
  const next = random(seed), pieces: Piece[] = [];
  for (let size = 0; size < 2 ** 20;) {
    const length = 1 + next() % 150_000;
    size += length;
    // A character of each length in UTF-8; a slice may cut the last one
    if (isText) pieces.push("aé€\u{1f600}".repeat(length / 5 + 1).slice(next() % 5, length));
    else pieces.push(Uint8Array.from({ length }, (_, i) => i * seed >> (i & 7)));
  }
  return pieces;
}

/** The hash of all of it; of text, whatever it is cut into, since the halves of a character are none by themselves. */
function hashOf(pieces: readonly Piece[]): string {
  const hash = createHash("sha256");
  if (typeof pieces[0] === "string") hash.update(pieces.join(""));
  else for (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

const streamOf = (pieces: readonly Piece[]) =>
  new ReadableStream<Piece>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });

/** Each face as an echo. */
const ECHOES: Readonly<Record<string, (socket: Socket) => Promise<unknown>>> = {
  "receive() and send()": (socket) => socket.receive((message) => socket.send(message)),
  "a pipe": (socket) => socket.readable.pipeTo(socket.writable),
  "for await and a writer": async (socket) => {
    const writer = socket.writable.getWriter();
    for await (const message of socket.readable) await writer.write(message);
    await writer.close().catch(() => {});
  },
};

/** Sends, and takes what comes back. */
async function pass(socket: Socket, isText: boolean): Promise<void> {
  const pieces = piecesOf(isText, 7), reader = socket.readable.getReader();
  const sent = Promise.resolve(socket.send(streamOf(pieces)));
  const message = (await reader.read()).value as MessagePieces, back: Piece[] = [];
  assertEquals(message.type, isText ? "text" : "binary");
  for await (const piece of message) {
    assert(piece.length <= 65536);
    back.push(piece);
  }
  await sent;
  assertEquals(hashOf(back), hashOf(pieces));
  socket.send("behind it");
  assertEquals((await reader.read()).value, "behind it");
  reader.releaseLock();
}

for (const [face, echo] of Object.entries(ECHOES)) {
  for (const compression of [false, true]) {
    test(`1 MiB in pieces come back by ${face}, ${compression ? "compressed" : "plain"} (RFC 6455 §5.4)`, async () => {
      await handlingAll(async () => {
        await using server = await serve({ port: 0, streamAbove: 100, compression }, echo);
        const socket = await connect(server.url!, { streamAbove: 100, compression });
        assertEquals(socket.deflate !== undefined, compression);
        for (const isText of [false, true]) await pass(socket, isText);
        await socket.close({ closeCode: 1000 });
      });
    });
  }
}

test("accept() and reconnect() hand over messages in pieces, too", async () => {
  using listener = await listen();
  const accepting = listener.accept().then((conn) => accept(conn, { streamAbove: 100 }));
  const client = reconnect(`ws://127.0.0.1:${listener.port}/`, { streamAbove: 100 });
  for await (const socket of client) {
    const echoing = ECHOES["receive() and send()"]!(await accepting);
    await pass(socket, false);
    await client.close();
    await echoing;
  }
});

for (const [face, echo] of Object.entries(ECHOES)) {
  test(`1 MiB in pieces come back by ${face} over HTTP/2 (RFC 8441 §5)`, async () => {
    await handlingAll(async () => {
      await using server = await serve({ port: 0, streamAbove: 100, http2: true }, echo);
      const socket = await connect(server.url!, { streamAbove: 100, http2: true });
      assertEquals(socket.response.status, 200);
      for (const isText of [false, true]) await pass(socket, isText);
      await socket.close({ closeCode: 1000 });
    });
  });
}

test("accept() hands over messages in pieces on a stream of HTTP/2, too (RFC 8441 §5)", async () => {
  const accepting = Promise.withResolvers<Socket>();
  await using server = await listenHttp2((conn) => {
    accept(conn, { streamAbove: 100 }).then(accepting.resolve, accepting.reject);
  });
  const socket = await connect(`ws://127.0.0.1:${server.port}/`, { streamAbove: 100, http2: true });
  const echoing = ECHOES["receive() and send()"]!(await accepting.promise);
  await pass(socket, false);
  await socket.close({ closeCode: 1000 });
  await echoing;
});

test("whoever leaves in the middle of messages in pieces leaves nothing behind at the other end", async () => {
  await handlingAll(async () => {
    let open = 0;
    async function* endless() {
      open++;
      try {
        for (;;) yield await Promise.resolve(new Uint8Array(10_000));
      } finally {
        open--;
      }
    }
    const taken: Promise<unknown>[] = [];
    const server = await serve({ port: 0, streamAbove: 0, onError() {} }, async (socket) => {
      const sent = Promise.resolve(socket.send(endless())).catch(() => {});
      taken.push(sent, socket.receive((message) => socket.send(message)).catch(() => {}));
      await Promise.all(taken);
    });
    const leave: readonly ((socket: Socket) => unknown)[] = [
      (socket) => socket.abort(),
      (socket) => void socket.close(),
      (socket) => socket.readable.cancel(),
      (socket) => socket.writable.abort().catch(() => {}),
    ];
    for (const how of leave) {
      const socket = await connect(server.url!, { streamAbove: 0, closeTimeout: 200 });
      const sent = Promise.resolve(socket.send(endless())).catch(() => {});
      const reader = socket.readable.getReader(), message = (await reader.read()).value as MessagePieces;
      const pieces = message.getReader();
      await pieces.read();
      reader.releaseLock();
      await how(socket);
      for (;;) if ((await pieces.read().catch(() => ({ done: true }))).done) break;
      await sent;
      await socket.closed.catch(() => {});
    }
    await Promise.all(taken);
    await server.shutdown();
    assertEquals(open, 0);
  });
});
