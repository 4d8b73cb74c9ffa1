// Bodies of HTTP/1.1 messages (RFC 9112 §6, §7.1): read whole within a limit. What follows a body goes back to the exchange.

import { ByteBuilder } from "../base/byte_builder.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange } from "./exchange.ts";
import { checkField, latin1, MAX_FIELDS } from "../http/field_lines.ts";

/** The longest line of a chunked body: size and extensions, or a trailer. */
const MAX_LINE = 4096;

/**
 * Reads a body.
 *
 * @param length Bytes, or where it ends.
 * @param limit At most this many bytes are read.
 * @param body Where they are gathered, also when it rejects.
 * @returns Whether that is all of it.
 */
export async function readBody(
  exchange: Exchange,
  length: number | "chunked" | "end",
  limit: number,
  body: ByteBuilder,
): Promise<boolean | Problem> {
  if (length === "chunked") return await readChunked(exchange, body, limit);
  if (length === "end") return await readBytes(exchange, body, limit) || await exchange.read() === undefined;
  if (await readBytes(exchange, body, Math.min(length, limit))) throw endedInside();
  return length <= limit;
}

function endedInside(): ExchangeError {
  return new ExchangeError("connection-closed", "the connection ended inside the body");
}

/** Adds `count` bytes; true when the peer ends before that. */
async function readBytes(exchange: Exchange, body: ByteBuilder, count: number): Promise<boolean> {
  while (count > 0) {
    const chunk = await exchange.read();
    if (!chunk) return true;
    const used = Math.min(count, chunk.length);
    body.add(chunk, 0, used, Infinity);
    exchange.unread(chunk.subarray(used));
    count -= used;
  }
  return false;
}

async function readChunked(exchange: Exchange, body: ByteBuilder, limit: number): Promise<boolean | Problem> {
  for (;;) {
    const line = await readLine(exchange);
    // §7.1.1: extensions are ignored; a size that does not parse is how requests are smuggled
    const size = /^0*([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line ?? "")?.[1];
    if (size === undefined) return malformedBody("a chunk has no valid size");
    const length = parseInt(size, 16), room = limit - body.length;
    if (length === 0) break;
    if (await readBytes(exchange, body, Math.min(length, room))) throw endedInside();
    if (length > room) return false;
    if (await readLine(exchange) !== "") return malformedBody("a chunk is longer than its size");
  }
  // §7.1.2: trailers are read and forgotten
  for (let count = 1;; count++) {
    const line = await readLine(exchange);
    if (line === "") return true;
    if (line === undefined || count > MAX_FIELDS || checkField(line)) {
      return malformedBody("a trailer is malformed, or one too many");
    }
  }
}

/** A line without its CRLF; `undefined` when it is too long or ends otherwise. */
async function readLine(exchange: Exchange): Promise<string | undefined> {
  const line = new ByteBuilder();
  for (;;) {
    const chunk = await exchange.read();
    if (!chunk) throw endedInside();
    const end = chunk.indexOf(10);
    line.add(chunk, 0, end < 0 ? chunk.length : end + 1, Infinity);
    if (line.length > MAX_LINE) return undefined;
    if (end < 0) continue;
    exchange.unread(chunk.subarray(end + 1));
    const text = latin1(line.take());
    return text.endsWith("\r\n") && text.indexOf("\r") === text.length - 2 ? text.slice(0, -2) : undefined;
  }
}

function malformedBody(detail: string): Problem {
  return { failure: "body-malformed", detail };
}
