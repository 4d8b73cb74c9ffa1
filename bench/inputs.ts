// What the benches read and write, in the sizes that they have in common: frames as the rows of the tests make them, and
// messages as applications send them.

import { frame, OPCODE, unhex } from "../tests/cases/frames_base.ts";
import { concat } from "../tests/kit/harness.ts";

/** The bytes of hex digits, as rows have them. */
export function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(unhex(hex));
}

/** ASCII of so many bytes, the same 32 again and again. */
export function ascii(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = 0x40 + i % 32;
  return bytes;
}

/** Text of so many bytes, in which every other character takes more than one. */
export function nonAscii(size: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode("aäb€c😀dß ".repeat(size / 17 + 1));
  let end = size;
  while ((text[end]! & 0xc0) === 0x80) end--; // not inside a character
  return concat(text.slice(0, end), ascii(size - end));
}

/** A client's frames, one behind the other. */
export function masked(kind: "text" | "binary", payload: Uint8Array, count = 1): Uint8Array<ArrayBuffer> {
  const bytes = bytesOf(frame(OPCODE[kind], [...payload]));
  return concat(...new Array<Uint8Array>(count).fill(bytes));
}

/** About 1 KiB of JSON, each one another. */
export function json(index: number): Uint8Array<ArrayBuffer> {
  const users = Array.from({ length: 12 }, (_, i) => ({
    id: index * 31 + i,
    name: `user ${(index * 7919 + i * 104729) % 100003}`,
    tags: ["alpha", "beta", "gamma"].slice(0, 1 + (index + i) % 3),
    score: ((index * 7907 + i * 40503) % 1000) / 10,
  }));
  return new TextEncoder().encode(JSON.stringify({ type: "update", at: 1_700_000_000 + index, users }));
}
