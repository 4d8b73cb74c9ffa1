// Reading the head of an HTTP/1.1 message from an exchange, by promises (RFC 9112 §2.1). What follows the head stays in the
// exchange.

import { endedBefore, endedInHead, type Problem } from "../errors/problem.ts";
import type { ParsedResponse } from "../http/response_head.ts";
import { ResponseReader } from "../http/response_reader.ts";
import type { Exchange } from "./exchange.ts";

/** Chunks to a head, such as a {@linkcode RequestReader}. */
export interface Reader<Head> {
  readonly started: boolean;
  readonly rest: Uint8Array;
  push(chunk: Uint8Array): Head | Problem | undefined;
}

/**
 * Reads one head.
 *
 * @returns `undefined` when the peer ends before the first byte.
 */
export async function readHead<Head>(exchange: Exchange, reader: Reader<Head>): Promise<Head | Problem | undefined> {
  for (;;) {
    const chunk = await exchange.read();
    if (!chunk) {
      if (!reader.started) return undefined;
      throw endedInHead();
    }
    const read = reader.push(chunk);
    if (!read) continue;
    exchange.unread(reader.rest);
    return read;
  }
}

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
  return await readHead(exchange, new ResponseReader(maxHeadSize, method)) ?? Promise.reject(endedBefore("a response"));
}
