// Measured figures: what is fastest differs between the runtimes. No other file asks which runtime this is for the sake of
// speed, and nothing but speed depends on the answer here.

import { sha1 } from "./sha1.ts";

const isDeno = "Deno" in globalThis, isBun = "Bun" in globalThis;

/** What is used of Node's modules, which are asked for only when they are used. */
interface NodeModules {
  "node:buffer": { isUtf8?(bytes: Uint8Array): boolean };
  "node:crypto": { hash?(algorithm: "sha1", text: string, encoding: "base64"): string };
  "node:http": { websocketUnmask?(payload: Uint8Array, key: Uint8Array): void };
}

/** Asked for only when it is used, too: Deno takes 11 ms to make it. */
const anyProcess = () =>
  (globalThis as {
    process?: {
      readonly versions?: { readonly node?: string };
      getBuiltinModule?<Name extends keyof NodeModules>(name: Name): NodeModules[Name];
    };
  }).process;

const nodeProcess = isDeno || isBun ? undefined : anyProcess(), nodeVersion = nodeProcess?.versions?.node ?? "";

/**
 * Text of up to this many bytes is first tried as ASCII, without a TextDecoder: a call of that takes 280 ns on Deno, 75 on
 * Node and 40 on Bun, where the copy that it needs takes as long again.
 */
export const SHORT_TEXT = isDeno ? 128 : isBun ? 64 : 40;

/** Makes text of `this[start, end)`. */
type Slice = (this: Uint8Array, start: number, end: number) => string;

/** Writes text to `this[start, start + length)`; gives how many bytes it took. */
type Write = (this: Uint8Array, text: string, start: number, length: number) => number;

/** What is used of Node's `Buffer`, where the runtime has it, or something in its place, which may lack any of it. */
const { Buffer } = globalThis as {
  Buffer?: {
    readonly prototype?: { readonly latin1Slice?: Slice; readonly utf8Slice?: Slice; readonly utf8Write?: Write };
    byteLength?(text: string): number;
    compare?(a: Uint8Array, b: Uint8Array): number;
  };
};

/** Makes a string of ASCII bytes, where the runtime has something faster than a list of character codes. */
export const asciiSlice: Slice | undefined = isBun ? Buffer?.prototype?.latin1Slice : undefined;

/**
 * Makes a string of Latin-1, where that and counting its bytes as UTF-8, to see whether it is ASCII, is the fastest for what
 * is longer: 1 KiB of ASCII takes Deno 0.19 µs so, and 0.8 with a TextDecoder.
 */
export const latin1Slice: Slice | undefined = isDeno ? Buffer?.prototype?.latin1Slice : undefined;

/**
 * Decodes UTF-8, with U+FFFD for what is not valid, where that is faster than a TextDecoder: 1 KiB that is not ASCII takes
 * Node 0.22 µs for 0.57, and Deno 0.6 for 1.1. Bun takes as long for both.
 */
export const utf8Slice: Slice | undefined = isBun ? undefined : Buffer?.prototype?.utf8Slice;

/**
 * Encodes UTF-8, where that is faster than a TextEncoder and the view that it needs: at 1 KiB of ASCII 49 ns for 80 on Node
 * and 34 for 62 on Bun, and of other Latin-1 59 for 481 on Node. Deno takes as long for both. That of Node 22.7 writes Latin-1
 * as it is, once it has been called some thousand times: that is no UTF-8.
 */
export const utf8Write: Write | undefined = isDeno || nodeVersion.startsWith("22.7.")
  ? undefined
  : Buffer?.prototype?.utf8Write;

/** The bytes of text of up to this length are counted one by one: calling {@linkcode countBytes} takes longer. */
export const COUNTED_BY_HAND = 64;

/** How many bytes text takes as UTF-8, where the runtime can tell without encoding it. */
export const countBytes: ((text: string) => number) | undefined = Buffer?.byteLength;

/**
 * Compares two arrays, 0 for the same bytes: 4 µs for 200 kB, where a copy in memory that was not in use takes 50 to 800.
 * `undefined` where the runtime has nothing as fast.
 */
export const compareBytes: ((a: Uint8Array, b: Uint8Array) => number) | undefined = Buffer?.compare;

/** Up to this many bytes are copied one by one: at 20 bytes Bun's `set()` and `slice()` take 6 to 12 ns more. */
export const COPIED_BY_HAND = isBun ? 32 : 0;

/** A payload of up to this many bytes is copied out of its chunk: a view, and the buffer object it needs, take longer. */
export const COPIED = isBun ? 256 : 0;

/** The same for output, which is copied out of its slab. */
export const COPIED_OUT = isBun ? 512 : 0;

/**
 * A typed array of up to this many bytes that was not made from a buffer gets its buffer object when somebody asks for it,
 * and that costs as much as everything else that is done for a message.
 */
export const BUFFERLESS = isBun ? Infinity : isDeno ? 0 : 64;

/** A buffer of its own with the bytes of a view: `slice()` takes V8 half as long again, and `set()` takes Bun twice as long. */
export const ownBuffer: (bytes: Uint8Array<ArrayBuffer>) => ArrayBuffer = isBun
  ? ({ buffer, byteOffset, length }) => buffer.slice(byteOffset, byteOffset + length)
  : (bytes) => {
    const buffer = new ArrayBuffer(bytes.length);
    new Uint8Array(buffer).set(bytes);
    return buffer;
  };

/** From this size on a buffer is large to the C library. */
export const LARGE_FROM = 8192;

/** On Deno and Node, until it is raised. */
let isThresholdLow = !isBun;

/**
 * Call this before the buffer of a large message is allocated. glibc's malloc, under Deno and Node, gives freed memory back
 * to the system, and faulting its pages in again is most of what a message of 64 KiB costs. Freeing one block of 28 MiB
 * raises glibc's dynamic mmap threshold, and the trim threshold to twice that: from then on large buffers are reused. The
 * block itself is never touched, and so never takes memory. Not for a buffer that grows in many steps, as for a compressed
 * message: malloc would keep the smaller ones too.
 */
export function raiseMallocThreshold(): void {
  if (!isThresholdLow) return;
  isThresholdLow = false;
  try {
    new ArrayBuffer(28 * 2 ** 20).transfer(0);
  } catch {
    // The process may not have that much address space: the threshold stays as it is
  }
}

/** From this many bytes on, a masking key is applied word by word: that saves more than the view of words costs. */
export const WORDS_FROM = isBun ? 192 : 64;

/** Whether the words have 64 bits: that is twice as fast on Deno and Node, and a hundred times slower on Bun. */
export const WIDE_WORDS = !isBun;

/** Whether a TCP socket of `node:net` has mostly written when `write()` returns, so that no callback need be waited for. */
export const WRITES_AT_ONCE = !isBun && !isDeno;

/**
 * From so many bytes on the memory of what a socket has read is freed as soon as nobody has it: 64 KiB messages 28 k a
 * second for 24 on Bun, 22 for 15 on Node. At 16 KiB that is slower on Bun.
 */
export const FREED_FROM = isBun ? 32768 : 4096;

/** The same of a socket of `node:net`. */
export const NODE_SOCKET_FREED_FROM = isBun || isDeno ? Infinity : FREED_FROM;

/** Whether asking for the runtime's `MessageEvent` or `CloseEvent` loads all of its `fetch()`: 25 to 60 ms on Node. */
export const EVENTS_LOAD_FETCH = !isBun && !isDeno;

let nodeBuffer: NodeModules["node:buffer"] | undefined;

/** Text in pieces of up to this many bytes is checked byte by byte: asking the runtime takes up to 100 ns. */
export const CHECKED_BY_HAND = 256;

/**
 * Whether bytes are valid UTF-8, where the runtime can tell without decoding them: 64 KiB take 1 to 4 µs, and ASCII byte by
 * byte 50.
 */
export function nativeIsUtf8(): ((bytes: Uint8Array) => boolean) | undefined {
  return (nodeBuffer ??= anyProcess()?.getBuiltinModule?.("node:buffer"))?.isUtf8;
}

let nodeCrypto: NodeModules["node:crypto"] | undefined;

/**
 * SHA-1 of ASCII text, in base64, at once: 0.4 µs by Node's module on Node and Bun, 1.6 by ours on Deno, where that module
 * makes a stream for each digest, which survives until the next full collection. `crypto.subtle` goes through another
 * thread, and takes 24 µs of CPU time on Node, 10 on Deno and 2 on Bun.
 */
export function fastSha1(): (text: string) => string {
  if (!isDeno) nodeCrypto ??= anyProcess()?.getBuiltinModule?.("node:crypto");
  return nodeCrypto?.hash ? runtimeSha1 : sha1;
}

function runtimeSha1(text: string): string {
  return nodeCrypto!.hash!("sha1", text, "base64");
}

/**
 * From so many bytes on Node ≥ 26.12 masks faster than we do: 65 ns for 89 at 1 KiB, 1.3 µs for 4.2 at 64 KiB; at 512 bytes
 * both take 57, and below that a call costs more than the work.
 */
export const NATIVE_MASK_FROM = Number.parseInt(nodeVersion, 10) >= 26 ? 513 : Infinity;

/** Node's own masking, in place; `undefined` where it has none. */
export function nodeMask(): NodeModules["node:http"]["websocketUnmask"] {
  return nodeProcess?.getBuiltinModule?.("node:http").websocketUnmask;
}
