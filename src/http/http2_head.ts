// The field section of an HTTP/2 request or response to a head (RFC 9113 §8.2, §8.3). Some HTTP/2 layers check all of this
// and some check part of it: it is judged here once more, so that every runtime refuses the same.

import type { RequestHead } from "../errors/handshake_error.ts";
import { malformedHttp2, type Problem, quote } from "../errors/problem.ts";
import { Fields, MAX_FIELDS, tooManyFields, wrongCharacter } from "./field_lines.ts";
import { isFieldValue, isToken, trimSpace } from "./field_values.ts";
import { findRepeated, locateHttp2, type ParsedRequest, rememberProblem } from "./request_head.ts";
import type { FieldList } from "./write_head.ts";

/** Names of the connection, which HTTP/2 does not have (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS = ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"];

/** The pseudo-header fields of a request (RFC 9113 §8.3.1, RFC 8441 §4). */
const REQUEST_PSEUDO = [":method", ":scheme", ":authority", ":path", ":protocol"];

/** Those of a response (RFC 9113 §8.3.2). */
const RESPONSE_PSEUDO = [":status"];

/** The head of a response that has come on a stream. */
export interface Http2Response {
  readonly status: number;
  readonly headers: Fields;
}

/**
 * Parses the fields of a request that an HTTP/2 layer has read.
 *
 * @returns The request. What is wrong with it is remembered, and `answer` refuses it for that.
 */
export function parseForeignHttp2(fields: Iterable<readonly [string, string]>): RequestHead {
  const read = parseHttp2Request(fields);
  if (!("failure" in read)) return read;
  const request = { method: "CONNECT", url: "http://localhost/", headers: new Headers(), protocol: "" };
  rememberProblem(request, read);
  return request;
}

/**
 * Parses the fields of a request as they came, pseudo-header fields included.
 *
 * @param fields Names and values, in their order.
 */
export function parseHttp2Request(fields: Iterable<readonly [string, string]>): ParsedRequest | Problem {
  const section = readSection(fields, REQUEST_PSEUDO);
  if ("failure" in section) return section;
  const { pseudo, headers } = section;
  const repeated = findRepeated(headers);
  if (repeated) return repeated;
  const method = pseudo.get(":method"), protocol = pseudo.get(":protocol");
  if (method === undefined) return malformedHttp2("RFC 9113 §8.3.1", "there is no :method");
  if (!isToken(method)) return malformedHttp2("RFC 9110 §9.1", `:method is ${quote(method)}`);
  // RFC 8441 §4: only a CONNECT is extended by it
  if (protocol !== undefined && method !== "CONNECT") {
    return malformedHttp2("RFC 8441 §4", `:protocol is there, and :method is ${quote(method)}`);
  }
  const located = locateHttp2({
    isTunnel: method === "CONNECT" && protocol === undefined,
    scheme: pseudo.get(":scheme"),
    authority: pseudo.get(":authority"),
    path: pseudo.get(":path"),
    host: headers.get("host"),
    method,
  });
  if ("failure" in located) return located;
  return { method, version: "2", headers, body: "unknown", ...located, ...(protocol !== undefined && { protocol }) };
}

/**
 * Parses the fields of a response as they came, `:status` included.
 *
 * @param fields Names and values, in their order.
 */
export function parseHttp2Response(fields: Iterable<readonly [string, string]>): Http2Response | Problem {
  const section = readSection(fields, RESPONSE_PSEUDO);
  if ("failure" in section) return section;
  const status = section.pseudo.get(":status") ?? "";
  if (!/^[1-9]\d\d$/.test(status)) return malformedHttp2("RFC 9113 §8.3.2", `:status is ${quote(status)}`);
  return { status: Number(status), headers: section.headers };
}

/** What is wrong when a head has a field of the connection, or a TE that is not «trailers» (RFC 9113 §8.2.2). */
export function findConnectionField(headers: Pick<Headers, "get">): Problem | undefined {
  const te = headers.get("te");
  const name = te === null || te.toLowerCase() === "trailers"
    ? CONNECTION_FIELDS.find((name) => headers.get(name) !== null)
    : "te";
  return name === undefined ? undefined : malformedHttp2("RFC 9113 §8.2.2", `there is a field ${name}`);
}

/** Fields without those of the connection: what another server's response, or a decorator, may have. */
export function withoutConnectionFields(fields: Readonly<FieldList>): FieldList {
  return fields.filter(([name, value]) => {
    const key = name.toLowerCase();
    return key === "te" ? value.toLowerCase() === "trailers" : !UNSENT.has(key);
  });
}

/** HTTP2-Settings was of the upgrade to HTTP/2 (RFC 9113 §3.1 has ended it): Node's HTTP/2 layer throws for it. */
const UNSENT = new Set([...CONNECTION_FIELDS, "http2-settings"]);

interface Section {
  readonly pseudo: ReadonlyMap<string, string>;
  readonly headers: Fields;
}

/** Parts pseudo-header fields from the others, and checks the names and values of both. */
function readSection(fields: Iterable<readonly [string, string]>, known: readonly string[]): Section | Problem {
  const pseudo = new Map<string, string>();
  const lines: number[] = [];
  let head = "\r\n", cookie: string | undefined;
  const add = (name: string, value: string) => {
    lines.push(head.length, head.length + name.length, head.length + name.length + 1 + value.length);
    head += `${name}:${value}\r\n`;
  };
  for (const [name, value] of fields) {
    // §8.2.1: «A field value MUST NOT start or end with an ASCII whitespace character»
    if (!isFieldValue(value) || trimSpace(value) !== value) {
      const why = isFieldValue(value) ? "has white space at an end" : wrongCharacter(value);
      return malformedHttp2("RFC 9113 §8.2.1", `${quote(name)} ${why}`);
    }
    if (name.startsWith(":")) {
      const problem = checkPseudo(name, pseudo, known, lines.length > 0 || cookie !== undefined);
      if (problem) return problem;
      pseudo.set(name, value);
      continue;
    }
    if (!isToken(name) || /[A-Z]/.test(name)) {
      return malformedHttp2("RFC 9113 §8.2.1", `a field name is ${quote(name)}`);
    }
    // §8.2.3: browsers send a field for each cookie; they are one, joined by a semicolon
    if (name === "cookie") cookie = cookie === undefined ? value : `${cookie}; ${value}`;
    else add(name, value);
    if (lines.length + (cookie === undefined ? 0 : 3) > 3 * MAX_FIELDS) return tooManyFields();
  }
  if (cookie !== undefined) add("cookie", cookie);
  const headers = new Fields(head + "\r\n", lines);
  return findConnectionField(headers) ?? { pseudo, headers };
}

/** §8.3: known ones, once each, in front of the others. */
function checkPseudo(
  name: string,
  pseudo: ReadonlyMap<string, string>,
  known: readonly string[],
  isLate: boolean,
): Problem | undefined {
  const wrong = !known.includes(name)
    ? "is not known here"
    : pseudo.has(name)
    ? "is there twice"
    : isLate
    ? "comes behind other fields"
    : undefined;
  return wrong === undefined ? undefined : malformedHttp2("RFC 9113 §8.3", `the field ${quote(name)} ${wrong}`);
}
