// What a row about received frames is, and how frames are put together (RFC 6455 §5.2). Bytes are written as pairs of
// hex digits with spaces between them.

import type { DeflateAgreement } from "../../src/protocol/compression_options.ts";

/** What comes of the bytes, in this order. A ping is told by the Pong frame with the same payload that answers it. */
export type Event =
  | { readonly text: string }
  | { readonly binary: string }
  | { readonly ping: string }
  | { readonly pong: string }
  | { readonly close: number; readonly reason?: string }
  | { readonly failure: FrameFailure; readonly closeCode: number };

export type FrameFailure = keyof typeof CLOSE_CODES;

/** The code of the Close frame that answers each failure. */
export const CLOSE_CODES = {
  "rsv-set": 1002,
  "opcode-reserved": 1002,
  "mask-missing": 1002,
  "mask-unexpected": 1002,
  "control-fragmented": 1002,
  "control-too-long": 1002,
  "continuation-unexpected": 1002,
  "continuation-expected": 1002,
  "length-not-minimal": 1002,
  "length-too-large": 1002,
  "close-payload-short": 1002,
  "close-code-invalid": 1002,
  "close-reason-not-utf8": 1007,
  "text-not-utf8": 1007,
  "deflate-invalid": 1007,
  "message-too-big": 1009,
} as const;

export interface FrameRow {
  /** The criterion. */
  readonly name: string;
  /** The clause it comes from. */
  readonly section: string;
  /** Who receives. */
  readonly role: "server" | "client";
  readonly bytes: string;
  /** Everything that comes of the bytes: also of bytes that are only the beginning of a frame. */
  readonly expect: readonly Event[];
  readonly options?: { readonly maxMessageSize?: number };
  /** What was agreed about compression. */
  readonly deflate?: DeflateAgreement;
}

/** A failure with its close code. */
export function failure(name: FrameFailure): Event {
  return { failure: name, closeCode: CLOSE_CODES[name] };
}

/** Bytes of a string, whose characters are at most U+00FF. */
export function latin1(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0));
}

/** Bytes of a string in UTF-8. */
export function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** Bytes of hex digits in pairs. */
export function unhex(hex: string): number[] {
  return (hex.match(/[0-9a-f]{2}/g) ?? []).map((pair) => parseInt(pair, 16));
}

/** Pairs of hex digits for bytes. */
export function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** The masking key of RFC 6455 §5.7. */
export const KEY = "37 fa 21 3d";

export interface FrameParts {
  /** @default {true} */
  readonly fin?: boolean;
  /** RSV1, RSV2, RSV3 as the bits 4, 2, 1. */
  readonly rsv?: number;
  /** The masking key, or `null` for a frame that is not masked. */
  readonly key?: string | null;
  /** The payload length as the header has it, when it is not that of the payload. */
  readonly length?: bigint;
  /** How many bits the payload length has, when they are not the fewest. */
  readonly bits?: 7 | 16 | 64;
}

/** A frame, masked as a client's. */
export function frame(opcode: number, payload: readonly number[] = [], parts: FrameParts = {}): string {
  const { fin = true, rsv = 0, key = KEY, length = BigInt(payload.length) } = parts;
  const { bits = length < 126n ? 7 : length < 65536n ? 16 : 64 } = parts;
  const short = bits === 7 ? Number(length) : bits === 16 ? 126 : 127;
  const long = bits === 7 ? "" : length.toString(16).padStart(bits / 4, "0");
  const mask = key === null ? [0, 0, 0, 0] : unhex(key);
  return hex([
    (fin ? 0x80 : 0) | rsv << 4 | opcode,
    (key === null ? 0 : 0x80) | short,
    ...unhex(long),
    ...(key === null ? [] : mask),
    ...payload.map((byte, i) => byte ^ mask[i % 4]!),
  ]);
}

/** A frame as the peer of this role sends it: masked for a server. */
export function toward(role: FrameRow["role"]): typeof frame {
  return (opcode, payload, parts) => frame(opcode, payload, { key: role === "server" ? KEY : null, ...parts });
}

/** A Close payload. */
export function closing(code: number, reason: readonly number[] = []): number[] {
  return [code >> 8, code & 0xff, ...reason];
}

/** The same byte again and again. */
export function times(count: number, byte = 0x61): number[] {
  return new Array<number>(count).fill(byte);
}

type Common = Partial<FrameRow> & Pick<FrameRow, "section" | "role">;
type Short = readonly [name: string, bytes: string, expect: readonly Event[], more?: Partial<FrameRow>];

/** Rows that have something in common; what a row says of itself goes before. */
export function rows(common: Common, list: readonly Short[]): FrameRow[] {
  return list.map(([name, bytes, expect, more]) => ({ ...common, ...more, name, bytes, expect }));
}
