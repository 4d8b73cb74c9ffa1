import { assertEquals, assertThrows } from "@std/assert";
import { PullTransport } from "../../src/transport/pull_transport.ts";
import { streamSource } from "../../src/runtime/stream_pair.ts";
import { connectionPair } from "../../src/testing.ts";
import type { ByteConnection, Transport } from "../../src/transport/transport.ts";
import { transportOf } from "../../src/runtime/choose.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";

/** An owner that writes down what it is told. */
function owned(transport: Transport) {
  const log: string[] = [], chunks: Uint8Array[] = [];
  const told = { log, chunks, pauses: false };
  transport.start({
    onData(chunk) {
      chunks.push(chunk);
      log.push(text(chunk));
      if (told.pauses) transport.pause();
    },
    onEnd: () => log.push("end"),
    onDrained: (hasWaited) => log.push(`drained ${hasWaited}`),
    onLost: (error) => log.push(`failed: ${(error as Error).message}`),
  });
  return told;
}

/** A source whose reads and writes are settled by hand. */
function manualSource() {
  const reads: PromiseWithResolvers<Uint8Array<ArrayBuffer> | undefined>[] = [];
  const writes: PromiseWithResolvers<number>[] = [];
  const calls: string[] = [];
  const transport = new PullTransport({
    read() {
      reads.push(Promise.withResolvers());
      return reads.at(-1)!.promise;
    },
    chunkOf: (read: Uint8Array<ArrayBuffer> | undefined) => read,
    write(bytes) {
      calls.push(`write ${text(bytes)}`);
      writes.push(Promise.withResolvers());
      return writes.at(-1)!.promise;
    },
    end() {
      calls.push("end");
      return Promise.reject(new Error("It is shown when reading"));
    },
    close: () => void calls.push("close"),
    release: () => void calls.push("release"),
  });
  return { transport, reads, writes, calls };
}

test("PullTransport reads only while it is resumed, one read at a time", async () => {
  const { transport, reads } = manualSource(), told = owned(transport);
  await settled();
  assertEquals(reads.length, 0);
  transport.resume();
  transport.resume();
  assertEquals(reads.length, 1);
  reads[0]!.resolve(latin1("a"));
  await settled();
  reads[1]!.resolve(latin1(""));
  await settled();
  assertEquals([told.log, reads.length], [["a"], 3], "an empty chunk is none");
  transport.abort();
});

test("PullTransport holds back what comes while it is paused, an end too", async () => {
  const { transport, reads } = manualSource(), told = owned(transport);
  transport.resume();
  transport.pause();
  reads[0]!.resolve(latin1("a"));
  await settled();
  assertEquals(told.log, []);
  transport.resume();
  await settled();
  transport.pause();
  reads[1]!.resolve(undefined);
  await settled();
  assertEquals(told.log, ["a"]);
  for (let i = 0; i < 3; i++) {
    transport.resume();
    await settled();
  }
  assertEquals([told.log, reads.length], [["a", "end"], 2], "nothing is read behind the end");
});

test("PullTransport that is paused by its data reads no more", async () => {
  const { transport, reads } = manualSource(), told = owned(transport);
  told.pauses = true;
  transport.resume();
  reads[0]!.resolve(latin1("a"));
  await settled();
  assertEquals([told.log, reads.length], [["a"], 1]);
  transport.resume();
  assertEquals(reads.length, 2);
});

test("PullTransport gives the next owner what was under way, and tells it an end again", async () => {
  const { transport, reads } = manualSource(), first = owned(transport);
  transport.resume();
  transport.pause();
  const second = owned(transport);
  reads[0]!.resolve(latin1("a"));
  await settled();
  transport.resume();
  await settled();
  reads[1]!.resolve(undefined);
  await settled();
  const third = owned(transport);
  await settled();
  assertEquals(third.log, []);
  transport.resume();
  assertEquals([first.log, second.log, third.log], [[], ["a", "end"], ["end"]]);
});

test("PullTransport says when a write is done, and that it failed only once", async () => {
  const { transport, reads, writes, calls } = manualSource(), told = owned(transport);
  transport.resume();
  assertEquals(transport.write(latin1("abc")), false);
  writes[0]!.resolve(1);
  await settled();
  assertEquals(told.log, []);
  writes[1]!.resolve(2);
  await settled();
  transport.write(latin1("d"));
  writes[2]!.reject(new Error("Broken pipe"));
  reads[0]!.reject(new Error("Reset"));
  await settled();
  assertEquals(told.log, ["drained false", "failed: Broken pipe"]);
  assertEquals(calls, ["write abc", "write bc", "write d", "close"]);
});

test("PullTransport tells nothing after abort(), and closes once", async () => {
  const { transport, reads, writes, calls } = manualSource(), told = owned(transport);
  transport.resume();
  transport.write(latin1("a"));
  transport.abort();
  transport.abort();
  reads[0]!.resolve(latin1("late"));
  writes[0]!.resolve(0);
  transport.resume();
  await settled();
  assertEquals([told.log, calls, reads.length], [[], ["write a", "close"], 1]);
});

test("PullTransport tells an owner who comes after the close that it has failed", async () => {
  const { transport } = manualSource();
  owned(transport);
  transport.abort();
  const told = owned(transport);
  await settled();
  assertEquals(told.log, ["failed: The connection was closed"]);
});

test("PullTransport leaves a loss without an owner to the next one, who reads", async () => {
  const { transport, reads, calls } = manualSource(), first = owned(transport);
  transport.resume();
  transport.pause();
  transport.release();
  reads[0]!.reject(new Error("Reset"));
  await settled();
  assertEquals([first.log, calls], [[], ["release"]]);
  const second = owned(transport);
  transport.resume();
  reads[1]!.reject(new Error("Reset again"));
  await settled();
  assertEquals(second.log, ["failed: Reset again"]);
});

test("PullTransport.end() half-closes; what that comes to shows when reading", async () => {
  const { transport, calls } = manualSource(), told = owned(transport);
  transport.end();
  await settled();
  assertEquals([calls, told.log], [["end"], []]);
});

test("streamSource() copies both ways", async () => {
  const given = latin1("abc"), taken: Uint8Array[] = [];
  const source = streamSource(
    new ReadableStream({ start: (controller) => controller.enqueue(given.subarray(1)) }),
    new WritableStream({ write: (chunk) => void taken.push(chunk) }),
  );
  const read = source.chunkOf(await source.read())!;
  assertEquals([text(read), read.buffer === given.buffer], ["bc", false]);
  await source.write(read);
  read.fill(0);
  assertEquals(text(taken[0]!), "bc");
});

test("streamSource() takes only Uint8Array, ends with the stream, and unlocks", async () => {
  const streams = (chunk: unknown) => ({
    readable: new ReadableStream({
      start(controller) {
        controller.enqueue(chunk);
        controller.close();
      },
    }),
    writable: new WritableStream(),
  });
  const wrong = streams("a string");
  const told = owned(new PullTransport(streamSource(wrong.readable, wrong.writable)));
  const { readable, writable } = streams(new Uint8Array(2));
  const source = streamSource(readable, writable);
  const next = async () => source.chunkOf(await source.read());
  assertEquals([(await next())?.length, await next()], [2, undefined]);
  await source.end();
  source.release();
  assertEquals([readable.locked, writable.locked], [false, false]);
  assertEquals(told.log, []);
});

test("transportOf() a pair of streams that fails closes both of them", async () => {
  let cancelled = false, aborted = false;
  const conn = {
    readable: new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue("no bytes" as unknown as Uint8Array),
      cancel: () => void (cancelled = true),
    }),
    writable: new WritableStream<Uint8Array>({ abort: () => void (aborted = true) }),
  };
  const transport = transportOf(conn), told = owned(transport);
  transport.resume();
  await settled();
  assertEquals([told.log, cancelled, aborted], [
    ["failed: Cannot read the connection: a chunk is no Uint8Array"],
    true,
    true,
  ]);
});

test("transportOf() refuses what is no pair, and what is locked", () => {
  for (const conn of [null, undefined, 5, {}, { readable: 1, writable: 2 }, { readable: new ReadableStream() }]) {
    assertThrows(() => transportOf(conn as ByteConnection), TypeError, "pair");
  }
  for (const side of ["readable", "writable"] as const) {
    for (const isPlain of [false, true]) {
      const [end] = connectionPair(), conn = isPlain ? { readable: end.readable, writable: end.writable } : end;
      if (side === "readable") conn.readable.getReader();
      else conn.writable.getWriter();
      assertThrows(() => transportOf(conn), TypeError, "locked");
    }
  }
});
