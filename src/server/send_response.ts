import { nextTurn } from "../base/clock.ts";
import { type RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { listElements } from "../http/field_values.ts";
import { headOf } from "../http/request_head.ts";
import { type FieldList, STATUS_TEXT } from "../http/response.ts";
import { writeHead } from "../http/write_head.ts";

/** A body up to this size is sent with its length. */
const WHOLE = 65536;

/** How a response is sent. */
export interface SendResponseOptions {
  readonly request?: RequestHead | undefined;
  readonly keepAlive: boolean;
  /** How long the peer may take for each piece, in milliseconds; otherwise the deadline of the exchange is for all of it. */
  readonly timeout?: number;
}

/** Writes a response that was checked. */
export async function sendResponse(
  exchange: Exchange,
  response: Response,
  { request, keepAlive, timeout }: SendResponseOptions,
): Promise<void> {
  const { status, headers } = response;
  const put = async (bytes: Uint8Array<ArrayBuffer>) => {
    if (timeout !== undefined) exchange.allow(timeout);
    await exchange.write(bytes);
    if (timeout !== undefined) exchange.allow(0); // the body may take its time
  };
  const start = `HTTP/1.1 ${status} ${response.statusText || (STATUS_TEXT[status] ?? "")}`;
  const fields = fieldsOf(headers, keepAlive);
  const length = headers.get("content-length");
  // RFC 9110 §6.4.1: these have no body, and a length, if any, is that of what a GET would have got
  if (request?.method === "HEAD" || status === 204 || status === 304) {
    response.body?.cancel().catch(() => {}); // how its source ends is its own matter
    if (length !== null && status !== 204) fields.push(["Content-Length", length]);
    return await put(writeHead(start, fields));
  }
  const body = response.body?.getReader();
  let next = body?.read();
  try {
    const first: Uint8Array[] = [];
    let size = 0, done = !body;
    while (!done && size <= WHOLE) {
      const read = await exchange.guard(ready(next!));
      if (!read) break; // the rest takes its time: what is there goes out now
      done = read.done;
      if (done) break;
      first.push(bytesOf(read.value));
      size += read.value!.length;
      next = body!.read();
    }
    if (done) {
      if (length !== null && Number(length) !== size) {
        throw new TypeError(
          `Cannot send the response: Content-Length is ${quote(length)}, the body has ${size} bytes`,
        );
      }
      return await put(joined([writeHead(start, [...fields, ["Content-Length", String(size)]]), ...first]));
    }
    const chunked = length === null && headOf(request ?? EMPTY_HEAD)?.version !== "1.0";
    if (length !== null) fields.push(["Content-Length", length]);
    else if (chunked) fields.push(["Transfer-Encoding", "chunked"]);
    await put(writeHead(start, fields));
    let left = length === null ? Infinity : Number(length);
    const send = async (piece: Uint8Array) => {
      left -= piece.length;
      if (left < 0) throw new TypeError(`Cannot send the response: the body is longer than ${length} bytes`);
      if (piece.length > 0) await put(chunked ? chunkOf(piece) : joined([piece]));
    };
    for (const piece of first) await send(piece);
    for (let read; !(read = await exchange.guard(next!)).done; next = body!.read()) await send(bytesOf(read.value));
    if (length !== null && left > 0) {
      throw new TypeError(`Cannot send the response: the body is shorter than ${length} bytes`);
    }
    if (chunked) await put(chunkOf(new Uint8Array()));
  } catch (error) {
    next?.catch(() => {});
    body?.cancel(error).catch(() => {});
    throw error;
  }
}

/** The fields of a response, but for the length of its body. */
function fieldsOf(headers: Headers, keepAlive: boolean): FieldList {
  const names = new Set(["connection", "content-length", "date"]);
  const fields: FieldList = [...headers].filter(([name]) => !names.has(name));
  fields.push(["Date", headers.get("date") ?? new Date().toUTCString()]); // RFC 9110 §6.6.1
  const connection = listElements(headers.get("connection") ?? "").filter((token) => token.toLowerCase() !== "close");
  if (!keepAlive) connection.push("close");
  if (connection.length > 0) fields.push(["Connection", connection.join(", ")]);
  return fields;
}

/** What a read gives within this turn of the event loop, or `undefined`. */
function ready<T>(read: Promise<T>): Promise<T | undefined> {
  return Promise.race([read, new Promise<undefined>((resolve) => nextTurn(() => resolve(undefined)))]);
}

/** A body of the caller's may hold anything. */
function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError("Cannot send the response: a chunk of its body is no Uint8Array");
}

const EMPTY_HEAD: RequestHead = { method: "GET", url: "", headers: new Headers() };

/** RFC 9112 §7.1; an empty one is the last. */
function chunkOf(piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  return joined([encoder.encode(`${piece.length.toString(16)}\r\n`), piece, encoder.encode("\r\n")]);
}

function joined(pieces: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
