// The state machine behind `Protocol` and behind every connection (RFC 6455 §5–§8): synchronous, without I/O or a
// clock. It answers pings and Close frames, runs the closing handshake, and neither reads nor sends anything after the
// end. Options, the agreement, and the code and reason of a Close frame were checked by its owner.

import { bytesOf } from "../base/owned_bytes.ts";
import type { ProtocolFailure } from "../errors/failures.ts";
import {
  type CloseInfo,
  protocolError,
  type WebSocketError,
  type WebSocketErrorInit,
} from "../errors/websocket_error.ts";
import type { Agreement } from "./agreement.ts";
import { closePayload, parseClose } from "./close_frame.ts";
import { type CheckedCompression, DEFAULT_COMPRESSION } from "./compression_options.ts";
import type { Message, SendOptions } from "./contract.ts";
import { codecOf, type Deflater } from "./deflate.ts";
import { FIN, MAX_CONTROL_PAYLOAD, OPCODE, RSV1 } from "./frame_header.ts";
import { FrameWriter } from "./frame_writer.ts";
import { type MaskKeys, pooledKeys } from "./mask.ts";
import { MessageReader, type ReaderEvents } from "./message_reader.ts";

/** The callbacks of a machine. They are called during `receive()` and `resume()`, and must not throw. */
export interface MachineEvents {
  onMessage(message: string | Uint8Array<ArrayBuffer>): void;
  onPong(payload: Uint8Array<ArrayBuffer>): void;
  /** The peer's Close frame has come, and nothing more is read. The answer, if one is due, is ready to be taken. */
  onPeerClose(info: CloseInfo): void;
  /** The peer has broken a rule, and nothing more is read. Our Close frame, if one is due, is ready to be taken. */
  onFailure(error: WebSocketError): void;
}

/** `ProtocolOptions`, checked and with their defaults. */
export interface MachineOptions {
  readonly maxMessageSize: number;
  readonly highWaterMark: number;
  /** How we compress where compression was agreed; `undefined` means the defaults. */
  readonly compression?: CheckedCompression | undefined;
  readonly maskKey?: MaskKeys | undefined;
}

/** One end of a connection. The methods are described at `Protocol`, which has the same ones. */
export class Machine implements ReaderEvents {
  /** `"closing"` from our Close frame on, `"closed"` when nothing more is read or sent. */
  state: "open" | "closing" | "closed" = "open";

  readonly #events: MachineEvents;
  readonly #highWaterMark: number;
  readonly #reader: MessageReader;
  readonly #writer: FrameWriter;
  /** The opcode of a message of which `send()` has written the beginning, or 0. */
  #sending = 0;
  /** The compressor, where compression was agreed, and whether the message being sent goes through it. */
  readonly #deflater: Deflater | undefined;
  readonly #threshold: number;
  #isCompressing = false;
  /** The payload of the last ping that came above the high-water mark: it is answered with the next `take()`. */
  #owedPong: Uint8Array | undefined;

  constructor({ role, deflate }: Agreement, events: MachineEvents, options: MachineOptions) {
    const isServer = role === "server";
    const codec = deflate && codecOf(role, deflate, options.compression ?? DEFAULT_COMPRESSION);
    this.#events = events;
    this.#highWaterMark = options.highWaterMark;
    this.#deflater = codec?.deflater;
    this.#threshold = codec?.threshold ?? 0;
    this.#reader = new MessageReader(this, isServer, options.maxMessageSize, codec?.inflater);
    this.#writer = new FrameWriter(isServer ? undefined : options.maskKey ?? pooledKeys);
  }

  get buffered(): number {
    return this.#writer.size;
  }

  receive(chunk: Uint8Array<ArrayBuffer>): boolean {
    return this.#reader.receive(chunk);
  }

  pause(): void {
    this.#reader.pause();
  }

  resume(): void {
    this.#reader.resume();
  }

  onMessage(message: string | Uint8Array<ArrayBuffer>): void {
    this.#events.onMessage(message);
  }

  onControl(opcode: number, payload: Uint8Array<ArrayBuffer>): void {
    if (opcode === OPCODE.close) this.#endByPeer(payload);
    else if (opcode === OPCODE.ping) this.#answerPing(payload);
    else this.#events.onPong(payload);
  }

  onFailure(failure: ProtocolFailure, detail?: string): void {
    const error = protocolError(failure, detail);
    // §7.1.7
    if (this.state === "open") this.#writeClose(closePayload(error.closeCode ?? undefined, error.message));
    this.#stop();
    this.#events.onFailure(error);
  }

  #endByPeer(payload: Uint8Array): void {
    const info = parseClose(payload);
    if (typeof info === "string") return this.onFailure(info);
    // §5.5.1: the answer «typically echos the status code it received»
    if (this.state === "open") this.#writeClose(payload.subarray(0, 2));
    this.#stop();
    this.#events.onPeerClose(info);
  }

  #stop(): void {
    this.state = "closed";
    this.#owedPong = undefined;
    this.#reader.stop();
    this.#deflater?.free();
  }

  /** Pings are answered until the peer's Close frame, also after ours (§5.5.2). */
  #answerPing(payload: Uint8Array): void {
    // §5.5.3: «MAY elect to send a Pong frame for only the most recently processed Ping frame»: back-pressure for pongs
    if (this.#writer.size > this.#highWaterMark) this.#owedPong = payload.slice();
    else this.#writer.frame(FIN | OPCODE.pong, payload);
  }

  send(message: Message, options?: SendOptions): void {
    if (this.state !== "open") {
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
      if (typeof bytes === "string") this.#writer.text(first, bytes);
      else this.#writer.frame(first, bytes);
    }
  }

  /** Sends through the compressor, unless the message would gain nothing. */
  #sendCompressed(deflater: Deflater, first: number, bytes: Uint8Array): void {
    const isFirst = (first & OPCODE_BITS) !== OPCODE.continuation, fin = (first & FIN) !== 0, isWhole = isFirst && fin;
    this.#isCompressing = !fin;
    if (isWhole && bytes.length < this.#threshold) return this.#writer.frame(first, bytes);
    const payload = deflater.compress(bytes, fin);
    // Only where no window is kept: otherwise later messages may point to this one
    const isUseless = isWhole && !deflater.takesOver && payload.length >= bytes.length;
    if (isUseless) return this.#writer.frame(first, bytes);
    this.#writer.frame(isFirst ? first | RSV1 : first, payload);
  }

  ping(payload: BufferSource = EMPTY): void {
    const bytes = bytesOf(payload);
    if (bytes.length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(`Cannot ping: the payload has ${bytes.length} bytes, the limit is ${MAX_CONTROL_PAYLOAD}`);
    }
    if (this.state !== "open") {
      throw new DOMException("Cannot ping: the connection is not open", "InvalidStateError");
    }
    this.#writer.frame(FIN | OPCODE.ping, bytes);
  }

  /** Starts the closing handshake, with a code and a reason that `checkClose()` has passed. */
  close({ closeCode, reason }: WebSocketErrorInit): void {
    if (this.state !== "open") return;
    this.#writeClose(closePayload(closeCode, reason));
    this.state = "closing";
    this.#reader.skipMessages();
    this.#deflater?.free();
  }

  #writeClose(payload: Uint8Array): void {
    this.#writer.frame(FIN | OPCODE.close, payload);
  }

  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#owedPong) {
      this.#writer.frame(FIN | OPCODE.pong, this.#owedPong);
      this.#owedPong = undefined;
    }
    return this.#writer.take();
  }

  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#writer.recycle(bytes);
  }
}

const EMPTY = new Uint8Array();

const OPCODE_BITS = 0x0f;

const ENCODER = new TextEncoder();

/** Text on its way to the compressor; overwritten by the next call. */
const encoded = new Uint8Array(16384);

function encode(text: string): Uint8Array {
  if (3 * text.length > encoded.length) return ENCODER.encode(text);
  return encoded.subarray(0, ENCODER.encodeInto(text, encoded).written);
}
