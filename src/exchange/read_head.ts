// Reading the head of an HTTP/1.1 message from an exchange (RFC 9112 §2.1). What follows the head stays in the exchange.

import { ExchangeError, type Problem } from "../errors/problem.ts";
import type { Exchange } from "./exchange.ts";
import { type HeadBytes, HeadReader } from "../http/head_reader.ts";
import { type ParsedResponse, parseResponse } from "../http/response_head.ts";

/**
 * Reads one head.
 *
 * @returns `undefined` when the peer ends before the first byte.
 */
export async function readHead(
  exchange: Exchange,
  reader: HeadReader,
): Promise<HeadBytes["head"] | Problem | undefined> {
  for (;;) {
    const chunk = await exchange.read();
    if (!chunk) {
      if (!reader.started) return undefined;
      throw new ExchangeError("connection-closed", "the connection ended inside the head");
    }
    const read = reader.push(chunk);
    if (!read) continue;
    if ("failure" in read) return read;
    exchange.unread(read.rest);
    return read.head;
  }
}

/** How many interim responses (1xx) may come before the final one. */
const MAX_INTERIM = 16;

/**
 * Reads heads up to the one of the final response; a 101 is final, other 1xx are skipped (RFC 9110 §15.2).
 *
 * @param method That of the request.
 */
export async function readFinal(
  exchange: Exchange,
  maxHeadSize: number,
  method = "GET",
): Promise<ParsedResponse | Problem> {
  for (let count = 0; count <= MAX_INTERIM; count++) {
    const bytes = await readHead(exchange, new HeadReader(maxHeadSize, 0));
    if (!bytes) throw new ExchangeError("connection-closed", "the connection ended before a response");
    const head = "failure" in bytes ? bytes : parseResponse(bytes, method);
    if ("failure" in head || head.status === 101 || head.status >= 200) return head;
  }
  return { failure: "head-malformed", detail: `there are more than ${MAX_INTERIM} interim responses` };
}
