/**
 * The machine: bytes to messages and back under an agreement (RFC 6455 §5–§8), synchronous, without I/O or clock; its
 * masking keys can be given. Input is pushed with `receive()`, events come out during the call, output is pulled with
 * `take()`. Nothing is consumed before its unit is whole, but for payloads, which stream.
 *
 * @example Two machines back to back
 * ```ts
 * import { Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const received: (string | Uint8Array)[] = [];
 * const events = { message: (m: string | Uint8Array) => void received.push(m), close() {}, fail() {} };
 * const client = new Protocol({ role: "client", protocol: "", extensions: "" }, events);
 * const server = new Protocol({ role: "server", protocol: "", extensions: "" }, events);
 *
 * client.send("Hello");
 * for (let bytes; (bytes = client.take());) server.receive(bytes);
 *
 * assertEquals(received, ["Hello"]);
 * ```
 *
 * @module
 */

import { bytesOf } from "../base/owned_bytes.ts";
import { type ProtocolFailure } from "../errors/failures.ts";
import { checkClose, protocolError } from "../errors/websocket_error.ts";
import { type Agreement } from "./agreement.ts";
import { closePayload, parseClose } from "./close_frame.ts";
import { checkCompression, checkDeflate } from "./compression_options.ts";
import { type Message, type ProtocolEvents, type ProtocolOptions, type SendOptions } from "./contract.ts";
import { codecOf, Deflater } from "./deflate.ts";
import { FIN, OPCODE, RSV1 } from "./frame_header.ts";
import { FrameWriter } from "./frame_writer.ts";
import { maskKeys } from "./mask.ts";
import { MessageReader, type ReaderEvents } from "./message_reader.ts";
export { type Agreement } from "./agreement.ts";
export { type CloseInfo, type WebSocketError } from "../errors/websocket_error.ts";
export { type MaskKeys } from "./mask.ts";
export { type ProtocolFailure } from "../errors/failures.ts";
export { type Message, type ProtocolEvents, type ProtocolOptions, type SendOptions } from "./contract.ts";

const pooledKeys = maskKeys((pool) => void crypto.getRandomValues(pool));

/**
 * One end of a WebSocket connection.
 *
 * @example The closing handshake, byte by byte (RFC 6455 §7.1.2)
 * ```ts
 * import { Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const events = { message() {}, close() {}, fail() {} };
 * const machine = new Protocol({ role: "client", protocol: "", extensions: "" }, events, { maskKey: () => 0 });
 * machine.close({ closeCode: 1000 });
 * assertEquals(machine.take()?.toHex(), "88820000000003e8");
 * assertEquals(machine.state, "closing");
 *
 * for (const byte of [0x88, 2, 0x03, 0xe8]) machine.receive(Uint8Array.of(byte));
 * assertEquals(machine.state, "closed");
 * ```
 */
export class Protocol {
  readonly #events: ProtocolEvents;
  readonly #isServer: boolean;
  readonly #highWaterMark: number;

  #state: "open" | "closing" | "closed" = "open";
  readonly #in: MessageReader;
  readonly #out: FrameWriter;
  /** The opcode of the message of which `send()` has written the beginning, or 0. */
  #sending = 0;
  /** The compressor, if compression was agreed, and whether the message that is being sent goes through it. */
  readonly #deflater: Deflater | undefined;
  readonly #threshold: number;
  #isCompressing = false;
  #pong: Uint8Array | undefined;

  /**
   * Makes a machine.
   *
   * @param agreement What the handshake has settled.
   * @param events Where messages go.
   * @param options Limits.
   * @throws {RangeError} When what was agreed about compression, or an option of it, is out of its range.
   */
  constructor(agreement: Agreement, events: ProtocolEvents, options: ProtocolOptions = {}) {
    this.#isServer = agreement.role === "server";
    this.#events = events;
    const { role, deflate } = agreement;
    if (deflate) {
      checkDeflate(deflate, role);
      checkCompression(options.compression, role);
    }
    const codec = deflate && codecOf(role, deflate, options.compression);
    this.#deflater = codec?.deflater;
    this.#threshold = codec?.threshold ?? 0;
    this.#in = new MessageReader(
      new Protocol.#Reading(this),
      this.#isServer,
      options.maxMessageSize ?? 16 * 2 ** 20,
      codec?.inflater,
    );
    this.#highWaterMark = options.highWaterMark ?? 65536;
    this.#out = new FrameWriter(this.#isServer ? undefined : options.maskKey ?? pooledKeys);
  }

  /** `"closing"` from our Close frame on, `"closed"` when nothing more is read or written. */
  get state(): "open" | "closing" | "closed" {
    return this.#state;
  }

  /** How many bytes wait to be taken. */
  get buffered(): number {
    return this.#out.size;
  }

  // ---- input

  /**
   * Takes the next bytes of the peer. The chunk belongs to the machine from now on: it is unmasked in place.
   *
   * @param chunk The bytes, cut anywhere.
   * @returns Whether their memory may be used again: no message is a view of it, and nothing of it waits.
   */
  receive(chunk: Uint8Array<ArrayBuffer>): boolean {
    return this.#in.receive(chunk);
  }

  /** Stops before the next message, also in the middle of a chunk. */
  pause(): void {
    this.#in.pause();
  }

  /** Goes on, with what has waited first. */
  resume(): void {
    this.#in.resume();
  }

  /** What the reader tells a machine. */
  static readonly #Reading = class implements ReaderEvents {
    readonly #of: Protocol;

    constructor(of: Protocol) {
      this.#of = of;
    }

    message(message: string | Uint8Array<ArrayBuffer>): void {
      this.#of.#events.message(message);
    }

    control(opcode: number, payload: Uint8Array<ArrayBuffer>): void {
      this.#of.#control(opcode, payload);
    }

    fail(failure: ProtocolFailure, detail?: string): void {
      this.#of.#fail(failure, detail);
    }
  };

  #control(opcode: number, payload: Uint8Array<ArrayBuffer>): void {
    if (opcode === OPCODE.close) this.#endClose(payload);
    else if (opcode === OPCODE.ping) this.#answerPing(payload);
    else this.#events.pong?.(payload);
  }

  #endClose(payload: Uint8Array): void {
    const info = parseClose(payload);
    if (typeof info === "string") return this.#fail(info);
    // §5.5.1: the answer «typically echos the status code it received»
    if (this.#state === "open") this.#out.frame(FIN | OPCODE.close, payload.subarray(0, 2));
    this.#stop();
    this.#events.close(info);
  }

  #fail(failure: ProtocolFailure, detail?: string): void {
    const error = protocolError(failure, detail);
    if (this.#state === "open") {
      this.#out.frame(FIN | OPCODE.close, closePayload(error.closeCode ?? undefined, error.message));
    }
    this.#stop();
    this.#events.fail(error);
  }

  #stop(): void {
    this.#state = "closed";
    this.#pong = undefined;
    this.#in.stop();
    this.#deflater?.free();
  }

  // ---- output

  /**
   * Frames a message; it is copied before the call returns. Lone surrogates become U+FFFD.
   *
   * @param message A string becomes text, a buffer binary.
   * @param options Whether it is the end of the message, and whether it is compressed.
   * @throws {DOMException} `InvalidStateError` when the connection is not open.
   * @throws {TypeError} When it is neither, or shared or resizable memory, or of another kind than the piece before.
   */
  send(message: Message, options?: SendOptions): void {
    if (this.#state !== "open") {
      throw new DOMException("Cannot send: the connection is not open", "InvalidStateError");
    }
    const opcode = typeof message === "string" ? OPCODE.text : OPCODE.binary;
    const bytes = typeof message === "string" ? message : bytesOf(message);
    if (this.#sending !== 0 && this.#sending !== opcode) {
      throw new TypeError("Cannot send: the pieces of a message must be all strings or all buffers");
    }
    const fin = options?.fin ?? true, isFirst = this.#sending === 0;
    const first = (fin ? FIN : 0) | (isFirst ? opcode : OPCODE.continuation);
    this.#sending = fin ? 0 : opcode;
    if (this.#deflater && (isFirst ? options?.compress !== false : this.#isCompressing)) {
      this.#sendCompressed(this.#deflater, first, typeof bytes === "string" ? encode(bytes) : bytes);
    } else {
      this.#isCompressing = false;
      if (typeof bytes === "string") this.#out.text(first, bytes);
      else this.#out.frame(first, bytes);
    }
  }

  /** Through the compressor, unless the message is not worth it. */
  #sendCompressed(deflater: Deflater, first: number, bytes: Uint8Array): void {
    const isFirst = (first & OPCODE_BITS) !== OPCODE.continuation, fin = (first & FIN) !== 0, isWhole = isFirst && fin;
    this.#isCompressing = !fin;
    if (isWhole && bytes.length < this.#threshold) return this.#out.frame(first, bytes);
    const compressed = deflater.compress(bytes, fin);
    // Where no window is kept, nobody misses what was not sent
    if (isWhole && !deflater.takesOver && compressed.length >= bytes.length) return this.#out.frame(first, bytes);
    this.#out.frame(isFirst ? first | RSV1 : first, compressed);
  }

  /**
   * Writes a Ping frame (RFC 6455 §5.5.2).
   *
   * @param payload At most 125 bytes.
   * @throws {RangeError} When there are more.
   * @throws {DOMException} `InvalidStateError` when the connection is not open.
   */
  ping(payload: BufferSource = EMPTY): void {
    const bytes = bytesOf(payload);
    if (bytes.length > 125) {
      throw new RangeError(`Cannot ping: the payload has ${bytes.length} bytes, the limit is 125`);
    }
    if (this.#state !== "open") {
      throw new DOMException("Cannot ping: the connection is not open", "InvalidStateError");
    }
    this.#out.frame(FIN | OPCODE.ping, bytes);
  }

  /**
   * Begins the closing handshake (RFC 6455 §7.1.2): no message is sent or received after it. Later calls do nothing.
   *
   * @param info Code and reason; nothing means an empty Close frame.
   * @throws {DOMException} `InvalidAccessError` for the code, `SyntaxError` for the reason.
   */
  close(info: { closeCode?: number | undefined; reason?: string | undefined } = {}): void {
    const { closeCode, reason } = checkClose(info);
    if (this.#state !== "open") return;
    this.#out.frame(FIN | OPCODE.close, closePayload(closeCode, reason));
    this.#state = "closing";
    this.#in.skipMessages();
    this.#deflater?.free();
  }

  /**
   * Takes what is to be written next.
   *
   * @returns The bytes, or `undefined`. They don't change until they are given to {@linkcode recycle}.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#pong) {
      this.#out.frame(FIN | OPCODE.pong, this.#pong);
      this.#pong = undefined;
    }
    return this.#out.take();
  }

  /**
   * Takes back what {@linkcode take} gave, to be used again. Optional; at most once for each.
   *
   * @param bytes The very object.
   */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#out.recycle(bytes);
  }

  #answerPing(payload: Uint8Array<ArrayBuffer>): void {
    // §5.5.2: owed until the peer's Close was received, also after ours
    // §5.5.3: «MAY elect to send a Pong frame for only the most recently processed Ping frame»
    if (this.#out.size > this.#highWaterMark) this.#pong = payload.slice();
    else this.#out.frame(FIN | OPCODE.pong, payload);
  }
}

const EMPTY = new Uint8Array();

const OPCODE_BITS = 0x0f;

const ENCODER = new TextEncoder();

/** Text on its way to the compressor; it changes with the next call. */
const encoded = new Uint8Array(16384);

function encode(text: string): Uint8Array {
  if (3 * text.length > encoded.length) return ENCODER.encode(text);
  return encoded.subarray(0, ENCODER.encodeInto(text, encoded).written);
}
