// What a server decides about the request of an upgrade (RFC 6455 §4.2): first the request is judged and a subprotocol is
// chosen, then the caller's policy is asked; only then the 101 is made. The steps are functions, for those who put them in
// order: `decide()` awaits what takes time, and the machine of the handshake is told of it.

import type { RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { parseTokens } from "../http/field_values.ts";
import { withoutConnectionFields } from "../http/http2_head.ts";
import { isHttp2 } from "../http/request_head.ts";
import { checkResponse, discardBody, ResponseHeadDraft } from "../http/response.ts";
import type { FieldList } from "../http/write_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { acceptValue } from "./accept_value.ts";
import type { CheckedAnswerOptions } from "./answer_options.ts";
import { answerDeflate } from "./compression.ts";
import { decorate } from "./decorator.ts";
import { type Refusal, refuse, refuseWith } from "./refusal.ts";
import { findConnectProblem } from "./extended_connect.ts";
import { findProblem } from "./request_checks.ts";
import { UPGRADE_FIELDS } from "./upgrade_fields.ts";

/** What is agreed on, and the head of the 101, or in HTTP/2 of the 200, which is not a `Response` yet: it can be written without making one. */
export interface Acceptance {
  readonly head: ResponseHeadDraft;
  readonly agreement: Agreement;
  readonly error?: never;
}

/** What becomes of a request. */
export type Decision = Acceptance | Refusal;

/** Decides about a request. */
export async function decide(request: RequestHead, options: CheckedAnswerOptions): Promise<Decision> {
  const judged = judgeRequest(request, options);
  if (typeof judged !== "string") return judged;
  const refusal = options.authorize && await askPolicy(request, options);
  if (refusal) return refuseWith(refusal, options.headers, request);
  return agree(request, judged, isHttp2(request) ? undefined : await acceptValue(keyOf(request)), options);
}

/** Judges a request. Gives the subprotocol to use, or `""` for none, when nothing is wrong with it. */
export function judgeRequest(request: RequestHead, options: CheckedAnswerOptions): string | Refusal {
  const { origins } = options;
  const problem = isHttp2(request) ? findConnectProblem(request, origins) : findProblem(request, origins);
  if (problem) return refuse(problem, options.headers, request);
  return chooseProtocol(request.headers.get("sec-websocket-protocol"), options.protocols);
}

/** The Sec-WebSocket-Key of a request of HTTP/1.1 that was judged. */
export function keyOf({ headers }: RequestHead): string {
  return headers.get("sec-websocket-key")!;
}

/**
 * Agrees to a request that was judged.
 *
 * @param accept The Sec-WebSocket-Accept for its key; none in HTTP/2, whose answer is a 200 (RFC 8441 §5).
 */
export function agree(
  request: RequestHead,
  protocol: string,
  accept: string | undefined,
  { compression, headers: decorator }: CheckedAnswerOptions,
): Acceptance {
  const deflated = compression && answerDeflate(request.headers.get("sec-websocket-extensions"), compression);
  const fields = agreedFields(accept, protocol, deflated?.extensions ?? "");
  const status = accept === undefined ? 200 : 101, draft = (headers: Headers) => ({ status, headers });
  const decorated = decorate(fields, decorator, "server", draft, request);
  const head = new ResponseHeadDraft(status, accept === undefined ? withoutConnectionFields(decorated) : decorated);
  return {
    head,
    agreement: deflated ? { role: "server", protocol, ...deflated } : { role: "server", protocol, extensions: "" },
  };
}

/** The fields of a 101, or in HTTP/2 of a 200, which has no `accept` value; without those of the decorator. */
export function agreedFields(accept: string | undefined, protocol: string, extensions: string): FieldList {
  const fields: FieldList = accept === undefined ? [] : [...UPGRADE_FIELDS, ["Sec-WebSocket-Accept", accept]];
  if (protocol !== "") fields.push(["Sec-WebSocket-Protocol", protocol]);
  if (extensions !== "") fields.push(["Sec-WebSocket-Extensions", extensions]);
  return fields;
}

/** §4.2.2 (4), «subprotocol»: one that was offered, or none. */
function chooseProtocol(value: string | null, protocols: CheckedAnswerOptions["protocols"]): string {
  const offered = value === null ? [] : parseTokens(value)!;
  if (typeof protocols !== "function") return protocols.find((protocol) => offered.includes(protocol)) ?? "";
  const chosen = protocols(offered);
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw new TypeError(`Cannot choose the subprotocol ${quote(String(chosen))}: it was not offered`);
  }
  return chosen ?? "";
}

/** Asks the caller's own check. Gives the response that it refuses with, if it does. */
export async function askPolicy(request: RequestHead, options: CheckedAnswerOptions): Promise<Response | undefined> {
  const { signal = new AbortController().signal, transport } = options;
  const response = await options.authorize!(request, {
    signal,
    get remoteAddr() {
      return transport?.remoteAddr;
    },
    get localAddr() {
      return transport?.localAddr;
    },
  });
  if (response === undefined) return undefined;
  if (!(response instanceof Response)) {
    throw new TypeError("Cannot refuse the upgrade: authorize must return a Response or undefined");
  }
  try {
    checkResponse(response);
  } catch (error) {
    discardBody(response);
    throw error;
  }
  return response;
}
