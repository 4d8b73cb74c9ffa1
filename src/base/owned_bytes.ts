// Who owns the bytes that pass between the application and the library: they are checked on their way in and copied on
// their way out. A copy that we made carries a mark: if it comes back it is not copied again, and is not checked where
// asking an array for its buffer is slow.

import { ReturnsArgument } from "./returns_argument.ts";
import { BUFFERLESS, compareBytes, COPIED_BY_HAND, LARGE_FROM, raiseMallocThreshold } from "./tuning.ts";

/** Stamps an array as ours alone: nobody else has its buffer, which is neither shared nor resizable. */
class Mark extends ReturnsArgument {
  readonly #isMarked = true;

  static isOn(object: object): boolean {
    return #isMarked in object && object.#isMarked;
  }
}

/** A marked copy of `bytes[start, end)`: whoever gets it may keep it, change it, or transfer its buffer. */
export function copyOf(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array<ArrayBuffer> {
  const copy = end - start <= COPIED_BY_HAND ? copyByHand(bytes, start, end) : bytes.slice(start, end);
  new Mark(copy);
  return copy as Uint8Array<ArrayBuffer>;
}

function copyByHand(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  for (let i = start; i < end; i++) copy[i - start] = bytes[i]!;
  return copy;
}

/** A view of `bytes[start, end)`: `subarray()` takes V8 two to four times as long, since a subclass could make another. */
export function viewOf(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/**
 * Frees the memory of bytes that have all of their buffer, before any garbage collection. Nobody else may have them; who was
 * done with them may have transferred their buffer all the same.
 */
export function free({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): void {
  if (byteLength > 0 && byteOffset === 0 && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Copies the `length` bytes of an array into a buffer, from an offset on. */
export function copyTo(target: Uint8Array, at: number, bytes: Uint8Array, length: number): void {
  if (length > COPIED_BY_HAND) return target.set(bytes, at);
  for (let i = 0; i < length; i++) target[at + i] = bytes[i]!;
}

/** Marks bytes that fill their buffer. The caller must know that nobody else holds the buffer. */
export function markOwn(bytes: Uint8Array<ArrayBuffer>): void {
  new Mark(bytes);
}

/** The bytes themselves if they carry our mark, and otherwise a copy. */
export function ownedOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return Mark.isOn(bytes) ? bytes : copyOf(bytes);
}

/** Whether bytes carry our mark and are still there: a detached array has no length. */
export function isMarked(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  // A look-up that fails takes 20 ns on Node. Views of chunks carry no mark, and begin behind a header: the offset tells
  return bytes.byteOffset === 0 && Mark.isOn(bytes) && lengthOf(bytes) > 0;
}

const getterOf = (prototype: object, name: string) => Object.getOwnPropertyDescriptor(prototype, name)!.get!;

/**
 * The language's own getters. A subclass or Object.defineProperty() may override the properties of a view: to trust a
 * `length` that is too large would send the memory behind the view, which may be another connection's.
 */
const TYPED = Object.getPrototypeOf(Uint8Array.prototype) as object;
const typedLength = getterOf(TYPED, "length"), typedBuffer = getterOf(TYPED, "buffer");
const typedTag = getterOf(TYPED, Symbol.toStringTag as unknown as string);
const typedOffset = getterOf(TYPED, "byteOffset"), typedByteLength = getterOf(TYPED, "byteLength");
const viewBuffer = getterOf(DataView.prototype, "buffer");
const viewOffset = getterOf(DataView.prototype, "byteOffset"),
  viewByteLength = getterOf(DataView.prototype, "byteLength");

/**
 * How many elements a typed array really has, whatever its `length` says. The elements themselves can't be overridden, and
 * asking them is cheaper than calling the getter: a length that is believed is never longer than the array.
 */
export function lengthOf(bytes: Uint8Array): number {
  const { length } = bytes, isSure = length === bytes.byteLength && (length === 0 || bytes[length - 1] !== undefined);
  return isSure ? length : typedLength.call(bytes);
}

/** An array of the same bytes whose properties and methods are the language's own. */
export function plainOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(typedBuffer.call(bytes), typedOffset.call(bytes), typedLength.call(bytes));
}

/** A copy of an array whose properties are not trusted. Not by `new Uint8Array(bytes)`, which takes V8 thirty times as long. */
export function snapshotOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = lengthOf(bytes);
  if (length >= LARGE_FROM) raiseMallocThreshold();
  const copy = new Uint8Array(length);
  copy.set(bytes);
  return copy;
}

/** From this size on a copy is shared. */
const SHARED_FROM = 4096;

/** The last copy that may be shared, as long as somebody has it. */
let shared: WeakRef<Uint8Array<ArrayBuffer>> | undefined;

/**
 * The same, but calls in a row that bring the same bytes share one copy, as when a message is sent to many: comparing takes
 * a fraction of the time, and the memory of one. Nobody may write to the copy.
 */
export function sharedSnapshotOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (!compareBytes || lengthOf(bytes) < SHARED_FROM) return snapshotOf(bytes);
  const last = shared?.deref();
  if (last && compareBytes(last, plainOf(bytes as Uint8Array<ArrayBuffer>)) === 0) return last;
  const copy = snapshotOf(bytes);
  shared = new WeakRef(copy);
  return copy;
}

/**
 * An `ArrayBuffer`, or a view of one: the type that browsers and Deno have under this name, for where there is none, as in
 * the types of Node.
 *
 * @example The bytes of numbers
 * ```ts
 * import { type BufferSource, Protocol } from "@handfast/websocket/protocol";
 * import { assertEquals } from "@std/assert";
 *
 * const machine = new Protocol({ role: "server", protocol: "", extensions: "" }, { message() {}, close() {}, fail() {} });
 * const numbers: BufferSource = Float32Array.of(1, 2);
 * machine.ping(numbers);
 *
 * assertEquals(machine.take()![1], 8); // the length, in the header of the frame
 * ```
 */
export type BufferSource = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/**
 * The bytes of a buffer to send. They are the caller's: they may change after the call, and their properties may lie
 * ({@linkcode lengthOf}, {@linkcode plainOf}).
 *
 * @throws {TypeError} When it is not a buffer, or is shared, resizable or detached, as for WebIDL's BufferSource.
 */
export function bytesOf(source: BufferSource): Uint8Array<ArrayBuffer> {
  const isView = ArrayBuffer.isView(source), isBytes = isView && source instanceof Uint8Array;
  if (isBytes && source.length <= BUFFERLESS && isMarked(source)) return source;
  if (isBytes) {
    checkBuffer(source.buffer, source.byteLength); // if these lie, nothing is sent that is not in the array
    return source as Uint8Array<ArrayBuffer>;
  }
  if (!isView) {
    checkBuffer(source, 0);
    return new Uint8Array(source as ArrayBuffer);
  }
  const isData = typedTag.call(source) === undefined, length = isData ? viewByteLength : typedByteLength;
  const buffer: unknown = (isData ? viewBuffer : typedBuffer).call(source);
  checkBuffer(buffer, 0);
  return new Uint8Array(buffer, (isData ? viewOffset : typedOffset).call(source), length.call(source));
}

/** @param length Of a view of it. A detached view has length 0, so a length above 0 skips the check. */
function checkBuffer(buffer: unknown, length: number): asserts buffer is ArrayBuffer {
  if (!(buffer instanceof ArrayBuffer)) {
    throw new TypeError("Cannot send: a message must be a string, an ArrayBuffer or a view of one");
  }
  if (buffer.resizable) throw new TypeError("Cannot send: the buffer is resizable");
  if (length === 0 && buffer.detached) throw new TypeError("Cannot send: the buffer is detached");
}
