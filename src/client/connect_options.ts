// The options of connect() and their check, which is done before anything is dialled or the connection is touched.

import { checkBoolean, checkPrefix, checkSignal, limitOf, timeOf } from "../base/options.ts";
import { checkConnectionOptions, type ConnectionOptions } from "../connection/connection_options.ts";
import { type CheckedOfferOptions, checkOfferOptions, type OfferOptions } from "../handshake/offer.ts";
import type { ByteConnection } from "../transport/transport.ts";
import { checkDialOptions, type CheckedDialOptions, type DialOptions } from "./dial_options.ts";
import type { RequestUpgradeOptions } from "./request_upgrade.ts";

/**
 * Options of {@linkcode connect}.
 *
 * @example A handshake that is cancelled
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
   * The connection to use: it must be established and, where that is wanted, encrypted. Without it, the host of the URL is
   * dialled by TCP, with TLS for `wss:` and `https:`. The certificate of the host is always verified.
   */
  conn?: ByteConnection | undefined;
  /** Bytes that were already read from `conn`: the start of the response. */
  prefix?: Uint8Array | undefined;
  /**
   * The largest response head, in bytes. A head may have 128 fields at most.
   *
   * @default {16384}
   */
  maxHeadSize?: number | undefined;
  /**
   * How much of the body of a refusal is read, in bytes. Reading stops two seconds after the head; `error.truncated` tells
   * whether something is missing.
   *
   * @default {1048576}
   */
  maxBodySize?: number | undefined;
  /**
   * How long the handshake may take, in milliseconds from the call on, dialling and redirects included; 0 means no limit.
   *
   * @default {10000}
   */
  handshakeTimeout?: number | undefined;
  /**
   * Leaves `conn` open after a refusal, to be used again, if the response allows it: HTTP/1.1, a body whose end is known,
   * and no `Connection: close`. A proxy on the way must be known to treat a refused upgrade as plain HTTP.
   *
   * @default {false}
   */
  keepAlive?: boolean | undefined;
  /** Cancels the handshake and closes the connection. Once the WebSocket is open, the signal has no effect on it. */
  signal?: AbortSignal | undefined;
}

/** {@linkcode ConnectOptions}, checked and with their defaults. */
export interface CheckedConnectOptions extends RequestUpgradeOptions {
  /** What the requests say. */
  readonly offer: CheckedOfferOptions;
  /** The connection to use, or how to make one. */
  readonly use: GivenConnection | CheckedDialOptions;
  readonly handshakeTimeout: number;
  /** How many redirects to follow; without it, a redirect is a refusal like any other. */
  readonly followRedirects: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A connection that the caller has made. */
export interface GivenConnection {
  readonly conn: ByteConnection;
  readonly prefix: Uint8Array | undefined;
}

/**
 * Checks the options of {@linkcode connect}.
 *
 * @throws {TypeError} When one is wrong.
 * @throws {RangeError} When a number is out of its range.
 * @throws {DOMException} `SyntaxError` when the subprotocols can't be used.
 */
export function checkConnectOptions(options: ConnectOptions): CheckedConnectOptions {
  const { conn, followRedirects } = options;
  const offer = checkOfferOptions(options);
  return {
    offer,
    connection: checkConnectionOptions(options, offer.compression),
    maxHeadSize: limitOf(options, "maxHeadSize"),
    maxBodySize: limitOf(options, "maxBodySize"),
    handshakeTimeout: timeOf(options, "handshakeTimeout"),
    followRedirects: followRedirects === undefined ? undefined : limitOf(options, "followRedirects"),
    use: conn === undefined ? checkDialOptions(options) : checkGiven(conn, options),
    keepAlive: checkBoolean("keepAlive", options.keepAlive, false),
    signal: checkSignal(options.signal),
  };
}

/** The options that can't be used with `conn`. */
const DIALLING = ["unix", "proxy", "caCerts", "cert", "key", "http2", "followRedirects"] as const;

function checkGiven(conn: ByteConnection, options: ConnectOptions): GivenConnection {
  const unused = DIALLING.find((name) => options[name] !== undefined);
  if (unused) throw new TypeError(`Cannot use the option ${unused}: the connection is given as conn`);
  return { conn, prefix: checkPrefix(options.prefix) };
}
