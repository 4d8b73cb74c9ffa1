// The client's door: a URL, and a connection that is given or dialled, to a WebSocket. The whole response is at hand, on
// success and on refusal.

import { checkNumber, checkSignal, checkTime } from "../base/options.ts";
import { dial } from "./dial.ts";
import { checkDialling, type DialOptions } from "./dial_options.ts";
import { isRedirect, redirected } from "./redirect.ts";
import { type OpeningOptions, requestUpgrade } from "./request_upgrade.ts";
import { Connection } from "../connection/connection.ts";
import { checkConnectionOptions, type CheckedOptions, type ConnectionOptions } from "../connection/options.ts";
import { type WebSocketConnection } from "../connection/websocket_connection.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange, openExchange } from "../exchange/exchange.ts";
import { TimeLimit } from "../exchange/time_limit.ts";
import { openingError } from "../handshake/confirm.ts";
import { draftOffer, OfferDraft, type OfferOptions } from "../handshake/offer.ts";
import { webSocketUrl } from "../handshake/url.ts";
import { toResponse } from "../http/response.ts";
import { type ParsedResponse } from "../http/response_head.ts";
import { type Agreement } from "../protocol/agreement.ts";
import { type ByteConnection, type Transport } from "../transport/transport.ts";

/**
 * Options of {@linkcode connect}.
 *
 * @example A handshake that is given up
 * ```ts
 * import { connect, type ConnectOptions } from "@handfast/websocket";
 * import { connectionPair } from "@handfast/websocket/testing";
 * import { assert, assertRejects } from "@std/assert";
 *
 * const leaving = new AbortController();
 * const [conn] = connectionPair();
 * const options: ConnectOptions = { conn, signal: leaving.signal };
 * const opening = connect("ws://localhost/", options);
 * leaving.abort(new Error("The page is gone"));
 *
 * await assertRejects(() => opening, Error, "The page is gone");
 * assert(conn.isClosed);
 * ```
 */
export interface ConnectOptions extends OfferOptions, DialOptions, ConnectionOptions {
  /**
   * The connection to use: established, and encrypted where that is wanted. Without it the host of the URL is dialled, by
   * TCP, and by TLS for `wss:` and `https:`; its certificate is always verified.
   */
  conn?: ByteConnection | undefined;
  /** Bytes that were already read from the connection: the beginning of the response. */
  prefix?: Uint8Array | undefined;
  /**
   * The largest head of a response, in bytes; it may have 128 fields.
   *
   * @default {16384}
   */
  maxHeadSize?: number | undefined;
  /**
   * How much is read of a refusal's body, in bytes.
   *
   * @default {1048576}
   */
  maxBodySize?: number | undefined;
  /**
   * How long the handshake may take from the call on, dialling and redirects included, in milliseconds; 0 disables.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Gives `conn` back after a refusal, when the response allows it: HTTP/1.1, a body whose end is known, and no
   * `Connection: close`. A proxy in between must be known to treat a refused upgrade as plain HTTP.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /** Gives the dialling or the handshake up and closes the connection; the WebSocket is not affected. */
  signal?: AbortSignal | undefined;
}

/**
 * A WebSocket that was opened.
 *
 * @example What the server has said beside yes
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
export interface Connected extends WebSocketConnection {
  /** The server's 101. */
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
 * Opens a WebSocket: dials the host of the URL, or takes the connection that it is given, sends the request with a fresh key
 * and judges the response (RFC 6455 §4.1). A given connection belongs to this function from the call on; wrong options leave
 * it untouched.
 *
 * @param url Host and target: `ws:`, `wss:`, `http:` or `https:`. User and password become Basic authentication.
 * @param options How to dial, or the connection; subprotocols, fields, and limits.
 * @returns The WebSocket. Bytes behind the response are its first frames.
 * @throws {HandshakeError} Rejects when there is no connection to be had, or the server refused: `error.response` is its
 * answer, with its body. The connection is closed, unless `error.reusable`; then it can be tried again, with
 * `prefix: error.rest`.
 * @throws {DOMException} Rejects with a `SyntaxError` for the URL or the subprotocols.
 * @throws {TypeError} Rejects for a field, a connection or another option that can't be used, and where a runtime has no
 * sockets to dial with.
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
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Connected> {
  const connection = checkConnectionOptions(options);
  const opening: OpeningOptions = {
    maxHeadSize: checkNumber("maxHeadSize", options.maxHeadSize, 16384, 1),
    maxBodySize: checkNumber("maxBodySize", options.maxBodySize, 2 ** 20),
    keepAlive: options.keepAlive === true,
    connection,
  };
  const timeout = checkTime("handshakeTimeout", options.handshakeTimeout, 10_000);
  let hopsLeft = checkNumber("followRedirects", options.followRedirects, 0);
  let dialling = checkDialling(options);
  let offer = draftOffer(url, options), from = webSocketUrl(url), isCrossOrigin = false;
  checkSignal(options.signal);
  const timeLimit = new TimeLimit(connection.clock, timeout, options.signal);
  const { signal } = timeLimit;
  try {
    for (;;) {
      const { conn, prefix } = dialling ? await dial(from, dialling, signal) : given(options);
      const outcome = await openOver(
        openExchange(conn, { clock: connection.clock, timeout: 0, signal, prefix }),
        offer,
        opening,
      );
      if (!(outcome instanceof HandshakeError)) return outcome;
      const { response } = outcome;
      if (options.followRedirects === undefined || !response || !isRedirect(response)) throw outcome;
      const next = hopsLeft-- > 0 ? redirected(from, response) : tooManyRedirects(options.followRedirects);
      if ("failure" in next) throw openingError(next, { request: offer.request, response });
      isCrossOrigin ||= next.origin !== from.origin;
      if (isCrossOrigin && options.unix !== undefined) {
        throw openingError(redirectLeavesSocket(next), { request: offer.request, response });
      }
      if (isCrossOrigin) dialling = { ...dialling!, client: undefined };
      from = next;
      offer = draftOffer(from, options, isCrossOrigin);
    }
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    const { failure, message: detail, cause, response } = error;
    throw openingError({ failure, detail }, { request: offer.request, cause, response });
  } finally {
    timeLimit.dispose();
  }
}

/** The connection that the caller has made. */
function given({ conn, prefix }: ConnectOptions): { conn: ByteConnection; prefix: Uint8Array | undefined } {
  return { conn: conn!, prefix };
}

/** Behind a unix socket is one origin. */
function redirectLeavesSocket({ origin }: URL): Problem {
  return { failure: "redirect-refused", detail: `it leads from the unix socket to ${origin}` };
}

function tooManyRedirects(count: number): Problem {
  return { failure: "redirect-refused", detail: `there are more than ${count} redirects` };
}

/** One attempt on one connection. */
async function openOver(
  exchange: Exchange,
  offer: OfferDraft,
  options: OpeningOptions,
): Promise<Connected | HandshakeError> {
  try {
    const opened = await requestUpgrade(exchange, offer, options);
    if (opened instanceof HandshakeError) return opened;
    exchange.dispose();
    return new ClientConnection(exchange.transport, opened.agreement, options.connection, exchange.rest, opened.head);
  } catch (error) {
    exchange.abort();
    throw error;
  }
}
