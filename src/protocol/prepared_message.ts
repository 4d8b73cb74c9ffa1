// A message that is framed once and sent to many, compressed once for each set of parameters that they have agreed on.

import { type BufferSource, bytesOf, lengthOf } from "../base/owned_bytes.ts";
import { checkBoolean } from "../base/options.ts";
import type { Deflater } from "./deflate.ts";
import type { Message } from "./contract.ts";
import { FIN, OPCODE, RSV1 } from "./frame_header.ts";
import { SharedFrame } from "./shared_frame.ts";

/**
 * A message that is ready to be sent, any number of times and over any connections: made by {@linkcode prepare}, taken by
 * `send()` and by `broadcast()` of a group.
 *
 * @example Usage
 * ```ts
 * import { prepare, type PreparedMessage } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const news: PreparedMessage = prepare("Grüß Gott");
 *
 * assertEquals([news.isText, news.size, news.compress], [true, 11, true]);
 * ```
 */
export interface PreparedMessage {
  /** Whether it goes as text. */
  readonly isText: boolean;
  /** How many bytes it has, before it is compressed. */
  readonly size: number;
  /** Whether it is compressed where that was agreed. */
  readonly compress: boolean;
}

/**
 * How to prepare a message.
 *
 * @example An image, which would not get smaller
 * ```ts
 * import { prepare, type PrepareOptions } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const asItIs: PrepareOptions = { compress: false };
 *
 * assertEquals(prepare(new Uint8Array(3000), asItIs).compress, false);
 * ```
 */
export interface PrepareOptions {
  /**
   * `false` sends the message uncompressed, also where compression was agreed: for what does not get smaller, and for
   * secrets next to text that an attacker can choose (CRIME, BREACH).
   *
   * @default {true}
   */
  compress?: boolean | undefined;
}

/**
 * Prepares a message that is sent to many, or often. It is framed once. Where compression was agreed it is compressed once
 * for each set of parameters, when the first member with these needs it, by itself: it refers to no earlier message, so that
 * every receiver can inflate it (RFC 7692 §7.2.3), and the next ordinary message of a connection does not refer to it. That
 * is done in one go, some 20 ms for a megabyte; messages below the `threshold` of a connection are not compressed. The frames
 * of a server are shared by its connections without a copy; those of a client are masked, each by itself.
 *
 * @param message A string goes as text, a buffer as binary. It is copied.
 * @param options Whether it may be compressed.
 * @returns The message, for `send()` and `broadcast()`.
 * @throws {TypeError} When it is neither a string nor a buffer, or the buffer is shared, resizable or detached; when the
 * option is wrong.
 *
 * @example The same bytes for everybody
 * ```ts
 * import { connect, prepare, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, () => {});
 * const clients = await Promise.all([connect(server.url!), connect(server.url!)]);
 * const news = prepare(JSON.stringify({ news: "Lunch!" }));
 *
 * for (const socket of server.connections) socket.send(news);
 * for (const client of clients) {
 *   assertEquals((await client.readable.getReader().read()).value, '{"news":"Lunch!"}');
 *   await client.close();
 * }
 * ```
 */
export function prepare(message: Message, options: PrepareOptions = {}): PreparedMessage {
  return new Prepared(message, checkBoolean("compress", options.compress, true));
}

const ENCODER = new TextEncoder();

/** A {@linkcode PreparedMessage}, with its frames. */
export class Prepared implements PreparedMessage {
  readonly isText: boolean;
  readonly size: number;
  readonly compress: boolean;
  /** The frame without compression. */
  readonly plain: SharedFrame;
  /** The frames with compression, by the settings. */
  #compressed: Map<string, SharedFrame> | undefined;

  constructor(message: string | BufferSource, compress: boolean) {
    this.isText = typeof message === "string";
    const payload = typeof message === "string" ? ENCODER.encode(message) : bytesOf(message);
    this.size = lengthOf(payload);
    this.compress = compress;
    this.plain = new SharedFrame(FIN | (this.isText ? OPCODE.text : OPCODE.binary), payload, this.size);
  }

  /** The prepared message itself, or one that is sent once. */
  static of(message: Message | PreparedMessage, compress = true): Prepared {
    return message instanceof Prepared ? message : new Prepared(message as Message, compress);
  }

  /**
   * The frame as a connection with this compressor sends it: the plain one, if the message does not get smaller.
   *
   * @param onCompress Called when it has to be compressed.
   */
  compressedBy(deflater: Deflater, onCompress: () => void): SharedFrame {
    const known = this.#compressed?.get(deflater.key);
    if (known) return known;
    onCompress();
    const payload = deflater.compressAlone(this.plain.payload), isSmaller = payload.length < this.size;
    const frame = isSmaller ? new SharedFrame(this.plain.first | RSV1, payload, payload.length) : this.plain;
    (this.#compressed ??= new Map()).set(deflater.key, frame);
    return frame;
  }
}
