// Reading the body of an HTTP/1.1 message from an exchange (RFC 9112 §6, §7.1), whole and within a limit. What follows
// the body stays in the exchange.

import { ByteBuilder } from "../base/byte_builder.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import type { Exchange } from "./exchange.ts";
import { checkField, latin1, MAX_FIELDS } from "../http/field_lines.ts";
import { isFieldValue, quotedEnd, spaceEnd, tokenEnd } from "../http/field_values.ts";

/** The longest line of a chunked body, in bytes: a chunk size with its extensions, or a trailer field. */
const MAX_LINE = 4096;

/**
 * Reads a body.
 *
 * @param length Its size in bytes, or how its end is found.
 * @param limit At most this many bytes are read.
 * @param body Where the bytes are gathered; if the promise rejects, it holds what came until then.
 * @returns Whether the body is whole; `false` when it is larger than the limit.
 */
export async function readBody(
  exchange: Exchange,
  length: number | "chunked" | "end",
  limit: number,
  body: ByteBuilder,
): Promise<boolean | Problem> {
  if (length === "chunked") return await readChunked(exchange, body, limit);
  if (length === "end") return !await readBytes(exchange, body, limit) || await exchange.read() === undefined;
  if (!await readBytes(exchange, body, Math.min(length, limit))) throw endedInside();
  return length <= limit;
}

/** Reads `count` bytes; gives `false` when the peer ends before that. */
async function readBytes(exchange: Exchange, body: ByteBuilder, count: number): Promise<boolean> {
  while (count > 0) {
    const chunk = await exchange.read();
    if (!chunk) return false;
    const used = Math.min(count, chunk.length);
    body.add(chunk, 0, used, Infinity);
    exchange.unread(chunk.subarray(used));
    count -= used;
  }
  return true;
}

/** §7.1 */
async function readChunked(exchange: Exchange, body: ByteBuilder, limit: number): Promise<boolean | Problem> {
  for (;;) {
    const size = parseChunkSize(await readLine(exchange));
    if (size === undefined) return malformedBody("a chunk has no valid size");
    if (size === 0) return await skipTrailers(exchange) ?? true;
    const room = limit - body.length;
    if (!await readBytes(exchange, body, Math.min(size, room))) throw endedInside();
    if (size > room) return false;
    if (await readLine(exchange) !== "") return malformedBody("a chunk is longer than its size");
  }
}

/** §7.1: extensions are ignored. Sizes that parsers disagree about are how requests are smuggled: those are refused. */
function parseChunkSize(line: string | undefined): number | undefined {
  if (line === undefined || !isFieldValue(line)) return undefined;
  const [whole = "", digits = ""] = /^0*([0-9A-Fa-f]{1,8})/.exec(line) ?? [];
  return digits !== "" && areExtensions(line, whole.length) ? parseInt(digits, 16) : undefined;
}

/**
 * §7.1.1: whether the rest of a line is any number of `;name`, `;name=token` and `;name="quoted"`. White space may be around
 * `;` and `=`, and nowhere else.
 */
function areExtensions(line: string, at: number): boolean {
  while (at < line.length) {
    const semicolon = spaceEnd(line, at);
    if (line[semicolon] !== ";") return false;
    const name = spaceEnd(line, semicolon + 1);
    at = tokenEnd(line, name);
    if (at === name) return false;
    const equals = spaceEnd(line, at);
    if (line[equals] !== "=") continue;
    const value = spaceEnd(line, equals + 1);
    at = line[value] === '"' ? quotedEnd(line, value) : tokenEnd(line, value);
    if (at === value) return false;
  }
  return true;
}

/** §7.1.2: trailer fields are checked and thrown away. */
async function skipTrailers(exchange: Exchange): Promise<Problem | undefined> {
  for (let count = 1;; count++) {
    const line = await readLine(exchange);
    if (line === "") return undefined;
    if (line === undefined || count > MAX_FIELDS || checkField(line)) {
      return malformedBody("a trailer is malformed, or one too many");
    }
  }
}

/** Reads a line and gives it without its CRLF; `undefined` when it is too long, or does not end with CRLF. */
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

function endedInside(): ExchangeError {
  return new ExchangeError("connection-closed", "the connection ended inside the body");
}

function malformedBody(detail: string): Problem {
  return { failure: "body-malformed", detail };
}
