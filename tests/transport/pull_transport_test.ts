import { assertEquals } from "@std/assert";
import { PullTransport } from "../../src/transport/pull_transport.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { settled } from "../kit/raw_peer.ts";
import { owned } from "../kit/owner.ts";

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

test("PullTransport reads what has come before it tells that a write failed, also when it is paused", async () => {
  for (const isPaused of [false, true]) {
    const { transport, reads, writes, calls } = manualSource(), told = owned(transport);
    if (!isPaused) transport.resume();
    transport.write(latin1("x"));
    writes[0]!.reject(new Error("Broken pipe"));
    await settled();
    reads[0]!.resolve(latin1("a"));
    await settled();
    reads[1]!.resolve(latin1("b"));
    await settled();
    reads[2]!.reject(new Error("Reset"));
    await settled();
    assertEquals([told.log, calls], [["a", "b", "failed: Broken pipe"], ["write x", "close"]]);
  }
});

test("PullTransport tells that a write failed once nothing more comes, and hands over the chunk that waits", async () => {
  const { transport, reads, writes, calls } = manualSource(), told = owned(transport);
  told.pauses = true;
  transport.resume();
  reads[0]!.resolve(latin1("a"));
  await settled();
  transport.resume();
  transport.pause();
  reads[1]!.resolve(latin1("b"));
  await settled();
  assertEquals(told.log, ["a"]);
  transport.write(latin1("x"));
  writes[0]!.reject(new Error("Broken pipe"));
  while (calls.at(-1) !== "close") await settled();
  assertEquals([told.log, calls], [["a", "b", "failed: Broken pipe"], ["write x", "close"]]);
});
