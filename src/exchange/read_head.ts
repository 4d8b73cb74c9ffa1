import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange } from "./exchange.ts";
import { type HeadBytes, HeadReader } from "../http/head_reader.ts";
import { type ParsedResponse, parseResponse } from "../http/response_head.ts";

/** How many interim responses may come before the final one. */
const MAX_INTERIM = 16;

/** The final response: interim ones are skipped, but for a 101 (RFC 9110 §15.2). */
export async function readFinal(exchange: Exchange, maxHeadSize: number): Promise<ParsedResponse | Problem> {
  for (let count = 0; count <= MAX_INTERIM; count++) {
    const bytes = await readHead(exchange, new HeadReader(maxHeadSize, 0));
    if (!bytes) throw new ExchangeError("connection-closed", "the connection ended before a response");
    const head = "failure" in bytes ? bytes : parseResponse(bytes);
    if ("failure" in head || head.status === 101 || head.status >= 200) return head;
  }
  return { failure: "head-malformed", detail: `there are more than ${MAX_INTERIM} interim responses` };
}

/**
 * Reads a head; what follows it is given back to the exchange.
 *
 * @returns `undefined` when the peer ends before a byte.
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
