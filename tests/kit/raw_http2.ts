// A client of HTTP/2 by hand: frames as bytes over a socket of node:net, so that it can send what no HTTP/2 layer sends
// (RFC 9113 §4, §6), and is held to nothing but what it does by itself.

import { concat, latin1 } from "./bytes.ts";
import { dialRaw, type RawConn } from "./tcp.ts";

/** The types of frames (RFC 9113 §6). */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const END_STREAM = 1, ACK = 1, END_HEADERS = 4;

/** The window of a stream and of a connection, unless somebody says otherwise (RFC 9113 §6.9.2). */
const INITIAL_WINDOW = 65535;

export interface Http2Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Uint8Array;
}

/** One frame as bytes (RFC 9113 §4.1). */
export function frame(type: number, flags: number, id: number, payload: Uint8Array = new Uint8Array()): Uint8Array {
  const { length } = payload;
  const head = Uint8Array.of(length >> 16, length >> 8 & 255, length & 255, type, flags, 0, 0, 0, 0);
  new DataView(head.buffer).setUint32(5, id);
  return concat(head, payload);
}

/** 32 bits, as error codes, increments and identifiers are. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A field section whose fields are written out, none of them indexed or compressed (RFC 7541 §6.2.2). */
export function fieldSection(fields: Iterable<readonly [name: string, value: string]>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, value] of fields) {
    parts.push(Uint8Array.of(0), integer(name.length), latin1(name), integer(value.length), latin1(value));
  }
  return concat(...parts);
}

/** RFC 7541 §5.1, with a prefix of 7 bits. */
function integer(value: number): Uint8Array {
  if (value < 127) return Uint8Array.of(value);
  const bytes = [127];
  for (value -= 127; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return Uint8Array.of(...bytes, value);
}

/** A connection. It reads only when asked to, and keeps what it was told of windows. */
export class RawHttp2 implements Disposable {
  readonly conn: RawConn;
  #unread = new Uint8Array();
  /** How much may be sent, in all and on each stream. */
  #window = INITIAL_WINDOW;
  #initialWindow = INITIAL_WINDOW;
  readonly #windows = new Map<number, number>();
  #pings = 0;

  constructor(conn: RawConn) {
    this.conn = conn;
  }

  /** Connects, and has sent the preface; the server's SETTINGS have come (RFC 9113 §3.4). */
  static async open(port: number): Promise<RawHttp2> {
    const client = new RawHttp2(await dialRaw(port));
    await client.write(latin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(FRAME.SETTINGS, 0, 0));
    await client.until((read) => read?.type === FRAME.SETTINGS);
    return client;
  }

  /** Resolves when the kernel has all of it; rejects when the server has gone. */
  write(...parts: Uint8Array[]): Promise<void> {
    return this.conn.write(concat(...parts));
  }

  /** Opens a stream. */
  request(id: number, fields: Iterable<readonly [string, string]>, flags = END_HEADERS): Promise<void> {
    return this.write(frame(FRAME.HEADERS, flags, id, fieldSection(fields)));
  }

  /** How much may be sent on a stream. */
  windowOf(id: number): number {
    return Math.min(this.#window, this.#initialWindow + (this.#windows.get(id) ?? 0));
  }

  /** Sends as much as the windows let it, in frames that every server takes, and gives how much that was. */
  async fill(id: number, most = Infinity): Promise<number> {
    let sent = 0;
    for (let size; (size = Math.min(this.windowOf(id), most - sent, 16384)) > 0; sent += size) {
      this.#window -= size;
      this.#windows.set(id, (this.#windows.get(id) ?? 0) - size);
      await this.write(frame(FRAME.DATA, 0, id, new Uint8Array(size)));
    }
    return sent;
  }

  /** The next frame; `undefined` at the server's end, however it comes. */
  async next(): Promise<Http2Frame | undefined> {
    const chunk = new Uint8Array(65536);
    for (;;) {
      const frame = this.#takeFrame();
      if (frame) return frame;
      const count = await this.conn.read(chunk).catch(() => null);
      if (count === null) return undefined;
      this.#unread = concat(this.#unread, chunk.subarray(0, count));
    }
  }

  /** Reads up to the frame that is meant, or to the end. */
  async until(isMeant: (read: Http2Frame | undefined) => boolean): Promise<Http2Frame | undefined> {
    for (;;) {
      const read = await this.next();
      if (!read || isMeant(read)) return read;
    }
  }

  /** What comes on a stream up to its end, but for its head. */
  async bodyOn(id: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    await this.until((read) => {
      if (read?.id === id && read.type === FRAME.DATA) parts.push(read.payload);
      return read?.id === id && (read.flags & END_STREAM) !== 0;
    });
    return concat(...parts);
  }

  /** Waits until the server has read, and answered, what was sent; gives the frames that came meanwhile. */
  async settled(): Promise<Http2Frame[]> {
    const data = concat(uint32(0), uint32(++this.#pings)), frames: Http2Frame[] = [];
    await this.write(frame(FRAME.PING, 0, 0, data));
    await this.until((read) => {
      if (read!.type === FRAME.PING && read!.flags === ACK && read!.payload.every((byte, i) => byte === data[i])) {
        return true;
      }
      frames.push(read!);
      return false;
    });
    return frames;
  }

  #takeFrame(): Http2Frame | undefined {
    const bytes = this.#unread;
    if (bytes.length < 9) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset), length = view.getUint32(0) >>> 8;
    if (bytes.length < 9 + length) return undefined;
    const read = { type: bytes[3]!, flags: bytes[4]!, id: view.getUint32(5), payload: bytes.slice(9, 9 + length) };
    this.#unread = bytes.slice(9 + length);
    this.#note(read);
    return read;
  }

  #note({ type, flags, id, payload }: Http2Frame): void {
    const view = new DataView(payload.buffer);
    if (type === FRAME.WINDOW_UPDATE) {
      if (id === 0) this.#window += view.getUint32(0);
      else this.#windows.set(id, (this.#windows.get(id) ?? 0) + view.getUint32(0));
    } else if (type === FRAME.SETTINGS && flags !== ACK) {
      for (let at = 0; at < payload.length; at += 6) {
        if (view.getUint16(at) === 4) this.#initialWindow = view.getUint32(at + 2);
      }
    }
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}
