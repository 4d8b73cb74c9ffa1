// The contract between the bytes of a connection and everything that reads and writes them. A Transport pushes what it
// reads and says when a write is done, in the same way on every runtime. Some connections have one of their own; any other
// pair of byte streams is wrapped in one.

import type { Endpoints, NetworkAddress } from "../base/network_address.ts";

export type { Endpoints, NetworkAddress };

/**
 * A connection that carries bytes both ways: a `Deno.Conn`, a connection of `@handfast/websocket/bun` or
 * `@handfast/websocket/node`, or any other pair of byte streams. Pass a `Deno.Conn` itself, not an object with its two
 * streams: closing the writable stream of a `Deno.Conn` closes its reading side too, and what was written last, such as a
 * refusal, may then not reach a client that is still sending.
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
  /** The bytes that the peer sends. */
  readonly readable: ReadableStream<Uint8Array>;
  /** The bytes for the peer. Closing it half-closes the connection: the peer's bytes can still be read. */
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * The owner of a transport, as the transport calls it; never after `abort()` or `release()`. What one of these methods
 * throws ends this connection, by `onLost()`, and nothing else.
 */
export interface TransportHandlers {
  /**
   * Bytes have arrived: at least one, and the callee's to keep.
   *
   * @returns `true` when nobody keeps any of them: the memory may be read into again, or freed.
   */
  onData(chunk: Uint8Array<ArrayBuffer>): boolean | void;
  /** The peer has half-closed: nothing more arrives, and writing goes on. */
  onEnd(): void;
  /**
   * A write that was not done when `write()` returned is done now.
   *
   * @param hasWaited `true` when it had to wait for the peer to read; `false` when that is not known.
   */
  onDrained(hasWaited: boolean): void;
  /**
   * The connection is lost, and closed. A loss never overtakes bytes: what was read by then is handed over first, also to
   * an owner that is paused.
   */
  onLost(error: unknown): void;
}

/** A byte connection for one owner at a time, with the back-pressure in its methods. */
export interface Transport extends Partial<Endpoints> {
  /** Makes the caller the owner, also after another one. It starts paused; a peer's end is told to each owner. */
  start(handlers: TransportHandlers): void;
  /** Holds back `onData()` and `onEnd()` until `resume()`. */
  pause(): void;
  /** Reads, or reads on. */
  resume(): void;
  /**
   * Writes all of the bytes.
   *
   * @returns Whether that is done. If not, `onDrained()` follows; until then the bytes must not change, and nothing else
   * may be written.
   */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Half-closes; not while something is being written. */
  end(): void;
  /** Closes at once, and throws away what was not handed over. */
  abort(): void;
  /** Gives the connection back, unlocked. Only while it is paused and nothing is being read or written. */
  release(): void;
}

/** The key of the method by which a connection gives its own transport. */
export const TRANSPORT: unique symbol = Symbol("handfast.transport");

/** A connection that has a transport of its own. */
export interface TransportConnection extends ByteConnection {
  /**
   * The transport, for a new owner.
   *
   * @throws {TypeError} When it has an owner already, or a stream of the connection is locked.
   */
  [TRANSPORT](): Transport;
}
