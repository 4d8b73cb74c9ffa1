/**
 * The machine: bytes to messages and back under an agreement (RFC 6455 §5–§8), synchronous, without I/O, clock or
 * randomness of its own. Input is pushed with `receive()`, events come out during the call, output is pulled with
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

import { closePayload, parseClose } from "./close.ts";
import { checkClose, type CloseInfo, protocolError, type WebSocketError } from "./errors.ts";
import type { ProtocolFailure } from "./failures.ts";
import { checkLength, checkStart, FIN, type FrameHeader, MAX_HEADER, OPCODE, readHeader } from "./frame.ts";
import { bytesOf, FrameWriter } from "./frame_writer.ts";
import { Gather } from "./gather.ts";
import type { Agreement } from "./handshake.ts";
import { mask, type MaskKeys, maskKeys } from "./mask.ts";
import { decodeText, Utf8Check } from "./utf8.ts";

export type { Agreement, CloseInfo, MaskKeys, ProtocolFailure, WebSocketError };

/** What can be sent: a string as text, any buffer as binary. */
export type Message = string | BufferSource;

/** What the machine has to say; called during `receive()` and `resume()`. */
export interface ProtocolEvents {
  /** A message; the bytes may be a view of the chunk that was received. */
  message(message: string | Uint8Array<ArrayBuffer>): void;
  /** A Pong frame's payload. Pings are answered by the machine. */
  pong?(payload: Uint8Array<ArrayBuffer>): void;
  /** The peer's Close frame; the answer to it is ready to be taken, and nothing more is read. */
  close(info: CloseInfo): void;
  /** The peer broke a rule; a Close frame is ready to be taken, and nothing more is read. */
  fail(error: WebSocketError): void;
}

/** Limits, and where randomness comes from. */
export interface ProtocolOptions {
  /**
   * The longest message that is received, in bytes; a longer one fails with 1009, judged by its frame headers.
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
  /** Gives the key of each frame of a client; by default pooled from `crypto.getRandomValues`. */
  maskKey?: MaskKeys | undefined;
}

/** How a message is sent. */
export interface SendOptions {
  /**
   * `false` when more of the same message follows with the next `send()` (RFC 6455 §5.4). All pieces of a message are
   * strings, or all are buffers.
   *
   * @default {true}
   */
  fin?: boolean | undefined;
}

const pooledKeys = maskKeys((pool) => void crypto.getRandomValues(pool));

/** One end of a WebSocket connection. */
export class Protocol {
  readonly #events: ProtocolEvents;
  readonly #isServer: boolean;
  readonly #maxMessageSize: number;
  readonly #highWaterMark: number;

  #state: "open" | "closing" | "closed" = "open";
  #paused = false;
  #waiting: Uint8Array<ArrayBuffer>[] = [];

  /** The frame being read; `#left` is what is missing of its payload, -1 between frames. */
  readonly #frame: FrameHeader = { fin: false, rsv: 0, opcode: 0, masked: false, length: 0, key: 0 };
  #left = -1;
  #phase = 0;
  readonly #carry = new Uint8Array(MAX_HEADER);
  #carried = 0;

  /** The message being read: its opcode, or 0; and the control frame that came in pieces. */
  #inside = 0;
  readonly #message = new Gather();
  readonly #control = new Gather();
  readonly #utf8 = new Utf8Check();

  readonly #out: FrameWriter;
  /** The opcode of the message of which `send()` has written the beginning, or 0. */
  #sending = 0;
  #pong: Uint8Array | undefined;

  /**
   * Makes a machine.
   *
   * @param agreement What the handshake has settled.
   * @param events Where messages go.
   * @param options Limits.
   */
  constructor(agreement: Agreement, events: ProtocolEvents, options: ProtocolOptions = {}) {
    this.#isServer = agreement.role === "server";
    this.#events = events;
    this.#maxMessageSize = options.maxMessageSize ?? 16 * 2 ** 20;
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
   */
  receive(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#paused || this.#waiting.length > 0) this.#waiting.push(chunk);
    else this.#feed(chunk);
  }

  /** Stops before the next message, also in the middle of a chunk. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on, with what has waited first. */
  resume(): void {
    this.#paused = false;
    for (let chunk; !this.#paused && (chunk = this.#waiting.shift());) this.#feed(chunk);
  }

  #feed(chunk: Uint8Array<ArrayBuffer>): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "closed") {
      if (this.#paused) {
        this.#waiting.unshift(chunk.subarray(at));
        return;
      }
      at = this.#left < 0 ? this.#readHeader(chunk, at) : this.#readPayload(chunk, at);
    }
  }

  #readHeader(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    if (this.#carried === 0) {
      const left = chunk.length - at;
      if (left >= 2 && !this.#checkStart(chunk[at]!, chunk[at + 1]!)) return chunk.length;
      const size = readHeader(chunk, at, chunk.length, this.#frame);
      if (size === 0) {
        this.#carry.set(chunk.subarray(at));
        this.#carried = left;
        return chunk.length;
      }
      this.#beginPayload(chunk[at + 1]!);
      return at + size;
    }
    const carry = this.#carry;
    while (at < chunk.length) {
      carry[this.#carried++] = chunk[at++]!;
      if (this.#carried === 2 && !this.#checkStart(carry[0]!, carry[1]!)) break;
      if (readHeader(carry, 0, this.#carried, this.#frame) > 0) {
        this.#carried = 0;
        this.#beginPayload(carry[1]!);
        break;
      }
    }
    return at;
  }

  #checkStart(first: number, second: number): boolean {
    const failure = checkStart(first, second, this.#isServer, this.#inside !== 0);
    if (failure) this.#fail(failure);
    return !failure;
  }

  #beginPayload(second: number): void {
    const { opcode, length } = this.#frame;
    const failure = checkLength(second, length);
    if (failure) return this.#fail(failure);
    if (opcode < OPCODE.close) {
      if (opcode !== OPCODE.continuation) this.#inside = opcode;
      // §10.4: judged before anything is allocated
      if (this.#state === "open" && this.#message.length + length > this.#maxMessageSize) {
        return this.#fail("message-too-big", `The message has more than ${this.#maxMessageSize} bytes`);
      }
    }
    this.#left = length;
    this.#phase = 0;
    if (length === 0) this.#endPayload(EMPTY);
  }

  #readPayload(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    const frame = this.#frame;
    const end = Math.min(chunk.length, at + this.#left);
    const whole = end - at === frame.length;
    if (frame.masked) this.#phase = mask(chunk, at, end, frame.key, this.#phase);
    this.#left -= end - at;
    if (frame.opcode >= OPCODE.close) {
      if (whole) this.#endPayload(chunk.subarray(at, end));
      else {
        this.#control.add(chunk, at, end, frame.length);
        if (this.#left === 0) this.#endPayload(this.#control.take());
      }
    } else if (this.#state === "closing") {
      if (this.#left === 0) this.#endPayload(EMPTY); // after our Close only the peer's is waited for
    } else if (whole && frame.fin && frame.opcode !== OPCODE.continuation) {
      this.#endPayload(chunk.subarray(at, end));
    } else {
      this.#message.add(chunk, at, end, frame.fin ? this.#message.length + this.#left + end - at : Infinity);
      // §8.1: text is refused as soon as it is wrong, not when the message is whole
      if (this.#inside === OPCODE.text && !this.#utf8.push(chunk, at, end)) this.#fail("text-not-utf8");
      else if (this.#left === 0) this.#endPayload(EMPTY);
    }
    return end;
  }

  /** A frame is whole. `bytes` is the payload of a control frame, or of a message in one frame and one chunk. */
  #endPayload(bytes: Uint8Array<ArrayBuffer>): void {
    const { fin, opcode } = this.#frame;
    this.#left = -1;
    if (opcode === OPCODE.close) this.#endClose(bytes);
    else if (opcode === OPCODE.ping) this.#answerPing(bytes);
    else if (opcode === OPCODE.pong) this.#events.pong?.(bytes);
    else if (fin) {
      const isText = this.#inside === OPCODE.text;
      this.#inside = 0;
      if (this.#state !== "open") return;
      const gathered = this.#message.length > 0;
      if (isText && !this.#utf8.end()) return this.#fail("text-not-utf8");
      const payload = gathered ? this.#message.take() : bytes;
      if (!isText) return this.#events.message(payload);
      const text = decodeText(payload);
      if (text === undefined) return this.#fail("text-not-utf8");
      this.#events.message(text);
    }
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
    this.#waiting = [];
    this.#message.clear();
  }

  // ---- output

  /**
   * Frames a message; it is copied before the call returns. Lone surrogates become U+FFFD.
   *
   * @param message A string becomes text, a buffer binary.
   * @param options Whether it is the end of the message.
   * @throws {DOMException} `InvalidStateError` when the connection is not open.
   * @throws {TypeError} When it is neither, or shared or resizable memory, or of another kind than the piece before.
   */
  send(message: Message, options: SendOptions = {}): void {
    if (this.#state !== "open") {
      throw new DOMException("Cannot send: the connection is not open", "InvalidStateError");
    }
    const opcode = typeof message === "string" ? OPCODE.text : OPCODE.binary;
    const bytes = typeof message === "string" ? message : bytesOf(message);
    if (this.#sending !== 0 && this.#sending !== opcode) {
      throw new TypeError("Cannot send: the pieces of a message must be all strings or all buffers");
    }
    const fin = options.fin ?? true;
    const first = (fin ? FIN : 0) | (this.#sending === 0 ? opcode : OPCODE.continuation);
    this.#sending = fin ? 0 : opcode;
    if (typeof bytes === "string") this.#out.text(first, bytes);
    else this.#out.frame(first, bytes);
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
    this.#message.clear();
  }

  /** The next bytes to write, or `undefined`. They don't change until they are given to {@linkcode recycle}. */
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
