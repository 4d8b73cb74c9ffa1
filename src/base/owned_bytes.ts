// Buffers between the application and us: checked on their way in, copied on their way out. Our copies are marked: they
// need not be copied again, nor, where asking an array for its buffer takes long, be checked again.

import { BUFFERLESS, COPIED_BY_HAND } from "./tuning.ts";

/** Gives its argument back, so that a private field can be put on it. */
class Given {
  constructor(object: object) {
    return object;
  }
}

/** On what is ours alone, which is neither shared nor resizable. */
class Mark extends Given {
  readonly #isMarked = true;

  static isOn(object: object): boolean {
    return #isMarked in object && object.#isMarked;
  }
}

/** A copy of `bytes[start, end)` that nobody else has: whoever gets it may keep it, change it, or transfer its buffer. */
export function copyOf(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array<ArrayBuffer> {
  const copy = end - start <= COPIED_BY_HAND ? copiedByHand(bytes, start, end) : bytes.slice(start, end);
  new Mark(copy);
  return copy as Uint8Array<ArrayBuffer>;
}

function copiedByHand(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  for (let i = start; i < end; i++) copy[i - start] = bytes[i]!;
  return copy;
}

/** Copies bytes to where they are wanted. */
export function copyTo(target: Uint8Array, at: number, bytes: Uint8Array): void {
  if (bytes.length > COPIED_BY_HAND) return target.set(bytes, at);
  for (let i = 0; i < bytes.length; i++) target[at + i] = bytes[i]!;
}

/** Says that nobody else has the buffer of bytes that are all of it. Their size alone does not say so. */
export function markOwn(bytes: Uint8Array<ArrayBuffer>): void {
  new Mark(bytes);
}

/** Bytes that nobody else has: a copy, unless they are known to be such. */
export function ownedOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return Mark.isOn(bytes) ? bytes : copyOf(bytes);
}

/** Whether bytes are known to be ours alone, and still there: what is detached has none. */
function isMarked(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  // To look for a mark in vain takes Node 20 ns: views of chunks have none, and begin behind a header
  return bytes.byteOffset === 0 && bytes.length > 0 && Mark.isOn(bytes);
}

/** The bytes of a buffer, which must be neither shared nor resizable nor detached, as in WebIDL's BufferSource. */
export function bytesOf(source: BufferSource): Uint8Array<ArrayBuffer> {
  const isView = ArrayBuffer.isView(source), isBytes = isView && source instanceof Uint8Array;
  if (isBytes && source.length <= BUFFERLESS && isMarked(source)) return source;
  const buffer = isView ? source.buffer : source;
  if (!(buffer instanceof ArrayBuffer)) {
    throw new TypeError("Cannot send: a message must be a string, an ArrayBuffer or a view of one");
  }
  if (buffer.resizable) throw new TypeError("Cannot send: the buffer is resizable");
  if (source.byteLength === 0 && buffer.detached) throw new TypeError("Cannot send: the buffer is detached");
  if (isBytes) return source as Uint8Array<ArrayBuffer>;
  return isView ? new Uint8Array(buffer, source.byteOffset, source.byteLength) : new Uint8Array(buffer);
}
