// Parses a head into a request (RFC 9112 §3), with the length of its body. A `Request` no longer has the version, the
// target as it was sent, or whether a field came twice: so whatever only the bytes show is checked here, and the parsed
// head of a `Request` is remembered for `answer`.

import type { RequestHead } from "../errors/handshake_error.ts";
import { malformed, malformedHttp2, type Problem, quote } from "../errors/problem.ts";
import { readBodyLength } from "./body_length.ts";
import { Fields, readLines, wrongCharacter } from "./field_lines.ts";
import { isToken, listHas, tokenEnd } from "./field_values.ts";
import { rememberLast } from "./remember_last.ts";

/** The head of a request, with all that its bytes say. */
export interface ParsedRequest extends RequestHead {
  /** The request target as it was sent (RFC 9112 §3.2). */
  readonly target: string;
  /**
   * Host and port as they were sent: of an absolute-form target, else of the Host field (RFC 9112 §3.2.2); in HTTP/2 of
   * `:authority`.
   */
  readonly authority: string;
  readonly version: "1.0" | "1.1" | "2";
  readonly headers: Fields;
  /** The length of the body; `"unknown"` when its transfer coding is not supported, and in HTTP/2, whose frames end it. */
  readonly body: number | "chunked" | "unknown";
}

/** Fields that must not come twice, and the failure when one does. */
const SINGLE_FIELDS = [
  ["host", "host-invalid"],
  ["sec-websocket-key", "key-invalid"],
  ["sec-websocket-version", "head-malformed"],
  ["origin", "head-malformed"],
] as const;

const parsedHeads = new WeakMap<RequestHead, ParsedRequest>();

/** Remembers the head from which a `Request` was made. */
export function rememberHead(request: Request, head: ParsedRequest): void {
  parsedHeads.set(request, head);
}

/** The parsed head of a request, when it was read by this library. */
export function headOf(request: RequestHead): ParsedRequest | undefined {
  return request.headers instanceof Fields ? request as ParsedRequest : parsedHeads.get(request);
}

/**
 * Checks that a caller's request has header fields with a `get()`.
 *
 * @throws {TypeError} When its header fields can't be asked for, as those of Node's `IncomingMessage`.
 */
export function checkRequest(request: RequestHead): void {
  if (typeof request?.headers?.get === "function") return;
  throw new TypeError(
    "Cannot use the request: its headers have no get(); for Node's IncomingMessage, use the request that " +
      "fromUpgrade() of @handfast/websocket/node returns",
  );
}

/**
 * Whether a request has come by HTTP/2, or is to be judged as if it had. A request of somebody else's may have a `protocol`
 * of another meaning, as Express has `https` there: only a CONNECT is extended by one (RFC 8441 §4), and `websocket` can
 * mean nothing else.
 */
export function isHttp2(request: RequestHead): boolean {
  const head = headOf(request);
  if (head) return head.version === "2";
  return request.protocol !== undefined && (request.method === "CONNECT" || request.protocol === "websocket");
}

/** Whether the client waits for a 100 before it sends the body (RFC 9110 §10.1.1). */
export function expectsContinue(request: RequestHead): boolean {
  return request.headers.get("expect")?.toLowerCase() === "100-continue";
}

/** Whether the connection may stay open after this request (RFC 9112 §9.3). */
export function isPersistent(request: ParsedRequest | RequestHead): boolean {
  return headOf(request)?.version !== "1.0" && !listHas(request.headers.get("connection"), "close");
}

const problems = new WeakMap<RequestHead, Problem>();

/** What is wrong with a request from {@linkcode parseForeignRequest}, if anything is. */
export function problemOf(request: RequestHead): Problem | undefined {
  return problems.get(request);
}

/** Remembers what is wrong with a request that could not be parsed. */
export function rememberProblem(request: RequestHead, problem: Problem): void {
  problems.set(request, problem);
}

/**
 * Parses a head that another HTTP server has read, as strictly as one that we read.
 *
 * @param lines The request line and the field lines, as they came.
 * @param isSecure Whether they came over TLS.
 * @returns The request. What is wrong with it is remembered, and `answer` refuses it for that.
 */
export function parseForeignRequest(lines: readonly string[], isSecure = false): RequestHead {
  const text = [...lines, "", ""].join("\r\n");
  // Each must be one line of latin-1: a line break, or a character that is cut to one byte, would make two lines of it
  const broken = lines.find((line) => /[\r\n]|[^\0-\xff]/.test(line));
  const read = broken === undefined
    ? parseRequest(Uint8Array.from(text, (char) => char.charCodeAt(0)), isSecure)
    : malformed(
      "RFC 9112 §2.2",
      `the line of ${quote(broken.slice(0, tokenEnd(broken, 0)))} ${wrongCharacter(broken)}`,
    );
  if (!("failure" in read)) return read;
  const [method = ""] = text.split(" ", 1);
  const request = { method, url: "http://localhost/", headers: new Headers() };
  rememberProblem(request, read);
  return request;
}

/**
 * Parses a whole head as that of a request.
 *
 * @param isSecure Whether it came over TLS: then its URL has the scheme https (RFC 9112 §3.3).
 */
export function parseRequest(head: Uint8Array | string, isSecure = false): ParsedRequest | Problem {
  const lines = readLines(head);
  if ("failure" in lines) return lines;
  const { start, fields } = lines;
  const [method = "", target = "", protocol = "", more] = start.split(" ");
  if (more !== undefined || !isToken(method)) {
    return malformed("RFC 9112 §3", `the request line is ${quoteTarget(start)}`);
  }
  const digits = /^HTTP\/(\d)\.(\d)$/.exec(protocol);
  if (!digits) return malformed("RFC 9112 §2.3", `the request line is ${quoteTarget(start)}`);
  // RFC 9110 §2.5: a higher minor version counts as the highest one that we know
  if (digits[1] !== "1") return { failure: "http-version-unsupported", detail: `the version is ${protocol}` };
  const version = digits[2] === "0" ? "1.0" : "1.1";
  const repeated = findRepeated(fields);
  if (repeated) return repeated;
  const located = locate(method, target, fields.get("host"), version, isSecure ? "https" : "http");
  if ("failure" in located) return located;
  const body = readBodyLength(fields, version);
  if (typeof body === "object") return body;
  return { method, target, version, headers: fields, body, authority: located.authority, url: located.url };
}

/** What is wrong when a field comes twice that must not. */
export function findRepeated(fields: Fields): Problem | undefined {
  for (const [name, failure] of SINGLE_FIELDS) {
    if (fields.count(name) > 1) return { failure, detail: `there are ${fields.count(name)} fields named ${name}` };
  }
  return undefined;
}

/** Visible ASCII without `#`. */
const TARGET = /^[\x21\x22\x24-\x7e]*$/;

/** The authority and the URL that a target stands for (RFC 9112 §3.2, §3.3). */
function locate(
  method: string,
  target: string,
  host: string | null,
  version: string,
  scheme: string,
): { authority: string; url: string } | Problem {
  if (!TARGET.test(target)) return badTarget(target);
  // §3.2: «A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks a Host»
  if (host === null && version !== "1.0") return { failure: "host-missing", detail: "there is no Host" };
  if (host !== null && !isAuthority(host)) return { failure: "host-invalid", detail: `Host is ${quote(host)}` };
  let authority = host ?? "localhost", path = target;
  const absolute = target.startsWith("/") ? null : /^(https?):\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute) {
    scheme = absolute[1]!.toLowerCase();
    authority = absolute[2]!;
    path = absolute[3]!.startsWith("/") ? absolute[3]! : "/" + absolute[3]!;
    if (!isAuthority(authority)) return { failure: "host-invalid", detail: `the target is ${quoteTarget(target)}` };
  } else if (target === "*" && method === "OPTIONS" || method === "CONNECT") path = "/"; // §3.2.3, §3.2.4
  else if (!target.startsWith("/")) return badTarget(target);
  const url = urlOf(`${scheme}://${authority}`, path);
  if (!url) return { failure: "host-invalid", detail: `the authority is ${quoteTarget(authority)}` };
  return { authority, url };
}

/** The beginning of URLs on a host, as the URL parser writes it, or `undefined` for no host. */
const originOf = rememberLast((base) => URL.parse(base)?.origin);

/**
 * A path that the URL parser leaves as it is, if no segment begins with a dot: nothing is or has to be percent-encoded. No
 * group is repeated: for each segment of a long path an engine would keep something, until it throws.
 */
const PLAIN_PATH = /^\/[\w~!$&()*+,;=:@.\/-]*(?:\?[\w~!$&()*+,;=:@.\/?%-]*)?$/;

/** The URL of a path on a host, or `undefined` for no host. */
function urlOf(base: string, path: string): string | undefined {
  // Concatenated, not resolved against a base: there a path of `//other/x` would change the host
  if (path.includes("/.") || !PLAIN_PATH.test(path)) return URL.parse(base + path)?.href;
  const origin = originOf(base);
  return origin && origin + path;
}

/** Where an HTTP/2 request says that it goes; `isTunnel` is a CONNECT that is not extended. */
export interface Http2Target {
  readonly method: string;
  readonly isTunnel: boolean;
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string | undefined;
  readonly host: string | null;
}

/** The target, the authority and the URL of an HTTP/2 request (RFC 9113 §8.3.1, §8.5, RFC 8441 §4). */
export function locateHttp2(
  { method, isTunnel, scheme, authority, path, host }: Http2Target,
): { target: string; authority: string; url: string } | Problem {
  if (isTunnel) {
    // §8.5: «The ":scheme" and ":path" pseudo-header fields MUST be omitted»
    if (scheme !== undefined || path !== undefined) {
      return malformedHttp2("RFC 9113 §8.5", "a CONNECT without :protocol has :scheme or :path");
    }
    [scheme, path] = ["http", "/"];
  }
  const section = method === "CONNECT" ? "RFC 8441 §4" : "RFC 9113 §8.3.1";
  if (scheme === undefined) return malformedHttp2(section, "there is no :scheme");
  if (path === undefined) return malformedHttp2(section, "there is no :path");
  if (!/^https?$/i.test(scheme)) return malformedHttp2("RFC 8441 §5", `:scheme is ${quote(scheme)}`);
  const isAsterisk = path === "*" && method === "OPTIONS";
  if (!isAsterisk && !path.startsWith("/") || !TARGET.test(path)) {
    return malformedHttp2("RFC 9113 §8.3.1", `:path is ${quoteTarget(path)}`);
  }
  // §8.3.1: a request that was HTTP/1.1 may have Host in its place, and must not have another one beside it
  if (authority !== undefined && host !== null && authority.toLowerCase() !== host.toLowerCase()) {
    return malformedHttp2("RFC 9113 §8.3.1", ":authority and Host differ");
  }
  const named = authority ?? host;
  if (named === null) return malformedHttp2("RFC 8441 §5", "there is no :authority");
  const url = isAuthority(named) ? urlOf(`${scheme}://${named}`, isAsterisk ? "/" : path) : undefined;
  if (!url) return malformedHttp2("RFC 9113 §8.3.1", `:authority is ${quote(named.replace(/^.*@/s, "…@"))}`);
  return { target: isTunnel ? named : path, authority: named, url };
}

/** Quotes a target without its user information and its query, which may be credentials. */
function quoteTarget(target: string): string {
  return quote(target.replace(/\/\/[^/?# ]*@/, "//…@").replace(/\?[^ ]*/, "?…"));
}

function badTarget(target: string): Problem {
  return malformed("RFC 9112 §3.2", `the target is ${quoteTarget(target)}`);
}

/** Whether a value is a host with an optional port, and nothing else (RFC 9110 §7.2, RFC 3986 §3.2). */
function isAuthority(value: string): boolean {
  const match = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::(\d{0,5}))?$/.exec(value);
  return match !== null && Number(match[1] ?? 0) <= 65535;
}
