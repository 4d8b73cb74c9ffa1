// The client's half of the handshake, on the wire: sends the request and reads the final response. Its head alone
// decides what comes next. For the error of a refusal the body is read, and the connection is closed or given back.

import { ByteBuilder } from "../base/byte_builder.ts";
import type { CheckedOptions } from "../connection/connection_options.ts";
import type { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { readBody } from "../exchange/read_body.ts";
import { readFinal } from "../exchange/read_head.ts";
import { handshakeFailed, judge } from "../handshake/confirm.ts";
import type { OfferDraft } from "../handshake/offer.ts";
import { listHas } from "../http/field_values.ts";
import { toResponse } from "../http/response.ts";
import type { ParsedResponse } from "../http/response_head.ts";
import { writeHead } from "../http/write_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { linger } from "../transport/linger.ts";

/** Limits of the response, and what to do after a refusal. */
export interface RequestUpgradeOptions {
  readonly maxHeadSize: number;
  readonly maxBodySize: number;
  readonly keepAlive: boolean;
  readonly connection: CheckedOptions;
}

/** The head of the 101, and what it agrees on. */
export interface Opened {
  readonly agreement: Agreement;
  readonly head: ParsedResponse;
}

/** The head of a refusal, if there is one, and what is wrong with it. */
export interface Refused {
  readonly problem: Problem;
  readonly head: ParsedResponse | undefined;
}

/**
 * Asks for an upgrade, and judges the head of the response.
 *
 * @returns What was agreed on, or the refusal, of which only the head is read. The exchange goes on.
 */
export async function requestUpgrade(
  exchange: Exchange,
  offer: OfferDraft,
  { maxHeadSize }: RequestUpgradeOptions,
): Promise<Opened | Refused> {
  await exchange.write(writeHead(`GET ${offer.target} HTTP/1.1`, offer.fields));
  const head = await readFinal(exchange, maxHeadSize);
  if ("failure" in head) return { problem: head, head: undefined };
  const verdict = await exchange.guard(judge(offer, head));
  return "failure" in verdict ? { problem: verdict, head } : { agreement: verdict, head };
}

/**
 * How long the caller waits for the rest of a refusal, in milliseconds: its body, and the end of the connection. The head
 * says what matters, and not every server ends a body without a length.
 */
const REFUSAL_TIMEOUT = 2000;

/** Reads as much of the refusal's body as comes in time, gives the connection back or closes it, and makes the error. */
export async function readRefusal(
  exchange: Exchange,
  { problem, head }: Refused,
  offer: OfferDraft,
  { maxBodySize, keepAlive, connection }: RequestUpgradeOptions,
): Promise<HandshakeError> {
  const body = new ByteBuilder();
  let whole = false;
  exchange.allow(REFUSAL_TIMEOUT);
  try {
    whole = head !== undefined && await readBody(exchange, head.body, maxBodySize, body) === true;
  } catch (error) {
    // The head says that it is a refusal: a body that breaks off or comes too late is cut there
    if (!(error instanceof ExchangeError)) throw error;
  }
  const reusable = keepAlive && whole && isReusable(head!);
  if (reusable) exchange.release();
  else {
    const { clock, closeTimeout: timeout } = connection;
    // Closing while the server is still sending would reset the connection (RFC 9112 §9.6); the time limit holds here, too
    if (!whole) await linger(exchange.transport, { clock, timeout, signal: exchange.signal }).closed;
    exchange.abort();
  }
  return handshakeFailed(problem, {
    request: offer.request,
    response: head && toResponse(head, body.take()),
    reusable,
    rest: reusable ? exchange.rest : undefined,
    truncated: head !== undefined && !whole,
  });
}

/** Whether the connection can be used again after this response, once its body is read (RFC 9112 §9.3). */
function isReusable({ body, version, status, headers }: ParsedResponse): boolean {
  return body !== "end" && version === "1.1" && status !== 101 && !listHas(headers.get("connection"), "close");
}
