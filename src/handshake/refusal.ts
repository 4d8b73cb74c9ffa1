import { handshakeFailures } from "../errors/failures.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { type Problem } from "../errors/problem.ts";
import { type AnswerOptions } from "./answer.ts";
import { decorate } from "./decorator.ts";
import { type FieldList, ResponseHeadDraft } from "../http/response.ts";

export const UPGRADE_FIELD = ["Upgrade", "websocket"] as const, CONNECTION_FIELD = ["Connection", "Upgrade"] as const;

const UPGRADE: FieldList = [UPGRADE_FIELD, CONNECTION_FIELD];

const VERSION: FieldList = [["Sec-WebSocket-Version", "13"]];

/** Fields of a refusal by its failure, and otherwise by its status. */
const REFUSAL_FIELDS: Readonly<Record<string, FieldList>> = {
  "version-missing": VERSION,
  "version-unsupported": [...UPGRADE, ...VERSION], // RFC 6455 §4.4
  "method-unsupported": [["Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"]],
  405: [["Allow", "GET"]], // RFC 9110 §15.5.6
  426: UPGRADE, // RFC 9110 §15.5.22
};

/** A refused request: the response to send, and the error. */
export interface Refusal {
  readonly response: Response;
  readonly agreement?: never;
  readonly error: HandshakeError;
}

/** The refusal of a bad request; its body is the sentence of the table. */
export function refuse(problem: Problem, { headers }: Pick<AnswerOptions, "headers">, request?: RequestHead): Refusal {
  const row = handshakeFailures[problem.failure];
  const status = problem.status ?? row.status;
  const type: FieldList = [["Content-Type", "text/plain; charset=utf-8"]];
  const fields = [...type, ...REFUSAL_FIELDS[problem.failure] ?? REFUSAL_FIELDS[status] ?? []];
  const decorated = decorate(fields, headers, "server", (headers) => ({ status, headers }), request);
  const { response } = new ResponseHeadDraft(status, decorated, row.sentence + "\n");
  const message = `Cannot accept the upgrade: ${problem.detail}`;
  return { response, error: new HandshakeError(problem.failure, message, { request, response }) };
}

/** The refusal of a policy. */
export function refuseWith(given: Response, { headers }: AnswerOptions, request: RequestHead): Refusal {
  const { status, statusText } = given;
  const fields = decorate([...given.headers], headers, "server", (headers) => ({ status, headers }), request);
  const pairs = fields.map(([name, value]): [string, string] => [name, value]);
  const response = new Response(given.body, { status, statusText, headers: pairs });
  const message = `Cannot accept the upgrade: it was refused with the status ${status}`;
  return { response, error: new HandshakeError("unauthorized", message, { request, response }) };
}
