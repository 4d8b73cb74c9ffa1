// The client's door: an established connection to a WebSocket. The whole response is at hand, on success and on refusal.

import { readBody } from "./body.ts";
import { checkNumber, checkTime } from "./clock.ts";
import { Connection } from "./connection.ts";
import type { HandshakeError, Problem } from "./errors.ts";
import { listHas } from "./fields.ts";
import { Gather } from "./gather.ts";
import { type Agreement, switchingProtocols } from "./handshake.ts";
import { HeadReader, writeHead } from "./head.ts";
import { linger } from "./linger.ts";
import { draftOffer, judge, type OfferDraft, type OfferOptions, openingError } from "./offer.ts";
import { type ParsedResponse, parseResponse } from "./response_head.ts";
import type { ByteConnection, Transport } from "./transport.ts";
import { openWire, readHead, type Wire, WireError } from "./wire.ts";
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
  /** The connection to use. It is established, and encrypted where that is wanted. */
  conn: ByteConnection;
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
   * How long the handshake may take from the call on, in milliseconds; 0 disables.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Gives the connection back after a refusal, when the response allows it: HTTP/1.1, a body whose end is known, and no
   * `Connection: close`. A proxy in between must be known to treat a refused upgrade as plain HTTP.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /** Gives the handshake up and closes the connection; the WebSocket is not affected. */
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

/** How many interim responses may come before the final one. */
const MAX_INTERIM = 16;

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
export async function connect(url: string | URL, options: ConnectOptions): Promise<Connected> {
  const offer = draftOffer(url, options);
  const connection = checkConnectionOptions(options);
  const maxHeadSize = checkNumber("maxHeadSize", options.maxHeadSize, 16384, 1);
  const maxBodySize = checkNumber("maxBodySize", options.maxBodySize, 2 ** 20);
  const timeout = checkTime("handshakeTimeout", options.handshakeTimeout, 10_000);
  const { signal, prefix } = options;
  const request = writeHead(`GET ${offer.target} HTTP/1.1`, offer.fields);
  const wire = openWire(options.conn, { clock: connection.clock, timeout, signal, prefix });
  let refusal: HandshakeError;
  try {
    await wire.write(request);
    const head = await readFinal(wire, maxHeadSize);
    const verdict = "failure" in head ? head : await wire.guard(judge(offer, head));
    if (!("failure" in verdict)) {
      wire.dispose();
      return new ClientConnection(wire.transport, verdict, connection, wire.rest, head as ParsedResponse);
    }
    const parsed = "failure" in head ? undefined : head;
    refusal = await refused(wire, verdict, {
      offer,
      head: parsed,
      maxBodySize,
      keepAlive: options.keepAlive,
      connection,
    });
  } catch (error) {
    wire.abort();
    if (!(error instanceof WireError)) throw error;
    const problem = { failure: error.failure, detail: error.message };
    throw openingError(problem, { request: offer.request, cause: error.cause });
  }
  throw refusal; // the connection is closed, or given back
}

/** The final response: interim ones are skipped, but for a 101 (RFC 9110 §15.2). */
async function readFinal(wire: Wire, maxHeadSize: number): Promise<ParsedResponse | Problem> {
  for (let count = 0; count <= MAX_INTERIM; count++) {
    const bytes = await readHead(wire, new HeadReader(maxHeadSize, 0));
    if (!bytes) throw new WireError("connection-closed", "the connection ended before a response");
    const head = "failure" in bytes ? bytes : parseResponse(bytes);
    if ("failure" in head || head.status === 101 || head.status >= 200) return head;
  }
  return { failure: "head-malformed", detail: `there are more than ${MAX_INTERIM} interim responses` };
}

interface RefusedOptions {
  readonly offer: OfferDraft;
  readonly head: ParsedResponse | undefined;
  readonly maxBodySize: number;
  readonly keepAlive: boolean | undefined;
  readonly connection: CheckedOptions;
}

/** Reads what there is of the refusal's body, gives the connection back or closes it, and makes the error. */
async function refused(
  wire: Wire,
  problem: Problem,
  { offer, head, maxBodySize, keepAlive, connection }: RefusedOptions,
): Promise<HandshakeError> {
  const body = new Gather();
  let whole = false;
  try {
    whole = head !== undefined && await readBody(wire, head.body, maxBodySize, body) === true;
  } catch (error) {
    // The head said enough: a body that breaks off or comes too late is cut there
    if (!(error instanceof WireError)) throw error;
  }
  const reusable = keepAlive === true && whole && head!.body !== "end" && head!.version === "1.1" &&
    head!.status !== 101 && !listHas(head!.headers.get("connection"), "close");
  if (reusable) wire.release();
  else {
    // A server that is still sending is not reset, as long as the handshake may take
    const { clock, closeTimeout: timeout } = connection;
    if (!whole) await linger(wire.transport, { clock, timeout, signal: wire.signal }).closed;
    wire.abort();
  }
  return openingError(problem, {
    request: offer.request,
    response: head && toResponse(head, body.take()),
    reusable,
    rest: reusable ? wire.rest : undefined,
    truncated: head !== undefined && !whole,
  });
}

/** What was read, as a `Response`. */
function toResponse(head: ParsedResponse, body: Uint8Array<ArrayBuffer> | null): Response {
  const { status, reason: statusText } = head;
  const headers = [...head.headers];
  if (status === 101) return switchingProtocols(headers);
  // The body was taken out of its framing; fetch() shows the same fields
  const isNull = status === 204 || status === 205 || status === 304 || body === null || body.length === 0;
  // RFC 9110 §15: an invalid status is to be taken as a 5xx
  return new Response(isNull ? null : body, { status: status > 599 ? 500 : status, statusText, headers });
}
