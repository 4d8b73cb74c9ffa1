// The types at the edge of the machine: messages, events and options. They are public, and have no code.

import type { BufferSource } from "../base/owned_bytes.ts";
import type { CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import type { CompressionOptions } from "./compression_options.ts";
import type { MaskKeys } from "./mask.ts";

/**
 * A message to send: a string goes as text, an `ArrayBuffer` or a view of one as binary (RFC 6455 §5.6).
 *
 * @example The opcode follows from the type
 * ```ts
 * import { type Message, Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const events = { message() {}, close() {}, fail() {} };
 * const machine = new Protocol({ role: "server", protocol: "", extensions: "" }, events);
 * const opcodeOf = (message: Message) => {
 *   machine.send(message);
 *   return machine.take()![0]! & 0x0f;
 * };
 *
 * assertEquals(["Hello", new Uint8Array(2), new ArrayBuffer(1)].map(opcodeOf), [1, 2, 2]);
 * ```
 */
export type Message = string | BufferSource;

/**
 * The callbacks of a `Protocol`. They are called during `receive()` and `resume()`, in the order in which frames end,
 * and must not throw.
 *
 * @example A message, and the end
 * ```ts
 * import { Protocol, type ProtocolEvents } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const seen: string[] = [];
 * const events: ProtocolEvents = {
 *   message: (message) => void seen.push(`message ${message}`),
 *   close: ({ closeCode }) => void seen.push(`close ${closeCode}`),
 *   fail: ({ failure }) => void seen.push(`fail ${failure}`),
 * };
 * const machine = new Protocol({ role: "client", protocol: "", extensions: "" }, events);
 * machine.receive(Uint8Array.of(0x81, 2, 0x48, 0x69, 0x88, 2, 0x03, 0xe8));
 *
 * assertEquals(seen, ["message Hi", "close 1000"]);
 * ```
 */
export interface ProtocolEvents {
  /**
   * A whole message has come.
   *
   * @param message A string for text. Bytes for binary, which may be a view of a chunk given to `receive()`.
   */
  message(message: string | Uint8Array<ArrayBuffer>): void;
  /**
   * A message has begun that is handed over in pieces, as {@linkcode ProtocolOptions.streamAbove} says. What had come of
   * it before follows at once. `pause()` also stops between pieces.
   *
   * @param type Whether the pieces are strings or bytes.
   */
  begin?(type: "text" | "binary"): void;
  /**
   * The next piece of that message, which is not empty: fragments in one chunk make one piece. Text is cut between
   * characters.
   *
   * @param piece At most 64 KiB. Bytes are a copy of their own.
   */
  piece?(piece: string | Uint8Array<ArrayBuffer>): void;
  /** That message has ended, also one of which `discard()` has thrown away the rest. */
  end?(): void;
  /**
   * A Pong frame has come (RFC 6455 §5.5.3). Pings need no callback: the machine answers them.
   *
   * @param payload The payload, at most 125 bytes, which may be a view of a chunk given to `receive()`.
   */
  pong?(payload: Uint8Array<ArrayBuffer>): void;
  /**
   * The peer's Close frame has come, and nothing more is read. If we have not sent one, the answer is ready to be
   * taken.
   *
   * @param info The code and the reason of the peer's frame.
   */
  close(info: CloseInfo): void;
  /**
   * The peer has broken a rule, and nothing more is read. If we have not sent a Close frame, one is ready to be taken.
   *
   * @param error Which rule, in which section, and the code of the Close frame. Its message is the reason.
   */
  fail(error: WebSocketError): void;
}

/**
 * Options of a `Protocol`: limits, compression, and the source of masking keys.
 *
 * @example A header is enough to refuse a message
 * ```ts
 * import { Protocol, type ProtocolOptions } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ProtocolOptions = { maxMessageSize: 4 };
 * const codes: (number | null)[] = [];
 * const machine = new Protocol({ role: "client", protocol: "", extensions: "" }, {
 *   message() {},
 *   close() {},
 *   fail: ({ closeCode }) => void codes.push(closeCode),
 * }, options);
 * machine.receive(Uint8Array.of(0x82, 5)); // the header declares five bytes
 *
 * assertEquals(codes, [1009]);
 * ```
 */
export interface ProtocolOptions {
  /**
   * The longest message that is received, in bytes. A longer one fails the connection with code 1009 as soon as its
   * frame headers say so, before any memory is taken for it. A compressed message counts by its inflated bytes.
   *
   * @default {16777216}
   */
  maxMessageSize?: number | undefined;
  /**
   * Messages of more bytes than this are handed over in pieces, by the events `begin`, `piece` and `end`, as soon as it is
   * known that they are so long; those of more than `maxMessageSize` always are, then. 0 means every message, from its
   * first header on.
   *
   * @default {Infinity}
   */
  streamAbove?: number | undefined;
  /**
   * The longest message that is handed over in pieces, in bytes after inflating. A longer one fails the connection with
   * code 1009.
   *
   * @default {Infinity}
   */
  maxStreamedSize?: number | undefined;
  /**
   * While more bytes than this wait to be taken, only the last ping that came is answered (RFC 6455 §5.5.3), so that a
   * flood of pings cannot fill the memory.
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
  /** How messages are compressed, where the agreement has `deflate`; without the option, by the defaults. */
  compression?: boolean | CompressionOptions | undefined;
  /** Gives the masking key for each frame of a client. The default takes them from `crypto.getRandomValues()`. */
  maskKey?: MaskKeys | undefined;
}

/**
 * Options for sending a message.
 *
 * @example A message in pieces
 * ```ts
 * import { type SendOptions, Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const received: unknown[] = [];
 * const events = { message: (message: unknown) => void received.push(message), close() {}, fail() {} };
 * const server = new Protocol({ role: "server", protocol: "", extensions: "" }, events);
 * const client = new Protocol({ role: "client", protocol: "", extensions: "" }, events);
 * const more: SendOptions = { fin: false };
 * for (const piece of ["[1", ",2"]) server.send(piece, more);
 * server.send("]");
 * client.receive(server.take()!);
 *
 * assertEquals(received, ["[1,2]"]);
 * ```
 */
export interface SendOptions {
  /**
   * `false` sends a fragment: the next `send()` goes on with the same message (RFC 6455 §5.4). The pieces of a message
   * are all strings or all buffers, and no other message can be sent between them. A character that two strings share is
   * sent with the second.
   *
   * @default {true}
   */
  fin?: boolean | undefined;
  /**
   * `false` sends a message uncompressed although compression was agreed. Use it for data that does not get smaller,
   * such as images, and for secrets next to text that an attacker can choose (CRIME, BREACH). The first piece of a
   * message decides for all of it. `true` does not override the `threshold`.
   *
   * @default {true}
   */
  compress?: boolean | undefined;
}
