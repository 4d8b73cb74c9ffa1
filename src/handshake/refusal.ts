// The response and the error of an upgrade that is refused (RFC 6455 §4.2.2, RFC 9110 §15.5): for a problem with the
// request, or because a policy has given a response. Nothing that the peer sent goes into the response.

import { handshakeFailures } from "../errors/failures.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import type { Problem } from "../errors/problem.ts";
import { listHas } from "../http/field_values.ts";
import { withoutConnectionFields } from "../http/http2_head.ts";
import { isHttp2, isPersistent } from "../http/request_head.ts";
import { discardBody, ResponseHeadDraft } from "../http/response.ts";
import type { FieldList } from "../http/write_head.ts";
import { decorate, type Decorator, type ResponseDraft } from "./decorator.ts";
import { UPGRADE_FIELDS } from "./upgrade_fields.ts";

const VERSION: FieldList = [["Sec-WebSocket-Version", "13"]];

/** The fields that a refusal needs, by its failure or else by its status. */
const REFUSAL_FIELDS: Readonly<Record<string, Readonly<FieldList>>> = {
  "version-missing": VERSION,
  "version-unsupported": [...UPGRADE_FIELDS, ...VERSION], // RFC 6455 §4.4
  "method-not-connect": [["Allow", "CONNECT"]],
  "method-unsupported": [["Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]],
  405: [["Allow", "GET"]], // RFC 9110 §15.5.6
  426: UPGRADE_FIELDS, // RFC 9110 §15.5.22
};

/** A request that is refused: the response to send, and the error. */
export interface Refusal {
  readonly response: Response;
  readonly agreement?: never;
  readonly error: HandshakeError;
}

/** The body of a refusal: the sentence of its failure's row. */
export function refusalBody({ failure }: Pick<Problem, "failure">): string {
  return handshakeFailures[failure].sentence + "\n";
}

/** Refuses a request that has a problem; its response has the body of {@linkcode refusalBody}. */
export function refuse(problem: Problem, decorator?: Decorator<ResponseDraft>, request?: RequestHead): Refusal {
  const row = handshakeFailures[problem.failure];
  const status = problem.status ?? row.status;
  const needed = REFUSAL_FIELDS[problem.failure] ?? REFUSAL_FIELDS[status] ?? [];
  const fields: FieldList = [
    ["Content-Type", "text/plain; charset=utf-8"],
    ...request && isHttp2(request) ? withoutConnectionFields(needed) : needed,
    ...problem.retryAfter === undefined ? [] : [retryAfterField(problem.retryAfter)],
  ];
  const decorated = decorate(fields, decorator, "server", (headers) => ({ status, headers }), request);
  const { response } = new ResponseHeadDraft(status, decorated, refusalBody(problem));
  const message = `Cannot accept the upgrade: ${problem.detail}`;
  return { response, error: new HandshakeError(problem.failure, message, { request, response }) };
}

/** Whether the connection can be used again after a refusal: where the request ends must be beyond doubt. */
export function isReusable({ headers }: Response, request: RequestHead): boolean {
  const length = request.headers.get("content-length");
  return isPersistent(request) && !listHas(headers.get("connection"), "close") &&
    request.headers.get("transfer-encoding") === null && (length === null || /^0+$/.test(length));
}

/** When to come again, as whole seconds: not too early, and never at once (RFC 9110 §10.2.3). */
export function retryAfterField(milliseconds: number): readonly [name: string, value: string] {
  return ["Retry-After", String(Math.max(1, Math.ceil(milliseconds / 1000)))];
}

/** Refuses a request with the response that a policy has given. Its body is handed on, or cancelled. */
export function refuseWith(
  given: Response,
  decorator: Decorator<ResponseDraft> | undefined,
  request: RequestHead,
): Refusal {
  const { status, statusText } = given;
  try {
    const decorated = decorate([...given.headers], decorator, "server", (headers) => ({ status, headers }), request);
    const headers = decorated.map(([name, value]): [string, string] => [name, value]);
    const response = new Response(given.body, { status, statusText, headers });
    const message = `Cannot accept the upgrade: it was refused with the status ${status}`;
    return { response, error: new HandshakeError("unauthorized", message, { request, response }) };
  } catch (error) {
    discardBody(given);
    throw error;
  }
}
