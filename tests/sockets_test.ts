// Ours against raw sockets over TCP: what only a kernel in between can show. Refusals and Close frames that reach a peer
// which keeps sending, loss in all its forms, back-pressure, many connections, and clients that take their time.

import { createHash } from "node:crypto";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  accept,
  attach,
  type ByteConnection,
  connect,
  HandshakeError,
  type HandshakeFailure,
  type WebSocketConnection,
  WebSocketError,
} from "../mod.ts";
import { handshakeFailures } from "../src/failures.ts";
import { FIN, MAX_HEADER, OPCODE, writeHeader } from "../src/frame.ts";
import { fakeClock } from "../src/testing.ts";
import { concat, latin1, test, text } from "./harness.ts";

const KIB = 1024, MIB = 1024 * KIB;

/** What a door is given: a connection as it is, or a pair of streams, which is read and written as such. */
type Form = (conn: Deno.TcpConn) => ByteConnection;

const lasting: Readonly<Record<string, Form>> = {
  "a Deno.Conn": (conn) => conn,
  "a pair of streams": (conn) => ({
    readable: conn.readable,
    writable: new WritableStream({
      write: (chunk) => writeAll(conn, chunk),
      close: () => conn.closeWrite(),
      abort: () => conn.close(),
    }),
  }),
};

const forms: typeof lasting = {
  ...lasting,
  // Closing this writable closes the connection as a whole: there is no half-close, and no patience at the end
  "the streams of a Deno.Conn": ({ readable, writable }) => ({ readable, writable }),
};

/** Both ends of a TCP connection: one is the raw peer's. */
async function tcp(): Promise<[peer: Deno.TcpConn, conn: Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  return await Promise.all([Deno.connect({ hostname: "127.0.0.1", port }), listener.accept()]);
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Reads to the end of the stream; a reset makes it reject. */
async function readAll(conn: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(conn)) chunks.push(chunk);
  return concat(...chunks);
}

async function* chunksOf(conn: Deno.Conn): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(64 * KIB);
  for (let count; (count = await conn.read(buffer)) !== null;) yield buffer.slice(0, count);
}

/** A turn of the event loop: the runtime has looked at all sockets. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The header of a raw peer's frame of binary; a client masks with the key 0, which leaves the payload as it is. */
function headerOf(length: number, peer: "client" | "server"): Uint8Array {
  const header = new Uint8Array(MAX_HEADER);
  return header.slice(0, writeHeader(header, 0, FIN | OPCODE.binary, length, peer === "client" ? 0 : undefined));
}

const AGREEMENTS = [
  { role: "server", protocol: "", extensions: "" },
  { role: "client", protocol: "", extensions: "" },
] as const;
const OTHER = { server: "client", client: "server" } as const;

const UPGRADE = [
  "GET /chat HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "",
  "",
].join("\r\n");

/** Whether the bytes are the whole response to a failure, and nothing else. */
function assertRefusal(bytes: Uint8Array, failure: HandshakeFailure, status: string): void {
  const [head = "", ...body] = text(bytes).split("\r\n\r\n");
  const { sentence } = handshakeFailures[failure];
  const [start, ...fields] = head.toLowerCase().split("\r\n");
  assertEquals(start, `http/1.1 ${status.toLowerCase()}`);
  assert(fields.includes(`content-length: ${sentence.length + 1}`), head);
  assert(fields.includes("connection: close"), head);
  assertEquals(body, [sentence + "\n"]);
}

// ---- answers to a peer that keeps sending

/**
 * Sends a piece a turn, and reads either meanwhile or only afterwards; resolves to what was read before the end of the
 * stream. It rejects when the connection is reset: while writing, or before the end.
 */
async function sendSteadily(
  peer: Deno.Conn,
  bytes: Uint8Array,
  reads: "meanwhile" | "afterwards",
): Promise<Uint8Array> {
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += 4 * KIB) {
      await writeAll(peer, bytes.subarray(at, at + 4 * KIB));
      await turn();
    }
  })();
  if (reads === "afterwards") await writing;
  const [answer] = await Promise.all([readAll(peer), writing]);
  return answer;
}

for (const [form, given] of Object.entries(lasting)) {
  for (const reads of ["meanwhile", "afterwards"] as const) {
    test(`accept() on ${form} gets a refusal through to a client that sends 100 KiB and reads ${reads}`, async () => {
      const [peer, conn] = await tcp();
      const accepting = assertRejects(() => accept(given(conn)), HandshakeError);
      const head = latin1(UPGRADE.replace("\r\n\r\n", `\r\nX-Long: ${"x".repeat(100 * KIB)}\r\n\r\n`));
      assertRefusal(await sendSteadily(peer, head, reads), "head-too-large", "431 Request Header Fields Too Large");
      peer.close();
      assertEquals((await accepting).failure, "head-too-large");
    });

    // What is sent behind a failure is thrown away, but at most 256 KiB of it: at more the connection is closed over what
    // is unread, and the reset may overtake the Close frame. So up to there it must arrive, and beyond there is no saying.
    for (const amount of [64, 256]) {
      for (const agreement of AGREEMENTS) {
        const title = `a ${agreement.role} on ${form} gets a Close frame through to a peer that sends ${amount} KiB`;
        test(`${title} and reads ${reads}`, async () => {
          const [peer, conn] = await tcp();
          const ours = attach(given(conn), agreement, { maxMessageSize: 1000 });
          const received = assertRejects(() => ours.receive(() => {}), WebSocketError);
          const message = concat(headerOf(MIB, OTHER[agreement.role]), new Uint8Array(amount * KIB));
          const answer = await sendSteadily(peer, message, reads);
          peer.close();
          const [first, second] = answer;
          assertEquals(first, FIN | OPCODE.close);
          const masked = agreement.role === "client";
          assertEquals(second! >= 0x80, masked);
          assertEquals(answer.length, 2 + (masked ? 4 : 0) + (second! & 0x7f));
          const code = masked ? answer.subarray(6, 8).map((byte, i) => byte ^ answer[2 + i]!) : answer.subarray(2, 4);
          assertEquals(code[0]! << 8 | code[1]!, 1009);
          assertEquals((await received).failure, "message-too-big");
          assertEquals((await assertRejects(() => ours.closed, WebSocketError)).closeCode, 1009);
        });
      }
    }
  }
}

// ---- loss

/** Fails when a promise is rejected that nobody handles. */
async function handlingAll(run: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", listener);
  try {
    await run();
    await turn(); // it is told at the end of a turn
  } finally {
    removeEventListener("unhandledrejection", listener);
  }
  assertEquals(unhandled, []);
}

/** Rows: how a peer goes that has sent no Close frame. */
const losses: readonly { readonly name: string; lose(peer: Deno.TcpConn): void | Promise<void> }[] = [
  { name: "half-closes", lose: (peer) => peer.closeWrite() },
  { name: "closes", lose: (peer) => peer.close() },
  {
    name: "closes inside a frame",
    async lose(peer) {
      await writeAll(peer, Uint8Array.of(FIN | OPCODE.binary));
      peer.close();
    },
  },
  {
    // One is read, so that the others are there
    name: "closes over unread bytes",
    async lose(peer) {
      assertEquals(await peer.read(new Uint8Array(1)), 1);
      peer.close();
    },
  },
];

/** Rows: what an application has begun, and waits for nowhere but in `closed`. */
const uses: Readonly<Record<string, (ours: WebSocketConnection) => void>> = {
  "is read by its streams": (ours) => {
    const reader = ours.readable.getReader(), writer = ours.writable.getWriter();
    reader.read().catch((error) => assert(error instanceof WebSocketError, `${error}`));
    writer.write("message").catch(() => {});
  },
  "is read by receive()": (ours) => {
    ours.receive(() => {});
    ours.send("message");
  },
  "waits for room and a pong": (ours) => {
    ours.receive(() => {});
    ours.ping();
    for (let i = 0; i < 100; i++) ours.send(new Uint8Array(64 * KIB));
  },
};

for (const [form, given] of Object.entries(forms)) {
  for (const { name, lose } of losses) {
    for (const [use, begin] of Object.entries(uses)) {
      test(`a connection on ${form} that ${use} ends with 1006 when the peer ${name}`, async () => {
        const [peer, conn] = await tcp();
        using _peer = peer;
        await handlingAll(async () => {
          const ours = attach(given(conn), AGREEMENTS[0]);
          begin(ours);
          await lose(peer);
          const error = await assertRejects(() => ours.closed, WebSocketError);
          assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
        });
      });
    }
  }
}

for (const [form, given] of Object.entries(forms)) {
  test(`a connection on ${form} that only writes ends with 1006 when the peer is gone`, async () => {
    const [peer, conn] = await tcp();
    await handlingAll(async () => {
      const ours = attach(given(conn), AGREEMENTS[0]);
      peer.close();
      // What is written first is answered by a reset, at which a later write fails
      const sending = (async () => {
        for (let i = 0; i < 1000; i++) {
          await ours.send("message");
          await turn();
        }
      })();
      assertEquals((await assertRejects(() => sending, DOMException)).name, "InvalidStateError");
      const error = await assertRejects(() => ours.closed, WebSocketError);
      assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
      assert(error.cause instanceof Error, `${error.cause}`);
    });
  });
}

/** Opens a WebSocket in a process of its own, and goes on as told. */
const CLIENT = `
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(Deno.args[0]) });
  await conn.write(new TextEncoder().encode(${JSON.stringify(UPGRADE)}));
  const read = () => conn.read(new Uint8Array(1024));
  await read();`;

/** Rows: what the killed process was doing; with unread bytes its kernel resets the connection, otherwise it ends it. */
const killed = [
  { name: "reads", goesOn: "while (await read() !== null);", cause: undefined },
  { name: "does not read", goesOn: "setInterval(() => {}, 1000);", cause: Deno.errors.ConnectionReset },
];

for (const { name, goesOn, cause } of killed) {
  test(`a connection ends with 1006 when the process of a peer that ${name} is killed`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const args = ["eval", CLIENT + goesOn, `${listener.addr.port}`];
    const client = new Deno.Command(Deno.execPath(), { args }).spawn();
    await handlingAll(async () => {
      // With no byte allowed to wait, the promise says that all have been written
      const ours = await accept(await listener.accept(), { highWaterMark: 0 });
      const received = ours.receive(() => {});
      await ours.send("message");
      client.kill("SIGKILL");
      const error = await assertRejects(() => received, WebSocketError);
      assertEquals([error.failure, error.closeCode], ["connection-lost", 1006]);
      if (cause) assert(error.cause instanceof cause, `${error.cause}`);
      assertStrictEquals(await assertRejects(() => ours.closed), error);
    });
    await client.status;
  });
}

// ---- back-pressure

/** 64 MiB in messages of 64 KiB, each told from the others. */
const COUNT = 1024, SIZE = 64 * KIB;

function messageOf(index: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(SIZE).fill(index);
  new DataView(message.buffer).setUint32(0, index);
  return message;
}

/** The digest of all messages behind each other, each behind what stands before it on the wire. */
function digestOf(before: Uint8Array): string {
  const hash = createHash("sha1");
  for (let i = 0; i < COUNT; i++) hash.update(before).update(messageOf(i));
  return hash.digest("hex");
}

/** What kernels take by themselves: usually up to 4 MiB to send, and little to receive for somebody who does not read. */
const BOUND = 8 * MIB;

/**
 * Waits until a count stands still. It is believed after so many turns, in each of which the runtime looks at all sockets,
 * that only something that is truly stuck can have stood; were it not, the test would be weaker, and not fail.
 */
async function standstill(count: () => number): Promise<number> {
  let last = count();
  for (let turns = 0; turns < 200; turns++) {
    await turn();
    if (count() === last) continue;
    last = count();
    turns = 0;
  }
  return last;
}

/** Rows: readers that take one message, then nothing until they are let go on; each gives the digest of all. */
const readers: Readonly<Record<string, (ours: WebSocketConnection, goOn: Promise<void>) => Promise<string>>> = {
  "the streams": async (ours, goOn) => {
    const hash = createHash("sha1");
    const reader = ours.readable.getReader();
    for (let i = 0; i < COUNT; i++) {
      hash.update((await reader.read()).value!);
      if (i === 0) await goOn;
    }
    return hash.digest("hex");
  },
  "receive()": async (ours, goOn) => {
    const hash = createHash("sha1");
    const done = Promise.withResolvers<void>();
    let count = 0;
    ours.receive((message) => {
      hash.update(message);
      if (++count === COUNT) done.resolve();
      return count === 1 ? goOn : undefined;
    });
    await done.promise;
    return hash.digest("hex");
  },
};

/** Rows: senders that wait for room. */
const senders: Readonly<Record<string, (ours: WebSocketConnection) => (message: Uint8Array<ArrayBuffer>) => unknown>> =
  {
    "writer.ready": (ours) => {
      const writer = ours.writable.getWriter();
      return async (message) => {
        await writer.ready;
        writer.write(message).catch(() => {});
      };
    },
    "the promise of send()": (ours) => (message) => ours.send(message),
  };

for (const [form, given] of Object.entries(forms)) {
  for (const [name, read] of Object.entries(readers)) {
    test(`a reader by ${name} on ${form} that stops stops its peer`, async () => {
      const [peer, conn] = await tcp();
      const ours = attach(given(conn), AGREEMENTS[0]);
      const going = Promise.withResolvers<void>();
      const reading = read(ours, going.promise);
      const header = headerOf(SIZE, "client");
      let written = 0;
      const writing = (async () => {
        for (let i = 0; i < COUNT; i++) {
          await writeAll(peer, header);
          await writeAll(peer, messageOf(i));
          written += SIZE;
        }
      })();
      const stalled = await standstill(() => written);
      assert(stalled < BOUND, `${stalled} bytes were taken from a peer that nobody reads`);
      going.resolve();
      await writing;
      assertEquals(await reading, digestOf(new Uint8Array()));
      ours.abort();
      peer.close();
    });
  }

  for (const [name, sender] of Object.entries(senders)) {
    test(`a writer on ${form} that waits for ${name} is stopped by a peer that does not read`, async () => {
      const [peer, conn] = await tcp();
      const ours = attach(given(conn), AGREEMENTS[0]);
      const send = sender(ours);
      let sent = 0;
      const sending = (async () => {
        for (let i = 0; i < COUNT; i++) {
          await send(messageOf(i));
          sent += SIZE;
        }
      })();
      const stalled = await standstill(() => sent);
      assert(stalled < BOUND, `${stalled} bytes were taken for a peer that does not read`);
      const header = headerOf(SIZE, "server");
      const hash = createHash("sha1");
      let left = COUNT * (header.length + SIZE);
      for await (const chunk of chunksOf(peer)) {
        hash.update(chunk);
        left -= chunk.length;
        if (left <= 0) break;
      }
      await sending;
      assertEquals([left, hash.digest("hex")], [0, digestOf(header)]);
      ours.abort();
      peer.close();
    });
  }
}

// ---- many at once

/** An echo by each face. */
const echoes: readonly ((socket: WebSocketConnection) => Promise<unknown>)[] = [
  (socket) => socket.readable.pipeTo(socket.writable),
  (socket) => socket.receive((message) => socket.send(message)),
];

for (const [form, given] of Object.entries(forms)) {
  test(`a hundred connections at once, each on ${form}, echo without mixing`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const serving = (async () => {
      const echoing: Promise<unknown>[] = [];
      for (let i = 0; i < 100; i++) {
        const conn = await listener.accept();
        echoing.push(accept(given(conn)).then(echoes[i % 2]!));
      }
      await Promise.all(echoing);
    })();
    await Promise.all(Array.from({ length: 100 }, async (_, id) => {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port });
      const socket = await connect(`ws://127.0.0.1:${port}/${id}`, { conn: given(conn) });
      const messages = Array.from({ length: 20 }, (_, i) => `message ${i} of ${id} `.repeat(1 + i * id));
      for (const message of messages) socket.send(message);
      const received: unknown[] = [];
      await socket.receive((message) => {
        received.push(message);
        if (received.length === messages.length) socket.close({ closeCode: 1000 });
      });
      assertEquals(received, messages);
    }));
    await serving;
  });
}

// ---- clients that take their time

for (const [form, given] of Object.entries(lasting)) {
  test(`accept() on ${form} cuts a client that sends a byte a second at its deadline, with 408`, async () => {
    const clock = fakeClock();
    const [peer, conn] = await tcp();
    const accepting = assertRejects(() => accept(given(conn), { clock }), HandshakeError);
    const bytes = latin1(UPGRADE);
    const trickle = async (from: number) => {
      for (let second = from; second < from + 10; second++) {
        await writeAll(peer, bytes.subarray(second, second + 1));
        await clock.advance(1000);
      }
    };
    await trickle(0);
    assertRefusal(await readAll(peer), "handshake-timeout", "408 Request Timeout");
    // The patience with a client that keeps sending has its own deadline
    await trickle(10);
    assertEquals((await accepting).failure, "handshake-timeout");
    assertEquals(clock.pending, 0);
    peer.close();
  });
}

for (const [form, given] of Object.entries(forms)) {
  test(`accept() on ${form} closes a silent client at its deadline in silence`, async () => {
    const clock = fakeClock();
    const [peer, conn] = await tcp();
    const accepting = assertRejects(() => accept(given(conn), { clock }), HandshakeError);
    await clock.advance(9999);
    assertEquals(clock.pending, 1);
    await clock.advance(1);
    assertEquals((await readAll(peer)).length, 0);
    assertEquals((await accepting).failure, "handshake-timeout");
    assertEquals(clock.pending, 0);
    peer.close();
  });
}
