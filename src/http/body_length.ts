import { type Problem, quote } from "../errors/problem.ts";
import { Fields, malformed } from "./field_lines.ts";
import { listElements } from "./field_values.ts";

/** How long a body is: bytes, or chunked, or in a coding that is not known here (RFC 9112 §6). */
export function readBodyLength(fields: Fields, version: string): number | "chunked" | "unknown" | Problem {
  const length = fields.get("content-length"), coding = fields.get("transfer-encoding");
  if (coding !== null) {
    // §6.1, §6.3: ways to smuggle a second request past somebody who reads the other field
    if (length !== null) return malformed("RFC 9112 §6.1", "there are Content-Length and Transfer-Encoding");
    if (version === "1.0") return malformed("RFC 9112 §6.1", "there is a Transfer-Encoding in HTTP/1.0");
    return coding.toLowerCase() === "chunked" ? "chunked" : "unknown";
  }
  if (length === null) return 0;
  if (!/^\d+$/.test(length)) return malformed("RFC 9112 §6.3", `Content-Length is ${quote(length)}`);
  return Number(length);
}

export function bodyLength(status: number, fields: Fields, version: string): number | "chunked" | "end" | Problem {
  // §6.3 (1): these end with their head, whatever their fields say
  if (status < 200 || status === 204 || status === 304) return 0;
  if (fields.get("content-length") === null && fields.get("transfer-encoding") === null) return "end";
  const length = readBodyLength(fields, version);
  if (length !== "unknown") return length;
  // §6.3 (4): what is below the last coding is for whoever reads the body
  return listElements(fields.get("transfer-encoding")!).at(-1)?.toLowerCase() === "chunked" ? "chunked" : "end";
}
