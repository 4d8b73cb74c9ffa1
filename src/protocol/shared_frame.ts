// Frames that many connections write. A server's frames are not masked, so that all of its connections can write the very
// same bytes. And where several such frames go to many connections in one turn, they are joined once, for all of them.

import { headerSizeFor, writeHeader } from "./frame_header.ts";
import { bufferOf } from "./slabs.ts";

/** Up to this many bytes frames are joined. */
const MOST = 65535;

/** A buffer with room behind what is used of it. What is used may be being written, and stays as it is. */
interface Room {
  readonly buffer: Uint8Array<ArrayBuffer>;
  used: number;
}

/** Bytes that many outboxes share: nobody may write to them. */
export class SharedBytes {
  bytes: Uint8Array<ArrayBuffer>;
  #room: Room | undefined;

  protected constructor(bytes: Uint8Array<ArrayBuffer>, room?: Room) {
    this.bytes = bytes;
    this.#room = room;
  }

  /** An outbox has them no more: it has written them, or copied them to put something behind them. */
  onLeft(): void {}

  /** The room with these bytes and others behind them: the same one, if there is enough of it, so that they are copied once. */
  #with(bytes: Uint8Array<ArrayBuffer>): Room {
    const at = this.bytes.length, end = at + bytes.length;
    let room = this.#room;
    if (!room || room.used !== at || room.buffer.length < end) {
      room = { buffer: bufferOf(Math.min(2 * end, MOST)), used: at };
      room.buffer.set(this.bytes);
    }
    room.buffer.set(bytes, at);
    room.used = end;
    return room;
  }

  /** These bytes and others behind them. */
  protected join(bytes: Uint8Array<ArrayBuffer>): SharedBytes {
    const room = this.#with(bytes);
    return new SharedBytes(room.buffer.subarray(0, room.used), room);
  }

  /** Puts others behind these bytes, for everybody who has these. */
  protected append(bytes: Uint8Array<ArrayBuffer>): void {
    const room = this.#room = this.#with(bytes);
    this.bytes = room.buffer.subarray(0, room.used);
  }

  /** {@linkcode join} of any. */
  protected static join(before: SharedBytes, bytes: Uint8Array<ArrayBuffer>): SharedBytes {
    return before.join(bytes);
  }
}

/** A whole frame. */
export class SharedFrame extends SharedBytes {
  /** Its first byte: FIN, RSV1 and the opcode. */
  readonly first: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** What it was last joined to, and the result: the next connection has most likely the same before it. */
  #before: SharedBytes | undefined;
  #joined: SharedBytes | undefined;

  /** @param payload It is copied. */
  constructor(first: number, payload: Uint8Array, length: number) {
    const at = headerSizeFor(length, false), size = at + length;
    const bytes = bufferOf(size);
    writeHeader(bytes, 0, first, length);
    bytes.set(payload, at);
    super(bytes);
    this.first = first;
    this.payload = bytes.subarray(at);
  }

  /** Other shared bytes and this frame behind them, as one; `undefined` if that would be too long. */
  behind(before: SharedBytes): SharedBytes | undefined {
    if (this.#before === before) return this.#joined;
    if (before.bytes.length + this.bytes.length > MOST) return undefined;
    if (!this.#before) remember(this);
    this.#before = before;
    return this.#joined = SharedBytes.join(before, this.bytes);
  }

  /** Forgets what it was joined to: a message may be kept for long, and sent again. */
  forget(): void {
    this.#before = this.#joined = undefined;
  }
}

/**
 * The frames that a group sends in one turn, as long as they are all that its members have to write: then another one is
 * added once, for all of them.
 */
export class Burst extends SharedBytes {
  /** In how many outboxes it is. */
  holders = 0;
  readonly #onBroken: (burst: Burst) => void;

  /**
   * @param frame Its first frame.
   * @param onBroken Called when one of the outboxes has it no more: then nothing may be added, and nobody need keep it.
   */
  constructor(frame: SharedFrame, onBroken: (burst: Burst) => void) {
    super(frame.bytes);
    this.#onBroken = onBroken;
  }

  override onLeft(): void {
    this.holders--;
    this.#onBroken(this);
  }

  /** Adds a frame, while it is in all of the outboxes that it has been put into. Returns whether there was room for it. */
  add({ bytes }: SharedFrame): boolean {
    if (!Burst.hasRoom(this.bytes.length + bytes.length)) return false;
    this.append(bytes);
    return true;
  }

  /** Whether a burst may have so many bytes. */
  static hasRoom(bytes: number): boolean {
    return bytes <= MOST;
  }
}

/** The frames that were joined last, whatever to: a few, so that what they keep alive is bounded. */
const recent: SharedFrame[] = [];

const MOST_RECENT = 8;

function remember(frame: SharedFrame): void {
  if (recent.push(frame) > MOST_RECENT) recent.shift()!.forget();
}
