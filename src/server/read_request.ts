// HTTP beside WebSocket on one port: reading one whole request (RFC 9112 §9), and giving the connection back.

import { ByteBuilder } from "../base/byte_builder.ts";
import { type Clock } from "../base/clock.ts";
import { checkClock, checkNumber, checkTime } from "../base/options.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem, quote } from "../errors/problem.ts";
import { Exchange, openExchange } from "../exchange/exchange.ts";
import { readBody } from "../exchange/read_body.ts";
import { readHead } from "../exchange/read_head.ts";
import { refuse } from "../handshake/refusal.ts";
import { malformed } from "../http/field_lines.ts";
import { HeadReader } from "../http/head_reader.ts";
import { expectsContinue, isPersistent, parseRequest, rememberHead } from "../http/request_head.ts";
import { CONTINUE } from "../http/write_head.ts";
import { type ByteConnection } from "../transport/transport.ts";

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
  /** Bytes that were already read from the connection. */
  prefix?: Uint8Array | undefined;
  /**
   * The largest head, in bytes; it may have 128 fields.
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
   * How long the whole request may take, in milliseconds; 0 disables.
   *
   * @default {10000}
   */
  timeout?: number | undefined;
  /** Gives up, and closes the connection. */
  signal?: AbortSignal | undefined;
  /** The clock of the deadline. */
  clock?: Clock | undefined;
}

/**
 * A request that was read.
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
  /** The bytes behind it: the `prefix` of what comes next. */
  readonly rest: Uint8Array;
  /** Whether the connection may go on after the response (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
}

/**
 * Reads one request, with its body (RFC 9112 §3, §6), and leaves the connection unlocked for what comes next:
 * {@linkcode writeResponse}, or `accept(conn, { request, prefix: rest })`.
 *
 * @param conn The connection.
 * @param options Limits, and bytes already read.
 * @returns The request, or `undefined` when the connection ended before a byte of one.
 * @throws {HandshakeError} Rejects for a request that can't be read. When it has a `response` the connection is open
 * for `writeResponse(conn, error.response)`, and for nothing else; otherwise it is closed.
 * @throws {TypeError} Rejects when the connection is not a pair of unlocked streams.
 * @throws {RangeError} Rejects when an option is out of its range.
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
  const maxHeadSize = checkNumber("maxHeadSize", options.maxHeadSize, 16384, 1);
  const maxBodySize = checkNumber("maxBodySize", options.maxBodySize, 2 ** 20);
  const timeout = checkTime("timeout", options.timeout, 10_000);
  const { signal, prefix } = options, clock = checkClock(options.clock);
  const exchange = openExchange(conn, { clock, timeout, signal, prefix });
  const reader = new HeadReader(maxHeadSize, 1);
  let read: Omit<ReadRequest, "rest"> | Problem | undefined;
  try {
    read = await readWhole(exchange, reader, maxBodySize);
  } catch (error) {
    if (error instanceof ExchangeError && error.failure === "handshake-timeout" && reader.started) {
      throw refused(exchange, { failure: error.failure, detail: error.message });
    }
    exchange.abort();
    if (!(error instanceof ExchangeError)) throw error;
    throw new HandshakeError(error.failure, `Cannot read the request: ${error.message}`, { cause: error.cause });
  }
  if (!read) {
    exchange.abort();
    return undefined;
  }
  if ("failure" in read) throw refused(exchange, read);
  exchange.release();
  return { ...read, rest: exchange.rest };
}

/** The connection goes back for the response. */
function refused(exchange: Exchange, problem: Problem): HandshakeError {
  exchange.release();
  const { response } = refuse(problem, {});
  return new HandshakeError(problem.failure, `Cannot read the request: ${problem.detail}`, { response });
}

async function readWhole(
  exchange: Exchange,
  reader: HeadReader,
  maxBodySize: number,
): Promise<Omit<ReadRequest, "rest"> | Problem | undefined> {
  const bytes = await readHead(exchange, reader);
  if (!bytes || "failure" in bytes) return bytes;
  const head = parseRequest(bytes);
  if ("failure" in head) return head;
  const { method, body: length } = head;
  // A `Request` can't have these, nor a body with the ones below, in whatever case they are written
  if (/^(?:CONNECT|TRACE|TRACK)$/i.test(method)) {
    return { failure: "method-unsupported", detail: `the method is ${method}` };
  }
  let body: Uint8Array<ArrayBuffer> | null = null;
  if (length !== 0) {
    if (/^(?:GET|HEAD)$/i.test(method)) return { failure: "body-present", detail: `a ${method} has a body` };
    if (length === "unknown") {
      return malformed("RFC 9112 §6.1", `Transfer-Encoding is ${quote(head.headers.get("transfer-encoding")!)}`);
    }
    const tooLarge: Problem = { failure: "body-too-large", detail: `the body has more than ${maxBodySize} bytes` };
    if (length !== "chunked" && length > maxBodySize) return tooLarge;
    if (expectsContinue(head) && head.version !== "1.0" && exchange.rest.length === 0) await exchange.write(CONTINUE);
    const gathered = new ByteBuilder();
    const whole = await readBody(exchange, length, maxBodySize, gathered);
    if (typeof whole === "object") return whole;
    if (!whole) return tooLarge;
    body = gathered.take();
  }
  const request = new Request(head.url, { method, headers: [...head.headers], body });
  rememberHead(request, head);
  return { request, keepAlive: isPersistent(head) };
}
