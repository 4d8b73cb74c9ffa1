// How bytes come and go. A Transport pushes what it reads and says when a write is done; everything above it is the same
// on every runtime. A connection gives its own through one symbol, or is read and written as a pair of streams.

/**
 * A connection that carries bytes both ways: a `Deno.Conn` as it is, or any other pair of streams. Give a `Deno.Conn`
 * itself, not its two streams in another object: there, closing the writable side closes the reading side too, and what
 * was written last, such as a refusal, may not reach a client that is still sending.
 *
 * @example Two streams, crossed
 * ```ts
 * import { accept, type ByteConnection, connect } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const up = new TransformStream<Uint8Array, Uint8Array>();
 * const down = new TransformStream<Uint8Array, Uint8Array>();
 * const conn: ByteConnection = { readable: down.readable, writable: up.writable };
 * const server: ByteConnection = { readable: up.readable, writable: down.writable };
 *
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server)]);
 * assertEquals(socket.response.status, 101);
 * for (const end of [socket, accepted]) end.abort();
 * ```
 */
export interface ByteConnection {
  /** What the peer sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the peer gets; closing it is a half-close. */
  readonly writable: WritableStream<Uint8Array>;
}

/** Where a transport reports; never after `abort()` or `release()`. */
export interface TransportHandlers {
  /**
   * The next bytes, never none; they are the callee's.
   *
   * @returns `true` when nobody has kept any of them: their memory may be read into again.
   */
  onData(chunk: Uint8Array<ArrayBuffer>): boolean | void;
  /** The peer has ended; writing goes on. */
  onEnd(): void;
  /**
   * A write is done that was not done at once.
   *
   * @param hasWaited Whether it waited for the peer; otherwise that is not known.
   */
  onDrained(hasWaited: boolean): void;
  /** The connection is lost. */
  onLost(error: unknown): void;
}

/** A connection, pushed. */
export interface Transport {
  /** Sets where to report, again for another owner, who is told an end again; it starts paused. */
  start(handlers: TransportHandlers): void;
  /** No `data` and no `end` until `resume()`. */
  pause(): void;
  /** Reads. */
  resume(): void;
  /**
   * Writes all of it.
   *
   * @returns Whether it is done; otherwise `drained` follows, and until then the bytes must not change and nothing else
   * may be written.
   */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Half-closes, once nothing is being written. */
  end(): void;
  /** Closes at once. */
  abort(): void;
  /** Gives the connection back, unlocked; only while paused, nothing is being read or written. */
  release(): void;
}

/** The method of a connection that gives its transport. */
export const TRANSPORT: unique symbol = Symbol("handfast.transport");

/** A connection that has a transport of its own. */
export interface TransportConnection extends ByteConnection {
  [TRANSPORT](): Transport;
}
