// The subprotocols of the web's classes (WHATWG WebSockets §3.1). Unlike RFC 6455 §4.1, they must differ in more than case.

import { quote } from "../errors/problem.ts";
import { isToken } from "../http/field_values.ts";

/**
 * Checks the list of subprotocols that a constructor is given.
 *
 * @param protocols What `sequence<USVString>` may be: anything iterable but a string.
 * @throws {TypeError} When it is not iterable, or is a string.
 * @throws {DOMException} `SyntaxError` when one is not a token (RFC 9110 §5.6.2) or comes twice, in whatever case.
 */
export function webProtocols(protocols: Iterable<string>): readonly string[] {
  if (typeof protocols !== "object" || protocols === null || typeof protocols[Symbol.iterator] !== "function") {
    throw new TypeError("Cannot use the subprotocols: they must be a list of strings");
  }
  const list = Array.from(protocols, (protocol) => `${protocol}`.toWellFormed());
  if (!list.every(isToken) || new Set(list.map((protocol) => protocol.toLowerCase())).size < list.length) {
    const rule = "they must be tokens, and differ in more than case";
    throw new DOMException(`Cannot use the subprotocols ${quote(list.join(", "))}: ${rule}`, "SyntaxError");
  }
  return list;
}
