// An inflater that is stricter than zlib's (RFC 1951): it refuses each reference beyond the agreed window, where zlib looks
// only as far back as what it still happens to have. It shares nothing with the library under test, and is slow.

import { Misstep } from "./wire.ts";

/** What is not sent of a message's end (RFC 7692 §7.2.2 (1)). */
const TAIL = [0x00, 0x00, 0xff, 0xff];

const LONGEST_CODE = 15;
const LENGTH_BASES = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131];
LENGTH_BASES.push(163, 195, 227, 258);
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BITS = Array.from({ length: 30 }, (_, code) => Math.max(0, (code >> 1) - 1));
const DISTANCE_BASES = DISTANCE_BITS.map((_, code) => {
  return 1 + DISTANCE_BITS.slice(0, code).reduce((sum, bits) => sum + 2 ** bits, 0);
});
/** §3.2.7: in which order the lengths of the code for lengths come. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A Huffman code (§3.2.2): how many codes of each length there are, and their symbols in the order of the codes. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

function codeOf(lengths: readonly number[], mayBeAlone: boolean): Code {
  const counts = new Uint16Array(LONGEST_CODE + 1), symbols = new Uint16Array(lengths.length);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  let left = 1;
  for (let length = 1; length <= LONGEST_CODE; length++) left = 2 * left - counts[length]!;
  if (left < 0) throw new Misstep("a Huffman code with too many codes");
  // §3.2.7: only a single code, of one bit, leaves another one unused; and a code for nothing is never read
  const isAlone = mayBeAlone && counts[1] === 1 && counts.every((count, length) => length === 1 || count === 0);
  if (left > 0 && !isAlone && counts.some((count) => count > 0)) throw new Misstep("a Huffman code with too few codes");
  const next = new Uint16Array(LONGEST_CODE + 2);
  for (let length = 1; length <= LONGEST_CODE; length++) next[length + 1] = next[length]! + counts[length]!;
  for (const [symbol, length] of lengths.entries()) if (length > 0) symbols[next[length]!++] = symbol;
  return { counts, symbols };
}

/** §3.2.6 */
const FIXED_LENGTHS = Array.from({ length: 288 }, (_, i) => i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
const FIXED = codeOf(FIXED_LENGTHS, false), FIXED_DISTANCES = codeOf(Array<number>(32).fill(5), false);

/** The compressed messages of one direction. */
export class Inflater {
  readonly #window: number;
  readonly #takesOver: boolean;
  readonly #judgesEnd: boolean;
  #output = new Uint8Array(1 << 12);
  /** How much of the output there is, and how much of it comes from earlier messages. */
  #end = 0;
  #past = 0;
  #input = new Uint8Array();
  #at = 0;
  #bits = 0;
  #count = 0;

  /**
   * @param windowBits 8 to 15.
   * @param takesOver Whether messages refer to earlier ones.
   * @param judgesEnd Whether a message has to end as one does that is made by RFC 7692 §7.2.1, in an empty block without
   * compression; otherwise in any, which is all that reading it by §7.2.2 asks for.
   */
  constructor(windowBits: number, takesOver: boolean, judgesEnd = true) {
    this.#judgesEnd = judgesEnd;
    this.#window = 2 ** windowBits;
    this.#takesOver = takesOver;
  }

  /** How many bytes there are of the last message, also when it is wrong. */
  get size(): number {
    return this.#end - this.#past;
  }

  /** The message that `payload` is, until the next one. */
  inflate(payload: Uint8Array): Uint8Array {
    this.#past = this.#takesOver ? Math.min(this.#end, this.#window) : 0;
    this.#output.copyWithin(0, this.#end - this.#past, this.#end);
    this.#end = this.#past;
    this.#input = new Uint8Array(payload.length + TAIL.length);
    this.#input.set(payload);
    this.#input.set(TAIL, payload.length);
    this.#at = this.#bits = this.#count = 0;
    let isEmpty = false;
    while (this.#at < this.#input.length) isEmpty = this.#block();
    // RFC 7692 §7.2.1: what was taken off the end was an empty block without compression
    const hasEnded = isEmpty || !this.#judgesEnd && this.#count === 0;
    if (!hasEnded) throw new Misstep("a compressed message that does not end with a block");
    return this.#output.subarray(this.#past, this.#end);
  }

  /** Reads a block; whether it was an empty one without compression. */
  #block(): boolean {
    const isFinal = this.#take(1) === 1, kind = this.#take(2), before = this.#end;
    if (kind === 0) this.#stored();
    else if (kind === 1) this.#compressed(FIXED, FIXED_DISTANCES);
    else if (kind === 2) this.#compressed(...this.#codes());
    else throw new Misstep("a deflate block of type 3");
    if (isFinal) this.#bits = this.#count = 0; // the next one begins with an octet
    return kind === 0 && this.#end === before;
  }

  #stored(): void {
    this.#bits = this.#count = 0;
    const [a = 0, b = 0, c = 0, d = 0] = this.#input.subarray(this.#at, this.#at + 4), length = a | b << 8;
    this.#at += 4;
    if ((c | d << 8) !== (length ^ 0xffff)) throw new Misstep("a stored block with two lengths");
    this.#reserve(length);
    const there = this.#input.subarray(this.#at, this.#at + length);
    this.#output.set(there, this.#end);
    this.#end += there.length;
    this.#at += there.length;
    if (there.length < length) throw new Misstep("a stored block that does not end");
  }

  /** §3.2.7 */
  #codes(): [literals: Code, distances: Code] {
    const literals = this.#take(5) + 257, distances = this.#take(5) + 1, given = this.#take(4) + 4;
    if (literals > 286 || distances > 30) throw new Misstep("a block with codes for symbols that there are not");
    const own = Array<number>(19).fill(0);
    for (const symbol of ORDER.slice(0, given)) own[symbol] = this.#take(3);
    const code = codeOf(own, false), lengths: number[] = [];
    while (lengths.length < literals + distances) {
      const symbol = this.#symbol(code);
      if (symbol < 16) lengths.push(symbol);
      else {
        const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
        if (symbol === 16 && lengths.length === 0) throw new Misstep("a first code length that repeats the last one");
        const repeated = symbol === 16 ? lengths.at(-1)! : 0;
        for (let i = 0; i < times; i++) lengths.push(repeated);
      }
    }
    if (lengths.length > literals + distances) throw new Misstep("more code lengths than there are codes");
    if (lengths[256] === 0) throw new Misstep("a block without a code for its end");
    return [codeOf(lengths.slice(0, literals), true), codeOf(lengths.slice(literals), true)];
  }

  #compressed(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) {
        this.#reserve(1);
        this.#output[this.#end++] = symbol;
        continue;
      }
      if (symbol > 285) throw new Misstep(`a length with the code ${symbol}`);
      const length = LENGTH_BASES[symbol - 257]! + this.#take(LENGTH_BITS[symbol - 257]!);
      const code = this.#symbol(distances);
      if (code > 29) throw new Misstep(`a distance with the code ${code}`);
      const distance = DISTANCE_BASES[code]! + this.#take(DISTANCE_BITS[code]!);
      if (distance > this.#window) throw new Misstep(`a distance of ${distance} in a window of ${this.#window}`);
      if (distance > this.#end) throw new Misstep(`a distance of ${distance} after ${this.#end} octets`);
      this.#reserve(length);
      const output = this.#output, until = this.#end + length;
      for (let at = this.#end; at < until; at++) output[at] = output[at - distance]!;
      this.#end = until;
    }
  }

  #symbol({ counts, symbols }: Code): number {
    let code = 0, first = 0, index = 0;
    for (let length = 1; length <= LONGEST_CODE; length++) {
      if (this.#count === 0) this.#more();
      code |= this.#bits & 1;
      this.#bits >>>= 1;
      this.#count--;
      const count = counts[length]!;
      if (code - count < first) return symbols[index + code - first]!;
      index += count;
      first = first + count << 1;
      code <<= 1;
    }
    throw new Misstep("a Huffman code that stands for nothing");
  }

  #take(bits: number): number {
    while (this.#count < bits) this.#more();
    const taken = this.#bits & (1 << bits) - 1;
    this.#bits >>>= bits;
    this.#count -= bits;
    return taken;
  }

  #more(): void {
    if (this.#at === this.#input.length) throw new Misstep("a compressed message that ends within a block");
    this.#bits |= this.#input[this.#at++]! << this.#count;
    this.#count += 8;
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#output.length) return;
    const larger = new Uint8Array(2 * (this.#end + length));
    larger.set(this.#output.subarray(0, this.#end));
    this.#output = larger;
  }
}
