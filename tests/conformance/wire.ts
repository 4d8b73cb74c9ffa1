// Frames to bytes for the client's side, bytes to frames for the server's (RFC 6455 §5.2). Nothing of the library under
// test is used here, so that a mistake cannot hide on both sides. The writer can put every wrong thing on the wire; the
// reader accepts nothing that a server must not send, and waits for bytes only through the function it is given.

/** One frame as a row describes it: also what a server has to answer, where only opcode and payload matter. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly fin?: boolean;
  /** RSV1 to RSV3 as a number of three bits. */
  readonly rsv?: number;
  /** The masking key, a new one for each frame if absent; `false` leaves the frame unmasked. */
  readonly mask?: readonly [number, number, number, number] | false;
  /** The form of the length field, the shortest that fits if absent. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length to write in the header when it is not that of the payload. */
  readonly declared?: bigint;
}

type Shape = Omit<Frame, "opcode" | "payload">;

export const CONTINUATION = 0x0;
export const TEXT = 0x1;
export const BINARY = 0x2;
export const CLOSE = 0x8;
export const PING = 0x9;
export const PONG = 0xa;

/** The first of the reserved bits, as {@linkcode Frame.rsv} has it. */
export const RSV1 = 4;

export function frame(opcode: number, payload: string | Uint8Array = "", shape: Shape = {}): Frame {
  return { opcode, payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload, ...shape };
}

export function text(payload: string | Uint8Array = "", shape?: Shape): Frame {
  return frame(TEXT, payload, shape);
}

export function binary(payload: string | Uint8Array = "", shape?: Shape): Frame {
  return frame(BINARY, payload, shape);
}

export function continuation(payload: string | Uint8Array = "", shape?: Shape): Frame {
  return frame(CONTINUATION, payload, shape);
}

export function ping(payload: string | Uint8Array = "", shape?: Shape): Frame {
  return frame(PING, payload, shape);
}

export function pong(payload: string | Uint8Array = "", shape?: Shape): Frame {
  return frame(PONG, payload, shape);
}

/** A Close frame: empty without a code. */
export function close(code?: number, reason: string | Uint8Array = "", shape?: Shape): Frame {
  if (code === undefined) return frame(CLOSE, "", shape);
  const body = typeof reason === "string" ? new TextEncoder().encode(reason) : reason;
  return frame(CLOSE, Uint8Array.of(code >> 8, code & 0xff, ...body), shape);
}

/** The code of a Close frame's payload; `undefined` when it is empty. */
export function codeOf(payload: Uint8Array): number | undefined {
  return payload.length < 2 ? undefined : payload[0]! << 8 | payload[1]!;
}

/** The bytes of `frames`, each masked with a key of its own where its row names none. */
export function encode(frames: Iterable<Frame>): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(1024);
  let end = 0;
  let seed = 0x37fa213d;
  for (const { opcode, payload, fin = true, rsv = 0, mask, lengthBits, declared } of frames) {
    if (bytes.length < end + 14 + payload.length) {
      const grown = new Uint8Array(2 * end + 14 + payload.length);
      grown.set(bytes.subarray(0, end));
      bytes = grown;
    }
    const length = declared ?? BigInt(payload.length);
    const bits = lengthBits ?? (length < 126n ? 7 : length < 65536n ? 16 : 64);
    const view = new DataView(bytes.buffer, end);
    view.setUint8(0, Number(fin) << 7 | rsv << 4 | opcode);
    view.setUint8(1, Number(mask !== false) << 7 | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127));
    if (bits === 16) view.setUint16(2, Number(length));
    if (bits === 64) view.setBigUint64(2, length);
    end += 2 + (bits === 7 ? 0 : bits / 8);
    if (mask === false) {
      bytes.set(payload, end);
    } else {
      seed = Math.imul(seed, 1664525) + 1013904223 >>> 0;
      const key = mask ?? [seed >>> 24, seed >>> 16 & 255, seed >>> 8 & 255, seed & 255];
      bytes.set(key, end);
      end += 4;
      for (let i = 0; i < payload.length; i++) bytes[end + i] = payload[i]! ^ key[i & 3]!;
    }
    end += payload.length;
  }
  return bytes.subarray(0, end);
}

/** What the server did that it must not do. */
export class Misstep extends Error {}

/** Larger than everything a case sends: a longer frame is a broken header. */
const LARGEST = 1 << 26;

/** Reads a head, then messages and control frames, from what `read` brings (`null`: the end of the stream). */
export class Reader {
  readonly #read: (into: Uint8Array) => Promise<number | null>;
  /** Whether RSV1 may be set on the first frame of a message: it says that the message is compressed (RFC 7692 §6). */
  allowsRsv1 = false;
  readonly #buffer = new Uint8Array(65536);
  #start = 0;
  #end = 0;

  constructor(read: (into: Uint8Array) => Promise<number | null>) {
    this.#read = read;
  }

  /** The head of an HTTP response, without its blank line. */
  async head(): Promise<string> {
    for (;;) {
      const read = new TextDecoder("latin1").decode(this.#buffer.subarray(0, this.#end));
      const end = read.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#start = end + 4;
        return read.slice(0, end);
      }
      if (!await this.#more()) throw new Misstep("the end of the stream within the head");
    }
  }

  /** The next control frame, or the next message, put together from its fragments. */
  async next(): Promise<Frame> {
    const parts: Frame[] = [];
    for (;;) {
      const part = await this.#frame();
      if (part.opcode >= CLOSE) {
        if (parts.length === 0) return part;
        throw new Misstep(`${describe(part)} within the fragments of a message`);
      }
      if ((part.opcode === CONTINUATION) !== (parts.length > 0)) throw new Misstep(`${describe(part)} out of place`);
      parts.push(part);
      if (part.fin) return parts.length === 1 ? part : { ...parts[0]!, fin: true, payload: joined(parts) };
    }
  }

  /** How many bytes are left before the end of the stream. */
  async rest(): Promise<number> {
    let count = 0;
    do {
      count += this.#end - this.#start;
      this.#start = this.#end;
    } while (await this.#more());
    return count;
  }

  async #frame(): Promise<Frame> {
    if (this.#start === this.#end && !await this.#more()) throw new Misstep("the end of the stream");
    const [first = 0, second = 0] = await this.#take(2);
    const opcode = first & 15;
    const fin = first >= 128;
    const short = second & 127;
    const field = await this.#take(short < 126 ? 0 : short === 126 ? 2 : 8);
    const length = short < 126 ? short : field.reduce((sum, octet) => sum * 256 + octet, 0);
    const header = `a frame of opcode ${opcode} and length ${length}`;
    const rsv = first >> 4 & 7;
    const isFirst = opcode === TEXT || opcode === BINARY;
    if (rsv !== 0 && !(this.allowsRsv1 && isFirst && rsv === RSV1)) throw new Misstep(`${header} with RSV ${rsv}`);
    if (second >= 128) throw new Misstep(`${header} with a mask`);
    if (opcode > PONG || opcode > BINARY && opcode < CLOSE) throw new Misstep(header);
    if (short === 126 && length < 126 || short === 127 && length < 65536) {
      throw new Misstep(`${header} written in ${field.length} octets`);
    }
    if (opcode >= CLOSE && (!fin || length > 125)) throw new Misstep(`${header}${fin ? "" : " without FIN"}`);
    if (length > LARGEST) throw new Misstep(header);
    return { opcode, fin, rsv, payload: await this.#take(length, header) };
  }

  async #take(length: number, what = "a header"): Promise<Uint8Array> {
    const taken = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (this.#start === this.#end && !await this.#more()) throw new Misstep(`the end of the stream within ${what}`);
      const part = this.#buffer.subarray(this.#start, Math.min(this.#end, this.#start + length - filled));
      taken.set(part, filled);
      filled += part.length;
      this.#start += part.length;
    }
    return taken;
  }

  async #more(): Promise<boolean> {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    if (this.#end === this.#buffer.length) throw new Misstep(`a head of more than ${this.#end} octets`);
    const count = await this.#read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}

function joined(parts: readonly Frame[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, { payload }) => length + payload.length, 0));
  let at = 0;
  for (const { payload } of parts) {
    whole.set(payload, at);
    at += payload.length;
  }
  return whole;
}

const NAMES: Record<number, string> = { 0: "Continuation", 1: "Text", 2: "Binary", 8: "Close", 9: "Ping", 10: "Pong" };

/** A frame in a few words: `Close 1002`, `Text of 5 octets: 48 65 6c 6c 6f`. */
export function describe({ opcode, payload }: Frame): string {
  const name = NAMES[opcode] ?? `Opcode ${opcode}`;
  if (opcode === CLOSE) return `${name} ${codeOf(payload) ?? "without a code"}`;
  const shown = Array.from(payload.subarray(0, 12), (octet) => octet.toString(16).padStart(2, "0")).join(" ");
  return `${name} of ${payload.length} octets${shown && ": "}${shown}${payload.length > 12 ? " …" : ""}`;
}
