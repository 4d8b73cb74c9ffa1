// The client's door: turns a URL, and a connection that is given or dialled, into an open WebSocket (RFC 6455 §4.1),
// following redirects where that is asked for. The error of a refusal has the whole response.

import { Connection } from "../connection/connection.ts";
import type { CheckedOptions } from "../connection/options.ts";
import type { WebSocketConnection } from "../connection/websocket_connection.ts";
import { HandshakeError } from "../errors/handshake_error.ts";
import { ExchangeError, type Problem } from "../errors/problem.ts";
import { Exchange } from "../exchange/exchange.ts";
import { TimeLimit } from "../exchange/time_limit.ts";
import { openingError } from "../handshake/confirm.ts";
import { draftOffer, type OfferDraft } from "../handshake/offer.ts";
import { webSocketUrl } from "../handshake/url.ts";
import { toResponse } from "../http/response.ts";
import type { ParsedResponse } from "../http/response_head.ts";
import type { Agreement } from "../protocol/agreement.ts";
import { transportOf } from "../runtime/choose.ts";
import type { Transport } from "../transport/transport.ts";
import { checkConnectOptions, type CheckedConnectOptions, type ConnectOptions } from "./connect_options.ts";
import { dial, type Dialled } from "./dial.ts";
import { isRedirect, redirected } from "./redirect.ts";
import { requestUpgrade } from "./request_upgrade.ts";

/**
 * A WebSocket that was opened, with the response that opened it.
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
  /** The server's 101 response. */
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
 * Opens a WebSocket: dials the host of the URL, or uses the connection that is given, sends the request with a fresh key,
 * and checks the response (RFC 6455 §4.1). A given connection belongs to this function from the call on, whatever comes of
 * it; only options that are wrong leave it untouched.
 *
 * @param url Where to connect to: `ws:`, `wss:`, `http:` or `https:`. User and password become Basic authentication.
 * @param options The connection, or how to dial; subprotocols, header fields, and limits.
 * @returns The WebSocket, once the response is checked. Bytes after the response are taken for its first frames.
 * @throws {HandshakeError} Rejects when no connection can be made, or when the server refuses the upgrade: `error.response`
 * is its response, with its body. The connection is closed, unless `error.reusable` is `true`: then try again on it, with
 * `prefix: error.rest`.
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
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Connected> {
  const checked = checkConnectOptions(options);
  let attempt: Attempt = {
    url: webSocketUrl(url),
    offer: draftOffer(url, checked.offer),
    use: checked.use,
    isCrossOrigin: false,
  };
  const timeLimit = new TimeLimit(checked.connection.clock, checked.handshakeTimeout, checked.signal);
  try {
    for (let hops = 0;; hops++) {
      const outcome = await open(attempt, checked, timeLimit.signal);
      if (!(outcome instanceof HandshakeError)) return outcome;
      attempt = follow(attempt, outcome, hops, checked);
    }
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    const { failure, message: detail, cause, response } = error;
    throw openingError({ failure, detail }, { request: attempt.offer.request, cause, response });
  } finally {
    timeLimit.dispose();
  }
}

/** One request for an upgrade: to which URL, and on what connection. */
interface Attempt {
  /** With the scheme http or https. */
  readonly url: URL;
  readonly offer: OfferDraft;
  readonly use: CheckedConnectOptions["use"];
  /** Whether any redirect so far has led to another origin; it stays so, even if a later one leads back. */
  readonly isCrossOrigin: boolean;
}

/** Gets a connection and asks for the upgrade. After a refusal the connection is closed, or given back. */
async function open(
  { url, offer, use }: Attempt,
  options: CheckedConnectOptions,
  signal: AbortSignal,
): Promise<Connected | HandshakeError> {
  const { transport, prefix }: Dialled = "conn" in use
    ? { transport: transportOf(use.conn), prefix: use.prefix }
    : await dial(url, use, signal);
  const exchange = new Exchange(transport, { clock: options.connection.clock, timeout: 0, signal, prefix });
  try {
    const opened = await requestUpgrade(exchange, offer, options);
    if (opened instanceof HandshakeError) return opened;
    exchange.dispose();
    return new ClientConnection(transport, opened.agreement, options.connection, exchange.rest, opened.head);
  } catch (error) {
    exchange.abort();
    throw error;
  }
}

/**
 * The next attempt, if a refusal is a redirect that is to be followed (RFC 9110 §15.4). Another origin gets no credentials
 * and no client certificate.
 *
 * @param hops How many redirects were followed before.
 * @throws {HandshakeError} The refusal, if it is not a redirect to follow; or the reason why it must not be followed.
 */
function follow(
  { url, offer, use, isCrossOrigin }: Attempt,
  refusal: HandshakeError,
  hops: number,
  options: CheckedConnectOptions,
): Attempt {
  const { response } = refusal, { followRedirects } = options;
  if (followRedirects === undefined || !response || !isRedirect(response) || "conn" in use) throw refusal;
  const next = hops < followRedirects ? redirected(url, response) : tooManyRedirects(followRedirects);
  if ("failure" in next) throw openingError(next, { request: offer.request, response });
  const leaves = isCrossOrigin || next.origin !== url.origin;
  if (leaves && use.unix !== undefined) {
    throw openingError(redirectLeavesSocket(next), { request: offer.request, response });
  }
  return {
    url: next,
    offer: draftOffer(next, options.offer, leaves),
    use: leaves ? { ...use, client: undefined } : use,
    isCrossOrigin: leaves,
  };
}

/** Behind a unix socket there is one origin. */
function redirectLeavesSocket({ origin }: URL): Problem {
  return { failure: "redirect-refused", detail: `it leads from the unix socket to ${origin}` };
}

function tooManyRedirects(count: number): Problem {
  return { failure: "redirect-refused", detail: `there are more than ${count} redirects` };
}
