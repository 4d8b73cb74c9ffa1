// Plays a case with compressed messages: the offer, many messages and their echoes, the closing handshake. The
// compressor is that of node:zlib, the inflater the strict one of this folder. A case passes when the server has
// agreed to what the row says, its compressed messages keep to that (the window, and beginning with an empty one),
// RSV1 is only where it may be, and every message comes back (RFC 7692 §6, §7).

import { Buffer } from "node:buffer";
import { constants, createDeflateRaw, deflateRawSync, type ZlibOptions } from "node:zlib";
import type { RawConn } from "../kit/tcp.ts";
import { fragments } from "./case.ts";
import { attempt, compare, type Failure, type Titled, write } from "./client.ts";
import { Inflater } from "./inflate.ts";
import { close, describe, encode, type Frame, Misstep, RSV1 } from "./wire.ts";

export type Kind = "text" | "binary";
export type Message = Pick<Frame, "opcode" | "payload">;

export interface CompressedCase extends Titled {
  /** The value of Sec-WebSocket-Extensions in the request. */
  readonly offer: string;
  /** The one in the response, but for the order of parameters; `undefined` when there is to be none. */
  readonly answer: string | undefined;
  /** What is sent, and has to come back. They are gone through twice. */
  readonly messages: Iterable<Message>;
  /** How many octets a fragment has at most, if messages are cut. */
  readonly fragment: number | undefined;
  /** Whether each message is large enough, and can be made smaller, so that a server has no reason not to. */
  readonly mustCompress: boolean;
}

/** Whose window may have how many bits, and whether it is kept from message to message (RFC 7692 §7.1). */
interface Side {
  readonly bits: number;
  readonly takesOver: boolean;
}

function sideOf(parameters: ReadonlySet<string>, name: "server" | "client"): Side {
  const window = [...parameters].find((parameter) => parameter.startsWith(`${name}_max_window_bits=`));
  return { bits: Number(window?.split("=")[1] ?? 15), takesOver: !parameters.has(`${name}_no_context_takeover`) };
}

const parametersOf = (extension: string) => new Set(extension.split(";").map((part) => part.trim()));

/** What was agreed; the row says what it has to be. */
function agreed(head: string, answer: string | undefined): ReadonlySet<string> | undefined {
  const values = [...head.matchAll(/^sec-websocket-extensions:(.*)$/gim)].map(([, value]) => value!.trim());
  const given = values.length === 0 ? undefined : values.join(", ");
  const set = given === undefined ? undefined : parametersOf(given);
  const sorted = (parameters: ReadonlySet<string> | undefined) => [...parameters ?? []].sort().join("; ");
  if (sorted(set) !== sorted(answer === undefined ? undefined : parametersOf(answer))) {
    throw new Misstep(given ?? "no Sec-WebSocket-Extensions");
  }
  return set;
}

/** Plays `row` against the server at `port` of 127.0.0.1; resolves to `undefined` when it passes. */
export async function playCompressed(
  port: number,
  row: CompressedCase,
  deadline?: number,
): Promise<Failure | undefined> {
  const { offer, answer, messages, fragment, mustCompress } = row;
  const options = { fields: [`Sec-WebSocket-Extensions: ${offer}`], ...deadline !== undefined && { deadline } };
  return await attempt(port, row, options, async (attempt) => {
    attempt.expected = answer ?? "no extension";
    const parameters = agreed(attempt.head, answer);
    const server = parameters && sideOf(parameters, "server");
    const inflater = server && new Inflater(server.bits, server.takesOver);
    attempt.reader.allowsRsv1 = inflater !== undefined;
    await attempt.writing;
    const compressor = parameters && new Compressor(sideOf(parameters, "client"));
    attempt.writing = writeAll(attempt.conn, compressor, messages, fragment);
    let count = 0;
    for (const wanted of messages) {
      attempt.expected = `echo ${++count}: ${describe(wanted)}`;
      let got = await attempt.reader.next();
      if (got.rsv === RSV1) got = { opcode: got.opcode, payload: inflater!.inflate(got.payload) };
      else if (mustCompress) throw new Misstep(`${describe(got)}, not compressed`);
      const difference = compare(wanted, got);
      if (difference) throw new Misstep(difference);
      attempt.wind();
    }
    attempt.expected = "Close 1000";
    if (!await attempt.writing) throw new Misstep("a reset while the client was still sending");
    attempt.writing = write(attempt.conn, encode([close(1000)]));
    const difference = compare(close(1000), await attempt.reader.next());
    if (difference) throw new Misstep(difference);
  });
}

/** At least so many octets are written at once, while there are more. */
const BATCH = 1 << 16;

async function writeAll(
  conn: RawConn,
  compressor: Compressor | undefined,
  messages: Iterable<Message>,
  fragment = Infinity,
): Promise<boolean> {
  let batch: Frame[] = [], size = 0;
  const flush = async () => {
    const bytes = encode(batch);
    batch = [];
    size = 0;
    return await write(conn, bytes);
  };
  try {
    for (const { opcode, payload } of messages) {
      const data = compressor ? await compressor.compress(payload) : payload;
      let rsv = compressor ? RSV1 : 0;
      for (const frame of fragments({ opcode, payload: data }, fragment)) {
        batch.push({ ...frame, rsv });
        rsv = 0; // §6.1: only the first has it
      }
      size += data.length;
      if (size >= BATCH && !await flush()) return false;
    }
    return await flush();
  } finally {
    compressor?.close();
  }
}

/** The client's half, by node:zlib. */
class Compressor {
  readonly #options: ZlibOptions;
  readonly #stream: ReturnType<typeof createDeflateRaw> | undefined;
  readonly #chunks: Uint8Array[] = [];

  constructor({ bits, takesOver }: Side) {
    this.#options = {
      level: 1,
      // zlib can't keep to 256 octets, but to a distance of one
      ...bits === 8 ? { windowBits: 9, strategy: constants.Z_RLE } : { windowBits: bits },
      finishFlush: constants.Z_SYNC_FLUSH,
    };
    if (!takesOver) return;
    this.#stream = createDeflateRaw(this.#options);
    this.#stream.on("data", (chunk: Uint8Array) => this.#chunks.push(chunk));
  }

  /** The payload of a message, without its end (§7.2.1). */
  async compress(message: Uint8Array): Promise<Uint8Array> {
    const whole = this.#stream ? await this.#flushed(this.#stream, message) : deflateRawSync(message, this.#options);
    return whole.subarray(0, whole.length - 4);
  }

  async #flushed(stream: ReturnType<typeof createDeflateRaw>, message: Uint8Array): Promise<Uint8Array> {
    stream.write(message);
    await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, () => resolve()));
    return Buffer.concat(this.#chunks.splice(0));
  }

  close(): void {
    this.#stream?.close();
  }
}
