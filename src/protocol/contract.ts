// Messages, and what is said of them: what goes into the machine, what comes out, and how.

import { type CloseInfo, WebSocketError } from "../errors/websocket_error.ts";
import { type CompressionOptions } from "./compression_options.ts";
import { type MaskKeys } from "./mask.ts";

/**
 * What can be sent: a string as text, any buffer as binary (RFC 6455 §5.6).
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
 * What the machine has to say; called during `receive()` and `resume()`. An event must not throw.
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
   * A message is whole.
   *
   * @param message Text as a string, binary as bytes, which may be a view of the chunk that was received.
   */
  message(message: string | Uint8Array<ArrayBuffer>): void;
  /**
   * A Pong frame has come. Pings are answered by the machine.
   *
   * @param payload At most 125 bytes.
   */
  pong?(payload: Uint8Array<ArrayBuffer>): void;
  /**
   * The peer's Close frame has come; the answer to it is ready to be taken, and nothing more is read.
   *
   * @param info Its code and reason.
   */
  close(info: CloseInfo): void;
  /**
   * The peer broke a rule; a Close frame is ready to be taken, and nothing more is read.
   *
   * @param error Which rule, and what the Close frame says.
   */
  fail(error: WebSocketError): void;
}

/**
 * Limits, and where randomness comes from.
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
 * machine.receive(Uint8Array.of(0x82, 5)); // five bytes are announced
 *
 * assertEquals(codes, [1009]);
 * ```
 */
export interface ProtocolOptions {
  /**
   * The longest message that is received, in bytes; a longer one fails with 1009, judged by its frame headers, or while it
   * is inflated.
   *
   * @default {16777216}
   */
  maxMessageSize?: number | undefined;
  /**
   * While more bytes than this wait to be written, pings are answered by the last one only (RFC 6455 §5.5.3).
   *
   * @default {65536}
   */
  highWaterMark?: number | undefined;
  /** How messages are compressed, where the agreement has compression. */
  compression?: boolean | CompressionOptions | undefined;
  /** Gives the key of each frame of a client; by default pooled from `crypto.getRandomValues`. */
  maskKey?: MaskKeys | undefined;
}

/**
 * How a message is sent.
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
   * `false` when more of the same message follows with the next `send()` (RFC 6455 §5.4). All pieces of a message are
   * strings, or all are buffers.
   *
   * @default {true}
   */
  fin?: boolean | undefined;
  /**
   * `false` sends a message as it is, although compression was agreed; the first piece of a message decides. It is for
   * secrets beside text that others choose, and for what does not get smaller. `true` does not undo the `threshold`.
   *
   * @default {true}
   */
  compress?: boolean | undefined;
}
