// The head of a response (RFC 9112 §4), and where its body ends (RFC 9112 §6.3).

import { type Problem, quote, type ResponseHead } from "../errors/handshake_error.ts";
import { isFieldValue, listElements } from "./field_values.ts";
import { type Fields, malformed, readBodyLength, readLines } from "./field_lines.ts";

/** A response as it was read. */
export interface ParsedResponse extends ResponseHead {
  readonly reason: string;
  readonly version: "1.0" | "1.1";
  readonly headers: Fields;
  /** How long the body is; `"end"`: until the end of the connection. */
  readonly body: number | "chunked" | "end";
}

/** A whole head as a response. */
export function parseResponse(head: Uint8Array): ParsedResponse | Problem {
  const lines = readLines(head);
  if ("failure" in lines) return lines;
  const { start, fields } = lines;
  // §4: the reason may be empty; that its space is missing too is common, and harmless
  const match = /^HTTP\/(\d)\.(\d) (\d{3})(?: (.*))?$/s.exec(start);
  if (!match) return malformed("RFC 9112 §4", `the status line is ${quote(start)}`);
  const [, major, minor, digits, reason = ""] = match;
  if (major !== "1") return { failure: "http-version-unsupported", detail: `the status line is ${quote(start)}` };
  const status = Number(digits);
  const valid = status >= 100 && isFieldValue(reason);
  if (!valid) return malformed("RFC 9112 §4", `the status line is ${quote(start)}`);
  const version = minor === "0" ? "1.0" : "1.1";
  // RFC 6455 §4.1: a switch of protocols needs HTTP/1.1
  if (status === 101 && version === "1.0") {
    return { failure: "http-version-unsupported", detail: `the status line is ${quote(start)}` };
  }
  const body = bodyLength(status, fields, version);
  return typeof body === "object" ? body : { status, reason, version, headers: fields, body };
}

function bodyLength(status: number, fields: Fields, version: string): number | "chunked" | "end" | Problem {
  // §6.3 (1): these end with their head, whatever their fields say
  if (status < 200 || status === 204 || status === 304) return 0;
  if (fields.get("content-length") === null && fields.get("transfer-encoding") === null) return "end";
  const length = readBodyLength(fields, version);
  if (length !== "unknown") return length;
  // §6.3 (4): what is below the last coding is for whoever reads the body
  return listElements(fields.get("transfer-encoding")!).at(-1)?.toLowerCase() === "chunked" ? "chunked" : "end";
}
