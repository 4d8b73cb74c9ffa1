// Makes standard `Response` objects, of a head to send or of one that was read, and checks whether a caller's can be sent.

import type { RequestHead } from "../errors/handshake_error.ts";
import { quote } from "../errors/problem.ts";
import { isFieldValue, listElements } from "./field_values.ts";
import type { ParsedResponse } from "./response_head.ts";
import type { FieldList } from "./write_head.ts";

/** A response to send. Its `Response` is made when somebody asks for it, which few do. */
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

/** A 101. Not every runtime can construct one, so the properties of a 200 are overwritten, which works everywhere. */
export function switchingProtocols(headers: [string, string][]): Response {
  const own = { status: { value: 101 }, statusText: { value: "Switching Protocols" }, ok: { value: false } };
  return Object.defineProperties(new Response(null, { headers }), own);
}

/** The reason phrases of the statuses that the library itself sends (RFC 9110 §15). */
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
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

/**
 * Checks that a caller's response can be sent: it is final, its body is unread, and its fields do not contradict the
 * framing.
 *
 * @throws {TypeError} When it can't.
 */
export function checkResponse(response: Response): void {
  if (response.status < 200) throw new TypeError(`Cannot send the response: its status is ${response.status}`);
  if (response.bodyUsed || response.body?.locked) {
    throw new TypeError("Cannot send the response: its body was already used");
  }
  // Bun constructs a Response with a line break in it
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

/** The first line of a response (RFC 9112 §4). */
export function statusLine({ status, statusText }: Response): string {
  return `HTTP/1.1 ${status} ${statusText || (STATUS_TEXT[status] ?? "")}`;
}

/**
 * The fields of a response, except those that frame its body.
 *
 * @param date For a response that has none; without it none is added, as by a server without a clock (RFC 9110 §6.6.1).
 */
export function fieldsToSend(headers: Headers, keepAlive: boolean, date?: Date): FieldList {
  const names = new Set(["connection", "content-length", "date"]);
  const fields: FieldList = [...headers].filter(([name]) => !names.has(name));
  const dated = headers.get("date") ?? date?.toUTCString();
  if (dated !== undefined) fields.push(["Date", dated]);
  const connection = listElements(headers.get("connection") ?? "").filter((token) => token.toLowerCase() !== "close");
  if (!keepAlive) connection.push("close");
  if (connection.length > 0) fields.push(["Connection", connection.join(", ")]);
  return fields;
}

/** Whether a response to a request ends with its head (RFC 9110 §6.4.1). */
export function hasNoBody(status: number, request: RequestHead | undefined): boolean {
  return request?.method === "HEAD" || status === 204 || status === 304;
}

/** Lets go of a response that is not sent after all, so that the source of its body does not wait for a reader. */
export function discardBody({ body }: Response): void {
  if (!body?.locked) body?.cancel().catch(() => {}); // an error of its source no longer matters
}

/** The `Response` of a head and a body that were read. */
export function toResponse(head: ParsedResponse, body: Uint8Array<ArrayBuffer> | null): Response {
  const { status, reason: statusText } = head;
  const headers = [...head.headers];
  if (status === 101) return switchingProtocols(headers);
  // Content-Length and Transfer-Encoding stay, as with fetch(), though the body is no longer framed
  const isNull = status === 204 || status === 205 || status === 304 || body === null || body.length === 0;
  // RFC 9110 §15: a status that is not valid counts as a 5xx
  return new Response(isNull ? null : body, { status: status > 599 ? 500 : status, statusText, headers });
}
