// The peer by hand: what it writes goes out as it is; what comes is kept, to be looked at as text or as frames.

import { attach, type AttachOptions, type ByteConnection, type WebSocketConnection } from "../../mod.ts";
import { nextTurn } from "../../src/base/clock.ts";
import {
  connectionPair,
  type ConnectionPairOptions,
  type FakeClock,
  fakeClock,
  type PairedConnection,
} from "../../src/testing.ts";
import { type FrameParts, hex, OPCODE, toward, unhex, utf8 } from "../cases/frames_base.ts";
import { concat, latin1, text } from "./harness.ts";

/** One frame as it came, in the words of the dialogues; `continuation` and `fin` only where a message is in pieces. */
export interface WireFrame {
  readonly text?: string;
  readonly binary?: string;
  readonly continuation?: string;
  readonly fin?: false;
  readonly ping?: string;
  readonly pong?: string;
  readonly close?: number;
  readonly reason?: string;
}

/** The peer of a connection, mostly of one in memory, by hand. */
export class RawPeer<Conn extends ByteConnection = PairedConnection> {
  readonly conn: Conn;
  /** Settles when nothing more comes: at our end, or with what the connection was lost by. */
  readonly ended: Promise<void>;
  hasEnded = false;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #received = new Uint8Array();
  #came = Promise.withResolvers<void>();

  /** @param reads Whether it reads; otherwise what is sent to it piles up. */
  constructor(conn: Conn, { reads = true } = {}) {
    this.conn = conn;
    this.#writer = conn.writable.getWriter();
    this.#writer.closed.catch(() => {});
    this.ended = reads ? this.read() : Promise.resolve();
    this.ended.catch(() => {});
  }

  /** Reads to the end. */
  async read(): Promise<void> {
    try {
      for await (const chunk of this.conn.readable) {
        this.#received = concat(this.#received, chunk);
        this.#came.resolve();
        this.#came = Promise.withResolvers();
      }
    } finally {
      this.hasEnded = true;
      this.#came.resolve();
    }
  }

  /** Writes; a string is latin-1. */
  write(bytes: string | Uint8Array): void {
    this.#writer.write(typeof bytes === "string" ? latin1(bytes) : bytes).catch(() => {});
  }

  /** Writes one frame toward an end of this role; a string is UTF-8. */
  frame(
    role: "server" | "client",
    name: keyof typeof OPCODE,
    payload: string | number[] = [],
    parts?: FrameParts,
  ): void {
    const bytes = typeof payload === "string" ? utf8(payload) : payload;
    this.write(Uint8Array.from(unhex(toward(role)(OPCODE[name], bytes, parts))));
  }

  /** Gives the connection up. */
  abort(): void {
    this.#writer.abort().catch(() => {});
  }

  /** Half-closes. */
  end(): void {
    this.#writer.close().catch(() => {});
  }

  /** Waits until what came has this text in it, or nothing more comes; gives what came up to its end. */
  async until(wanted: string): Promise<string> {
    for (;;) {
      const at = text(this.#received).indexOf(wanted);
      if (at >= 0) return this.take(at + wanted.length);
      if (this.hasEnded) return this.take();
      await this.#came.promise;
    }
  }

  /** What came since it was last asked for, or the first part of it. */
  take(count: number = this.#received.length): string {
    const taken = text(this.#received.subarray(0, count));
    this.#received = this.#received.slice(count);
    return taken;
  }

  /** {@linkcode take} as frames of an end of this role. */
  frames(role: "server" | "client"): WireFrame[] {
    return readFrames(latin1(this.take()), role);
  }
}

/** A WebSocket in memory, with its peer by hand. */
export interface Attached {
  readonly clock: FakeClock;
  readonly conn: PairedConnection;
  readonly peer: RawPeer;
  readonly socket: WebSocketConnection;
}

/** A WebSocket without a handshake, on a clock that stands still. */
export function attached(
  role: "server" | "client" = "server",
  options: AttachOptions = {},
  { reads = true, ...pair }: ConnectionPairOptions & { reads?: boolean } = {},
): Attached {
  const clock = fakeClock(), [conn, far] = connectionPair(pair);
  const socket = attach(conn, { role, protocol: "", extensions: "" }, { clock, ...options });
  return { clock, conn, peer: new RawPeer(far, { reads }), socket };
}

/** A signal that counts its listeners. */
export function countedSignal(): { controller: AbortController; signal: AbortSignal; listeners: () => number } {
  const controller = new AbortController(), { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener: add, removeEventListener: remove } = signal;
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners.add(args[1]), add.apply(signal, args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners.delete(args[1]);
    remove.apply(signal, args);
  };
  return { controller, signal, listeners: () => listeners.size };
}

/** Lets everything that is ready run: a few turns of the event loop. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise<void>((resolve) => nextTurn(resolve));
}

/** Bytes as whole frames of an end of this role, which masks what it should and nothing else. */
export function readFrames(bytes: Uint8Array, role: "server" | "client"): WireFrame[] {
  const frames: WireFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const first = view.getUint8(0), second = view.getUint8(1), short = second & 0x7f;
    if (second >= 0x80 !== (role === "client")) throw new Error(`A ${role} has written a frame with ${second}`);
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
    const header = 2 + (short < 126 ? 0 : short === 126 ? 2 : 8);
    const start = at + header + (role === "client" ? 4 : 0), end = start + length;
    if (end > bytes.length) throw new Error(`A frame of ${length} bytes is cut off`);
    const key = role === "client" ? bytes.subarray(at + header, start) : new Uint8Array(4);
    frames.push(describe(first, bytes.slice(start, end).map((byte, i) => byte ^ key[i % 4]!)));
    at = end;
  }
  return frames;
}

function describe(first: number, payload: Uint8Array): WireFrame {
  const fin = first >= 0x80 ? {} : { fin: false as const }, opcode = first & 0x7f;
  const digits = hex([...payload]);
  const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  switch (opcode) {
    case OPCODE.continuation:
      return { continuation: digits, ...fin };
    case OPCODE.text:
      return { text: "fin" in fin ? text(payload) : decode(payload), ...fin };
    case OPCODE.binary:
      return { binary: digits, ...fin };
    case OPCODE.ping:
      return { ping: digits, ...fin };
    case OPCODE.pong:
      return { pong: digits, ...fin };
    case OPCODE.close:
      if (payload.length === 0) return { close: 1005, ...fin };
      return { close: payload[0]! << 8 | payload[1]!, reason: decode(payload.subarray(2)), ...fin };
  }
  throw new Error(`A frame begins with ${first}`);
}
