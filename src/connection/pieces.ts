// What a message that is sent in pieces is read from: a stream or an asynchronous iterable, by one pair of calls.

import type { BufferSource } from "../base/owned_bytes.ts";
import { IncomingPieces } from "./incoming_pieces.ts";

/**
 * One message in pieces, to be sent: all strings, or all buffers. It is read as it can be sent.
 *
 * @example A message that is longer than memory, from a generator
 * ```ts
 * import { accept, connect, type Pieces } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * async function* numbers(): AsyncGenerator<string> {
 *   for (let i = 0; i < 3; i++) yield `${i} `;
 * }
 * const [conn, server] = connectionPair();
 * const [socket, accepted] = await Promise.all([connect("ws://localhost/", { conn }), accept(server)]);
 * const pieces: Pieces = numbers();
 * await socket.send(pieces);
 *
 * assertEquals((await accepted.readable.getReader().read()).value, "0 1 2 ");
 * await socket.close();
 * ```
 */
export type Pieces = ReadableStream<string | BufferSource> | AsyncIterable<string | BufferSource>;

/** Whether something to send is a message in pieces. */
export function isPieces(message: unknown): message is Pieces {
  if (typeof message !== "object" || message === null || ArrayBuffer.isView(message)) return false;
  return message instanceof ReadableStream || Symbol.asyncIterator in message;
}

/** Reads the pieces of one message. From when it is made, nobody else can read them. */
export class PieceReader {
  /** The kind of the pieces, as far as that is known without reading one. */
  readonly type: unknown;
  readonly #next: () => Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  readonly #cancel: (reason: unknown) => unknown;
  /** The message that was received in pieces, if it is one. */
  readonly #incoming: IncomingPieces | undefined;
  /** Whether nothing more is read. */
  #isOver = false;

  /** @throws {TypeError} When the stream is locked. */
  constructor(pieces: Pieces) {
    this.type = (pieces as { readonly type?: unknown }).type;
    this.#incoming = IncomingPieces.of(pieces);
    if (pieces instanceof ReadableStream) {
      if (pieces.locked) throw new TypeError("Cannot send: the stream is locked");
      const reader = pieces.getReader();
      this.#next = () => reader.read();
      this.#cancel = (reason) => reader.cancel(reason);
    } else {
      const iterator = pieces[Symbol.asyncIterator]();
      this.#next = async () => await iterator.next();
      this.#cancel = () => iterator.return?.();
    }
  }

  /** Whether all of the message is known to be there: it was received to its end. */
  get isWhole(): boolean {
    return this.#incoming !== undefined && this.#incoming.isWhole;
  }

  /** The next piece, or `undefined` behind the last one. Rejects with what the source fails with. */
  async next(): Promise<{ readonly piece: unknown } | undefined> {
    try {
      const { done, value } = await this.#next();
      if (!done) return { piece: value };
      this.#isOver = true;
      return undefined;
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
  }

  /** Tells the source, once, that no more is read: not when it has ended or failed by itself. */
  async cancel(reason: unknown): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      await this.#cancel(reason);
    } catch {
      // The message has failed already; nobody waits for this
    }
  }
}
