// The client's door: turns a URL, and a connection that is given or dialled, into an open WebSocket (RFC 6455 §4.1),
// following redirects where that is asked for. The error of a refusal has the whole response.

import { Connection } from "../connection/connection.ts";
import type { CheckedOptions, StreamingOptions } from "../connection/connection_options.ts";
import type { ReceivedOrPieces } from "../connection/incoming_pieces.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem, quote } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { TimeLimit } from "../exchange/time_limit.ts";
import { handshakeFailed } from "../handshake/confirm.ts";
import { draftOffer, type OfferDraft } from "../handshake/offer.ts";
import { webSocketUrl } from "../handshake/url.ts";
import { toResponse } from "../http/response.ts";
import type { ParsedResponse } from "../http/response_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { transportOf } from "../runtime/choose.ts";
import type { Transport } from "../transport/transport.ts";
import { checkConnectOptions, type CheckedConnectOptions, type ConnectOptions } from "./connect_options.ts";
import { connectOfDraft, connectStream, readStreamRefusal } from "./connect_stream.ts";
import { dial, type Dialled } from "./dial.ts";
import type { CheckedDialOptions } from "./dial_options.ts";
import { isRedirect, redirected } from "./redirect.ts";
import { readRefusal, requestUpgrade } from "./request_upgrade.ts";

/**
 * A WebSocket that was opened, with the response that opened it.
 *
 * @example A header field of the 101 response
 * ```ts
 * import { accept, connect, type Connected } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const accepting = accept(server, { headers: { "x-node": "eu-3" } });
 *
 * const socket: Connected = await connect("ws://localhost/", { conn });
 * assertEquals(socket.response.headers.get("x-node"), "eu-3");
 * for (const end of [socket, await accepting]) end.abort();
 * ```
 */
export interface Connected<Received = string | Uint8Array<ArrayBuffer>> extends WebSocketConnection<Received> {
  /** The server's 101 response; in HTTP/2, the 200. */
  readonly response: Response;
}

class ClientConnection extends Connection implements Connected {
  readonly #head: ParsedResponse;
  #response: Response | undefined;

  constructor(
    transport: Transport,
    agreement: Agreement,
    options: CheckedOptions,
    rest: Uint8Array,
    head: ParsedResponse,
  ) {
    super(transport, agreement, options, rest);
    this.#head = head;
  }

  get response(): Response {
    return this.#response ??= toResponse(this.#head, null);
  }
}

/**
 * Opens a WebSocket of which long messages are handed over in pieces; everything else is as without `streamAbove`.
 *
 * @param url Where to connect to.
 * @param options From which size on messages come in pieces, and the other options.
 * @returns The WebSocket, once the response is checked.
 *
 * @example A download into a file, or anything else that can be written to
 * ```ts
 * import { connect, serve } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await serve({ port: 0 }, (socket) => socket.send(new Uint8Array(200_000)));
 * await using socket = await connect(server.url!, { streamAbove: 65536 });
 * let size = 0;
 * const file = new WritableStream<string | Uint8Array>({ write: (piece) => void (size += piece.length) });
 * for await (const message of socket.readable) {
 *   if (typeof message === "object" && !(message instanceof Uint8Array)) await message.pipeTo(file);
 *   break;
 * }
 *
 * assertEquals(size, 200_000);
 * ```
 */
export function connect(
  url: string | URL,
  options: ConnectOptions & StreamingOptions,
): Promise<Connected<ReceivedOrPieces>>;
/**
 * Opens a WebSocket: dials the host of the URL, or uses the connection that is given, sends the request with a fresh key,
 * and checks the response (RFC 6455 §4.1). A given connection belongs to this function from the call on, whether or not it
 * succeeds; only options that are wrong leave it untouched.
 *
 * @param url Where to connect to: `ws:`, `wss:`, `http:` or `https:`. User and password become Basic authentication.
 * @param options The connection, or how to dial; subprotocols, header fields, and limits.
 * @returns The WebSocket, once the response is checked. Bytes after the response are taken for its first frames.
 * @throws {HandshakeError} Rejects when no connection can be made, or when the server refuses the upgrade: `error.response`
 * is its response, with as much of its body as came within two seconds; after a redirect that led nowhere, it is the
 * redirect. The connection is closed, unless `error.reusable` is `true`: then try again on it, with `prefix: error.rest`.
 * @throws {DOMException} Rejects with a `SyntaxError` when the URL or the subprotocols can't be used.
 * @throws {TypeError} Rejects when a header field, the connection or another option can't be used, and without `conn` on a
 * runtime that has no sockets to dial with.
 * @throws {RangeError} Rejects when a number among the options is out of its range.
 *
 * @example A URL is enough
 * ```ts
 * import { accept, connect } from "@handfast/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * const serving = (async () => {
 *   const accepted = await accept(await listener.accept());
 *   await accepted.receive((message) => accepted.send(message));
 * })();
 *
 * await using socket = await connect(`ws://127.0.0.1:${listener.addr.port}/`);
 * socket.send("Hello");
 * assertEquals((await socket.readable.getReader().read()).value, "Hello");
 * await socket.close();
 * await serving;
 * listener.close();
 * ```
 *
 * @example A refusal, and another attempt on the same connection
 * ```ts
 * import { accept, basicAuth, connect, HandshakeError } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const [conn, server] = connectionPair();
 * const authorize = basicAuth({ realm: "here", users: { ada: "secret" } });
 * accept(server, { authorize, keepAlive: true })
 *   .catch((error) => accept(server, { authorize, prefix: error.rest }));
 *
 * const error = await connect("ws://localhost/", { conn, keepAlive: true }).catch((error) => error);
 * assert(error instanceof HandshakeError && error.reusable);
 * assertEquals(error.response?.status, 401);
 *
 * const socket = await connect("ws://ada:secret@localhost/", { conn, prefix: error.rest });
 * assertEquals(socket.response.status, 101);
 * socket.abort();
 * ```
 */
export function connect(url: string | URL, options?: ConnectOptions): Promise<Connected>;
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Connected> {
  return await connectChecked(url, checkConnectOptions(options));
}

/** {@linkcode connect}, for a caller that has checked the options and told what is wrong about them. */
export async function connectChecked(
  url: string | URL,
  checked: CheckedConnectOptions,
): Promise<Connected & Connection> {
  let attempt = attemptFor(webSocketUrl(url), url, checked.use, checked);
  const { connection: { clock }, handshakeTimeout, signal } = checked;
  // One exchange has limits of its own
  const timeLimit = "conn" in checked.use ? undefined : new TimeLimit(clock, handshakeTimeout, signal);
  try {
    for (;;) {
      const outcome = await open(attempt, checked, timeLimit);
      if (outcome instanceof ClientConnection) return outcome;
      if (outcome instanceof HandshakeError) throw outcome;
      attempt = outcome;
    }
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    throw unanswered(attempt, error);
  } finally {
    timeLimit?.dispose();
  }
}

/** The first attempt, or that of a redirect: over HTTP/2 where that is asked for, and can be. */
function attemptFor(
  url: URL,
  from: string | URL,
  use: CheckedConnectOptions["use"],
  options: CheckedConnectOptions,
  isCrossOrigin = false,
  redirectedBy: Attempt["redirectedBy"] = [],
): Attempt {
  const http2 = "conn" in use ? false : use.http2;
  const isHttp2 = http2 === true || http2 === "auto" && url.protocol === "https:";
  const offer = draftOffer(from, options.offer, isCrossOrigin, isHttp2);
  return { url, offer, use, isHttp2, isCrossOrigin, redirectedBy };
}

/** One request for an upgrade: to which URL, and on what connection. */
interface Attempt {
  /** With the scheme http or https. */
  readonly url: URL;
  readonly offer: OfferDraft;
  readonly use: CheckedConnectOptions["use"];
  readonly isHttp2: boolean;
  /** Whether any redirect so far has led to another origin; it stays so, even if a later one leads back. */
  readonly isCrossOrigin: boolean;
  /** The heads of the redirects that were followed. */
  readonly redirectedBy: readonly ParsedResponse[];
}

/**
 * Gets a connection and asks for the upgrade.
 *
 * @returns The WebSocket; or the next attempt, where a redirect is followed, which its head alone decides: the rest of this
 * connection is dropped; or the refusal, after the connection is closed or given back.
 */
async function open(
  attempt: Attempt,
  options: CheckedConnectOptions,
  timeLimit: TimeLimit | undefined,
): Promise<ClientConnection | Attempt | HandshakeError> {
  const { url, offer, use, isHttp2 } = attempt;
  const { connection: { clock }, handshakeTimeout, signal, maxHeadSize } = options;
  if (isHttp2 && !("conn" in use)) return await openOnStream(attempt, use, options, timeLimit!.signal);
  const { transport, prefix }: Dialled = "conn" in use
    ? { transport: transportOf(use.conn), prefix: use.prefix }
    : await dial(url, use, timeLimit!.signal);
  const limits = timeLimit ? { timeout: 0, signal: timeLimit.signal } : { timeout: handshakeTimeout, signal };
  const exchange = new Exchange(transport, { clock, ...limits, prefix });
  try {
    const machine = await requestUpgrade(exchange, offer, maxHeadSize), { agreement, head } = machine;
    if (agreement) {
      exchange.dispose();
      return new ClientConnection(transport, agreement, options.connection, exchange.rest, head!);
    }
    const next = follow(attempt, head, options);
    if (next && !("failure" in next)) {
      exchange.abort();
      return next;
    }
    return await readRefusal(exchange, machine, next ?? machine.problem!, options);
  } catch (error) {
    exchange.abort();
    throw error;
  }
}

/** {@linkcode open}, on a stream of HTTP/2; where the server takes none, the next attempt is one over HTTP/1.1. */
async function openOnStream(
  attempt: Attempt,
  use: CheckedDialOptions,
  options: CheckedConnectOptions,
  signal: AbortSignal,
): Promise<ClientConnection | Attempt | HandshakeError> {
  const { url, offer, isCrossOrigin, redirectedBy } = attempt;
  const outcome = await connectStream(url, offer, use, options.maxHeadSize, signal);
  if (!outcome) return attemptFor(url, url, { ...use, http2: false }, options, isCrossOrigin, redirectedBy);
  const { transport, head, verdict } = outcome;
  if (!("failure" in verdict)) {
    return new ClientConnection(transport, verdict, options.connection, new Uint8Array(), head!);
  }
  const next = follow(attempt, head, options);
  if (!next || "failure" in next) return await readStreamRefusal(outcome, next ?? verdict, options, signal);
  transport.abort();
  return next;
}

/**
 * The next attempt, if a response is a redirect that is to be followed (RFC 9110 §15.4), or why it must not be followed.
 * Another origin gets no credentials and no client certificate.
 *
 * @returns `undefined` when it is not a redirect to follow.
 */
function follow(
  { url, use, isCrossOrigin, redirectedBy }: Attempt,
  head: ParsedResponse | undefined,
  options: CheckedConnectOptions,
): Attempt | Problem | undefined {
  const { followRedirects } = options;
  if (followRedirects === undefined || !head || !isRedirect(head) || "conn" in use) return undefined;
  if (redirectedBy.length >= followRedirects) return tooManyRedirects(head, followRedirects);
  const next = redirected(url, head);
  if ("failure" in next) return next;
  const leaves = isCrossOrigin || next.origin !== url.origin;
  if (leaves && use.unix !== undefined) return redirectLeavesSocket(next);
  return attemptFor(next, next, leaves ? { ...use, client: undefined } : use, options, leaves, [...redirectedBy, head]);
}

/** A unix socket leads to one origin only. */
function redirectLeavesSocket({ origin }: URL): Problem {
  return { failure: "redirect-refused", detail: `it leads from the unix socket to ${origin}` };
}

function tooManyRedirects({ headers }: ParsedResponse, followRedirects: number): Problem {
  const detail = `Location is ${quote(headers.get("location")!)}, and followRedirects is ${followRedirects}`;
  return { failure: "redirect-refused", detail };
}

/** The error of an attempt without a response. After a redirect it has the redirect, which shows how we got here. */
function unanswered(
  { url, offer, use, isHttp2, redirectedBy }: Attempt,
  { failure, message, cause, response, retryable }: ExchangeError,
) {
  const last = redirectedBy.at(-1);
  const reached = last ? `after a redirect to ${url.origin}, ${message}` : message;
  // A server with TLS may drop what is not TLS without a word
  const isBare = failure === "connection-closed" && url.protocol === "http:" && !("conn" in use) && !isHttp2;
  const hint = isBare ? "; if the server uses TLS, use wss:" : "";
  return handshakeFailed({ failure, detail: reached + hint }, {
    request: isHttp2 ? connectOfDraft(offer).request : offer.request,
    cause,
    retryable,
    response: response ?? (last && toResponse(last, null)),
    truncated: !response && last !== undefined && last.body !== 0,
  });
}
