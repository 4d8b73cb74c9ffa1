// Bytes to messages and control frames (RFC 6455 §5, §8.1), cut anywhere. Nothing is consumed before its unit is whole,
// but for payloads, which stream; every rule is judged as soon as its bytes are there. Compressed messages are inflated as
// they come (RFC 7692 §6.2).

import { ByteBuilder } from "../base/byte_builder.ts";
import { copyOf } from "../base/owned_bytes.ts";
import { COPIED } from "../base/tuning.ts";
import { decodeText, Utf8Check } from "../base/utf8.ts";
import { type ProtocolFailure } from "../errors/failures.ts";
import { Inflater } from "./deflate.ts";
import { checkLength, checkStart, type FrameHeader, MAX_HEADER, OPCODE, readHeader } from "./frame_header.ts";
import { mask } from "./mask.ts";

/** What a reader finds; called while it is fed. */
export interface ReaderEvents {
  message(message: string | Uint8Array<ArrayBuffer>): void;
  control(opcode: number, payload: Uint8Array<ArrayBuffer>): void;
  /** A rule is broken: `stop()` is expected. */
  fail(failure: ProtocolFailure, detail?: string): void;
}

const EMPTY = new Uint8Array();

/** See the head of the file. */
export class MessageReader {
  readonly #events: ReaderEvents;
  readonly #masked: boolean;
  readonly #maxMessageSize: number;
  readonly #inflater: Inflater | undefined;
  readonly #inflated: ((bytes: Uint8Array<ArrayBuffer>) => boolean) | undefined;

  #paused = false;
  #feeding = false;
  #skipping = false;
  #stopped = false;
  /** Whether a message is a view of the last chunk. */
  #isLent = false;
  #waiting: Uint8Array<ArrayBuffer>[] | undefined;

  /** The frame being read; `#left` is what is missing of its payload, -1 between frames. */
  readonly #frame: FrameHeader = { fin: false, rsv: 0, opcode: 0, masked: false, length: 0, key: 0 };
  #left = -1;
  #phase = 0;
  /** The beginning of a header that is not yet whole; most connections never need it. */
  #carry: Uint8Array | undefined;
  #carried = 0;

  /** The message being read: its opcode, or 0; and the control frame that came in pieces. */
  #inside = 0;
  /** Whether it is compressed, and how many bytes of it have come. */
  #isCompressed = false;
  #compressedSize = 0;
  readonly #message: ByteBuilder;
  #control: ByteBuilder | undefined;
  /** The check of text in pieces, once there is some. */
  #utf8: Utf8Check | undefined;

  /**
   * @param masked Whether the peer has to mask, as a client has.
   * @param maxMessageSize In bytes, after inflating.
   * @param inflater For compressed messages, if there may be some.
   */
  constructor(events: ReaderEvents, masked: boolean, maxMessageSize: number, inflater?: Inflater) {
    this.#events = events;
    this.#masked = masked;
    this.#maxMessageSize = maxMessageSize;
    this.#inflater = inflater;
    this.#message = new ByteBuilder(maxMessageSize);
    this.#inflated = inflater && ((bytes) => this.#addInflated(bytes));
  }

  /**
   * Takes the next bytes; they are unmasked in place.
   *
   * @returns Whether they are of no more use: no message is a view of them, and none of them wait.
   */
  receive(chunk: Uint8Array<ArrayBuffer>): boolean {
    if (this.#stopped) return false;
    this.#isLent = false;
    if (this.#paused || this.#feeding || this.#waits) {
      (this.#waiting ??= []).push(chunk);
      this.#feedWaiting();
    } else this.#feedWaiting(chunk);
    return !this.#isLent && !this.#waits && !this.#feeding;
  }

  get #waits(): boolean {
    return this.#waiting !== undefined && this.#waiting.length > 0;
  }

  /** Stops before the next frame, also in the middle of a chunk. */
  pause(): void {
    this.#paused = true;
  }

  /** Goes on, with what has waited first. */
  resume(): void {
    this.#paused = false;
    this.#feedWaiting();
  }

  /** From here on messages are passed over: only control frames are looked for. */
  skipMessages(): void {
    this.#skipping = true;
    this.#message.clear();
    this.#inflater?.free();
  }

  /** Reads nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = undefined;
    this.#message.clear();
    this.#inflater?.free();
  }

  #feedWaiting(next?: Uint8Array<ArrayBuffer>): void {
    if (this.#feeding) return; // called by an event: the loop below goes on with it, in order
    this.#feeding = true;
    try {
      if (next) this.#feed(next);
      while (!this.#paused && this.#waits) this.#feed(this.#waiting!.shift()!);
    } finally {
      this.#feeding = false;
    }
  }

  #feed(chunk: Uint8Array<ArrayBuffer>): void {
    let at = 0;
    while (at < chunk.length && !this.#stopped) {
      if (this.#paused) {
        (this.#waiting ??= []).unshift(chunk.subarray(at));
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
        (this.#carry ??= new Uint8Array(MAX_HEADER)).set(chunk.subarray(at));
        this.#carried = left;
        return chunk.length;
      }
      this.#beginPayload(chunk[at + 1]!);
      return at + size;
    }
    const carry = this.#carry!;
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
    const failure = checkStart(first, second, this.#masked, this.#inside !== 0, this.#inflater !== undefined);
    if (failure) this.#events.fail(failure);
    return !failure;
  }

  #beginPayload(second: number): void {
    const { opcode, length, rsv } = this.#frame;
    const failure = checkLength(second, length);
    if (failure) return this.#events.fail(failure);
    if (opcode < OPCODE.close) {
      if (opcode !== OPCODE.continuation) {
        this.#inside = opcode;
        this.#isCompressed = rsv !== 0;
        this.#compressedSize = 0;
      }
      // §10.4: judged before anything is allocated
      if (!this.#skipping && !this.#isCompressed && this.#message.length + length > this.#maxMessageSize) {
        return this.#tooBig();
      }
    }
    this.#left = length;
    this.#phase = 0;
    if (length === 0) this.#endPayload(new Uint8Array()); // a new one: whoever gets it may transfer its buffer
  }

  #tooBig(): void {
    this.#events.fail("message-too-big", `The message has more than ${this.#maxMessageSize} bytes`);
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
        this.#control ??= new ByteBuilder();
        this.#control.add(chunk, at, end, frame.length);
        if (this.#left === 0) this.#endPayload(this.#control.take());
      }
    } else if (this.#skipping) {
      if (this.#left === 0) this.#endPayload(EMPTY); // after our Close only the peer's is waited for
    } else if (this.#isCompressed) {
      this.#compressedSize += end - at;
      if (!this.#inflater!.push(chunk.subarray(at, end), this.#inflated!)) this.#events.fail("deflate-invalid");
      else if (this.#left === 0 && !this.#stopped) this.#endPayload(EMPTY);
    } else if (whole && frame.fin && frame.opcode === OPCODE.text) {
      this.#left = -1;
      this.#inside = 0;
      this.#tellText(decodeText(chunk, at, end)); // of short text no view is made
    } else if (whole && frame.fin && frame.opcode === OPCODE.binary) {
      this.#endPayload(end - at <= COPIED ? copyOf(chunk, at, end) : chunk.subarray(at, end));
    } else {
      this.#message.add(chunk, at, end, frame.fin ? this.#message.length + this.#left + end - at : Infinity);
      // §8.1: text is refused as soon as it is wrong, not when the message is whole
      if (!this.#isText(chunk, at, end)) this.#events.fail("text-not-utf8");
      else if (this.#left === 0) this.#endPayload(EMPTY);
    }
    return end;
  }

  /** Whether the next bytes may stand where they stand, if the message is text. */
  #isText(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#inside !== OPCODE.text || (this.#utf8 ??= new Utf8Check()).push(bytes, start, end);
  }

  /**
   * The next bytes of a compressed message: counted as they come, whatever they came from. What is within the limit is
   * judged before what is beyond it, so that the failure is the same however the input was cut.
   */
  #addInflated(bytes: Uint8Array<ArrayBuffer>): boolean {
    const room = this.#maxMessageSize - this.#message.length, within = Math.min(bytes.length, room);
    if (!this.#isText(bytes, 0, within)) this.#events.fail("text-not-utf8");
    else if (within < bytes.length) this.#tooBig();
    else this.#message.add(bytes, 0, bytes.length, Infinity);
    return !this.#stopped;
  }

  /** A frame is whole. `bytes` is the payload of a control frame, or of a message in one frame and one chunk. */
  #endPayload(bytes: Uint8Array<ArrayBuffer>): void {
    const { fin, opcode } = this.#frame;
    this.#left = -1;
    if (opcode >= OPCODE.close) return this.#events.control(opcode, bytes);
    if (!fin) return;
    const isText = this.#inside === OPCODE.text;
    if (this.#isCompressed && !this.#skipping && !this.#endInflating()) return;
    this.#inside = 0;
    if (this.#skipping) return;
    if (isText && this.#utf8?.end() === false) return this.#events.fail("text-not-utf8");
    const payload = this.#message.length > 0 ? this.#message.take() : bytes === EMPTY ? new Uint8Array() : bytes;
    if (!isText) {
      this.#isLent ||= payload === bytes && bytes.length > COPIED;
      return this.#events.message(payload);
    }
    this.#tellText(decodeText(payload));
  }

  #tellText(text: string | undefined): void {
    if (text === undefined) this.#events.fail("text-not-utf8");
    else this.#events.message(text);
  }

  /** Whether a compressed message ends as it should. */
  #endInflating(): boolean {
    // Some compressors make nothing of an empty message, where one byte is due (RFC 7692 §7.2.3.6)
    if (this.#compressedSize > 0 && !this.#inflater!.end(this.#inflated!)) this.#events.fail("deflate-invalid");
    return !this.#stopped;
  }
}
