// Chunks of bytes, cut anywhere, to messages and control frames (RFC 6455 §5, §8.1). A header and a control frame are
// read once they are whole; the payloads of messages stream. Every rule is checked as soon as the bytes that can break
// it are there. Compressed messages are inflated as they come (RFC 7692 §6.2).

import { ByteBuilder } from "../base/byte_builder.ts";
import { copyOf, viewOf } from "../base/owned_bytes.ts";
import { COPIED } from "../base/tuning.ts";
import { decodeText } from "../base/utf8.ts";
import type { ProtocolFailure } from "../errors/failures.ts";
import { FrameReader } from "./frame_reader.ts";
import { type Inflater, type InflateSink, sliceOfWork, type Work } from "./deflate.ts";
import { checkLength, checkStart, OPCODE } from "./frame_header.ts";
import { mask } from "./mask.ts";
import { MessageBuilder } from "./message_builder.ts";
import type { MessageEvents, ReaderEvents } from "./reader_events.ts";
import { type PieceEvents, StreamedMessage, type StreamLimits } from "./streamed_message.ts";

/** Reads what one peer sends. */
export class MessageReader extends FrameReader {
  readonly #events: ReaderEvents;
  readonly #masked: boolean;
  readonly #inflater: Inflater | undefined;
  readonly #inflateSink: InflateSink | undefined;
  /** The budget for inflating; without one, everything is inflated at once. */
  #work: Work | undefined;
  /** What limits inflating: the budget, and that nothing is inflated for a message in pieces while that is paused. */
  readonly #inflateWork: Work | undefined;
  /** Whether it is a large message that waits to be joined. */
  #isJoining = false;
  #skipping = false;
  #maskPhase = 0;
  /** The beginning of a control frame that was cut. */
  #partialControl: ByteBuilder | undefined;
  /** The message being read: the opcode of its first frame, or 0 between messages. */
  #messageOpcode = 0;
  #isCompressed = false;
  /** How many bytes of a compressed message have come. */
  #compressedSize = 0;
  readonly #maxMessageSize: number;
  /** Where messages are handed over in pieces. */
  readonly #streamed: StreamedMessage | undefined;
  /** Larger messages are handed over in pieces, or fail; below 0 all are. */
  readonly #wholeUpTo: number;
  /** Whether the message being read is handed over in pieces. */
  #isStreaming = false;
  /** How many messages have ended. */
  #ended = 0;
  /** The bytes so far of a message that is not one frame in one chunk; made for the first of them. */
  #message: MessageBuilder | undefined;

  /** @param masked Whether the peer must mask its frames, as a client must. */
  constructor(
    events: ReaderEvents,
    masked: boolean,
    maxMessageSize: number,
    inflater?: Inflater,
    work?: Work,
    { streamAbove = Infinity, maxStreamedSize = Infinity }: Partial<StreamLimits> = {},
  ) {
    super();
    this.#events = events;
    this.#masked = masked;
    this.#inflater = inflater;
    this.#work = work;
    this.#maxMessageSize = maxMessageSize;
    this.#inflateSink = inflater && ((bytes) => this.#addInflated(bytes));
    this.#wholeUpTo = streamAbove === 0 ? -1 : Math.min(streamAbove, maxMessageSize);
    if (streamAbove === Infinity) return;
    this.#streamed = new StreamedMessage(events.messages as MessageEvents & PieceEvents, maxStreamedSize);
    this.#inflateWork = inflater && {
      allows: (bytes) => !(this.#isStreaming && this.isPaused) && this.#work?.allows(bytes) !== false,
      spend: (bytes) => this.#work?.spend(bytes),
    };
  }

  /** Whether it keeps nothing that another reader would not begin with. */
  get isResting(): boolean {
    return this.isBetweenFrames && this.#messageOpcode === 0 && !this.#skipping;
  }

  /** Goes on, first with what came while paused. */
  resume(): void {
    this.isPaused = false;
    const mayGoOn = this.#isStreaming && this.#work?.allows(0) !== false; // it was behind only since it was paused
    if (this.isBehind && !mayGoOn) this.#events.onBehind();
    else this.feedAll();
  }

  /** Throws away what is still to come of a message that is handed over in pieces. */
  discard(): void {
    if (this.#isStreaming) this.#streamed!.isDiscarded = true;
  }

  /** Which message has begun and not ended; 0 between messages, and where they are thrown away. */
  get messageUnderWay(): number {
    return this.#messageOpcode === 0 || this.#skipping ? 0 : this.#ended + 1;
  }

  /** Whether `work()` has something to do: not while paused, for a message may end there. */
  get hasWork(): boolean {
    return this.isBehind && !this.isPaused;
  }

  /** Inflates a slice of what waits. */
  work(): void {
    if (!this.hasWork || this.isFeeding) return;
    const ofTurn = this.#work;
    this.#work = sliceOfWork();
    try {
      this.feedAll();
    } finally {
      this.#work = ofTurn;
    }
  }

  /** From now on only control frames are reported. Messages still have to keep the rules of framing. */
  skipMessages(): void {
    this.#skipping = true;
    this.discard();
    this.#message?.clear();
    this.#inflater?.free();
  }

  override stop(): void {
    this.skipMessages();
    super.stop();
  }

  protected override checkStart(first: number, second: number): boolean {
    const isFragmented = this.#messageOpcode !== 0, deflates = this.#inflater !== undefined;
    const failure = checkStart(first, second, this.#masked, isFragmented, deflates);
    if (failure) this.#fail(failure);
    return !failure;
  }

  /** The header is whole, and `second` is its second byte. */
  protected override beginPayload(second: number): void {
    const { opcode, length, rsv } = this.frame;
    const failure = checkLength(second, length);
    if (failure) return this.#fail(failure);
    if (opcode < OPCODE.close) {
      if (opcode !== OPCODE.continuation) {
        this.#messageOpcode = opcode;
        this.#isCompressed = rsv !== 0;
        this.#compressedSize = 0;
      }
      // §10.4: refused before any memory is taken for it
      const isCounted = !this.#skipping && (!this.#isCompressed || this.#wholeUpTo < 0);
      const total = (this.#message === undefined ? 0 : this.#message.length) + length;
      if (isCounted && (total > this.#wholeUpTo || this.#isStreaming)) this.#beginLarge(length);
      if (this.isStopped) return;
    }
    this.left = length;
    this.#maskPhase = 0;
    if (length > 0) return;
    if (opcode < OPCODE.close) this.#endFrame();
    else this.#endControl(new Uint8Array());
  }

  /** A frame makes the message too large to be a whole one: begins to hand it over in pieces, if it may be so long. */
  #beginLarge(length: number): void {
    const streamed = this.#streamed;
    if (!streamed) return this.#fail(this.#gathered().tooBig(), this.#message!.detail);
    const before = this.#isStreaming ? streamed.length : this.#message?.length ?? 0;
    const failure = (this.#isCompressed ? undefined : streamed.check(before + length)) ?? this.#beginStreaming();
    if (failure) this.#fail(failure, streamed.detail);
  }

  #fail(failure: ProtocolFailure, detail?: string): void {
    this.onFed();
    if (!this.isStopped) this.#events.onFailure(failure, detail);
  }

  protected override onFed(): void {
    if (this.#isStreaming) this.#streamed!.flush();
  }

  /** From here on the message is handed over in pieces, first what was gathered of it. */
  #beginStreaming(): ProtocolFailure | undefined {
    if (this.#isStreaming) return undefined;
    this.#isStreaming = true;
    const streamed = this.#streamed!, gathered = this.#message;
    streamed.begin(this.#messageOpcode === OPCODE.text);
    if (!gathered || gathered.length === 0) return undefined;
    const bytes = gathered.giveUp();
    if (bytes) return streamed.add(bytes, 0, bytes.length);
    streamed.detail = gathered.detail;
    return gathered.failure;
  }

  /** Hands over what came next of a message. Returns whether to go on. */
  #addStreamed(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): boolean {
    const streamed = this.#streamed!, failure = this.#beginStreaming() ?? streamed.add(bytes, start, end);
    if (failure) this.#fail(failure, streamed.detail);
    return !failure && !this.isStopped;
  }

  /** Reads what the chunk has of the payload; returns where the rest of the chunk begins. */
  protected override readPayload(chunk: Uint8Array<ArrayBuffer>, at: number): number {
    const frame = this.frame;
    let end = Math.min(chunk.length, at + this.left);
    if (this.#isStreaming) end = Math.min(end, at + this.#streamed!.room); // between pieces it may be paused
    if (frame.masked) this.#maskPhase = mask(chunk, at, end, frame.key, this.#maskPhase);
    this.left -= end - at;
    if (frame.opcode >= OPCODE.close) this.#readControl(chunk, at, end);
    else if (this.#skipping) {
      if (this.left === 0) this.#endFrame();
    } else if (this.#isCompressed) {
      this.#compressedSize += end - at;
      this.#onInflated(
        this.#inflater!.push(chunk.subarray(at, end), this.#inflateSink!, this.#inflateWork ?? this.#work),
      );
    } else if (this.#isStreaming) {
      if (this.#addStreamed(chunk, at, end) && this.left === 0) this.#endFrame();
    } else if (frame.fin && frame.opcode !== OPCODE.continuation && end - at === frame.length) {
      this.#readWhole(chunk, at, end);
    } else this.#readPiece(chunk, at, end);
    return end;
  }

  #readControl(chunk: Uint8Array<ArrayBuffer>, at: number, end: number): void {
    const { length } = this.frame;
    if (end - at === length) return this.#endControl(chunk.subarray(at, end));
    const partial = this.#partialControl ??= new ByteBuilder();
    partial.add(chunk, at, end, length);
    if (this.left === 0) this.#endControl(partial.take());
  }

  #endControl(payload: Uint8Array<ArrayBuffer>): void {
    this.left = -1;
    this.onFed(); // what came before it is told before it
    this.#events.onControl(this.frame.opcode, payload);
  }

  /** A message in one frame and one chunk, as nearly all are: it is not gathered in a buffer. */
  #readWhole(chunk: Uint8Array<ArrayBuffer>, at: number, end: number): void {
    this.left = -1;
    this.#messageOpcode = 0;
    this.#ended++;
    if (this.frame.opcode === OPCODE.text) {
      const text = decodeText(chunk, at, end); // needs no view
      return text === undefined ? this.#fail("text-not-utf8") : this.#events.messages.onMessage(text);
    }
    const { messages } = this.#events, isCopied = end - at <= COPIED || messages.isStreaming;
    if (!isCopied) this.isLent = true;
    messages.onMessage(isCopied ? copyOf(chunk, at, end) : viewOf(chunk, at, end));
  }

  /** What gathers the message being read. */
  #gathered(): MessageBuilder {
    const message = this.#message ??= new MessageBuilder(this.#maxMessageSize);
    message.isText = this.#messageOpcode === OPCODE.text;
    return message;
  }

  #readPiece(chunk: Uint8Array, at: number, end: number): void {
    const message = this.#gathered(), total = message.length + end - at + this.left;
    const failure = message.addPiece(chunk, at, end, this.frame.fin ? total : Infinity);
    if (failure) this.#fail(failure, message.detail);
    else if (this.left === 0) this.#endFrame();
  }

  /** Goes on where inflating has stopped, or joining what was inflated. */
  protected override goOn(): void {
    const wasJoining = this.#isJoining;
    this.isBehind = this.#isJoining = false;
    if (wasJoining) this.#endMessage();
    else if (!this.#skipping) {
      this.#onInflated(this.#inflater!.goOn(this.#inflateSink!, this.#inflateWork ?? this.#work));
    } else if (this.left === 0) this.#endFrame();
  }

  #onInflated(isValid: boolean): void {
    this.isBehind = this.#inflater!.isBehind;
    if (!isValid) this.#fail("deflate-invalid");
    else if (this.isBehind && !this.isPaused) this.#events.onBehind();
    else if (this.isBehind) return;
    else if (this.left === 0 && !this.isStopped) this.#endFrame();
  }

  #addInflated(bytes: Uint8Array<ArrayBuffer>): boolean {
    const isLarge = this.#streamed && (this.#message?.length ?? 0) + bytes.length > this.#wholeUpTo;
    if (isLarge || this.#isStreaming) {
      const kept = this.#isStreaming ? bytes : copyOf(bytes); // an event may inflate something else
      const goesOn = this.#addStreamed(kept, 0, kept.length);
      this.onFed(); // the next step overwrites the bytes
      return goesOn && !this.#skipping && !this.isStopped;
    }
    const message = this.#gathered(), failure = message.addInflated(bytes);
    if (failure) this.#fail(failure, message.detail);
    return !failure;
  }

  /** A frame of a message is whole. */
  #endFrame(): void {
    this.left = -1;
    if (!this.frame.fin) return;
    if (this.#skipping || !this.#isCompressed || this.#endInflating()) this.#endMessage();
  }

  /** Whether a compressed message ends as it should. */
  #endInflating(): boolean {
    // Some compressors write nothing for an empty message, where one byte is due (RFC 7692 §7.2.3.6)
    if (this.#compressedSize > 0 && !this.#inflater!.end(this.#inflateSink!)) this.#fail("deflate-invalid");
    return !this.isStopped;
  }

  #endMessage(): void {
    this.#ended++;
    if (this.#isStreaming) return this.#endStreamed();
    const gathered = this.#gathered();
    if (this.#work && !this.#skipping && !gathered.prepareWithin(this.#work)) {
      this.isBehind = this.#isJoining = true;
      return this.#events.onBehind();
    }
    this.#messageOpcode = 0;
    if (this.#skipping) return;
    const message = gathered.finish();
    if (message === undefined) this.#fail(gathered.failure!, gathered.detail);
    else gathered.tell(message, this.#events.messages);
  }

  #endStreamed(): void {
    this.#messageOpcode = 0;
    this.#isStreaming = false;
    const failure = !this.#skipping && this.#streamed!.end();
    if (failure) this.#fail(failure);
  }
}
