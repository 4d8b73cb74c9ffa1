// The state machine behind `Protocol` and behind every connection (RFC 6455 §5–§8): synchronous, without I/O or a
// clock. It answers pings and Close frames, runs the closing handshake, and neither reads nor sends anything after the
// end. Options, the agreement, and the code and reason of a Close frame were checked by its owner.

import { type BufferSource, bytesOf, lengthOf, plainOf, sharedSnapshotOf } from "../base/owned_bytes.ts";
import type { ProtocolFailure } from "../errors/failures.ts";
import { protocolError, type WebSocketErrorInit } from "../errors/websocket_error.ts";
import type { Agreement } from "./agreement.ts";
import { closePayload, parseClose } from "./close_frame.ts";
import { DEFAULT_COMPRESSION } from "./compression_options.ts";
import type { Message, SendOptions } from "./contract.ts";
import { type Codec, codecOf } from "./deflate.ts";
import { encode, encodeOwn, isScratch, PieceJoiner } from "./encode_text.ts";
import { FIN, isLoneControl, MAX_CONTROL_PAYLOAD, OPCODE, RSV1 } from "./frame_header.ts";
import { FrameWriter } from "./frame_writer.ts";
import { pooledKeys } from "./mask.ts";
import type { MachineEvents, MachineOptions, Owed } from "./machine_contract.ts";
import { MessageReader } from "./message_reader.ts";
import type { ReaderEvents } from "./reader_events.ts";
import { Prepared, type PreparedMessage } from "./prepared_message.ts";
import type { Burst } from "./shared_frame.ts";
import { checkSendOptions } from "./send_options.ts";
import { SendQueue, writeCompressed } from "./send_queue.ts";

/** One end of a connection. The methods are described at `Protocol`, which has the same ones. */
export class Machine implements ReaderEvents {
  /** `"closing"` from our Close frame on, `"closed"` when nothing more is read or sent. */
  state: "open" | "closing" | "closed" = "open";

  readonly #events: MachineEvents;
  readonly #options: MachineOptions;
  readonly #isServer: boolean;
  /** The compressor and its counterpart, where compression was agreed. */
  readonly #codec: Codec | undefined;
  /** Made when first used: a connection that is idle has neither. */
  #reader: MessageReader | undefined;
  #writer: FrameWriter | undefined;
  /** The opcode of a message of which `send()` has written the beginning, with RSV1 if it is compressed, or 0. */
  #sending = 0;
  /** Made for the first text in pieces. */
  #joiner: PieceJoiner | undefined;
  /**
   * The answer to the peer's Close frame, until it is sent; or to the last ping that came above the high-water mark, which
   * goes with the next `take()`.
   */
  #owed: Owed | undefined;
  /** Messages that wait to be compressed, and what was sent behind them; only while there are any. */
  #queue: SendQueue | undefined;
  /** Whether `onWork()` was called, and `work()` has not yet returned `false`. */
  #isWorkAnnounced = false;

  constructor({ role, deflate }: Agreement, events: MachineEvents, options: MachineOptions) {
    this.#events = events;
    this.#options = options;
    this.#isServer = role === "server";
    this.#codec = deflate && codecOf(role, deflate, options.compression ?? DEFAULT_COMPRESSION);
  }

  get messages(): MachineEvents["messages"] {
    return this.#events.messages;
  }

  /** What reads, from the first bytes on. */
  get reader(): MessageReader {
    const options = this.#options, { maxMessageSize, work } = options, inflater = this.#codec?.inflater;
    return this.#reader ??= new MessageReader(this, this.#isServer, maxMessageSize, inflater, work, options);
  }

  /** What writes, from the first frame on. */
  #writerMade(): FrameWriter {
    return this.#writer ??= new FrameWriter(this.#isServer ? undefined : this.#options.maskKey ?? pooledKeys);
  }

  /** How many bytes are ready to be taken, or wait for `work()`. */
  get buffered(): number {
    const size = this.#writer === undefined ? 0 : this.#writer.size;
    return this.#queue ? size + this.#queue.size : size;
  }

  /** Whether the next message can be a whole one: not while one is being sent in pieces. */
  get isBetweenMessages(): boolean {
    return this.#sending === 0;
  }

  /** Whether a part of what was received waits for `work()`: no more should be received before that is done. */
  get isBehind(): boolean {
    return this.#reader !== undefined && this.#reader.isBehind;
  }

  /** Whether bytes are being read right now, by a call further up the stack. */
  get isFeeding(): boolean {
    return this.#reader !== undefined && this.#reader.isFeeding;
  }

  /** Which message has begun to come and not ended, as a number of its own; 0 between messages. */
  get messageUnderWay(): number {
    return this.#reader === undefined ? 0 : this.#reader.messageUnderWay;
  }

  receive(chunk: Uint8Array<ArrayBuffer>): boolean {
    return this.#reader === undefined ? this.#receiveFirst(chunk) : this.#reader.receive(chunk);
  }

  /** A control frame that comes alone, such as a Pong to an idle connection, leaves no reader behind. */
  #receiveFirst(chunk: Uint8Array<ArrayBuffer>): boolean {
    if (this.state === "closed") return false;
    const isAlone = isLoneControl(chunk), isFree = this.reader.receive(chunk);
    if (isAlone) this.rest();
    return isFree;
  }

  /** Nothing has come for long: gives the reader up, until something does, unless it has something to keep. */
  rest(): void {
    if (this.#reader !== undefined && this.#reader.isResting) this.#reader = undefined;
  }

  pause(): void {
    this.reader.pause();
  }

  resume(): void {
    this.#reader?.resume();
  }

  /** Does a slice of the deferred work, a few milliseconds long. Returns whether more is left. */
  work(): boolean {
    this.#queue?.work();
    this.#reader?.work();
    if (this.#queue?.isEmpty) {
      this.#queue = undefined;
      if (this.state !== "open") this.#freeDeflater();
    }
    return this.#isWorkAnnounced = this.#queue !== undefined || this.#reader?.hasWork === true;
  }

  /** Drops everything that waits to be read, inflated or compressed: the transport is gone. */
  drop(): void {
    this.#queue = this.#owed = undefined;
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
      this.#owed = { opcode: OPCODE.close, payload: payload.slice(0, 2) };
      this.#reader!.stop();
    } else this.#stop();
    this.#events.onPeerClose(info);
  }

  /** Answers the peer's Close frame, if that is due. */
  answerClose(): void {
    if (this.#owed?.opcode !== OPCODE.close || this.state !== "open") return;
    this.#writeClose(this.#owed.payload);
    this.#stop();
  }

  #stop(): void {
    this.state = "closed";
    this.#owed = undefined;
    this.#reader?.stop();
    this.#freeDeflater();
  }

  /** Frees the compressor, unless there is something left to compress. */
  #freeDeflater(): void {
    if (!this.#queue) this.#codec?.deflater.free();
  }

  /** Pings are answered until the peer's Close frame, also after ours (§5.5.2). */
  #answerPing(payload: Uint8Array<ArrayBuffer>): void {
    // §5.5.3: «MAY elect to send a Pong frame for only the most recently processed Ping frame»: back-pressure for pongs
    const writer = this.#writerMade();
    if (writer.size > this.#options.highWaterMark) this.#owed = { opcode: OPCODE.pong, payload: payload.slice() };
    else writer.frame(FIN | OPCODE.pong, payload);
  }

  send(message: Message | PreparedMessage, options?: SendOptions): void {
    if (this.state !== "open") {
      throw new DOMException("Cannot send: the connection is not open", "InvalidStateError");
    }
    if (options) checkSendOptions(options);
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
    const codec = this.#codec;
    const compresses = codec && message.compress && options?.compress !== false && message.size >= codec.threshold;
    const frame = compresses
      ? message.compressedBy(codec.deflater, () => this.#options.work?.spend(message.size))
      : message.plain;
    if (this.#queue) {
      this.#queue.pushFrame(frame);
      return this.onBehind();
    }
    this.#writerMade().shared(frame);
    if (compresses && frame !== message.plain) codec.deflater.forgetWindow();
  }

  /**
   * Lets a burst of a group wait here, of which frames are not masked and not compressed, if nothing else does. The state
   * must be `"open"`, and no message be under way in pieces.
   */
  join(burst: Burst): boolean {
    return this.#codec === undefined && this.#isServer && this.#writerMade().join(burst);
  }

  #send(message: Message, options: SendOptions | undefined): void {
    const opcode = typeof message === "string" ? OPCODE.text : OPCODE.binary;
    let bytes = typeof message === "string" ? message : bytesOf(message);
    const isFirst = this.#sending === 0, wasCompressing = (this.#sending & RSV1) !== 0;
    if (!isFirst && (this.#sending & OPCODE_BITS) !== opcode) {
      throw new TypeError("Cannot send: the pieces of a message must be all strings or all buffers");
    }
    const fin = options?.fin ?? true;
    const first = (fin ? FIN : 0) | (isFirst ? opcode : OPCODE.continuation);
    if (!(fin && isFirst) && typeof bytes === "string") bytes = (this.#joiner ??= new PieceJoiner()).join(bytes, fin);
    this.#sending = fin ? 0 : opcode;
    if (this.#codec && (isFirst ? options?.compress !== false : wasCompressing)) {
      return this.#sendCompressed(this.#codec, first, bytes);
    }
    if (this.#queue) {
      this.#enqueue(first, typeof bytes === "string" ? encodeOwn(bytes) : sharedSnapshotOf(bytes), false);
    } else if (typeof bytes === "string") this.#writerMade().text(first, bytes);
    else this.#writerMade().frame(first, bytes);
  }

  /** Sends through the compressor: at once if that is allowed, and otherwise by `work()`. */
  #sendCompressed({ deflater, threshold }: Codec, first: number, message: string | Uint8Array<ArrayBuffer>): void {
    const isFirst = (first & OPCODE_BITS) !== OPCODE.continuation, fin = (first & FIN) !== 0, isWhole = isFirst && fin;
    if (!fin) this.#sending |= RSV1;
    const isText = typeof message === "string", bytes = isText ? encode(message) : message, length = lengthOf(bytes);
    const isPlain = isWhole && length < threshold, writer = this.#writerMade();
    if (this.#queue || !isPlain && this.#options.work?.allows(length) === false) {
      const isOwn = isText && !isScratch(bytes);
      this.#enqueue(first, isOwn ? bytes : sharedSnapshotOf(bytes), !isPlain);
    } else if (isPlain) writer.frame(first, bytes);
    else {
      const plain = isText ? bytes : plainOf(bytes);
      writeCompressed(writer, deflater, first, plain, deflater.compress(plain, fin));
    }
  }

  /** Sends behind what waits to be compressed; the queue owns the bytes from now on. */
  #enqueue(first: number, bytes: Uint8Array<ArrayBuffer>, compresses: boolean): void {
    this.#queue ??= new SendQueue(this.#writerMade(), this.#codec!.deflater);
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
    this.#writerMade().frame(FIN | OPCODE.ping, bytes);
  }

  /** Starts the closing handshake, with a code and a reason that `checkClose()` has passed. */
  close({ closeCode, reason }: WebSocketErrorInit): void {
    if (this.state !== "open") return;
    this.#writeClose(closePayload(closeCode, reason));
    if (this.#owed?.opcode === OPCODE.close) return this.#stop();
    this.state = "closing";
    this.reader.skipMessages();
    this.#freeDeflater();
  }

  /** Our Close frame is the last frame: it goes behind the messages that wait to be compressed. */
  #writeClose(payload: Uint8Array<ArrayBuffer>): void {
    if (this.#queue) this.#queue.push(FIN | OPCODE.close, payload, false);
    else this.#writerMade().frame(FIN | OPCODE.close, payload);
  }

  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#owed?.opcode === OPCODE.pong) {
      this.#writerMade().frame(FIN | OPCODE.pong, this.#owed.payload);
      this.#owed = undefined;
    }
    return this.#writer?.take();
  }

  /** Only what was taken is given back: there is a writer. */
  recycle(bytes: Uint8Array<ArrayBuffer>): void {
    this.#writer!.recycle(bytes);
  }
}

const EMPTY = new Uint8Array();

const OPCODE_BITS = 0x0f;
