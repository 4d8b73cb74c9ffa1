// The client's half of a handshake over a wire: the request out, the final response in, and a refusal with its body.

import { readBody } from "../exchange/read_body.ts";
import type { HandshakeError, Problem } from "../errors/handshake_error.ts";
import { listHas } from "../http/field_values.ts";
import { Gather } from "../base/byte_builder.ts";
import { type Agreement, switchingProtocols } from "../handshake/decorator.ts";
import { HeadReader, writeHead } from "../http/field_lines.ts";
import { linger } from "../transport/linger.ts";
import { judge, type OfferDraft, openingError } from "../handshake/offer.ts";
import { type ParsedResponse, parseResponse } from "../http/response_head.ts";
import { readHead, type Wire, WireError } from "../exchange/exchange.ts";
import type { CheckedOptions } from "../connection/websocket_connection.ts";

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
 * @returns What was agreed, while the wire is still in use; or the refusal: the connection is closed, or given back.
 */
export async function requestUpgrade(
  wire: Wire,
  offer: OfferDraft,
  options: OpeningOptions,
): Promise<Opened | HandshakeError> {
  await wire.write(writeHead(`GET ${offer.target} HTTP/1.1`, offer.fields));
  const head = await readFinal(wire, options.maxHeadSize);
  if ("failure" in head) return await refused(wire, head, offer, undefined, options);
  const verdict = await wire.guard(judge(offer, head));
  return "failure" in verdict ? await refused(wire, verdict, offer, head, options) : { agreement: verdict, head };
}

/** How many interim responses may come before the final one. */
const MAX_INTERIM = 16;

/** The final response: interim ones are skipped, but for a 101 (RFC 9110 §15.2). */
export async function readFinal(wire: Wire, maxHeadSize: number): Promise<ParsedResponse | Problem> {
  for (let count = 0; count <= MAX_INTERIM; count++) {
    const bytes = await readHead(wire, new HeadReader(maxHeadSize, 0));
    if (!bytes) throw new WireError("connection-closed", "the connection ended before a response");
    const head = "failure" in bytes ? bytes : parseResponse(bytes);
    if ("failure" in head || head.status === 101 || head.status >= 200) return head;
  }
  return { failure: "head-malformed", detail: `there are more than ${MAX_INTERIM} interim responses` };
}

/** Reads what there is of the refusal's body, gives the connection back or closes it, and makes the error. */
async function refused(
  wire: Wire,
  problem: Problem,
  offer: OfferDraft,
  head: ParsedResponse | undefined,
  { maxBodySize, keepAlive, connection }: OpeningOptions,
): Promise<HandshakeError> {
  const body = new Gather();
  let whole = false;
  try {
    whole = head !== undefined && await readBody(wire, head.body, maxBodySize, body) === true;
  } catch (error) {
    // The head said enough: a body that breaks off or comes too late is cut there
    if (!(error instanceof WireError)) throw error;
  }
  const reusable = keepAlive && whole && head!.body !== "end" && head!.version === "1.1" && head!.status !== 101 &&
    !listHas(head!.headers.get("connection"), "close");
  if (reusable) wire.release();
  else {
    // A server that is still sending is not reset, as long as the handshake may take
    const { clock, closeTimeout: timeout } = connection;
    if (!whole) await linger(wire.transport, { clock, timeout, signal: wire.signal }).closed;
    wire.abort();
  }
  return openingError(problem, {
    request: offer.request,
    response: head && toResponse(head, body.take()),
    reusable,
    rest: reusable ? wire.rest : undefined,
    truncated: head !== undefined && !whole,
  });
}

/** What was read, as a `Response`. */
export function toResponse(head: ParsedResponse, body: Uint8Array<ArrayBuffer> | null): Response {
  const { status, reason: statusText } = head;
  const headers = [...head.headers];
  if (status === 101) return switchingProtocols(headers);
  // The body was taken out of its framing; fetch() shows the same fields
  const isNull = status === 204 || status === 205 || status === 304 || body === null || body.length === 0;
  // RFC 9110 §15: an invalid status is to be taken as a 5xx
  return new Response(isNull ? null : body, { status: status > 599 ? 500 : status, statusText, headers });
}
