import { assertEquals } from "@std/assert";
import { streamSource } from "../../src/runtime/stream_pair.ts";
import { PullTransport } from "../../src/transport/pull_transport.ts";
import { latin1, test, text } from "../kit/harness.ts";
import { owned } from "../kit/owner.ts";

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
