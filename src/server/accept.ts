// The server's door: turns a connection, and what was already read from it, into an open WebSocket (RFC 6455 §4.2). A
// request that is refused always gets an HTTP response.

import { unlessAborted } from "../base/abort.ts";
import { nodeSha1 } from "../base/tuning.ts";
import { Connection } from "../connection/connection.ts";
import type { ConnectionOwner } from "../connection/driver.ts";
import type { CheckedOptions } from "../connection/connection_options.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import { HandshakeError, type RequestHead } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { readHead } from "../exchange/read_head.ts";
import { decide, type Decision, isUpgrade } from "../handshake/answer.ts";
import { refuse } from "../handshake/refusal.ts";
import { listHas } from "../http/field_values.ts";
import { HeadReader } from "../http/head_reader.ts";
import { expectsContinue, headOf, isPersistent, type ParsedRequest, parseRequest } from "../http/request_head.ts";
import { discardBody, type ResponseHeadDraft } from "../http/response.ts";
import { CONTINUE, writeHead } from "../http/write_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { transportOf } from "../runtime/choose.ts";
import { isRequestStream } from "../runtime/request_stream.ts";
import type { ByteConnection, Transport } from "../transport/transport.ts";
import { type AcceptOptions, checkAcceptOptions, type CheckedAcceptOptions } from "./accept_options.ts";
import { type AcceptedStream, acceptStream } from "./accept_stream.ts";
import { respond, serverError } from "./respond.ts";

/**
 * A WebSocket that was accepted, with the handshake that opened it.
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
  /** The client's request. */
  readonly request: RequestHead & {
    /** The request target as the client sent it, such as `/chat?room=7` (RFC 9112 §3.2). */
    readonly target: string;
  };
  /** The 101 response that was sent; in HTTP/2, the 200. */
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
    owner: ConnectionOwner | undefined,
  ) {
    super(transport, agreement, options, rest, owner);
    this.#head = head;
    const parsed = headOf(request);
    parsed?.headers.dropPositions();
    this.request = parsed ?? withTarget(request);
  }

  get response(): Response {
    return this.#head.response;
  }
}

/** A request that was not read by us, such as a `Request`, does not know its target: it is taken from the URL. */
function withTarget({ method, url, headers }: RequestHead): Accepted["request"] {
  const { pathname, search } = new URL(url);
  return { method, url, headers, target: pathname + search };
}

/**
 * Accepts a WebSocket (RFC 6455 §4.2): reads the request, unless it is given, checks it, answers it, and returns the open
 * WebSocket. The connection belongs to this function from the call on, whether or not it succeeds; only options that
 * are wrong leave it untouched.
 *
 * @param conn The connection.
 * @param options What was already read, what to accept, and limits.
 * @returns The WebSocket, once the 101 is written. Bytes after the request are taken for its first frames.
 * @throws {HandshakeError} Rejects when the upgrade is refused: `error.response` was sent, and the connection is closed,
 * unless `error.reusable` is `true`: then `accept(conn, { prefix: error.rest })` waits for the next request on it.
 * Rejects without a response when the connection is lost.
 * @throws {TypeError} Rejects when an option is wrong, or when a function among the options gives what it must not.
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
  const checked = checkAcceptOptions(options);
  if (isRequestStream(conn)) return openStream(await acceptStream(conn, checked), checked);
  const { connection: { clock }, handshakeTimeout: timeout, signal, prefix } = checked;
  const handshake: Handshake = {
    exchange: new Exchange(transportOf(conn), { clock, timeout, signal, prefix }),
    options: checked,
    reader: new HeadReader(checked.maxHeadSize, 1),
    request: checked.request,
  };
  return await shakeHands(handshake) as Accepted; // nothing is passed on
}

/** The WebSocket on a stream whose request was accepted. */
export function openStream(
  { transport, agreement, request, head, rest }: AcceptedStream,
  { connection }: CheckedAcceptOptions,
  owner?: ConnectionOwner,
): Accepted {
  return new AcceptedConnection(transport, agreement, connection, rest, request, head, owner);
}

/** Who is told of what becomes of a handshake, and of the WebSocket. */
export interface HandshakeOwner extends ConnectionOwner {
  /** A request asks for a WebSocket: gives what speaks against it on this server, before anything else is judged. */
  admit(request: RequestHead): Problem | undefined;
  /** The upgrade is refused; the refusal is not sent yet. */
  onRefuse(): void;
}

/** A handshake under way. */
export interface Handshake {
  readonly exchange: Exchange;
  readonly options: CheckedAcceptOptions;
  readonly reader: HeadReader;
  /** The request, once its head is read. */
  request: RequestHead | undefined;
  /** Whether a request that does not ask for a WebSocket is passed on, to be answered as plain HTTP, and not refused. */
  readonly passesHttp?: boolean;
  readonly owner?: HandshakeOwner;
}

/**
 * Reads the request of a handshake, unless it is there, and answers it.
 *
 * @returns The WebSocket, or a request that is passed on: the exchange goes on behind its head.
 * @throws {unknown} Rejects as {@linkcode accept} does.
 */
export async function shakeHands(handshake: Handshake): Promise<Accepted | ParsedRequest> {
  let outcome: Accepted | ParsedRequest | Due;
  try {
    try {
      outcome = await openOrRefuse(handshake);
    } catch (error) {
      outcome = answerFailure(handshake, error);
    }
    if (!("error" in outcome)) return outcome;
    await sendDue(handshake, outcome);
  } catch (error) {
    closeAndThrow(handshake, error);
  }
  throw outcome.error; // it is answered, and the connection is closed or given back
}

/** A response that is due, and the error to throw once it is sent. */
interface Due {
  readonly response: Response;
  readonly error: unknown;
  /** Whether the connection can be given back. */
  readonly keepAlive: boolean;
}

async function openOrRefuse(handshake: Handshake): Promise<Accepted | ParsedRequest | Due> {
  const { exchange, options, owner } = handshake;
  const request = handshake.request ?? parseUpgrade(await readHead(exchange, handshake.reader), exchange);
  if ("failure" in request) return { ...refuse(request, options.headers), keepAlive: false };
  handshake.request = request;
  if (handshake.passesHttp && !isUpgrade(request)) return request as ParsedRequest; // it was read here
  const problem = owner?.admit(request);
  if (problem) {
    return { ...refuse(problem, options.headers, request), keepAlive: false };
  }
  // Only a policy can take long to decide: without one, no signal and no guarded promise are made
  const decision = await (options.authorize ? decideInTime(request, handshake) : decide(request, options, nodeSha1()));
  if (decision.error) {
    return { ...decision, keepAlive: options.keepAlive && isReusable(decision.response, request) };
  }
  const { head, agreement } = decision;
  const bytes = writeHead("HTTP/1.1 101 Switching Protocols", head.fields);
  if (expectsContinue(request)) await exchange.write(CONTINUE);
  await exchange.write(bytes);
  exchange.dispose();
  return new AcceptedConnection(exchange.transport, agreement, options.connection, exchange.rest, request, head, owner);
}

function parseUpgrade(head: Uint8Array | Problem | undefined, exchange: Exchange): RequestHead | Problem {
  if (!head) throw new ExchangeError("connection-closed", "the connection ended before a request");
  return "failure" in head ? head : parseRequest(head, exchange.transport.isSecure);
}

/** Decides, unless the exchange is interrupted first. */
async function decideInTime(request: RequestHead, { exchange, options }: Handshake): Promise<Decision> {
  const { transport } = exchange, signal = exchange.watch();
  try {
    return await unlessAborted(
      decide(request, { ...options, signal, transport }, nodeSha1()),
      exchange.signal,
      (late) => {
        if (late.error) discardBody(late.response);
      },
    );
  } finally {
    exchange.stopWatching();
  }
}

/** Whether the connection can be used again after a refusal: where the request ends must be beyond doubt. */
function isReusable({ headers }: Response, request: RequestHead): boolean {
  const length = request.headers.get("content-length");
  return isPersistent(request) && !listHas(headers.get("connection"), "close") &&
    request.headers.get("transfer-encoding") === null && (length === null || /^0+$/.test(length));
}

/** What is due when no decision was made: because it took too long, or because the caller's code has failed. */
function answerFailure(handshake: Handshake, error: unknown): Due {
  const { exchange, options, reader, request } = handshake;
  if (error instanceof ExchangeError) {
    // Before the first byte of a request, nobody waits for an answer
    if (error.failure !== "handshake-timeout" || !request && !reader.started) throw error;
    const problem: Problem = { failure: error.failure, detail: error.message };
    try {
      return { ...refuse(problem, options.headers, request), keepAlive: false };
    } catch (error) {
      return { response: serverError(), error, keepAlive: false };
    }
  }
  if (exchange.signal.aborted || exchange.hasWritten) throw error;
  return { response: serverError(), error, keepAlive: false };
}

/** Sends the response that is due. Tells its error whether the connection can be used again. */
async function sendDue({ exchange, options, request, owner }: Handshake, due: Due): Promise<void> {
  owner?.onRefuse();
  const { connection: { clock, closeTimeout: timeout }, signal } = options, { response, error, keepAlive } = due;
  exchange.dispose();
  const sending = { clock, timeout, signal, request, keepAlive, prefix: exchange.rest };
  const rest = await respond(exchange.transport, response, sending);
  if (rest && error instanceof HandshakeError) Object.assign(error, { reusable: true, rest });
}

function closeAndThrow({ exchange, request }: Handshake, error: unknown): never {
  exchange.abort();
  if (!(error instanceof ExchangeError)) throw error;
  throw new HandshakeError(error.failure, `Cannot accept the upgrade: ${error.message}`, {
    cause: error.cause,
    request,
  });
}
