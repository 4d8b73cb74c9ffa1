// Reads and writes a `Deno.Conn` or `Deno.TlsConn` by its own methods, which cost a third of what its streams cost.

import type { PullSource } from "../transport/pull_transport.ts";
import type { ByteConnection, NetworkAddress } from "../transport/transport.ts";

/** What is used of a `Deno.Conn`, which is recognized by its methods: Deno's types are not needed. */
export interface DenoConn extends ByteConnection {
  read(bytes: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(noDelay?: boolean): void;
  /** Only a `Deno.TlsConn` has it. */
  handshake?(): Promise<unknown>;
  readonly localAddr?: DenoAddr;
  readonly remoteAddr?: DenoAddr;
}

/** What is used of a `Deno.Addr`. The path of the end that has connected to a Unix socket is null. */
export interface DenoAddr {
  readonly transport: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string | null;
}

/** Whether a connection is a `Deno.Conn`. */
export function isDenoConn(conn: ByteConnection): conn is DenoConn {
  const { read, write, closeWrite, close } = conn as Partial<DenoConn>;
  return [read, write, closeWrite, close].every((method) => typeof method === "function");
}

/** Closes a connection that may have been closed already. */
export function closeDenoConn(conn: DenoConn): void {
  try {
    conn.close();
  } catch {
    // Already closed
  }
}

/** The address of one end; `other` is that of the other one. */
export function addressOf(addr: DenoAddr | undefined, other: DenoAddr | undefined): NetworkAddress | undefined {
  const { transport, hostname, port, path } = addr ?? {};
  if (transport === "tcp") return { transport, hostname: hostname!, port: port! };
  const known = path ?? other?.path;
  return transport === "unix" && typeof known === "string" ? { transport, path: known } : undefined;
}

/**
 * The sizes of the read buffer. The first one takes the head of a handshake. Unless that fills it, the next one is small,
 * for what idle connections read; it grows while reads fill it.
 */
const FIRST = 1024, SMALLEST = 256, LARGEST = 65536;

const EMPTY = new Uint8Array();

/** A `Deno.Conn` as the source of a transport. */
export class DenoSource implements PullSource<number | null> {
  readonly #conn: DenoConn;
  /** Chunks are views of this buffer. Memory that was handed out is read into again only after `reuse()`. */
  #buffer = EMPTY;
  /** How much of the buffer is handed out. */
  #used = 0;
  #size = FIRST;
  #isFirst = true;

  constructor(conn: DenoConn) {
    this.#conn = conn;
    try {
      conn.setNoDelay?.(); // the frames of a turn leave in one write: Nagle's algorithm could only delay them
    } catch {
      // The peer has gone already: the first read shows it
    }
  }

  get localAddr(): NetworkAddress | undefined {
    return addressOf(this.#conn.localAddr, this.#conn.remoteAddr);
  }

  get remoteAddr(): NetworkAddress | undefined {
    return addressOf(this.#conn.remoteAddr, this.#conn.localAddr);
  }

  get isSecure(): boolean {
    return typeof this.#conn.handshake === "function";
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
    // Only a large read calls for a larger buffer: small ones, too, fill what is left of a buffer
    const isFilled = this.#used === this.#buffer.length && 2 * count >= this.#size;
    if (isFilled) this.#size = Math.min(4 * this.#size, LARGEST);
    const chunk = this.#buffer.subarray(start, this.#used);
    if (this.#isFirst && !isFilled) this.#startSmall();
    this.#isFirst = false;
    return chunk;
  }

  #startSmall(): void {
    this.#buffer = EMPTY;
    this.#used = 0;
    this.#size = SMALLEST;
  }

  reuse({ byteOffset }: Uint8Array<ArrayBuffer>): void {
    // What is left of a buffer that one read has filled would be too small for the next one too
    if (byteOffset === 0 || this.#used < this.#buffer.length) this.#used = byteOffset;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    return this.#conn.write(bytes);
  }

  end(): Promise<void> {
    return this.#conn.closeWrite();
  }

  close(): void {
    closeDenoConn(this.#conn);
  }

  release(): void {}
}
