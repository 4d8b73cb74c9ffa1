// What a WebSocket sends, over sockets, on ws and wss. Each test names the public one that it answers to.

import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { accept } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { WebSocket } from "../../src/websocket.ts";
import { assertDomError } from "../kit/assert_dom_error.ts";
import { test } from "../kit/harness.ts";
import { cleanly, echo, HandPeer, next, testSocket } from "./peers.ts";
import { Answers } from "./public_files.ts";

const answers = new Answers("send");

const TEXTS: readonly [file: Parameters<typeof answers.test>[0], sent: unknown, text: string, bytes: number][] = [
  ["Send-0byte-data", "", "", 0],
  ["Send-65K-data", "c".repeat(65000), "c".repeat(65000), 65000],
  ["Send-data", "a message", "a message", 9],
  ["Send-null", null, "null", 4],
  ["Send-paired-surrogates", "\ud801\udc07", "\ud801\udc07", 4],
  ["Send-unicode-data", "¥¥¥¥¥¥", "¥¥¥¥¥¥", 12],
  ["Send-unpaired-surrogates", "\ud807", "\ufffd", 3],
];
for (const [file, sent, text, bytes] of TEXTS) {
  answers.test(file, `${JSON.stringify(sent)?.slice(0, 20)} is sent as text of ${bytes} bytes`, echo, async (open) => {
    const socket = open();
    await next(socket, "open");
    socket.send(sent as string);
    assertEquals(socket.bufferedAmount, bytes);
    assertEquals((await next(socket, "message")).data, text);
    socket.close();
    await cleanly(socket);
    assertEquals(socket.bufferedAmount, 0);
  });
}

answers.test("Send-before-open", "before it is open nothing can be sent", echo, async (open) => {
  const socket = open();
  assertDomError(() => socket.send("early"), "InvalidStateError");
  await next(socket, "open");
  socket.close();
  await cleanly(socket);
});

/** A buffer of its own, filled with what tells its bytes apart. */
const filled = (size: number) => Uint8Array.from({ length: size }, (_, i) => i * 7).buffer;
const { Float16Array: Half } = globalThis as {
  Float16Array?: new (buffer: ArrayBuffer) => ArrayBufferView<ArrayBuffer>;
};
const BINARY: readonly [
  file: Parameters<typeof answers.test>[0],
  make: () => ArrayBuffer | ArrayBufferView<ArrayBuffer>,
][] = [
  ["Send-binary-arraybuffer", () => filled(15)],
  ["Send-binary-65K-arraybuffer", () => filled(65000)],
  ["Send-binary-arraybufferview-float16", () => Half ? new Half(filled(4)) : new Uint8Array(filled(4))],
  ["Send-binary-arraybufferview-float32", () => new Float32Array(filled(8))],
  ["Send-binary-arraybufferview-float64", () => new Float64Array(filled(16))],
  ["Send-binary-arraybufferview-int16-offset", () => new Int16Array(filled(8), 2)],
  ["Send-binary-arraybufferview-int32", () => new Int32Array(filled(8))],
  ["Send-binary-arraybufferview-int8", () => new Int8Array(filled(8))],
  ["Send-binary-arraybufferview-uint16-offset-length", () => new Uint16Array(filled(16), 2, 3)],
  ["Send-binary-arraybufferview-uint32-offset", () => new Uint32Array(filled(16), 4)],
  ["Send-binary-arraybufferview-uint8-offset-length", () => new Uint8Array(filled(8), 2, 4)],
  ["Send-binary-arraybufferview-uint8-offset", () => new Uint8Array(filled(8), 2)],
];
for (const [file, make] of BINARY) {
  const instead = file.endsWith("float16") && !Half ? ", of a Uint8Array: there is no Float16Array here" : "";
  answers.test(file, `bytes come back in an ArrayBuffer of just their length${instead}`, echo, async (open) => {
    const socket = open(), sent = make();
    socket.binaryType = "arraybuffer";
    await next(socket, "open");
    socket.send(sent);
    assertEquals(socket.bufferedAmount, sent.byteLength);
    const { data } = await next(socket, "message");
    assertInstanceOf(data, ArrayBuffer);
    const bytes = ArrayBuffer.isView(sent)
      ? new Uint8Array(sent.buffer, sent.byteOffset, sent.byteLength)
      : new Uint8Array(sent);
    assertEquals(new Uint8Array(data), bytes);
    socket.close();
    await cleanly(socket);
  });
}

answers.test("Send-binary-blob", "a Blob comes back as one", echo, async (open) => {
  const socket = open();
  await next(socket, "open");
  socket.send(new Blob([filled(65000)]));
  assertEquals(socket.bufferedAmount, 65000);
  const { data } = await next(socket, "message");
  assertInstanceOf(data, Blob);
  assertEquals(new Uint8Array(await data.arrayBuffer()), new Uint8Array(filled(65000)));
  socket.close();
  await cleanly(socket);
});

const MANY = 50, SIZE = 65536;
answers.test(
  "send-many-64K-messages-with-backpressure",
  "many large messages to a peer that is slow all come",
  async (conn) => {
    const socket = await accept(conn, { highWaterMark: 1024 });
    await socket.receive(async ({ length }) => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      socket.send(`${length}`);
    });
  },
  async (open) => {
    const socket = open(), message = new Uint8Array(SIZE), sizes: string[] = [];
    socket.onopen = () => {
      for (let i = 0; i < MANY; i++) socket.send(message);
      assertEquals(socket.bufferedAmount, MANY * SIZE);
    };
    socket.onmessage = ({ data }) => {
      if (sizes.push(data) === MANY) socket.close();
    };
    await cleanly(socket);
    assertEquals(sizes, Array.from({ length: MANY }, () => `${SIZE}`));
    assertEquals(socket.bufferedAmount, 0);
  },
);

answers.end();

// Beyond the public tests
testSocket("a Blob keeps its place among other messages, and before the close", async (conn) => {
  const socket = await accept(conn), came: string[] = [];
  await socket.receive((message) =>
    void came.push(typeof message === "string" ? message : new TextDecoder().decode(message))
  );
  assertEquals(came, ["a", "b", "c", "d", "e"]);
}, async (open) => {
  const socket = open(), bytes = new TextEncoder().encode("d");
  await next(socket, "open");
  for (const message of ["a", new Blob(["b"]), "c", bytes, new Blob(["e"])]) socket.send(message);
  bytes[0] = 0; // has been copied
  assertEquals(socket.bufferedAmount, 5);
  socket.close();
  await cleanly(socket);
  assertEquals(socket.bufferedAmount, 0);
});

testSocket("what is sent behind a close is dropped and counted, for ever", echo, async (open) => {
  const socket = open();
  await next(socket, "open");
  socket.close();
  socket.send("four");
  socket.send(new Blob(["12"]));
  assertEquals(socket.bufferedAmount, 6);
  await cleanly(socket);
  socket.send(new Uint8Array(3));
  assertEquals(socket.bufferedAmount, 9);
});

testSocket("bufferedAmount does not shrink before the turn is over, and then does", echo, async (open) => {
  const socket = open(), large = new Uint8Array(100_000);
  socket.binaryType = "arraybuffer";
  await next(socket, "open");
  for (let i = 1; i <= 3; i++) {
    socket.send(large);
    for (let k = 0; k < 8; k++) await Promise.resolve();
    assertEquals(socket.bufferedAmount, i * large.length);
  }
  for (let i = 0; i < 3; i++) await next(socket, "message");
  assertEquals(socket.bufferedAmount, 0);
  socket.close();
  await cleanly(socket);
});

testSocket("what was not written when the connection was lost stays counted", async (conn) => {
  const peer = await HandPeer.opened(conn);
  await peer.read();
  await peer.abort();
}, async (open) => {
  const socket = open(), size = 32 << 20;
  await next(socket, "open");
  socket.send(new Uint8Array(size));
  const { wasClean } = await next(socket, "close");
  assert(!wasClean && socket.bufferedAmount > 0 && socket.bufferedAmount <= size, `${socket.bufferedAmount}`);
});

test("past maxBufferedAmount the WebSocket fails", async () => {
  const [conn, far] = connectionPair(), options = { conn, maxBufferedAmount: 1000 };
  const socket = new WebSocket("ws://localhost/", [], options), failed = next(socket, "error");
  const accepting = accept(far);
  await next(socket, "open");
  for (let i = 0; i < 20; i++) socket.send(new Uint8Array(100));
  assertEquals(socket.bufferedAmount, 2000);
  assertEquals((await failed).error.failure, "send-buffer-full");
  await (await accepting).closed.catch(() => {});
});

const CONVERTED: readonly [name: string, make: () => unknown, text: string][] = [
  ["a number", () => 42, "42"],
  ["nothing", () => undefined, "undefined"],
  ["a list", () => [1, [2]], "1,2"],
  ["memory that is shared", () => new SharedArrayBuffer(8), "[object SharedArrayBuffer]"],
];
for (const [name, make, text] of CONVERTED) {
  testSocket(`${name} is sent as ${text}`, echo, async (open) => {
    const socket = open();
    await next(socket, "open");
    socket.send(make() as string);
    assertEquals((await next(socket, "message")).data, text);
    socket.close();
    await cleanly(socket);
  });
}

const REFUSED: readonly [name: string, make: () => unknown][] = [
  ["a symbol", () => Symbol("x")],
  ["what can't be made a string", () => ({ toString: () => ({}), valueOf: () => ({}) })],
  ["a view of memory that is shared", () => new Uint8Array(new SharedArrayBuffer(8))],
  ["a resizable buffer", () => new ArrayBuffer(8, { maxByteLength: 16 })],
];
for (const [name, make] of REFUSED) {
  testSocket(`${name} can't be sent, neither before nor after the close`, echo, async (open) => {
    const socket = open();
    assertThrows(() => socket.send(make() as string), TypeError); // and no InvalidStateError: it is converted first
    await next(socket, "open");
    assertThrows(() => socket.send(make() as string), TypeError);
    assertThrows(() => (socket.send as () => void)(), TypeError, "missing");
    socket.close();
    assertThrows(() => socket.send(make() as string), TypeError);
    assertEquals(socket.bufferedAmount, 0);
    await cleanly(socket);
  });
}

testSocket("a buffer that was transferred has no bytes", echo, async (open) => {
  const socket = open(), buffer = new ArrayBuffer(8), view = new Uint8Array(buffer);
  socket.binaryType = "arraybuffer";
  await next(socket, "open");
  buffer.transfer();
  for (const gone of [buffer, view]) {
    socket.send(gone);
    assertEquals((await next(socket, "message")).data.byteLength, 0);
  }
  socket.close();
  await cleanly(socket);
});
