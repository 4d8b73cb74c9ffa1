// `Deno.Conn` and `Deno.TlsConn` by their own `read` and `write`, which cost a third of what their streams cost.

import { type PullSource } from "../transport/pull_transport.ts";
import { type ByteConnection } from "../transport/transport.ts";

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
export class DenoSource implements PullSource<number | null> {
  readonly #conn: DenoConn;
  /** Chunks are views of it. It is only ever filled further, or again where they are not needed; it grows with them. */
  #buffer = EMPTY;
  #used = 0;
  #size = SMALLEST;

  constructor(conn: DenoConn) {
    this.#conn = conn;
    try {
      conn.setNoDelay?.(); // frames of a turn leave in one write: there is nothing to wait for
    } catch {
      // The peer has already gone: reading tells
    }
  }

  read(): Promise<number | null> {
    if (this.#buffer.length - this.#used < (this.#used === 0 ? this.#size : this.#size / 4)) {
      this.#buffer = new Uint8Array(this.#size);
      this.#used = 0;
    }
    return this.#conn.read(this.#used === 0 ? this.#buffer : this.#buffer.subarray(this.#used));
  }

  chunkOf(count: number | null): Uint8Array<ArrayBuffer> | undefined {
    if (count === null) return undefined;
    const start = this.#used;
    this.#used += count;
    // What is left of a buffer is soon filled: a larger one is for reads that are large themselves
    if (this.#used === this.#buffer.length && 2 * count >= this.#size) this.#size = Math.min(4 * this.#size, LARGEST);
    return this.#buffer.subarray(start, this.#used);
  }

  reuse({ byteOffset }: Uint8Array<ArrayBuffer>): void {
    // A rest that one read has filled would be too small for the next one, too
    if (byteOffset === 0 || this.#used < this.#buffer.length) this.#used = byteOffset;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    return this.#conn.write(bytes);
  }

  end(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    try {
      this.#conn.close();
    } catch {
      // It was closed already
    }
  }

  release(): void {}
}

const EMPTY = new Uint8Array();
