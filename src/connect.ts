// The client's door: a URL, and a connection that is given or dialled, to a WebSocket. The whole response is at hand, on
// success and on refusal.

import { checkNumber, checkTime } from "./clock.ts";
import { Connection } from "./connection.ts";
import { dial, type DialOptions } from "./dial.ts";
import { HandshakeError, type Problem } from "./errors.ts";
import type { Agreement } from "./handshake.ts";
import { draftOffer, type OfferDraft, type OfferOptions, openingError, webSocketUrl } from "./offer.ts";
import { type OpeningOptions, requestUpgrade, toResponse } from "./opening.ts";
import { parseProxy } from "./proxy.ts";
import { isRedirect, redirected } from "./redirect.ts";
import type { ParsedResponse } from "./response_head.ts";
import type { ByteConnection, Transport } from "./transport.ts";
import { checkSignal, openWire, Patience, type Wire, WireError } from "./wire.ts";
import {
  checkConnectionOptions,
  type CheckedOptions,
  type ConnectionOptions,
  type WebSocketConnection,
} from "./web_socket.ts";

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
export interface ConnectOptions extends OfferOptions, ConnectionOptions {
  /**
   * The connection to use: established, and encrypted where that is wanted. Without it the host of the URL is dialled, by
   * TCP, and by TLS for `wss:` and `https:`; its certificate is always verified.
   */
  conn?: ByteConnection | undefined;
  /** The path of a unix socket to dial in place of the URL's host. */
  unix?: string | undefined;
  /**
   * An HTTP proxy to dial through: `http://user:password@host:port`. It is asked for a tunnel (RFC 9110 §9.3.6), in which
   * TLS is done for `wss:`. Proxies are taken from nowhere else, such as the environment.
   */
  proxy?: string | URL | undefined;
  /**
   * Certificates that are trusted beside those that the runtime trusts, each in PEM.
   *
   * @default {[]}
   */
  caCerts?: readonly string[] | undefined;
  /** Our own certificate for TLS, in PEM. */
  cert?: string | undefined;
  /** The private key of `cert`, in PEM. */
  key?: string | undefined;
  /**
   * How many redirects are followed (RFC 9110 §15.4): never from `wss:` to `ws:`, and to another origin without
   * Authorization, Cookie, Proxy-Authorization, user information, and `cert`.
   *
   * @default {0}
   */
  followRedirects?: number | undefined;
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
 * Opens a WebSocket on an established connection: sends the request with a fresh key and judges the response
 * (RFC 6455 §4.1). The connection belongs to this function from the call on; wrong options leave it untouched.
 *
 * @param url Host and target: `ws:`, `wss:`, `http:` or `https:`.
 * @param options The connection, subprotocols, fields, and limits.
 * @returns The WebSocket. Bytes behind the response are its first frames.
 * @throws {HandshakeError} Rejects when the server refused: `error.response` is its answer, with its body. The
 * connection is closed, unless `error.reusable`; then it can be tried again, with `prefix: error.rest`.
 * @throws {DOMException} Rejects with a `SyntaxError` for the URL or the subprotocols.
 * @throws {TypeError} Rejects for a field or a connection that can't be used.
 * @throws {RangeError} Rejects when a number among the options is out of its range.
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
  let offer = draftOffer(url, options), from = webSocketUrl(url), isForeign = false;
  checkSignal(options.signal);
  const patience = new Patience(connection.clock, timeout, options.signal);
  const { signal } = patience;
  try {
    for (;;) {
      const { conn, prefix } = dialling ? await dial(from, dialling, signal) : given(options);
      const outcome = await openOver(
        openWire(conn, { clock: connection.clock, timeout: 0, signal, prefix }),
        offer,
        opening,
      );
      if (!(outcome instanceof HandshakeError)) return outcome;
      const { response } = outcome;
      if (options.followRedirects === undefined || !response || !isRedirect(response)) throw outcome;
      const next = hopsLeft-- > 0 ? redirected(from, response) : tooMany(options.followRedirects);
      if ("failure" in next) throw openingError(next, { request: offer.request, response });
      isForeign ||= next.origin !== from.origin;
      if (isForeign) dialling = { ...dialling!, client: undefined };
      from = next;
      offer = draftOffer(from, options, isForeign);
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const { failure, message: detail, cause, response } = error;
    throw openingError({ failure, detail }, { request: offer.request, cause, response });
  } finally {
    patience.dispose();
  }
}

/** The connection that the caller has made. */
function given({ conn, prefix }: ConnectOptions): { conn: ByteConnection; prefix: Uint8Array | undefined } {
  return { conn: conn!, prefix };
}

function tooMany(count: number): Problem {
  return { failure: "redirect-refused", detail: `there are more than ${count} redirects` };
}

/** One attempt on one connection. */
async function openOver(wire: Wire, offer: OfferDraft, options: OpeningOptions): Promise<Connected | HandshakeError> {
  try {
    const opened = await requestUpgrade(wire, offer, options);
    if (opened instanceof HandshakeError) return opened;
    wire.dispose();
    return new ClientConnection(wire.transport, opened.agreement, options.connection, wire.rest, opened.head);
  } catch (error) {
    wire.abort();
    throw error;
  }
}

/** What only a connection of our own making has. */
const DIALLING = ["unix", "proxy", "caCerts", "cert", "key", "followRedirects"] as const;

/**
 * How to dial, or `undefined` when there is a connection.
 *
 * @throws {TypeError} For options that can't be used, or not with each other.
 */
function checkDialling(options: ConnectOptions): DialOptions | undefined {
  const { conn, prefix, unix, proxy, caCerts = [], cert, key } = options;
  if (conn !== undefined) {
    const unused = DIALLING.find((name) => options[name] !== undefined);
    if (unused) throw new TypeError(`Cannot use the option ${unused}: the connection is given as conn`);
    return undefined;
  }
  const wrong = prefix !== undefined
    ? "prefix: there is no conn that it was read from"
    : options.keepAlive
    ? "keepAlive: only a conn of the caller's own can be tried again"
    : unix !== undefined && (typeof unix !== "string" || unix === "")
    ? "unix: it must be the path of a socket"
    : unix !== undefined && proxy !== undefined
    ? "proxy: it does not go together with unix"
    : !Array.isArray(caCerts) || !caCerts.every(isPem)
    ? "caCerts: it must be a list of certificates in PEM"
    : (cert === undefined) !== (key === undefined)
    ? "cert: a certificate and its key are given together"
    : cert !== undefined && !(isPem(cert) && isPem(key))
    ? "cert: certificate and key must be in PEM"
    : undefined;
  if (wrong) throw new TypeError(`Cannot use the option ${wrong}`);
  return {
    unix,
    proxy: proxy === undefined ? undefined : parseProxy(proxy),
    caCerts,
    client: cert === undefined ? undefined : { cert, key: key! },
  };
}

function isPem(value: unknown): boolean {
  return typeof value === "string" && value.includes("-----BEGIN ");
}
