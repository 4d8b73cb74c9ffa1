// The state machine behind `Protocol` and behind every connection (RFC 6455 §5–§8): synchronous, without I/O or a
// clock. It answers pings and Close frames, runs the closing handshake, and neither reads nor sends anything after the
// end. Options, the agreement, and the code and reason of a Close frame were checked by its owner.

import { type BufferSource, bytesOf, lengthOf, plainOf, sharedSnapshotOf } from "../base/owned_bytes.ts";
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
import { codecOf, type Deflater, type Work } from "./deflate.ts";
import { encode, encodeOwn, isScratch, PieceJoiner } from "./encode_text.ts";
import { FIN, MAX_CONTROL_PAYLOAD, OPCODE } from "./frame_header.ts";
import { FrameWriter } from "./frame_writer.ts";
import { type MaskKeys, pooledKeys } from "./mask.ts";
import { MessageReader } from "./message_reader.ts";
import type { ReaderEvents } from "./reader_events.ts";
import type { StreamLimits } from "./streamed_message.ts";
import { Prepared, type PreparedMessage } from "./prepared_message.ts";
import type { Burst } from "./shared_frame.ts";
import { SendQueue, writeCompressed } from "./send_queue.ts";

/** The callbacks of a machine. They are called during `receive()`, `resume()` and `work()`, and must not throw. */
export interface MachineEvents extends Pick<ReaderEvents, "messages"> {
  onPong(payload: Uint8Array<ArrayBuffer>): void;
  /** The peer's Close frame has come, and nothing more is read. If ours is due, `answerClose()` sends it. */
  onPeerClose(info: CloseInfo): void;
  /** The peer has broken a rule, and nothing more is read. Our Close frame, if one is due, is ready to be taken. */
  onFailure(error: WebSocketError): void;
  /** Work was deferred: call `work()` in later turns, until it returns `false`. */
  onWork?(): void;
}

/** `ProtocolOptions`, checked and with their defaults. */
export interface MachineOptions extends Partial<StreamLimits> {
  readonly maxMessageSize: number;
  readonly highWaterMark: number;
  /** How we compress where compression was agreed; `undefined` means the defaults. */
  readonly compression?: CheckedCompression | undefined;
  readonly maskKey?: MaskKeys | undefined;
  /** The budget for compressing and inflating in a turn; without it, everything is done in the call. */
  readonly work?: Work | undefined;
}

/** One end of a connection. The methods are described at `Protocol`, which has the same ones. */
export class Machine implements ReaderEvents {
  /** `"closing"` from our Close frame on, `"closed"` when nothing more is read or sent. */
  state: "open" | "closing" | "closed" = "open";

  readonly messages: MachineEvents["messages"];
  readonly #events: MachineEvents;
  readonly #highWaterMark: number;
  readonly reader: MessageReader;
  readonly #writer: FrameWriter;
  /** The opcode of a message of which `send()` has written the beginning, or 0. */
  #sending = 0;
  /** The compressor, where compression was agreed, and whether the message being sent goes through it. */
  readonly #deflater: Deflater | undefined;
  readonly #threshold: number;
  #isCompressing = false;
  /** Made for the first text in pieces. */
  #joiner: PieceJoiner | undefined;
  /** The payload of the last ping that came above the high-water mark: it is answered with the next `take()`. */
  #owedPong: Uint8Array<ArrayBuffer> | undefined;
  /** The payload of the answer to the peer's Close frame, until it is sent. */
  #owedClose: Uint8Array<ArrayBuffer> | undefined;
  readonly #work: Work | undefined;
  /** Messages that wait to be compressed, and what was sent behind them; only while there are any. */
  #queue: SendQueue | undefined;
  /** Whether `onWork()` was called, and `work()` has not yet returned `false`. */
  #isWorkAnnounced = false;

  constructor({ role, deflate }: Agreement, events: MachineEvents, options: MachineOptions) {
    const isServer = role === "server", { maxMessageSize, work } = options;
    const codec = deflate && codecOf(role, deflate, options.compression ?? DEFAULT_COMPRESSION);
    this.messages = events.messages;
    this.#events = events;
    this.#highWaterMark = options.highWaterMark;
    this.#deflater = codec?.deflater;
    this.#threshold = codec?.threshold ?? 0;
    this.#work = work;
    this.reader = new MessageReader(this, isServer, maxMessageSize, codec?.inflater, work, options);
    this.#writer = new FrameWriter(isServer ? undefined : options.maskKey ?? pooledKeys);
  }

  /** How many bytes are ready to be taken, or wait for `work()`. */
  get buffered(): number {
    return this.#queue ? this.#writer.size + this.#queue.size : this.#writer.size;
  }

  /** Whether the next message can be a whole one: not while one is being sent in pieces. */
  get isBetweenMessages(): boolean {
    return this.#sending === 0;
  }

  /** Whether a part of what was received waits for `work()`: no more should be received before that is done. */
  get isBehind(): boolean {
    return this.reader.isBehind;
  }

  /** Whether bytes are being read right now, by a call further up the stack. */
  get isFeeding(): boolean {
    return this.reader.isFeeding;
  }

  receive(chunk: Uint8Array<ArrayBuffer>): boolean {
    return this.reader.receive(chunk);
  }

  pause(): void {
    this.reader.pause();
  }

  resume(): void {
    this.reader.resume();
  }

  /** Does a slice of the deferred work, a few milliseconds long. Returns whether more is left. */
  work(): boolean {
    this.#queue?.work();
    this.reader.work();
    if (this.#queue?.isEmpty) {
      this.#queue = undefined;
      if (this.state !== "open") this.#freeDeflater();
    }
    return this.#isWorkAnnounced = this.#queue !== undefined || this.reader.hasWork;
  }

  /** Drops everything that waits to be read, inflated or compressed: the transport is gone. */
  drop(): void {
    this.#queue = this.#owedClose = undefined;
    this.#stop();
  }

  onBehind(): void {
    if (this.#isWorkAnnounced) return;
    this.#isWorkAnnounced = true;
    this.#events.onWork?.();
  }

  onControl(opcode: number, payload: Uint8Array<ArrayBuffer>): void {
    if (opcode === OPCODE.close) this.#endByPeer(payload);
    else if (opcode === OPCODE.ping) this.#answerPing(payload);
    else this.#events.onPong(payload);
  }

  onFailure(failure: ProtocolFailure, detail?: string): void {
    const error = protocolError(failure, detail);
    const queue = this.#queue;
    this.#queue = undefined; // the Close frame goes at once
    if (this.state === "open" || queue?.hasClose) { // §7.1.7
      this.#writeClose(closePayload(error.closeCode ?? undefined, error.message));
    }
    this.#stop();
    this.#events.onFailure(error);
  }

  #endByPeer(payload: Uint8Array<ArrayBuffer>): void {
    const info = parseClose(payload);
    if (typeof info === "string") return this.onFailure(info);
    if (this.state === "open") {
      // §5.5.1: the answer «typically echos the status code it received»
      this.#owedClose = payload.slice(0, 2);
      this.#owedPong = undefined;
      this.reader.stop();
    } else this.#stop();
    this.#events.onPeerClose(info);
  }

  /** Answers the peer's Close frame, if that is due. */
  answerClose(): void {
    if (!this.#owedClose || this.state !== "open") return;
    this.#writeClose(this.#owedClose);
    this.#stop();
  }

  #stop(): void {
    this.state = "closed";
    this.#owedPong = undefined;
    this.reader.stop();
    this.#freeDeflater();
  }

  /** Frees the compressor, unless there is something left to compress. */
  #freeDeflater(): void {
    if (!this.#queue) this.#deflater?.free();
  }

  /** Pings are answered until the peer's Close frame, also after ours (§5.5.2). */
  #answerPing(payload: Uint8Array<ArrayBuffer>): void {
    // §5.5.3: «MAY elect to send a Pong frame for only the most recently processed Ping frame»: back-pressure for pongs
    if (this.#writer.size > this.#highWaterMark) this.#owedPong = payload.slice();
    else this.#writer.frame(FIN | OPCODE.pong, payload);
  }

  send(message: Message | PreparedMessage, options?: SendOptions): void {
    if (this.state !== "open") {
      throw new DOMException("Cannot send: the connection is not open", "InvalidStateError");
    }
    // In this order: a view of a buffer is no prepared message, which is slower to find out
    if (typeof message === "object" && !ArrayBuffer.isView(message) && message instanceof Prepared) {
      return this.sendPrepared(message, options);
    }
    this.#send(message as Message, options);
  }

  /** Sends a message of which the frames are ready; the state must be `"open"`. */
  sendPrepared(message: Prepared, options?: SendOptions): void {
    if (this.#sending !== 0 || options?.fin === false) {
      throw new TypeError(
        "Cannot send: a prepared message is a whole one, and can't be a piece or come between pieces",
      );
    }
    const deflater = this.#deflater;
    const compresses = deflater && message.compress && options?.compress !== false && message.size >= this.#threshold;
    const frame = compresses ? message.compressedBy(deflater, () => this.#work?.spend(message.size)) : message.plain;
    if (this.#queue) {
      this.#queue.pushFrame(frame);
      return this.onBehind();
    }
    this.#writer.shared(frame);
    if (compresses && frame !== message.plain) deflater.forgetWindow();
  }

  /**
   * Lets a burst of a group wait here, of which frames are not masked and not compressed, if nothing else does. The state
   * must be `"open"`, and no message be under way in pieces.
   */
  join(burst: Burst): boolean {
    return this.#deflater === undefined && this.#writer.isUnmasked && this.#writer.join(burst);
  }

  #send(message: Message, options: SendOptions | undefined): void {
    const opcode = typeof message === "string" ? OPCODE.text : OPCODE.binary;
    let bytes = typeof message === "string" ? message : bytesOf(message);
    if (this.#sending !== 0 && this.#sending !== opcode) {
      throw new TypeError("Cannot send: the pieces of a message must be all strings or all buffers");
    }
    const fin = options?.fin ?? true, isFirst = this.#sending === 0;
    const first = (fin ? FIN : 0) | (isFirst ? opcode : OPCODE.continuation);
    if (!(fin && isFirst) && typeof bytes === "string") bytes = (this.#joiner ??= new PieceJoiner()).join(bytes, fin);
    this.#sending = fin ? 0 : opcode;
    if (this.#deflater && (isFirst ? options?.compress !== false : this.#isCompressing)) {
      this.#sendCompressed(this.#deflater, first, bytes);
      return;
    }
    this.#isCompressing = false;
    if (this.#queue) {
      this.#enqueue(first, typeof bytes === "string" ? encodeOwn(bytes) : sharedSnapshotOf(bytes), false);
    } else if (typeof bytes === "string") this.#writer.text(first, bytes);
    else this.#writer.frame(first, bytes);
  }

  /** Sends through the compressor: at once if that is allowed, and otherwise by `work()`. */
  #sendCompressed(deflater: Deflater, first: number, message: string | Uint8Array<ArrayBuffer>): void {
    const isFirst = (first & OPCODE_BITS) !== OPCODE.continuation, fin = (first & FIN) !== 0, isWhole = isFirst && fin;
    this.#isCompressing = !fin;
    const isText = typeof message === "string", bytes = isText ? encode(message) : message, length = lengthOf(bytes);
    const isPlain = isWhole && length < this.#threshold;
    if (this.#queue || !isPlain && this.#work?.allows(length) === false) {
      const isOwn = isText && !isScratch(bytes);
      this.#enqueue(first, isOwn ? bytes : sharedSnapshotOf(bytes), !isPlain);
    } else if (isPlain) this.#writer.frame(first, bytes);
    else {
      const plain = isText ? bytes : plainOf(bytes);
      writeCompressed(this.#writer, deflater, first, plain, deflater.compress(plain, fin));
    }
  }

  /** Sends behind what waits to be compressed; the queue owns the bytes from now on. */
  #enqueue(first: number, bytes: Uint8Array<ArrayBuffer>, compresses: boolean): void {
    this.#queue ??= new SendQueue(this.#writer, this.#deflater!);
    this.#queue.push(first, bytes, compresses);
    this.onBehind();
  }

  ping(payload: BufferSource = EMPTY): void {
    const bytes = bytesOf(payload), length = lengthOf(bytes);
    if (length > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(`Cannot ping: the payload has ${length} bytes, the limit is ${MAX_CONTROL_PAYLOAD}`);
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
    if (this.#owedClose) return this.#stop();
    this.state = "closing";
    this.reader.skipMessages();
    this.#freeDeflater();
  }

  /** Our Close frame is the last frame: it goes behind the messages that wait to be compressed. */
  #writeClose(payload: Uint8Array<ArrayBuffer>): void {
    if (this.#queue) this.#queue.push(FIN | OPCODE.close, payload, false);
    else this.#writer.frame(FIN | OPCODE.close, payload);
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
