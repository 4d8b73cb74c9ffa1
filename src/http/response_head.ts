// The bytes of a head to a response (RFC 9112 §4), with the length of its body (RFC 9112 §6.3).

import type { ResponseHead } from "../errors/handshake_error.ts";
import { malformed, type Problem, quote } from "../errors/problem.ts";
import { readResponseBodyLength } from "./body_length.ts";
import { type Fields, readLines } from "./field_lines.ts";
import { isFieldValue } from "./field_values.ts";

/** The head of a response, with all that its bytes say. */
export interface ParsedResponse extends ResponseHead {
  readonly reason: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly headers: Fields;
  /** The length of the body; `"end"` when it goes on until the connection ends. */
  readonly body: number | "chunked" | "end";
}

/**
 * Parses a whole head as that of a response.
 *
 * @param method That of the request: it decides about the body, too.
 */
export function parseResponse(head: Uint8Array, method = "GET"): ParsedResponse | Problem {
  const lines = readLines(head);
  if ("failure" in lines) return lines;
  const { start, fields } = lines;
  // §4: the reason may be empty. Many servers leave out the space in front of it too, which does no harm
  const match = /^HTTP\/(\d)\.(\d) (\d{3})(?: (.*))?$/s.exec(start);
  if (!match) return malformed("RFC 9112 §4", `the status line is ${quote(start)}`);
  const [, major, minor, digits, reason = ""] = match;
  const status = Number(digits), version = minor === "0" ? "1.0" : "1.1";
  if (major !== "1") return unsupportedVersion(start);
  if (status < 100 || !isFieldValue(reason)) return malformed("RFC 9112 §4", `the status line is ${quote(start)}`);
  // RFC 6455 §4.1: an upgrade needs HTTP/1.1
  if (status === 101 && version === "1.0") return unsupportedVersion(start);
  const body = readResponseBodyLength(method, status, fields, version);
  return typeof body === "object" ? body : { status, reason, version, headers: fields, body };
}

function unsupportedVersion(start: string): Problem {
  return { failure: "http-version-unsupported", detail: `the status line is ${quote(start)}` };
}
