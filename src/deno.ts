// `Deno.Conn` and `Deno.TlsConn` by their own `read` and `write`, which cost a third of what their streams cost.

import type { PullSource } from "./pull_transport.ts";
import type { ByteConnection } from "./transport.ts";

/** What is used of a `Deno.Conn`, in its own words: no name of a runtime is needed to know one. */
export interface DenoConn extends ByteConnection {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(noDelay?: boolean): void;
}

/** Whether a connection is a `Deno.Conn`. */
export function isDenoConn(conn: ByteConnection): conn is DenoConn {
  const { read, write, closeWrite, close } = conn as Partial<DenoConn>;
  return [read, write, closeWrite, close].every((method) => typeof method === "function");
}

const SMALLEST = 1024, LARGEST = 65536;

/** Reads and writes a `Deno.Conn`. */
export function denoSource(conn: DenoConn): PullSource {
  try {
    conn.setNoDelay?.(); // frames of a turn leave in one write: there is nothing to wait for
  } catch {
    // The peer has already gone: reading tells
  }
  // Chunks are views of a buffer that is only ever filled further, or again where they are not needed; it grows while
  // reads fill it
  let buffer = new Uint8Array(), used = 0, size = SMALLEST;
  return {
    async read() {
      if (buffer.length - used < (used === 0 ? size : size / 4)) {
        buffer = new Uint8Array(size);
        used = 0;
      }
      const count = await conn.read(used === 0 ? buffer : buffer.subarray(used));
      if (count === null) return undefined;
      const start = used;
      used += count;
      // What is left of a buffer is soon filled: a larger one is for reads that are large themselves
      if (used === buffer.length && 2 * count >= size) size = Math.min(4 * size, LARGEST);
      return buffer.subarray(start, used);
    },
    reuse({ byteOffset }) {
      used = byteOffset;
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += await conn.write(at === 0 ? bytes : bytes.subarray(at));
    },
    end: () => conn.closeWrite(),
    close() {
      try {
        conn.close();
      } catch {
        // It was closed already
      }
    },
    release() {},
  };
}
