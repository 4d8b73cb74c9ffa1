// The head of a response (RFC 9112 §4), and where its body ends (RFC 9112 §6.3).

import { type ResponseHead } from "../errors/handshake_error.ts";
import { type Problem, quote } from "../errors/problem.ts";
import { bodyLength } from "./body_length.ts";
import { Fields, malformed, readLines } from "./field_lines.ts";
import { isFieldValue } from "./field_values.ts";

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
