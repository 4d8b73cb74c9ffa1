// HTTP beside WebSocket on one port: reads one whole request (RFC 9112 §3, §6), and gives the connection back for the
// response, or for the upgrade.

import { ByteBuilder } from "../base/byte_builder.ts";
import type { Clock } from "../base/clock.ts";
import { checkClock, checkPrefix, checkSignal, limitOf, timeOf } from "../base/options.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, malformed, type Problem, quote } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { readBody } from "../exchange/read_body.ts";
import { readHead } from "../exchange/read_head.ts";
import { refuse } from "../handshake/refusal.ts";
import { expectsContinue, isPersistent, type ParsedRequest, rememberHead } from "../http/request_head.ts";
import { RequestReader } from "../http/request_reader.ts";
import { CONTINUE } from "../http/write_head.ts";
import { transportOf } from "../runtime/choose.ts";
import type { ByteConnection } from "../transport/transport.ts";

/**
 * Options of {@linkcode readRequest}.
 *
 * @example A body that is too large
 * ```ts
 * import { readRequest, type ReadRequestOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const options: ReadRequestOptions = { maxBodySize: 4 };
 * const [client, server] = connectionPair();
 * const head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n";
 * client.writable.getWriter().write(new TextEncoder().encode(head));
 *
 * const error = await readRequest(server, options).catch((error) => error);
 * assertEquals(error.failure, "body-too-large");
 * assertEquals(error.response.status, 413);
 * ```
 */
export interface ReadRequestOptions {
  /** Bytes that were already read from the connection: the start of the request. */
  prefix?: Uint8Array | undefined;
  /**
   * The largest head, in bytes. A head may have 128 fields at most.
   *
   * @default {16384}
   */
  maxHeadSize?: number | undefined;
  /**
   * The largest body, in bytes.
   *
   * @default {1048576}
   */
  maxBodySize?: number | undefined;
  /**
   * How long the whole request may take, in milliseconds from the call on; 0 means no limit.
   *
   * @default {10000}
   */
  timeout?: number | undefined;
  /** Cancels the reading and closes the connection. */
  signal?: AbortSignal | undefined;
  /** The clock for the timeout; by default the runtime's. */
  clock?: Clock | undefined;
}

/** {@linkcode ReadRequestOptions}, checked and with their defaults. */
interface CheckedReadRequestOptions {
  readonly prefix: Uint8Array | undefined;
  readonly maxHeadSize: number;
  readonly maxBodySize: number;
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

function checkReadRequestOptions(options: ReadRequestOptions): CheckedReadRequestOptions {
  return {
    maxHeadSize: limitOf(options, "maxHeadSize"),
    maxBodySize: limitOf(options, "maxBodySize"),
    timeout: timeOf(options, "timeout"),
    clock: checkClock(options.clock),
    prefix: checkPrefix(options.prefix),
    signal: checkSignal(options.signal),
  };
}

/**
 * A request that was read, and what to do with the connection next.
 *
 * @example Two requests in one chunk
 * ```ts
 * import { type ReadRequest, readRequest } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [client, server] = connectionPair();
 * const heads = ["/a", "/b"].map((target) => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
 * client.writable.getWriter().write(new TextEncoder().encode(heads.join("")));
 *
 * const first: ReadRequest = (await readRequest(server))!;
 * const second = (await readRequest(server, { prefix: first.rest }))!;
 * assertEquals([first, second].map(({ request }) => new URL(request.url).pathname), ["/a", "/b"]);
 * ```
 */
export interface ReadRequest {
  /** The request, with its whole body. */
  readonly request: Request;
  /** Bytes that were read after the request: the `prefix` of what reads from the connection next. */
  readonly rest: Uint8Array;
  /** Whether the client lets the connection stay open after the response (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
}

/**
 * Reads one request with its body (RFC 9112 §3, §6), and leaves the connection unlocked for what comes next:
 * {@linkcode writeResponse}, or `accept(conn, { request, prefix: rest })`.
 *
 * @param conn The connection.
 * @param options Bytes that were already read, and limits.
 * @returns The request, or `undefined` when the peer ended the connection without one; then it is closed.
 * @throws {HandshakeError} Rejects for a request that can't be read. If the error has a `response`, the connection is open
 * for `writeResponse(conn, error.response)` and nothing else; otherwise it is closed.
 * @throws {TypeError} Rejects when an option is wrong, or when the connection is not a pair of unlocked streams.
 * @throws {RangeError} Rejects when a number among the options is out of its range.
 *
 * @example HTTP and WebSocket on one port
 * ```ts
 * import { accept, isUpgrade, readRequest, writeResponse } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [client, server] = connectionPair();
 * const writer = client.writable.getWriter();
 * writer.write(new TextEncoder().encode("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
 *
 * const { request, rest, keepAlive } = (await readRequest(server))!;
 * if (isUpgrade(request)) await accept(server, { request, prefix: rest });
 * else await writeResponse(server, new Response("fine"), { request, keepAlive });
 *
 * assertEquals(new URL(request.url).pathname, "/healthz");
 * ```
 */
export async function readRequest(
  conn: ByteConnection,
  options: ReadRequestOptions = {},
): Promise<ReadRequest | undefined> {
  const { maxHeadSize, maxBodySize, ...limits } = checkReadRequestOptions(options);
  const exchange = new Exchange(transportOf(conn), limits);
  const reader = new RequestReader(maxHeadSize, exchange.transport.isSecure);
  let read: Whole | Problem | undefined;
  try {
    read = await readWhole(exchange, reader, maxBodySize);
  } catch (error) {
    if (error instanceof ExchangeError && error.failure === "handshake-timeout" && reader.started) {
      throw releaseRefused(exchange, { failure: error.failure, detail: error.message });
    }
    exchange.abort();
    if (!(error instanceof ExchangeError)) throw error;
    throw new HandshakeError(error.failure, `Cannot read the request: ${error.message}`, { cause: error.cause });
  }
  if (!read) {
    exchange.abort();
    return undefined;
  }
  if ("failure" in read) throw releaseRefused(exchange, read);
  exchange.release();
  return { ...read, rest: exchange.rest };
}

/** Gives the connection back for a response to what was wrong, and makes the error that has this response. */
function releaseRefused(exchange: Exchange, problem: Problem): HandshakeError {
  exchange.release();
  const { response } = refuse(problem);
  return new HandshakeError(problem.failure, `Cannot read the request: ${problem.detail}`, { response });
}

type Whole = Omit<ReadRequest, "rest">;

/** Gives `undefined` when the peer ends before the first byte. */
async function readWhole(
  exchange: Exchange,
  reader: RequestReader,
  maxBodySize: number,
): Promise<Whole | Problem | undefined> {
  const head = await readHead(exchange, reader);
  if (!head || "failure" in head) return head;
  const request = await readBehindHead(exchange, head, maxBodySize);
  return "failure" in request ? request : { request, keepAlive: isPersistent(head) };
}

/** Reads the body of a request whose head is read, and makes the `Request`. */
export async function readBehindHead(
  exchange: Exchange,
  head: ParsedRequest,
  maxBodySize: number,
): Promise<Request | Problem> {
  const problem = findUnreadable(head, maxBodySize);
  if (problem) return problem;
  const body = await readRequestBody(exchange, head, maxBodySize);
  if (body && "failure" in body) return body;
  const { method, headers } = head;
  let request: Request;
  try {
    request = new Request(head.url, { method, headers: [...headers], body });
  } catch {
    return { failure: "method-unsupported", detail: `this runtime has no requests with the method ${method}` };
  }
  rememberHead(request, head);
  return request;
}

/** Finds what a `Request` can't have, whatever the case of its method, and bodies that we know we can't read. */
function findUnreadable({ method, body, headers }: ParsedRequest, maxBodySize: number): Problem | undefined {
  if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) {
    return { failure: "method-unsupported", detail: `the method is ${method}` };
  }
  if (body === 0) return undefined;
  if (/^(?:GET|HEAD)$/i.test(method)) return { failure: "body-present", detail: `a ${method} has a body` };
  if (body === "unknown") {
    return malformed("RFC 9112 §6.1", `Transfer-Encoding is ${quote(headers.get("transfer-encoding")!)}`);
  }
  return body !== "chunked" && body > maxBodySize ? tooLarge(maxBodySize) : undefined;
}

async function readRequestBody(
  exchange: Exchange,
  head: ParsedRequest,
  maxBodySize: number,
): Promise<Uint8Array<ArrayBuffer> | Problem | null> {
  const { body: length, version } = head;
  if (length === 0 || length === "unknown") return null;
  // RFC 9110 §10.1.1: not to HTTP/1.0, and not when some of the body is already here
  if (expectsContinue(head) && version !== "1.0" && exchange.rest.length === 0) await exchange.write(CONTINUE);
  const body = new ByteBuilder();
  const read = await readBody(exchange, length, maxBodySize, body);
  if (typeof read === "object") return read;
  return read ? body.take() : tooLarge(maxBodySize);
}

function tooLarge(maxBodySize: number): Problem {
  return { failure: "body-too-large", detail: `the body has more than ${maxBodySize} bytes` };
}
