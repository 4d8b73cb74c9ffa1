// Writing one response to an exchange (RFC 9112 §6). A small body that is there at once goes out with its head and its
// length; any other body as it comes, in chunks (§7.1) or up to the Content-Length that the response has.

import { nextTurn } from "../base/clock.ts";
import { concat } from "../base/concat.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { headOf } from "../http/request_head.ts";
import { discardBody, fieldsToSend, hasNoBody, statusLine } from "../http/response.ts";
import { writeHead } from "../http/write_head.ts";

/** How a response is sent. */
export interface SendResponseOptions {
  /** The request: it decides whether there is a body, and whether it may be chunked. */
  readonly request?: RequestHead | undefined;
  readonly keepAlive: boolean;
  /** How long the peer may take for each write, in milliseconds; without it, the exchange's own deadline holds for all. */
  readonly timeout?: number;
  /**
   * Whether to watch the peer while a body is waited for, so that its source is cancelled once it is gone, and not only when
   * the next piece is written. What is read ahead for that stays in the exchange.
   */
  readonly watches: boolean;
}

/** Writes a response that `checkResponse()` has passed. If it rejects, the body of the response is cancelled. */
export async function sendResponse(
  exchange: Exchange,
  response: Response,
  { request, keepAlive, timeout, watches }: SendResponseOptions,
): Promise<void> {
  const { status, headers } = response;
  const start = statusLine(response);
  const fields = fieldsToSend(headers, keepAlive, new Date()), length = headers.get("content-length");
  const write: Write = (bytes) => writeWithin(exchange, bytes, timeout);
  if (hasNoBody(status, request)) {
    discardBody(response);
    // RFC 9110 §8.6: the length is that of what a GET would get; a 204 has none
    if (length !== null && status !== 204) fields.push(["Content-Length", length]);
    return await write(writeHead(start, fields));
  }
  const body = new BodyReader(exchange, response.body);
  try {
    const { pieces, size, isWhole } = await body.readReady();
    if (watches && !isWhole) exchange.watch();
    if (isWhole) {
      checkSize(size, length);
      await write(concat([writeHead(start, [...fields, ["Content-Length", String(size)]]), ...pieces]));
    } else if (length !== null) {
      await write(writeHead(start, [...fields, ["Content-Length", length]]));
      await sendSized(write, body, pieces, length);
    } else if (request && headOf(request)?.version === "1.0") {
      await write(writeHead(start, fields)); // its end is the end of the connection (RFC 9112 §6.3 (8))
      // A copy: what a caller's body has given may change, and is not always on an `ArrayBuffer` of its own
      await sendPieces(body, pieces, (piece) => write(concat([piece])));
    } else {
      await write(writeHead(start, [...fields, ["Transfer-Encoding", "chunked"]]));
      await sendPieces(body, pieces, (piece) => write(chunkOf(piece)));
      await write(chunkOf(new Uint8Array()));
    }
  } catch (error) {
    body.cancel(error);
    throw error;
  } finally {
    exchange.stopWatching();
  }
}

type Write = (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/** Limits how long the peer may take for one write, but not how long the body may take until the next. */
async function writeWithin(exchange: Exchange, bytes: Uint8Array<ArrayBuffer>, timeout?: number): Promise<void> {
  if (timeout === undefined) return await exchange.write(bytes);
  exchange.allow(timeout);
  await exchange.write(bytes);
  exchange.allow(0);
}

/** A body of up to this many bytes is sent with its length, if it is there at once. */
const WHOLE = 65536;

/** The beginning of a body, or all of it. */
interface ReadyPieces {
  readonly pieces: readonly Uint8Array[];
  readonly size: number;
  readonly isWhole: boolean;
}

type ReadResult = Awaited<ReturnType<ReadableStreamDefaultReader<unknown>["read"]>>;

/** Reads the body of a response, as long as the exchange is not interrupted. */
class BodyReader {
  readonly #exchange: Exchange;
  readonly #reader: ReadableStreamDefaultReader<unknown> | undefined;
  /** A read that is under way. */
  #reading: Promise<ReadResult> | undefined;

  constructor(exchange: Exchange, body: ReadableStream<unknown> | null) {
    this.#exchange = exchange;
    this.#reader = body?.getReader();
  }

  /** Reads what is there at once: to the end, until a chunk is not there yet, or until it is too much for one write. */
  async readReady(): Promise<ReadyPieces> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    while (size <= WHOLE) {
      const read = await this.#exchange.guard(withinThisTurn(this.#begin()));
      if (!read) return { pieces, size, isWhole: false };
      const piece = this.#end(read);
      if (!piece) return { pieces, size, isWhole: true };
      pieces.push(piece);
      size += piece.length;
    }
    return { pieces, size, isWhole: false };
  }

  /** Reads the next chunk; gives `undefined` at the end. */
  async read(): Promise<Uint8Array | undefined> {
    return this.#end(await this.#exchange.guard(this.#begin()));
  }

  #begin(): Promise<ReadResult> {
    if (!this.#reader) return Promise.resolve({ done: true, value: undefined });
    return this.#reading ??= this.#reader.read();
  }

  #end({ done, value }: ReadResult): Uint8Array | undefined {
    this.#reading = undefined;
    if (done) return undefined;
    if (value instanceof Uint8Array) return value;
    throw new TypeError("Cannot send the response: a chunk of its body is no Uint8Array");
  }

  cancel(reason: unknown): void {
    this.#reader?.cancel(reason).catch(() => {});
  }
}

/**
 * What a promise gives within this turn of the event loop, or `undefined`. The promise is handled from here on: a read that
 * fails later, while a write is waited for, is no unhandled rejection.
 */
function withinThisTurn<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => nextTurn(() => resolve(undefined)))]);
}

async function sendPieces(
  body: BodyReader,
  pieces: readonly Uint8Array[],
  send: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  for (const piece of pieces) if (piece.length > 0) await send(piece);
  for (let piece; (piece = await body.read());) if (piece.length > 0) await send(piece);
}

/** The body must be as long as the Content-Length that was written before it. */
async function sendSized(
  write: Write,
  body: BodyReader,
  pieces: readonly Uint8Array[],
  length: string,
): Promise<void> {
  let left = Number(length);
  await sendPieces(body, pieces, (piece) => {
    left -= piece.length;
    if (left < 0) throw new TypeError(`Cannot send the response: the body is longer than ${length} bytes`);
    return write(concat([piece]));
  });
  if (left > 0) throw new TypeError(`Cannot send the response: the body is shorter than ${length} bytes`);
}

function checkSize(size: number, length: string | null): void {
  if (length === null || Number(length) === size) return;
  throw new TypeError(`Cannot send the response: Content-Length is ${quote(length)}, the body has ${size} bytes`);
}

/** A chunk (RFC 9112 §7.1); an empty one is the last, with no trailers. */
function chunkOf(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  return concat([encoder.encode(`${piece.length.toString(16)}\r\n`), piece, encoder.encode("\r\n")]);
}
