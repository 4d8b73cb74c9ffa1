// The server's door: a connection, or what was already read from it, to a WebSocket. Every refusal is answered and the
// connection closed with patience, or given back where that was asked for and is safe.

import { checkNumber, checkTime } from "../base/options.ts";
import { Connection } from "../connection/connection.ts";
import { checkConnectionOptions, type CheckedOptions, type ConnectionOptions } from "../connection/options.ts";
import { type WebSocketConnection } from "../connection/websocket_connection.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange, openExchange } from "../exchange/exchange.ts";
import { readHead } from "../exchange/read_head.ts";
import { type AnswerOptions, checkAnswerOptions, decide, PolicyError } from "../handshake/answer.ts";
import { type Refusal, refuse } from "../handshake/refusal.ts";
import { listHas } from "../http/field_values.ts";
import { HeadReader } from "../http/head_reader.ts";
import { expectsContinue, headOf, isPersistent, parseRequest } from "../http/request_head.ts";
import { ResponseHeadDraft } from "../http/response.ts";
import { CONTINUE, writeHead } from "../http/write_head.ts";
import { type Agreement } from "../protocol/agreement.ts";
import { sendResponse } from "./send_response.ts";
import { linger } from "../transport/linger.ts";
import { type ByteConnection, type Transport } from "../transport/transport.ts";

/**
 * Options of {@linkcode accept}.
 *
 * @example A request that was already read
 * ```ts
 * import { accept, type AcceptOptions, connect, readRequest } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const opening = connect("ws://localhost/", { conn, protocols: "chat" });
 * const { request, rest } = (await readRequest(server))!;
 *
 * const options: AcceptOptions = { request, prefix: rest, protocols: ["chat"] };
 * const accepted = await accept(server, options);
 * assertEquals(accepted.protocol, "chat");
 * for (const socket of [accepted, await opening]) socket.abort();
 * ```
 */
export interface AcceptOptions extends AnswerOptions, ConnectionOptions {
  /** Bytes that were already read from the connection: of the request, or, with `request`, behind it. */
  prefix?: Uint8Array | undefined;
  /** The request, when its head was already read: nothing of it is looked for in the connection. */
  request?: RequestHead | undefined;
  /**
   * The largest head, in bytes; it may have 128 fields.
   *
   * @default {16384}
   */
  maxHeadSize?: number | undefined;
  /**
   * How long the handshake may take from the call on, in milliseconds; 0 disables. Sending a refusal, and waiting for
   * the peer's end after it, is bounded by `closeTimeout` on top.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Gives the connection back after a refusal, when the request allows it: HTTP/1.1, without a body and without
   * `Connection: close`. Behind a proxy that believes every upgrade to succeed, whatever a client sends after a refused
   * one reaches the connection past the proxy's checks (request smuggling): leave it off there.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /** Gives the handshake up and closes the connection; the WebSocket is not affected. */
  signal?: AbortSignal | undefined;
}

/**
 * A WebSocket that was accepted.
 *
 * @example Which room was asked for
 * ```ts
 * import { accept, type Accepted, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const opening = connect("ws://localhost/rooms/7?as=ada", { conn });
 *
 * const accepted: Accepted = await accept(server);
 * assertEquals(accepted.request.target, "/rooms/7?as=ada");
 * assertEquals(new URL(accepted.request.url).searchParams.get("as"), "ada");
 * for (const socket of [accepted, await opening]) socket.abort();
 * ```
 */
export interface Accepted extends WebSocketConnection {
  /** The request, with the target as it was sent. */
  readonly request: RequestHead & {
    /** The target as it was sent (RFC 9112 §3.2). */
    readonly target: string;
  };
  /** The 101 that was sent. */
  readonly response: Response;
}

class AcceptedConnection extends Connection implements Accepted {
  readonly request: Accepted["request"];
  readonly #head: ResponseHeadDraft;

  constructor(
    transport: Transport,
    agreement: Agreement,
    options: CheckedOptions,
    rest: Uint8Array,
    request: RequestHead,
    head: ResponseHeadDraft,
  ) {
    super(transport, agreement, options, rest);
    this.#head = head;
    const parsed = headOf(request);
    parsed?.headers.fold();
    this.request = parsed ?? withTarget(request);
  }

  get response(): Response {
    return this.#head.response;
  }
}

/** A request of somebody else's, who does not say what the target was. */
function withTarget({ method, url, headers }: RequestHead): Accepted["request"] {
  const { pathname, search } = new URL(url);
  return { method, url, headers, target: pathname + search };
}

/**
 * Accepts a WebSocket (RFC 6455 §4.2): reads the request, unless it is given, judges it, answers, and hands over the
 * connection. The connection belongs to this function from its first byte on; wrong options leave it untouched.
 *
 * @param conn The connection.
 * @param options What was already read, what is accepted, and limits.
 * @returns The WebSocket, once the 101 is written. Bytes behind the request are its first frames.
 * @throws {HandshakeError} Rejects when the upgrade was refused: `error.response` was sent. The connection is closed,
 * unless `error.reusable`; then `accept(conn, { prefix: error.rest })` tries again.
 * @throws {TypeError} Rejects when an option is wrong, or a function among them does what it must not.
 * @throws {RangeError} Rejects when a number among the options is out of its range.
 *
 * @example Echo
 * ```ts
 * import { accept, connect } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [client, server] = connectionPair();
 * const opening = connect("ws://localhost/chat", { conn: client });
 *
 * const accepted = await accept(server);
 * accepted.readable.pipeTo(accepted.writable);
 *
 * await using socket = await opening;
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * ```
 */
export async function accept(conn: ByteConnection, options: AcceptOptions = {}): Promise<Accepted> {
  checkAnswerOptions(options);
  const connection = checkConnectionOptions(options);
  const maxHeadSize = checkNumber("maxHeadSize", options.maxHeadSize, 16384, 1);
  const timeout = checkTime("handshakeTimeout", options.handshakeTimeout, 10_000);
  if (options.request) checkRequest(options.request);
  const exchange = openExchange(conn, {
    clock: connection.clock,
    timeout,
    signal: options.signal,
    prefix: options.prefix,
  });
  const attempt: Attempt = {
    exchange,
    options,
    connection,
    reader: new HeadReader(maxHeadSize, 1),
    request: options.request,
  };
  let opened: Accepted | HandshakeError;
  try {
    opened = await open(attempt).catch((error) => answerLate(attempt, error));
  } catch (error) {
    exchange.abort();
    if (!(error instanceof ExchangeError)) throw error;
    const message = `Cannot accept the upgrade: ${error.message}`;
    throw new HandshakeError(error.failure, message, { cause: error.cause, request: attempt.request });
  }
  if (opened instanceof HandshakeError) throw opened; // answered, and the connection closed or given back
  return opened;
}

/** What a caller hands over as a request must be one. */
function checkRequest({ url, headers }: RequestHead): void {
  if (typeof headers?.get !== "function") {
    throw new TypeError("Cannot accept the upgrade: the headers of the request have no get()");
  }
  if (!URL.canParse(url)) throw new TypeError("Cannot accept the upgrade: the url of the request must be absolute");
}

/** A handshake under way. */
interface Attempt {
  readonly exchange: Exchange;
  readonly options: AcceptOptions;
  readonly connection: CheckedOptions;
  readonly reader: HeadReader;
  /** The request, once its head is read. */
  request: RequestHead | undefined;
}

async function open(attempt: Attempt): Promise<Accepted | HandshakeError> {
  const { exchange, options, connection } = attempt;
  if (!attempt.request) {
    const head = await readHead(exchange, attempt.reader);
    if (!head) throw new ExchangeError("connection-closed", "the connection ended before a request");
    const read = "failure" in head ? head : parseRequest(head);
    if ("failure" in read) return await reject(attempt, refuse(read, options), false);
    attempt.request = read;
  }
  const { request } = attempt;
  // Only a policy can keep a decision waiting
  const deciding = options.authorize
    ? decide(request, { ...options, signal: exchange.signal })
    : decide(request, options);
  const decision = await (options.authorize ? exchange.guard(deciding) : deciding);
  if (decision.error) {
    const ends = listHas(decision.response.headers.get("connection"), "close");
    return await reject(attempt, decision, options.keepAlive === true && !ends && isReusable(request));
  }
  const { head, agreement } = decision;
  if (expectsContinue(request)) await exchange.write(CONTINUE);
  await exchange.write(writeHead("HTTP/1.1 101 Switching Protocols", head.fields));
  exchange.dispose();
  return new AcceptedConnection(exchange.transport, agreement, connection, exchange.rest, request, head);
}

/** What is answered when it is not the request that is wrong: a policy that failed, or a deadline that is over. */
async function answerLate(attempt: Attempt, error: unknown): Promise<HandshakeError> {
  if (error instanceof PolicyError) {
    await send(attempt, serverFailed(), false);
    throw error.cause;
  }
  const isLate = error instanceof ExchangeError && error.failure === "handshake-timeout";
  if (!isLate || !attempt.request && !attempt.reader.started) throw error; // before any byte: in silence
  const problem: Problem = { failure: error.failure, detail: error.message };
  return await reject(attempt, refuse(problem, attempt.options, attempt.request), false);
}

/** Whether another request can follow this one: where it ends must be beyond doubt. */
function isReusable(request: RequestHead): boolean {
  const { headers } = request;
  const length = headers.get("content-length");
  return isPersistent(request) && headers.get("transfer-encoding") === null && (length === null || /^0+$/.test(length));
}

function serverFailed(): Response {
  return new Response("The server failed\n", { status: 500 });
}

/** Sends a refusal, and gives the connection back or closes it. */
async function reject(attempt: Attempt, { response, error }: Refusal, keepAlive: boolean): Promise<HandshakeError> {
  const reusable = await send(attempt, response.clone(), keepAlive);
  return Object.assign(error, reusable ? { reusable, rest: attempt.exchange.rest } : {});
}

/** Sends a response, with patience for a peer that is still sending; true when the connection was given back. */
async function send(attempt: Attempt, response: Response, keepAlive: boolean): Promise<boolean> {
  const { exchange, options, request } = attempt;
  const { clock, closeTimeout: timeout } = attempt.connection;
  exchange.dispose();
  // The deadline of the handshake, which may be over, does not hold for its refusal
  const answering = new Exchange(exchange.transport, { clock, timeout, signal: options.signal });
  try {
    await sendResponse(answering, response, { request, keepAlive });
  } catch (error) {
    answering.dispose();
    if (answering.signal.aborted || answering.hasWritten) answering.abort();
    else await send(attempt, serverFailed(), false); // the body of a policy's response was not to be had
    if (error instanceof ExchangeError) return false; // the peer is gone, which changes nothing about the refusal
    throw error;
  }
  answering.dispose();
  if (keepAlive) answering.release();
  else await linger(answering.transport, { clock, timeout, signal: options.signal }).closed;
  return keepAlive;
}
