// Answering a request with a response, such as the refusal of its upgrade: sends it within a time of its own, then gives
// the connection back, or closes it without cutting off what the client may still be sending (RFC 9112 §9.6).

import type { Clock } from "../base/clock.ts";
import type { RequestHead } from "../errors/handshake_error.ts";
import { ExchangeError } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { linger } from "../transport/linger.ts";
import type { Transport } from "../transport/transport.ts";
import { sendResponse } from "./send_response.ts";

/** How a response is sent. */
export interface RespondOptions {
  readonly clock: Clock;
  /** How long sending may take, and then how long the client may take to end the connection, each in milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** The request, once its head is read. */
  readonly request: RequestHead | undefined;
  /** Whether to give the connection back. */
  readonly keepAlive: boolean;
  /** Limits each write to the time, in place of all together: a body may come slowly, and be large. */
  readonly isPaced?: boolean;
  /** What was read behind the request. */
  readonly prefix: Uint8Array;
  /** Aborted when the client is lost while the response is sent. */
  readonly sending?: AbortController | undefined;
}

/**
 * Sends a response on a transport that no exchange uses any more: the deadline of the handshake, which may be over, does
 * not hold for it. If the client is gone, that is no error: nobody needs the response.
 *
 * @returns What was read behind the request, when the connection is given back; `undefined` when it is closed.
 * @throws {unknown} Rejects when the signal aborts, or when the body of the response fails. The latter is answered, too.
 */
export async function respond(
  transport: Transport,
  response: Response,
  options: RespondOptions,
): Promise<Uint8Array | undefined> {
  const { clock, timeout, signal, request, keepAlive, isPaced = false, prefix } = options;
  const exchange = new Exchange(transport, { clock, timeout: isPaced ? 0 : timeout, signal, prefix });
  try {
    await sendResponse(exchange, response, { request, keepAlive, ...(isPaced && { timeout }), watches: true });
  } catch (error) {
    exchange.dispose();
    if (error instanceof ExchangeError) options.sending?.abort(error);
    if (exchange.signal.aborted || exchange.hasWritten) exchange.abort();
    else await respond(transport, serverError(), { ...options, keepAlive: false });
    if (error instanceof ExchangeError) return undefined;
    throw error;
  }
  if (keepAlive) {
    exchange.release();
    return exchange.rest;
  }
  exchange.dispose();
  await linger(transport, { clock, timeout, signal }).closed;
  return undefined;
}

/** A 500, for what is not the client's fault, such as a policy that failed. */
export function serverError(): Response {
  return new Response("The server failed\n", { status: 500 });
}
