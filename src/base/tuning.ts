// What was measured to be fastest on each runtime, and differs: nothing else asks which one this is, and nothing but speed
// hangs on the answer.

const isDeno = "Deno" in globalThis, isBun = "Bun" in globalThis;

/**
 * Up to this many bytes, text is first taken for ASCII: a call of a decoder takes 280 ns on Deno, 75 on Node, and on Bun
 * 40, and as much again for the copy that it needs.
 */
export const SHORT_TEXT = isDeno ? 128 : isBun ? 64 : 40;

/** Makes a string of bytes that are known to be ASCII, where there is something faster than a list of their codes. */
export const asciiSlice: ((this: Uint8Array, start: number, end: number) => string) | undefined = isBun
  ? (globalThis as { Buffer?: { prototype: { latin1Slice(start: number, end: number): string } } })
    .Buffer?.prototype.latin1Slice
  : undefined;

/** Up to this many bytes, a copy is made byte by byte: a call of what Bun has for that takes 6 to 12 ns more at 20 bytes. */
export const COPIED_BY_HAND = isBun ? 32 : 0;

/** Up to this many bytes, a payload is copied out of its chunk: a view, and the buffer that it needs, take longer. */
export const COPIED = isBun ? 256 : 0;

/** The same for what is written, out of its slab. */
export const COPIED_OUT = isBun ? 512 : 0;

/**
 * Up to this many bytes, an array that was not made of a buffer has none until somebody asks for it, and asking costs as
 * much as all else that is done for a message.
 */
export const BUFFERLESS = isBun ? Infinity : isDeno ? 0 : 64;

let isFirst = !isBun;

/**
 * To be called before the buffer of a large message is made. The C library under Deno and Node gives freed memory back to
 * the system, and takes it anew page by page, which is most of what a message of 64 KiB costs; once something large was
 * freed it keeps up to twice as much. What is freed here was never touched, and so never took memory. Not for what grows
 * bit by bit, as a compressed message does: there it would keep the smaller sizes, too.
 */
export function raiseMallocThreshold(): void {
  if (!isFirst) return;
  isFirst = false;
  try {
    new ArrayBuffer(28 * 2 ** 20).transfer(0);
  } catch {
    // The process may not have as much: it goes without
  }
}

/** From this many bytes on, masking by words saves more than a view of them costs. */
export const WORDS_FROM = isBun ? 192 : 64;

/** Whether words of 64 bits are faster: twice as fast on Deno and Node, a hundred times slower on Bun. */
export const WIDE_WORDS = !isBun;

/** Whether a TCP socket of `node:net` has mostly written when `write()` returns: a callback takes a tick of its own. */
export const WRITES_AT_ONCE = !isBun && !isDeno;
