// The interface of a client's HTTP/2 session, which many WebSockets share. One runtime module implements it for all.

import { ExchangeError } from "../errors/problem.ts";
import type { ByteConnection } from "../transport/transport.ts";
import type { Tls } from "./dialler.ts";

/** How a session begins on a connection that is made. */
export interface Http2Start {
  /** With the scheme http or https. */
  readonly url: URL;
  readonly tls: Tls | undefined;
  /** What was read behind a proxy's response. */
  readonly prefix: Uint8Array | undefined;
}

/** The answer to a request. */
export interface Http2Answer {
  /** The fields of the response as they came, `:status` included. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly conn: ByteConnection;
}

/** A session whose server has sent its SETTINGS (RFC 8441 §3). */
export interface Http2Session {
  /** Whether the server takes an extended CONNECT. */
  readonly takesConnect: boolean;
  /** Whether new streams may be opened: the server has neither sent GOAWAY nor gone. */
  readonly isOpen: boolean;
  /** How many streams the server lets be open at once (RFC 9113 §5.1.2). */
  readonly maxStreams: number;
  /**
   * Opens a stream. Rejects with the signal's reason, or with an `ExchangeError` when the stream is lost before its response;
   * that is a {@linkcode StreamRefused} when the server has done nothing about the request, and {@linkcode Http1Instead}
   * when it asks for HTTP/1.1. So it is for a session that takes no new streams any more.
   *
   * @param onClose Called once the stream is closed, whatever became of it.
   */
  request(fields: Readonly<Record<string, string>>, signal: AbortSignal, onClose: () => void): Promise<Http2Answer>;
  /** Ends it once its streams are closed. */
  close(): void;
}

/** The error of a stream that the server has not looked at: the request can be sent again (RFC 9113 §8.7). */
export class StreamRefused extends ExchangeError {}

/** An error that `http2: "auto"` answers with a request over HTTP/1.1. */
export class Http1Instead extends ExchangeError {}

/**
 * The error of a server that takes no WebSockets over HTTP/2.
 *
 * @param what It has, or has done.
 */
export function http2Unsupported(what: string, options?: ErrorOptions): Http1Instead {
  const message = `the server has ${what}; with http2: "auto", HTTP/1.1 is used then`;
  return new Http1Instead("http2-unsupported", message, options);
}

/**
 * Begins a session on a connection of {@linkcode nodeDialler}, with the TLS handshake where there is one.
 *
 * @returns `undefined` when the server has no HTTP/2; then the connection is closed. Rejects with an `ExchangeError`.
 */
export type StartHttp2 = (
  conn: ByteConnection,
  start: Http2Start,
  signal: AbortSignal,
) => Promise<Http2Session | undefined>;

/** How sessions are made. */
export interface Http2Dialler {
  /** Connects by TCP, or to a Unix socket. */
  connect(
    address: { readonly hostname: string; readonly port: number } | { readonly unix: string },
    signal: AbortSignal,
  ): Promise<ByteConnection>;
  readonly start: StartHttp2;
}
