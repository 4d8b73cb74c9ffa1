// everySplit() for whatever reads bytes in chunks, short ways to write bytes down, and numbers that are random but come again.

/** Up to here every position is cut at; beyond it, a sample. */
const EVERY_POSITION = 2048;
const SAMPLED_POSITIONS = 64;

/**
 * Runs `run` with `bytes` whole, byte by byte, and in two at each position up to 2 KiB and at sampled ones beyond.
 * Each chunk is a copy of its own; a failure tells the split it happened at, and has the first error as its cause.
 */
export async function everySplit(
  bytes: Uint8Array,
  run: (chunks: Uint8Array<ArrayBuffer>[]) => void | Promise<void>,
): Promise<void> {
  const attempt = async (split: string, chunks: Uint8Array<ArrayBuffer>[]) => {
    try {
      await run(chunks);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Failed with ${bytes.length} bytes ${split}: ${message}`, { cause });
    }
  };
  await attempt("whole", [bytes.slice()]);
  await attempt("byte by byte", Array.from(bytes, (byte) => Uint8Array.of(byte)));
  for (const at of cuts(bytes.length)) await attempt(`cut at ${at}`, [bytes.slice(0, at), bytes.slice(at)]);
}

/** The positions to cut at, in order: each inside, so that no part is empty. */
function cuts(length: number): number[] {
  const at = new Set<number>();
  for (let i = 1; i < length && i <= EVERY_POSITION; i++) at.add(i);
  const beyond = length - 1 - EVERY_POSITION;
  if (beyond > 0) {
    const next = random(length);
    for (let i = 0; i < SAMPLED_POSITIONS; i++) at.add(EVERY_POSITION + 1 + next() % beyond);
    at.add(length - 1);
  }
  return [...at].sort((a, b) => a - b);
}

/** The bytes of a string whose characters are all at most U+00FF. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0)!;
    if (code > 0xff) throw new RangeError(`Cannot write as latin-1: ${JSON.stringify(character)}`);
    return code;
  });
}

/** The latin-1 string of bytes: a character for each. */
export function text(bytes: Uint8Array): string {
  let result = "";
  // An argument for each byte: in slices, because a call takes only so many.
  for (let i = 0; i < bytes.length; i += 8192) result += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return result;
}

/** All parts in one array of its own. */
export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of hexadecimal digits in pairs, with white space anywhere between pairs: `hex("81 05 48656c6c6f")`. */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  if (!/^\s*(?:[0-9a-f]{2}\s*)*$/i.test(digits)) {
    throw new SyntaxError(`Cannot read as pairs of hex digits: "${digits}"`);
  }
  return Uint8Array.from(digits.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16));
}

/** A source of 32-bit unsigned integers, the same ones for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return (mixed ^ mixed >>> 14) >>> 0;
  };
}
