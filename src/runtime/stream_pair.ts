// Reads and writes any pair of byte streams. Chunks are copied both ways: a stream may keep what it is given, and somebody
// else may hold what it gives.

import type { PullSource } from "../transport/pull_transport.ts";

type Read = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** A pair of streams as the source of a transport; locks both. */
export function streamSource(
  readable: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
): PullSource<Read> {
  const reader = readable.getReader(), writer = writable.getWriter();
  // A failure is seen by the read or write that fails: these promises must not count as unhandled rejections
  reader.closed.catch(() => {});
  writer.closed.catch(() => {});
  writer.ready.catch(() => {});
  return {
    read: () => reader.read(),
    chunkOf({ done, value }) {
      if (done) return undefined;
      if (!(value instanceof Uint8Array)) throw new TypeError("Cannot read the connection: a chunk is no Uint8Array");
      return new Uint8Array(value);
    },
    write: (bytes) => writer.write(bytes.slice()).then(() => bytes.length),
    end: () => writer.close(),
    close() {
      reader.cancel().catch(() => {});
      writer.abort().catch(() => {});
    },
    release() {
      reader.releaseLock();
      writer.releaseLock();
    },
  };
}
