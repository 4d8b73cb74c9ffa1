// The length of a message's body, from the fields of its head (RFC 9112 §6): bytes, chunked, or up to the end of the
// connection. Strict: fields that two readers could understand differently are a Problem, because such a message can
// smuggle a second one past whoever reads the other field.

import { malformed, type Problem, quote } from "../errors/problem.ts";
import type { Fields } from "./field_lines.ts";
import { listElements } from "./field_values.ts";

/** The length of a request's body; `"unknown"` when its transfer coding is not supported. */
export function readBodyLength(fields: Fields, version: string): number | "chunked" | "unknown" | Problem {
  const length = fields.get("content-length"), coding = fields.get("transfer-encoding");
  if (coding !== null) {
    // §6.1, §6.3: request smuggling
    if (length !== null) return malformed("RFC 9112 §6.1", "there are Content-Length and Transfer-Encoding");
    if (version === "1.0") return malformed("RFC 9112 §6.1", "there is a Transfer-Encoding in HTTP/1.0");
    return coding.toLowerCase() === "chunked" ? "chunked" : "unknown";
  }
  if (length === null) return 0;
  if (!/^\d+$/.test(length)) return malformed("RFC 9112 §6.3", `Content-Length is ${quote(length)}`);
  return Number(length);
}

/**
 * The length of a response's body; `"end"` when it goes on until the connection ends.
 *
 * @param method That of the request, which decides as well.
 */
export function readResponseBodyLength(
  method: string,
  status: number,
  fields: Fields,
  version: string,
): number | "chunked" | "end" | Problem {
  // §6.3 (1): these end with their head, whatever their fields say
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  // §6.3 (2): what follows belongs to the tunnel. RFC 9110 §9.3.6: «A client MUST ignore» both fields
  if (method === "CONNECT" && status < 300) return 0;
  if (fields.get("content-length") === null && fields.get("transfer-encoding") === null) return "end";
  const length = readBodyLength(fields, version);
  if (length !== "unknown") return length;
  // §6.3 (4): only the last coding frames the body; decoding the others is left to whoever reads it
  return listElements(fields.get("transfer-encoding")!).at(-1)?.toLowerCase() === "chunked" ? "chunked" : "end";
}
