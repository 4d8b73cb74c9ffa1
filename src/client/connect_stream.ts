// The client's half of the handshake on a stream of HTTP/2 (RFC 8441 §5): sends the request, judges the head of the response,
// and reads the body of a refusal.

import type { HandshakeError } from "../errors/handshake_error.ts";
import type { Problem } from "../errors/problem.ts";
import { handshakeFailed, judge } from "../handshake/confirm.ts";
import { connectOf, type ExtendedConnect } from "../handshake/extended_connect.ts";
import type { OfferDraft } from "../handshake/offer.ts";
import { parseHttp2Response } from "../http/http2_head.ts";
import { toResponse } from "../http/response.ts";
import type { ParsedResponse } from "../http/response_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { transportOf } from "../runtime/choose.ts";
import { readToEnd } from "../transport/read_to_end.ts";
import type { Transport } from "../transport/transport.ts";
import type { CheckedDialOptions } from "./dial_options.ts";
import { Http1Instead, type Http2Answer } from "../runtime/http2_client.ts";
import { requestStream } from "./http2_sessions.ts";
import type { RequestUpgradeOptions } from "./request_upgrade.ts";

/** The response on a stream: what was agreed on, or what is wrong. */
export interface StreamOutcome {
  readonly transport: Transport;
  readonly head: ParsedResponse | undefined;
  readonly connect: ExtendedConnect;
  readonly verdict: Agreement | Problem;
}

/** The extended CONNECT of an offer that was drafted for one. */
export function connectOfDraft({ url, fields, protocols, deflate }: OfferDraft): ExtendedConnect {
  return connectOf(url, fields, protocols, deflate);
}

/**
 * Asks for a WebSocket on a stream, in a session that others may share.
 *
 * @returns `undefined` when the server takes none, or none now, and `http2` is "auto". Rejects as `connect()` does.
 */
export async function connectStream(
  url: URL,
  offer: OfferDraft,
  options: CheckedDialOptions,
  maxHeadSize: number,
  signal: AbortSignal,
): Promise<StreamOutcome | undefined> {
  const connect = connectOfDraft(offer);
  let answer: Http2Answer;
  try {
    answer = await requestStream(url, connect.fields, options, signal);
  } catch (error) {
    if (options.http2 === "auto" && error instanceof Http1Instead) return undefined;
    throw error;
  }
  const transport = transportOf(answer.conn);
  const parsed = findTooLarge(answer.fields, maxHeadSize) ?? parseHttp2Response(answer.fields);
  if ("failure" in parsed) {
    transport.abort();
    return { transport, head: undefined, connect, verdict: parsed };
  }
  const head: ParsedResponse = { ...parsed, reason: "", version: "2", body: "end" };
  return { transport, head, connect, verdict: await judge(connect, head) };
}

/** As much as `maxHeadSize` says, though the HTTP/2 layer may have let more in. */
function findTooLarge(fields: Http2Answer["fields"], maxHeadSize: number): Problem | undefined {
  const size = fields.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size <= maxHeadSize) return undefined;
  return { failure: "head-too-large", detail: `the head has more than ${maxHeadSize} bytes` };
}

/** How long the caller waits for the body of a refusal, in milliseconds. */
const REFUSAL_TIMEOUT = 2000;

/** Reads as much of the refusal's body as comes in time, ends the stream, and makes the error. */
export async function readStreamRefusal(
  { transport, head, connect }: StreamOutcome,
  problem: Problem,
  { maxBodySize, connection: { clock } }: RequestUpgradeOptions,
  signal: AbortSignal,
): Promise<HandshakeError> {
  if (!head) return handshakeFailed(problem, { request: connect.request });
  const limits = { limit: maxBodySize, clock, timeout: REFUSAL_TIMEOUT, signal };
  const { bytes, ending } = await readToEnd(transport, limits);
  transport.abort();
  const response = toResponse(head, bytes);
  return handshakeFailed(problem, { request: connect.request, response, truncated: ending !== "end" });
}
