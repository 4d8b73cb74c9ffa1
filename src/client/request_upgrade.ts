// The client's half of a handshake over a exchange: the request out, the final response in, and a refusal with its body.

import { ByteBuilder } from "../base/byte_builder.ts";
import { type CheckedOptions } from "../connection/options.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { readBody } from "../exchange/read_body.ts";
import { readFinal } from "../exchange/read_head.ts";
import { judge, openingError } from "../handshake/confirm.ts";
import { OfferDraft } from "../handshake/offer.ts";
import { listHas } from "../http/field_values.ts";
import { toResponse } from "../http/response.ts";
import { type ParsedResponse } from "../http/response_head.ts";
import { writeHead } from "../http/write_head.ts";
import { type Agreement } from "../protocol/agreement.ts";
import { linger } from "../transport/linger.ts";

/** How a handshake is opened. */
export interface OpeningOptions {
  readonly maxHeadSize: number;
  readonly maxBodySize: number;
  readonly keepAlive: boolean;
  readonly connection: CheckedOptions;
}

/** What was agreed, and the response that said so. */
export interface Opened {
  readonly agreement: Agreement;
  readonly head: ParsedResponse;
}

/**
 * Asks for an upgrade.
 *
 * @returns What was agreed, while the exchange is still in use; or the refusal: the connection is closed, or given back.
 */
export async function requestUpgrade(
  exchange: Exchange,
  offer: OfferDraft,
  options: OpeningOptions,
): Promise<Opened | HandshakeError> {
  await exchange.write(writeHead(`GET ${offer.target} HTTP/1.1`, offer.fields));
  const head = await readFinal(exchange, options.maxHeadSize);
  if ("failure" in head) return await refused(exchange, head, offer, undefined, options);
  const verdict = await exchange.guard(judge(offer, head));
  return "failure" in verdict ? await refused(exchange, verdict, offer, head, options) : { agreement: verdict, head };
}

/** Reads what there is of the refusal's body, gives the connection back or closes it, and makes the error. */
async function refused(
  exchange: Exchange,
  problem: Problem,
  offer: OfferDraft,
  head: ParsedResponse | undefined,
  { maxBodySize, keepAlive, connection }: OpeningOptions,
): Promise<HandshakeError> {
  const body = new ByteBuilder();
  let whole = false;
  try {
    whole = head !== undefined && await readBody(exchange, head.body, maxBodySize, body) === true;
  } catch (error) {
    // The head said enough: a body that breaks off or comes too late is cut there
    if (!(error instanceof ExchangeError)) throw error;
  }
  const reusable = keepAlive && whole && head!.body !== "end" && head!.version === "1.1" && head!.status !== 101 &&
    !listHas(head!.headers.get("connection"), "close");
  if (reusable) exchange.release();
  else {
    // A server that is still sending is not reset, as long as the handshake may take
    const { clock, closeTimeout: timeout } = connection;
    if (!whole) await linger(exchange.transport, { clock, timeout, signal: exchange.signal }).closed;
    exchange.abort();
  }
  return openingError(problem, {
    request: offer.request,
    response: head && toResponse(head, body.take()),
    reusable,
    rest: reusable ? exchange.rest : undefined,
    truncated: head !== undefined && !whole,
  });
}
