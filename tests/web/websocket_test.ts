// The events of a WebSocket: their order, their turns and their listeners; and what its third argument adds.

import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import process from "node:process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accept, type ByteConnection } from "../../mod.ts";
import { connectionPair } from "../../src/testing.ts";
import { MessageEvent, WebSocket, type WebSocketInit } from "../../src/websocket.ts";
import { collectGarbage, concat, test } from "../kit/harness.ts";
import { readFrames, settled } from "../kit/raw_peer.ts";
import { listen } from "../kit/tcp.ts";
import { cleanly, echo, HandPeer, next, type ServeOne, testSocket } from "./peers.ts";
import { closing, OPCODE, toward, unhex, utf8 } from "../cases/frames_base.ts";

/** What comes between a runtime and the path of a program. */
const ARGUMENTS = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];

/** Sends texts and a Close frame, all in one piece. */
const burst = (...texts: string[]): ServeOne => async (conn) => {
  const peer = await HandPeer.opened(conn);
  const frame = toward("client"), frames = texts.map((text) => frame(OPCODE.text, utf8(text)));
  await peer.write(Uint8Array.from(unhex([...frames, frame(OPCODE.close, closing(3000))].join(" "))));
  await peer.closed();
  await peer.finish();
};
const WORDS = ["a", "b", "c", "d"];

testSocket(
  "messages that come in one piece with the close are told before it, in order",
  burst(...WORDS),
  async (open) => {
    const socket = open(), seen: string[] = [];
    socket.onopen = () => seen.push("open");
    socket.onmessage = ({ data }) => seen.push(`${data} ${socket.readyState}`);
    const { code } = await cleanly(socket);
    assertEquals([code, seen], [3000, ["open", "a 1", "b 1", "c 1", "d 1"]]);
  },
);

testSocket("all that promises set off in a listener runs before the next event", burst(...WORDS), async (open) => {
  const socket = open(), seen: string[] = [];
  socket.onmessage = async ({ data }) => {
    seen.push(data);
    for (let i = 0; i < 30; i++) await Promise.resolve();
    seen.push(`after ${data}`);
  };
  await cleanly(socket);
  assertEquals(seen, WORDS.flatMap((word) => [word, `after ${word}`]));
});

testSocket("who waits for one message after the other misses none", burst(...WORDS), async (open) => {
  const socket = open(), seen: string[] = [];
  const one = async () => (await next(socket, "message")).data as string;
  await next(socket, "open");
  for (const _ of WORDS) seen.push(await one());
  assertEquals(seen, WORDS);
  await cleanly(socket);
});

testSocket("behind a close in a listener no message is told that came with the last", burst(...WORDS), async (open) => {
  const socket = open(), seen: string[] = [];
  socket.onmessage = ({ data }) => {
    seen.push(data);
    socket.close();
  };
  const { code } = await cleanly(socket);
  assertEquals([seen, code], [["a"], 3000]);
});

testSocket("a message has its origin and nothing of a window's", burst("a"), async (open, url) => {
  const socket = open(), closed = cleanly(socket), event = await next(socket, "message");
  assertInstanceOf(event, MessageEvent);
  assertEquals([event.data, event.origin, event.lastEventId], ["a", new URL(url).origin, ""]);
  assertEquals([event.source, event.ports, event.bubbles, event.cancelable], [null, [], false, false]);
  assertStrictEquals(event.target, socket);
  await closed;
});

testSocket(
  "listeners and handlers are called in the order in which they came, as of any EventTarget",
  burst("a", "b"),
  async (open) => {
    const socket = open(), seen: string[] = [], controller = new AbortController();
    socket.addEventListener("message", () => seen.push("1"));
    socket.onmessage = () => seen.push("replaced");
    socket.addEventListener("message", { handleEvent: ({ data }) => seen.push(`3 ${data}`) });
    socket.addEventListener("message", () => seen.push("once"), { once: true });
    socket.addEventListener("message", () => seen.push("gone"), { signal: controller.signal });
    socket.addEventListener("message", (event) => {
      seen.push("stop");
      event.stopImmediatePropagation();
    });
    socket.addEventListener("message", () => seen.push("never"));
    socket.onmessage = function (event) {
      seen.push("2");
      assertStrictEquals(this, socket);
      assertStrictEquals(event.target, socket);
    };
    controller.abort();
    await cleanly(socket);
    assertEquals(seen, ["1", "2", "3 a", "once", "stop", "1", "2", "3 b", "stop"]);
  },
);

test("an error of a listener is reported as the runtime does, the others are called, and the connection goes on", async () => {
  const child = spawn(process.execPath, [...ARGUMENTS, join(import.meta.dirname!, "throwing_listener.ts")]);
  let said = "";
  child.stdout.on("data", (chunk) => said += chunk);
  child.stderr.resume();
  await once(child, "close");
  assertEquals(said, "closed 3000\nheard b\nreported mine\nreported mine\n");
});

testSocket(
  "a listener that comes late is called, and a handler that can't be called is not",
  burst(...WORDS),
  async (open) => {
    const socket = open(), seen: string[] = [];
    socket.onmessage = ({ data }) => {
      seen.push(`handler ${data}`);
      if (data === "b") socket.addEventListener("message", ({ data }) => seen.push(`listener ${data}`));
      if (data === "c") socket.onmessage = {} as unknown as null;
    };
    await cleanly(socket);
    assertEquals(seen, ["handler a", "handler b", "handler c", "listener c", "listener d"]);
  },
);

/** What is done to the listeners for messages before the first comes, and who is then called with each. */
const LISTENERS: readonly [
  name: string,
  set: (socket: WebSocket, one: () => void, two: () => void) => void,
  called: string,
][] = [
  ["one listener", (socket, one) => socket.addEventListener("message", one), "1"],
  ["one that is added twice", (socket, one) => {
    for (let i = 0; i < 2; i++) socket.addEventListener("message", one);
  }, "1"],
  ["one that is added once more for the first phase", (socket, one) => {
    for (const capture of [false, true]) socket.addEventListener("message", one, capture);
  }, "11"],
  ["two listeners", (socket, one, two) => [one, two].forEach((each) => socket.addEventListener("message", each)), "12"],
  ["a listener and a handler", (socket, one, two) => {
    socket.addEventListener("message", one);
    socket.onmessage = two;
  }, "12"],
  ["one that is removed", (socket, one) => {
    socket.addEventListener("message", one);
    socket.removeEventListener("message", one);
  }, ""],
  ["one that is not removed, for the phase is another", (socket, one) => {
    socket.addEventListener("message", one);
    socket.removeEventListener("message", one, true);
  }, "1"],
  ["one that is removed, and another", (socket, one, two) => {
    socket.addEventListener("message", one);
    socket.removeEventListener("message", one);
    socket.addEventListener("message", two);
  }, "2"],
  ["one for another type", (socket, one, two) => {
    socket.addEventListener("message", two);
    socket.addEventListener("other", one, true);
    socket.removeEventListener("other", two);
  }, "2"],
];
for (const [name, set, called] of LISTENERS) {
  testSocket(`${name}: each message is told to whom it is to be`, burst("a", "b"), async (open) => {
    const socket = open(), seen: string[] = [];
    set(socket, () => seen.push("1"), () => seen.push("2"));
    await cleanly(socket);
    assertEquals(seen.join(""), called.repeat(2));
  });
}

testSocket("an object for a handler is never called", burst(...WORDS), async (open) => {
  const socket = open();
  socket.onmessage = { handleEvent: () => assert(false) } as unknown as null;
  await cleanly(socket);
});

testSocket("bytes become what binaryType says when they are told", async (conn) => {
  const socket = await accept(conn);
  for (let i = 1; i <= 3; i++) socket.send(new Uint8Array(i));
  await socket.receive();
}, async (open) => {
  const socket = open(), seen: unknown[] = [];
  socket.onmessage = ({ data }) => {
    seen.push(data);
    socket.binaryType = "arraybuffer";
    if (seen.length === 3) socket.close();
  };
  await cleanly(socket);
  const [blob, ...buffers] = seen as [Blob, ArrayBuffer, ArrayBuffer];
  assertEquals([blob.size, ...buffers.map(({ byteLength }) => byteLength)], [1, 2, 3]);
  assertInstanceOf(blob, Blob);
  for (const buffer of buffers) assertInstanceOf(buffer, ArrayBuffer);
});

testSocket("a WebSocket that nobody holds any more tells its listeners", async (conn) => {
  const socket = await accept(conn);
  await socket.receive((message) => {
    if (message === "ready") socket.close({ closeCode: 3001 });
  });
}, async (open) => {
  const closed = Promise.withResolvers<number>();
  (() => {
    const socket = open();
    socket.onopen = () => {
      for (let i = 0; i < 5; i++) collectGarbage();
      socket.send("ready");
    };
    socket.onclose = ({ code }) => closed.resolve(code);
  })();
  for (let i = 0; i < 5; i++) collectGarbage();
  assertEquals(await closed.promise, 3001);
});

test("console.log() shows no URL, and so no credentials", async () => {
  const { inspect } = await import("node:util");
  const socket = new WebSocket("ws://user:secret@localhost/", [], { conn: connectionPair()[0] });
  const shown = inspect(socket);
  assert(shown.startsWith("WebSocket {") && !shown.includes("secret"), shown);
  socket.close();
  await next(socket, "close");
});

for (const size of [1000, 100_000]) { // the second comes in several chunks, and is gathered
  testSocket(
    `the ${size} bytes of an event stay as they came, whatever is read before it and behind it`,
    async (conn) => {
      const accepted = await accept(conn);
      for (let i = 0; i < 300; i++) await accepted.send(new Uint8Array(size).fill(i));
      await accepted.close({ closeCode: 3000 });
    },
    async (open) => {
      const socket = open(), data: ArrayBuffer[] = [];
      socket.binaryType = "arraybuffer";
      socket.onmessage = (event) => data.push(event.data);
      await cleanly(socket);
      const seen = data.map((buffer) => new Uint8Array(buffer)).map((bytes) => [bytes.length, bytes[0], bytes.at(-1)]);
      assertEquals(seen, Array.from({ length: 300 }, (_, i) => [size, i & 255, i & 255]));
    },
  );
}

for (const size of [1024, 8192, 40_000, 65_536]) { // some are as large as what a runtime reads into, and all fill a chunk
  testSocket(
    `the ${size} bytes of an event stay as they came where they are all of what was read at once`,
    async (conn) => {
      const peer = await HandPeer.opened(conn), frame = toward("client");
      const bytesOf = (opcode: number, payload: readonly number[]) => Uint8Array.from(unhex(frame(opcode, payload)));
      for (const fill of [1, 2, 3]) {
        const whole = bytesOf(OPCODE.binary, new Array<number>(size).fill(fill)), at = whole.length - size;
        await peer.write(concat(bytesOf(OPCODE.ping, []), whole.subarray(0, at)));
        await peer.read(); // the Pong: the header is read
        await peer.write(whole.subarray(at));
      }
      await peer.close(3000);
      await peer.closed();
      await peer.finish();
    },
    async (open) => {
      const socket = open(), data: ArrayBuffer[] = [];
      socket.binaryType = "arraybuffer";
      socket.onmessage = (event) => data.push(event.data);
      await cleanly(socket);
      assertEquals(data.map((buffer) => [buffer.byteLength, ...new Set(new Uint8Array(buffer))]), [
        [size, 1],
        [size, 2],
        [size, 3],
      ]);
    },
  );
}

test("answers to the messages of one chunk leave together", async () => {
  const [near, far] = connectionPair(), writer = near.writable.getWriter(), written: Uint8Array[] = [];
  const writable = new WritableStream<Uint8Array>({
    write(bytes) {
      written.push(bytes.slice());
      return writer.write(bytes);
    },
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  });
  const socket = new WebSocket("ws://localhost/", [], { conn: { readable: near.readable, writable } });
  socket.onmessage = ({ data }) => socket.send(data);
  const open = next(socket, "open"),
    peer = await HandPeer.opened(far),
    frames = WORDS.map((word) => toward("client")(OPCODE.text, utf8(word)));
  await open;
  await settled(); // no event is told in the turn in which the frames come
  await peer.write(Uint8Array.from(unhex(frames.join(" "))));
  await peer.read();
  assertEquals(readFrames(written[1]!, "client"), WORDS.map((text) => ({ text })), "behind the request");
  socket.close();
  await peer.closeBack();
});

/** Opens by an option, and echoes. */
async function echoes(url: string, init: WebSocketInit, accepting: Promise<ByteConnection>): Promise<WebSocket> {
  const serving = accepting.then(echo), socket = new WebSocket(url, [], init);
  socket.onopen = () => socket.send("Hello");
  assertEquals((await next(socket, "message")).data, "Hello");
  socket.close();
  await Promise.all([cleanly(socket), serving]);
  return socket;
}

test("it opens over a connection that is given", async () => {
  const [conn, far] = connectionPair();
  await echoes("ws://localhost/", { conn }, Promise.resolve(far));
});

test("it opens over a unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "w-")), unix = join(folder, "s");
  try {
    using listener = await listen({ unix });
    await echoes("ws://localhost/", { unix }, listener.accept());
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("it compresses where both want it", async () => {
  const [conn, far] = connectionPair();
  const accepting = accept(far, { compression: true }),
    socket = new WebSocket("ws://a/", [], { conn, compression: true });
  await next(socket, "open");
  assert(socket.extensions.startsWith("permessage-deflate"), socket.extensions);
  socket.close();
  await Promise.all([cleanly(socket), (await accepting).receive()]);
});
