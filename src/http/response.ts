import { quote } from "../errors/problem.ts";
import { isFieldValue } from "./field_values.ts";
import { type ParsedResponse } from "./response_head.ts";

/** Fields in the order in which they are sent. */
export type FieldList = (readonly [name: string, value: string])[];

/** A response as status, fields and text, and as a `Response` once somebody looks. */
export class ResponseHeadDraft {
  readonly status: number;
  readonly fields: FieldList;
  readonly #body: string | null;
  #response: Response | undefined;

  constructor(status: number, fields: FieldList, body: string | null = null) {
    this.status = status;
    this.fields = fields;
    this.#body = body;
  }

  get response(): Response {
    const headers = this.fields.map(([name, value]): [string, string] => [name, value]);
    return this.#response ??= this.status === 101
      ? switchingProtocols(headers)
      : new Response(this.#body, { status: this.status, statusText: STATUS_TEXT[this.status] ?? "", headers });
  }
}

/** A 101 can't be constructed on Node, so its status is put over that of a 200, which works everywhere. */
export function switchingProtocols(headers: [string, string][]): Response {
  const own = { status: { value: 101 }, statusText: { value: "Switching Protocols" }, ok: { value: false } };
  return Object.defineProperties(new Response(null, { headers }), own);
}

/** The reason phrases of the statuses that this library sends by itself (RFC 9110 §15). */
export const STATUS_TEXT: Readonly<Record<number, string>> = {
  101: "Switching Protocols",
  200: "OK",
  204: "No Content",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  505: "HTTP Version Not Supported",
};

/**
 * Checks that a response can be framed as it is.
 *
 * @throws {TypeError} When it can't.
 */
export function checkResponse(response: Response): void {
  if (response.status < 200) throw new TypeError(`Cannot send the response: its status is ${response.status}`);
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("Cannot send the response: its body was already used");
  }
  // Bun lets one be made
  if (!isFieldValue(response.statusText)) {
    throw new TypeError(`Cannot send the response: its status text is ${quote(response.statusText)}`);
  }
  const length = response.headers.get("content-length");
  if (length !== null && !/^\d+$/.test(length)) {
    throw new TypeError(`Cannot send the response: Content-Length is ${quote(length)}`);
  }
  if (response.headers.has("transfer-encoding")) {
    throw new TypeError("Cannot send the response: Transfer-Encoding is set by the connection");
  }
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
